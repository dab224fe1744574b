/* SPDX-License-Identifier: Apache-2.0 */
#include "process/pending.h"

#include "base/alloc.h"
#include "term/reason.h"

/* The two lists that a record is in. */
enum { ASKED = 0, CALLER = 1 };

struct nx_pendings {
    const struct noex_allocator *alloc;
    struct nx_slab slab;
    struct nx_heap deadlines;
    uint32_t max;
    size_t budget;
    void (*queue)(void *ctx, uint32_t slot, unsigned event);
    void *ctx;
    struct nx_pending_stats stats;
};

struct nx_pending *nx_pending_at(const struct nx_pendings *t, uint32_t slot)
{
    return nx_slab_at(&t->slab, slot);
}

struct nx_pending *nx_pending_find(const struct nx_pendings *t, uint32_t slot, uint32_t generation)
{
    return nx_slab_find(&t->slab, slot, generation);
}

static void moved(void *ctx, uint32_t slot, uint32_t place)
{
    nx_pending_at(ctx, slot)->place = place;
}

struct nx_pendings *nx_pendings_new(const struct noex_allocator *a, uint32_t max, size_t budget,
                                    void (*queue)(void *ctx, uint32_t slot, unsigned event),
                                    void *ctx)
{
    struct nx_pendings *t = nx_calloc(a, 1, sizeof *t);
    if (!t)
        return NULL;
    t->alloc = a;
    t->max = max;
    t->budget = budget;
    t->queue = queue;
    t->ctx = ctx;
    nx_slab_init(&t->slab, a, sizeof(struct nx_pending));
    nx_heap_init(&t->deadlines, a, moved, t);
    return t;
}

static void drop_name(struct nx_pendings *t, struct nx_pending *r)
{
    if (r->target_kind == NOEX_TARGET_NAME)
        nx_free(t->alloc, r->target.name);
}

void nx_pendings_free(struct nx_pendings *t)
{
    if (!t)
        return;
    for (uint32_t slot = 0; (slot = nx_slab_next(&t->slab, slot));) {
        drop_name(t, nx_pending_at(t, slot));
        nx_free(t->alloc, nx_pending_at(t, slot)->bytes);
    }
    nx_slab_free(&t->slab);
    nx_heap_free(&t->deadlines);
    nx_free(t->alloc, t);
}

/* ---- lists ---- */

static void append(struct nx_pendings *t, struct nx_pending_list *list, int which, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    r->list[which] = list;
    r->prev[which] = list->last;
    r->next[which] = 0;
    if (list->last)
        nx_pending_at(t, list->last)->next[which] = slot;
    else
        list->first = slot;
    list->last = slot;
}

static void unlink_from(struct nx_pendings *t, int which, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    struct nx_pending_list *list = r->list[which];
    if (!list)
        return;
    if (r->prev[which])
        nx_pending_at(t, r->prev[which])->next[which] = r->next[which];
    else
        list->first = r->next[which];
    if (r->next[which])
        nx_pending_at(t, r->next[which])->prev[which] = r->prev[which];
    else
        list->last = r->prev[which];
    r->list[which] = NULL;
}

uint32_t nx_pending_next(const struct nx_pendings *t, uint32_t slot)
{
    return nx_pending_at(t, slot)->next[ASKED];
}

/* ---- terms ---- */

static void drop_bytes(struct nx_pendings *t, struct nx_pending *r)
{
    if (!r->bytes)
        return;
    t->stats.kept -= r->bytes->len;
    nx_free(t->alloc, r->bytes);
    r->bytes = NULL;
}

static int keep_bytes(struct nx_pendings *t, struct nx_pending *r, struct nx_span term)
{
    drop_bytes(t, r);
    if (term.len > t->budget - t->stats.kept)
        return NOEX_ELIMIT;
    struct nx_pending_bytes *bytes = nx_alloc(t->alloc, sizeof *bytes + term.len);
    if (!bytes)
        return NOEX_ENOMEM;
    bytes->len = term.len;
    if (term.len)
        memcpy(bytes->bytes, term.ptr, term.len);
    r->bytes = bytes;
    r->full_len = term.len;
    t->stats.kept += term.len;
    return 0;
}

int nx_pending_keep(struct nx_pendings *t, uint32_t slot, struct nx_span term)
{
    return keep_bytes(t, nx_pending_at(t, slot), term);
}

void nx_pending_drop_kept(struct nx_pendings *t, uint32_t slot)
{
    drop_bytes(t, nx_pending_at(t, slot));
}

/* ---- the beginning ---- */

static int set_target(struct nx_pendings *t, struct nx_pending *r, const struct noex_target *target)
{
    if (!target)
        return 0;
    if (target->kind == NOEX_TARGET_PID)
        r->target.pid = target->pid;
    if (target->kind == NOEX_TARGET_NAME) {
        r->target.name = nx_strndup(t->alloc, target->name, strlen(target->name));
        if (!r->target.name)
            return NOEX_ENOMEM;
    }
    r->target_kind = (uint8_t)target->kind;
    return 0;
}

static int set_deadline(struct nx_pendings *t, struct nx_pending *r, uint32_t slot,
                        uint64_t deadline_ms)
{
    r->place = NX_HEAP_NOWHERE;
    return deadline_ms == UINT64_MAX ? 0 : nx_heap_put(&t->deadlines, deadline_ms, slot);
}

int nx_pending_add(struct nx_pendings *t, const struct nx_pending_request *request, uint32_t *slot)
{
    if (t->slab.used - t->stats.leaving >= t->max)
        return NOEX_ELIMIT;
    uint32_t taken = nx_slab_take(&t->slab);
    if (!taken)
        return NOEX_ENOMEM;
    struct nx_pending *r = nx_pending_at(t, taken);
    int rc = set_target(t, r, request->target);
    rc = rc ? rc : set_deadline(t, r, taken, request->deadline_ms);
    if (rc) {
        drop_name(t, r);
        nx_slab_give(&t->slab, taken);
        return rc;
    }
    r->kind = (uint8_t)request->kind;
    r->keeps = request->keeps;
    r->waits = 1;
    r->asked = request->asked;
    r->peer = request->peer;
    r->caller = request->caller;
    r->user = request->user;
    append(t, &request->asked->waiting, ASKED, taken);
    if (request->calls)
        append(t, request->calls, CALLER, taken);
    t->stats.waiting++;
    t->stats.made++;
    *slot = taken;
    return 0;
}

/* ---- the end ---- */

static void release_if_over(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    if (r->waits || r->queued || r->looked_at || r->list[ASKED])
        return;
    drop_bytes(t, r);
    drop_name(t, r);
    nx_slab_give(&t->slab, slot);
}

static void drop_deadline(struct nx_pendings *t, struct nx_pending *r)
{
    if (r->place != NX_HEAP_NOWHERE)
        nx_heap_take(&t->deadlines, r->place);
}

/* It waits for nothing any more; what the peer holds is to be given back. */
static void finish(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    unlink_from(t, ASKED, slot);
    unlink_from(t, CALLER, slot);
    drop_deadline(t, r);
    r->waits = 0;
    t->stats.waiting--;
    if (r->monitored) {
        append(t, &r->asked->leaving, ASKED, slot);
        t->stats.leaving++;
    }
}

static void tell(struct nx_pendings *t, uint32_t slot, unsigned event, int64_t now_us)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    r->events |= (uint8_t)event;
    r->queued |= (uint8_t)event;
    r->when_us = now_us;
    t->queue(t->ctx, slot, event);
}

static void end(struct nx_pendings *t, uint32_t slot, enum nx_pending_outcome outcome,
                int64_t now_us)
{
    nx_pending_at(t, slot)->outcome = (uint8_t)outcome;
    if (outcome == NX_PENDING_REPLY)
        t->stats.answered++;
    else if (outcome == NX_PENDING_FAILED)
        t->stats.failed++;
    finish(t, slot);
    tell(t, slot, NX_PENDING_EV_END, now_us);
}

static bool is_spawned(const struct nx_pending *r)
{
    return r->kind == NX_PENDING_SPAWN && r->target_kind == NOEX_TARGET_PID;
}

void nx_pending_monitored(struct nx_pendings *t, uint32_t slot, bool monitored)
{
    nx_pending_at(t, slot)->monitored = monitored;
}

void nx_pending_spawned(struct nx_pendings *t, uint32_t slot, const struct noex_pid *pid,
                        int64_t now_us)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    r->target.pid = *pid;
    r->target_kind = NOEX_TARGET_PID;
    if (r->kind != NX_PENDING_SPAWN)
        return;
    t->stats.answered++;
    drop_deadline(t, r);
    if (!r->keeps)
        finish(t, slot);
    tell(t, slot, NX_PENDING_EV_SPAWNED, now_us);
}

void nx_pending_fail(struct nx_pendings *t, uint32_t slot, int code, int64_t now_us)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    drop_bytes(t, r);
    r->full_len = 0;
    r->code = code;
    end(t, slot, NX_PENDING_FAILED, now_us);
}

void nx_pending_reply(struct nx_pendings *t, uint32_t slot, struct nx_span term, int64_t now_us)
{
    int rc = keep_bytes(t, nx_pending_at(t, slot), term);
    if (rc == 0) {
        end(t, slot, NX_PENDING_REPLY, now_us);
        return;
    }
    t->stats.cut++;
    nx_pending_fail(t, slot, rc, now_us);
}

void nx_pending_down(struct nx_pendings *t, uint32_t slot, int code, struct nx_span term,
                     uint64_t full_len, int64_t now_us)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    if (keep_bytes(t, r, term) || term.len < full_len)
        t->stats.cut++;
    r->full_len = full_len;
    r->reason = (uint8_t)nx_reason_type(term);
    if (!is_spawned(r))
        r->code = code;
    end(t, slot, is_spawned(r) ? NX_PENDING_DOWN : NX_PENDING_FAILED, now_us);
}

void nx_pending_cancel(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    if (r->waits || r->events)
        t->stats.cancelled++;
    if (r->waits || r->events & NX_PENDING_EV_END) /* else somebody may be reading them */
        drop_bytes(t, r);
    r->events = 0;
    if (r->waits)
        finish(t, slot);
    release_if_over(t, slot);
}

uint64_t nx_pendings_deadline(const struct nx_pendings *t)
{
    return nx_heap_first_key(&t->deadlines);
}

uint32_t nx_pendings_due(const struct nx_pendings *t, uint64_t now_ms)
{
    return nx_heap_first_key(&t->deadlines) <= now_ms && t->deadlines.count
               ? nx_heap_first(&t->deadlines)
               : 0;
}

void nx_pendings_lost(struct nx_pendings *t, struct nx_pending_asked *asked, int code,
                      uint32_t cause, int64_t now_us)
{
    uint32_t slot;
    while ((slot = asked->waiting.first)) {
        struct nx_pending *r = nx_pending_at(t, slot);
        r->lost = 1;
        r->cause = cause;
        if (is_spawned(r)) {
            r->reason = NOEX_REASON_NOCONNECTION;
            end(t, slot, NX_PENDING_DOWN, now_us);
        } else {
            nx_pending_fail(t, slot, code, now_us);
        }
    }
    while ((slot = asked->leaving.first))
        nx_pending_left(t, slot);
}

void nx_pendings_asked_ended(struct nx_pendings *t, struct nx_pending_asked *asked, int code,
                             struct nx_span reason, int64_t now_us)
{
    while (asked->waiting.first)
        nx_pending_down(t, asked->waiting.first, code, reason, reason.len, now_us);
}

void nx_pendings_caller_ended(struct nx_pendings *t, struct nx_pending_list *calls)
{
    while (calls->first)
        nx_pending_cancel(t, calls->first);
}

uint32_t nx_pending_next_leaving(const struct nx_pending_asked *asked)
{
    return asked->leaving.first;
}

void nx_pending_left(struct nx_pendings *t, uint32_t slot)
{
    nx_pending_at(t, slot)->monitored = 0;
    unlink_from(t, ASKED, slot);
    t->stats.leaving--;
    release_if_over(t, slot);
}

/* ---- telling ---- */

bool nx_pending_take(struct nx_pendings *t, uint32_t slot, unsigned event)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    bool there = r->events & event;
    r->events &= (uint8_t)~event;
    return there;
}

/* Once all is told nobody reads the bytes any more, though the record may have to stay. */
static void told(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    if (!r->waits && !r->queued && !r->looked_at)
        drop_bytes(t, r);
    release_if_over(t, slot);
}

void nx_pending_done(struct nx_pendings *t, uint32_t slot, unsigned event)
{
    nx_pending_at(t, slot)->queued &= (uint8_t)~event;
    told(t, slot);
}

void nx_pending_look(struct nx_pendings *t, uint32_t slot)
{
    nx_pending_at(t, slot)->looked_at = 1;
}

void nx_pending_let_go(struct nx_pendings *t, uint32_t slot)
{
    nx_pending_at(t, slot)->looked_at = 0;
    told(t, slot);
}

const struct nx_pending_stats *nx_pendings_stats(const struct nx_pendings *t)
{
    return &t->stats;
}
