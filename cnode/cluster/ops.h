/* What is asked of a cluster and answered later: named by a noex_op, told once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_OPS_H
#define NX_CLUSTER_OPS_H

#include "base/err.h"
#include "base/map.h"
#include <noex/call.h>
#include <noex/cluster.h>
#include <noex/monitor.h>

struct nx_op;
struct nx_outcome;

/** What the kinds of operations do. All run inside callbacks, but `release`. */
struct nx_op_kind {
    size_t size; /* of its record, which begins with a struct nx_op */
    bool lives;  /* goes on after its answer, as a monitor or a link */
    /** An event of its core call or monitor. After all but a MONITOR_UP that is over. NULL: it
     * makes none. */
    void (*on_event)(struct nx_op *op, const struct noex_event *event);
    /** The cluster stops: it is answered already, and is to end itself (nx_op_end). NULL: that is
     * all there is to do. */
    void (*stopped)(struct nx_op *op);
    /** noex_await has returned, or given up. NULL: nothing. */
    void (*awaited)(struct nx_op *op);
    /** Frees what the record owns; itself it is freed by the table. NULL: nothing. */
    void (*release)(struct nx_op *op);
};

/** The beginning of every operation's record. */
struct nx_op {
    noex_op id;
    noex_cluster *cluster;
    const struct nx_op_kind *kind;
    noex_done_fn done;
    void *user;
    uint64_t under_way;         /* a call in the core, or a monitor; 0: none */
    struct nx_outcome *outcome; /* answered, and kept for noex_await */
    struct nx_op *prev;         /* all there are, in the order of asking */
    struct nx_op *next;
    bool monitors; /* under_way is a monitor of the node itself */
    bool kept;     /* without a function: the answer is for noex_await */
    bool answered;
    bool ended;    /* its kind is done with it */
    bool fine;     /* answered and kept, and there is nothing to tell but that */
    bool awaiting; /* noex_await is running for it */
    bool telling;  /* its function is running: it is freed afterwards */
};

/** An entry of the table, found by the slot in a noex_op, or by what is under way. */
struct nx_op_entry {
    struct nx_map_entry entry;
    struct nx_op *op;
};

struct nx_ops {
    struct nx_slab slab;
    struct nx_map under_way;
    struct nx_op *first;
    struct nx_op *last;
};

void nx_ops_init(struct nx_ops *ops, const struct noex_allocator *a,
                 const struct nx_map_seed *seed);
/** Frees all operations, telling nobody. */
void nx_ops_free(struct nx_ops *ops);

/** Whom an answer is for: what the asking function was given. */
struct nx_asker {
    noex_done_fn done;
    void *user;
    noex_op *op; /* with `done` NULL: not NULL means that the answer is kept */
};

/**
 * A record of kind->size zeroed bytes, its head filled in; `*asker->op` is set. NULL: no memory. It
 * is freed by nx_op_drop before the asking function fails, else by nx_op_end.
 */
struct nx_op *nx_op_new(noex_cluster *cluster, const struct nx_op_kind *kind,
                        const struct nx_asker *asker);
/** The asking function fails after all: nobody is told. */
void nx_op_drop(struct nx_op *op);

/** NULL where there is none of this name. */
struct nx_op *nx_op_find(const noex_cluster *cluster, noex_op id);
/** The same where it is of this kind, else NULL. */
struct nx_op *nx_op_find_kind(const noex_cluster *cluster, noex_op id,
                              const struct nx_op_kind *kind);

/** From now on events of this core call, or monitor, are the operation's. */
void nx_op_set_call(struct nx_op *op, noex_call_id call);
void nx_op_set_monitor(struct nx_op *op, noex_monitor_id monitor);
/** An event of a call or monitor of the node: true where it was one of an operation. */
bool nx_ops_event(noex_cluster *cluster, const struct noex_event *event);

/**
 * Tells how it came out; the first time only. Inside a callback. `result` needs no size and op.
 * The record stays until the nx_op_end, or nx_op_go_on, that follows, whatever the program does
 * meanwhile: it may have ended it (`ended`).
 */
void nx_op_answer(struct nx_op *op, const struct noex_result *result);
/** The same for a failure: code, node concerned (may be NULL), text as by printf(3). */
void nx_op_fail(struct nx_op *op, int code, const char *node, const char *format, ...)
    NX_PRINTF(4, 5);
/** The same from a CALL_FAILED: its error, node and term. */
void nx_op_fail_event(struct nx_op *op, const struct noex_event *event);
/** Its kind is done with it: gone, unless its answer is kept. What is under way is given up. */
void nx_op_end(struct nx_op *op);

/** It was answered, and lives on; unless it was ended meanwhile: then it is gone. */
void nx_op_go_on(struct nx_op *op);
/** As noex_forget, inside another function. 0 is ignored. */
void nx_op_forget(noex_cluster *cluster, noex_op id);

/** The cluster stops: each that is pending fails with NOEX_ENOTSTARTED, each ends. */
void nx_ops_stop(noex_cluster *cluster);

#endif
