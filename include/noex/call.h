/* Calls between processes, and functions that nodes call on each other. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_CALL_H
#define NOEX_CALL_H

#include <noex/process.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What is asked of others here is answered by events, REPLY or CALL_FAILED, and SPAWNED and
 * SPAWN_DOWN, which bear the id and the `user` of the call. Each call ends exactly once. No event
 * comes before the function that asked has returned; where that fails none comes at all. A process
 * of this node may ask, and is told by its own on_event; where it ends, what it asked for is given
 * up. A node that is not connected is connected to, as by noex_connect with NOEX_CONNECT_ONCE.
 */

/* Calls */

/**
 * Calls a gen_server, a gen_statem or whatever speaks as they do, with a monitor: REPLY with its
 * answer, or CALL_FAILED: NOEX_ENOPROC (it is not there, or ended before it answered: reason and
 * term say how), NOEX_ECALLTIMEOUT, NOEX_ENOTREACHABLE (the connection was lost), or the error of
 * the attempt to connect. A late answer is dropped. `to` is a process or a name, on this node too;
 * `from` the process that calls, or NULL: the node itself. `timeout_ms` 0: 5000, as in Erlang;
 * UINT64_MAX: none. Errors: NOEX_EINVALID (a NULL), NOEX_ENOPROC (`from` has ended), NOEX_ETARGET,
 * NOEX_ENODENAME, NOEX_ETERM (`request` is no whole term), NOEX_ENOMEM, NOEX_EUNREAD (out_max: too
 * much waits to be sent to that node), NOEX_ELIMIT (out_max: it alone is more; to this node itself:
 * mail_max).
 */
NOEX_API NOEX_MUST_USE int noex_call(noex_node *node, const struct noex_pid *from,
                                     const struct noex_target *to, struct noex_term request,
                                     uint64_t timeout_ms, void *user, noex_call_id *id);

/**
 * Gives a call, a spawn or a remote call up: no event carries its id once this has returned, also
 * none that had happened and waited. What it set going elsewhere goes on, but for a process that
 * was to be linked and is not there yet: that will be ended, as in Erlang. An id that is over is no
 * error. Errors: NOEX_EINVALID (NULL).
 */
NOEX_API int noex_call_cancel(noex_node *node, noex_call_id id);

/** Casts to a gen_server or its kin: '$gen_cast'. In all else as noex_send. Errors: NOEX_EINVALID,
 * NOEX_ENOPROC, NOEX_ETARGET, NOEX_ENODENAME, NOEX_ETERM, NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT.
 */
NOEX_API NOEX_MUST_USE int noex_cast(noex_node *node, const struct noex_pid *from,
                                     const struct noex_target *to, struct noex_term message);

/**
 * Answers a CALL. `process` is the one that answers, `caller` what the event had there: to answer
 * later, copy its bytes, or build it with noex_build_term. Each form of tag that callers use is
 * served. Whether the caller still waits is not known. Errors: NOEX_EINVALID (a NULL, `caller` is
 * none), NOEX_ENOPROC (`process` has ended), NOEX_ENODENAME (the caller's node has no name that can
 * be), NOEX_ETERM (one is no whole term), NOEX_ENOMEM, NOEX_EUNREAD (out_max), NOEX_ELIMIT
 * (out_max: it alone is more; to this node itself: mail_max).
 */
NOEX_API NOEX_MUST_USE int noex_reply(noex_node *node, const struct noex_pid *process,
                                      struct noex_term caller, struct noex_term reply);

/* Functions of other nodes */

/**
 * Calls a function on another node as erpc:call does: REPLY with its value, or CALL_FAILED:
 * NOEX_EEXCEPTION (it raised: term is {throw, T}, {exit, R} or {error, R, Stack}), NOEX_ENOPROC
 * (the process that ran it was killed: reason and term), NOEX_ENOTSUP (the node does not run it:
 * where it said why, that is the term), NOEX_ETOOBIG (the result is over a limit),
 * NOEX_ECALLTIMEOUT, NOEX_ENOTREACHABLE, or the error of the attempt to connect. `args` is the list
 * of arguments. `timeout_ms` as for noex_call. What the function writes goes to its own node's
 * `user`. Errors: NOEX_EINVALID (a NULL, a name that is no atom, the node's own name),
 * NOEX_ENODENAME, NOEX_ETERM
 * (`args` is no whole term, or no list), NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT (out_max).
 */
NOEX_API NOEX_MUST_USE int noex_rpc(noex_node *node, const char *peer, const char *module,
                                    const char *function, struct noex_term args,
                                    uint64_t timeout_ms, void *user, noex_call_id *id);

/** What is to be spawned. Fill with noex_spawn_options_init, then set what you want. */
struct noex_spawn_options {
    /** sizeof(struct noex_spawn_options) as the caller was compiled; set by
     * noex_spawn_options_init. */
    size_t size;
    const char *node;      /**< where: "name@host" */
    const char *module;    /**< what it runs, UTF-8 */
    const char *function;  /**< the same */
    struct noex_term args; /**< the list of arguments */
    /** The process that spawns; NULL: the node itself. */
    const struct noex_pid *process;
    uint64_t timeout_ms; /**< until the node has answered; as for noex_call */
    void *user;          /**< comes back in the events */
    uint32_t link;       /**< 1: is linked to `process` from its beginning */
    uint32_t monitor;    /**< 1: its end is told by a SPAWN_DOWN */
};

/** As noex_spawn_options_init for a struct of `size` bytes. */
NOEX_API void noex_spawn_options_init_size(struct noex_spawn_options *spawn, size_t size);

/** Fills in: no arguments, no link, no monitor, of the node itself. */
static inline void noex_spawn_options_init(struct noex_spawn_options *spawn)
{
    noex_spawn_options_init_size(spawn, sizeof *spawn);
}

/**
 * Spawns a process on another node, as spawn_request: SPAWNED with its pid, or CALL_FAILED:
 * NOEX_ENOTSUP (the node refuses: where it said why, that is the term), NOEX_ECALLTIMEOUT,
 * NOEX_ENOTREACHABLE, or the error of the attempt to connect. With `monitor` one SPAWN_DOWN comes
 * after SPAWNED when the process has ended. A function that is not there makes a process all the
 * same, which ends with undef. Its group leader is its own node's `user`. Errors: NOEX_EINVALID (a
 * NULL, a struct of a size that cannot be, a name that is no atom, the node's own name, a link with
 * no process), NOEX_ENOPROC (`process` has ended), NOEX_ENODENAME, NOEX_ETERM (`args` is no whole
 * term, or no list), NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT (out_max).
 */
NOEX_API NOEX_MUST_USE int noex_spawn(noex_node *node, const struct noex_spawn_options *spawn,
                                      noex_call_id *id);

/* Functions of this node */

/**
 * Serves a function to other nodes: erpc:call, rpc:call, erpc:cast, spawn_request and their kin on
 * `module`:`function`/`arity` each make a process here. Its events come to `on_event`, with `user`:
 * REQUEST first, with the list of arguments, PROCESS_END last. It ends by noex_return, noex_raise
 * or noex_process_exit, at once or later, or when it is killed from elsewhere. A function that is
 * served already has this `on_event` from now on; NULL: it is served no more. As long as none is
 * served at all, others are told that this node takes no such requests; then a function that is not
 * there is undef to erpc, as on any node. Errors: NOEX_EINVALID (a NULL, a name that is no atom, an
 * arity over 255), NOEX_ESTATE (the node has no fixed name), NOEX_ENOMEM.
 */
NOEX_API NOEX_MUST_USE int noex_serve(noex_node *node, const char *module, const char *function,
                                      uint32_t arity, noex_event_fn on_event, void *user);

/** How a function raises: class of the exception. */
enum noex_raise {
    NOEX_RAISE_ERROR = 0, /**< error(Reason), with the function itself as stack */
    NOEX_RAISE_EXIT = 1,  /**< exit(Reason) */
    NOEX_RAISE_THROW = 2  /**< throw(Term) */
};

/**
 * Returns from a REQUEST: the caller gets the value, and the process ends. Errors: NOEX_EINVALID (a
 * NULL), NOEX_ENOPROC (it has ended), NOEX_ESTATE (it was made for no request), NOEX_ETERM (`value`
 * is no whole term), NOEX_ENOMEM (nothing has happened).
 */
NOEX_API NOEX_MUST_USE int noex_return(noex_node *node, const struct noex_pid *process,
                                       struct noex_term value);
/** Raises an exception from a REQUEST, as noex_return. Errors: NOEX_EINVALID (the same; a class
 * that is none), NOEX_ENOPROC, NOEX_ESTATE, NOEX_ETERM, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_raise(noex_node *node, const struct noex_pid *process,
                                      enum noex_raise raise, struct noex_term reason);

#ifdef __cplusplus
}
#endif
#endif
