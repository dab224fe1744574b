/* SPDX-License-Identifier: Apache-2.0 */
#include "node/delivery.h"

#include "base/err.h"
#include "node/peer.h"
#include "node/system.h"
#include "term/gen.h"

/* Of a callback whose every event leads to the next one the loop is not kept. */
enum { EVENTS_A_RUN = 1 << 17 };

static bool type_has_error(enum noex_event_type type)
{
    return type == NOEX_EVENT_NODE_DOWN || type == NOEX_EVENT_CONNECT_FAILED ||
           type == NOEX_EVENT_UNREGISTERED || type == NOEX_EVENT_LISTEN_FAILED;
}

/* How the queue of a connection is now. */
static void fill_queue_event(struct nx_peer *p, struct noex_event *out)
{
    p->queue_told = p->queue_high;
    out->type = p->queue_high ? NOEX_EVENT_QUEUE_HIGH : NOEX_EVENT_QUEUE_LOW;
}

static void fill_node_event(noex_node *node, uint32_t number, struct noex_event *out)
{
    const struct nx_node_event *e = nx_node_event_at(&node->events, number);
    node->event_err = e->err;
    *out = (struct noex_event){
        .size = sizeof *out,
        .type = e->type,
        .missed = e->missed,
        .time_us = e->time_us,
        .node =
            e->peer == NX_EVENT_OF_NODE ? node->self.full : node->peers.list[e->peer]->name.full,
        .error = type_has_error(e->type) ? &node->event_err : NULL,
        .attempt = e->attempt,
        .port = e->type == NOEX_EVENT_REGISTERED ? e->port : 0,
        .delay_ms = e->delay_ms,
    };
    if (e->type == NOEX_EVENT_QUEUE_HIGH)
        fill_queue_event(node->peers.list[e->peer], out);
}

/* The reason of what was lost, which needs no memory. */
static const uint8_t noconnection[] = {119, 12,  'n', 'o', 'c', 'o', 'n',
                                       'n', 'e', 'c', 't', 'i', 'o', 'n'};

static void fill_down(const struct nx_monitor *m, struct noex_event *out)
{
    out->type = NOEX_EVENT_MONITOR_DOWN;
    out->reason = (enum noex_reason_type)m->type;
    if (m->lost) {
        out->origin = NOEX_ORIGIN_LOCAL;
        out->term = noconnection;
        out->term_len = out->term_full_len = sizeof noconnection;
    } else if (m->has_reason) {
        out->term = m->end.reason->bytes;
        out->term_len = m->end.reason->len;
        out->term_full_len = m->end.reason->full_len;
    } else {
        out->term_full_len = m->end.full_len;
    }
}

static int say_timeout(const struct nx_peer *p, int code, struct noex_error *err)
{
    bool call = code == NOEX_ECALLTIMEOUT;
    char awaited[128];
    if (nx_peer_connection(p, awaited, sizeof awaited) == NOEX_CONNECTION_CONNECTING)
        return nx_fail(err, code, "%s: %s timed out, still waiting for %s", p->name.full,
                       call ? "the call" : "monitor setup", awaited);
    return nx_fail(err, code, "%s did not %s in time", p->name.full,
                   call ? "answer the call" : "confirm the monitor");
}

/* What waited for a peer has failed, with the peer's failure number `cause`. */
static int failure(const struct nx_peer *p, int code, uint32_t cause, struct noex_error *err)
{
    bool known = cause == p->monitors.cause; /* else it has failed anew since */
    *err = (struct noex_error){0};
    if (code == NOEX_ENOTREACHABLE)
        return nx_fail(err, code, "node '%s' is not reachable: %.150s", p->name.full,
                       known ? p->cause.text : "the connection was lost");
    if (known && code == p->cause.code) {
        *err = p->cause;
        return code;
    }
    if (code == NOEX_ESETUPTIMEOUT || code == NOEX_ECALLTIMEOUT)
        return say_timeout(p, code, err);
    if (code == NOEX_ENOMONITOR)
        return nx_fail(err, code,
                       "%s does not support monitors (it did not offer DIST_MONITOR and "
                       "DIST_MONITOR_NAME): erl_interface and jinterface nodes do not",
                       p->name.full);
    return nx_fail(err, code, "%s: %s", p->name.full, noex_error_text(code));
}

int nx_delivery_failure(noex_node *node, const struct nx_monitor *m, struct noex_error *err)
{
    return failure(node->peers.list[m->peer], m->end.failure.code, m->end.failure.cause, err);
}

static void fill_failed(noex_node *node, const struct nx_monitor *m, struct noex_event *out)
{
    nx_delivery_failure(node, m, &node->event_err);
    out->type = NOEX_EVENT_MONITOR_FAILED;
    out->error = &node->event_err;
}

static void fill_holder(noex_node *node, const struct nx_monitor *m, uint32_t slot,
                        struct noex_event *out)
{
    const struct nx_holder *h = m->held ? nx_holder_of(&node->holders, slot) : NULL;
    if (!h)
        return;
    node->process = (struct noex_pid){h->process, h->serial, node->creation};
    out->process = &node->process;
    out->process_user = nx_proc_at(node->procs, h->process)->user;
}

static void fill_monitor_event(noex_node *node, uint32_t item, struct noex_event *out)
{
    uint32_t slot = NX_EVENT_NUMBER(item);
    unsigned event = nx_events_take(node->monitors, item);
    const struct nx_monitor *m = nx_monitor_at(node->monitors, slot);
    const char *name =
        m->peer == NX_PEER_HERE ? node->self.full : node->peers.list[m->peer]->name.full;
    node->target = (struct noex_target){.kind = (enum noex_target_kind)m->kind, .node = name};
    if (m->kind == NOEX_TARGET_NAME)
        node->target.name = m->target.name;
    else if (m->kind == NOEX_TARGET_PID)
        node->target.pid = m->target.pid;
    *out = (struct noex_event){
        .size = sizeof *out,
        .type = NOEX_EVENT_MONITOR_UP,
        .time_us = (int64_t)m->when,
        .node = name,
        .monitor = nx_monitor_id(m, slot),
        .monitor_user = m->user,
        .target = &node->target,
    };
    fill_holder(node, m, slot, out);
    if (event == NX_MONITOR_EV_DOWN)
        fill_down(m, out);
    else if (event == NX_MONITOR_EV_FAILED)
        fill_failed(node, m, out);
}

/* ---- letters ---- */

static void fill_term(const struct nx_letter_text *t, struct noex_event *out)
{
    struct nx_gen gen;
    out->term = t->bytes;
    out->term_len = t->len;
    out->term_full_len = t->full_len;
    if (t->type != NOEX_EVENT_MESSAGE)
        return;
    nx_gen_parse(nx_span(t->bytes, t->len), &gen);
    if (gen.kind != NX_GEN_CALL && gen.kind != NX_GEN_CAST)
        return;
    out->type = gen.kind == NX_GEN_CALL ? NOEX_EVENT_CALL : NOEX_EVENT_CAST;
    out->term = gen.term.ptr;
    out->term_len = gen.term.len;
    out->term_full_len = gen.term.len;
    out->caller = (struct noex_term){gen.caller.ptr, gen.caller.len};
}

/* Of a call, spawn or remote call; its record is not asked again. */
static void fill_call(noex_node *node, const struct nx_letter *l, struct noex_event *out)
{
    const struct nx_letter_text *t = &l->text;
    nx_pending_told(node->pendings, l);
    if (t->type == NOEX_EVENT_CALL_FAILED) {
        node->event_err = (struct noex_error){0};
        if (t->peer == NX_PEER_HERE)
            nx_fail(&node->event_err, t->error, NULL);
        else
            failure(node->peers.list[t->peer], t->error, t->cause, &node->event_err);
        out->error = &node->event_err;
    } else if (t->type == NOEX_EVENT_SPAWN_DOWN && t->origin == NOEX_ORIGIN_LOCAL) {
        out->term = noconnection;
        out->term_len = out->term_full_len = sizeof noconnection;
    }
}

static const char *node_of(const noex_node *node, const struct nx_letter_text *t)
{
    return t->peer == NX_PEER_HERE ? node->self.full : node->peers.list[t->peer]->name.full;
}

/* It leaves its box now. Its process lives, or this is its end. */
static void fill_letter(noex_node *node, struct nx_letter *l, struct noex_event *out)
{
    const struct nx_letter_text *t = &l->text;
    struct nx_proc *proc = nx_proc_find(node->procs, l->proc, l->serial);
    if (l->boxed)
        nx_box_take(&node->letters, &proc->box, l);
    node->process = (struct noex_pid){l->proc, l->serial, node->creation};
    node->from = t->from;
    *out = (struct noex_event){
        .size = sizeof *out,
        .type = t->type,
        .time_us = t->time_us,
        .node = node_of(node, t),
        .reason = (enum noex_reason_type)t->reason,
        .origin = (enum noex_origin)t->origin,
        .priority = t->priority,
        .process = l->serial ? &node->process : NULL,
        .process_user = proc ? proc->user : t->user,
        .from = t->has_from ? &node->from : NULL,
        .call = t->call,
        .call_user = t->call_user,
    };
    fill_term(t, out);
    if (t->call)
        fill_call(node, l, out);
}

static struct nx_letter *letter_of(noex_node *node, uint32_t item)
{
    bool letter = (item & NX_EVENT_LETTER) == NX_EVENT_LETTER;
    return letter ? nx_letter_at(&node->letters, NX_EVENT_NUMBER(item)) : NULL;
}

/* Somebody waits for this call alone, and takes the letter himself. */
static bool is_awaited(const noex_node *node, const struct nx_letter *l)
{
    return l->text.call && l->text.call == node->awaited_call;
}

/* Nobody is to be told of it: it was taken back, its process has ended, or is suspended (then it
 * stays in the box); or not in its turn. */
static bool is_moot_letter(noex_node *node, const struct nx_letter *l)
{
    const struct nx_proc *proc = nx_proc_find(node->procs, l->proc, l->serial);
    if (l->boxed)
        return proc->suspended;
    return !l->text.type || is_awaited(node, l) ||
           (l->serial && !proc && l->text.type != NOEX_EVENT_PROCESS_END);
}

/* It has left the queue of events. */
static void close_letter(noex_node *node, struct nx_letter *l)
{
    l->queued = false;
    if (!l->boxed && !is_awaited(node, l))
        nx_letter_drop(&node->letters, l);
}

/* ---- the queue ---- */

static void fill_event(noex_node *node, uint32_t item, struct noex_event *out)
{
    struct nx_letter *l = letter_of(node, item);
    if (l)
        fill_letter(node, l, out);
    else if (item & NX_EVENT_FOREIGN)
        fill_node_event(node, NX_EVENT_NUMBER(item), out);
    else
        fill_monitor_event(node, item, out);
}

/* Those of ticks and of the queue stay set aside while their connection lives, those of the node
 * while that lives; the others go back to the pool. */
static bool is_kept(const noex_node *node, const struct nx_node_event *e, uint32_t number)
{
    if (e->peer == NX_EVENT_OF_NODE)
        return true;
    const struct nx_peer *p = node->peers.list[e->peer];
    return p->tick_event == number || p->queue_event == number;
}

static void event_done(noex_node *node, uint32_t item)
{
    uint32_t number = NX_EVENT_NUMBER(item);
    struct nx_letter *l = letter_of(node, item);
    if (l && l->apart)
        node->apart_first = l->link;
    else
        nx_events_done(node->monitors, item);
    if (l)
        close_letter(node, l);
    if (l || !(item & NX_EVENT_FOREIGN))
        return;
    struct nx_node_event *e = nx_node_event_at(&node->events, number);
    e->queued = false;
    if (!is_kept(node, e, number))
        nx_node_event_release(&node->events, number);
}

/* A RECONNECT is moot once somebody asked for the node and the next attempt is under way; a change
 * of a queue that was taken back, or whose connection is gone; a letter when its process has ended
 * or is suspended. */
static bool is_moot(noex_node *node, uint32_t item)
{
    const struct nx_letter *l = letter_of(node, item);
    if (l)
        return is_moot_letter(node, l);
    if (!(item & NX_EVENT_FOREIGN))
        return false;
    const struct nx_node_event *e = nx_node_event_at(&node->events, NX_EVENT_NUMBER(item));
    if (e->peer == NX_EVENT_OF_NODE)
        return false;
    const struct nx_peer *p = node->peers.list[e->peer];
    if (e->type == NOEX_EVENT_QUEUE_HIGH)
        return p->queue_event != NX_EVENT_NUMBER(item) || p->queue_high == p->queue_told;
    return e->type == NOEX_EVENT_RECONNECT && p->state != NX_PEER_BACKOFF;
}

static uint32_t next_item(noex_node *node)
{
    uint32_t item;
    while ((item = nx_events_peek(node->monitors)) && is_moot(node, item))
        event_done(node, item);
    return item;
}

/* Whoever waits for a monitor cannot ask its record once its events are over. */
static void note_awaited(noex_node *node, const struct noex_event *e)
{
    struct nx_awaited *w = node->awaited;
    if (!w || e->monitor != w->id || w->told)
        return;
    w->told = true;
    w->code = e->error ? e->error->code : 0;
    if (e->error)
        *w->err = *e->error;
}

/* The process that holds the monitor of an item; it lives, else there was nothing to tell. */
static const struct nx_proc *holder_of(const noex_node *node, uint32_t item)
{
    if (item & NX_EVENT_FOREIGN || !nx_monitor_at(node->monitors, NX_EVENT_NUMBER(item))->held)
        return NULL;
    const struct nx_holder *h = nx_holder_of(&node->holders, NX_EVENT_NUMBER(item));
    return h ? nx_proc_at(node->procs, h->process) : NULL;
}

/* The function that is to be told of the item. */
static noex_event_fn receiver_of(noex_node *node, uint32_t item, void **user)
{
    const struct nx_letter *l = letter_of(node, item);
    if (l && l->text.type == NX_LETTER_SYSTEM) {
        *user = node;
        return nx_system_message;
    }
    const struct nx_proc *proc =
        l ? nx_proc_find(node->procs, l->proc, l->serial) : holder_of(node, item);
    noex_event_fn own = proc ? proc->on_event : l ? l->text.on_event : NULL;
    *user = own ? (proc ? proc->user : l->text.user) : node->options.user;
    return own ? own : node->options.on_event;
}

/* The next one for a callback: of all, or, where events are pulled, of those that stand apart. */
static uint32_t next_called(noex_node *node)
{
    if (node->options.on_event)
        return next_item(node);
    while (node->apart_first) {
        uint32_t item = NX_EVENT_LETTER | node->apart_first;
        if (!is_moot(node, item))
            return item;
        event_done(node, item);
    }
    return 0;
}

void nx_delivery_run(noex_node *node)
{
    uint32_t item, told = 0;
    void *user;
    while (!node->closing && told++ < EVENTS_A_RUN && (item = next_called(node))) {
        noex_event_fn fn = receiver_of(node, item, &user);
        fill_event(node, item, &node->event);
        note_awaited(node, &node->event);
        node->telling = true;
        fn(user, &node->event);
        node->telling = false;
        event_done(node, item);
    }
}

bool nx_delivery_can_run(noex_node *node)
{
    return next_called(node) != 0;
}

bool nx_delivery_waits(noex_node *node)
{
    return next_item(node) != 0;
}

void nx_delivery_release(noex_node *node)
{
    if (node->held)
        event_done(node, node->held);
    node->held = 0;
    if (!node->held_letter)
        return;
    struct nx_letter *l = nx_letter_at(&node->letters, node->held_letter);
    if (l->queued)
        nx_letter_take_back(&node->letters, l);
    else
        nx_letter_drop(&node->letters, l);
    node->held_letter = 0;
}

const struct noex_event *nx_delivery_take_call(noex_node *node, noex_call_id id, bool *more)
{
    uint32_t slot = (uint32_t)id;
    const struct nx_pending *r = nx_pending_find(node->pendings, slot, (uint32_t)(id >> 32));
    struct nx_letter *l = r ? nx_pending_letter(node->pendings, slot) : NULL;
    *more = r && r->waits;
    if (!l)
        return NULL;
    fill_letter(node, l, &node->event);
    node->held_letter = l->number;
    return &node->event;
}

const struct noex_event *nx_delivery_next(noex_node *node)
{
    if (node->options.on_event || node->telling)
        return NULL;
    nx_delivery_release(node);
    node->held = next_item(node);
    if (!node->held)
        return NULL;
    fill_event(node, node->held, &node->event);
    note_awaited(node, &node->event);
    return &node->event;
}
