/* The monitors of a node: records found by the slot that their reference carries. No wire, no I/O.
 * Design: one cache line a monitor; the record itself is the queue entry of its events, so that
 * nothing can be lost for want of memory once it is made. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_MONITORS_H
#define NX_PROCESS_MONITORS_H

#include "process/holders.h"
#include "process/reasons.h"
#include <noex/monitor.h>

enum nx_monitor_state {
    NX_MONITOR_FREE = 0,
    NX_MONITOR_UNSENT,    /* waits for a connection, or for room in the peer's queue */
    NX_MONITOR_RESOLVING, /* a printed pid that the peer is asked about */
    NX_MONITOR_SENT,      /* MONITOR_P went out; not confirmed yet */
    NX_MONITOR_ACTIVE,    /* confirmed by a barrier */
    NX_MONITOR_ENDED      /* only its events are left */
};

/** Events that a record has still to deliver. */
enum { NX_MONITOR_EV_UP = 1, NX_MONITOR_EV_DOWN = 2, NX_MONITOR_EV_FAILED = 4 };

/** One monitor. `prev`/`next` thread the peer's list in the order of creation (and `next` the free
 * list). */
struct nx_monitor {
    uint32_t prev;
    uint32_t next;    /* ended: the queue link of its DOWN or FAILED */
    uint32_t next_up; /* the queue link of its UP */
    uint32_t generation;
    uint32_t peer;
    uint8_t state;
    uint8_t kind : 6; /* enum noex_target_kind */
    uint8_t held : 1; /* a process of this node holds it, see holders.h */
    uint8_t
        leaving : 1; /* over here, while its node holds it and is to be told; linked by `prev` */
    uint8_t events;  /* NX_MONITOR_EV_* not delivered yet */
    uint8_t queued_up : 1;
    uint8_t queued_end : 1;
    uint8_t lost : 1;       /* ended by the loss of the connection: origin local */
    uint8_t has_reason : 1; /* DOWN: end.reason holds it; else (and not lost) it was not kept */
    uint8_t type : 3;       /* ended: enum noex_reason_type */
    uint8_t known : 1; /* a pid that came from the peer itself: safe to send whatever its numbers */
    union {
        struct noex_pid pid;
        char *name;
    } target;
    void *user;
    union {
        struct nx_reason *reason; /* DOWN, has_reason */
        uint64_t full_len;        /* DOWN, not kept: how long it was */
        struct {
            int code;       /* FAILED: the error, */
            uint32_t cause; /* and the number of the peer's loss that it belongs to */
        } failure;
    } end;
    uint64_t when; /* pending: setup deadline, ms; afterwards: wall clock of the event, us */
};

/** The monitors of one peer. All of `unconfirmed` and behind it is pending, all before it is
 * active. */
struct nx_monitor_list {
    uint32_t first;
    uint32_t last;
    uint32_t unsent;          /* first that has not gone out */
    uint32_t unconfirmed;     /* first that is not active */
    uint32_t covered;         /* last that the barrier in flight confirms; 0: none in flight */
    uint32_t resolving_first; /* those that wait for the peer's list_to_pid, apart */
    uint32_t resolving_last;
    uint32_t leaving_first; /* those that are over here and not there */
    uint32_t leaving_last;
    uint64_t deadline; /* not after the earliest setup deadline; UINT64_MAX: none */
    uint32_t cause;    /* the number of losses so far, see end.failure */
};

struct nx_monitors;

/** Counts and limits are those of noex_options. NULL when there is no memory. */
struct nx_monitors *nx_monitors_new(const struct noex_allocator *a, uint32_t max,
                                    size_t reason_budget);
void nx_monitors_free(struct nx_monitors *t);
/** Whom a record that is gone is no longer held by; borrowed for its life. */
void nx_monitors_set_holders(struct nx_monitors *t, struct nx_holders *holders);

void nx_monitor_list_init(struct nx_monitor_list *l);

/** The record of a slot in use. */
struct nx_monitor *nx_monitor_at(struct nx_monitors *t, uint32_t slot);
/** The record with this slot and generation, or NULL: then whoever asks is late. */
struct nx_monitor *nx_monitor_find(struct nx_monitors *t, uint32_t slot, uint32_t generation);

static inline noex_monitor_id nx_monitor_id(const struct nx_monitor *m, uint32_t slot)
{
    return (uint64_t)m->generation << 32 | slot;
}

/**
 * Makes a monitor, pending and unsent, at the end of the list. The name is copied.
 * Errors: NOEX_ELIMIT, NOEX_ENOMEM.
 */
NOEX_MUST_USE int nx_monitor_add(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t peer,
                                 const struct noex_target *target, uint64_t deadline_ms, void *user,
                                 uint32_t *slot);

/** The next one to send, or 0; nx_monitor_sent says that it went out. */
uint32_t nx_monitor_next_unsent(const struct nx_monitor_list *l);
void nx_monitor_sent(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot);

/** The next one to send is a printed pid that the peer must be asked about first. */
void nx_monitor_resolving(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot);
/** The peer answered: back to the end of the list, to be sent. */
void nx_monitor_resolved(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot,
                         const struct noex_pid *pid);
/** The peer answered that there is no such process. `term` is the reason noproc. */
void nx_monitor_absent(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot,
                       struct nx_span term, int64_t now_us);

/** True where something was sent that no barrier in flight covers. */
bool nx_monitors_want_barrier(const struct nx_monitors *t, const struct nx_monitor_list *l);
/** A barrier goes out now: it covers all that was sent. */
void nx_monitors_barrier_sent(struct nx_monitors *t, struct nx_monitor_list *l);
/** It came back: all that it covers is established. */
void nx_monitors_confirmed(struct nx_monitors *t, struct nx_monitor_list *l, int64_t now_us);

/**
 * A DOWN came from the peer that owns `l`. A slot, generation or peer that does not match is
 * counted and ignored. `full_len` is the reason's whole length, `term` what was kept of it.
 */
void nx_monitor_down(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t peer, uint32_t slot,
                     uint32_t generation, struct nx_span term, uint64_t full_len, int64_t now_us);

/** Ends a monitor silently; where the peer holds it, it is `leaving`. */
void nx_monitor_demonitor(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot);

/** The same where its watcher has ended: it does not count as demonitored. */
void nx_monitor_abandon(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot);

/** The next one that the peer must be sent a DEMONITOR_P for, or 0; nx_monitor_left says that it
 * went out. Until then its record is kept, readable but for its events. */
uint32_t nx_monitor_next_leaving(const struct nx_monitor_list *l);
void nx_monitor_left(struct nx_monitors *t, struct nx_monitor_list *l);

/** A pending one will never come to be: it fails with `code`. */
void nx_monitor_fail(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot, int code,
                     int64_t now_us);

/** Fails every pending one whose setup deadline has passed: with NOEX_ESETUPTIMEOUT, or `unsent`
 * where it did not go out. What the peer may hold is `leaving`. */
void nx_monitors_expire(struct nx_monitors *t, struct nx_monitor_list *l, int unsent,
                        uint64_t now_ms, int64_t now_us);

/** The connection is gone: every active one ends with noconnection in the order of creation, then
 * every pending one fails with `code`. Needs no memory. The list is empty afterwards. */
void nx_monitors_lost(struct nx_monitors *t, struct nx_monitor_list *l, int code, int64_t now_us);

/**
 * The queue of events: everything that is to be told, in one order. An item is a slot (its UP), a
 * slot with NX_EVENT_END (its DOWN or FAILED), or a number of the owner with NX_EVENT_FOREIGN (a
 * node's ups and downs) or NX_EVENT_LETTER, who keeps the queue links of those itself.
 */
#define NX_EVENT_FOREIGN UINT32_C(0x40000000)
#define NX_EVENT_END UINT32_C(0x80000000)
#define NX_EVENT_LETTER (NX_EVENT_FOREIGN | NX_EVENT_END)
#define NX_EVENT_NUMBER(item) ((item)&UINT32_C(0x3fffffff))

/** Where the owner keeps the queue link of an item of its own. */
struct nx_foreign_links {
    void *ctx;
    uint32_t *(*link)(void *ctx, uint32_t item);
};
void nx_events_set_foreign(struct nx_monitors *t, const struct nx_foreign_links *links);
/** Queues an item of the owner: its number and NX_EVENT_FOREIGN or NX_EVENT_LETTER. */
void nx_events_push_foreign(struct nx_monitors *t, uint32_t item);

/** The oldest item, 0 when there is none. Items whose event was taken back are stepped over. */
uint32_t nx_events_peek(struct nx_monitors *t);
/** Takes the event of the item at the head, the bit NX_MONITOR_EV_* (0 for a foreign item): from
 * now on it counts as delivered. The record, its reason included, stays until nx_events_done. */
unsigned nx_events_take(struct nx_monitors *t, uint32_t item);
/** Delivery is over: the item leaves the queue, and a record of which nothing is left is freed. */
void nx_events_done(struct nx_monitors *t, uint32_t item);

/** How many reasons were cut for want of budget or memory. */
uint64_t nx_monitors_reasons_cut(const struct nx_monitors *t);
uint64_t nx_monitors_stale(const struct nx_monitors *t);
void nx_monitors_count_stale(struct nx_monitors *t);
const struct noex_monitor_stats *nx_monitors_stats(const struct nx_monitors *t);

#endif
