/* Links and exit signals. Protocol.md 6.5 and 6.6. SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "node/exits.h"
#include "node/sig.h"
#include "node/signals.h"

static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};

/* Both ends of a signal: the sender a pid of the peer, the receiver one of this node's. False where
 * it came here by mistake. */
static bool ends_of(const struct nx_peer *p, const struct nx_signal *s, struct noex_pid *from,
                    struct nx_proc **proc)
{
    struct nx_pid sender;
    struct nx_span to = s->ctrl->arg[NX_ARG_TO];
    if (!nx_sig_ours(p, to) || !nx_sig_theirs(p, s->ctrl->arg[NX_ARG_FROM], &sender))
        return false;
    *from = (struct noex_pid){sender.id, sender.serial, sender.creation};
    *proc = nx_sig_proc(p, to);
    return true;
}

static int answer_noproc(struct nx_peer *p, const struct nx_ctrl *c)
{
    struct nx_ctrl exit = {.op = NX_OP_PAYLOAD_EXIT};
    exit.arg[NX_ARG_FROM] = c->arg[NX_ARG_TO];
    exit.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    return nx_sig_answer(p, &exit, nx_span(noproc_bytes, sizeof noproc_bytes));
}

int nx_sig_link(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct noex_pid from;
    struct nx_proc *proc;
    if (!ends_of(p, s, &from, &proc))
        return nx_sig_drop(p);
    if (!proc)
        return answer_noproc(p, s->ctrl);
    if (p->bonds.links.count >= p->node->options.monitors_max)
        return nx_fail(err, NOEX_ETOOBIG, "monitors_max: the peer has %u links already",
                       (unsigned)p->bonds.links.count);
    const struct nx_link_key key = nx_link_key_of(proc, p->index, &from);
    int rc = nx_link_in(&p->node->links, &key);
    return rc ? nx_fail(err, rc, "no memory for a link of a peer") : 0;
}

/* The old form, which OTP 25 still takes and 26 does not: without an answer. */
int nx_sig_unlink(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct noex_pid from;
    struct nx_proc *proc;
    (void)err;
    if (!ends_of(p, s, &from, &proc) || !proc)
        return nx_sig_drop(p);
    const struct nx_link_key key = nx_link_key_of(proc, p->index, &from);
    nx_link_unlink_in(&p->node->links, &key);
    return 0;
}

/* Answered also where nothing is linked. The ack is a signal of the process: it goes behind a LINK
 * that it sent before, and before whatever it sends from now on. */
int nx_sig_unlink_id(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    struct noex_pid from;
    struct nx_proc *proc;
    (void)err;
    if (!ends_of(p, s, &from, &proc))
        return nx_sig_drop(p);
    struct nx_ctrl ack = {.op = NX_OP_UNLINK_ID_ACK};
    ack.arg[NX_ARG_ID] = c->arg[NX_ARG_ID];
    ack.arg[NX_ARG_FROM] = c->arg[NX_ARG_TO];
    ack.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    p->node->stats.signals_answered++;
    nx_signal_answer(p, proc ? proc->number : 0, &ack, nx_span(NULL, 0));
    if (proc) {
        const struct nx_link_key key = nx_link_key_of(proc, p->index, &from);
        nx_link_unlink_in(&p->node->links, &key);
    }
    return 0;
}

int nx_sig_unlink_id_ack(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct noex_pid from;
    struct nx_proc *proc;
    uint64_t id;
    (void)err;
    if (!ends_of(p, s, &from, &proc) || !proc || !nx_u64_parse(s->ctrl->arg[NX_ARG_ID], &id))
        return nx_sig_drop(p);
    const struct nx_link_key key = nx_link_key_of(proc, p->index, &from);
    nx_link_unlink_ack(&p->node->links, &key, id);
    return 0;
}

static int signal_exit(struct nx_peer *p, struct nx_proc *proc, const struct nx_signal *s,
                       const struct noex_pid *from, bool by_link, struct noex_error *err)
{
    const struct nx_exit exit = {
        .by_link = by_link,
        .peer = p->index,
        .from = *from,
        .reason = nx_sig_reason(s),
        .full_len = s->ctrl->has_payload ? s->payload_full : nx_sig_reason(s).len,
    };
    nx_exit_signal(p->node, proc, &exit);
    return nx_letters_fit(&p->node->letters, 0) ? 0 : nx_sig_too_much(p, err);
}

/* Through a link that is not, or is being taken away, nothing comes. */
int nx_sig_exit(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct noex_pid from;
    struct nx_proc *proc;
    if (!ends_of(p, s, &from, &proc) || !proc)
        return nx_sig_drop(p);
    const struct nx_link_key key = nx_link_key_of(proc, p->index, &from);
    if (!nx_link_exit_in(&p->node->links, &key))
        return nx_sig_drop(p);
    return signal_exit(p, proc, s, &from, true, err);
}

int nx_sig_exit2(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct noex_pid from;
    struct nx_proc *proc;
    if (!ends_of(p, s, &from, &proc) || !proc)
        return nx_sig_drop(p);
    return signal_exit(p, proc, s, &from, false, err);
}

int nx_sig_group_leader(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_proc *proc = nx_sig_proc(p, s->ctrl->arg[NX_ARG_TO]);
    if (!proc)
        return nx_sig_drop(p);
    int rc = nx_proc_set_leader(p->node->procs, proc, s->ctrl->arg[NX_ARG_LEADER]);
    return rc ? nx_fail(err, rc, "no memory for a group leader") : 0;
}
