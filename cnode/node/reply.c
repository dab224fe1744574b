/* SPDX-License-Identifier: Apache-2.0 */
#include "node/reply.h"

#include "handshake/dflags.h"
#include "node/signals.h"

/* A peer without either flag takes no alias: it waits for the reply by its pid. */
static bool takes_alias(const struct nx_peer *p)
{
    return !nx_peer_is_up(p) || nx_conn_has_flag(p->ch.conn, NX_DFLAG_ALIAS) ||
           nx_conn_has_flag(p->ch.conn, NX_DFLAG_ALTACT_SIG);
}

struct message {
    struct nx_ctrl ctrl;
    struct nx_buf term;
    uint8_t from[NX_RAW_PID_SIZE];
};

static int write_message(struct message *m, struct nx_peer *p, uint32_t id, uint32_t serial,
                         const struct nx_gen_caller *caller, struct nx_span reply)
{
    struct nx_span alias = takes_alias(p) ? nx_gen_alias(caller->tag) : nx_span(NULL, 0);
    m->ctrl = (struct nx_ctrl){.op = alias.len ? NX_OP_ALIAS_SEND : NX_OP_SEND_SENDER};
    m->ctrl.arg[NX_ARG_FROM] = nx_signal_pid(p, id, serial, m->from);
    m->ctrl.arg[alias.len ? NX_ARG_REF : NX_ARG_TO] = alias.len ? alias : caller->pid;
    nx_buf_init(&m->term, &p->node->alloc, SIZE_MAX / 4);
    return nx_gen_write_reply(&m->term, caller->tag, reply);
}

int nx_reply_send(struct nx_peer *p, uint32_t id, uint32_t serial,
                  const struct nx_gen_caller *caller, struct nx_span reply)
{
    struct message m;
    int rc = write_message(&m, p, id, serial, caller, reply);
    rc = rc ? rc : nx_signal_send(p, id, &m.ctrl, nx_buf_span(&m.term));
    nx_buf_free(&m.term);
    return rc;
}

void nx_reply_answer(struct nx_peer *p, const struct nx_gen_caller *caller, struct nx_span reply)
{
    struct message m;
    int rc = write_message(&m, p, NX_PROC_KERNEL, NX_PROC_KERNEL_SERIAL, caller, reply);
    if (rc)
        nx_peer_doom(p, rc);
    else
        nx_signal_answer(p, NX_PROC_KERNEL, &m.ctrl, nx_buf_span(&m.term));
    nx_buf_free(&m.term);
}
