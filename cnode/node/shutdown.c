/* SPDX-License-Identifier: Apache-2.0 */
#include "node/shutdown.h"

#include "node/listener.h"
#include "node/peer.h"

int nx_shutdown_begin(noex_node *node, uint64_t linger_ms)
{
    if (node->leaving)
        return 0;
    int rc = nx_node_events_reserve(&node->events, &node->leave_event, 1);
    if (rc)
        return rc;
    nx_loop_update(node->loop);
    uint64_t now = nx_loop_now(node->loop), most = UINT64_MAX - 1 - now;
    node->leaving = true;
    node->leave_ms = now + (linger_ms < most ? linger_ms : most);
    nx_listener_free(node->listener);
    node->listener = NULL;
    nx_loop_kick(node->loop);
    return 0;
}

uint64_t nx_shutdown_deadline(const noex_node *node)
{
    return node->leaving && !node->left ? node->leave_ms : UINT64_MAX;
}

void nx_shutdown_turn(noex_node *node, uint64_t now_ms)
{
    bool all = true;
    if (!node->leaving || node->left)
        return;
    for (uint32_t i = 0; i < node->peers.count; i++) {
        struct nx_peer *p = node->peers.list[i];
        if (nx_peer_is_up(p) && now_ms < node->leave_ms)
            nx_peer_part(p);
        else
            nx_peer_disconnect(p);
        all = all && p->state == NX_PEER_IDLE;
    }
    if (!all)
        return;
    node->left = true;
    nx_node_event_push(&node->events, node->leave_event, NOEX_EVENT_SHUTDOWN, NX_EVENT_OF_NODE,
                       NULL, nx_wall_us());
}
