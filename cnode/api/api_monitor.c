/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "base/err.h"
#include "node/pump.h"
#include "term/ident.h"
#include "term/utf8.h"

/* What can stand on the wire as an atom, and be registered. */
static bool name_is_valid(const char *name)
{
    uint32_t c, chars = 0;
    if (!name || !*name || strcmp(name, "undefined") == 0)
        return false;
    struct nx_rd in = nx_rd(nx_span_str(name));
    while (chars < NX_ATOM_CHARS_MAX && nx_utf8_next(&in, &c))
        chars++;
    return nx_rd_left(&in) == 0;
}

static int check_target(const struct noex_target *target)
{
    switch (target->kind) {
    case NOEX_TARGET_NODE:
        return 0;
    case NOEX_TARGET_PID: /* a larger one closes the connection of any release, protocol.md 5 */
        return target->pid.id < NX_PID_NUMBER_LIMIT ? 0 : NOEX_ETARGET;
    case NOEX_TARGET_NAME:
        return name_is_valid(target->name) ? 0 : NOEX_ETARGET;
    }
    return NOEX_ETARGET;
}

int noex_monitor(noex_node *node, const struct noex_target *target, uint64_t timeout_ms, void *user,
                 noex_monitor_id *id)
{
    struct nx_node_name name;
    struct nx_peer *p;
    uint32_t slot;
    if (!node || !target || !id)
        return NOEX_EINVALID;
    int rc = check_target(target);
    rc = rc ? rc : nx_node_name_parse(target->node, &name, NULL);
    rc = rc ? rc : nx_node_peer(node, &name, &p);
    if (rc)
        return rc;
    nx_loop_update(node->loop);
    uint64_t limit = timeout_ms ? timeout_ms : node->options.setup_timeout_ms;
    uint64_t now = nx_loop_now(node->loop);
    uint64_t deadline = limit > UINT64_MAX / 4 ? UINT64_MAX / 2 : now + limit;
    rc = nx_monitor_add(node->monitors, &p->monitors, p->index, target, deadline, user, &slot);
    if (rc)
        return rc;
    *id = nx_monitor_id(nx_monitor_at(node->monitors, slot), slot);
    if (nx_peer_is_up(p) || (rc = nx_peer_connect(p)) == 0) {
        nx_loop_kick(node->loop);
        return 0;
    }
    nx_pump_demonitor(p, slot);
    return rc;
}

int noex_demonitor(noex_node *node, noex_monitor_id id)
{
    if (!node)
        return NOEX_EINVALID;
    uint32_t slot = (uint32_t)id;
    struct nx_monitor *m = nx_monitor_find(node->monitors, slot, (uint32_t)(id >> 32));
    if (!m)
        return 0;
    nx_pump_demonitor(node->peers.list[m->peer], slot);
    nx_loop_kick(node->loop);
    return 0;
}

void noex_monitor_get_stats(const noex_node *node, struct noex_monitor_stats *stats, size_t size)
{
    const struct noex_monitor_stats *all = nx_monitors_stats(node->monitors);
    memset(stats, 0, size);
    memcpy(stats, all, size < sizeof *all ? size : sizeof *all);
}
