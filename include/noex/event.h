/* What a node tells. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_EVENT_H
#define NOEX_EVENT_H

#include <noex/error.h>
#include <noex/reason.h>
#include <noex/target.h>
#include <noex/term.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Names a monitor for its whole life; never 0, never used twice in the life of a node. */
typedef uint64_t noex_monitor_id;

/** Names a call, a spawn or a remote call for its whole life; never 0, never used twice in the life
 * of a node. */
typedef uint64_t noex_call_id;

/**
 * Order, as promised: for one monitor UP, then DOWN. On the loss of a connection: all DOWNs
 * (noconnection, in the order in which the monitors were made; a printed pid that had to be looked
 * up counts from the answer), then FAILED for the pending ones, then what the loss means to
 * processes of this node that were linked there (EXIT, PROCESS_END), then NODE_DOWN; all of it
 * before any NODE_UP of the same node. For one process: as things came, but messages of priority
 * before the others; PROCESS_END is the last.
 */
enum noex_event_type {
    /** Connected: node. */
    NOEX_EVENT_NODE_UP = 1,
    /** The connection is gone: node, error. Errors: NOEX_ECLOSED, NOEX_ELOST, NOEX_ETICKTIMEOUT,
     * NOEX_EDISCONNECTED (noex_disconnect), NOEX_EUNREAD, NOEX_EPROTOCOL, NOEX_ETERM, NOEX_ETOOBIG
     * (message_max, fragments_max), NOEX_EMAIL (mail_max), NOEX_ETLS, NOEX_ENOMEM. */
    NOEX_EVENT_NODE_DOWN = 2,
    /** An attempt to connect failed: node, error, attempt. Pulled late, the newest of several.
     * Errors: NOEX_EHOST, NOEX_EDNSTIMEOUT; NOEX_EEPMD, NOEX_EEPMDTIMEOUT, NOEX_EEPMDGARBAGE,
     * NOEX_ENONODE; NOEX_ECONNREFUSED, NOEX_EUNREACHABLE, NOEX_ECONNECTTIMEOUT; NOEX_ECLOSED,
     * NOEX_ELOST, NOEX_EHANDSHAKETIMEOUT, NOEX_ECOOKIE, NOEX_EFLAG, NOEX_ENAMECLASH,
     * NOEX_ENAMEMISMATCH, NOEX_ETLSPEER, NOEX_EPLAINPEER, NOEX_ECERT, NOEX_ECERTREFUSED,
     * NOEX_ETLS, NOEX_EGARBAGE, NOEX_ENOTALLOWED, NOEX_ESIMULTANEOUS,
     * NOEX_EDISCONNECTED, NOEX_ENOMEM, NOEX_ERANDOM, NOEX_ESYSTEM. */
    NOEX_EVENT_CONNECT_FAILED = 3,
    /** The next attempt comes in delay_ms: node, attempt, delay_ms. */
    NOEX_EVENT_RECONNECT = 4,
    /** A further quarter of ticktime without a byte: node, missed. */
    NOEX_EVENT_TICK_MISSED = 5,
    /** Established, the target's node holds the monitor: monitor, monitor_user, target. */
    NOEX_EVENT_MONITOR_UP = 6,
    /** Ended: as UP, and reason, origin, term. */
    NOEX_EVENT_MONITOR_DOWN = 7,
    /** Never came to be: as UP, and error. Errors: NOEX_ESETUPTIMEOUT, NOEX_ENOMONITOR, NOEX_EPID,
     * NOEX_ENOTREACHABLE (the connection was lost), and what a CONNECT_FAILED may hold. */
    NOEX_EVENT_MONITOR_FAILED = 8,
    /** Of a node that listens: others can reach it now; epmd holds its name, unless no_epmd was
     * asked for: node (its own name), port. */
    NOEX_EVENT_REGISTERED = 9,
    /** Of a node that listens: epmd does not hold its name (any more): node (its own name), error.
     * It is tried again every two seconds, as the same incarnation, and told again where the error
     * is another one. Pulled late, the newest of several. Errors: NOEX_EEPMD, NOEX_EEPMDTIMEOUT,
     * NOEX_EEPMDGARBAGE, NOEX_ENAMETAKEN, NOEX_ENOMEM, NOEX_ESYSTEM. */
    NOEX_EVENT_UNREGISTERED = 10,
    /** Of a node that listens: it does not, for this reason: node (its own name), error; tried and
     * told again as above. Errors: NOEX_EHOST, NOEX_EDNSTIMEOUT, NOEX_ENOTLOCAL (the host of the
     * node's name is elsewhere, as behind a NAT: option listen_address), NOEX_ESYSTEM (the port is
     * in use), NOEX_ENOMEM. */
    NOEX_EVENT_LISTEN_FAILED = 11,
    /** A message for a process of this node: process, process_user, term; node and, where it says
     * who sent it, from; priority where it is one (OTP 28). */
    NOEX_EVENT_MESSAGE = 12,
    /** A gen_server call: as MESSAGE, term is the request, caller what noex_reply wants. */
    NOEX_EVENT_CALL = 13,
    /** A gen_server cast: as MESSAGE, term is what was cast. */
    NOEX_EVENT_CAST = 14,
    /** An exit signal, for a process that traps them: process, process_user, node, from, reason,
     * origin (local: the connection to the node of a linked process was lost), term (cut where it
     * came in fragments beyond message_max), priority. */
    NOEX_EVENT_EXIT = 15,
    /** The process has ended, by whatever: process, process_user, reason, term (cut to nothing
     * where there was no memory for it; too_long where it was cut before it came here). It is the
     * last event of its process, also where noex_process_exit ended it. */
    NOEX_EVENT_PROCESS_END = 16,
    /** The answer to a call, or the value of a remote call: call, call_user, node, term. */
    NOEX_EVENT_REPLY = 17,
    /** A call, spawn or remote call that came to nothing: call, call_user, node, error; and where
     * the other side said something of it reason, origin and term. Errors: NOEX_ENOPROC,
     * NOEX_ECALLTIMEOUT, NOEX_EEXCEPTION, NOEX_ENOTSUP, NOEX_ETOOBIG (message_max, fragments_max,
     * or nested too deep), NOEX_ELIMIT (mail_max), NOEX_ENOMEM, NOEX_ENOTREACHABLE (the connection
     * was lost), and what a CONNECT_FAILED may hold. */
    NOEX_EVENT_CALL_FAILED = 18,
    /** What noex_spawn asked for is there: call, call_user, node, from (its pid). */
    NOEX_EVENT_SPAWNED = 19,
    /** What was spawned with a monitor has ended: call, call_user, node, from, reason, origin,
       term. */
    NOEX_EVENT_SPAWN_DOWN = 20,
    /** More than out_high bytes wait to be sent to: node. */
    NOEX_EVENT_QUEUE_HIGH = 21,
    /** No more than a quarter of out_high does: node. */
    NOEX_EVENT_QUEUE_LOW = 22,
    /** A function served here was called: process (made for it, to be ended by noex_return or
     * noex_raise), process_user, node, from, term (the list of arguments). */
    NOEX_EVENT_REQUEST = 23,
    /** noex_node_shutdown is done: no connection is left. */
    NOEX_EVENT_SHUTDOWN = 24,
    /** For the on_stop of a process alone: it is to end: process, process_user, reason, term. */
    NOEX_EVENT_STOP = 25
};

/** An event. It and everything that it points to are borrowed until the callback returns, or, where
 * events are pulled, until the next call on the node. Fields that do not belong to the type are 0
 * or NULL. */
struct noex_event {
    /** sizeof(struct noex_event) as the library was compiled: later ones add fields at the end. */
    size_t size;
    /** What happened; says which of the fields below count. */
    enum noex_event_type type;
    /** TICK_MISSED: quarters of ticktime without a byte after the one in which that is normal, 1 to
     * 3. */
    uint32_t missed;
    /** When it happened: wall clock, microseconds since 1970. An UP whose DOWN waits behind it
     * bears the DOWN's. */
    int64_t time_us;
    /** The node concerned, "name@host" (without a port, also where one was given). */
    const char *node;
    /** The error in words; error->code says what to do about it. */
    const struct noex_error *error;
    /** The monitor that began, ended or failed, */
    noex_monitor_id monitor;
    /** and what its maker gave as `user`. */
    void *monitor_user;
    /** What it monitors; the pid's creation is filled in once it is known. */
    const struct noex_target *target;
    /** The type of the ending, */
    enum noex_reason_type reason;
    /** and who says so. */
    enum noex_origin origin;
    /** The message, the request, or the exact reason, in the external term format without the
     * version byte; cut where term_len < term_full_len, which a message never is. Take it as a
     * struct noex_term by noex_event_term, to read it with noex_term_type, noex_term_items and the
     * others of noex/term.h; noex_event_print_term prints it. */
    const uint8_t *term;
    size_t term_len;        /**< bytes at `term` */
    uint64_t term_full_len; /**< bytes of the whole term */
    /** CONNECT_FAILED, RECONNECT: the attempt's number, from 1; back to 1 after a connection that
     * lasted five seconds. */
    uint32_t attempt;
    uint32_t port;     /**< REGISTERED: where the node listens */
    uint64_t delay_ms; /**< RECONNECT: until that attempt begins */
    /** The process of this node that it is for, or that it was, */
    const struct noex_pid *process;
    /** and what its maker gave as `user`. */
    void *process_user;
    /** The process that it comes from, on `node`; NULL where that is not known. */
    const struct noex_pid *from;
    /** CALL: who asks and by which tag, for noex_reply. */
    struct noex_term caller;
    /** The call that it is about, */
    noex_call_id call;
    /** and what its maker gave as `user`. */
    void *call_user;
    uint32_t priority; /**< MESSAGE, EXIT: 1 where it was sent with priority */
    uint32_t reserved; /**< 0 */
};

/** Runs only from inside noex_node_process, or the uv_run of a caller's loop. May call any function
 * of the node except those that wait. */
typedef void (*noex_event_fn)(void *user, const struct noex_event *event);

/** What an event says in a term: a message, a request, a reply, an exact reason. Borrowed from the
 * event; no bytes for an event without one, or NULL. Never fails. */
NOEX_API struct noex_term noex_event_term(const struct noex_event *event);

/**
 * The term of noex_event_term, printed as the Erlang shell does (~0tp; pids as on their own node),
 * as UTF-8 with a NUL in at most `size` bytes. Ends in "..." where the term or the text was cut,
 * and then `*cut` (may be NULL) is true. Returns the length. Errors: NOEX_EINVALID (a NULL, an
 * event without a term, size < 4).
 */
NOEX_API int noex_event_print_term(const struct noex_event *event, char *text, size_t size,
                                   bool *cut);

/**
 * The reason of an end (MONITOR_DOWN, EXIT, PROCESS_END, CALL_FAILED, SPAWN_DOWN, STOP) in words on
 * one line: an Elixir exception's own message, an Erlang error without its stack; empty where the
 * type says all. In all else as noex_event_print_term. Returns the length. Errors: NOEX_EINVALID.
 */
NOEX_API int noex_event_message(const struct noex_event *event, char *text, size_t size);

/** Why a node went down, for the error of a NODE_DOWN, in noex's words: "heartbeat_timeout",
 * "connection_closed", "connection_refused", "graceful_shutdown"; or "protocol_error" (the peer's
 * fault) and "local_error" (a limit or the memory of this node). Never fails. */
NOEX_API const char *noex_node_down_reason(const struct noex_error *error);

#ifdef __cplusplus
}
#endif
#endif
