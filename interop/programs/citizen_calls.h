/* The part of the citizen that calls, is called, spawns and serves functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CITIZEN_CALLS_H
#define CITIZEN_CALLS_H

#include <noex/noex.h>

/** Whoever gave a command, and its reference: the answer goes there, now or later. */
struct asker {
    struct asker *next; /* of all that there are */
    struct asker **at;
    bool wants_end; /* of what was spawned */
    noex_builder *from;
    noex_builder *ref;
};

/** Keeps the two terms. */
struct asker *asker_new(struct noex_term from, struct noex_term ref);
void asker_free(struct asker *a);
/** Sends {Ref, Answer}; `from` is the process that answers, or NULL. */
void asker_tell(noex_node *node, const struct noex_pid *self, const struct asker *a,
                struct noex_term answer);

/** A pid, Name of this node, or {Name, Node}; its strings are good until the next call. */
int any_target(noex_node *node, struct noex_term term, struct noex_target *target);

/* Commands that are answered when their outcome is known; `a` is theirs. */

/** {call, Target, Request, Timeout}: {reply, Term}, or {failed, Error, Reason | none}. */
int calls_call(noex_node *node, const struct noex_pid *self, const struct noex_term *arg,
               struct asker *a);
/** {rpc, Node, {M, F, Args}, Timeout}: as calls_call. */
int calls_rpc(noex_node *node, const struct noex_pid *self, const struct noex_term *arg,
              struct asker *a);
/** {spawn_on, Node, {M, F, Args}, [link | monitor]}: {spawned, Pid}, or as a failed call; the end
 * is sent as {spawn_down, Ref, Pid, Reason}. */
int calls_spawn(noex_node *node, const struct noex_pid *self, const struct noex_term *arg,
                struct asker *a);

/** An outcome of the above, whosever it is; true where it was one. */
bool calls_outcome(noex_node *node, const struct noex_event *e);

/** What somebody calls: {echo, T}: T; {exit, R}: the process ends; hold: answered at
 * release. */
void calls_answer(noex_node *node, const struct noex_event *e);
/** {release, T}: all who hold get T, and the functions that hold return it. */
int calls_release(noex_node *node, struct noex_term value);

/** Serves the module `c_node`: echo/1, add/2, self/0, raise/2 (Class, Reason), die/1, hold/0. */
int calls_serve(noex_node *node);
void calls_free(void);

#endif
