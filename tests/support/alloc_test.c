/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"

#include <malloc.h>
#include <stdlib.h>

static void count_bytes(struct alloc_test *t, void *ptr)
{
    t->bytes += malloc_usable_size(ptr);
    t->peak = t->bytes > t->peak ? t->bytes : t->peak;
}

static bool fails(struct alloc_test *t)
{
    t->calls++;
    bool fail = t->fail_at && (t->calls == t->fail_at || (t->fail_on && t->calls > t->fail_at));
    t->failed += fail;
    return fail;
}

static void *test_alloc(void *user, size_t size)
{
    struct alloc_test *t = user;
    if (fails(t))
        return NULL;
    void *ptr = malloc(size);
    t->live += ptr != NULL;
    count_bytes(t, ptr);
    return ptr;
}

static void *test_resize(void *user, void *ptr, size_t size)
{
    struct alloc_test *t = user;
    if (fails(t))
        return NULL;
    size_t before = malloc_usable_size(ptr);
    void *grown = realloc(ptr, size);
    t->live += grown && !ptr;
    t->bytes -= grown ? before : 0;
    count_bytes(t, grown);
    return grown;
}

static void test_release(void *user, void *ptr)
{
    struct alloc_test *t = user;
    t->live -= ptr != NULL;
    t->bytes -= malloc_usable_size(ptr);
    free(ptr);
}

void alloc_test_init(struct alloc_test *t)
{
    *t = (struct alloc_test){.a = {t, test_alloc, test_resize, test_release}};
}
