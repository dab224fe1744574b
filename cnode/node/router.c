/* SPDX-License-Identifier: Apache-2.0 */
#include "node/router.h"

#include "base/err.h"
#include "node/sig.h"
#include "node/signals.h"

/* Of what is for a dead process: enough to see what it is. */
enum { KEEP_UNWANTED = 1024 };

int nx_sig_drop(struct nx_peer *p)
{
    p->node->stats.signals_dropped++;
    return 0;
}

int nx_sig_answer(struct nx_peer *p, const struct nx_ctrl *ctrl, struct nx_span payload)
{
    p->node->stats.signals_answered++;
    nx_signal_answer(p, 0, ctrl, payload);
    return 0;
}

int nx_sig_too_much(struct nx_peer *p, struct noex_error *err)
{
    return nx_fail(err, NOEX_EMAIL, "mail_max: %zu bytes of messages wait already",
                   p->node->letters.bytes);
}

bool nx_sig_theirs(const struct nx_peer *p, struct nx_span raw, struct nx_pid *pid)
{
    return nx_pid_parse(raw, pid) && nx_span_is(pid->node, p->name.full);
}

bool nx_sig_their_ref(const struct nx_peer *p, struct nx_span raw, struct nx_ref *ref)
{
    return nx_ref_parse(raw, ref) && nx_span_is(ref->node, p->name.full);
}

bool nx_sig_ours(const struct nx_peer *p, struct nx_span raw)
{
    struct nx_pid pid;
    return nx_pid_parse(raw, &pid) && nx_span_is(pid.node, nx_conn_peer(p->ch.conn)->self_name);
}

struct nx_proc *nx_sig_proc(const struct nx_peer *p, struct nx_span raw)
{
    struct nx_pid pid;
    if (!nx_pid_parse(raw, &pid) || !nx_conn_is_self(p->ch.conn, pid.node, pid.creation))
        return NULL;
    return nx_proc_find(p->node->procs, pid.id, pid.serial);
}

struct nx_proc *nx_sig_named(const struct nx_peer *p, struct nx_span raw)
{
    struct nx_span name;
    return nx_atom_parse(raw, &name) ? nx_proc_named(p->node->procs, name) : NULL;
}

struct nx_span nx_sig_reason(const struct nx_signal *s)
{
    return s->ctrl->has_payload ? s->payload : s->ctrl->arg[NX_ARG_REASON];
}

static int on_unwanted(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    (void)s, (void)err;
    return nx_sig_drop(p);
}

/* How much of a payload is kept. */
enum keep {
    KEEP_WHOLE = 0, /* up to message_max */
    KEEP_REASON,    /* up to reason_max */
    KEEP_FOR_PID    /* the whole, where the receiver is there; a name can be there in time */
};

/* Protocol.md 6.1. What is not in the table is valid and wanted by nobody here. */
static const struct {
    nx_sig_fn *handler;
    enum keep keep;
} rows[NX_OP_ALTACT_SIG_SEND + 1] = {
    [NX_OP_LINK] = {nx_sig_link, KEEP_WHOLE},
    [NX_OP_SEND] = {nx_sig_send, KEEP_FOR_PID},
    [NX_OP_EXIT] = {nx_sig_exit, KEEP_WHOLE},
    [NX_OP_UNLINK] = {nx_sig_unlink, KEEP_WHOLE},
    [NX_OP_REG_SEND] = {nx_sig_reg_send, KEEP_WHOLE},
    [NX_OP_GROUP_LEADER] = {nx_sig_group_leader, KEEP_WHOLE},
    [NX_OP_EXIT2] = {nx_sig_exit2, KEEP_WHOLE},
    [NX_OP_SEND_TT] = {nx_sig_send, KEEP_FOR_PID},
    [NX_OP_EXIT_TT] = {nx_sig_exit, KEEP_WHOLE},
    [NX_OP_REG_SEND_TT] = {nx_sig_reg_send, KEEP_WHOLE},
    [NX_OP_EXIT2_TT] = {nx_sig_exit2, KEEP_WHOLE},
    [NX_OP_MONITOR_P] = {nx_sig_monitor, KEEP_WHOLE},
    [NX_OP_DEMONITOR_P] = {nx_sig_demonitor, KEEP_WHOLE},
    [NX_OP_MONITOR_P_EXIT] = {nx_sig_down, KEEP_WHOLE},
    [NX_OP_SEND_SENDER] = {nx_sig_send, KEEP_FOR_PID},
    [NX_OP_SEND_SENDER_TT] = {nx_sig_send, KEEP_FOR_PID},
    [NX_OP_PAYLOAD_EXIT] = {nx_sig_exit, KEEP_FOR_PID},
    [NX_OP_PAYLOAD_EXIT_TT] = {nx_sig_exit, KEEP_FOR_PID},
    [NX_OP_PAYLOAD_EXIT2] = {nx_sig_exit2, KEEP_FOR_PID},
    [NX_OP_PAYLOAD_EXIT2_TT] = {nx_sig_exit2, KEEP_FOR_PID},
    [NX_OP_PAYLOAD_MONITOR_P_EXIT] = {nx_sig_down, KEEP_REASON},
    [NX_OP_SPAWN_REQUEST] = {nx_sig_spawn_request, KEEP_WHOLE},
    [NX_OP_SPAWN_REQUEST_TT] = {nx_sig_spawn_request, KEEP_WHOLE},
    [NX_OP_SPAWN_REPLY] = {nx_sig_spawn_reply, KEEP_WHOLE},
    [NX_OP_SPAWN_REPLY_TT] = {nx_sig_spawn_reply, KEEP_WHOLE},
    [NX_OP_ALIAS_SEND] = {nx_sig_alias_send, KEEP_WHOLE},
    [NX_OP_ALIAS_SEND_TT] = {nx_sig_alias_send, KEEP_WHOLE},
    [NX_OP_UNLINK_ID] = {nx_sig_unlink_id, KEEP_WHOLE},
    [NX_OP_UNLINK_ID_ACK] = {nx_sig_unlink_id_ack, KEEP_WHOLE},
    [NX_OP_ALTACT_SIG_SEND] = {nx_sig_altact, KEEP_WHOLE},
};

int nx_router_signal(struct nx_peer *p, const struct nx_signal *signal, struct noex_error *err)
{
    nx_sig_fn *handler = rows[signal->ctrl->op].handler;
    return (handler ? handler : on_unwanted)(p, signal, err);
}

size_t nx_router_wanted(const struct nx_peer *p, const struct nx_ctrl *ctrl)
{
    enum keep keep = rows[ctrl->op].keep;
    if (keep == KEEP_REASON && !nx_sig_down_is_result(p, ctrl))
        return p->node->options.reason_max;
    if (keep == KEEP_FOR_PID && !nx_sig_proc(p, ctrl->arg[NX_ARG_TO]))
        return KEEP_UNWANTED;
    return p->node->options.message_max;
}
