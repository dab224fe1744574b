/* SPDX-License-Identifier: Apache-2.0 */
#include "node/spawns.h"

#include "base/err.h"
#include "handshake/dflags.h"
#include "node/calls.h"
#include "node/exits.h"
#include "node/sig.h"
#include "term/read.h"
#include "term/write.h"

static const struct nx_span nothing = {NULL, 0};

enum { SMALL_TERM = 2 * 1024 };

/* ---- asking ---- */

/* Module, function and arguments one behind the other: what is kept of it until it can be sent. */
static int write_mfa(struct nx_buf *out, const struct nx_spawn *s)
{
    int rc = nx_write_atom(out, s->module);
    rc = rc ? rc : nx_write_atom(out, s->function);
    return rc ? rc : nx_write_raw(out, s->args);
}

int nx_spawn_start(const struct nx_spawn *s, uint32_t *slot)
{
    struct nx_pendings *t = s->peer->node->pendings;
    struct nx_pending_request q = {.kind = s->kind,
                                   .keeps = s->monitor,
                                   .links = s->link,
                                   .asked = &s->peer->asked,
                                   .peer = s->peer->index,
                                   .deadline_ms = s->deadline_ms,
                                   .user = s->user};
    struct nx_buf mfa;
    if (s->from) {
        q.calls = &s->from->calls;
        q.caller = (struct noex_pid){s->from->number, s->from->slot.generation, 0};
    }
    int rc = nx_pending_add(t, &q, slot);
    if (rc)
        return rc;
    nx_buf_init(&mfa, &s->peer->node->alloc, SIZE_MAX / 4);
    rc = write_mfa(&mfa, s);
    rc = rc ? rc : nx_calls_keep(s->peer, *slot, nx_buf_span(&mfa));
    nx_buf_free(&mfa);
    if (rc)
        nx_pending_cancel(t, *slot);
    return rc;
}

/* ---- the group leader ---- */

/* {call, erlang, whereis, [user], user} to `rex`, as a call with a monitor: a node without `rex`
 * says so at once. */
static int ask_leader(struct nx_peer *p)
{
    static const struct noex_target rex = {.kind = NOEX_TARGET_NAME, .name = "rex"};
    const struct nx_pending_request q = {.kind = NX_PENDING_LEADER,
                                         .asked = &p->asked,
                                         .peer = p->index,
                                         .target = &rex,
                                         .deadline_ms = UINT64_MAX};
    uint8_t bytes[SMALL_TERM];
    struct nx_buf b;
    uint32_t slot;
    nx_buf_fixed(&b, bytes, sizeof bytes);
    int rc = nx_write_tuple_head(&b, 5);
    rc = rc ? rc : nx_write_atom(&b, "call");
    rc = rc ? rc : nx_write_atom(&b, "erlang");
    rc = rc ? rc : nx_write_atom(&b, "whereis");
    rc = rc ? rc : nx_write_list_head(&b, 1);
    rc = rc ? rc : nx_write_atom(&b, "user");
    rc = rc ? rc : nx_write_nil(&b);
    rc = rc ? rc : nx_write_atom(&b, "user");
    rc = rc ? rc : nx_pending_add(p->node->pendings, &q, &slot);
    if (rc)
        return rc;
    rc = nx_call_send(p, slot, nx_buf_span(&b));
    if (rc)
        nx_pending_cancel(p->node->pendings, slot);
    else
        p->leader.state = NX_LEADER_ASKED;
    return rc;
}

void nx_spawns_leader(struct nx_peer *p, struct nx_span answer)
{
    struct nx_pid pid;
    p->leader.state = NX_LEADER_NONE;
    if (!nx_sig_theirs(p, answer, &pid))
        return;
    p->leader.state = NX_LEADER_KNOWN;
    p->leader.pid = (struct noex_pid){pid.id, pid.serial, pid.creation};
}

/* Where there is none this node's own process stands for it, which heeds nothing. */
static struct nx_span raw_leader(const struct nx_peer *p, uint8_t bytes[NX_RAW_PID_SIZE])
{
    const struct nx_pid pid = {.node = nx_span_str(p->name.full),
                               .id = p->leader.pid.id,
                               .serial = p->leader.pid.serial,
                               .creation = p->leader.pid.creation};
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, NX_RAW_PID_SIZE);
    if (p->leader.state == NX_LEADER_KNOWN && nx_pid_write(&b, &pid) == 0)
        return nx_buf_span(&b);
    return nx_signal_pid(p, NX_PROC_KERNEL, NX_PROC_KERNEL_SERIAL, bytes);
}

/* ---- sending ---- */

static int write_options(struct nx_buf *out, bool link, bool monitor)
{
    int rc = nx_write_list_head(out, (size_t)link + monitor);
    if (!rc && link)
        rc = nx_write_atom(out, "link");
    if (!rc && monitor)
        rc = nx_write_atom(out, "monitor");
    return rc ? rc : nx_write_nil(out);
}

static int write_name_and_arity(struct nx_buf *out, struct nx_span names, uint64_t arity)
{
    int rc = nx_write_tuple_head(out, 3);
    rc = rc ? rc : nx_write_raw(out, names);
    return rc ? rc : nx_u64_write(out, arity);
}

/* [Ref, M, F, Args], the arguments of erpc:execute_call/4. */
static int write_erpc_args(struct nx_buf *out, struct nx_span ref, struct nx_span names,
                           struct nx_span args)
{
    int rc = nx_write_list_head(out, 4);
    rc = rc ? rc : nx_write_raw(out, ref);
    rc = rc ? rc : nx_write_raw(out, names);
    rc = rc ? rc : nx_write_raw(out, args);
    return rc ? rc : nx_write_nil(out);
}

static const uint8_t execute_call[] = {119, 4,   'e', 'r', 'p', 'c', 119, 12,  'e', 'x',
                                       'e', 'c', 'u', 't', 'e', '_', 'c', 'a', 'l', 'l'};

/* What differs between a spawn and a remote call. */
static int write_request(struct nx_buf *mfa, struct nx_buf *options, struct nx_buf *payload,
                         const struct nx_pending *r, struct nx_span ref)
{
    struct nx_rd in = nx_rd(nx_span(r->kept->bytes, r->kept->len));
    struct nx_span unused, names = nx_rd_rest(&in);
    uint64_t count;
    if (!nx_read_atom(&in, &unused) || !nx_read_atom(&in, &unused) ||
        !nx_read_list_len(nx_rd_rest(&in), &count))
        return NOEX_EINVALID; /* it was written here, of what was checked */
    names.len = (size_t)(in.p - names.ptr);
    int rc;
    if (r->kind == NX_PENDING_SPAWN) {
        rc = write_name_and_arity(mfa, names, count);
        rc = rc ? rc : write_options(options, r->links, r->keeps);
        return rc ? rc : nx_buf_put_span(payload, nx_rd_rest(&in));
    }
    rc = write_name_and_arity(mfa, nx_span(execute_call, sizeof execute_call), 4);
    rc = rc ? rc : write_options(options, false, true);
    return rc ? rc : write_erpc_args(payload, ref, names, nx_rd_rest(&in));
}

static int send_spawn(struct nx_peer *p, uint32_t slot)
{
    const struct nx_pending *r = nx_pending_at(p->node->pendings, slot);
    uint8_t from[NX_RAW_PID_SIZE], leader[NX_RAW_PID_SIZE], ref[NX_CONN_REF_SIZE];
    uint8_t mfa_bytes[2 * SMALL_TERM], options_bytes[64];
    struct nx_buf mfa, options, payload;
    struct nx_ctrl request = {.op = NX_OP_SPAWN_REQUEST};
    nx_buf_fixed(&mfa, mfa_bytes, sizeof mfa_bytes);
    nx_buf_fixed(&options, options_bytes, sizeof options_bytes);
    nx_buf_init(&payload, &p->node->alloc, SIZE_MAX / 4);
    request.arg[NX_ARG_REF] = nx_own_ref(p->node, p, NX_REF_CALL, slot, r->slot.generation, ref);
    int rc = write_request(&mfa, &options, &payload, r, request.arg[NX_ARG_REF]);
    request.arg[NX_ARG_FROM] = nx_call_caller(p, r, from);
    request.arg[NX_ARG_LEADER] = raw_leader(p, leader);
    request.arg[NX_ARG_MFA] = nx_buf_span(&mfa);
    request.arg[NX_ARG_OPTS] = nx_buf_span(&options);
    rc = rc ? rc : nx_signal_send(p, nx_call_sender(r), &request, nx_buf_span(&payload));
    nx_buf_free(&payload);
    return rc;
}

int nx_spawn_send(struct nx_peer *p, uint32_t slot, bool *sent)
{
    *sent = false;
    if (!nx_conn_has_flag(p->ch.conn, NX_DFLAG_SPAWN)) {
        nx_pending_fail(p->node->pendings, slot, NOEX_ENOTSUP);
        return 0;
    }
    if (p->leader.state == NX_LEADER_UNASKED)
        return ask_leader(p);
    if (p->leader.state == NX_LEADER_ASKED)
        return 0;
    int rc = send_spawn(p, slot);
    *sent = rc == 0;
    return rc;
}

/* ---- what comes of it ---- */

/* The process runs, and nobody waits for it any more: it was given up meanwhile. What it was to be
 * linked to lets it go as a BEAM does, and it is watched no more. */
static int let_go(struct nx_peer *p, const struct nx_ctrl *reply, uint64_t flags)
{
    static const uint8_t abandoned[] = {119, 9, 'a', 'b', 'a', 'n', 'd', 'o', 'n', 'e', 'd'};
    struct nx_pid pid;
    struct nx_ctrl c = {.op = NX_OP_PAYLOAD_EXIT};
    if (!nx_sig_theirs(p, reply->arg[NX_ARG_RESULT], &pid) ||
        !nx_sig_ours(p, reply->arg[NX_ARG_TO]))
        return nx_sig_drop(p);
    c.arg[NX_ARG_FROM] = reply->arg[NX_ARG_TO];
    if (flags & NX_SPAWN_LINK) {
        c.arg[NX_ARG_TO] = reply->arg[NX_ARG_RESULT];
        nx_signal_tell(p, 0, &c, nx_span(abandoned, sizeof abandoned));
    }
    if (flags & NX_SPAWN_MONITOR) {
        c.op = NX_OP_DEMONITOR_P;
        c.arg[NX_ARG_TO] = nothing;
        c.arg[NX_ARG_TARGET] = reply->arg[NX_ARG_RESULT];
        c.arg[NX_ARG_REF] = reply->arg[NX_ARG_REF];
        nx_signal_tell(p, 0, &c, nothing);
    }
    return 0;
}

static int set_link_up(struct nx_peer *p, const struct nx_pending *r, const struct nx_pid *pid)
{
    struct nx_proc *proc = nx_proc_find(p->node->procs, r->caller.id, r->caller.serial);
    const struct noex_pid other = {pid->id, pid->serial, pid->creation};
    if (!proc)
        return 0;
    const struct nx_link_key key = nx_link_key_of(proc, p->index, &other);
    return nx_link_in(&p->node->links, &key);
}

static int spawned(struct nx_peer *p, uint32_t slot, const struct nx_pid *pid, uint64_t flags,
                   struct noex_error *err)
{
    struct nx_pendings *t = p->node->pendings;
    const struct nx_pending *r = nx_pending_at(t, slot);
    const struct noex_pid known = {pid->id, pid->serial, pid->creation};
    if (r->links && flags & NX_SPAWN_LINK && set_link_up(p, r, pid))
        return nx_fail(err, NOEX_ENOMEM, "no memory for a link with what was spawned");
    if (r->kind == NX_PENDING_RPC && !(flags & NX_SPAWN_MONITOR)) {
        nx_pending_fail(t, slot, NOEX_ENOTSUP); /* its result would never come */
        return 0;
    }
    nx_pending_spawned(t, slot, &known, flags & NX_SPAWN_MONITOR);
    return 0;
}

int nx_spawns_reply(struct nx_peer *p, const struct nx_ctrl *reply, struct noex_error *err)
{
    struct nx_pendings *t = p->node->pendings;
    struct nx_span result = reply->arg[NX_ARG_RESULT];
    uint32_t use, slot, generation;
    uint64_t flags;
    struct nx_pid pid;
    if (!nx_conn_own_ref(p->ch.conn, reply->arg[NX_ARG_REF], &use, &slot, &generation) ||
        use != NX_REF_CALL || !nx_u64_parse(reply->arg[NX_ARG_FLAGS], &flags))
        return nx_sig_drop(p);
    const struct nx_pending *r = nx_pending_find(t, slot, generation);
    if (!r || !r->waits)
        return let_go(p, reply, flags);
    if (r->peer != p->index || (r->kind != NX_PENDING_SPAWN && r->kind != NX_PENDING_RPC) ||
        r->kept || r->target_kind == NOEX_TARGET_PID)
        return nx_sig_drop(p);
    if (nx_sig_theirs(p, result, &pid))
        return spawned(p, slot, &pid, flags, err);
    nx_pending_down(t, slot, NOEX_ENOTSUP, result, result.len);
    return 0;
}

/* {Class, ..} out of {Ref, Class, ..}: the tuple without its first element. */
static void raised(struct nx_peer *p, uint32_t slot, int code, uint32_t arity, struct nx_span rest)
{
    struct nx_buf term;
    nx_buf_init(&term, &p->node->alloc, SIZE_MAX / 4);
    int rc = nx_write_tuple_head(&term, arity - 1);
    rc = rc ? rc : nx_write_raw(&term, rest);
    if (rc)
        nx_pending_fail(p->node->pendings, slot, code);
    else
        nx_pending_down(p->node->pendings, slot, code, nx_buf_span(&term), nx_buf_len(&term));
    nx_buf_free(&term);
}

/* {error, {erpc, R}}: erpc itself refused. */
static bool is_refusal(struct nx_span rest)
{
    struct nx_rd in = nx_rd(rest);
    uint32_t arity;
    return nx_read_atom_is(&in, "error") && nx_read_tuple_head(&in, &arity) && arity == 2 &&
           nx_read_atom_is(&in, "erpc");
}

/* Protocol.md 10 (c). */
bool nx_spawns_result(struct nx_peer *p, uint32_t slot, struct nx_span reason, uint64_t full_len)
{
    struct nx_pendings *t = p->node->pendings;
    struct nx_rd in = nx_rd(reason);
    struct nx_span ref;
    uint32_t arity, use, of, generation;
    if (!nx_read_tuple_head(&in, &arity) || (arity != 3 && arity != 4) ||
        !nx_read_term(&in, &ref) || !nx_conn_own_ref(p->ch.conn, ref, &use, &of, &generation) ||
        use != NX_REF_CALL || of != slot)
        return false;
    if (reason.len < full_len) {
        nx_pending_fail(t, slot, NOEX_ETOOBIG);
        return true;
    }
    struct nx_span rest = nx_rd_rest(&in);
    if (arity == 3 && nx_read_atom_is(&in, "return"))
        nx_pending_reply(t, slot, nx_rd_rest(&in));
    else if (arity == 3 && is_refusal(rest))
        raised(p, slot, NOEX_ENOTSUP, arity, rest);
    else
        raised(p, slot, NOEX_EEXCEPTION, arity, rest);
    return true;
}
