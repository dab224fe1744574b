/* SPDX-License-Identifier: Apache-2.0 */
#include "process/pending.h"

#include "base/alloc.h"
#include "term/reason.h"
#include <stddef.h>

/* The letters of a record. */
enum { THERE = 0, END = 1, LETTERS };

enum {
    OF_ASKED = offsetof(struct nx_pending, of_asked),
    OF_CALLER = offsetof(struct nx_pending, of_caller)
};

struct nx_pendings {
    const struct noex_allocator *alloc;
    struct nx_slab slab;
    struct nx_heap deadlines;
    struct nx_letters *letters;
    void (*queue)(void *ctx, struct nx_letter *l);
    void *ctx;
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

struct nx_pendings *nx_pendings_new(const struct noex_allocator *a, struct nx_letters *letters,
                                    void (*queue)(void *ctx, struct nx_letter *l), void *ctx)
{
    struct nx_pendings *t = nx_calloc(a, 1, sizeof *t);
    if (!t)
        return NULL;
    t->alloc = a;
    t->letters = letters;
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
        nx_free(t->alloc, nx_pending_at(t, slot)->kept);
    }
    nx_slab_free(&t->slab);
    nx_heap_free(&t->deadlines);
    nx_free(t->alloc, t);
}

/* ---- the lists ---- */

static void enter(struct nx_pendings *t, struct nx_ring *ring, uint32_t slot)
{
    nx_pending_at(t, slot)->in = ring;
    nx_ring_append(&t->slab, OF_ASKED, ring, slot);
}

static void leave(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    if (r->in)
        nx_ring_remove(&t->slab, OF_ASKED, r->in, slot);
    r->in = NULL;
}

static void leave_caller(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    if (r->calls)
        nx_ring_remove(&t->slab, OF_CALLER, r->calls, slot);
    r->calls = NULL;
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

static int set_letter_aside(struct nx_pendings *t, struct nx_pending *r, int which)
{
    struct nx_letter *l = nx_letter_new(t->letters);
    if (!l)
        return NOEX_ENOMEM;
    r->letter[which] = l->number;
    return 0;
}

static int set_deadline(struct nx_pendings *t, uint32_t slot, uint64_t deadline_ms)
{
    return deadline_ms == UINT64_MAX ? 0 : nx_heap_put(&t->deadlines, deadline_ms, slot);
}

/* Gives back what a record has; the letters, where they are in no queue. */
static void release(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    for (int i = 0; i < LETTERS; i++)
        if (r->letter[i])
            nx_letter_drop(t->letters, nx_letter_at(t->letters, r->letter[i]));
    leave_caller(t, slot);
    drop_name(t, r);
    nx_slab_give(&t->slab, slot);
}

int nx_pending_add(struct nx_pendings *t, const struct nx_pending_request *request, uint32_t *slot)
{
    uint32_t taken = nx_slab_take(&t->slab);
    if (!taken)
        return NOEX_ENOMEM;
    struct nx_pending *r = nx_pending_at(t, taken);
    r->place = NX_HEAP_NOWHERE;
    int rc = set_target(t, r, request->target);
    if (!rc && request->kind == NX_PENDING_SPAWN)
        rc = set_letter_aside(t, r, THERE);
    if (!rc && request->kind != NX_PENDING_LEADER)
        rc = set_letter_aside(t, r, END);
    rc = rc ? rc : set_deadline(t, taken, request->deadline_ms);
    if (rc) {
        release(t, taken);
        return rc;
    }
    r->kind = (uint8_t)request->kind;
    r->keeps = request->keeps;
    r->links = request->links;
    r->asked = request->asked;
    r->peer = request->peer;
    r->caller = request->caller;
    r->user = request->user;
    r->waits = true;
    enter(t, &request->asked->waiting, taken);
    r->calls = request->calls;
    if (r->calls)
        nx_ring_append(&t->slab, OF_CALLER, r->calls, taken);
    *slot = taken;
    return 0;
}

/* ---- requests that wait to be sent ---- */

int nx_pending_keep(struct nx_pendings *t, uint32_t slot, struct nx_span request)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    r->kept = nx_alloc(t->alloc, sizeof *r->kept + request.len);
    if (!r->kept)
        return NOEX_ENOMEM;
    r->kept->len = request.len;
    if (request.len)
        memcpy(r->kept->bytes, request.ptr, request.len);
    r->asked->kept += request.len;
    return 0;
}

void nx_pending_sent(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    if (r->kept)
        r->asked->kept -= r->kept->len;
    nx_free(t->alloc, r->kept);
    r->kept = NULL;
}

uint32_t nx_pending_next_kept(const struct nx_pendings *t, const struct nx_pending_asked *asked,
                              uint32_t slot)
{
    if (!asked->kept)
        return 0;
    do
        slot =
            slot ? nx_ring_next(&t->slab, OF_ASKED, &asked->waiting, slot) : asked->waiting.first;
    while (slot && !nx_pending_at(t, slot)->kept);
    return slot;
}

/* ---- the end ---- */

static void release_if_over(struct nx_pendings *t, uint32_t slot)
{
    const struct nx_pending *r = nx_pending_at(t, slot);
    if (!r->waits && !nx_pending_letter(t, slot) && !r->in)
        release(t, slot);
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
    nx_pending_sent(t, slot);
    leave(t, slot);
    drop_deadline(t, r);
    r->waits = false;
    if (r->monitored)
        enter(t, &r->asked->leaving, slot);
}

static bool is_spawned(const struct nx_pending *r)
{
    return r->kind == NX_PENDING_SPAWN && r->target_kind == NOEX_TARGET_PID;
}

/* The letter, with what all have in common. NULL: nobody is to be told. */
static struct nx_letter *write_letter(struct nx_pendings *t, uint32_t slot, int which,
                                      enum noex_event_type type)
{
    const struct nx_pending *r = nx_pending_at(t, slot);
    if (!r->letter[which])
        return NULL;
    struct nx_letter *l = nx_letter_at(t->letters, r->letter[which]);
    l->proc = r->caller.serial ? r->caller.id : 0;
    l->serial = r->caller.serial;
    l->text.type = type;
    l->text.peer = r->peer;
    l->text.call = nx_pending_id(r, slot);
    l->text.call_user = r->user;
    l->text.has_from = is_spawned(r);
    if (l->text.has_from)
        l->text.from = r->target.pid;
    return l;
}

static struct nx_letter *write_end(struct nx_pendings *t, uint32_t slot, int code)
{
    bool spawned = is_spawned(nx_pending_at(t, slot));
    struct nx_letter *l =
        write_letter(t, slot, END, spawned ? NOEX_EVENT_SPAWN_DOWN : NOEX_EVENT_CALL_FAILED);
    if (l)
        l->text.error = spawned ? 0 : code;
    return l;
}

/* Over, and told where there is a letter. */
static void end(struct nx_pendings *t, uint32_t slot, struct nx_letter *l)
{
    finish(t, slot);
    if (l)
        t->queue(t->ctx, l);
    else
        release_if_over(t, slot);
}

void nx_pending_monitored(struct nx_pendings *t, uint32_t slot, bool monitored)
{
    nx_pending_at(t, slot)->monitored = monitored;
}

void nx_pending_spawned(struct nx_pendings *t, uint32_t slot, const struct noex_pid *pid,
                        bool monitored)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    r->monitored = monitored;
    r->target.pid = *pid;
    r->target_kind = NOEX_TARGET_PID;
    if (r->kind != NX_PENDING_SPAWN)
        return;
    drop_deadline(t, r);
    struct nx_letter *l = write_letter(t, slot, THERE, NOEX_EVENT_SPAWNED);
    if (!r->keeps || !monitored)
        finish(t, slot);
    t->queue(t->ctx, l);
}

void nx_pending_fail(struct nx_pendings *t, uint32_t slot, int code)
{
    end(t, slot, write_end(t, slot, code));
}

void nx_pending_reply(struct nx_pendings *t, uint32_t slot, struct nx_span term)
{
    struct nx_letter *l = write_letter(t, slot, END, NOEX_EVENT_REPLY);
    int rc = l && !nx_letters_fit(t->letters, term.len) ? NOEX_ELIMIT : 0;
    if (l && !rc)
        rc = nx_letter_fill(t->letters, l, term);
    if (rc)
        nx_pending_fail(t, slot, rc);
    else
        end(t, slot, l);
}

void nx_pending_down(struct nx_pendings *t, uint32_t slot, int code, struct nx_span term,
                     uint64_t full_len)
{
    struct nx_letter *l = write_end(t, slot, code);
    if (l) {
        if (nx_letter_fill(t->letters, l, term))
            l->text.len = 0; /* it is told without */
        l->text.full_len = full_len;
        l->text.reason = (uint8_t)nx_reason_type(term);
    }
    end(t, slot, l);
}

static void take_back(struct nx_pendings *t, struct nx_pending *r)
{
    for (int i = 0; i < LETTERS; i++) {
        struct nx_letter *l = r->letter[i] ? nx_letter_at(t->letters, r->letter[i]) : NULL;
        if (l && l->queued)
            nx_letter_take_back(t->letters, l);
        else if (l)
            nx_letter_drop(t->letters, l);
        r->letter[i] = 0;
    }
}

void nx_pending_cancel(struct nx_pendings *t, uint32_t slot)
{
    struct nx_pending *r = nx_pending_at(t, slot);
    take_back(t, r);
    leave_caller(t, slot);
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
    bool due = t->deadlines.count && nx_heap_first_key(&t->deadlines) <= now_ms;
    return due ? nx_heap_first(&t->deadlines) : 0;
}

void nx_pendings_lost(struct nx_pendings *t, struct nx_pending_asked *asked, int code,
                      uint32_t cause)
{
    while (asked->waiting.first) {
        struct nx_letter *l = write_end(t, asked->waiting.first, code);
        if (l) {
            l->text.cause = cause;
            l->text.reason = NOEX_REASON_NOCONNECTION;
            l->text.origin = NOEX_ORIGIN_LOCAL;
        }
        end(t, asked->waiting.first, l);
    }
    while (asked->leaving.first)
        nx_pending_left(t, asked->leaving.first);
}

void nx_pendings_asked_ended(struct nx_pendings *t, struct nx_pending_asked *asked, int code,
                             struct nx_span reason)
{
    while (asked->waiting.first)
        nx_pending_down(t, asked->waiting.first, code, reason, reason.len);
}

void nx_pendings_caller_ended(struct nx_pendings *t, struct nx_ring *calls)
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
    nx_pending_at(t, slot)->monitored = false;
    leave(t, slot);
    release_if_over(t, slot);
}

/* ---- telling ---- */

struct nx_letter *nx_pending_letter(const struct nx_pendings *t, uint32_t slot)
{
    const struct nx_pending *r = nx_pending_at(t, slot);
    for (int i = 0; i < LETTERS; i++) {
        struct nx_letter *l = r->letter[i] ? nx_letter_at(t->letters, r->letter[i]) : NULL;
        if (l && l->text.type)
            return l;
    }
    return NULL;
}

void nx_pending_told(struct nx_pendings *t, const struct nx_letter *l)
{
    uint32_t slot = (uint32_t)l->text.call;
    struct nx_pending *r = nx_pending_find(t, slot, (uint32_t)(l->text.call >> 32));
    if (!r)
        return;
    for (int i = 0; i < LETTERS; i++)
        if (r->letter[i] == l->number)
            r->letter[i] = 0;
    release_if_over(t, slot);
}
