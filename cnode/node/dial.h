/* From a host name to a connected socket: name resolution, then each address in turn, a second one
 * beside the first where that is slow, and of the other family where there is one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_DIAL_H
#define NX_NODE_DIAL_H

#include "io/tcp.h"

struct nx_dial;

/**
 * `rc` 0: `tcp` is connected to the first of `addrs` and the owner's from now on (it sets handlers
 * and closes); the host's other addresses stand behind it. Else the error of the last address that
 * was tried. The dial is over and frees itself when this returns. Never runs inside nx_dial_start.
 */
typedef void (*nx_dialled_fn)(void *ctx, int rc, struct nx_tcp *tcp, const struct nx_addrs *addrs,
                              const struct noex_error *err);

/** Where to: `addrs`, in this order, when they are known already, else `host`. Borrowed for the
 * call. */
struct nx_dial_target {
    const char *host;
    const struct nx_addrs *addrs;
    uint16_t port;
    uint64_t step_ms; /* limit of the resolution, and of each connection attempt */
};

/**
 * Starts. Errors (then nothing is called back): NOEX_ENOMEM, NOEX_ESYSTEM, NOEX_EHOST, and with
 * `addrs` also those of nx_tcp_connect. Later, in `done`: NOEX_EHOST, NOEX_EDNSTIMEOUT,
 * NOEX_ECONNREFUSED, NOEX_EUNREACHABLE, NOEX_ECONNECTTIMEOUT.
 */
NOEX_MUST_USE int nx_dial_start(struct nx_dial **out, const struct noex_allocator *a,
                                struct nx_loop *loop, const struct nx_dial_target *target,
                                nx_dialled_fn done, void *ctx, struct noex_error *err);

/** Gives up; `done` is not called. NULL is allowed. */
void nx_dial_cancel(struct nx_dial *d);

uint64_t nx_dial_deadline(const struct nx_dial *d);
/** Acts when the deadline has passed: goes on to the next address, or calls `done`. */
void nx_dial_timeout(struct nx_dial *d, uint64_t now_ms);

#endif
