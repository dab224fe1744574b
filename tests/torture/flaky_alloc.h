/* An allocator that fails now and then. SPDX-License-Identifier: Apache-2.0 */
#ifndef FLAKY_ALLOC_H
#define FLAKY_ALLOC_H

#include <noex/alloc.h>
#include <stdint.h>
#include <stdlib.h>

struct flaky_alloc {
    struct noex_allocator a;
    uint32_t every; /* one in so many fails; 0: none */
    uint32_t seed;
    uint64_t live; /* blocks not given back */
};

static inline int flaky_fails(struct flaky_alloc *f)
{
    f->seed = f->seed * 1664525u + 1013904223u;
    return f->every && (f->seed >> 8) % f->every == 0;
}

static inline void *flaky_get(void *user, size_t size)
{
    struct flaky_alloc *f = user;
    void *p = flaky_fails(f) ? NULL : malloc(size);
    f->live += p != NULL;
    return p;
}

static inline void *flaky_resize(void *user, void *ptr, size_t size)
{
    struct flaky_alloc *f = user;
    if (!ptr)
        return flaky_get(user, size);
    return flaky_fails(f) ? NULL : realloc(ptr, size);
}

static inline void flaky_give(void *user, void *ptr)
{
    struct flaky_alloc *f = user;
    f->live -= ptr != NULL;
    free(ptr);
}

static inline const struct noex_allocator *flaky_allocator(struct flaky_alloc *f)
{
    f->a = (struct noex_allocator){f, flaky_get, flaky_resize, flaky_give};
    return &f->a;
}

#endif
