/* The allocator of a node. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_ALLOC_H
#define NOEX_ALLOC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Where a node takes its memory from; but for what other threads touch (posts, name lookups) and
 * for libuv and OpenSSL themselves, which is malloc's. Copied when the node is made; `user` is
 * borrowed until the node is freed. All three functions are called only from the thread that drives
 * the node.
 */
struct noex_allocator {
    /** Passed to each function as it is. */
    void *user;
    /** At least `size` bytes (never 0), aligned for any type, or NULL. */
    void *(*alloc)(void *user, size_t size);
    /** As realloc(3): `ptr` may be NULL, `size` is never 0; NULL leaves `ptr` as it was. */
    void *(*resize)(void *user, void *ptr, size_t size);
    /** As free(3): `ptr` may be NULL. */
    void (*release)(void *user, void *ptr);
};

#ifdef __cplusplus
}
#endif
#endif
