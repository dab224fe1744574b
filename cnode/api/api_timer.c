/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include "api/api.h"

int noex_timer_start(noex_node *node, uint64_t delay_ms, noex_timer_fn fn, void *user,
                     noex_timer_id *id)
{
    if (!node)
        return NOEX_EINVALID;
    struct noex_error *err = nx_api_begin(node);
    if (!fn || !id)
        return nx_fail(err, NOEX_EINVALID, "noex_timer_start: an argument is NULL");
    nx_loop_update(node->loop);
    uint64_t now = nx_loop_now(node->loop), most = UINT64_MAX - now;
    int rc = nx_timer_start(&node->timers, now + (delay_ms < most ? delay_ms : most), fn, user, id);
    if (rc)
        return nx_fail(err, rc, NULL);
    nx_loop_kick(node->loop);
    return 0;
}

int noex_timer_cancel(noex_node *node, noex_timer_id id)
{
    if (!node)
        return NOEX_EINVALID;
    nx_timer_cancel(&node->timers, id);
    return 0;
}
