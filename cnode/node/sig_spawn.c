/* SPAWN_REQUEST and SPAWN_REPLY. Protocol.md 6.7. SPDX-License-Identifier: Apache-2.0 */
#include "node/serving.h"
#include "node/sig.h"
#include "node/spawns.h"

/* A caller that is never answered waits for ever. */
int nx_sig_spawn_request(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    struct nx_pid from;
    struct nx_ref ref;
    (void)err;
    if (!nx_sig_theirs(p, s->ctrl->arg[NX_ARG_FROM], &from) ||
        !nx_sig_their_ref(p, s->ctrl->arg[NX_ARG_REF], &ref))
        return nx_sig_drop(p);
    nx_serve_request(p, s, &from);
    return 0;
}

int nx_sig_spawn_reply(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    return nx_spawns_reply(p, s->ctrl, err);
}
