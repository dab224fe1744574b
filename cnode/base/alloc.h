/* Allocation, always through the node's allocator: the one place that names malloc.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_ALLOC_H
#define NX_BASE_ALLOC_H

#include <noex/alloc.h>

/** malloc, realloc and free of the C library. */
extern const struct noex_allocator nx_alloc_libc;

/** `size` bytes, uninitialised; NULL when there is no memory. `size` 0 counts as 1. */
void *nx_alloc(const struct noex_allocator *a, size_t size);

/** `count` times `size` bytes of zeroes; NULL also when the product overflows. */
void *nx_calloc(const struct noex_allocator *a, size_t count, size_t size);

/** As realloc(3) for an array of `count` times `size` bytes; NULL (and `ptr` kept) on overflow too.
 */
void *nx_realloc(const struct noex_allocator *a, void *ptr, size_t count, size_t size);

/** A copy of `len` bytes with a NUL behind; NULL when there is no memory. */
char *nx_strndup(const struct noex_allocator *a, const char *text, size_t len);

void nx_free(const struct noex_allocator *a, void *ptr);

#endif
