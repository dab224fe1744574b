/* A listening TCP socket: who connects is handed on, one connection at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_LISTEN_H
#define NX_IO_LISTEN_H

#include "io/tcp.h"

struct nx_listen;

/** Somebody waits to be accepted. Runs from the loop's poll, again and again until nobody waits or
 * the socket is paused; may close the socket. */
typedef void (*nx_incoming_fn)(void *ctx, struct nx_listen *l);

/**
 * Listens at `addr` and `port` (0: one that the kernel chooses); at "::" for IPv4 too. Errors:
 * NOEX_ENOMEM, NOEX_ENOTLOCAL (no address of this machine), NOEX_ESYSTEM (the errno says which: the
 * port is in use, or not allowed).
 */
NOEX_MUST_USE int nx_listen_open(struct nx_listen **out, struct nx_loop *loop,
                                 const struct nx_addr *addr, uint16_t port, nx_incoming_fn incoming,
                                 void *ctx, struct noex_error *err);

uint16_t nx_listen_port(const struct nx_listen *l);

/** Accepts one: 1 and `*out`, whose handlers are to be set, or 0 where nobody waits. Errors:
 * NOEX_ENOMEM (whoever waited is gone), NOEX_ESYSTEM (no descriptor: who waits goes on waiting, and
 * the socket is to be paused). */
NOEX_MUST_USE int nx_listen_accept(struct nx_listen *l, struct nx_tcp **out,
                                   struct noex_error *err);

/** Who comes waits in the kernel, until this is undone. */
void nx_listen_pause(struct nx_listen *l, bool paused);

/** No callback comes any more. NULL is allowed. */
void nx_listen_close(struct nx_listen *l);

#endif
