/* Structs of the API that carry their size, which is their first member.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_SIZED_H
#define NX_BASE_SIZED_H

#include <stddef.h>
#include <string.h>

/** Fills in a struct of `size` bytes, of which this library knows `known`: the defaults, zeroes
 * beyond them, its size. NULL is left alone. */
static inline void nx_sized_init(void *to, size_t size, const void *defaults, size_t known)
{
    if (!to)
        return;
    memset(to, 0, size);
    memcpy(to, defaults, size < known ? size : known);
    if (size >= sizeof size)
        memcpy(to, &size, sizeof size);
}

#endif
