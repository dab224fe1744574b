/* SPDX-License-Identifier: Apache-2.0 */
#include "node/watching.h"

#include "node/peer.h"

static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};

struct nx_monitor_list *nx_watching_list(noex_node *node, const struct nx_monitor *m)
{
    return m->peer == NX_PEER_HERE ? &node->here : &node->peers.list[m->peer]->monitors;
}

int nx_watching_held(noex_node *node, uint32_t slot, const struct nx_proc *proc)
{
    int rc = nx_holder_add(&node->holders, slot, proc->number, proc->slot.generation);
    if (!rc)
        nx_monitor_at(node->monitors, slot)->held = 1;
    return rc;
}

/* ---- of processes of this node ---- */

/* What a local monitor is known by among the watchers of its target. */
static struct nx_ref ref_of(const noex_node *node, const struct nx_monitor *m, uint32_t slot)
{
    return (struct nx_ref){.creation = node->creation, .count = 2, .word = {slot, m->generation}};
}

static const struct nx_proc *target_of(const noex_node *node, struct nx_monitor *m)
{
    if (m->kind == NOEX_TARGET_NAME)
        return nx_proc_named(node->procs, nx_span_str(m->target.name));
    struct noex_pid *pid = &m->target.pid;
    if (!pid->creation)
        pid->creation = node->creation;
    return pid->creation == node->creation ? nx_proc_find(node->procs, pid->id, pid->serial) : NULL;
}

int nx_watching_here(noex_node *node, uint32_t slot)
{
    struct nx_monitor *m = nx_monitor_at(node->monitors, slot);
    const struct nx_proc *target = target_of(node, m);
    const struct nx_ref ref = ref_of(node, m, slot);
    const struct nx_pid nobody = {.id = 0};
    int rc = target ? nx_watcher_add(&node->watchers, target->number, NX_PEER_HERE, &nobody, &ref,
                                     nx_span(NULL, 0))
                    : 0;
    if (rc)
        return rc;
    nx_monitor_sent(node->monitors, &node->here, slot);
    nx_monitors_barrier_sent(node->monitors, &node->here);
    nx_monitors_confirmed(node->monitors, &node->here, nx_wall_us());
    if (!target)
        nx_monitor_down(node->monitors, &node->here, NX_PEER_HERE, slot, m->generation,
                        nx_span(noproc_bytes, sizeof noproc_bytes), sizeof noproc_bytes,
                        nx_wall_us());
    return 0;
}

void nx_watching_down(noex_node *node, const struct nx_watcher *w, struct nx_span reason)
{
    size_t max = node->options.reason_max;
    const struct nx_span kept = {reason.ptr, reason.len < max ? reason.len : max};
    nx_monitor_down(node->monitors, &node->here, NX_PEER_HERE, w->key.word[0], w->key.word[1], kept,
                    reason.len, nx_wall_us());
}

/* ---- ending ---- */

/* Nobody is to be told of the end of a local one. */
static void forget_here(noex_node *node, uint32_t slot)
{
    const struct nx_monitor *m = nx_monitor_at(node->monitors, slot);
    const struct nx_ref ref = ref_of(node, m, slot);
    if (m->peer == NX_PEER_HERE && m->state == NX_MONITOR_ACTIVE)
        nx_watcher_remove(&node->watchers, NX_PEER_HERE, &ref);
}

static void left_here(noex_node *node)
{
    while (nx_monitor_next_leaving(&node->here))
        nx_monitor_left(node->monitors, &node->here);
}

void nx_watching_demonitor(noex_node *node, uint32_t slot)
{
    struct nx_monitor_list *l = nx_watching_list(node, nx_monitor_at(node->monitors, slot));
    forget_here(node, slot);
    nx_monitor_demonitor(node->monitors, l, slot);
    left_here(node);
}

void nx_watching_process_ended(noex_node *node, const struct nx_proc *proc)
{
    uint32_t slot;
    while ((slot = nx_holder_first(&node->holders, &proc->bonds))) {
        struct nx_monitor_list *l = nx_watching_list(node, nx_monitor_at(node->monitors, slot));
        forget_here(node, slot);
        nx_holder_leave(&node->holders, slot);
        nx_monitor_abandon(node->monitors, l, slot);
        left_here(node);
    }
}
