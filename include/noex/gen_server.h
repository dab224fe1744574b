/* The noex API: gen_servers in C, their calls, their names, their end. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_GEN_SERVER_H
#define NOEX_GEN_SERVER_H

#include <noex/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A server is a process of this node: any node can call it (gen_server:call), cast to it, monitor
 * it, link to it, ask sys of it and end it, by its pid, its name or its name in `global`.
 */

/** A server, as its own functions see it: from init until terminate has returned. */
typedef struct noex_gen_server noex_gen_server;

/** What a server does next: what its functions return. What they built in noex_gen_server_builder
 * counts as said here. */
enum noex_next {
    NOEX_NEXT_CONTINUE = 0, /**< nothing; a call is answered later (noex_gen_server_reply) */
    NOEX_NEXT_REPLY = 1,    /**< the call is answered with what was built */
    NOEX_NEXT_STOP = 2,     /**< it ends; the reason is what was built, else `normal` */
    NOEX_NEXT_FAIL = 3,     /**< returned by NOEX_FAIL: it ends by an exception */
    NOEX_NEXT_LATER = 4     /**< init goes on: noex_gen_server_init_done says when it is over */
};

/**
 * What a server does. Fill with noex_behavior_init, then set what you want; each may be NULL. The
 * terms and events that its functions get are borrowed until they return. They run as callbacks do,
 * but `init`, which runs inside noex_gen_server_start.
 */
struct noex_behavior {
    /** sizeof(struct noex_behavior) as the caller was compiled; set by noex_behavior_init. */
    size_t size;
    /** What it is called in a stack trace; NULL: the name it is registered under, or "c".
     * Copied. */
    const char *name;
    /** Begins; with the init arguments. CONTINUE: it is there. STOP or FAIL: it is not, and
     * terminate is not called. LATER: it is not ready yet, and what is sent to it waits. NULL: as
     * CONTINUE. */
    enum noex_next (*init)(noex_gen_server *self, struct noex_term args);
    /** A call: REPLY, or CONTINUE and noex_gen_server_reply later, to `caller`, of which the
     * bytes are to be kept. NULL: the caller gets {error, undef}. */
    enum noex_next (*handle_call)(noex_gen_server *self, struct noex_term request,
                                  struct noex_term caller);
    /** A cast. NULL: dropped. */
    enum noex_next (*handle_cast)(noex_gen_server *self, struct noex_term message);
    /** All else: a MESSAGE, also of noex_gen_server_send_after; an EXIT, where exits are trapped;
     * the MONITOR_DOWN of a monitor of its own, after the lifecycle handlers. NULL: dropped. */
    enum noex_next (*handle_info)(noex_gen_server *self, const struct noex_event *event);
    /** It ends: free what it has. Called once for every server whose init said CONTINUE or LATER,
     * before others are told of the end; only where it is killed (by an exit signal, or the end of
     * a link) after that. */
    void (*terminate)(noex_gen_server *self, enum noex_reason_type type, struct noex_term reason);
    /** Builds the state as one term, for sys:get_state. NULL: undefined. */
    void (*describe)(noex_gen_server *self, noex_builder *builder);
};

/** As noex_behavior_init for a struct of `size` bytes. */
NOEX_API void noex_behavior_init_size(struct noex_behavior *behavior, size_t size);

/** Fills in: nothing. */
static inline void noex_behavior_init(struct noex_behavior *behavior)
{
    noex_behavior_init_size(behavior, sizeof *behavior);
}

/** How a server is to be started. Fill with noex_gen_server_options_init. */
struct noex_gen_server_options {
    /** sizeof(struct noex_gen_server_options) as the caller was compiled; set by
     * noex_gen_server_options_init. */
    size_t size;
    const char *name;         /**< registered under on this node, UTF-8; NULL: none */
    const char *global_name;  /**< registered under in `global`, UTF-8; NULL: none */
    struct noex_term args;    /**< the init arguments; no bytes: the empty list */
    void *state;              /**< what noex_gen_server_state gives in init */
    noex_done_fn done;        /**< is told when it is ready, or how it failed later; NULL: none */
    void *user;               /**< passed to done */
    uint64_t init_timeout_ms; /**< the longest that NOEX_NEXT_LATER may last (5000) */
    uint32_t trap_exit;       /**< 1: exit signals come as EXIT, as process_flag(trap_exit, true) */
    uint32_t reserved;        /**< 0 */
};

/** As noex_gen_server_options_init for a struct of `size` bytes. */
NOEX_API void noex_gen_server_options_init_size(struct noex_gen_server_options *options,
                                                size_t size);

/** Fills in: no names, no arguments, 5000 ms. */
static inline void noex_gen_server_options_init(struct noex_gen_server_options *options)
{
    noex_gen_server_options_init_size(options, sizeof *options);
}

/* Starting and ending */

/**
 * Starts a server: `init` runs inside this call; or, where it is to have a name in `global`, once
 * that is registered. `options` may be NULL, `ref` and `op` too. What is known at once is returned;
 * the rest is the result of `op`: its process, or NOEX_EINIT (init has failed later: term is the
 * reason), NOEX_ECALLTIMEOUT (init_timeout_ms), NOEX_ENAMETAKEN (in `global`: node is the
 * holder's), NOEX_ENOGLOBAL, NOEX_ENOTREACHABLE, NOEX_ENOPROC (it ended meanwhile),
 * NOEX_ENOTSTARTED; then the server has ended. Errors: NOEX_EINVALID (a NULL, a struct of a size
 * that cannot be, a name that no process can have), NOEX_ENOTSTARTED, NOEX_ENAMETAKEN (the name on
 * this node), NOEX_EINIT (init has failed: the reason in words), NOEX_ETERM (`args` is no whole
 * term), NOEX_ENOMEM, NOEX_ELIMIT (processes_max).
 */
NOEX_API NOEX_MUST_USE int noex_gen_server_start(noex_cluster *cluster,
                                                 const struct noex_behavior *behavior,
                                                 const struct noex_gen_server_options *options,
                                                 struct noex_ref *ref, noex_op *op);

/**
 * Stops a server on any node, as gen_server:stop: behind what was sent to it before; its terminate
 * runs. `reason` without bytes: normal. Result: nothing, when it has ended; one that is not there
 * is no error. NOEX_ECALLTIMEOUT, NOEX_ENOTREACHABLE, or the error of the attempt to connect,
 * NOEX_ENONAME, NOEX_ENOGLOBAL, NOEX_ENOTSTARTED. `timeout_ms` 0: 5000. Errors: NOEX_EINVALID (a
 * NULL), NOEX_ENOTSTARTED, NOEX_ETARGET, NOEX_ENODENAME, NOEX_ETERM, NOEX_ENOMEM, NOEX_EUNREAD,
 * NOEX_ELIMIT.
 */
NOEX_API NOEX_MUST_USE int noex_gen_server_stop(noex_cluster *cluster,
                                                const struct noex_target *target,
                                                struct noex_term reason, uint64_t timeout_ms,
                                                noex_done_fn done, void *user, noex_op *op);

/** Sends an exit signal to any process, as exit/2: `kill` ends it whatever it does. Whether it
 * arrived is not told. Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED, NOEX_ETARGET (no pid),
 * NOEX_ENODENAME, NOEX_ETERM, NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
NOEX_API int noex_gen_server_exit(noex_cluster *cluster, const struct noex_target *target,
                                  struct noex_term reason);

/** 1 while this server of the own node has not ended. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOTSTARTED. */
NOEX_API int noex_gen_server_is_running(noex_cluster *cluster, const struct noex_ref *ref);

/* Calls */

/**
 * Calls a server anywhere, this node included, with a monitor. Result: term, its answer; or
 * NOEX_ENOPROC (it is not there, or ended before it answered: term is the reason),
 * NOEX_ECALLTIMEOUT, NOEX_ENOTREACHABLE, the error of the attempt to connect, NOEX_ENONAME and
 * NOEX_ENOGLOBAL (of a name in `global`), NOEX_ETOOBIG, NOEX_ELIMIT, NOEX_ENOMEM,
 * NOEX_ENOTSTARTED. A server that answers with an error lives, and the answer is a term like any
 * other. `timeout_ms` 0: 5000; UINT64_MAX: none. `done` NULL: for noex_await, unless `op` is NULL,
 * too. Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED, NOEX_ETARGET, NOEX_ENODENAME, NOEX_ETERM,
 * NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT.
 */
NOEX_API NOEX_MUST_USE int noex_gen_server_call(noex_cluster *cluster,
                                                const struct noex_target *target,
                                                struct noex_term request, uint64_t timeout_ms,
                                                noex_done_fn done, void *user, noex_op *op);

/** Casts to a server anywhere; lost where it is not there. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOTSTARTED, NOEX_ETARGET, NOEX_ENODENAME, NOEX_ETERM, NOEX_ENOMEM, NOEX_EUNREAD,
 * NOEX_ELIMIT. */
NOEX_API NOEX_MUST_USE int noex_gen_server_cast(noex_cluster *cluster,
                                                const struct noex_target *target,
                                                struct noex_term message);

/* For the functions of a behaviour. `self` is never NULL there; of a NULL they give NULL, or do
 * nothing. */

/** Where its answer, or the reason of its end, is built: empty when one of its functions begins,
 * looked at when that returns. */
NOEX_API noex_builder *noex_gen_server_builder(noex_gen_server *self);
/** What noex_gen_server_set_state, or else the options, gave. */
NOEX_API void *noex_gen_server_state(const noex_gen_server *self);
/** The program's own; never looked at. */
NOEX_API void noex_gen_server_set_state(noex_gen_server *self, void *state);
/** The cluster it runs in. */
NOEX_API noex_cluster *noex_gen_server_cluster(const noex_gen_server *self);
/** Its own pid, borrowed for its life. */
NOEX_API const struct noex_ref *noex_gen_server_self(const noex_gen_server *self);

/** Answers a call that its handle_call left: `caller` as it was given there. Errors: as
 * noex_reply: NOEX_EINVALID (a NULL, no caller), NOEX_ENOPROC, NOEX_ENODENAME, NOEX_ETERM,
 * NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
NOEX_API NOEX_MUST_USE int noex_gen_server_reply(noex_gen_server *self, struct noex_term caller,
                                                 struct noex_term reply);

/** Builds {error, <<"text">>} as the answer, the text as by printf(3), and returns NOEX_NEXT_REPLY:
 * the caller is told, the server lives. */
NOEX_API enum noex_next noex_gen_server_reply_error(noex_gen_server *self, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/**
 * Ends a server by an exception, from one of its functions: `return NOEX_FAIL(self, "no disk: %s",
 * why);`. Who monitors it gets the reason {<<"no disk: full">>, Stack}, in which the stack names
 * the C function, its file and its line.
 */
#define NOEX_FAIL(self, ...) noex_gen_server_fail((self), __func__, __FILE__, __LINE__, __VA_ARGS__)

/** What NOEX_FAIL calls; returns NOEX_NEXT_FAIL. */
NOEX_API enum noex_next noex_gen_server_fail(noex_gen_server *self, const char *function,
                                             const char *file, int line, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

/** Its init said NOEX_NEXT_LATER, and is over now: CONTINUE, or STOP with `reason`. Errors:
 * NOEX_EINVALID (NULL, another `next`), NOEX_ESTATE (its init is not under way), NOEX_ETERM. */
NOEX_API int noex_gen_server_init_done(noex_gen_server *self, enum noex_next next,
                                       struct noex_term reason);

/** Sends a server of this node a message after a time, which comes to its handle_info. Errors:
 * NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED, NOEX_ENOPROC, NOEX_ETERM, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_gen_server_send_after(noex_cluster *cluster,
                                                      const struct noex_ref *ref, uint64_t delay_ms,
                                                      struct noex_term message, noex_op *timer);
/** It is not sent any more; one that was is no error. Errors: NOEX_EINVALID (NULL). */
NOEX_API int noex_gen_server_cancel_timer(noex_cluster *cluster, noex_op timer);

/** Whether exit signals come as EXIT, or end the server. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOTSTARTED, NOEX_ENOPROC. */
NOEX_API int noex_gen_server_trap_exit(noex_cluster *cluster, const struct noex_ref *ref,
                                       bool trap);

/* Behaviours by name: what noex_remote_spawn, and gen_server:start of an Erlang node, start here */

/** Registers a behaviour, which is copied; its `name` is this one. Errors: NOEX_EINVALID (a NULL,
 * an empty name, one that is no atom, a struct of a size that cannot be; neither handle_call nor
 * handle_cast), NOEX_ENAMETAKEN (there is one of this name), NOEX_ENOMEM. */
NOEX_API int noex_behavior_register(noex_cluster *cluster, const char *name,
                                    const struct noex_behavior *behavior);
/** Takes it away; servers of it go on. Errors: NOEX_EINVALID (a NULL), NOEX_ENOBEHAVIOR. */
NOEX_API int noex_behavior_unregister(noex_cluster *cluster, const char *name);
/** The behaviour of this name, borrowed until it is taken away; NULL: there is none. */
NOEX_API const struct noex_behavior *noex_behavior_get(const noex_cluster *cluster,
                                                       const char *name);
/** Fills in at most `max` names, in the order of registering, borrowed until they are taken away;
 * returns how many there are. Errors: NOEX_EINVALID (NULL). */
NOEX_API int noex_behavior_names(const noex_cluster *cluster, const char **names, size_t max);

#ifdef __cplusplus
}
#endif
#endif
