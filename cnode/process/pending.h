/* What this node asked others for and waits for: calls, spawns, remote calls. Records found by the
 * slot and generation that their reference carries. No wire, no I/O.
 *
 * Each is told of exactly once: by its answer, a failure, its time, or the end of what it asked;
 * or never, where it is cancelled or its caller ends. A spawn that is monitored is told of twice:
 * when the process is there, and when it has ended. The record itself is the queue entry of what is
 * to be told, so that nothing can be lost for want of memory; only the bytes of a term can.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_PENDING_H
#define NX_PROCESS_PENDING_H

#include "base/heap.h"
#include "base/slab.h"
#include "base/span.h"
#include <noex/reason.h>
#include <noex/target.h>

enum nx_pending_kind {
    NX_PENDING_CALL = 1, /* '$gen_call' with a monitor */
    NX_PENDING_SPAWN,    /* spawn_request */
    NX_PENDING_RPC       /* erpc: a spawn_request whose monitor brings the result */
};

/** What is to be told, as bits. */
enum { NX_PENDING_EV_SPAWNED = 1, NX_PENDING_EV_END = 2 };

enum nx_pending_outcome {
    NX_PENDING_REPLY = 1, /* bytes: the reply */
    NX_PENDING_FAILED,    /* code; bytes: a reason, where the other side gave one */
    NX_PENDING_DOWN       /* a spawned process ended; bytes: the reason */
};

/** Records in the order in which they were made. */
struct nx_pending_list {
    uint32_t first;
    uint32_t last;
};

/** Whoever was asked: a peer, or a process of this node. Zeroes are one of nobody. */
struct nx_pending_asked {
    struct nx_pending_list waiting;
    struct nx_pending_list
        leaving; /* over here, while the peer holds a monitor and is to be told */
};

/** A term that a record keeps. */
struct nx_pending_bytes {
    size_t len;
    uint8_t bytes[];
};

/** One record. Read freely; change by the functions. */
struct nx_pending {
    struct nx_slot slot;
    struct nx_pending_asked *asked;
    struct nx_pending_list *list[2]; /* of who was asked, of who asks; NULL: in none */
    uint32_t prev[2];
    uint32_t next[2];
    uint32_t next_event[2]; /* the owner's queue links, of SPAWNED and of the end */
    uint32_t place;         /* among the deadlines */
    uint32_t peer;          /* the asker's number of who was asked */
    uint8_t kind;           /* enum nx_pending_kind */
    uint8_t outcome;        /* enum nx_pending_outcome; 0: none */
    uint8_t events;         /* NX_PENDING_EV_* to be told */
    uint8_t queued;         /* NX_PENDING_EV_* in the owner's queue */
    uint8_t target_kind;   /* enum noex_target_kind: CALL: what was called; else PID once spawned */
    uint8_t reason;        /* enum noex_reason_type of `bytes`, where they are a reason */
    uint8_t waits : 1;     /* not over */
    uint8_t monitored : 1; /* whoever was asked holds a monitor by this record's reference */
    uint8_t keeps : 1;     /* a SPAWN that goes on after SPAWNED, until its process ends */
    uint8_t lost : 1;      /* ended by the loss of the connection: origin local */
    uint8_t looked_at : 1; /* somebody reads what was told */
    uint32_t cause;        /* FAILED: the number of the peer's failure that it belongs to */
    int code;              /* FAILED: the error */
    struct noex_pid caller; /* the process that asks; id 0 and serial 0: the node itself */
    union {
        struct noex_pid pid;
        char *name;
    } target;
    void *user;
    struct nx_pending_bytes *bytes;
    uint64_t full_len; /* what bytes->len would be, had all been kept */
    int64_t when_us;   /* wall clock of the last event */
};

struct nx_pendings;

/** `max` records at a time, the leaving ones not counted, whose kept terms have at most `budget`
 * bytes together. `queue` is called with `ctx` for each event that is to be told, in their order.
 * NULL: no memory. */
struct nx_pendings *nx_pendings_new(const struct noex_allocator *a, uint32_t max, size_t budget,
                                    void (*queue)(void *ctx, uint32_t slot, unsigned event),
                                    void *ctx);
void nx_pendings_free(struct nx_pendings *t);

/** What is asked. */
struct nx_pending_request {
    enum nx_pending_kind kind;
    bool keeps;                       /* SPAWN: with a monitor */
    struct nx_pending_asked *asked;   /* who, by its lists: they stay where they are */
    uint32_t peer;                    /* and by its number */
    const struct noex_target *target; /* CALL: what is called; copied */
    struct nx_pending_list *calls;    /* of the process that asks; NULL: the node itself */
    struct noex_pid caller;           /* that process */
    uint64_t deadline_ms;             /* UINT64_MAX: none */
    void *user;
};

/** Adds a record. Errors: NOEX_ENOMEM, NOEX_ELIMIT (`max`). */
NOEX_MUST_USE int nx_pending_add(struct nx_pendings *t, const struct nx_pending_request *request,
                                 uint32_t *slot);

struct nx_pending *nx_pending_at(const struct nx_pendings *t, uint32_t slot);
/** The record with this slot and generation, one that is over too while something of it is left to
 * tell or to send; or NULL. Takes any numbers. */
struct nx_pending *nx_pending_find(const struct nx_pendings *t, uint32_t slot, uint32_t generation);

/** The id of the API: slot and generation. */
static inline uint64_t nx_pending_id(const struct nx_pending *r, uint32_t slot)
{
    return (uint64_t)r->slot.generation << 32 | slot;
}

/** Keeps a term until the record is sent or ends: a request that cannot go out yet. Errors:
 * NOEX_ENOMEM, NOEX_ELIMIT (budget). */
NOEX_MUST_USE int nx_pending_keep(struct nx_pendings *t, uint32_t slot, struct nx_span term);
void nx_pending_drop_kept(struct nx_pendings *t, uint32_t slot);

/* What happens to a record that waits. */

/** Whether whoever was asked holds a monitor by the record's reference. */
void nx_pending_monitored(struct nx_pendings *t, uint32_t slot, bool monitored);
/** The process is there. A SPAWN is told so, and has no deadline any more; it is over unless it
 * keeps on. */
void nx_pending_spawned(struct nx_pendings *t, uint32_t slot, const struct noex_pid *pid,
                        int64_t now_us);
/** The answer has come. Where its bytes cannot be kept it is a failure: NOEX_ENOMEM, or NOEX_ELIMIT
 * (budget). */
void nx_pending_reply(struct nx_pendings *t, uint32_t slot, struct nx_span term, int64_t now_us);
/** What the other side says ends it: a spawned process, of a SPAWN, with this reason; all else has
 * failed with `code`. `full_len` is the whole length of what `term` is the beginning of; what
 * cannot be kept is missing. */
void nx_pending_down(struct nx_pendings *t, uint32_t slot, int code, struct nx_span term,
                     uint64_t full_len, int64_t now_us);
/** It has failed here: its time is over, or it could not be sent. */
void nx_pending_fail(struct nx_pendings *t, uint32_t slot, int code, int64_t now_us);
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
                      uint32_t cause, int64_t now_us);
/** A process of this node has ended, with this reason: each that waits for it has failed with
 * `code`. */
void nx_pendings_asked_ended(struct nx_pendings *t, struct nx_pending_asked *asked, int code,
                             struct nx_span reason, int64_t now_us);
/** A process of this node has ended: all that it asked for is cancelled. */
void nx_pendings_caller_ended(struct nx_pendings *t, struct nx_pending_list *calls);

/** The next one behind in the list of who was asked, or 0: for walks. */
uint32_t nx_pending_next(const struct nx_pendings *t, uint32_t slot);

/** The next one for which the peer must be sent a DEMONITOR_P, or 0; nx_pending_left says that it
 * went out. Until then its record is kept, readable but for its events. */
uint32_t nx_pending_next_leaving(const struct nx_pending_asked *asked);
void nx_pending_left(struct nx_pendings *t, uint32_t slot);

/* Telling. An event that the owner was given to queue is taken, told, and done with. */

/** From now on it counts as told; false where it was taken back, and there is nothing to tell. */
bool nx_pending_take(struct nx_pendings *t, uint32_t slot, unsigned event);
/** It has left the owner's queue. The record is read no more, and may be gone. */
void nx_pending_done(struct nx_pendings *t, uint32_t slot, unsigned event);
/** Whoever takes an event before its turn reads the record until it is let go. */
void nx_pending_look(struct nx_pendings *t, uint32_t slot);
void nx_pending_let_go(struct nx_pendings *t, uint32_t slot);

struct nx_pending_stats {
    uint32_t waiting; /* gauge: not over */
    uint32_t leaving; /* gauge */
    uint64_t made;
    uint64_t answered; /* replies, and spawned processes */
    uint64_t failed;
    uint64_t cancelled;
    uint64_t kept; /* gauge: bytes of terms */
    uint64_t cut;  /* terms that could not be kept */
};
const struct nx_pending_stats *nx_pendings_stats(const struct nx_pendings *t);

#endif
