/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/secret.h"

#include "base/alloc.h"

#include <openssl/crypto.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

/* Stands before each piece. */
union head {
    size_t size;
    max_align_t align;
};

static void *secret_alloc(void *user, size_t size)
{
    (void)user;
    if (size > SIZE_MAX - sizeof(union head))
        return NULL;
    union head *head = nx_alloc(&nx_alloc_libc, sizeof *head + size);
    if (!head)
        return NULL;
    head->size = size;
    return head + 1;
}

static void secret_release(void *user, void *ptr)
{
    (void)user;
    if (!ptr)
        return;
    union head *head = (union head *)ptr - 1;
    OPENSSL_cleanse(ptr, head->size);
    nx_free(&nx_alloc_libc, head);
}

static void *secret_resize(void *user, void *ptr, size_t size)
{
    void *moved = secret_alloc(user, size);
    if (!moved || !ptr)
        return moved;
    const union head *head = (const union head *)ptr - 1;
    memcpy(moved, ptr, head->size < size ? head->size : size);
    secret_release(user, ptr);
    return moved;
}

const struct noex_allocator nx_alloc_secret = {NULL, secret_alloc, secret_resize, secret_release};
