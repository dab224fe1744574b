/* A node: its options, its life, its connections. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_NODE_H
#define NOEX_NODE_H

#include <noex/alloc.h>
#include <noex/event.h>
#include <noex/log.h>
#include <noex/tls.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A node. Several in one OS process share nothing. A node belongs to one thread at a time: only
 * noex_node_wakeup, and noex_post through a poster, may be called from others. Callbacks run only
 * from inside noex_node_process (or the uv_run of a loop that the program gave), never inside
 * another call, and may call every function of the node but those that say NOEX_EREENTRANT. A
 * callback that sleeps stops the node: hand long work to another thread, and let it post.
 */
typedef struct noex_node noex_node;

/** Events wait to be pulled. Called at most once a turn of the loop, and again in the next for
 * those that it left; for nodes without on_event. */
typedef void (*noex_ready_fn)(void *user);
/** A node's memory is gone, its allocator and its loop are the program's again. */
typedef void (*noex_closed_fn)(void *user);

/**
 * How a node is to be. Fill with noex_options_init, then change what you want. Strings are copied
 * by noex_node_new. Times are milliseconds, sizes bytes.
 */
struct noex_options {
    /** sizeof(struct noex_options) as the caller was compiled; set by noex_options_init. */
    size_t size;
    /** "name@host" for a node of a fixed name; NULL (default): each connection asks its own peer
     * for an identity (NAME_ME), so any number of such nodes run side by side and none leaves atoms
     * behind. */
    const char *name;
    /** Required. 1 to 255 characters of 0x20..0x7e; wiped from memory with the node. */
    const char *cookie;
    /** NULL: malloc(3) and its kin. */
    const struct noex_allocator *allocator;
    /** Receives events; NULL: they wait for noex_node_next_event. */
    noex_event_fn on_event;
    /** Without on_event: called when some wait to be pulled; may pull them. NULL: none. */
    noex_ready_fn on_ready;
    /** Passed to on_event and on_ready. */
    void *user;
    /** Receives log lines up to log_level; NULL: none. */
    noex_log_fn on_log;
    void *log_user; /**< passed to on_log */
    /** net_ticktime of the cluster (60000). At least 1000. */
    uint64_t ticktime_ms;
    /** Longest silence at each step of connecting: name resolution, epmd, TCP, handshake (7000). */
    uint64_t step_ms;
    /** How long a monitor may take until it is established, connecting included (10000). */
    uint64_t setup_timeout_ms;
    /** Reconnecting: the first delay, doubling from then on, each times a random 0.5 to 1.5 (500),
     */
    uint64_t reconnect_min_ms;
    /** and the longest (30000). */
    uint64_t reconnect_max_ms;
    /** A longer frame closes its connection; and this much is kept of messages in fragments that
     * are under way, all together: beyond it a reason is cut, and a message closes its connection,
     * too (128 MiB). */
    size_t message_max;
    /** Bytes kept of one exit reason; the rest is cut and marked (1 MiB). */
    size_t reason_max;
    /** Bytes of reasons that wait for delivery, in all; beyond it reasons are cut to nothing and
     * marked (16 MiB). */
    size_t reason_budget;
    /** Bytes waiting to be written to one peer beyond which new monitors are held back (1 MiB; half
     * of out_max at most), */
    size_t out_high;
    /** and beyond which the connection is closed, the peer having stopped reading (128 MiB). */
    size_t out_max;
    /** Monitors of the node at once; and, each for itself, those that one peer has on its
     * processes, and its links: a peer that wants more is disconnected (16777216). */
    uint32_t monitors_max;
    /** Messages in fragments under way at once on one connection; one more closes it (65536). */
    uint32_t fragments_max;
    /** Where epmd listens on every host (4369). */
    uint16_t epmd_port;
    /** The port to listen at (0: the kernel's choice, which noex_node_listen_port tells). */
    uint16_t listen_port;
    /** How much on_log is told (NOEX_LOG_INFO). */
    enum noex_log_level log_level;
    /** Where to listen, a host or an address; "0.0.0.0" and "::" are every address of the machine.
     * NULL (default): the host in the node's own name, so that a name on the loopback stays there.
     * Resolved as a host is that is dialled, and never inside noex_node_new. */
    const char *listen_address;
    /** Connections that may be in their handshake at once; one more, and the one that has been
     * silent longest is closed for it (64). */
    uint32_t accept_max;
    /** Accept connections, and register the name with this machine's epmd, so that other nodes find
     * it: for a node of a fixed name (false). Both go on for the node's life, whatever fails: see
     * NOEX_EVENT_REGISTERED. */
    bool listen;
    /** With listen: do not register. Whoever is to connect must know the port. */
    bool no_epmd;
    /** Be a visible node, one of nodes() on the others, which then expect it to take part in their
     * `global`; for a node of a fixed name (false: hidden). */
    bool visible;
    /** Read what has come at once, in a storm of DOWNs, or of monitors that others make, too.
     * Otherwise (false) sockets are left alone there for a millisecond at a time, which saves most
     * of the CPU time of a storm; single DOWNs are never held back. */
    bool eager_reads;
    /** Bytes of messages and exit signals that wait to be told, in all; a peer that sends more is
     * disconnected (256 MiB). */
    size_t mail_max;
    /** Processes of the node at once (1048576). */
    uint32_t processes_max;
    uint32_t reserved32; /**< 0 */
    /** Every connection goes through TLS, by this; the node keeps a hold of it. NULL (default): in
     * the clear. */
    noex_tls *tls;
};

/** As noex_options_init for a struct of `size` bytes: of the header that the program was compiled
 * with. */
NOEX_API void noex_options_init_size(struct noex_options *options, size_t size);

/** Fills in the defaults above. */
static inline void noex_options_init(struct noex_options *options)
{
    noex_options_init_size(options, sizeof *options);
}

/**
 * Makes a node. Nothing is connected yet. On success `*out` is the caller's, to free with
 * noex_node_free. `err` may be NULL. Errors: NOEX_EINVALID (a NULL or an option out of range, named
 * in `err`), NOEX_ENODENAME, NOEX_ECOOKIE_FORM, NOEX_ETLSOPTION (a node that listens, and TLS
 * without a certificate), NOEX_ENOMEM, NOEX_ESYSTEM, NOEX_ERANDOM.
 */
NOEX_API NOEX_MUST_USE int noex_node_new(noex_node **out, const struct noex_options *options,
                                         struct noex_error *err);

/**
 * Closes every connection and frees the node: no event comes any more, posted functions that still
 * wait are told that they are cancelled, and the node must not be used any more. Never waits, not
 * even for name resolution: a lookup that hangs ends by itself, in a thread of its own. `closed`
 * (may be NULL) is called with `user` when the memory is gone: before this returns; from inside a
 * callback when the noex_node_process around it ends; on a caller's uv_loop_t always later, from
 * its uv_run. NULL, and a node that is closing, are ignored.
 */
NOEX_API void noex_node_close(noex_node *node, noex_closed_fn closed, void *user);

/**
 * Begins an orderly end: no connection is accepted or begun any more (what would begin one fails
 * with NOEX_ESTATE), the registration with epmd is given up, and each connection is closed once the
 * peer has read all that was sent; its NODE_DOWN says NOEX_EDISCONNECTED. After `linger_ms` what is
 * left is closed all the same. One NOEX_EVENT_SHUTDOWN tells that no connection is left; then, or
 * at any time, noex_node_close. Without this a close may cost a peer what it has not read yet.
 * Called again it does nothing. Errors: NOEX_EINVALID (NULL), NOEX_ENOMEM (nothing has begun).
 */
NOEX_API NOEX_MUST_USE int noex_node_shutdown(noex_node *node, uint64_t linger_ms);

/** noex_node_close without being told. */
NOEX_API void noex_node_free(noex_node *node);

/** Why the call on this node that just failed did so: its code, and the cause in words. Borrowed
 * until the next call on the node, which writes it anew. Never fails; NULL gives NULL. */
NOEX_API const struct noex_error *noex_node_error(const noex_node *node);

/**
 * Runs the node: waits at most `max_wait_ms` for something to happen (0: not at all), then reads,
 * writes and delivers events. Errors: NOEX_EINVALID (NULL), NOEX_EREENTRANT (inside a callback),
 * NOEX_ESTATE (a caller's uv_loop_t drives the node; or it was closed inside a callback, and is
 * gone).
 */
NOEX_API NOEX_MUST_USE int noex_node_process(noex_node *node, uint64_t max_wait_ms);

/** For a program with a poll loop of its own: poll this descriptor for reading, level-triggered, no
 * longer than noex_node_timeout_ms, then call noex_node_process(node, 0). Errors: NOEX_EINVALID
 * (NULL), NOEX_ESTATE (a caller's uv_loop_t drives the node). */
NOEX_API int noex_node_fd(noex_node *node);
/** Milliseconds until the node must run though its descriptor is silent; 0 while events wait to be
 * pulled; -1: no limit. Ask again before each wait. */
NOEX_API int64_t noex_node_timeout_ms(noex_node *node);

/** Makes a waiting noex_node_process return, and ends a function of wait.h with NOEX_EINTERRUPTED.
 * From any thread and from signal handlers, until noex_node_close is called. */
NOEX_API void noex_node_wakeup(noex_node *node);

/** Without an on_event: takes the next event, NULL when there is none. It and everything in it are
 * borrowed until the next call on the node, and until a caller's uv_loop_t goes on. */
NOEX_API NOEX_MUST_USE const struct noex_event *noex_node_next_event(noex_node *node);

/** Milliseconds of a clock that only goes forward: the node's own, for deadlines beside it. NULL
 * gives 0. */
NOEX_API uint64_t noex_node_now_ms(noex_node *node);

/** The port where the node accepts connections; 0 while it does not, or NULL was given. */
NOEX_API uint16_t noex_node_listen_port(const noex_node *node);

/**
 * Sets the cookie that is shared with `peer` ("name@host") alone, in both directions, as
 * erlang:set_cookie/2 does; NULL: the node's own again. With the node's own name the node's own
 * cookie is set. For handshakes from now on; a connection that is up stays. What is known of a node
 * is kept as noex_connect says. Errors: NOEX_EINVALID (no node; none for its own name),
 * NOEX_ENODENAME, NOEX_ECOOKIE_FORM, NOEX_ENOMEM.
 */
NOEX_API NOEX_MUST_USE int noex_set_cookie(noex_node *node, const char *peer, const char *cookie);

/** What noex_connect does when there is no connection any more. */
enum noex_connect_flags {
    NOEX_CONNECT_ONCE = 0, /**< one attempt; a lost connection stays lost */
    NOEX_CONNECT_KEEP = 1  /**< try again, and reconnect, for ever, with back-off */
};

/**
 * Connects to a node ("name@host" or "name@host:port") unless a connection or an attempt is there
 * already. The attempt begins in noex_node_process, at once, but not sooner than reconnect_min_ms
 * after the beginning of one that failed, or whose connection was lost within five seconds; the
 * outcome comes as an event: NODE_UP, or CONNECT_FAILED (followed by RECONNECT with
 * NOEX_CONNECT_KEEP). Calling again changes the policy.
 * What is known of a node, or of one that has connected by itself, is kept until the program's own
 * node is freed: about 1.3 kilobytes a name; names that were given to their nodes are used again.
 * Errors: NOEX_ENODENAME, NOEX_ENOMEM, NOEX_EINVALID (the node's own name, no node, other
 * flags).
 */
NOEX_API NOEX_MUST_USE int noex_connect(noex_node *node, const char *peer,
                                        enum noex_connect_flags flags);

/** Closes the connection, or gives the attempt up, and reconnects no more. Its events come as for a
 * loss (NOEX_EDISCONNECTED); while only a next attempt was waited for there are none. Errors:
 * NOEX_ENODENAME, NOEX_EINVALID, NOEX_ENOTREACHABLE (no such connection or attempt). */
NOEX_API NOEX_MUST_USE int noex_disconnect(noex_node *node, const char *peer);

/** What noex_connection tells. */
enum noex_connection_state {
    NOEX_CONNECTION_NONE = 0,       /**< none, and no attempt */
    NOEX_CONNECTION_CONNECTING = 1, /**< an attempt is under way */
    NOEX_CONNECTION_UP = 2,
    NOEX_CONNECTION_WAITING = 3 /**< lost or failed; the next attempt will come */
};

/**
 * What stands between the node and `peer`. While CONNECTING, `text` (may be NULL, cut at `size`)
 * gets in words what is awaited at this moment, "epmd on db1 (port 4369)" or "the peer's
 * challenge"; else it is empty. A name that is none, or unknown, gives NONE.
 */
NOEX_API enum noex_connection_state noex_connection(noex_node *node, const char *peer, char *text,
                                                    size_t size);

/** What is known of another node. */
struct noex_peer_info {
    uint64_t flags;    /**< the capability flags that both have, while it is up; else 0 */
    uint64_t up_ms;    /**< since the connection came up; 0: it is not */
    uint64_t heard_ms; /**< since the last byte was read from it; 0: it is not up */
    uint32_t creation; /**< which incarnation it is, while it is up; else 0 */
    uint32_t port;     /**< its distribution port, where one was given; else 0 */
    uint32_t visible;  /**< 1: it is a visible node, and up */
    enum noex_connection_state state; /**< as noex_connection tells */
};

/** Fills in what is known of a node; all 0 where that is nothing. `size` is sizeof(struct
 * noex_peer_info). NULLs give nothing. */
NOEX_API void noex_peer_get_info(noex_node *node, const char *peer, struct noex_peer_info *info,
                                 size_t size);

/** Counters of a node, from its birth; gauges are marked. */
struct noex_stats {
    uint64_t frames_in;        /**< frames read, without handshakes and ticks */
    uint64_t frames_out;       /**< frames sent, the same */
    uint64_t bytes_in;         /**< bytes read from peers, handshakes and ticks included */
    uint64_t bytes_out;        /**< bytes sent to peers, the same */
    uint64_t ticks_in;         /**< ticks read */
    uint64_t ticks_out;        /**< ticks sent */
    uint64_t signals_answered; /**< requests to processes that are not there: monitor, link, spawn,
                                  ping */
    uint64_t signals_dropped;  /**< valid signals that nobody here wants */
    uint64_t reasons_cut;      /**< exit reasons over reason_max or the budget */
    uint64_t downs_stale;      /**< DOWNs for monitors that had ended before */
    uint64_t connections;      /**< gauge: connections that are up */
    uint64_t accepted;         /**< connections that others made to this node and that came up */
    uint64_t refused;          /**< those that did not: a wrong cookie, silence, a port scan */
    uint64_t accept_dropped;   /**< of these, closed because of accept_max */
};

/** `size` is sizeof(struct noex_stats); a smaller one gets the fields it has. */
NOEX_API void noex_node_stats(const noex_node *node, struct noex_stats *stats, size_t size);

#ifdef __cplusplus
}
#endif
#endif
