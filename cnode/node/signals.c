/* SPDX-License-Identifier: Apache-2.0 */
#include "node/signals.h"

#include "base/alloc.h"
#include "base/err.h"
#include "handshake/dflags.h"
#include "node/peer.h"
#include "term/ident.h"

/* One that waits; its spans point into `bytes`, the payload perhaps into `kept`. */
struct nx_outgoing {
    struct nx_outgoing *next;
    uint32_t sender;
    bool answer;
    struct nx_ctrl ctrl;
    struct nx_span payload;
    struct nx_blob *kept;
    size_t size; /* all of it */
    uint8_t bytes[];
};

/* What is to go, and how it waits. */
struct signal {
    uint32_t sender;
    const struct nx_ctrl *ctrl;
    struct nx_span payload;
    struct nx_blob *kept;
    bool answer;
};

struct nx_span nx_own_pid(const noex_node *node, const struct nx_peer *p, uint32_t id,
                          uint32_t serial, uint8_t bytes[NX_RAW_PID_SIZE])
{
    const struct nx_hs_result *up = p && nx_peer_is_up(p) ? nx_conn_peer(p->ch.conn) : NULL;
    const struct nx_pid pid = {
        .node = nx_span_str(up ? up->self_name : node->self.full),
        .id = id,
        .serial = serial,
        .creation = up ? up->self_creation : node->creation,
    };
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, NX_RAW_PID_SIZE);
    /* Cannot fail: the name was checked and the room is enough for any. */
    return nx_pid_write(&b, &pid) ? nx_span(NULL, 0) : nx_buf_span(&b);
}

struct nx_span nx_signal_pid(const struct nx_peer *p, uint32_t id, uint32_t serial,
                             uint8_t bytes[NX_RAW_PID_SIZE])
{
    return nx_own_pid(p->node, p, id, serial, bytes);
}

struct nx_span nx_own_ref(const noex_node *node, const struct nx_peer *p, enum nx_ref_use use,
                          uint32_t slot, uint32_t generation, uint8_t bytes[NX_CONN_REF_SIZE])
{
    const struct nx_ref ref = {.node = nx_span_str(node->self.full),
                               .creation = node->creation,
                               .count = 3,
                               .word = {slot, generation, use}};
    struct nx_buf b;
    if (p && nx_peer_is_up(p))
        return nx_conn_ref(p->ch.conn, use, slot, generation, bytes);
    nx_buf_fixed(&b, bytes, NX_CONN_REF_SIZE);
    return nx_ref_write(&b, &ref) ? nx_span(NULL, 0) : nx_buf_span(&b); /* as above */
}

/* ---- forms ---- */

/* For a peer without EXIT_PAYLOAD: where the reason stands in the control tuple. */
static const enum nx_op reason_inside[NX_OP_ALTACT_SIG_SEND + 1] = {
    [NX_OP_PAYLOAD_EXIT] = NX_OP_EXIT,
    [NX_OP_PAYLOAD_EXIT2] = NX_OP_EXIT2,
    [NX_OP_PAYLOAD_MONITOR_P_EXIT] = NX_OP_MONITOR_P_EXIT,
};

/* ALIAS_SEND is to go with OTP 30; ALTACT_SIG_SEND takes its place where both sides know it. */
static bool alias_form(const struct nx_conn *conn, struct nx_ctrl *c)
{
    static const uint8_t to_alias[] = {97, NX_ALTACT_ALIAS};
    if (nx_conn_has_flag(conn, NX_DFLAG_ALTACT_SIG)) {
        c->op = NX_OP_ALTACT_SIG_SEND;
        c->arg[NX_ARG_FLAGS] = nx_span(to_alias, sizeof to_alias);
        c->arg[NX_ARG_TO] = c->arg[NX_ARG_REF];
        return true;
    }
    return nx_conn_has_flag(conn, NX_DFLAG_ALIAS);
}

/* The other end is not to ack this one: the link is over at once. */
static void unlink_unacked(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *c)
{
    struct nx_pid to;
    uint64_t id;
    if (!nx_pid_parse(c->arg[NX_ARG_TO], &to) || !nx_u64_parse(c->arg[NX_ARG_ID], &id))
        return;
    const struct nx_link_key key = {sender, p->index, to.id, to.serial, to.creation};
    nx_link_unlink_ack(&p->node->links, &key, id);
}

/* To a process of an incarnation of the peer before this one. */
static bool is_to_the_past(const struct nx_conn *conn, const struct nx_ctrl *c)
{
    struct nx_pid to;
    return nx_pid_parse(c->arg[NX_ARG_TO], &to) && to.creation != nx_conn_peer(conn)->peer_creation;
}

/* EXIT, UNLINK_ID and its ack close a BEAM's connection where they are to the past, protocol.md
 * 6.3; a peer that knows no UNLINK_ID gets an UNLINK. False: nothing is to be sent. */
static bool link_form(struct nx_peer *p, uint32_t sender, struct nx_ctrl *c)
{
    if (c->op == NX_OP_PAYLOAD_EXIT || c->op == NX_OP_EXIT || c->op == NX_OP_UNLINK_ID_ACK)
        return !is_to_the_past(p->ch.conn, c);
    if (c->op != NX_OP_UNLINK_ID)
        return true;
    bool past = is_to_the_past(p->ch.conn, c);
    if (!past && nx_conn_has_flag(p->ch.conn, NX_DFLAG_UNLINK_ID))
        return true;
    unlink_unacked(p, sender, c);
    c->op = NX_OP_UNLINK;
    return !past;
}

static int send_now(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                    struct nx_span payload)
{
    struct nx_ctrl c = *ctrl;
    bool monitors = c.op == NX_OP_MONITOR_P || c.op == NX_OP_DEMONITOR_P;
    if (monitors && !nx_conn_has_flag(p->ch.conn, NX_DFLAGS_MONITOR))
        return 0;
    if ((c.op == NX_OP_ALIAS_SEND && !alias_form(p->ch.conn, &c)) || !link_form(p, sender, &c))
        return 0;
    if (c.op == NX_OP_SEND_SENDER && !nx_conn_has_flag(p->ch.conn, NX_DFLAG_SEND_SENDER))
        c.op = NX_OP_SEND;
    if (!nx_conn_has_flag(p->ch.conn, NX_DFLAG_EXIT_PAYLOAD) && reason_inside[c.op]) {
        c.op = reason_inside[c.op];
        c.arg[NX_ARG_REASON] = payload;
        payload = nx_span(NULL, 0);
    }
    if (!c.arg[NX_ARG_FROM].len) /* the name of a dynamic node is known by now */
        c.arg[NX_ARG_FROM] = nx_conn_self_pid(p->ch.conn);
    return nx_conn_send(p->ch.conn, sender, &c, payload);
}

/* ---- the queue ---- */

static struct nx_span keep(uint8_t **at, struct nx_span s)
{
    struct nx_span kept = {*at, s.len};
    if (!s.len)
        return nx_span(NULL, 0);
    memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return kept;
}

static size_t size_of(const struct nx_ctrl *ctrl, struct nx_span payload)
{
    size_t size = sizeof(struct nx_outgoing) + payload.len;
    for (int i = 0; i < NX_ARG_COUNT; i++)
        size += ctrl->arg[i].len;
    return size;
}

static void append(struct nx_peer *p, struct nx_outgoing *o)
{
    if (p->outbox.last)
        p->outbox.last->next = o;
    else
        p->outbox.first = o;
    p->outbox.last = o;
    p->outbox.bytes += o->size;
    p->outbox.answers += o->answer ? o->size : 0;
}

static int enqueue(struct nx_peer *p, const struct signal *s)
{
    size_t size = size_of(s->ctrl, s->payload), kept = s->kept ? s->payload.len : 0;
    struct nx_outgoing *o = nx_alloc(&p->node->alloc, size - kept);
    if (!o)
        return NOEX_ENOMEM;
    *o = (struct nx_outgoing){
        .sender = s->sender, .answer = s->answer, .ctrl = *s->ctrl, .size = size};
    uint8_t *at = o->bytes;
    for (int i = 0; i < NX_ARG_COUNT; i++)
        o->ctrl.arg[i] = keep(&at, s->ctrl->arg[i]);
    o->kept = s->kept ? nx_blob_hold(s->kept) : NULL;
    o->payload = s->kept ? s->payload : keep(&at, s->payload);
    append(p, o);
    return 0;
}

static void drop_first(struct nx_peer *p)
{
    struct nx_outgoing *o = p->outbox.first;
    p->outbox.first = o->next;
    if (!o->next)
        p->outbox.last = NULL;
    p->outbox.bytes -= o->size;
    p->outbox.answers -= o->answer ? o->size : 0;
    nx_blob_release(&p->node->alloc, o->kept);
    nx_free(&p->node->alloc, o);
}

bool nx_signals_have_room(const struct nx_peer *p)
{
    return nx_peer_is_up(p) && nx_conn_ready(p->ch.conn) < p->node->options.out_high;
}

int nx_signal_send(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                   struct nx_span payload)
{
    const struct signal s = {.sender = sender, .ctrl = ctrl, .payload = payload};
    size_t queued = nx_peer_queued(p), max = p->node->options.out_max,
           size = size_of(ctrl, payload);
    if (size > max)
        return NOEX_ELIMIT;
    if (queued > max - size)
        return NOEX_EUNREAD;
    if (!p->outbox.first && nx_signals_have_room(p))
        return send_now(p, sender, ctrl, payload);
    int rc = nx_peer_is_up(p) ? 0 : nx_peer_connect(p);
    return rc ? rc : enqueue(p, &s);
}

static void tell(struct nx_peer *p, const struct signal *s)
{
    bool waits = p->outbox.first != NULL;
    if (!nx_peer_is_up(p) && !waits)
        return;
    int rc = !waits && nx_signals_have_room(p) ? send_now(p, s->sender, s->ctrl, s->payload)
                                               : NOEX_ENOMEM;
    if (rc == NOEX_ENOMEM || rc == NOEX_EUNREAD) /* there is no room for it yet */
        rc = enqueue(p, s);
    if (!rc && p->outbox.answers > p->node->options.out_max)
        rc = NOEX_EUNREAD;
    if (rc)
        nx_peer_doom(p, rc);
}

void nx_signal_tell_kept(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                         struct nx_span payload, struct nx_blob *kept)
{
    tell(p, &(struct signal){.sender = sender, .ctrl = ctrl, .payload = payload, .kept = kept});
}

void nx_signal_tell(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                    struct nx_span payload)
{
    nx_signal_tell_kept(p, sender, ctrl, payload, NULL);
}

void nx_signal_answer(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                      struct nx_span payload)
{
    tell(p, &(struct signal){.sender = sender, .ctrl = ctrl, .payload = payload, .answer = true});
}

bool nx_signals_wait(const struct nx_peer *p)
{
    return p->outbox.first != NULL;
}

/* A long one may have to wait until all before it has gone. */
int nx_signals_pump(struct nx_peer *p)
{
    int rc = 0;
    while (!rc && p->outbox.first && nx_signals_have_room(p)) {
        const struct nx_outgoing *o = p->outbox.first;
        rc = send_now(p, o->sender, &o->ctrl, o->payload);
        if (!rc)
            drop_first(p);
    }
    return rc == NOEX_EUNREAD ? 0 : rc;
}

void nx_signals_drop(struct nx_peer *p)
{
    while (p->outbox.first)
        drop_first(p);
}
