/* SPDX-License-Identifier: Apache-2.0 */
#include "node/kernel.h"

#include "handshake/dflags.h"
#include "node/reply.h"
#include "node/rex.h"
#include "node/sig.h"
#include "node/signals.h"
#include "term/read.h"
#include "term/write.h"

enum { SMALL_TERM = 2048 };

/* net_adm:ping: {is_auth, Node}. Anything but yes makes it disconnect. */
static bool answer_ping(struct nx_peer *p, const struct nx_gen *call)
{
    static const uint8_t yes[] = {119, 3, 'y', 'e', 's'};
    struct nx_rd in = nx_rd(call->term);
    struct nx_gen_caller caller;
    struct nx_pid pid;
    uint32_t arity;
    if (!nx_read_tuple_head(&in, &arity) || arity != 2 || !nx_read_atom_is(&in, "is_auth") ||
        !nx_gen_caller_parse(call->caller, &caller) || !nx_sig_theirs(p, caller.pid, &pid))
        return false;
    p->node->stats.signals_answered++;
    nx_reply_answer(p, &caller, nx_span(yes, sizeof yes));
    return true;
}

int nx_kernel_message(struct nx_peer *p, struct nx_span message)
{
    struct nx_gen gen;
    nx_gen_parse(message, &gen);
    if (gen.kind == NX_GEN_CALL ? answer_ping(p, &gen) : nx_rex_answer(p, message))
        return 0;
    return nx_sig_drop(p);
}

/* ---- a visible node ---- */

static void send_named(struct nx_peer *p, const char *name, struct nx_span message)
{
    uint8_t from[NX_RAW_PID_SIZE], atom[64];
    struct nx_buf b;
    nx_buf_fixed(&b, atom, sizeof atom);
    struct nx_ctrl send = {.op = NX_OP_REG_SEND};
    send.arg[NX_ARG_FROM] = nx_signal_pid(p, NX_PROC_KERNEL, NX_PROC_KERNEL_SERIAL, from);
    if (nx_write_atom(&b, name))
        return;
    send.arg[NX_ARG_NAME] = nx_buf_span(&b);
    p->node->stats.signals_answered++;
    nx_signal_answer(p, NX_PROC_KERNEL, &send, message);
}

/* {Pid, features_request}: {features_reply, Node, [erpc]}, as every BEAM that rpc can use erpc
 * with. */
static bool answer_features(struct nx_peer *p, struct nx_span message)
{
    struct nx_rd in = nx_rd(message);
    struct nx_span asker;
    struct nx_pid pid;
    uint32_t arity;
    uint8_t bytes[SMALL_TERM], from[NX_RAW_PID_SIZE];
    struct nx_buf b;
    if (!nx_read_tuple_head(&in, &arity) || arity != 2 || !nx_read_term(&in, &asker) ||
        !nx_sig_theirs(p, asker, &pid) || !nx_read_atom_is(&in, "features_request"))
        return false;
    nx_buf_fixed(&b, bytes, sizeof bytes);
    /* None can fail: the room is enough for any name. */
    int rc = nx_write_tuple_head(&b, 3);
    rc = rc ? rc : nx_write_atom(&b, "features_reply");
    rc = rc ? rc : nx_write_atom(&b, nx_conn_peer(p->ch.conn)->self_name);
    rc = rc ? rc : nx_write_list_head(&b, 1);
    rc = rc ? rc : nx_write_atom(&b, "erpc");
    rc = rc ? rc : nx_write_nil(&b);
    if (rc)
        return false;
    struct nx_ctrl send = {.op = NX_OP_SEND_SENDER};
    send.arg[NX_ARG_FROM] = nx_signal_pid(p, NX_PROC_KERNEL, NX_PROC_KERNEL_SERIAL, from);
    send.arg[NX_ARG_TO] = asker;
    return nx_sig_answer(p, &send, nx_buf_span(&b)) == 0;
}

/* {init_connect, _, _, _}: this node takes no part in global, and says that it is in sync, so that
 * global:sync on the peer does not wait for it (seen on OTP 25, 27 and 29). */
static bool answer_global(struct nx_peer *p, struct nx_span message)
{
    struct nx_gen cast;
    struct nx_rd in;
    uint32_t arity;
    uint8_t bytes[SMALL_TERM], inner[SMALL_TERM];
    struct nx_buf b, term;
    nx_gen_parse(message, &cast);
    in = nx_rd(cast.term);
    if (cast.kind != NX_GEN_CAST || !nx_read_tuple_head(&in, &arity) || arity != 4 ||
        !nx_read_atom_is(&in, "init_connect"))
        return false;
    nx_buf_fixed(&term, inner, sizeof inner);
    nx_buf_fixed(&b, bytes, sizeof bytes);
    int rc = nx_write_tuple_head(&term, 3);
    rc = rc ? rc : nx_write_atom(&term, "in_sync");
    rc = rc ? rc : nx_write_atom(&term, nx_conn_peer(p->ch.conn)->self_name);
    rc = rc ? rc : nx_write_atom(&term, "true");
    rc = rc ? rc : nx_gen_write_cast(&b, nx_buf_span(&term));
    if (rc)
        return false;
    send_named(p, "global_name_server", nx_buf_span(&b));
    return true;
}

bool nx_kernel_named_message(struct nx_peer *p, struct nx_span name, struct nx_span message)
{
    struct nx_span text;
    if (!nx_conn_has_flag(p->ch.conn, NX_DFLAG_PUBLISHED) || !nx_atom_parse(name, &text))
        return false;
    if (nx_span_is(text, "rex"))
        return answer_features(p, message);
    return nx_span_is(text, "global_name_server") && answer_global(p, message);
}
