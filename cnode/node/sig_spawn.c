/* SPAWN_REQUEST. Protocol.md 6.7. SPDX-License-Identifier: Apache-2.0 */
#include "node/sig.h"

static const uint8_t notsup_bytes[] = {119, 6, 'n', 'o', 't', 's', 'u', 'p'};
static const uint8_t no_flags_bytes[] = {97, 0};

/* A caller that is never answered waits for ever. */
int nx_sig_spawn_request(struct nx_peer *p, const struct nx_signal *s, struct noex_error *err)
{
    const struct nx_ctrl *c = s->ctrl;
    struct nx_pid from;
    (void)err;
    if (!nx_sig_theirs(p, c->arg[NX_ARG_FROM], &from))
        return nx_sig_drop(p);
    struct nx_ctrl reply = {.op = NX_OP_SPAWN_REPLY};
    reply.arg[NX_ARG_REF] = c->arg[NX_ARG_REF];
    reply.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    reply.arg[NX_ARG_FLAGS] = nx_span(no_flags_bytes, sizeof no_flags_bytes);
    reply.arg[NX_ARG_RESULT] = nx_span(notsup_bytes, sizeof notsup_bytes);
    return nx_sig_answer(p, &reply, nx_span(NULL, 0));
}
