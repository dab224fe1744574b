/* SPDX-License-Identifier: Apache-2.0 */
#include "node/reply.h"

#include "handshake/dflags.h"
#include "node/signals.h"

/* A peer without either flag takes no alias: it waits for the reply by its pid. */
static bool takes_alias(const struct nx_peer *p)
{
    return !nx_peer_is_up(p) || nx_conn_has_flag(p->conn, NX_DFLAG_ALIAS) ||
           nx_conn_has_flag(p->conn, NX_DFLAG_ALTACT_SIG);
}

int nx_reply_send(struct nx_peer *p, uint32_t id, uint32_t serial,
                  const struct nx_gen_caller *caller, struct nx_span reply)
{
    uint8_t from[NX_RAW_PID_SIZE];
    struct nx_buf message;
    struct nx_span alias = takes_alias(p) ? nx_gen_alias(caller->tag) : nx_span(NULL, 0);
    struct nx_ctrl send = {.op = alias.len ? NX_OP_ALIAS_SEND : NX_OP_SEND_SENDER};
    send.arg[NX_ARG_FROM] = nx_signal_pid(p, id, serial, from);
    send.arg[alias.len ? NX_ARG_REF : NX_ARG_TO] = alias.len ? alias : caller->pid;
    nx_buf_init(&message, &p->node->alloc, SIZE_MAX / 4);
    int rc = nx_gen_write_reply(&message, caller->tag, reply);
    rc = rc ? rc : nx_signal_send(p, id, &send, nx_buf_span(&message));
    nx_buf_free(&message);
    return rc;
}
