/* Messages: by pid, by name, by alias, in each of their forms. Protocol.md 6.1, 6.8.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "node/calls.h"
#include "node/exits.h"
#include "node/kernel.h"
#include "node/mail.h"
#include "node/sig.h"

/* What may be known of a sender: messages, unlike the other signals, may come from anywhere. */
static const struct nx_pid *sender_of(const struct nx_peer *p, struct nx_span raw,
                                      struct nx_pid *pid)
{
    return nx_sig_theirs(p, raw, pid) ? pid : NULL;
}

/* Nobody could read a message that nests so deep, and it will come again where its connection ends
 * for it. One that could not be kept must not get lost without a word: messages do not, on a
 * connection that stays. */
static int not_whole(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    unsigned long long len = s->payload_full;
    if (!s->too_deep)
        return nx_fail(err, NOEX_ETOOBIG,
                       "no room for a message of %llu bytes: message_max is %zu for those in "
                       "fragments together, or the memory is out",
                       len, p->node->options.message_max);
    nx_log(&p->node->log, NOEX_LOG_ERROR,
           "%s: a message of %llu bytes was dropped: nested too deep", p->name.full, len);
    return nx_sig_drop(p);
}

static int deliver(struct nx_peer *p, struct nx_proc *proc, const struct nx_signal *s,
                   bool priority, struct noex_error *err)
{
    struct nx_pid from;
    const struct nx_message m = {
        .peer = p->index,
        .from = sender_of(p, s->ctrl->arg[NX_ARG_FROM], &from),
        .priority = priority,
        .term = s->payload,
    };
    if (!proc)
        return nx_sig_drop(p);
    if (nx_calls_reply(p, s->payload, s->payload_full))
        return 0;
    if (s->payload.len < s->payload_full)
        return not_whole(p, s, err);
    if (proc->number == NX_PROC_KERNEL)
        return nx_kernel_message(p, s->payload);
    int rc = nx_mail_message(p->node, proc, &m);
    if (rc == NOEX_ELIMIT)
        return nx_sig_too_much(p, err);
    return rc ? nx_fail(err, rc, "no memory for a message") : 0;
}

int nx_sig_send(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    return deliver(p, nx_sig_proc(p, s->ctrl->arg[NX_ARG_TO]), s, false, err);
}

static int deliver_named(struct nx_peer *p, struct nx_span name, const struct nx_signal *s,
                         struct noex_error *err)
{
    struct nx_proc *proc = nx_sig_named(p, name);
    if (!proc && s->payload.len == s->payload_full && nx_kernel_named_message(p, name, s->payload))
        return 0;
    return deliver(p, proc, s, false, err);
}

int nx_sig_reg_send(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    return deliver_named(p, s->ctrl->arg[NX_ARG_NAME], s, err);
}

static struct nx_proc *alias_target(const struct nx_peer *p, struct nx_span ref)
{
    uint32_t use, slot, generation;
    if (!nx_conn_own_ref(p->ch.conn, ref, &use, &slot, &generation) || use != NX_REF_ALIAS)
        return NULL;
    return nx_alias_find(p->node->procs, slot, generation);
}

int nx_sig_alias_send(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    return deliver(p, alias_target(p, s->ctrl->arg[NX_ARG_REF]), s, false, err);
}

/* Priority is for those who have asked for it, by an alias that is made so. */
static bool has_priority(const struct nx_peer *p, uint64_t flags, struct nx_span to)
{
    uint32_t use, slot, generation;
    return (flags & NX_ALTACT_PRIORITY) && (flags & NX_ALTACT_ALIAS) &&
           nx_conn_own_ref(p->ch.conn, to, &use, &slot, &generation) && use == NX_REF_ALIAS &&
           nx_alias_has_priority(p->node->procs, slot, generation);
}

static struct nx_proc *altact_target(const struct nx_peer *p, uint64_t flags, struct nx_span to)
{
    if (flags & NX_ALTACT_ALIAS)
        return alias_target(p, to);
    return flags & NX_ALTACT_NAME ? nx_sig_named(p, to) : nx_sig_proc(p, to);
}

static int altact_exit(struct nx_peer *p, struct nx_proc *proc, const struct nx_signal *s,
                       bool priority, struct noex_error *err)
{
    struct nx_pid from;
    if (!proc || !nx_sig_theirs(p, s->ctrl->arg[NX_ARG_FROM], &from))
        return nx_sig_drop(p);
    const struct nx_exit exit = {
        .peer = p->index,
        .priority = priority,
        .from = {from.id, from.serial, from.creation},
        .reason = s->payload,
        .full_len = s->payload_full,
    };
    nx_exit_signal(p->node, proc, &exit);
    return nx_letters_fit(&p->node->letters, 0) ? 0 : nx_sig_too_much(p, err);
}

/* Opcode 37 of OTP 28: a message or an exit signal, to a pid, a name or an alias, perhaps with
 * priority. */
int nx_sig_altact(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_span to = s->ctrl->arg[NX_ARG_TO];
    uint64_t flags;
    if (!nx_u64_parse(s->ctrl->arg[NX_ARG_FLAGS], &flags))
        return nx_sig_drop(p);
    const bool priority = has_priority(p, flags, to);
    if (flags & NX_ALTACT_EXIT)
        return altact_exit(p, altact_target(p, flags, to), s, priority, err);
    if (flags & NX_ALTACT_NAME)
        return deliver_named(p, to, s, err);
    return deliver(p, altact_target(p, flags, to), s, priority, err);
}
