/* SPDX-License-Identifier: Apache-2.0 */
#include "node/exits.h"

#include "base/err.h"
#include "node/calls.h"
#include "node/mail.h"
#include "node/peer.h"
#include "node/signals.h"
#include "node/watching.h"
#include "term/ident.h"
#include "term/reason.h"

static const uint8_t killed_bytes[] = {119, 6, 'k', 'i', 'l', 'l', 'e', 'd'};
static const uint8_t noconnection_bytes[] = {119, 12,  'n', 'o', 'c', 'o', 'n',
                                             'n', 'e', 'c', 't', 'i', 'o', 'n'};
static const uint8_t cut_bytes[] = {119, 8, 't', 'o', 'o', '_', 'l', 'o', 'n', 'g'};
static const uint8_t enomem_bytes[] = {119, 6, 'e', 'n', 'o', 'm', 'e', 'm'};
static const struct nx_span killed = {killed_bytes, sizeof killed_bytes};
static const struct nx_span noconnection = {noconnection_bytes, sizeof noconnection_bytes};
static const struct nx_span too_long = {cut_bytes, sizeof cut_bytes};
static const struct nx_span enomem = {enomem_bytes, sizeof enomem_bytes};

static bool is_atom(struct nx_span term, const char *text)
{
    struct nx_span atom;
    return nx_atom_parse(term, &atom) && nx_span_is(atom, text);
}

/* ---- the beginning of a process ---- */

int nx_process_make(noex_node *node, const struct noex_process_options *o, struct nx_proc **out)
{
    struct nx_proc *proc;
    int rc = nx_proc_add(node->procs, &proc);
    if (rc)
        return rc;
    struct nx_letter *end = nx_letter_new(&node->letters);
    rc = end ? 0 : NOEX_ENOMEM;
    if (!rc && o->name)
        rc = nx_proc_set_name(node->procs, proc, o->name);
    if (rc) {
        if (end)
            nx_letter_drop(&node->letters, end);
        nx_proc_remove(node->procs, proc);
        return rc;
    }
    proc->end_letter = end->number;
    proc->on_event = o->on_event;
    proc->on_stop = o->on_stop;
    proc->on_state = o->on_state;
    proc->user = o->user;
    proc->trap_exit = o->trap_exit != 0;
    proc->suspended = o->hold != 0;
    *out = proc;
    return 0;
}

void nx_process_unmake(noex_node *node, struct nx_proc *proc)
{
    struct nx_link_end unused;
    while (proc->bonds.watchers.first)
        nx_watcher_drop(&node->watchers, proc->bonds.watchers.first);
    while (nx_link_pop(&node->links, &proc->bonds, &unused))
        continue;
    nx_box_empty(&node->letters, &proc->box);
    nx_letter_drop(&node->letters, nx_letter_at(&node->letters, proc->end_letter));
    nx_proc_remove(node->procs, proc);
}

/* ---- the end of a process ---- */

/* What others are told: kept once for all of them. */
struct reason {
    struct nx_span term;
    struct nx_blob *kept; /* NULL: it is one of those above */
};

/* A DOWN with the target as the watcher named it. */
static void tell_watcher(noex_node *node, const struct nx_proc *proc, const struct nx_watcher *w,
                         const struct reason *reason)
{
    struct nx_peer *p = node->peers.list[w->key.peer];
    const struct nx_span peer_name = nx_span_str(p->name.full);
    uint8_t bytes[3 * NX_RAW_PID_SIZE + 64];
    struct nx_buf b;
    struct nx_span raw_self;
    struct nx_pid self;
    uint8_t self_bytes[NX_RAW_PID_SIZE];
    raw_self = nx_signal_pid(p, proc->number, proc->slot.generation, self_bytes);
    if (!nx_pid_parse(raw_self, &self))
        return;
    struct nx_ctrl down = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT};
    nx_buf_fixed(&b, bytes, sizeof bytes);
    /* None can fail: the room is enough for any. */
    int rc = nx_watcher_write_target(&b, w, &self);
    size_t target = nx_buf_len(&b);
    rc = rc ? rc : nx_watcher_write_pid(&b, w, peer_name);
    size_t pid = nx_buf_len(&b);
    rc = rc ? rc : nx_watcher_write_ref(&b, w, peer_name);
    if (rc)
        return;
    down.arg[NX_ARG_TARGET] = nx_span(bytes, target);
    down.arg[NX_ARG_TO] = nx_span(bytes + target, pid - target);
    down.arg[NX_ARG_REF] = nx_span(bytes + pid, nx_buf_len(&b) - pid);
    nx_signal_tell_kept(p, proc->number, &down, reason->term, reason->kept);
}

/* `far` is what fits into the queue of a connection. */
static void tell_watchers(noex_node *node, const struct nx_proc *proc, const struct reason *near,
                          const struct reason *far)
{
    uint32_t slot;
    while ((slot = proc->bonds.watchers.first)) {
        const struct nx_watcher *w = nx_watcher_at(&node->watchers, slot);
        if (w->key.peer == NX_PEER_HERE)
            nx_watching_down(node, w, near->term);
        else
            tell_watcher(node, proc, w, far);
        nx_watcher_drop(&node->watchers, slot);
    }
}

static void send_exit(noex_node *node, const struct nx_proc *proc, const struct nx_link_key *to,
                      const struct reason *reason)
{
    struct nx_peer *p = node->peers.list[to->peer];
    uint8_t from[NX_RAW_PID_SIZE], other[NX_RAW_PID_SIZE];
    struct nx_buf b;
    const struct nx_pid pid = {.node = nx_span_str(p->name.full),
                               .id = to->id,
                               .serial = to->serial,
                               .creation = to->creation};
    nx_buf_fixed(&b, other, sizeof other);
    struct nx_ctrl exit = {.op = NX_OP_PAYLOAD_EXIT};
    exit.arg[NX_ARG_FROM] = nx_signal_pid(p, proc->number, proc->slot.generation, from);
    if (nx_pid_write(&b, &pid))
        return;
    exit.arg[NX_ARG_TO] = nx_buf_span(&b);
    nx_signal_tell_kept(p, proc->number, &exit, reason->term, reason->kept);
}

/* Each side of a link between two processes of this node has an entry of its own. */
static void exit_here(noex_node *node, const struct nx_proc *proc, const struct nx_link_key *to,
                      const struct reason *reason)
{
    const struct nx_exit exit = {
        .by_link = true,
        .peer = NX_PEER_HERE,
        .from = {proc->number, proc->slot.generation, node->creation},
        .reason = reason->term,
        .full_len = reason->term.len,
        .kept = reason->kept,
    };
    struct nx_proc *other = nx_proc_find(node->procs, to->id, to->serial);
    if (!other)
        return;
    const struct nx_link_key key = nx_link_key_of(other, NX_PEER_HERE, &exit.from);
    if (nx_link_exit_in(&node->links, &key))
        nx_exit_signal(node, other, &exit);
}

static void tell_links(noex_node *node, const struct nx_proc *proc, const struct reason *near,
                       const struct reason *far)
{
    struct nx_link_end end;
    while (nx_link_pop(&node->links, &proc->bonds, &end)) {
        if (!end.active)
            continue;
        if (end.key.peer == NX_PEER_HERE)
            exit_here(node, proc, &end.key, near);
        else
            send_exit(node, proc, &end.key, far);
    }
}

/* Its PROCESS_END letter, set aside when it was made, keeps the reason for all who are told. */
static int keep_reason(noex_node *node, struct nx_proc *proc, const struct reason *reason)
{
    struct nx_letter *l = nx_letter_at(&node->letters, proc->end_letter);
    int rc = 0;
    if (reason->kept)
        nx_letter_share(&node->letters, l, reason->kept);
    else
        rc = nx_letter_fill(&node->letters, l, reason->term);
    l->proc = proc->number;
    l->serial = proc->slot.generation;
    l->text.type = NOEX_EVENT_PROCESS_END;
    l->text.on_event = proc->on_event;
    l->text.user = proc->user;
    l->text.reason = (uint8_t)nx_reason_type(reason->term);
    l->text.full_len = reason->term.len;
    return rc;
}

static void tell_all(noex_node *node, struct nx_proc *proc)
{
    struct nx_letter *l = nx_letter_at(&node->letters, proc->end_letter);
    struct nx_blob *kept = l->text.blob;
    const struct reason near = {kept ? nx_blob_span(kept) : enomem, kept};
    const bool fits = near.term.len <= node->options.out_max / 2;
    const struct reason far = fits ? near : (struct reason){too_long, NULL};
    nx_box_empty(&node->letters, &proc->box);
    nx_watching_process_ended(node, proc);
    nx_calls_process_ended(node, proc, near.term);
    nx_mail_queue(node, l); /* its own end comes before what that means to others here */
    tell_watchers(node, proc, &near, &far);
    tell_links(node, proc, &near, &far);
}

/* One after the other: processes may be linked in chains of any length. */
static void end_all(noex_node *node, struct nx_proc *proc)
{
    bool running = node->ending_first != 0;
    proc->ending = true;
    *(running ? &nx_proc_at(node->procs, node->ending_last)->next_ending : &node->ending_first) =
        proc->number;
    node->ending_last = proc->number;
    if (running)
        return;
    while (node->ending_first) {
        proc = nx_proc_at(node->procs, node->ending_first);
        tell_all(node, proc);
        node->ending_first = proc->next_ending;
        nx_proc_remove(node->procs, proc);
    }
}

int nx_process_exit(noex_node *node, struct nx_proc *proc, struct nx_span reason)
{
    int rc = keep_reason(node, proc, &(struct reason){reason, NULL});
    if (!rc)
        end_all(node, proc);
    return rc;
}

static void end_by(noex_node *node, struct nx_proc *proc, const struct reason *reason)
{
    (void)keep_reason(node, proc, reason); /* else the end is told all the same */
    end_all(node, proc);
}

void nx_process_end(noex_node *node, struct nx_proc *proc, struct nx_span reason)
{
    end_by(node, proc, &(struct reason){reason, NULL});
}

/* ---- exit signals ---- */

/* However much waits already: what is linked was let in, and who sends too much else is held to
 * account by whoever reads it. */
static int write_exit(noex_node *node, const struct nx_exit *e, struct nx_letter **out)
{
    struct nx_letter *l = nx_letter_new(&node->letters);
    int rc = l ? 0 : NOEX_ENOMEM;
    if (l && e->kept)
        nx_letter_share(&node->letters, l, e->kept);
    else if (l)
        rc = nx_letter_fill(&node->letters, l, e->reason);
    if (l && rc)
        nx_letter_drop(&node->letters, l);
    *out = l;
    return rc;
}

static void trap(noex_node *node, struct nx_proc *proc, const struct nx_exit *e)
{
    struct nx_letter *l;
    if (write_exit(node, e, &l)) {
        /* It can neither be told nor be left in the belief that nothing happened. */
        nx_process_end(node, proc, enomem);
        return;
    }
    l->text.type = NOEX_EVENT_EXIT;
    l->text.peer = e->peer;
    l->text.from = e->from;
    l->text.has_from = true;
    l->text.priority = e->priority;
    l->text.reason = (uint8_t)nx_reason_type(e->reason);
    l->text.origin = (uint8_t)(e->lost ? NOEX_ORIGIN_LOCAL : NOEX_ORIGIN_PEER);
    l->text.full_len = e->full_len;
    nx_mail_post(node, proc, l);
}

static bool is_its_own(const struct nx_proc *proc, const struct nx_exit *e)
{
    return e->peer == NX_PEER_HERE && e->from.id == proc->number &&
           e->from.serial == proc->slot.generation;
}

void nx_exit_signal(noex_node *node, struct nx_proc *proc, const struct nx_exit *exit)
{
    if (!proc->end_letter || proc->ending) /* the node's own ends with the node */
        return;
    if (!exit->by_link && is_atom(exit->reason, "kill"))
        nx_process_end(node, proc, killed);
    else if (proc->trap_exit)
        trap(node, proc, exit);
    else if (exit->reason.len < exit->full_len)
        nx_process_end(node, proc, too_long);
    else if (!is_atom(exit->reason, "normal") || is_its_own(proc, exit))
        end_by(node, proc, &(struct reason){exit->reason, exit->kept});
}

void nx_exits_lost(struct nx_peer *p)
{
    noex_node *node = p->node;
    struct nx_link_end end;
    nx_watchers_drop_peer(&node->watchers, &p->bonds);
    while (nx_link_pop(&node->links, &p->bonds, &end)) {
        struct nx_proc *proc = nx_proc_at(node->procs, end.key.process);
        const struct nx_exit exit = {
            .by_link = true,
            .lost = true,
            .peer = p->index,
            .from = {end.key.id, end.key.serial, end.key.creation},
            .reason = noconnection,
            .full_len = noconnection.len,
        };
        if (end.active)
            nx_exit_signal(node, proc, &exit);
    }
}
