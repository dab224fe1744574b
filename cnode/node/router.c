/* SPDX-License-Identifier: Apache-2.0 */
#include "node/router.h"

#include "base/err.h"
#include "handshake/dflags.h"
#include "term/check.h"
#include "term/read.h"
#include "term/write.h"

enum {
    SMALL_TERM = 2048,
    /* Of messages other than DOWNs: nobody here reads long ones. */
    KEEP_MESSAGE = 64 * 1024
};

static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
static const uint8_t notsup_bytes[] = {119, 6, 'n', 'o', 't', 's', 'u', 'p'};
static const uint8_t no_flags_bytes[] = {97, 0};
static const struct nx_span noproc = {noproc_bytes, sizeof noproc_bytes};
static const struct nx_span notsup = {notsup_bytes, sizeof notsup_bytes};
static const struct nx_span no_flags = {no_flags_bytes, sizeof no_flags_bytes};
static const struct nx_span nothing = {NULL, 0};

static int drop(struct nx_peer *p)
{
    p->node->stats.signals_dropped++;
    return 0;
}

static int answer(struct nx_peer *p, const struct nx_ctrl *ctrl, struct nx_span payload,
                  struct noex_error *err)
{
    p->node->stats.signals_answered++;
    int rc = nx_conn_send(p->conn, 0, ctrl, payload);
    if (rc == NOEX_EUNREAD)
        return nx_peer_unread(p, err);
    return rc ? nx_fail(err, rc, NULL) : 0;
}

/* A pid of this node. What is addressed to anybody else came here by mistake and is dropped. */
static bool is_ours(struct nx_peer *p, struct nx_span raw)
{
    struct nx_pid pid;
    return nx_pid_parse(raw, &pid) && nx_span_is(pid.node, nx_conn_peer(p->conn)->self_name);
}

/* A pid of the peer: answers to pids of a third node would close the connection, protocol.md 6.3.
 */
static bool is_theirs(struct nx_peer *p, struct nx_span raw)
{
    struct nx_pid pid;
    return nx_pid_parse(raw, &pid) && nx_span_is(pid.node, p->name.full);
}

/* ---- monitors of ours ---- */

static int on_down(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    bool inside = c->op == NX_OP_MONITOR_P_EXIT;
    struct nx_span reason = inside ? c->arg[NX_ARG_REASON] : s->payload;
    uint64_t full = inside ? reason.len : s->payload_full;
    uint32_t use, slot, generation;
    size_t max = p->node->options.reason_max;
    (void)err;
    if (!nx_conn_own_ref(p->conn, c->arg[NX_ARG_REF], &use, &slot, &generation) ||
        use != NX_REF_MONITOR) {
        nx_monitors_count_stale(p->node->monitors);
        return 0;
    }
    if (reason.len > max)
        reason.len = max;
    nx_monitor_down(p->node->monitors, &p->monitors, p->index, slot, generation, reason, full,
                    nx_wall_us());
    return 0;
}

/* ---- what others want of processes that are not here ---- */

/* `net_kernel` is there: a noproc would make net_adm:ping fail and disconnect, protocol.md 0.5. */
static int on_monitor(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    struct nx_span name;
    if (nx_atom_parse(c->arg[NX_ARG_TARGET], &name) && nx_span_is(name, "net_kernel"))
        return drop(p);
    if (!is_theirs(p, c->arg[NX_ARG_FROM]))
        return drop(p);
    bool payload = nx_conn_has_flag(p->conn, NX_DFLAG_EXIT_PAYLOAD);
    struct nx_ctrl down = {.op = payload ? NX_OP_PAYLOAD_MONITOR_P_EXIT : NX_OP_MONITOR_P_EXIT};
    down.arg[NX_ARG_TARGET] = c->arg[NX_ARG_TARGET];
    down.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    down.arg[NX_ARG_REF] = c->arg[NX_ARG_REF];
    down.arg[NX_ARG_REASON] = payload ? nothing : noproc;
    return answer(p, &down, payload ? noproc : nothing, err);
}

static int on_link(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    if (!is_ours(p, c->arg[NX_ARG_TO]) || !is_theirs(p, c->arg[NX_ARG_FROM]))
        return drop(p);
    bool payload = nx_conn_has_flag(p->conn, NX_DFLAG_EXIT_PAYLOAD);
    struct nx_ctrl exit = {.op = payload ? NX_OP_PAYLOAD_EXIT : NX_OP_EXIT};
    exit.arg[NX_ARG_FROM] = c->arg[NX_ARG_TO];
    exit.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    exit.arg[NX_ARG_REASON] = payload ? nothing : noproc;
    return answer(p, &exit, payload ? noproc : nothing, err);
}

/* Also where nothing is linked, protocol.md 6.5. */
static int on_unlink_id(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    if (!is_ours(p, c->arg[NX_ARG_TO]) || !is_theirs(p, c->arg[NX_ARG_FROM]))
        return drop(p);
    struct nx_ctrl ack = {.op = NX_OP_UNLINK_ID_ACK};
    ack.arg[NX_ARG_ID] = c->arg[NX_ARG_ID];
    ack.arg[NX_ARG_FROM] = c->arg[NX_ARG_TO];
    ack.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    return answer(p, &ack, nothing, err);
}

/* A caller that is never answered waits for ever, protocol.md 6.7. */
static int on_spawn_request(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    if (!is_theirs(p, c->arg[NX_ARG_FROM]))
        return drop(p);
    struct nx_ctrl reply = {.op = NX_OP_SPAWN_REPLY};
    reply.arg[NX_ARG_REF] = c->arg[NX_ARG_REF];
    reply.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    reply.arg[NX_ARG_FLAGS] = no_flags;
    reply.arg[NX_ARG_RESULT] = notsup;
    return answer(p, &reply, nothing, err);
}

/* ---- messages ---- */

/* Where the reply to a call goes, by the form of its tag (protocol.md 7): the first reference of
 * [alias|Ref] and [[alias|Ref]|_], else the caller's pid. */
static struct nx_span reply_alias(struct nx_span tag)
{
    struct nx_rd in = nx_rd(tag);
    struct nx_span ref;
    struct nx_ref parsed;
    uint32_t n;
    for (int nested = 0; nested < 2 && nx_read_list_head(&in, &n); nested++) {
        if (n != 1)
            break;
        if (nx_read_atom_is(&in, "alias"))
            return nx_read_term(&in, &ref) && nx_ref_parse(ref, &parsed) ? ref : nothing;
    }
    return nothing;
}

static int reply_yes(struct nx_peer *p, struct nx_span caller, struct nx_span tag,
                     struct noex_error *err)
{
    uint8_t bytes[SMALL_TERM];
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, sizeof bytes);
    if (nx_write_tuple_head(&b, 2) || nx_write_raw(&b, tag) || nx_write_atom(&b, "yes"))
        return drop(p); /* a tag of two kilobytes is none of gen's */
    struct nx_span alias = reply_alias(tag);
    bool by_alias = alias.len && nx_conn_has_flag(p->conn, NX_DFLAG_ALIAS);
    struct nx_ctrl send = {.op = by_alias ? NX_OP_ALIAS_SEND : NX_OP_SEND_SENDER};
    send.arg[NX_ARG_FROM] = nx_conn_self_pid(p->conn);
    send.arg[NX_ARG_REF] = by_alias ? alias : nothing;
    send.arg[NX_ARG_TO] = by_alias ? nothing : caller;
    return answer(p, &send, nx_buf_span(&b), err);
}

/* net_adm:ping: {'$gen_call', {Caller, Tag}, {is_auth, Node}} to net_kernel, protocol.md 7. */
static int on_reg_send(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_rd in = nx_rd(s->payload);
    struct nx_span name, caller, tag;
    uint32_t arity;
    if (!nx_atom_parse(s->ctrl->arg[NX_ARG_NAME], &name) || !nx_span_is(name, "net_kernel"))
        return drop(p);
    if (!nx_read_tuple_head(&in, &arity) || arity != 3 || !nx_read_atom_is(&in, "$gen_call") ||
        !nx_read_tuple_head(&in, &arity) || arity != 2 || !nx_read_term(&in, &caller) ||
        !nx_read_term(&in, &tag) || !nx_read_tuple_head(&in, &arity) || arity != 2 ||
        !nx_read_atom_is(&in, "is_auth") || !is_theirs(p, caller))
        return drop(p);
    return reply_yes(p, caller, tag, err);
}

int nx_router_ask_pid(struct nx_peer *p, uint32_t slot)
{
    static const uint8_t rex[] = {119, 3, 'r', 'e', 'x'};
    const struct nx_monitor *m = nx_monitor_at(p->node->monitors, slot);
    uint8_t bytes[SMALL_TERM], ref[NX_CONN_REF_SIZE];
    struct nx_buf b;
    char text[64];
    int n = noex_pid_text(&m->target.pid, text, sizeof text);
    nx_buf_fixed(&b, bytes, sizeof bytes);
    /* {'$gen_call', {Me, Tag}, {call, erlang, list_to_pid, [Text], user}} */
    int rc = nx_write_tuple_head(&b, 3);
    rc = rc ? rc : nx_write_atom(&b, "$gen_call");
    rc = rc ? rc : nx_write_tuple_head(&b, 2);
    rc = rc ? rc : nx_write_raw(&b, nx_conn_self_pid(p->conn));
    rc = rc ? rc : nx_write_raw(&b, nx_conn_ref(p->conn, NX_REF_RESOLVE, slot, m->generation, ref));
    rc = rc ? rc : nx_write_tuple_head(&b, 5);
    rc = rc ? rc : nx_write_atom(&b, "call");
    rc = rc ? rc : nx_write_atom(&b, "erlang");
    rc = rc ? rc : nx_write_atom(&b, "list_to_pid");
    rc = rc ? rc : nx_write_list_head(&b, 1);
    rc = rc ? rc : nx_write_string(&b, nx_span(text, (size_t)n));
    rc = rc ? rc : nx_write_nil(&b);
    rc = rc ? rc : nx_write_atom(&b, "user");
    if (rc)
        return rc;
    struct nx_ctrl send = {.op = NX_OP_REG_SEND};
    send.arg[NX_ARG_FROM] = nx_conn_self_pid(p->conn);
    send.arg[NX_ARG_NAME] = nx_span(rex, sizeof rex);
    return nx_conn_send(p->conn, 0, &send, nx_buf_span(&b));
}

/* {badrpc, {'EXIT', {badarg, _}}}: what list_to_pid says of a pid that cannot be there. */
static bool is_badarg(struct nx_span result)
{
    struct nx_rd in = nx_rd(result);
    uint32_t arity;
    return nx_read_tuple_head(&in, &arity) && arity == 2 && nx_read_atom_is(&in, "badrpc") &&
           nx_read_tuple_head(&in, &arity) && arity == 2 && nx_read_atom_is(&in, "EXIT") &&
           nx_read_tuple_head(&in, &arity) && arity == 2 && nx_read_atom_is(&in, "badarg");
}

/* {Tag, Result}, the answer to nx_router_ask_pid: a pid, or why there is none. */
static int on_send(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_monitors *t = p->node->monitors;
    struct nx_rd in = nx_rd(s->payload);
    struct nx_span tag, result;
    struct nx_pid pid;
    uint32_t arity, use, slot, generation;
    (void)err;
    if (!nx_read_tuple_head(&in, &arity) || arity != 2 || !nx_read_term(&in, &tag) ||
        !nx_read_term(&in, &result) || !nx_conn_own_ref(p->conn, tag, &use, &slot, &generation) ||
        use != NX_REF_RESOLVE)
        return drop(p);
    struct nx_monitor *m = nx_monitor_find(t, slot, generation);
    if (!m || m->peer != p->index || m->state != NX_MONITOR_RESOLVING)
        return drop(p);
    if (nx_pid_parse(result, &pid) && nx_span_is(pid.node, p->name.full)) {
        const struct noex_pid known = {pid.id, pid.serial, pid.creation};
        nx_monitor_resolved(t, &p->monitors, slot, &known);
    } else if (is_badarg(result)) {
        nx_monitor_absent(t, &p->monitors, slot, noproc, nx_wall_us());
    } else {
        nx_monitor_fail(t, &p->monitors, slot, NOEX_EPID, nx_wall_us());
    }
    return 0;
}

static int on_unwanted(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    (void)s, (void)err;
    return drop(p);
}

size_t nx_router_wanted(const struct nx_peer *p, const struct nx_ctrl *ctrl)
{
    return ctrl->op == NX_OP_PAYLOAD_MONITOR_P_EXIT ? p->node->options.reason_max : KEEP_MESSAGE;
}

typedef int (*handler_fn)(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err);

/* What is not in the table is valid and wanted by nobody here: there are no processes to exit, no
 * links, no aliases, no names. */
static const handler_fn handlers[NX_OP_ALTACT_SIG_SEND + 1] = {
    [NX_OP_LINK] = on_link,
    [NX_OP_SEND] = on_send,
    [NX_OP_REG_SEND] = on_reg_send,
    [NX_OP_SEND_TT] = on_send,
    [NX_OP_REG_SEND_TT] = on_reg_send,
    [NX_OP_MONITOR_P] = on_monitor,
    [NX_OP_MONITOR_P_EXIT] = on_down,
    [NX_OP_SEND_SENDER] = on_send,
    [NX_OP_SEND_SENDER_TT] = on_send,
    [NX_OP_PAYLOAD_MONITOR_P_EXIT] = on_down,
    [NX_OP_SPAWN_REQUEST] = on_spawn_request,
    [NX_OP_SPAWN_REQUEST_TT] = on_spawn_request,
    [NX_OP_UNLINK_ID] = on_unlink_id,
};

int nx_router_signal(struct nx_peer *p, const struct nx_signal *signal, struct noex_error *err)
{
    handler_fn handler = handlers[signal->ctrl->op];
    return (handler ? handler : on_unwanted)(p, signal, err);
}
