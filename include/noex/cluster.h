/* The noex API: a cluster, its nodes, what is asked of it. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_CLUSTER_H
#define NOEX_CLUSTER_H

#include <noex/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The noex API is made of the functions of noex/node.h, process.h, monitor.h and call.h, which can
 * be used beside it on noex_cluster_node: what it offers is Erlang's own. Names of the cluster are
 * names of Erlang's `global`, calls are gen_server calls, monitors are monitors, and who asks for a
 * server on another node need not know whether that is a BEAM or a C program.
 *
 * Threads and callbacks: as noex_node says. A cluster belongs to one thread at a time; callbacks
 * run only from inside noex_cluster_process, noex_await and the other functions that wait (or the
 * uv_run of a caller's loop), never inside another call. The one exception is `init` of a behaviour
 * (noex/gen_server.h).
 */

/** A node with the noex API, as long as it runs; several in one OS process share nothing. */
typedef struct noex_cluster noex_cluster;

/** Where a cluster is in its life. */
enum noex_cluster_status {
    NOEX_CLUSTER_STOPPED = 0,
    NOEX_CLUSTER_STARTING = 1, /**< until others can reach it */
    NOEX_CLUSTER_RUNNING = 2,
    NOEX_CLUSTER_STOPPING = 3 /**< until the others know that it goes */
};

/** Which nodes a cluster connects to by itself. */
enum noex_join {
    NOEX_JOIN_SEEDS = 0, /**< its seeds */
    NOEX_JOIN_KNOWN = 1  /**< and all nodes that those are connected to, and so on */
};

/**
 * How a cluster is to be. Fill with noex_cluster_options_init, then change what you want. Strings
 * are copied by noex_cluster_new.
 */
struct noex_cluster_options {
    /** sizeof(struct noex_cluster_options) as the caller was compiled; set by
     * noex_cluster_options_init. */
    size_t size;
    /** Required: "name" or "name@host". The name begins with a letter, the rest is letters, digits,
     * '_' and '-'; 64 characters at most. */
    const char *name;
    /** The host in the node's name where `name` has none, and by which others find it; NULL:
     * "127.0.0.1". */
    const char *host;
    /** The cookie; required. */
    const char *cookie;
    /** Nodes to be connected to, for ever, "name@host" or "name@host:port" as in struct
     * noex_target; ends with a NULL. NULL: none. The own name is stepped over. */
    const char *const *seeds;
    /** All else, as for noex_node_new: limits, epmd_port, listen_address, visible, no_epmd, the
     * log, the allocator, which is the cluster's, too. on_event and user are told what happens on
     * the node as well, but for what belongs to servers and to what was asked of the cluster. Not
     * read: name, cookie, listen, listen_port, on_ready, and the three that stand below. NULL: the
     * defaults. */
    const struct noex_options *node;
    uint64_t ticktime_ms;      /**< net_ticktime of the cluster (60000). At least 1000. */
    uint64_t reconnect_min_ms; /**< reconnecting: the first delay (500), doubling up to */
    uint64_t reconnect_max_ms; /**< the longest (30000) */
    /** The longest that a stop waits for the other nodes to have read what was sent (1000). */
    uint64_t stop_ms;
    uint32_t port; /**< the port to listen at, 65535 at most; 0: the kernel's choice */
    uint32_t join; /**< an enum noex_join (NOEX_JOIN_SEEDS) */
};

/** As noex_cluster_options_init for a struct of `size` bytes. */
NOEX_API void noex_cluster_options_init_size(struct noex_cluster_options *options, size_t size);

/** Fills in the defaults above. */
static inline void noex_cluster_options_init(struct noex_cluster_options *options)
{
    noex_cluster_options_init_size(options, sizeof *options);
}

/* Life */

/**
 * Makes a cluster, stopped. On success `*out` is the caller's, to free with noex_cluster_free.
 * `err` may be NULL. Errors: NOEX_EINVALID (a NULL, an option out of range, a name or a seed that
 * is none, each named in `err`), NOEX_ENODENAME, NOEX_ECOOKIE_FORM, NOEX_ENOMEM.
 */
NOEX_API NOEX_MUST_USE int noex_cluster_new(noex_cluster **out,
                                            const struct noex_cluster_options *options,
                                            struct noex_error *err);

/** Stops at once, telling nobody, and frees the cluster: its servers end in `terminate`, no other
 * callback comes any more. Inside a callback that is done when the outermost call on the cluster
 * ends. On a caller's uv_loop_t the node goes later, see noex_node_close. NULL is ignored. */
NOEX_API void noex_cluster_free(noex_cluster *cluster);

/**
 * Starts a stopped cluster: RUNNING once it listens and epmd holds its name; where that fails it is
 * STOPPED again, and the status event says why. Then its seeds are connected to. Errors:
 * NOEX_EINVALID (NULL), NOEX_ESTATE (it is not stopped), and those of noex_node_new: NOEX_ENOMEM,
 * NOEX_ESYSTEM, NOEX_ERANDOM.
 */
NOEX_API NOEX_MUST_USE int noex_cluster_start(noex_cluster *cluster);

/**
 * Stops a cluster. At once: what is pending fails with NOEX_ENOTSTARTED, active monitors end
 * silently, the servers end with `shutdown`. Then the other nodes are told (C nodes see
 * graceful_shutdown), the name is given up and the connections are closed; STOPPED when all that is
 * done, after stop_ms at the latest. A cluster that is stopped or stopping stays so. Errors:
 * NOEX_EINVALID (NULL).
 */
NOEX_API int noex_cluster_stop(noex_cluster *cluster);

/** Never fails; NULL counts as stopped. */
NOEX_API enum noex_cluster_status noex_cluster_get_status(const noex_cluster *cluster);

/** "stopped", "starting", "running", "stopping". Never fails. */
NOEX_API const char *noex_cluster_status_name(enum noex_cluster_status status);

/**
 * Runs the cluster until it has this status, at most `timeout_ms`. Where a start fails meanwhile
 * its error ends the wait. Errors: NOEX_EINVALID (NULL), NOEX_EREENTRANT (inside a callback),
 * NOEX_ESTATE (on a caller's uv_loop_t; it is stopped, so nothing will change; freed meanwhile),
 * NOEX_EWAIT (not in time), and what a start may fail with: those of an UNREGISTERED and a
 * LISTEN_FAILED event.
 */
NOEX_API NOEX_MUST_USE int noex_cluster_wait(noex_cluster *cluster, enum noex_cluster_status status,
                                             uint64_t timeout_ms);

/** Runs the cluster, as noex_node_process. Errors: NOEX_EINVALID (NULL), NOEX_EREENTRANT,
 * NOEX_ESTATE (on a caller's uv_loop_t, or stopped). */
NOEX_API NOEX_MUST_USE int noex_cluster_process(noex_cluster *cluster, uint64_t max_wait_ms);

/** The node under the cluster: for a poll loop (noex_node_fd), for other threads
 * (noex_poster_new), and for all of the library beside the noex API. NULL while it is stopped; good
 * until it is. Do not close it. */
NOEX_API noex_node *noex_cluster_node(noex_cluster *cluster);

/** Why the call on this cluster that just failed did so. Borrowed until the next call. Never fails;
 * NULL gives NULL. */
NOEX_API const struct noex_error *noex_cluster_error(const noex_cluster *cluster);

/* Nodes. What is told of them is NOEX_ENOTSTARTED unless the cluster is running. */

/** The own name, "name@host"; also of a stopped cluster. Borrowed for the cluster's life; NULL
 * gives NULL. */
NOEX_API const char *noex_cluster_local_node_id(const noex_cluster *cluster);

/** How it stands with a node. */
enum noex_node_status {
    NOEX_NODE_DISCONNECTED = 0,
    NOEX_NODE_CONNECTING = 1,
    NOEX_NODE_CONNECTED = 2
};

/** What is known of a node. */
struct noex_node_info {
    const char *id;               /**< "name@host"; borrowed for the cluster's life */
    uint64_t uptime_ms;           /**< since it was connected, or the cluster was running; else 0 */
    uint64_t heard_ms;            /**< since it was last heard; 0 for the own node */
    uint64_t process_count;       /**< servers of the own node; 0 for the others, who do not say */
    enum noex_node_status status; /**< how it stands with it */
    uint32_t port;                /**< its distribution port; 0: not known */
};

/** What is known of the own node. Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED. */
NOEX_API int noex_cluster_local_node_info(noex_cluster *cluster, struct noex_node_info *info);

/** What is known of a node. Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED, NOEX_ENONODE (it was
 * never heard of). */
NOEX_API int noex_cluster_get_node(noex_cluster *cluster, const char *id,
                                   struct noex_node_info *info);

/** Fills in at most `max` of the nodes that are or were connected, oldest first, the own one not
 * among them; returns how many there are. `list` may be NULL where `max` is 0. Errors:
 * NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED. */
NOEX_API int noex_cluster_get_nodes(noex_cluster *cluster, struct noex_node_info *list, size_t max);

/** As noex_cluster_get_nodes, of those that are connected. Errors: NOEX_EINVALID,
 * NOEX_ENOTSTARTED. */
NOEX_API int noex_cluster_get_connected_nodes(noex_cluster *cluster, struct noex_node_info *list,
                                              size_t max);

/** 1 where the node is connected, else 0. Errors: NOEX_EINVALID (a NULL), NOEX_ENOTSTARTED. */
NOEX_API int noex_cluster_is_node_connected(noex_cluster *cluster, const char *id);

/** Sets `*uptime_ms`: since the cluster was running. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOTSTARTED. */
NOEX_API int noex_cluster_get_uptime_ms(noex_cluster *cluster, uint64_t *uptime_ms);

/* Subscriptions: of each kind as many as are wanted, told in the order of subscribing. They outlive
 * a stop, and may be made and ended inside a handler: one made there is told of the next event, one
 * ended there of none. */

/** Names a subscription; never 0. */
typedef uint64_t noex_subscription;

/** A node is connected. `node` is borrowed for the cluster's life. */
typedef void (*noex_node_up_fn)(void *user, const char *node);
/** A node is lost, after what its loss means to monitors was told. `reason` is one of
 * noex_node_down_reason, `error` the cause. */
typedef void (*noex_node_down_fn)(void *user, const char *node, const char *reason,
                                  const struct noex_error *error);
/** The status has changed. `error`: why a start has failed; else NULL. */
typedef void (*noex_status_fn)(void *user, enum noex_cluster_status status,
                               const struct noex_error *error);

/** `subscription` may be NULL; so in the following two. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOMEM. */
NOEX_API int noex_cluster_on_node_up(noex_cluster *cluster, noex_node_up_fn fn, void *user,
                                     noex_subscription *subscription);
/** As noex_cluster_on_node_up. Errors: NOEX_EINVALID, NOEX_ENOMEM. */
NOEX_API int noex_cluster_on_node_down(noex_cluster *cluster, noex_node_down_fn fn, void *user,
                                       noex_subscription *subscription);
/** As noex_cluster_on_node_up. Errors: NOEX_EINVALID, NOEX_ENOMEM. */
NOEX_API int noex_cluster_on_status_change(noex_cluster *cluster, noex_status_fn fn, void *user,
                                           noex_subscription *subscription);
/** Ends a subscription of any kind; one that is over is no error. Errors: NOEX_EINVALID (NULL). */
NOEX_API int noex_unsubscribe(noex_cluster *cluster, noex_subscription subscription);

/* What is asked of a cluster is answered later, exactly once: to the function that was given, or to
 * noex_await. Never before the function that asked has returned. */

/** Names what was asked for; never 0, never used twice in the life of a cluster. */
typedef uint64_t noex_op;

/** How it came out. Borrowed until the callback returns, or until the next call on the cluster.
 * What does not belong to the function that asked is 0 or NULL. */
struct noex_result {
    size_t size;                      /**< sizeof(struct noex_result) as the library was compiled */
    noex_op op;                       /**< what was asked for */
    const struct noex_error *error;   /**< NULL: it came out well; else its cause */
    const char *node;                 /**< the node concerned; of a name conflict the holder's */
    const struct noex_target *target; /**< what a monitor, a call or a link was to reach */
    const struct noex_ref *process;   /**< the process that was started, or found */
    struct noex_term term;            /**< the answer of a call; the names of `global`; or what the
                                           other side said of an error */
    uint64_t timeout_ms;              /**< NOEX_ESETUPTIMEOUT, NOEX_ECALLTIMEOUT: what it was */
};

/** Is told how it came out. */
typedef void (*noex_done_fn)(void *user, const struct noex_result *result);

/**
 * Waits for what was asked for without a function: runs the cluster, callbacks and all, until it is
 * answered. Returns 0 or the error in `*result` (may be NULL), which the function that asked
 * documents. Each has its own timeout. Until it was awaited, or forgotten, an answer is kept; of a
 * monitor or a link that came to be only until that is over, and awaiting it then gives 0. Where
 * the waiting itself fails it can be awaited again. Errors: NOEX_EINVALID (NULL; nothing of this
 * name is awaited), NOEX_EREENTRANT (inside a callback), NOEX_ESTATE (on a caller's uv_loop_t, or
 * freed meanwhile).
 */
NOEX_API NOEX_MUST_USE int noex_await(noex_cluster *cluster, noex_op op,
                                      const struct noex_result **result);

/** Nobody is told how it comes out; what was set going elsewhere goes on. Errors: NOEX_EINVALID
 * (NULL). */
NOEX_API int noex_forget(noex_cluster *cluster, noex_op op);

#ifdef __cplusplus
}
#endif
#endif
