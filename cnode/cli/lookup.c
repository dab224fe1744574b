/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <string.h>

int lookup_start(struct session *s, struct watched *t)
{
    int rc = s->ops->rpc(s->node, t->peer->node, "global", "whereis_name", t->global,
                         s->plan->setup_ms, t, &t->lookup);
    if (rc)
        t->lookup = 0;
    return rc;
}

enum lookup_result lookup_read(struct watched *t, const struct noex_event *reply)
{
    struct noex_term answer = noex_event_term(reply);
    struct noex_pid pid;
    if (noex_term_is_atom(answer, "undefined")) {
        t->what = (struct noex_target){
            .kind = NOEX_TARGET_NAME, .node = t->peer->node, .name = strchr(t->text, '/') + 1};
        return LOOKUP_NOBODY;
    }
    int len = noex_term_pid(answer, &pid, t->holder, LOOKUP_NODE_SIZE);
    if (len < 0 || len >= LOOKUP_NODE_SIZE)
        return LOOKUP_NONSENSE;
    t->what = (struct noex_target){.kind = NOEX_TARGET_PID, .node = t->holder, .pid = pid};
    return LOOKUP_FOUND;
}
