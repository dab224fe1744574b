/* One connection as bytes in, bytes out, deadline: the handshake, then frames to signals, ticks and
 * the barrier. Knows no socket and no clock. Protocol.md sections 2, 4, 6 and 8.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CONN_CONN_H
#define NX_CONN_CONN_H

#include "conn/incoming.h"
#include "conn/stencil.h"
#include "handshake/hs.h"
#include "term/ident.h"

/** What a reference of ours is for: its third word. The first two are slot and generation. */
enum nx_ref_use {
    NX_REF_MONITOR = 0x4d4f4e,
    NX_REF_BARRIER = 0x424152,
    NX_REF_RESOLVE = 0x524553,
    NX_REF_ALIAS = 0x414c49,
    NX_REF_CALL = 0x43414c
};

/** All run inside nx_conn_received or nx_conn_timeout. They may call nx_conn_send and
 * nx_conn_barrier, and nothing that frees the connection. */
struct nx_conn_handlers {
    void *ctx;
    /** The handshake is done. A result other than 0 closes the connection. May call
     * nx_conn_set_handlers. */
    int (*up)(void *ctx, const struct nx_hs_result *result, struct noex_error *err);
    /** How much of this signal's payload somebody here wants to read: of a message in fragments, or
     * with atoms of the cache in it, no more is kept. Asked before the payload has come. */
    size_t (*wanted)(void *ctx, const struct nx_ctrl *ctrl);
    /** A signal other than the answer to a barrier. A result other than 0 closes the connection. */
    int (*signal)(void *ctx, const struct nx_signal *signal, struct noex_error *err);
    /** The barrier came back: the peer has handled all that was sent before it. */
    void (*barrier)(void *ctx);
    /** A further quarter of net_ticktime without a byte. */
    void (*tick_missed)(void *ctx, unsigned missed);
};

struct nx_conn_config {
    struct nx_hs_config hs; /* copied; what it points to is borrowed for the connection's life */
    struct nx_conn_handlers handlers;
    uint64_t ticktime_ms;
    size_t message_max;
    size_t out_max;
    size_t fragments_max;
};

/** Counters of one connection. */
struct nx_conn_stats {
    uint64_t frames_in;
    uint64_t frames_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t ticks_in;
    uint64_t ticks_out;
    uint64_t unknown_ops;
};

struct nx_conn;

/** NULL with the cause in `err`: as nx_hs_new. */
struct nx_conn *nx_conn_new(const struct nx_conn_config *config, uint64_t now_ms,
                            struct noex_error *err);
void nx_conn_free(struct nx_conn *c);
/** Hands the connection on to another owner: its handlers are called from now on. */
void nx_conn_set_handlers(struct nx_conn *c, const struct nx_conn_handlers *handlers);

/** As nx_hs_start. */
void nx_conn_start(struct nx_conn *c, uint64_t now_ms);

/** Where to read into: at least some kilobytes. Errors: NOEX_ENOMEM, NOEX_ETOOBIG. */
NOEX_MUST_USE int nx_conn_room(struct nx_conn *c, uint8_t **bytes, size_t *size,
                               struct noex_error *err);
/** `n` bytes were read there. Any error means: send what is left in nx_conn_out if that can be done
 * at once, then close. */
NOEX_MUST_USE int nx_conn_received(struct nx_conn *c, size_t n, uint64_t now_ms,
                                   struct noex_error *err);
/** The peer closed: the error that this means now. Never 0. */
NOEX_MUST_USE int nx_conn_eof(struct nx_conn *c, struct noex_error *err);

uint64_t nx_conn_deadline(const struct nx_conn *c);
/** Acts on what is due. Errors: NOEX_EHANDSHAKETIMEOUT, NOEX_ETICKTIMEOUT. */
NOEX_MUST_USE int nx_conn_timeout(struct nx_conn *c, uint64_t now_ms, struct noex_error *err);

/** The bytes to send next, borrowed until the next call; nx_conn_sent says how many went. There are
 * more behind them where big messages wait. */
struct nx_span nx_conn_out(const struct nx_conn *c);
void nx_conn_sent(struct nx_conn *c, size_t n, uint64_t now_ms);

/** All bytes that were accepted and are not sent yet, which out_max limits; and those of them that
 * neither belong to big messages nor wait behind one. */
size_t nx_conn_queued(const struct nx_conn *c);
size_t nx_conn_ready(const struct nx_conn *c);

bool nx_conn_is_up(const struct nx_conn *c);
/** What is going on, in words, before it is up: "handshake: the peer's status". */
const char *nx_conn_step(const struct nx_conn *c);

/** When a byte was read last. */
uint64_t nx_conn_heard_ms(const struct nx_conn *c);
/** What the handshake found out. Valid once up. */
const struct nx_hs_result *nx_conn_peer(const struct nx_conn *c);
bool nx_conn_has_flag(const struct nx_conn *c, uint64_t dflag);

/** The one pid of this node on this connection, as raw term: who watches, asks and answers. Valid
 * once up. */
struct nx_span nx_conn_self_pid(const struct nx_conn *c);
/** True where a pid or reference read from this connection is one of this node in its present
 * incarnation. */
bool nx_conn_is_self(const struct nx_conn *c, struct nx_span node, uint32_t creation);

enum { NX_CONN_REF_SIZE = 3 + 3 + 255 * 4 + 4 + 12 };
/** A reference of ours for this connection, written to `bytes`. */
struct nx_span nx_conn_ref(const struct nx_conn *c, enum nx_ref_use use, uint32_t slot,
                           uint32_t generation, uint8_t bytes[NX_CONN_REF_SIZE]);
/** Reads a reference of ours back; false where it is somebody else's or an older incarnation's. */
bool nx_conn_own_ref(const struct nx_conn *c, struct nx_span raw, uint32_t *use, uint32_t *slot,
                     uint32_t *generation);

/**
 * Queues one signal of the local process with the number `sender` (0: of none). Those of one sender
 * go in their order. A message of more than 64 KiB goes in fragments if the peer takes them, and
 * signals of others, ticks and other big messages between them; what its sender sends after it
 * waits behind it. Once it is queued nothing of it can fail. Errors, which leave all as it was:
 * NOEX_ENOMEM; NOEX_EUNREAD when out_max is passed (the peer does not read); NOEX_ELIMIT when it
 * alone passes out_max; NOEX_EINVALID where an element of `ctrl` is missing.
 */
NOEX_MUST_USE int nx_conn_send(struct nx_conn *c, uint32_t sender, const struct nx_ctrl *ctrl,
                               struct nx_span payload);

/** MONITOR_P of a process of the peer, by pid: as nx_conn_send of sender 0; these are the numbers
 * in it. From the second on it can mostly be repeated with others. */
NOEX_MUST_USE int nx_conn_send_stencil(struct nx_conn *c, const struct nx_ctrl *ctrl,
                                       const struct nx_stencil_numbers *numbers);
bool nx_conn_can_repeat(const struct nx_conn *c);
/** The same again, where it can be, without encoding it. Errors: as nx_conn_send. */
NOEX_MUST_USE int nx_conn_repeat(struct nx_conn *c, const struct nx_stencil_numbers *numbers);

/** Sends a barrier unless one is under way (protocol.md 6.4: a monitor on the name `undefined`). It
 * goes as a signal of sender 0, and so confirms those of sender 0 and what waits for no big
 * message. Needs both monitor flags. Errors: NOEX_ENOMONITOR; as nx_conn_send. */
NOEX_MUST_USE int nx_conn_barrier(struct nx_conn *c);
bool nx_conn_barrier_under_way(const struct nx_conn *c);

const struct nx_conn_stats *nx_conn_get_stats(const struct nx_conn *c);

#endif
