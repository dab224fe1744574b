/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"

#include <stdlib.h>

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
    return ptr;
}

static void *test_resize(void *user, void *ptr, size_t size)
{
    struct alloc_test *t = user;
    if (fails(t))
        return NULL;
    void *grown = realloc(ptr, size);
    t->live += grown && !ptr;
    return grown;
}

static void test_release(void *user, void *ptr)
{
    struct alloc_test *t = user;
    t->live -= ptr != NULL;
    free(ptr);
}

void alloc_test_init(struct alloc_test *t)
{
    *t = (struct alloc_test){.a = {t, test_alloc, test_resize, test_release}};
}
