/* What the loop shows the rest of cnode/io only: its uv_loop_t and the count of its handles.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_LOOP_UV_H
#define NX_IO_LOOP_UV_H

#include "io/loop.h"
#include <uv.h>

uv_loop_t *nx_loop_uv(struct nx_loop *loop);
/** Borrowed for the loop's life; only for the loop's thread. */
const struct noex_allocator *nx_loop_allocator(const struct nx_loop *loop);

/** One more uv handle that must be closed before the loop can go. */
void nx_loop_hold(struct nx_loop *loop);
/** From that handle's close callback, as its last deed: the loop may be gone afterwards. */
void nx_loop_release(struct nx_loop *loop);

/** How many names are being looked up, cancelled ones included. */
unsigned *nx_loop_lookups(struct nx_loop *loop);

#endif
