/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"
#include "node/address.h"
#include "node/watching.h"
#include "term/ident.h"
#include <inttypes.h>

static int check_target(const struct noex_target *target, struct noex_error *err)
{
    switch (target->kind) {
    case NOEX_TARGET_NODE:
        return 0;
    case NOEX_TARGET_PID: /* a larger one closes the connection of any release, protocol.md 5 */
        if (target->pid.id < NX_PID_NUMBER_LIMIT)
            return 0;
        return nx_fail(err, NOEX_ETARGET, "no pid has the number %" PRIu32, target->pid.id);
    case NOEX_TARGET_NAME:
        if (nx_name_is_valid(target->name))
            return 0;
        return nx_fail(err, NOEX_ETARGET, "not a name that a process can be registered under");
    case NOEX_TARGET_GLOBAL:
        return nx_fail(err, NOEX_ETARGET, "names of global are for the functions of a cluster");
    }
    return nx_fail(err, NOEX_ETARGET, "unknown kind of target: %d", (int)target->kind);
}

static int add(noex_node *node, struct nx_peer *p, const struct noex_target *target,
               uint64_t timeout_ms, void *user, uint32_t *slot)
{
    uint64_t limit = timeout_ms ? timeout_ms : node->options.setup_timeout_ms;
    uint64_t now = nx_loop_soon(node->loop);
    uint64_t deadline = limit > UINT64_MAX / 4 ? UINT64_MAX / 2 : now + limit;
    int rc = nx_monitor_add(node->monitors, &p->monitors, p->index, target, deadline, user, slot);
    if (rc || nx_peer_is_up(p))
        return rc;
    nx_loop_update(node->loop);
    rc = nx_peer_connect(p);
    if (rc)
        nx_monitor_demonitor(node->monitors, &p->monitors, *slot);
    return rc;
}

/* A process of this node, which is monitored at once. */
static int add_here(noex_node *node, const struct noex_target *target, void *user, uint32_t *slot)
{
    int rc = nx_monitor_add(node->monitors, &node->here, NX_PEER_HERE, target, UINT64_MAX / 2, user,
                            slot);
    if (rc)
        return rc;
    rc = nx_watching_here(node, *slot);
    if (rc)
        nx_watching_demonitor(node, *slot);
    return rc;
}

static bool is_here(const noex_node *node, const struct noex_target *target,
                    const struct nx_node_name *name)
{
    return !node->dynamic && target->kind != NOEX_TARGET_NODE &&
           strcmp(name->full, node->self.full) == 0;
}

/* Whoever monitors many processes names the same node again and again. */
static struct nx_peer *recent_peer(const noex_node *node, const char *name)
{
    struct nx_peer *p = node->recent;
    return p && name && strcmp(p->name.full, name) == 0 ? p : NULL;
}

/* The node of a target: another one (`*p`), or this one (NULL). */
static int find_node(noex_node *node, const struct noex_target *target, struct nx_peer **p,
                     struct noex_error *err)
{
    struct nx_node_name name;
    *p = recent_peer(node, target->node);
    if (*p)
        return 0;
    int rc = nx_node_name_parse(target->node, &name, err);
    if (rc || is_here(node, target, &name))
        return rc;
    rc = nx_node_peer(node, &name, p, err);
    if (!rc)
        node->recent = *p;
    return rc;
}

/* `proc` holds it; NULL: the node itself. */
static int monitor(noex_node *node, const struct nx_proc *proc, const struct noex_target *target,
                   uint64_t timeout_ms, void *user, noex_monitor_id *id)
{
    struct noex_error *err = &node->last_error;
    struct nx_peer *p;
    uint32_t slot;
    int rc = check_target(target, err);
    rc = rc ? rc : find_node(node, target, &p, err);
    if (rc)
        return rc;
    rc = p ? add(node, p, target, timeout_ms, user, &slot) : add_here(node, target, user, &slot);
    if (!rc && proc) {
        rc = nx_watching_held(node, slot, proc);
        if (rc)
            nx_watching_demonitor(node, slot);
    }
    if (rc == NOEX_ELIMIT)
        return nx_fail(err, rc, "monitors_max: %" PRIu32 " monitors are there already",
                       node->options.monitors_max);
    if (rc)
        return nx_fail(err, rc, NULL);
    *id = nx_monitor_id(nx_monitor_at(node->monitors, slot), slot);
    nx_loop_kick(node->loop);
    return 0;
}

int noex_monitor(noex_node *node, const struct noex_target *target, uint64_t timeout_ms, void *user,
                 noex_monitor_id *id)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!target || !id)
        return nx_fail(err, NOEX_EINVALID, "noex_monitor: an argument is NULL");
    return monitor(node, NULL, target, timeout_ms, user, id);
}

int noex_process_monitor(noex_node *node, const struct noex_pid *process,
                         const struct noex_target *target, uint64_t timeout_ms, void *user,
                         noex_monitor_id *id)
{
    struct nx_proc *proc;
    struct noex_error *err;
    int rc = nx_api_process_call(node, process, "noex_process_monitor", &proc, &err);
    if (!rc && (!target || !id))
        rc = nx_fail(err, NOEX_EINVALID, "noex_process_monitor: an argument is NULL");
    return rc ? rc : monitor(node, proc, target, timeout_ms, user, id);
}

int noex_demonitor(noex_node *node, noex_monitor_id id)
{
    if (!node)
        return NOEX_EINVALID;
    uint32_t slot = (uint32_t)id;
    if (!nx_monitor_find(node->monitors, slot, (uint32_t)(id >> 32)))
        return 0;
    nx_watching_demonitor(node, slot);
    nx_loop_kick(node->loop);
    return 0;
}

void noex_monitor_get_stats(const noex_node *node, struct noex_monitor_stats *stats, size_t size)
{
    if (stats)
        memset(stats, 0, size);
    if (!node || !stats)
        return;
    const struct noex_monitor_stats *all = nx_monitors_stats(node->monitors);
    memcpy(stats, all, size < sizeof *all ? size : sizeof *all);
}
