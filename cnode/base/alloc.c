/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *libc_alloc(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void *libc_resize(void *user, void *ptr, size_t size)
{
    (void)user;
    return realloc(ptr, size);
}

static void libc_release(void *user, void *ptr)
{
    (void)user;
    free(ptr);
}

const struct noex_allocator nx_alloc_libc = {NULL, libc_alloc, libc_resize, libc_release};

void *nx_alloc(const struct noex_allocator *a, size_t size)
{
    return a->alloc(a->user, size ? size : 1);
}

void *nx_calloc(const struct noex_allocator *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *ptr = nx_alloc(a, count * size);
    if (ptr)
        memset(ptr, 0, count * size);
    return ptr;
}

void *nx_realloc(const struct noex_allocator *a, void *ptr, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    size_t bytes = count * size;
    return a->resize(a->user, ptr, bytes ? bytes : 1);
}

char *nx_strndup(const struct noex_allocator *a, const char *text, size_t len)
{
    char *copy = nx_alloc(a, len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void nx_free(const struct noex_allocator *a, void *ptr)
{
    a->release(a->user, ptr);
}
