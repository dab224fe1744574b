/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/ops.h"

#include "cluster/cluster.h"
#include <stdarg.h>
#include <stdio.h>

/* All there is to tell of what goes on. */
static const struct noex_result fine = {.size = sizeof fine};

/* A copy of a result: one block, all that it points to behind it. */
struct nx_outcome {
    struct noex_result result;
    struct noex_error error;
    struct noex_target target;
    struct noex_ref process;
    uint8_t bytes[];
};

/* There is no memory for the true one. */
static const struct noex_error no_memory = {.code = NOEX_ENOMEM,
                                            .text = "out of memory: the result could not be kept"};
static const struct noex_result lost = {.size = sizeof lost, .error = &no_memory};

void nx_ops_init(struct nx_ops *ops, const struct noex_allocator *a, const struct nx_map_seed *seed)
{
    nx_slab_init(&ops->slab, a, sizeof(struct nx_op_entry));
    nx_map_init(&ops->under_way, &ops->slab, seed);
}

/* ---- results ---- */

static const char *keep_text(uint8_t **at, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* NULL: no memory. */
static struct nx_outcome *outcome_new(const struct noex_allocator *a, const struct noex_result *r)
{
    size_t size = text_size(r->node) + r->term.len;
    if (r->target)
        size += text_size(r->target->node) + text_size(r->target->name);
    struct nx_outcome *o = nx_alloc(a, sizeof *o + size);
    if (!o)
        return NULL;
    uint8_t *at = o->bytes;
    o->result = *r;
    if (r->term.len)
        memcpy(at, r->term.bytes, r->term.len);
    o->result.term.bytes = r->term.bytes ? at : NULL;
    at += r->term.len;
    o->result.node = keep_text(&at, r->node);
    if (r->error) {
        o->error = *r->error;
        o->result.error = &o->error;
    }
    if (r->process) {
        o->process = *r->process;
        o->result.process = &o->process;
    }
    if (r->target) {
        o->target = *r->target;
        o->target.node = keep_text(&at, r->target->node);
        o->target.name = keep_text(&at, r->target->name);
        o->result.target = &o->target;
    }
    return o;
}

/* ---- the table ---- */

/* In the id of what goes on after its answer. It may be over, and forgotten, before somebody awaits
 * it: then it came out well, for a failure is kept. */
#define LIVES (UINT64_C(1) << 31)

static uint32_t slot_in(noex_op id)
{
    return (uint32_t)(id & ~LIVES);
}

static uint32_t slot_of(const struct nx_op *op)
{
    return slot_in(op->id);
}

static void unset_under_way(struct nx_op *op)
{
    if (op->under_way)
        nx_map_remove(&op->cluster->ops.under_way, slot_of(op));
    op->under_way = 0;
}

static void op_free(struct nx_op *op)
{
    struct nx_ops *ops = &op->cluster->ops;
    *(op->prev ? &op->prev->next : &ops->first) = op->next;
    *(op->next ? &op->next->prev : &ops->last) = op->prev;
    unset_under_way(op);
    nx_slab_give(&ops->slab, slot_of(op));
    if (op->kind->release)
        op->kind->release(op);
    nx_free(&op->cluster->alloc, op->outcome);
    nx_free(&op->cluster->alloc, op);
}

void nx_ops_free(struct nx_ops *ops)
{
    while (ops->first)
        op_free(ops->first);
    nx_map_free(&ops->under_way);
    nx_slab_free(&ops->slab);
}

struct nx_op *nx_op_new(noex_cluster *cluster, const struct nx_op_kind *kind,
                        const struct nx_asker *asker)
{
    struct nx_ops *ops = &cluster->ops;
    struct nx_op *op = nx_calloc(&cluster->alloc, 1, kind->size);
    uint32_t slot = op ? nx_slab_take(&ops->slab) : 0;
    if (!slot) {
        nx_free(&cluster->alloc, op);
        return NULL;
    }
    struct nx_op_entry *e = nx_slab_at(&ops->slab, slot);
    e->op = op;
    op->id = (uint64_t)e->entry.slot.generation << 32 | slot | (kind->lives ? LIVES : 0);
    op->cluster = cluster;
    op->kind = kind;
    op->done = asker->done;
    op->user = asker->user;
    op->kept = !asker->done && asker->op;
    op->prev = ops->last;
    *(ops->last ? &ops->last->next : &ops->first) = op;
    ops->last = op;
    if (asker->op)
        *asker->op = op->id;
    return op;
}

struct nx_op *nx_op_find(const noex_cluster *cluster, noex_op id)
{
    const struct nx_op_entry *e =
        nx_slab_find(&cluster->ops.slab, slot_in(id), (uint32_t)(id >> 32));
    return e && e->op->id == id ? e->op : NULL;
}

struct nx_op *nx_op_find_kind(const noex_cluster *cluster, noex_op id,
                              const struct nx_op_kind *kind)
{
    struct nx_op *op = nx_op_find(cluster, id);
    return op && op->kind == kind && !op->ended ? op : NULL;
}

/* ---- what is under way in the core ---- */

static uint32_t hash_of(const struct nx_ops *ops, uint64_t id)
{
    const uint32_t words[] = {(uint32_t)id, (uint32_t)(id >> 32)};
    return nx_map_hash(&ops->under_way, words, 2);
}

static void set_under_way(struct nx_op *op, uint64_t id, bool monitors)
{
    struct nx_ops *ops = &op->cluster->ops;
    unset_under_way(op);
    op->under_way = id;
    op->monitors = monitors;
    nx_map_put(&ops->under_way, slot_of(op), hash_of(ops, id));
}

void nx_op_set_call(struct nx_op *op, noex_call_id call)
{
    set_under_way(op, call, false);
}

void nx_op_set_monitor(struct nx_op *op, noex_monitor_id monitor)
{
    set_under_way(op, monitor, true);
}

bool nx_ops_event(noex_cluster *cluster, const struct noex_event *event)
{
    struct nx_ops *ops = &cluster->ops;
    const bool monitors = event->monitor != 0;
    const uint64_t id = monitors ? event->monitor : event->call;
    uint32_t slot = nx_map_first(&ops->under_way, hash_of(ops, id));
    for (; slot; slot = nx_map_next(&ops->under_way, slot)) {
        struct nx_op *op = ((struct nx_op_entry *)nx_slab_at(&ops->slab, slot))->op;
        if (op->under_way != id || op->monitors != monitors)
            continue;
        if (event->type != NOEX_EVENT_MONITOR_UP)
            unset_under_way(op);
        op->kind->on_event(op, event);
        return true;
    }
    return false;
}

/* ---- answers ---- */

void nx_op_answer(struct nx_op *op, const struct noex_result *result)
{
    struct noex_result r = *result;
    if (op->answered)
        return;
    op->answered = true;
    r.size = sizeof r;
    r.op = op->id;
    if (op->done) {
        op->telling = true;
        op->done(op->user, &r);
        op->telling = false;
    } else if (op->kept && op->kind->lives && !r.error) {
        op->fine = true;
    } else if (op->kept) {
        op->outcome = outcome_new(&op->cluster->alloc, &r);
    }
}

void nx_op_fail(struct nx_op *op, int code, const char *node, const char *format, ...)
{
    struct noex_error error = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error.text, sizeof error.text, format, args);
    va_end(args);
    nx_op_answer(op, &(struct noex_result){.error = &error, .node = node});
}

void nx_op_fail_event(struct nx_op *op, const struct noex_event *event)
{
    nx_op_answer(op, &(struct noex_result){.error = event->error,
                                           .node = event->node,
                                           .term = noex_event_term(event)});
}

/* What is under way in the core. */
static void give_up(struct nx_op *op)
{
    if (op->under_way && op->cluster->node && op->monitors)
        noex_demonitor(op->cluster->node, op->under_way);
    else if (op->under_way && op->cluster->node)
        noex_call_cancel(op->cluster->node, op->under_way);
    unset_under_way(op);
}

void nx_op_drop(struct nx_op *op)
{
    give_up(op);
    op_free(op);
}

void nx_op_end(struct nx_op *op)
{
    op->ended = true;
    give_up(op);
    /* One that nobody was told of is never told. */
    if (op->telling || (op->kept && op->answered && !op->fine) || op->awaiting)
        return;
    op_free(op);
}

void nx_op_go_on(struct nx_op *op)
{
    if (op->ended)
        nx_op_end(op);
}

static struct nx_op *first_under_way(const noex_cluster *cluster)
{
    struct nx_op *op = cluster->ops.first;
    while (op && op->ended)
        op = op->next;
    return op;
}

/* What a handler asks for meanwhile is refused, so there are ever fewer. */
void nx_ops_stop(noex_cluster *cluster)
{
    struct nx_op *op;
    while ((op = first_under_way(cluster))) {
        nx_op_fail(op, NOEX_ENOTSTARTED, NULL, "the cluster was stopped");
        if (op->kind->stopped)
            op->kind->stopped(op);
        else
            nx_op_end(op);
    }
}

/* ---- waiting ---- */

static void give(noex_cluster *cluster, struct nx_op *op, const struct noex_result **result)
{
    const struct noex_result *r = op->outcome ? &op->outcome->result : op->fine ? &fine : &lost;
    cluster->awaited = op->outcome;
    op->outcome = NULL;
    op->kept = false;
    if (result)
        *result = r;
    if (r->error)
        cluster->last_error = *r->error;
}

static int may_await(noex_cluster *cluster, noex_op id, struct nx_op **op)
{
    *op = nx_op_find(cluster, id);
    if ((*op && (*op)->kept && !(*op)->awaiting) || (!*op && id & LIVES))
        return 0;
    return nx_fail(nx_cluster_begin(cluster), NOEX_EINVALID,
                   "noex_await: nothing of this name is to be awaited");
}

/* Runs the node until the operation is answered; it stays, whatever happens. */
static int run_until_answered(noex_cluster *cluster, struct nx_op *op)
{
    int rc = 0;
    op->awaiting = true;
    while (!rc && !op->answered)
        rc = noex_cluster_process(cluster, UINT64_MAX / 4);
    op->awaiting = false;
    return op->answered ? 0 : rc;
}

int noex_await(noex_cluster *cluster, noex_op id, const struct noex_result **result)
{
    struct nx_op *op;
    if (result)
        *result = NULL;
    if (!cluster)
        return NOEX_EINVALID;
    int rc = may_await(cluster, id, &op);
    if (rc)
        return rc;
    if (!op) {
        if (result)
            *result = &fine;
        return 0;
    }
    nx_free(&cluster->alloc, cluster->awaited);
    cluster->awaited = NULL;
    cluster->held++;
    rc = run_until_answered(cluster, op);
    if (nx_cluster_release(cluster))
        return NOEX_ESTATE;
    if (!rc) {
        nx_cluster_begin(cluster);
        give(cluster, op, result);
        rc = cluster->last_error.code;
    }
    if (op->ended && !op->kept)
        op_free(op);
    else if (op->kind->awaited)
        op->kind->awaited(op);
    return rc;
}

void nx_op_forget(noex_cluster *cluster, noex_op id)
{
    struct nx_op *op = nx_op_find(cluster, id);
    if (!op || op->awaiting)
        return;
    op->done = NULL;
    op->kept = false;
    if (op->ended && !op->telling)
        op_free(op);
}

int noex_forget(noex_cluster *cluster, noex_op id)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    nx_op_forget(cluster, id);
    return 0;
}
