/* MONITOR_P, DEMONITOR_P and the DOWNs. Protocol.md 6.4. SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "node/calls.h"
#include "node/sig.h"

static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};

/* The answer for what is not here: each element as it came. */
static int answer_noproc(struct nx_peer *p, const struct nx_ctrl *c)
{
    struct nx_ctrl down = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT};
    down.arg[NX_ARG_TARGET] = c->arg[NX_ARG_TARGET];
    down.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    down.arg[NX_ARG_REF] = c->arg[NX_ARG_REF];
    return nx_sig_answer(p, &down, nx_span(noproc_bytes, sizeof noproc_bytes));
}

int nx_sig_monitor(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    struct nx_span target = c->arg[NX_ARG_TARGET], name;
    struct nx_pid watcher;
    struct nx_ref ref;
    p->monitors_in++;
    if (!nx_sig_theirs(p, c->arg[NX_ARG_FROM], &watcher) ||
        !nx_sig_their_ref(p, c->arg[NX_ARG_REF], &ref))
        return nx_sig_drop(p);
    bool by_name = nx_atom_parse(target, &name);
    const struct nx_proc *proc = by_name ? nx_sig_named(p, target) : nx_sig_proc(p, target);
    if (!proc)
        return answer_noproc(p, c);
    if (p->bonds.watchers.count >= p->node->options.monitors_max)
        return nx_fail(err, NOEX_ETOOBIG, "monitors_max: the peer has %u monitors here already",
                       (unsigned)p->bonds.watchers.count);
    int rc = nx_watcher_add(&p->node->watchers, proc->number, p->index, &watcher, &ref,
                            by_name ? target : nx_span(NULL, 0));
    return rc ? nx_fail(err, rc, "no memory for a monitor of a peer") : 0;
}

int nx_sig_demonitor(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_ref ref;
    (void)err;
    if (!nx_ref_parse(s->ctrl->arg[NX_ARG_REF], &ref) ||
        !nx_watcher_remove(&p->node->watchers, p->index, &ref))
        return nx_sig_drop(p);
    return 0;
}

bool nx_sig_down_is_result(const struct nx_peer *p, const struct nx_ctrl *ctrl)
{
    uint32_t use, slot, generation;
    return nx_conn_own_ref(p->ch.conn, ctrl->arg[NX_ARG_REF], &use, &slot, &generation) &&
           use == NX_REF_CALL;
}

/* The end of what this node monitors. */
int nx_sig_down(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_span reason = nx_sig_reason(s);
    uint64_t full = s->ctrl->has_payload ? s->payload_full : reason.len;
    uint32_t use, slot, generation;
    size_t max = p->node->options.reason_max;
    (void)err;
    if (!nx_conn_own_ref(p->ch.conn, s->ctrl->arg[NX_ARG_REF], &use, &slot, &generation))
        use = 0;
    if (use == NX_REF_CALL) {
        nx_calls_down(p, slot, generation, reason, full);
        return 0;
    }
    if (use != NX_REF_MONITOR) {
        nx_monitors_count_stale(p->node->monitors);
        return 0;
    }
    if (reason.len > max)
        reason.len = max;
    nx_monitor_down(p->node->monitors, &p->monitors, p->index, slot, generation, reason, full,
                    nx_peer_heard_us(p));
    return 0;
}
