/* One conversation with epmd over a connection that the caller holds: look up a node, list the
 * nodes, or register and hold. Bytes in, bytes out, a deadline; no socket, no clock, no allocation.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPMD_SESSION_H
#define EPMD_SESSION_H

#include "epmd_proto.h"

/** What a conversation waits for. */
enum epmd_state {
    EPMD_STATE_IDLE = 0,
    EPMD_AWAIT_ALIVE2_RESP,
    EPMD_AWAIT_PORT2_RESP,
    EPMD_AWAIT_NAMES_PORT,
    EPMD_AWAIT_NAMES_LINE,
    EPMD_STATE_HELD,     /* registered, for as long as the caller keeps the connection open */
    EPMD_STATE_ANSWERED, /* the connection is of no more use */
    EPMD_STATE_FAILED    /* likewise, see `error` */
};

/** A node in the listing, borrowed for the call. 0: go on; anything else ends the listing with
 *  EPMD_ESTOPPED. Must not call back into the session. */
typedef int (*epmd_entry_fn)(void *user, const struct epmd_entry *entry);

/** The caller's memory, about 4 KiB; begun by one of the three functions below, and not moved while
 * results of it are used. The fields belong to the implementation. */
struct epmd_session {
    enum epmd_state state;
    int error;
    uint64_t deadline;
    epmd_entry_fn on_entry;
    void *user;
    struct epmd_node node;
    uint32_t creation;
    uint32_t skipped;
    uint16_t epmd_port;
    size_t in_len;
    size_t out_len;
    size_t out_sent;
    uint8_t in[EPMD_REPLY_MAX];
    uint8_t out[EPMD_REQUEST_MAX];
};

enum epmd_progress { EPMD_MORE = 0, EPMD_DONE = 1 };

/**
 * Each begins a conversation: connect to epmd, send epmd_session_out, feed what comes. The answer
 * must be complete `timeout_ms` after `now_ms`, however it trickles in (OTP waits 10,000 ms).
 * Arguments are copied. Returns 0, or EPMD_EINVALID as epmd_put_*_req do.
 *
 * Register by way of 127.0.0.1, ::1 or the host's own address: epmd closes connections from
 * elsewhere without an answer.
 */
int epmd_session_lookup(struct epmd_session *s, const char *name, size_t name_len, uint64_t now_ms,
                        uint64_t timeout_ms);
int epmd_session_names(struct epmd_session *s, epmd_entry_fn on_entry, void *user, uint64_t now_ms,
                       uint64_t timeout_ms);
int epmd_session_register(struct epmd_session *s, const struct epmd_node *node, uint64_t now_ms,
                          uint64_t timeout_ms);

/**
 * Takes received bytes: EPMD_MORE, EPMD_DONE, or the error that ended the conversation, which each
 * later call repeats. After an error close the connection, always: epmd leaves it open when a name
 * is taken.
 *
 * - Look-up: EPMD_DONE when found, EPMD_ENOTFOUND when not. Close the connection; bytes behind the
 *   answer are not looked at.
 * - Listing: EPMD_MORE until the end of the stream, see epmd_session_eof.
 * - Registration: EPMD_DONE when registered, EPMD_ETAKEN when another has the name. It lives as
 *   long as the connection, and any byte sent there would end it: the session sends no more. Keep
 *   reading: a byte from epmd is EPMD_EGARBAGE, the end is EPMD_ELOST.
 */
int epmd_session_feed(struct epmd_session *s, const void *bytes, size_t len);

/**
 * The peer closed: EPMD_DONE behind a whole line of a listing or after an answer; EPMD_ELOST when a
 * registration was held; else EPMD_EREFUSED where nothing had come, or EPMD_ECUT.
 */
int epmd_session_eof(struct epmd_session *s);

/** What is to be sent, borrowed until the next call; epmd_session_sent says how much of it went. */
const uint8_t *epmd_session_out(const struct epmd_session *s, size_t *len);
void epmd_session_sent(struct epmd_session *s, size_t n);

/** When epmd_session_timeout is due; UINT64_MAX when nothing is awaited, as while registered. */
uint64_t epmd_session_deadline(const struct epmd_session *s);

/** Ends the conversation with EPMD_ETIMEOUT once its deadline has come; else 0. */
int epmd_session_timeout(struct epmd_session *s, uint64_t now_ms);

/** What is awaited, in words: "epmd's answer to the registration". */
const char *epmd_session_awaits(const struct epmd_session *s);

/** After EPMD_DONE of a look-up: the node. Its pointers live as long as the session. */
const struct epmd_node *epmd_session_node(const struct epmd_session *s);

/** After EPMD_DONE of a registration: the creation that epmd gave; 1..3 from an epmd older than
 * OTP 23. A node that registers again must keep the creation it has. */
uint32_t epmd_session_creation(const struct epmd_session *s);

/** Of a listing: the port that epmd believes to listen on (erl ignores a listing with another port
 * than the one asked; behind a port forwarding it differs), and how many lines were no entry. */
uint16_t epmd_session_epmd_port(const struct epmd_session *s);
uint32_t epmd_session_skipped(const struct epmd_session *s);

#endif
