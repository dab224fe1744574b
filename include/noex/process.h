/* Processes of this node: made, named, sent to, linked, ended. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_PROCESS_H
#define NOEX_PROCESS_H

#include <noex/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A process of this node is what Erlang code takes for one: it has a pid, perhaps a name, a queue
 * of messages and links, and an end with a reason, which all who monitor it or are linked to it are
 * told. It has no thread and no stack: what happens to it comes as events, MESSAGE, CALL, CAST,
 * EXIT and last of all PROCESS_END, to its own on_event or else the node's way. Only a node of a
 * fixed name has processes.
 */

/**
 * For sys:get_state and sys:get_status: builds the state of the process, one term, with `builder`,
 * which is empty. What is built is what the asker sees; nothing, or an error in building: the atom
 * undefined. Runs as on_event does.
 */
typedef void (*noex_state_fn)(void *user, noex_builder *builder);

/** How a process is to be. Fill with noex_process_options_init, then change what you want. */
struct noex_process_options {
    /** sizeof(struct noex_process_options) as the caller was compiled; set by
     * noex_process_options_init. */
    size_t size;
    /** The name it is registered under from the beginning, UTF-8; copied. NULL: none. */
    const char *name;
    /** Receives the events of this process; NULL: they go where the node's go. In a node whose
     * events are pulled noex_node_process calls it, whatever waits to be pulled meanwhile. */
    noex_event_fn on_event;
    /** Shows its state to sys:get_state; NULL: undefined. */
    noex_state_fn on_state;
    void *user; /**< passed to both; process_user in its events */
    uint32_t
        trap_exit; /**< 1: exit signals come as EXIT events; as process_flag(trap_exit, true) */
    uint32_t hold; /**< 1: what is sent to it waits, as after noex_process_hold */
    /** Receives a STOP when somebody ends it by sys:terminate (gen_server:stop and its kin), with
     * the reason, in its turn: to call noex_process_exit with whatever it wants, at once or later.
     * NULL: it ends with that reason at once. */
    noex_event_fn on_stop;
};

/** As noex_process_options_init for a struct of `size` bytes. */
NOEX_API void noex_process_options_init_size(struct noex_process_options *options, size_t size);

/** Fills in: no name, no functions, exits not trapped. */
static inline void noex_process_options_init(struct noex_process_options *options)
{
    noex_process_options_init_size(options, sizeof *options);
}

/**
 * Makes a process; `*process` is its pid on this node. `options` may be NULL. Errors: NOEX_EINVALID
 * (a NULL, options of a size that cannot be, a name that no process can have), NOEX_ESTATE (the
 * node has no fixed name), NOEX_ENAMETAKEN (another process has the name), NOEX_ENOMEM, NOEX_ELIMIT
 * (processes_max).
 */
NOEX_API NOEX_MUST_USE int noex_process_new(noex_node *node,
                                            const struct noex_process_options *options,
                                            struct noex_pid *process);

/**
 * Ends a process of this node with `reason`: who monitors it gets a DOWN, who is linked to it an
 * exit signal, both with that reason (on other nodes with the atom too_long where it is longer than
 * half of out_max); its name is free, what waits for it is dropped. PROCESS_END is told later, as
 * for any other end. Errors: NOEX_EINVALID (a NULL), NOEX_ENOPROC (there is no
 * such process, or it has ended), NOEX_ETERM (`reason` is no whole term), NOEX_ENOMEM (the reason
 * cannot be kept: nothing has happened).
 */
NOEX_API int noex_process_exit(noex_node *node, const struct noex_pid *process,
                               struct noex_term reason);

/** Whether exit signals come as EXIT events (true) or end the process. Without memory for the event
 * they end it all the same, by the reason enomem. Errors: NOEX_EINVALID (a NULL), NOEX_ENOPROC. */
NOEX_API int noex_process_trap_exit(noex_node *node, const struct noex_pid *process, bool trap);

/** Holds what is sent to a process (true), or tells it of all that waits (false), as sys:suspend
 * and sys:resume do, which undo each other's work. An exit signal that is not trapped ends it all
 * the same, and what it asked for itself is told. Errors: NOEX_EINVALID (a NULL), NOEX_ENOPROC. */
NOEX_API int noex_process_hold(noex_node *node, const struct noex_pid *process, bool hold);

/** True while this process of the node has not ended. */
NOEX_API bool noex_process_is_alive(const noex_node *node, const struct noex_pid *process);

/** The node's own name, "name@host"; NULL where it has no fixed one. Borrowed for the node's life.
 */
NOEX_API const char *noex_node_name(const noex_node *node);

/* Names */

/** Registers a process under a name (UTF-8, at most 255 characters; copied). Errors: NOEX_EINVALID
 * (a NULL, a name that no process can have, the process has a name already), NOEX_ENOPROC,
 * NOEX_ENAMETAKEN, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_register(noex_node *node, const char *name,
                                         const struct noex_pid *process);
/** Takes the name away. Errors: NOEX_EINVALID (a NULL), NOEX_ENOPROC (nobody has it). */
NOEX_API int noex_unregister(noex_node *node, const char *name);
/** The process registered under a name. Errors: NOEX_EINVALID (a NULL), NOEX_ENOPROC (nobody has
 * it). */
NOEX_API NOEX_MUST_USE int noex_whereis(noex_node *node, const char *name,
                                        struct noex_pid *process);

/* Signals. `from` is a process of this node. `to` may be on any node, this one included; where the
 * node is not connected it is connected to, as by noex_connect with NOEX_CONNECT_ONCE, and the
 * signal goes when it is up. Signals of one process to one node arrive in the order of sending.
 * Nothing tells whether a message arrived: what goes to a process, name or node that is not there
 * is lost, as in Erlang. */

/**
 * Sends a message. `from` may be NULL. `to` is a process or a name. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOPROC (`from` has ended), NOEX_ETARGET, NOEX_ENODENAME, NOEX_ETERM (`message` is no whole
 * term), NOEX_ENOMEM, NOEX_EUNREAD (out_max: too much waits to be sent to that node), NOEX_ELIMIT
 * (to this node itself: mail_max; to another: it alone is more than out_max).
 */
NOEX_API NOEX_MUST_USE int noex_send(noex_node *node, const struct noex_pid *from,
                                     const struct noex_target *to, struct noex_term message);

/**
 * Sends a message to whoever made this alias, a reference: an erlang:alias/0 that another node has
 * sent here, or one of noex_alias. `alias` is the reference as a term; one that is taken away, or
 * no alias at all, loses the message. In all else as noex_send. Errors: NOEX_EINVALID (NULL),
 * NOEX_ENOPROC, NOEX_ETARGET (`alias` is no reference), NOEX_ENODENAME, NOEX_ETERM, NOEX_ENOMEM,
 * NOEX_EUNREAD, NOEX_ELIMIT.
 */
NOEX_API NOEX_MUST_USE int noex_send_alias(noex_node *node, const struct noex_pid *from,
                                           struct noex_term alias, struct noex_term message);

/** Sends an exit signal, as exit/2: `kill` ends the process whatever it traps, `normal` does
 * nothing to one that traps none, but for itself. `to` is a process. Errors: as noex_send, `from`
 * must not be NULL: NOEX_EINVALID, NOEX_ENOPROC, NOEX_ETARGET (a name), NOEX_ENODENAME, NOEX_ETERM,
 * NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
NOEX_API NOEX_MUST_USE int noex_exit(noex_node *node, const struct noex_pid *from,
                                     const struct noex_target *to, struct noex_term reason);

/**
 * Links a process of this node with another one. When either ends the other gets an exit signal
 * with the reason; noproc where there is no such process, noconnection (origin local) where its
 * node cannot be reached or is lost. Linked twice is linked once. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOPROC, NOEX_ETARGET (a name), NOEX_ENODENAME, NOEX_ENOMEM, NOEX_EUNREAD.
 */
NOEX_API NOEX_MUST_USE int noex_link(noex_node *node, const struct noex_pid *process,
                                     const struct noex_target *to);
/** Takes a link away: an end from now on is told by no exit signal. An EXIT event that waits
 * already is told. No link is no error. Errors: NOEX_EINVALID (a NULL), NOEX_ENOPROC, NOEX_ETARGET,
 * NOEX_ENODENAME, NOEX_ENOMEM. */
NOEX_API int noex_unlink(noex_node *node, const struct noex_pid *process,
                         const struct noex_target *to);

/* Aliases */

/** Names an alias of a process; never 0, never used twice in the life of a node. */
typedef uint64_t noex_alias_id;

/**
 * Makes an alias, as erlang:alias/0: a reference by which the process can be sent to until it is
 * taken away or the process ends. Adds the reference, as a term, to `builder`. Errors:
 * NOEX_EINVALID (a NULL), NOEX_ENOPROC, NOEX_ENOMEM, and what adding a term to the builder may
 * give: NOEX_ESTATE, NOEX_ELIMIT, NOEX_ETERM.
 */
NOEX_API NOEX_MUST_USE int noex_alias(noex_node *node, const struct noex_pid *process,
                                      noex_builder *builder, noex_alias_id *alias);
/** Makes an alias one of erlang:alias([priority]), OTP 28: messages and exit signals that are sent
 * to it with priority are told before all else that waits. To another alias, a pid or a name
 * nothing has priority. One that is gone is no error. Errors: NOEX_EINVALID (NULL). */
NOEX_API int noex_alias_priority(noex_node *node, noex_alias_id alias);
/** Takes an alias away: what is sent to it from now on is dropped. One that is gone is no error.
 * Errors: NOEX_EINVALID (NULL). */
NOEX_API int noex_unalias(noex_node *node, noex_alias_id alias);

/** Adds the group leader of a process, as a term, to `builder`: the pid that a GROUP_LEADER signal
 * or a spawn request named last, or the atom undefined. Errors: NOEX_EINVALID (a NULL),
 * NOEX_ENOPROC, and what adding a term to the builder may give: NOEX_ESTATE, NOEX_ELIMIT,
 * NOEX_ETERM, NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_group_leader(noex_node *node, const struct noex_pid *process,
                                             noex_builder *builder);

#ifdef __cplusplus
}
#endif
#endif
