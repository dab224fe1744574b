/* One non-blocking TCP connection: connect, read into the caller's buffer, write gathered bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_TCP_H
#define NX_IO_TCP_H

#include "io/resolve.h"

struct nx_tcp;

/** Callbacks of one connection; they run from the loop's poll, never inside a call on the object,
 * and may close the connection they are told of. */
struct nx_tcp_handlers {
    /** Connected (rc 0), or not: NOEX_ECONNREFUSED, NOEX_EUNREACHABLE, NOEX_ECONNECTTIMEOUT (the
     * kernel's own), NOEX_ESYSTEM. */
    void (*connected)(void *ctx, int rc, const struct noex_error *err);
    /** There is something to read (or the end of file, or an error, which nx_tcp_read will tell).
     */
    void (*readable)(void *ctx);
    /** After nx_tcp_write took less than it was given: there is room again. */
    void (*writable)(void *ctx);
};

/** Starts connecting to `addr` at `port`. TCP_NODELAY and close-on-exec are set; SIGPIPE never
 * comes. Errors (no callback then): NOEX_ENOMEM, NOEX_ESYSTEM, NOEX_EUNREACHABLE,
 * NOEX_ECONNREFUSED. */
NOEX_MUST_USE int nx_tcp_connect(struct nx_tcp **out, struct nx_loop *loop,
                                 const struct nx_addr *addr, uint16_t port,
                                 const struct nx_tcp_handlers *handlers, void *ctx,
                                 struct noex_error *err);

/** Takes a connected, non-blocking socket over, which came from `from`; on failure it is closed.
 * Handlers must be set before the loop goes on. Errors: NOEX_ENOMEM, NOEX_ESYSTEM. */
NOEX_MUST_USE int nx_tcp_take(struct nx_tcp **out, struct nx_loop *loop, int fd,
                              const struct nx_addr *from, struct noex_error *err);

/** The other end, as nx_addr_place writes it. */
const char *nx_tcp_where(const struct nx_tcp *t);

/** Hands the connection on to another owner: callbacks go there from now on. */
void nx_tcp_set_handlers(struct nx_tcp *t, const struct nx_tcp_handlers *handlers, void *ctx);

/** Reads once: >0 bytes, 0 nothing there now, or NOEX_ECLOSED (end of file), NOEX_ELOST (reset and
 * the like, errno in `err`). */
NOEX_MUST_USE int64_t nx_tcp_read(struct nx_tcp *t, uint8_t *buf, size_t size,
                                  struct noex_error *err);

/** Whether readable() is to be told of (true at first). */
void nx_tcp_watch_reads(struct nx_tcp *t, bool yes);

/** Writes once: bytes taken (0: no room now, writable() will come), or NOEX_ELOST. */
NOEX_MUST_USE int64_t nx_tcp_write(struct nx_tcp *t, const uint8_t *bytes, size_t len,
                                   struct noex_error *err);

/** Sends the end of file behind what was written; reading goes on. */
void nx_tcp_finish(struct nx_tcp *t);

/** Frees now as far as the caller is concerned: no callback comes any more; the descriptor is
 * closed after uv_close of its poll. NULL is allowed. */
void nx_tcp_close(struct nx_tcp *t);

#endif
