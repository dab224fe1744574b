/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"
#include "node/delivery.h"
#include "node/listener.h"
#include "node/peer.h"

/* A wait: until `until_ms` of the node's clock. The node stays, whatever its callbacks do, until
 * the end of it. */
struct wait {
    noex_node *node;
    uint64_t until_ms;
    struct noex_error *err;
    bool was;
};

static int begin(struct wait *w, noex_node *node, uint64_t timeout_ms)
{
    int rc = nx_api_may_wait(node);
    if (rc)
        return rc;
    nx_loop_update(node->loop);
    uint64_t now = nx_loop_now(node->loop), most = UINT64_MAX - now;
    w->node = node;
    w->until_ms = now + (timeout_ms < most ? timeout_ms : most);
    w->err = nx_api_begin(node);
    w->was = nx_node_enter(node);
    return 0;
}

/* A node that was closed meanwhile goes here, whatever came of the wait. */
static int end(struct wait *w, int rc)
{
    if (w->node->closing)
        rc = NOEX_ESTATE;
    nx_node_leave(w->node, w->was);
    return rc;
}

/* Runs the node once. Errors end the wait: NOEX_EWAIT when its time was over before. A wakeup is
 * told only when there is no result, so it may be that of an earlier run. */
static int go_on(struct wait *w)
{
    noex_node *node = w->node;
    if (atomic_exchange(&node->woken, false))
        return nx_fail(w->err, NOEX_EINTERRUPTED, "noex_node_wakeup was called");
    nx_loop_update(node->loop);
    uint64_t now = nx_loop_now(node->loop);
    bool last = now >= w->until_ms;
    /* As nx_node_process, but it waits though there are events to be pulled. */
    nx_delivery_release(node);
    int rc = nx_loop_run(node->loop, last ? 0 : w->until_ms - now);
    /* What is called in callbacks records there too. */
    nx_api_begin(node);
    if (rc || node->closing)
        return rc ? nx_fail(w->err, rc, NULL) : NOEX_ESTATE;
    return last ? NOEX_EWAIT : 0;
}

/* ---- events ---- */

int noex_wait_event(noex_node *node, uint64_t timeout_ms, const struct noex_event **event)
{
    struct wait w;
    if (!node)
        return NOEX_EINVALID;
    if (!event)
        return nx_fail(nx_api_begin(node), NOEX_EINVALID, "noex_wait_event: an argument is NULL");
    *event = NULL;
    int rc = begin(&w, node, timeout_ms);
    if (rc)
        return rc;
    if (node->options.on_event)
        return end(&w, nx_fail(w.err, NOEX_ESTATE, "events go to the node's on_event"));
    while (!(*event = nx_delivery_next(node)) && !rc)
        rc = go_on(&w);
    if (node->closing)
        *event = NULL;
    return end(&w, *event ? 0 : nx_fail(w.err, rc, NULL));
}

/* ---- connections ---- */

static bool is_over(const struct nx_peer *p)
{
    return nx_peer_is_up(p) || (p->state == NX_PEER_IDLE && p->policy != NOEX_CONNECT_KEEP);
}

/* What became of the attempt: 0, its error, or NOEX_EWAIT while it or a next one goes on. */
static int outcome(const struct nx_peer *p, struct noex_error *err)
{
    char awaited[160];
    *err = (struct noex_error){0};
    if (nx_peer_is_up(p))
        return 0;
    if (p->state == NX_PEER_IDLE) {
        *err = p->cause;
        return err->code;
    }
    if (p->state == NX_PEER_BACKOFF)
        return nx_fail(err, NOEX_EWAIT, "%s: not connected in time, the last attempt: %.120s",
                       p->name.full, p->cause.text);
    nx_peer_connection(p, awaited, sizeof awaited);
    return nx_fail(err, NOEX_EWAIT, "%s: not connected in time, still waiting for %s", p->name.full,
                   awaited);
}

int noex_wait_node_up(noex_node *node, const char *peer, uint64_t timeout_ms)
{
    struct nx_node_name name;
    struct nx_peer *p;
    struct wait w;
    int rc = begin(&w, node, timeout_ms);
    if (rc)
        return rc;
    rc = nx_node_name_parse(peer, &name, w.err);
    rc = rc ? rc : nx_node_peer(node, &name, &p, w.err);
    rc = rc ? rc : nx_fail(w.err, nx_peer_connect(p), NULL);
    if (rc)
        return end(&w, rc);
    nx_loop_kick(node->loop);
    while (!is_over(p) && !rc)
        rc = go_on(&w);
    if (is_over(p) || rc == NOEX_EWAIT)
        rc = outcome(p, w.err);
    return end(&w, rc);
}

/* ---- being connected to ---- */

/* What a wait that was in vain says: the error of a try that has failed meanwhile, or how the last
 * one did. */
static int not_reachable(const struct nx_listener *l, bool meanwhile, struct noex_error *err)
{
    *err = (struct noex_error){0};
    if (meanwhile)
        *err = l->cause;
    nx_fail(err, NOEX_EWAIT, "not registered in time%s%.200s",
            l->cause.code ? ", the last try: " : "", l->cause.text);
    return err->code;
}

int noex_wait_registered(noex_node *node, uint64_t timeout_ms)
{
    struct wait w;
    int rc = begin(&w, node, timeout_ms);
    if (rc)
        return rc;
    const struct nx_listener *l = node->listener;
    if (!l)
        return end(&w, nx_fail(w.err, NOEX_ESTATE, "the node does not listen: option listen"));
    const uint64_t before = l->failures;
    while (!nx_listener_is_reachable(l) && l->failures == before && !rc)
        rc = go_on(&w);
    if (nx_listener_is_reachable(l))
        return end(&w, 0);
    if (l->failures != before || rc == NOEX_EWAIT)
        rc = not_reachable(l, l->failures != before, w.err);
    return end(&w, rc);
}

/* ---- monitors ---- */

/* True where it is decided: then `w->code` and `*w->err` tell how. */
static bool is_decided(noex_node *node, struct nx_awaited *w)
{
    if (w->told)
        return true;
    const struct nx_monitor *m =
        nx_monitor_find(node->monitors, (uint32_t)w->id, (uint32_t)(w->id >> 32));
    if (!m || (m->state == NX_MONITOR_ENDED && !m->events))
        w->code = nx_fail(w->err, NOEX_EINVALID, "no such monitor, or it has ended");
    else if (m->events & NX_MONITOR_EV_FAILED)
        w->code = nx_delivery_failure(node, m, w->err);
    else
        return m->state == NX_MONITOR_ACTIVE || m->state == NX_MONITOR_ENDED;
    return true;
}

int noex_wait_monitor_up(noex_node *node, noex_monitor_id id, uint64_t timeout_ms)
{
    struct wait w;
    struct noex_error outcome = {0};
    struct nx_awaited awaited = {.id = id, .err = &outcome};
    bool decided;
    int rc = begin(&w, node, timeout_ms);
    if (rc)
        return rc;
    node->awaited = &awaited;
    while (!(decided = is_decided(node, &awaited)) && !rc)
        rc = go_on(&w);
    node->awaited = NULL;
    if (!decided)
        return end(&w, nx_fail(w.err, rc, NULL));
    *w.err = outcome;
    return end(&w, awaited.code);
}

/* ---- calls ---- */

int noex_wait_reply(noex_node *node, noex_call_id id, uint64_t timeout_ms,
                    const struct noex_event **event)
{
    struct wait w;
    bool more;
    if (!node)
        return NOEX_EINVALID;
    if (!event)
        return nx_fail(nx_api_begin(node), NOEX_EINVALID, "noex_wait_reply: an argument is NULL");
    *event = NULL;
    int rc = begin(&w, node, timeout_ms);
    if (rc)
        return rc;
    nx_delivery_release(node);
    node->awaited_call = id;
    while (!(*event = nx_delivery_take_call(node, id, &more)) && more && !rc)
        rc = go_on(&w);
    node->awaited_call = 0;
    if (node->closing)
        *event = NULL;
    if (!*event && !more && !node->closing)
        rc = nx_fail(w.err, NOEX_EINVALID, "no such call, or it is over");
    return end(&w, *event ? 0 : nx_fail(w.err, rc, NULL));
}
