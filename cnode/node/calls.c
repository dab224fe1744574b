/* SPDX-License-Identifier: Apache-2.0 */
#include "node/calls.h"

#include "base/err.h"
#include "handshake/dflags.h"
#include "node/mail.h"
#include "node/reply.h"
#include "node/spawns.h"

static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
static const struct nx_span noproc = {noproc_bytes, sizeof noproc_bytes};
static const struct nx_span nothing = {NULL, 0};

static struct nx_pending *waiting(const noex_node *node, uint32_t slot, uint32_t generation)
{
    struct nx_pending *r = nx_pending_find(node->pendings, slot, generation);
    return r && r->waits ? r : NULL;
}

struct nx_span nx_call_caller(const struct nx_peer *p, const struct nx_pending *r,
                              uint8_t bytes[NX_RAW_PID_SIZE])
{
    if (!r->caller.serial)
        return nx_signal_pid(p, NX_PROC_KERNEL, NX_PROC_KERNEL_SERIAL, bytes);
    return nx_signal_pid(p, r->caller.id, r->caller.serial, bytes);
}

/* ---- calling ---- */

static struct nx_pending_request request_of(const struct nx_call *call,
                                            const struct noex_target *target)
{
    struct nx_pending_request q = {.kind = NX_PENDING_CALL,
                                   .target = target,
                                   .deadline_ms = call->deadline_ms,
                                   .user = call->user};
    if (call->from) {
        q.calls = &call->from->calls;
        q.caller = (struct noex_pid){call->from->number, call->from->slot.generation, 0};
    }
    return q;
}

static int write_call(struct nx_buf *out, const struct nx_gen_caller *caller, const noex_node *node,
                      struct nx_span request)
{
    nx_buf_init(out, &node->alloc, SIZE_MAX / 4);
    return nx_gen_write_call(out, caller, request);
}

/* The process or name that a record is about. */
static struct nx_span target_of(struct nx_peer *p, const struct nx_pending *r,
                                uint8_t bytes[NX_RAW_ADDRESS_SIZE])
{
    bool named = r->target_kind == NOEX_TARGET_NAME;
    struct nx_address a = {.peer = p, .name = named ? r->target.name : NULL};
    if (!named)
        a.pid = r->target.pid;
    return nx_address_raw(&a, bytes);
}

static int send_monitor(struct nx_peer *p, uint32_t slot, const struct nx_ctrl *message,
                        struct nx_span target, struct nx_span ref)
{
    const struct nx_pending *r = nx_pending_at(p->node->pendings, slot);
    struct nx_ctrl monitor = {.op = NX_OP_MONITOR_P};
    if (r->monitored)
        return 0;
    monitor.arg[NX_ARG_FROM] = message->arg[NX_ARG_FROM];
    monitor.arg[NX_ARG_TARGET] = target;
    monitor.arg[NX_ARG_REF] = ref;
    int rc = nx_signal_send(p, nx_call_sender(r), &monitor, nothing);
    if (!rc)
        nx_pending_monitored(p->node->pendings, slot, true);
    return rc;
}

int nx_call_send(struct nx_peer *p, uint32_t slot, struct nx_span request)
{
    const struct nx_pending *r = nx_pending_at(p->node->pendings, slot);
    uint8_t from[NX_RAW_PID_SIZE], to[NX_RAW_ADDRESS_SIZE], ref[NX_CONN_REF_SIZE];
    bool named = r->target_kind == NOEX_TARGET_NAME;
    struct nx_buf message;
    const struct nx_gen_caller caller = {
        nx_call_caller(p, r, from),
        nx_own_ref(p->node, p, NX_REF_CALL, slot, r->slot.generation, ref)};
    struct nx_span target = target_of(p, r, to);
    struct nx_ctrl send = {.op = named ? NX_OP_REG_SEND : NX_OP_SEND_SENDER};
    send.arg[NX_ARG_FROM] = caller.pid;
    send.arg[named ? NX_ARG_NAME : NX_ARG_TO] = target;
    int rc = write_call(&message, &caller, p->node, request);
    rc = rc ? rc : send_monitor(p, slot, &send, target, caller.tag);
    rc = rc ? rc : nx_signal_send(p, nx_call_sender(r), &send, nx_buf_span(&message));
    nx_buf_free(&message);
    return rc;
}

static int start_there(noex_node *node, const struct nx_call *call, uint32_t *slot)
{
    struct nx_peer *p = call->to->peer;
    const struct noex_target target = {.kind = call->to->name ? NOEX_TARGET_NAME : NOEX_TARGET_PID,
                                       .pid = call->to->pid,
                                       .name = call->to->name};
    struct nx_pending_request q = request_of(call, &target);
    q.asked = &p->asked;
    q.peer = p->index;
    int rc = nx_pending_add(node->pendings, &q, slot);
    if (rc)
        return rc;
    /* What this node is called there is known only when it is up. */
    if (node->dynamic && !nx_peer_is_up(p))
        rc = nx_calls_keep(p, *slot, call->request);
    else
        rc = nx_call_send(p, *slot, call->request);
    if (rc)
        nx_pending_cancel(node->pendings, *slot);
    return rc;
}

static int send_here(noex_node *node, struct nx_proc *proc, const struct nx_call *call,
                     uint32_t slot)
{
    const struct nx_pending *r = nx_pending_at(node->pendings, slot);
    uint8_t pid[NX_RAW_PID_SIZE], ref[NX_CONN_REF_SIZE];
    struct nx_pid from = {.id = nx_call_sender(r),
                          .serial = call->from ? r->caller.serial : NX_PROC_KERNEL_SERIAL,
                          .creation = node->creation};
    const struct nx_gen_caller caller = {
        nx_own_pid(node, NULL, from.id, from.serial, pid),
        nx_own_ref(node, NULL, NX_REF_CALL, slot, r->slot.generation, ref)};
    struct nx_buf message;
    int rc = write_call(&message, &caller, node, call->request);
    if (rc)
        return rc;
    const struct nx_message m = {
        .peer = NX_PEER_HERE, .from = call->from ? &from : NULL, .term = nx_buf_span(&message)};
    rc = nx_mail_message(node, proc, &m);
    nx_buf_free(&message);
    return rc;
}

static int start_here(noex_node *node, const struct nx_call *call, uint32_t *slot)
{
    struct nx_proc *proc = nx_address_proc(node, call->to);
    struct nx_pending_request q = request_of(call, NULL);
    bool there = proc && proc->end_letter;
    q.asked = there ? &proc->asked : &node->nobody;
    q.peer = NX_PEER_HERE;
    int rc = nx_pending_add(node->pendings, &q, slot);
    if (rc)
        return rc;
    if (!there) {
        nx_pending_down(node->pendings, *slot, NOEX_ENOPROC, noproc, noproc.len);
        return 0;
    }
    rc = send_here(node, proc, call, *slot);
    if (rc)
        nx_pending_cancel(node->pendings, *slot);
    return rc;
}

int nx_call_start(noex_node *node, const struct nx_call *call, uint32_t *slot)
{
    return call->to->peer ? start_there(node, call, slot) : start_here(node, call, slot);
}

/* ---- answering ---- */

/* The tag of a call of this node: the record, where it still waits. */
static bool own_call(const noex_node *node, struct nx_span tag, struct nx_pending **r,
                     uint32_t *slot)
{
    struct nx_ref ref;
    if (!nx_ref_parse(tag, &ref) || !nx_span_is(ref.node, node->self.full) ||
        ref.creation != node->creation || ref.count != 3 || ref.word[2] != NX_REF_CALL)
        return false;
    *slot = ref.word[0];
    *r = waiting(node, ref.word[0], ref.word[1]);
    return true;
}

/* The caller is of this node: a call that waits, or a process that made up the tag itself. */
static int answer_here(noex_node *node, const struct nx_proc *proc, const struct nx_pid *to,
                       const struct nx_gen_caller *caller, struct nx_span reply)
{
    struct nx_pending *r;
    struct nx_buf message;
    uint32_t slot;
    if (own_call(node, caller->tag, &r, &slot)) {
        if (r)
            nx_pending_reply(node->pendings, slot, reply);
        return 0;
    }
    struct nx_proc *receiver =
        to->creation == node->creation ? nx_proc_find(node->procs, to->id, to->serial) : NULL;
    if (!receiver || !receiver->end_letter)
        return 0;
    nx_buf_init(&message, &node->alloc, SIZE_MAX / 4);
    int rc = nx_gen_write_reply(&message, caller->tag, reply);
    const struct nx_pid from = {
        .id = proc->number, .serial = proc->slot.generation, .creation = node->creation};
    const struct nx_message m = {
        .peer = NX_PEER_HERE, .from = &from, .term = nx_buf_span(&message)};
    rc = rc ? rc : nx_mail_message(node, receiver, &m);
    nx_buf_free(&message);
    return rc;
}

static int answer_there(noex_node *node, const struct nx_proc *proc, const struct nx_pid *to,
                        const struct nx_gen_caller *caller, struct nx_span reply,
                        struct noex_error *err)
{
    struct nx_peer *p;
    int rc = nx_address_peer(node, to->node, &p, err);
    rc = rc ? rc : nx_reply_send(p, proc->number, proc->slot.generation, caller, reply);
    return rc == NOEX_EUNREAD ? nx_peer_unread(p, err) : rc;
}

int nx_call_answer(noex_node *node, struct nx_proc *proc, struct nx_span caller,
                   struct nx_span reply, struct noex_error *err)
{
    struct nx_gen_caller c;
    struct nx_pid to;
    if (!nx_gen_caller_parse(caller, &c) || !nx_pid_parse(c.pid, &to))
        return nx_fail(err, NOEX_EINVALID, "no caller: it is what a CALL event has there");
    if (nx_span_is(to.node, node->self.full))
        return answer_here(node, proc, &to, &c, reply);
    return answer_there(node, proc, &to, &c, reply, err);
}

/* ---- what comes of a call ---- */

/* A reply may come from another node than the one called, where the call was passed on; but not to
 * a name that this node has at one peer only. */
static bool may_answer(const struct nx_peer *p, const struct nx_pending *r)
{
    bool passed_on = r->kind == NX_PENDING_CALL && !p->node->dynamic;
    return passed_on ||
           (r->peer == p->index && (r->kind == NX_PENDING_CALL || r->kind == NX_PENDING_LEADER));
}

bool nx_calls_reply(struct nx_peer *p, struct nx_span message, uint64_t full_len)
{
    struct nx_pendings *t = p->node->pendings;
    struct nx_span ref, reply;
    uint32_t use, slot, generation;
    if (!nx_gen_reply_parse(message, &ref, &reply) ||
        !nx_conn_own_ref(p->ch.conn, ref, &use, &slot, &generation) || use != NX_REF_CALL)
        return false;
    const struct nx_pending *r = waiting(p->node, slot, generation);
    if (!r || !may_answer(p, r)) {
        p->node->stats.signals_dropped++; /* late */
        return true;
    }
    if (r->kind == NX_PENDING_LEADER)
        nx_spawns_leader(p, reply);
    if (message.len < full_len)
        nx_pending_fail(t, slot, NOEX_ETOOBIG);
    else
        nx_pending_reply(t, slot, reply);
    return true;
}

void nx_calls_down(struct nx_peer *p, uint32_t slot, uint32_t generation, struct nx_span reason,
                   uint64_t full_len)
{
    struct nx_pendings *t = p->node->pendings;
    const struct nx_pending *r = waiting(p->node, slot, generation);
    size_t max = p->node->options.reason_max;
    if (!r || r->peer != p->index) {
        nx_monitors_count_stale(p->node->monitors);
        return;
    }
    nx_pending_monitored(t, slot, false);
    if (r->kind == NX_PENDING_LEADER)
        nx_spawns_leader(p, nothing);
    if (r->kind == NX_PENDING_RPC && nx_spawns_result(p, slot, reason, full_len))
        return;
    if (reason.len > max)
        reason.len = max;
    nx_pending_down(t, slot, NOEX_ENOPROC, reason, full_len);
}

/* What came while this process slept or was stopped may wait to be read. */
void nx_calls_expire(noex_node *node, uint64_t now_ms)
{
    const struct nx_peer *read = NULL;
    uint32_t slot;
    while ((slot = nx_pendings_due(node->pendings, now_ms))) {
        uint32_t peer = nx_pending_at(node->pendings, slot)->peer;
        struct nx_peer *p = peer == NX_PEER_HERE ? NULL : node->peers.list[peer];
        if (p && p != read && nx_peer_is_up(p))
            nx_peer_read(p);
        else
            nx_pending_fail(node->pendings, slot, NOEX_ECALLTIMEOUT);
        read = p;
    }
}

void nx_calls_lost(struct nx_peer *p, int code)
{
    p->leader = (struct nx_leader){.state = NX_LEADER_UNASKED};
    nx_pendings_lost(p->node->pendings, &p->asked, code, p->monitors.cause);
}

void nx_calls_process_ended(noex_node *node, struct nx_proc *proc, struct nx_span reason)
{
    nx_pendings_caller_ended(node->pendings, &proc->calls);
    nx_pendings_asked_ended(node->pendings, &proc->asked, NOEX_ENOPROC, reason);
}

/* ---- what the peer is to be sent ---- */

static int send_demonitor(struct nx_peer *p, uint32_t slot)
{
    const struct nx_pending *r = nx_pending_at(p->node->pendings, slot);
    uint8_t from[NX_RAW_PID_SIZE], to[NX_RAW_ADDRESS_SIZE], ref[NX_CONN_REF_SIZE];
    struct nx_ctrl ctrl = {.op = NX_OP_DEMONITOR_P};
    if (!nx_conn_has_flag(p->ch.conn, NX_DFLAGS_MONITOR))
        return 0;
    ctrl.arg[NX_ARG_FROM] = nx_call_caller(p, r, from);
    ctrl.arg[NX_ARG_TARGET] = target_of(p, r, to);
    ctrl.arg[NX_ARG_REF] = nx_own_ref(p->node, p, NX_REF_CALL, slot, r->slot.generation, ref);
    return nx_conn_send(p->ch.conn, nx_call_sender(r), &ctrl, nothing);
}

int nx_calls_keep(struct nx_peer *p, uint32_t slot, struct nx_span request)
{
    size_t waits = nx_peer_queued(p) + p->asked.kept, max = p->node->options.out_max;
    if (request.len > max)
        return NOEX_ELIMIT;
    if (waits > max - request.len)
        return NOEX_EUNREAD;
    int rc = nx_peer_is_up(p) ? 0 : nx_peer_connect(p);
    return rc ? rc : nx_pending_keep(p->node->pendings, slot, request);
}

static int send_kept(struct nx_peer *p, uint32_t slot)
{
    struct nx_pendings *t = p->node->pendings;
    const struct nx_pending *r = nx_pending_at(t, slot);
    bool sent = true;
    int rc = r->kind == NX_PENDING_CALL
                 ? nx_call_send(p, slot, nx_span(r->kept->bytes, r->kept->len))
                 : nx_spawn_send(p, slot, &sent);
    if (rc == NOEX_ELIMIT) { /* longer than it was as it was kept */
        nx_pending_fail(t, slot, rc);
        return 0;
    }
    if (!rc && sent)
        nx_pending_sent(t, slot);
    return rc;
}

int nx_calls_pump(struct nx_peer *p)
{
    struct nx_pendings *t = p->node->pendings;
    uint32_t slot, next;
    int rc = 0;
    while (!rc && (slot = nx_pending_next_leaving(&p->asked)) && nx_signals_have_room(p)) {
        rc = send_demonitor(p, slot);
        if (!rc)
            nx_pending_left(t, slot);
    }
    slot = nx_pending_next_kept(t, &p->asked, 0);
    for (; slot && !rc && nx_signals_have_room(p); slot = next) {
        next = nx_pending_next_kept(t, &p->asked, slot);
        rc = send_kept(p, slot);
    }
    return rc == NOEX_EUNREAD ? 0 : rc; /* then it waits for what was sent before */
}

bool nx_calls_wait(const struct nx_peer *p)
{
    return nx_pending_next_leaving(&p->asked) ||
           (p->asked.kept && p->leader.state != NX_LEADER_ASKED);
}
