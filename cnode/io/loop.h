/* The event loop: libuv, one turn at a time; clocks. The only layer that knows sockets, and knows
 * no Erlang. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_LOOP_H
#define NX_IO_LOOP_H

#include "io/mailbox.h"

#include <noex/alloc.h>
#include <noex/error.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * What the loop asks of its owner. Both run inside nx_loop_run (or the uv_run of a caller's own
 * loop) and never inside another call.
 */
struct nx_loop_hooks {
    void *ctx;
    /** The earliest moment (nx_loop_now clock) at which turn() wants to run though nothing
     * happened; UINT64_MAX: none. Asked before each wait. */
    uint64_t (*deadline)(void *ctx);
    /** After each poll for I/O: act on deadlines, flush what is to be written, deliver events. */
    void (*turn)(void *ctx, uint64_t now_ms);
};

struct nx_loop;

/**
 * A loop of its own (`foreign` NULL), or one that rides on a caller's uv_loop_t (passed as void *).
 * Errors: NOEX_ENOMEM, NOEX_ESYSTEM.
 */
NOEX_MUST_USE int nx_loop_new(struct nx_loop **out, const struct noex_allocator *a, void *foreign,
                              const struct nx_loop_hooks *hooks, struct noex_error *err);

/**
 * Starts closing; nothing of `hooks` runs any more. `closed` is called when the last uv_close
 * callback has run and the loop's memory is gone: for a loop of its own inside this call (from
 * inside a turn: when that nx_loop_run ends), for a caller's loop later, from its uv_run. Never
 * waits for name resolution. All tcp objects must be closed before.
 */
void nx_loop_close(struct nx_loop *loop, void (*closed)(void *ctx), void *ctx);

/** One turn of an own loop: waits at most `max_wait_ms` for something to happen (0: not at all).
 * Errors: NOEX_ESYSTEM. */
NOEX_MUST_USE int nx_loop_run(struct nx_loop *loop, uint64_t max_wait_ms);

/** Nesting in a foreign loop: poll this descriptor for reading, level-triggered, and call
 * nx_loop_run(loop, 0) when it is readable or when nx_loop_timeout_ms has passed. */
int nx_loop_fd(struct nx_loop *loop);
/** From our own deadlines and clock, never uv_backend_timeout; -1: no limit. */
int64_t nx_loop_timeout_ms(struct nx_loop *loop);

/** From inside the owner's thread: makes the next turn come at once (something was queued outside a
 * turn). Costs no system call unless the descriptor was asked for, or the loop is foreign. */
void nx_loop_kick(struct nx_loop *loop);
/** From any thread: the same. Safe until nx_loop_close was called. */
void nx_loop_wakeup(struct nx_loop *loop);

/** The way in for other threads. Borrowed for the loop's life; a thread that keeps it takes a hold.
 */
struct nx_mailbox *nx_loop_mailbox(struct nx_loop *loop);

/** Monotonic milliseconds; one value a turn, refreshed on entering nx_loop_run and by
 * nx_loop_update. */
uint64_t nx_loop_now(const struct nx_loop *loop);
void nx_loop_update(struct nx_loop *loop);
/** For deadlines that may be a little late: a moment that is not before now, and a few milliseconds
 * behind it at most. Takes a fifth of the time of nx_loop_update. */
uint64_t nx_loop_soon(const struct nx_loop *loop);
/** Wall clock in microseconds since 1970, read afresh. */
int64_t nx_wall_us(void);

#endif
