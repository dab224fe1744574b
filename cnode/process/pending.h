/* What this node asked others for and waits for: calls, spawns, remote calls. Records found by the
 * slot and generation that their reference carries. No wire, no I/O.
 *
 * Each is told of exactly once: by its answer, a failure, its time, or the end of what it asked; or
 * never, where it is cancelled or its caller ends. A spawn that is monitored is told of twice: when
 * the process is there, and when it has ended. The letters that tell are set aside when the record
 * is made, so that only the bytes of a term need memory later.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_PENDING_H
#define NX_PROCESS_PENDING_H

#include "base/heap.h"
#include "base/ring.h"
#include "process/letters.h"

enum nx_pending_kind {
    NX_PENDING_CALL = 1, /* '$gen_call' with a monitor */
    NX_PENDING_SPAWN,    /* spawn_request */
    NX_PENDING_RPC,      /* erpc: a spawn_request whose monitor brings the result */
    NX_PENDING_LEADER    /* the node's own question who a peer's `user` is: nobody is told */
};

/** Whoever was asked, a peer or a process of this node. All zero: for nothing. */
struct nx_pending_asked {
    struct nx_ring waiting; /* those that wait for it */
    struct nx_ring
        leaving; /* those that are over here, while it holds a monitor and is to be told */
    size_t kept; /* bytes of requests that wait to be sent there */
};

/** A request that cannot go out yet. */
struct nx_pending_kept {
    size_t len;
    uint8_t bytes[];
};

/** One record. Read freely; change by the functions. */
struct nx_pending {
    struct nx_slot slot;
    struct nx_pending_asked *asked;
    struct nx_ring *in; /* of those of `asked`; NULL: neither */
    struct nx_ring
        *calls; /* of the process that asks, while there is something to tell; NULL: none */
    struct nx_ring_link of_asked;
    struct nx_ring_link of_caller;
    uint32_t letter[2];     /* that tell it is there, that tell the end; 0: none, or told */
    uint32_t place;         /* among the deadlines */
    uint32_t peer;          /* index, or NX_PEER_HERE */
    struct noex_pid caller; /* the process that asks; serial 0: the node itself */
    uint8_t kind;           /* enum nx_pending_kind */
    uint8_t target_kind;    /* enum noex_target_kind; of a spawn NODE, and PID once it is there */
    bool waits;             /* not over */
    bool monitored;         /* whoever was asked holds a monitor by this record's reference */
    bool keeps;             /* SPAWN: goes on until its process ends */
    bool links;             /* SPAWN: with a link */
    union {
        struct noex_pid pid;
        char *name;
    } target;
    void *user;
    struct nx_pending_kept *kept;
};

struct nx_pendings;

/** Each letter that is to be told goes to `queue`. NULL: no memory. */
struct nx_pendings *nx_pendings_new(const struct noex_allocator *a, struct nx_letters *letters,
                                    void (*queue)(void *ctx, struct nx_letter *l), void *ctx);
void nx_pendings_free(struct nx_pendings *t);

/** What is asked. */
struct nx_pending_request {
    enum nx_pending_kind kind;
    bool keeps;
    bool links;
    struct nx_pending_asked *asked; /* stays where it is while records point to it */
    uint32_t peer;
    const struct noex_target *target; /* CALL: what is called; copied */
    struct nx_ring *calls;            /* of the process that asks; NULL: the node itself */
    struct noex_pid caller;
    uint64_t deadline_ms; /* UINT64_MAX: none */
    void *user;
};

/** Adds a record. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_pending_add(struct nx_pendings *t, const struct nx_pending_request *request,
                                 uint32_t *slot);

struct nx_pending *nx_pending_at(const struct nx_pendings *t, uint32_t slot);
/** The record with this slot and generation, one that is over too while something of it is left to
 * tell or to send; or NULL. Takes any numbers. */
struct nx_pending *nx_pending_find(const struct nx_pendings *t, uint32_t slot, uint32_t generation);

/** The id of the API. */
static inline noex_call_id nx_pending_id(const struct nx_pending *r, uint32_t slot)
{
    return (uint64_t)r->slot.generation << 32 | slot;
}

/** Keeps a request that cannot go out yet. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_pending_keep(struct nx_pendings *t, uint32_t slot, struct nx_span request);
/** It has gone out. */
void nx_pending_sent(struct nx_pendings *t, uint32_t slot);
/** The next behind `slot` (0: from the first on) that waits to be sent to whoever is asked, or 0.
 */
uint32_t nx_pending_next_kept(const struct nx_pendings *t, const struct nx_pending_asked *asked,
                              uint32_t slot);

/* What happens to a record that waits. */

/** Whether whoever was asked holds a monitor by the record's reference. */
void nx_pending_monitored(struct nx_pendings *t, uint32_t slot, bool monitored);
/** The process is there, `monitored` or not. A SPAWN is told so, and has no deadline any more; it
 * is over unless it keeps on, which it does only with a monitor. */
void nx_pending_spawned(struct nx_pendings *t, uint32_t slot, const struct noex_pid *pid,
                        bool monitored);
/** The answer has come. Where its bytes cannot be kept it is a failure: NOEX_ENOMEM, or NOEX_ELIMIT
 * (the letters' max). */
void nx_pending_reply(struct nx_pendings *t, uint32_t slot, struct nx_span term);
/** What the other side says ends it: a spawned process, of a SPAWN, with this reason; all else has
 * failed with `code`. `full_len` is the whole length of what `term` is the beginning of; what
 * cannot be kept is missing. */
void nx_pending_down(struct nx_pendings *t, uint32_t slot, int code, struct nx_span term,
                     uint64_t full_len);
/** It has failed here: its time is over, or it could not be sent. */
void nx_pending_fail(struct nx_pendings *t, uint32_t slot, int code);
/** It ends silently, and nothing of it is told any more. Of one that is over, too. */
void nx_pending_cancel(struct nx_pendings *t, uint32_t slot);

/** The earliest deadline; UINT64_MAX: none. */
uint64_t nx_pendings_deadline(const struct nx_pendings *t);
/** One whose deadline has passed, or 0; end it and ask again. */
uint32_t nx_pendings_due(const struct nx_pendings *t, uint64_t now_ms);

/** The connection is gone: each that waits for this peer ends, in the order of their making; a
 * process that was spawned with noconnection, all else with `code` and `cause`. Nobody there holds
 * a monitor any more. Needs no memory. */
void nx_pendings_lost(struct nx_pendings *t, struct nx_pending_asked *asked, int code,
                      uint32_t cause);
/** A process of this node has ended, with this reason: each that waits for it has failed with
 * `code`. */
void nx_pendings_asked_ended(struct nx_pendings *t, struct nx_pending_asked *asked, int code,
                             struct nx_span reason);
/** A process of this node has ended: all that it asked for is cancelled. */
void nx_pendings_caller_ended(struct nx_pendings *t, struct nx_ring *calls);

/** The next one for which the peer must be sent a DEMONITOR_P, or 0; nx_pending_left says that it
 * went out. */
uint32_t nx_pending_next_leaving(const struct nx_pending_asked *asked);
void nx_pending_left(struct nx_pendings *t, uint32_t slot);

/** The oldest letter of a record that is to be told, or NULL. */
struct nx_letter *nx_pending_letter(const struct nx_pendings *t, uint32_t slot);
/** A letter of this table's is being told, or was taken: cancelling touches it no more. The record
 * may be gone. */
void nx_pending_told(struct nx_pendings *t, const struct nx_letter *l);

#endif
