/* The noex API: monitors, calls, links and servers across nodes. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_REMOTE_H
#define NOEX_REMOTE_H

#include <noex/gen_server.h>
#include <noex/lifecycle.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RemoteMonitor */

/**
 * Monitors a target for a server of this node, the watcher: a process by pid, registered name or
 * name in `global`, on any node, this one included, or a node. Its end comes as one PROCESS_DOWN
 * to the lifecycle handlers, and to handle_info of the watcher; `*monitor` is known before that,
 * and noex_await(cluster, *monitor, ..) holds the event back until it has returned. `timeout_ms`
 * limits the setup; 0: 10000. Result, target in it: nothing, once the target's node has confirmed
 * the monitor, also where the target is not there: then a PROCESS_DOWN of type noproc follows. Or
 * NOEX_ENOTREACHABLE (node), NOEX_ESETUPTIMEOUT (target, timeout_ms), NOEX_ENOMONITOR, NOEX_EPID,
 * NOEX_ENONAME and NOEX_ENOGLOBAL (of a name in `global`), NOEX_ENOPROC (the watcher has ended),
 * NOEX_ENOTSTARTED, NOEX_ENOMEM, or the error of the attempt to connect. `done` may be NULL.
 * Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED, NOEX_ENOPROC (no such server runs here),
 * NOEX_ETARGET, NOEX_ENODENAME, NOEX_ENOMEM, NOEX_ELIMIT (monitors_max).
 */
NOEX_API NOEX_MUST_USE int noex_remote_monitor(noex_cluster *cluster,
                                               const struct noex_ref *watcher,
                                               const struct noex_target *target,
                                               uint64_t timeout_ms, noex_done_fn done, void *user,
                                               noex_op *monitor);

/** Ends a monitor: once this has returned no event bears its name. One that is over, or never was,
 * is no error. Errors: NOEX_EINVALID (NULL), NOEX_ENOTSTARTED. */
NOEX_API int noex_remote_demonitor(noex_cluster *cluster, noex_op monitor);

/** noex's RemoteMonitorStats, from the cluster's birth; gauges are marked. Local monitors count in
 * the last field only. */
struct noex_remote_monitor_stats {
    uint64_t initialized;           /**< 1 from the first noex_remote_monitor or demonitor on */
    uint64_t pending_count;         /**< gauge: asked for, not established yet */
    uint64_t active_outgoing_count; /**< gauge: established */
    uint64_t total_initiated;       /**< asked for */
    uint64_t total_established;     /**< confirmed, also where the target was not there */
    uint64_t total_timed_out;       /**< not established in time */
    uint64_t total_demonitored;     /**< ended by noex_remote_demonitor */
    uint64_t total_process_down_received; /**< DOWNs of other nodes, late ones included */
    uint64_t total_failed;                /**< not established for another cause (not in noex) */
    uint64_t total_noconnection;          /**< ended by the loss of their node (not in noex) */
    uint64_t local_count;                 /**< gauge: of processes of this node (not in noex) */
};

/** In any status. `size` is sizeof(struct noex_remote_monitor_stats). NULLs give nothing. */
NOEX_API void noex_remote_monitor_get_stats(const noex_cluster *cluster,
                                            struct noex_remote_monitor_stats *stats, size_t size);

/** One monitor in a list. */
struct noex_monitor_info {
    noex_op monitor;                  /**< its name */
    const struct noex_ref *watcher;   /**< borrowed until the next call on the cluster */
    const struct noex_target *target; /**< the same */
    uint64_t established;             /**< 1, or 0 where it is pending */
};

/** Fills in at most `max` of the monitors that are pending or active, oldest first, those after
 * `after` (0: all); returns how many it has filled in. Errors: NOEX_EINVALID (a NULL). */
NOEX_API int noex_remote_monitor_list(const noex_cluster *cluster, noex_op after,
                                      struct noex_monitor_info *list, size_t max);

/* RemoteCall: noex_gen_server_call and noex_gen_server_cast, with counters */

/** As noex_gen_server_call. Errors: NOEX_EINVALID, NOEX_ENOTSTARTED, NOEX_ETARGET, NOEX_ENODENAME,
 * NOEX_ETERM, NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
static inline int noex_remote_call(noex_cluster *cluster, const struct noex_target *target,
                                   struct noex_term request, uint64_t timeout_ms, noex_done_fn done,
                                   void *user, noex_op *op)
{
    return noex_gen_server_call(cluster, target, request, timeout_ms, done, user, op);
}

/** As noex_gen_server_cast. Errors: NOEX_EINVALID, NOEX_ENOTSTARTED, NOEX_ETARGET, NOEX_ENODENAME,
 * NOEX_ETERM, NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
static inline int noex_remote_cast(noex_cluster *cluster, const struct noex_target *target,
                                   struct noex_term message)
{
    return noex_gen_server_cast(cluster, target, message);
}

/** Counters of calls and casts, from the cluster's birth; local ones included. */
struct noex_remote_call_stats {
    uint64_t pending_calls;   /**< gauge */
    uint64_t total_calls;     /**< asked for */
    uint64_t total_resolved;  /**< answered */
    uint64_t total_rejected;  /**< failed, but not by the time */
    uint64_t total_timed_out; /**< not answered in time */
    uint64_t total_casts;     /**< sent */
};

/** In any status. `size` is sizeof(struct noex_remote_call_stats). NULLs give nothing. */
NOEX_API void noex_remote_call_get_stats(const noex_cluster *cluster,
                                         struct noex_remote_call_stats *stats, size_t size);

/* RemoteSpawn */

/** Where the name of a spawned server is registered. */
enum noex_registration {
    NOEX_REGISTRATION_NONE = 0,
    NOEX_REGISTRATION_LOCAL = 1, /**< on its own node */
    NOEX_REGISTRATION_GLOBAL = 2 /**< in `global` */
};

/** How a server is to be spawned. Fill with noex_remote_spawn_options_init. */
struct noex_remote_spawn_options {
    /** sizeof(struct noex_remote_spawn_options) as the caller was compiled; set by
     * noex_remote_spawn_options_init. */
    size_t size;
    const char *name;         /**< NULL: none; else `registration` says where */
    struct noex_term args;    /**< the init arguments; no bytes: the empty list */
    uint64_t init_timeout_ms; /**< the longest that its init may take (5000) */
    uint64_t timeout_ms;      /**< the longest that the whole may take (10000) */
    noex_done_fn done;        /**< NULL: for noex_await, unless `op` is NULL, too */
    void *user;               /**< passed to done */
    uint32_t registration;    /**< an enum noex_registration (NONE) */
    uint32_t reserved;        /**< 0 */
};

/** As noex_remote_spawn_options_init for a struct of `size` bytes. */
NOEX_API void noex_remote_spawn_options_init_size(struct noex_remote_spawn_options *options,
                                                  size_t size);

/** Fills in: no name, no arguments, 5000 and 10000 ms. */
static inline void noex_remote_spawn_options_init(struct noex_remote_spawn_options *options)
{
    noex_remote_spawn_options_init_size(options, sizeof *options);
}

/**
 * Starts a server on a node, by gen_server:start: on a BEAM of the module `behavior`, on a C node
 * (this one too) of the behaviour that is registered there under this name. Result: its process; or
 * NOEX_ENOBEHAVIOR (node), NOEX_EINIT (term is the reason), NOEX_ENAMETAKEN (node is the holder's),
 * NOEX_ECALLTIMEOUT (timeout_ms), NOEX_ENOTREACHABLE (node), NOEX_ENOTSUP (that node starts
 * nothing), NOEX_EEXCEPTION, NOEX_ENOGLOBAL, NOEX_ENOTSTARTED, NOEX_ETOOBIG, NOEX_ENOPROC,
 * NOEX_ELIMIT, NOEX_ENOMEM, or the error of the attempt to connect. `options` may be NULL. Errors:
 * NOEX_EINVALID (a NULL, a name that is no atom where it must be one, a struct of a size that
 * cannot be, an unknown registration, or one without a name), NOEX_ENOTSTARTED, NOEX_ENODENAME,
 * NOEX_ETERM, NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT.
 */
NOEX_API NOEX_MUST_USE int noex_remote_spawn(noex_cluster *cluster, const char *behavior,
                                             const char *node,
                                             const struct noex_remote_spawn_options *options,
                                             noex_op *op);

/** Counters of spawns, from the cluster's birth. */
struct noex_remote_spawn_stats {
    uint64_t pending_count;   /**< gauge */
    uint64_t total_initiated; /**< asked for */
    uint64_t total_resolved;  /**< started */
    uint64_t total_rejected;  /**< failed, but not by the time */
    uint64_t total_timed_out; /**< not started in time */
};

/** In any status. `size` is sizeof(struct noex_remote_spawn_stats). NULLs give nothing. */
NOEX_API void noex_remote_spawn_get_stats(const noex_cluster *cluster,
                                          struct noex_remote_spawn_stats *stats, size_t size);

/* RemoteLink */

/**
 * Links a server of this node with a process anywhere: an Erlang link. Where one ends abnormally
 * the other gets an exit signal (and the server an EXIT in handle_info where it traps them).
 * Result: nothing, once the other node has the link; or NOEX_ENOPROC (there is no such process, or
 * one of both has ended), NOEX_ESETUPTIMEOUT (target, timeout_ms), NOEX_ENOTREACHABLE (node),
 * NOEX_ENONAME, NOEX_ENOGLOBAL, NOEX_ENOMONITOR, NOEX_ENOTSTARTED, NOEX_ENOMEM, or the error of the
 * attempt to connect. As in Erlang a link to what is not there, or cannot be reached, gives an exit
 * signal, noproc or noconnection, and ends a server that does not trap them. `timeout_ms` 0: 10000.
 * Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED, NOEX_ENOPROC (no such server runs here),
 * NOEX_ETARGET (neither a pid nor a name in `global`), NOEX_ENODENAME, NOEX_ENOMEM, NOEX_EUNREAD,
 * NOEX_ELIMIT.
 */
NOEX_API NOEX_MUST_USE int noex_remote_link(noex_cluster *cluster, const struct noex_ref *process,
                                            const struct noex_target *target, uint64_t timeout_ms,
                                            noex_done_fn done, void *user, noex_op *link);

/** Takes a link away, also one that is pending; one that is over is no error. Errors:
 * NOEX_EINVALID (NULL), NOEX_ENOTSTARTED. */
NOEX_API int noex_remote_unlink(noex_cluster *cluster, noex_op link);

/** Counters of links that this node asked for, from the cluster's birth. */
struct noex_remote_link_stats {
    uint64_t pending_count;               /**< gauge */
    uint64_t active_link_count;           /**< gauge */
    uint64_t total_initiated;             /**< asked for */
    uint64_t total_established;           /**< the other node has it */
    uint64_t total_timed_out;             /**< not established in time */
    uint64_t total_unlinked;              /**< ended by noex_remote_unlink */
    uint64_t total_exit_signals_received; /**< that came by links, to servers that trap them */
};

/** In any status. `size` is sizeof(struct noex_remote_link_stats). NULLs give nothing. */
NOEX_API void noex_remote_link_get_stats(const noex_cluster *cluster,
                                         struct noex_remote_link_stats *stats, size_t size);

#ifdef __cplusplus
}
#endif
#endif
