/* Random numbers as an argument: the real source is in handshake/digest.c, fakes are in tests/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_RANDOM_H
#define NX_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** Fills `len` bytes; returns 0, or NOEX_ERANDOM. */
struct nx_random {
    int (*fill)(void *ctx, uint8_t *bytes, size_t len);
    void *ctx;
};

#endif
