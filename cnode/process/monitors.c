/* SPDX-License-Identifier: Apache-2.0 */
#include "process/monitors.h"

#include "base/alloc.h"
#include "term/reason.h"

enum {
    CHUNK_BITS = 10,
    CHUNK = 1 << CHUNK_BITS,
    CACHE_LINE = 64,
    /* Deadlines are rounded up to this, so that a list with many of them is not walked each
       millisecond. */
    DEADLINE_STEP_MS = 16,
    SWEEP_MIN = 1024 /* fewer events that were taken back are not worth a walk */
};

_Static_assert(sizeof(struct nx_monitor) == CACHE_LINE, "a monitor is one cache line");

struct chunk {
    void *memory;
    struct nx_monitor *slots; /* CHUNK of them, on a cache line */
};

struct nx_monitors {
    struct nx_holders *holders; /* NULL: none can be held */
    const struct noex_allocator *alloc;
    struct chunk *chunks;
    uint32_t chunk_count;
    uint32_t chunk_cap;
    uint32_t free_slot; /* head of the free list, 0: none */
    uint32_t max;
    uint32_t used;
    uint32_t leaving;
    uint32_t queue_first;
    uint32_t queue_last;
    uint32_t taken_back; /* events in the queue that nobody will be told of, at most */
    struct nx_reasons reasons;
    struct nx_foreign_links foreign;
    uint64_t reasons_cut;
    uint64_t stale;
    struct noex_monitor_stats stats;
};

struct nx_monitors *nx_monitors_new(const struct noex_allocator *a, uint32_t max,
                                    size_t reason_budget)
{
    struct nx_monitors *t = nx_calloc(a, 1, sizeof *t);
    if (!t)
        return NULL;
    t->alloc = a;
    t->max = max;
    nx_reasons_init(&t->reasons, a, reason_budget);
    return t;
}

void nx_monitors_free(struct nx_monitors *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->chunk_count; i++) {
        for (uint32_t k = 0; k < CHUNK; k++) {
            struct nx_monitor *m = &t->chunks[i].slots[k];
            if (m->state != NX_MONITOR_FREE && m->kind == NOEX_TARGET_NAME)
                nx_free(t->alloc, m->target.name);
        }
        nx_free(t->alloc, t->chunks[i].memory);
    }
    nx_free(t->alloc, t->chunks);
    nx_reasons_free(&t->reasons);
    nx_free(t->alloc, t);
}

void nx_monitors_set_holders(struct nx_monitors *t, struct nx_holders *holders)
{
    t->holders = holders;
}

void nx_monitor_list_init(struct nx_monitor_list *l)
{
    *l = (struct nx_monitor_list){.deadline = UINT64_MAX};
}

struct nx_monitor *nx_monitor_at(struct nx_monitors *t, uint32_t slot)
{
    return &t->chunks[(slot - 1) >> CHUNK_BITS].slots[(slot - 1) & (CHUNK - 1)];
}

struct nx_monitor *nx_monitor_find(struct nx_monitors *t, uint32_t slot, uint32_t generation)
{
    if (slot == 0 || (slot - 1) >> CHUNK_BITS >= t->chunk_count)
        return NULL;
    struct nx_monitor *m = nx_monitor_at(t, slot);
    return m->state != NX_MONITOR_FREE && m->generation == generation ? m : NULL;
}

/* ---- slots ---- */

static int grow(struct nx_monitors *t)
{
    if (t->chunk_count == t->chunk_cap) {
        uint32_t cap = t->chunk_cap ? t->chunk_cap * 2 : 8;
        struct chunk *chunks = nx_realloc(t->alloc, t->chunks, cap, sizeof *chunks);
        if (!chunks)
            return NOEX_ENOMEM;
        t->chunks = chunks;
        t->chunk_cap = cap;
    }
    uint8_t *memory = nx_calloc(t->alloc, 1, CHUNK * sizeof(struct nx_monitor) + CACHE_LINE);
    if (!memory)
        return NOEX_ENOMEM;
    size_t skew = (CACHE_LINE - (uintptr_t)memory % CACHE_LINE) % CACHE_LINE;
    struct nx_monitor *slots = (struct nx_monitor *)(void *)(memory + skew);
    uint32_t base = t->chunk_count << CHUNK_BITS;
    t->chunks[t->chunk_count++] = (struct chunk){memory, slots};
    for (uint32_t k = CHUNK; k > 0; k--) {
        slots[k - 1].generation = 1;
        slots[k - 1].next = t->free_slot;
        t->free_slot = base + k;
    }
    return 0;
}

static void release(struct nx_monitors *t, uint32_t slot)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    if (m->kind == NOEX_TARGET_NAME)
        nx_free(t->alloc, m->target.name);
    if (m->held)
        nx_holder_remove(t->holders, slot);
    uint32_t generation = m->generation + 1;
    memset(m, 0, sizeof *m);
    m->generation = generation ? generation : 1;
    m->next = t->free_slot;
    t->free_slot = slot;
    t->used--;
}

static int set_target(struct nx_monitors *t, struct nx_monitor *m, const struct noex_target *target)
{
    m->kind = (unsigned)target->kind & 63u;
    if (target->kind == NOEX_TARGET_NAME) {
        m->target.name = nx_strndup(t->alloc, target->name, strlen(target->name));
        return m->target.name ? 0 : NOEX_ENOMEM;
    }
    if (target->kind == NOEX_TARGET_PID)
        m->target.pid = target->pid;
    return 0;
}

/* ---- the peer's list ---- */

static void append(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    m->prev = l->last;
    m->next = 0;
    if (l->last)
        nx_monitor_at(t, l->last)->next = slot;
    else
        l->first = slot;
    l->last = slot;
    if (!l->unsent)
        l->unsent = slot;
    if (!l->unconfirmed)
        l->unconfirmed = slot;
    m->state = NX_MONITOR_UNSENT;
}

static void unlink_record(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    if (m->state == NX_MONITOR_RESOLVING) {
        if (l->resolving_first == slot)
            l->resolving_first = m->next;
        if (l->resolving_last == slot)
            l->resolving_last = m->prev;
    } else {
        if (l->first == slot)
            l->first = m->next;
        if (l->last == slot)
            l->last = m->prev;
        if (l->unsent == slot)
            l->unsent = m->next;
        /* What the barrier in flight covers now ends with the one before; when that one is active
         * already, or nothing, the barrier still comes back and then confirms nothing. */
        if (l->covered == slot)
            l->covered = l->unconfirmed == slot ? 0 : m->prev;
        if (l->unconfirmed == slot)
            l->unconfirmed = m->next;
    }
    if (m->prev)
        nx_monitor_at(t, m->prev)->next = m->next;
    if (m->next)
        nx_monitor_at(t, m->next)->prev = m->prev;
    m->prev = m->next = 0;
}

static bool is_pending(const struct nx_monitor *m)
{
    return m->state == NX_MONITOR_UNSENT || m->state == NX_MONITOR_RESOLVING ||
           m->state == NX_MONITOR_SENT;
}

/* The gauges, when a record that is pending or active leaves that state. */
static void leave_gauge(struct nx_monitors *t, const struct nx_monitor *m)
{
    if (is_pending(m))
        t->stats.pending--;
    else if (m->state == NX_MONITOR_ACTIVE)
        t->stats.active--;
}

static void drop_taken_back(struct nx_monitors *t);

static bool is_full(const struct nx_monitors *t)
{
    return t->used - t->leaving >= t->max;
}

int nx_monitor_add(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t peer,
                   const struct noex_target *target, uint64_t deadline_ms, void *user,
                   uint32_t *slot)
{
    if (is_full(t) && t->taken_back)
        drop_taken_back(t);
    if (is_full(t))
        return NOEX_ELIMIT;
    int rc = t->free_slot ? 0 : grow(t);
    if (rc)
        return rc;
    struct nx_monitor *m = nx_monitor_at(t, t->free_slot);
    rc = set_target(t, m, target);
    if (rc) {
        m->kind = NOEX_TARGET_NODE;
        return rc;
    }
    *slot = t->free_slot;
    t->free_slot = m->next;
    t->used++;
    m->peer = peer;
    m->user = user;
    m->when = (deadline_ms + DEADLINE_STEP_MS - 1) / DEADLINE_STEP_MS * DEADLINE_STEP_MS;
    if (m->when < l->deadline)
        l->deadline = m->when;
    append(t, l, *slot);
    t->stats.initiated++;
    t->stats.pending++;
    return 0;
}

uint32_t nx_monitor_next_unsent(const struct nx_monitor_list *l)
{
    return l->unsent;
}

void nx_monitor_sent(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    m->state = NX_MONITOR_SENT;
    l->unsent = m->next;
}

void nx_monitor_resolving(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot)
{
    unlink_record(t, l, slot);
    struct nx_monitor *m = nx_monitor_at(t, slot);
    m->state = NX_MONITOR_RESOLVING;
    m->prev = l->resolving_last;
    if (l->resolving_last)
        nx_monitor_at(t, l->resolving_last)->next = slot;
    else
        l->resolving_first = slot;
    l->resolving_last = slot;
}

void nx_monitor_resolved(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot,
                         const struct noex_pid *pid)
{
    unlink_record(t, l, slot);
    nx_monitor_at(t, slot)->target.pid = *pid;
    nx_monitor_at(t, slot)->known = 1;
    append(t, l, slot);
}

/* ---- the queue of events ---- */

static uint32_t *link_of(struct nx_monitors *t, uint32_t item)
{
    if (item & NX_EVENT_FOREIGN)
        return t->foreign.link(t->foreign.ctx, item);
    struct nx_monitor *m = nx_monitor_at(t, NX_EVENT_NUMBER(item));
    return item & NX_EVENT_END ? &m->next : &m->next_up;
}

static void push(struct nx_monitors *t, uint32_t item)
{
    *link_of(t, item) = 0;
    if (t->queue_last)
        *link_of(t, t->queue_last) = item;
    else
        t->queue_first = item;
    t->queue_last = item;
}

void nx_events_set_foreign(struct nx_monitors *t, const struct nx_foreign_links *links)
{
    t->foreign = *links;
}

void nx_events_push_foreign(struct nx_monitors *t, uint32_t item)
{
    push(t, item);
}

static void push_up(struct nx_monitors *t, uint32_t slot, int64_t now_us)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    m->events |= NX_MONITOR_EV_UP;
    m->queued_up = 1;
    m->when = (uint64_t)now_us;
    push(t, slot);
}

static void note_end(struct nx_monitor *m, unsigned event, int64_t now_us)
{
    m->state = NX_MONITOR_ENDED;
    m->events |= (uint8_t)event;
    m->queued_end = 1;
    m->when = (uint64_t)now_us;
}

static void push_end(struct nx_monitors *t, uint32_t slot, unsigned event, int64_t now_us)
{
    note_end(nx_monitor_at(t, slot), event, now_us);
    push(t, slot | NX_EVENT_END);
}

static void release_if_over(struct nx_monitors *t, uint32_t slot)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    if (m->state == NX_MONITOR_ENDED && !m->queued_up && !m->queued_end && !m->leaving)
        release(t, slot);
}

static unsigned event_of(struct nx_monitors *t, uint32_t item)
{
    unsigned events = nx_monitor_at(t, NX_EVENT_NUMBER(item))->events;
    return item & NX_EVENT_END ? events & ~(unsigned)NX_MONITOR_EV_UP : events & NX_MONITOR_EV_UP;
}

uint32_t nx_events_peek(struct nx_monitors *t)
{
    while (t->queue_first && !(t->queue_first & NX_EVENT_FOREIGN) && !event_of(t, t->queue_first))
        nx_events_done(t, t->queue_first);
    return t->queue_first;
}

unsigned nx_events_take(struct nx_monitors *t, uint32_t item)
{
    if (item & NX_EVENT_FOREIGN)
        return 0;
    unsigned event = event_of(t, item);
    nx_monitor_at(t, NX_EVENT_NUMBER(item))->events &= (uint8_t)~event;
    return event;
}

/* The item has left the queue. Whether that was all is asked first: right behind the change the
 * processor would have to wait until it is written. */
static void unqueued(struct nx_monitors *t, uint32_t item)
{
    uint32_t slot = NX_EVENT_NUMBER(item);
    struct nx_monitor *m = nx_monitor_at(t, slot);
    const bool end = item & NX_EVENT_END;
    const bool last =
        m->state == NX_MONITOR_ENDED && !m->leaving && !(end ? m->queued_up : m->queued_end);
    if (end && m->has_reason)
        nx_reasons_drop(&t->reasons, m->end.reason);
    if (last)
        release(t, slot);
    else if (end)
        m->queued_end = 0;
    else
        m->queued_up = 0;
}

void nx_events_done(struct nx_monitors *t, uint32_t item)
{
    t->queue_first = *link_of(t, item);
    if (!t->queue_first)
        t->queue_last = 0;
    if (!(item & NX_EVENT_FOREIGN))
        unqueued(t, item);
}

/* Events that were taken back leave the queue though others before them are not told yet: a program
 * that does not pull them must not run out of monitors. The first may be at hand, and stays. */
static void drop_taken_back(struct nx_monitors *t)
{
    uint32_t before = t->queue_first;
    t->taken_back = 0;
    for (uint32_t item, next; before && (item = *link_of(t, before));) {
        next = *link_of(t, item);
        if (item & NX_EVENT_FOREIGN || event_of(t, item)) {
            before = item;
            continue;
        }
        *link_of(t, before) = next;
        if (!next)
            t->queue_last = before;
        unqueued(t, item);
    }
}

/* ---- what happens to a monitor ---- */

static void establish(struct nx_monitors *t, uint32_t slot, int64_t now_us)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    leave_gauge(t, m);
    m->state = NX_MONITOR_ACTIVE;
    t->stats.active++;
    t->stats.established++;
    push_up(t, slot, now_us);
}

bool nx_monitors_want_barrier(const struct nx_monitors *t, const struct nx_monitor_list *l)
{
    (void)t;
    return !l->covered && l->unconfirmed && l->unconfirmed != l->unsent;
}

void nx_monitors_barrier_sent(struct nx_monitors *t, struct nx_monitor_list *l)
{
    l->covered = l->unsent ? nx_monitor_at(t, l->unsent)->prev : l->last;
}

void nx_monitors_confirmed(struct nx_monitors *t, struct nx_monitor_list *l, int64_t now_us)
{
    uint32_t covered = l->covered;
    l->covered = 0;
    while (covered && l->unconfirmed) {
        uint32_t slot = l->unconfirmed;
        l->unconfirmed = nx_monitor_at(t, slot)->next;
        establish(t, slot, now_us);
        if (slot == covered)
            break;
    }
}

static void keep_reason(struct nx_monitors *t, struct nx_monitor *m, struct nx_span term,
                        uint64_t full_len)
{
    m->type = nx_reason_type(term) & 7u;
    m->end.reason = nx_reasons_push(&t->reasons, term, full_len);
    m->has_reason = m->end.reason != NULL;
    if (!m->has_reason)
        m->end.full_len = full_len;
    if (!m->has_reason || full_len > term.len)
        t->reasons_cut++;
}

static void end_by_peer(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot,
                        struct nx_span term, uint64_t full_len, int64_t now_us)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    unlink_record(t, l, slot);
    if (m->state != NX_MONITOR_ACTIVE)
        establish(t, slot, now_us);
    leave_gauge(t, m);
    keep_reason(t, m, term, full_len);
    push_end(t, slot, NX_MONITOR_EV_DOWN, now_us);
}

void nx_monitor_absent(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot,
                       struct nx_span term, int64_t now_us)
{
    t->stats.downs_received++;
    end_by_peer(t, l, slot, term, term.len, now_us);
}

void nx_monitor_down(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t peer, uint32_t slot,
                     uint32_t generation, struct nx_span term, uint64_t full_len, int64_t now_us)
{
    struct nx_monitor *m = nx_monitor_find(t, slot, generation);
    t->stats.downs_received += peer != NX_PEER_HERE;
    if (!m || m->peer != peer || m->kind == NOEX_TARGET_NODE ||
        (m->state != NX_MONITOR_SENT && m->state != NX_MONITOR_ACTIVE)) {
        t->stale++;
        return;
    }
    end_by_peer(t, l, slot, term, full_len, now_us);
}

/* ---- over here and not there ---- */

static bool is_held(const struct nx_monitor *m)
{
    return (m->state == NX_MONITOR_SENT || m->state == NX_MONITOR_ACTIVE) &&
           m->kind != NOEX_TARGET_NODE;
}

static void leave(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot)
{
    nx_monitor_at(t, slot)->leaving = 1;
    t->leaving++;
    if (l->leaving_last)
        nx_monitor_at(t, l->leaving_last)->prev = slot;
    else
        l->leaving_first = slot;
    l->leaving_last = slot;
}

uint32_t nx_monitor_next_leaving(const struct nx_monitor_list *l)
{
    return l->leaving_first;
}

void nx_monitor_left(struct nx_monitors *t, struct nx_monitor_list *l)
{
    uint32_t slot = l->leaving_first;
    struct nx_monitor *m = nx_monitor_at(t, slot);
    l->leaving_first = m->prev;
    if (!l->leaving_first)
        l->leaving_last = 0;
    m->prev = 0;
    m->leaving = 0;
    t->leaving--;
    release_if_over(t, slot);
}

static void take_back(struct nx_monitors *t, struct nx_monitor *m)
{
    t->taken_back += (m->events & NX_MONITOR_EV_UP) != 0;
    t->taken_back += (m->events & ~(unsigned)NX_MONITOR_EV_UP) != 0;
    m->events = 0;
}

void nx_monitor_demonitor(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot)
{
    t->stats.demonitored += nx_monitor_at(t, slot)->state != NX_MONITOR_ENDED;
    nx_monitor_abandon(t, l, slot);
}

void nx_monitor_abandon(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    take_back(t, m);
    if (m->state != NX_MONITOR_ENDED) {
        bool held = is_held(m);
        unlink_record(t, l, slot);
        leave_gauge(t, m);
        m->state = NX_MONITOR_ENDED;
        if (held)
            leave(t, l, slot);
        release_if_over(t, slot);
    }
    /* So rarely that it costs each of them a few steps, no more. */
    if (t->taken_back >= SWEEP_MIN && t->taken_back >= t->used / 2)
        drop_taken_back(t);
}

void nx_monitor_fail(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot, int code,
                     int64_t now_us)
{
    struct nx_monitor *m = nx_monitor_at(t, slot);
    unlink_record(t, l, slot);
    leave_gauge(t, m);
    m->end.failure.code = code;
    m->end.failure.cause = l->cause;
    if (code == NOEX_ESETUPTIMEOUT)
        t->stats.timed_out++;
    else
        t->stats.failed++;
    push_end(t, slot, NX_MONITOR_EV_FAILED, now_us);
}

/* The walk of one chain; the earliest deadline that is left goes to `*deadline`. */
static void expire_chain(struct nx_monitors *t, struct nx_monitor_list *l, uint32_t slot,
                         int unsent, uint64_t now_ms, int64_t now_us, uint64_t *deadline)
{
    for (uint32_t next; slot; slot = next) {
        struct nx_monitor *m = nx_monitor_at(t, slot);
        next = m->next;
        if (m->when > now_ms) {
            *deadline = m->when < *deadline ? m->when : *deadline;
            continue;
        }
        bool sent = m->state == NX_MONITOR_SENT, held = is_held(m);
        nx_monitor_fail(t, l, slot, sent ? NOEX_ESETUPTIMEOUT : unsent, now_us);
        if (held)
            leave(t, l, slot);
    }
}

void nx_monitors_expire(struct nx_monitors *t, struct nx_monitor_list *l, int unsent,
                        uint64_t now_ms, int64_t now_us)
{
    uint64_t deadline = UINT64_MAX;
    if (l->deadline > now_ms)
        return;
    expire_chain(t, l, l->unconfirmed, unsent, now_ms, now_us, &deadline);
    expire_chain(t, l, l->resolving_first, NOEX_ESETUPTIMEOUT, now_ms, now_us, &deadline);
    l->deadline = deadline;
}

/* All that are active, in one pass over what may be a million records: their list becomes the end
 * of the queue. */
static void lose_active(struct nx_monitors *t, struct nx_monitor_list *l, int64_t now_us)
{
    uint32_t *link = t->queue_last ? link_of(t, t->queue_last) : &t->queue_first;
    for (uint32_t slot = l->first; slot && slot != l->unconfirmed; slot = l->first) {
        struct nx_monitor *m = nx_monitor_at(t, slot);
        leave_gauge(t, m);
        l->first = m->next;
        m->prev = m->next = 0;
        m->lost = 1;
        m->type = NOEX_REASON_NOCONNECTION;
        note_end(m, NX_MONITOR_EV_DOWN, now_us);
        t->stats.noconnection++;
        *link = t->queue_last = slot | NX_EVENT_END;
        link = &m->next;
    }
    if (l->first)
        nx_monitor_at(t, l->first)->prev = 0;
}

void nx_monitors_lost(struct nx_monitors *t, struct nx_monitor_list *l, int code, int64_t now_us)
{
    lose_active(t, l, now_us);
    while (l->first)
        nx_monitor_fail(t, l, l->first, code, now_us);
    while (l->resolving_first)
        nx_monitor_fail(t, l, l->resolving_first, code, now_us);
    while (l->leaving_first)
        nx_monitor_left(t, l);
    uint32_t cause = l->cause;
    nx_monitor_list_init(l);
    l->cause = cause;
}

uint64_t nx_monitors_reasons_cut(const struct nx_monitors *t)
{
    return t->reasons_cut;
}

uint64_t nx_monitors_stale(const struct nx_monitors *t)
{
    return t->stale;
}

void nx_monitors_count_stale(struct nx_monitors *t)
{
    t->stats.downs_received++;
    t->stale++;
}

const struct noex_monitor_stats *nx_monitors_stats(const struct nx_monitors *t)
{
    return &t->stats;
}
