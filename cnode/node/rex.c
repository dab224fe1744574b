/* SPDX-License-Identifier: Apache-2.0 */
#include "node/rex.h"

#include "term/read.h"
#include "term/write.h"

enum { SMALL_TERM = 2048 };

static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
static const struct nx_span noproc = {noproc_bytes, sizeof noproc_bytes};

int nx_rex_ask_pid(struct nx_peer *p, uint32_t slot)
{
    static const uint8_t rex[] = {119, 3, 'r', 'e', 'x'};
    const struct nx_monitor *m = nx_monitor_at(p->node->monitors, slot);
    uint8_t bytes[SMALL_TERM], ref[NX_CONN_REF_SIZE];
    struct nx_buf b;
    char text[64];
    int n = noex_pid_text(&m->target.pid, text, sizeof text);
    nx_buf_fixed(&b, bytes, sizeof bytes);
    /* {'$gen_call', {Me, Tag}, {call, erlang, list_to_pid, [Text], user}} */
    int rc = nx_write_tuple_head(&b, 3);
    rc = rc ? rc : nx_write_atom(&b, "$gen_call");
    rc = rc ? rc : nx_write_tuple_head(&b, 2);
    rc = rc ? rc : nx_write_raw(&b, nx_conn_self_pid(p->ch.conn));
    rc = rc ? rc
            : nx_write_raw(&b, nx_conn_ref(p->ch.conn, NX_REF_RESOLVE, slot, m->generation, ref));
    rc = rc ? rc : nx_write_tuple_head(&b, 5);
    rc = rc ? rc : nx_write_atom(&b, "call");
    rc = rc ? rc : nx_write_atom(&b, "erlang");
    rc = rc ? rc : nx_write_atom(&b, "list_to_pid");
    rc = rc ? rc : nx_write_list_head(&b, 1);
    rc = rc ? rc : nx_write_string(&b, nx_span(text, (size_t)n));
    rc = rc ? rc : nx_write_nil(&b);
    rc = rc ? rc : nx_write_atom(&b, "user");
    if (rc)
        return rc;
    struct nx_ctrl send = {.op = NX_OP_REG_SEND};
    send.arg[NX_ARG_FROM] = nx_conn_self_pid(p->ch.conn);
    send.arg[NX_ARG_NAME] = nx_span(rex, sizeof rex);
    return nx_conn_send(p->ch.conn, 0, &send, nx_buf_span(&b));
}

/* {badrpc, {'EXIT', {badarg, _}}}: what list_to_pid says of a pid that cannot be there. */
static bool is_badarg(struct nx_span result)
{
    struct nx_rd in = nx_rd(result);
    uint32_t arity;
    return nx_read_tuple_head(&in, &arity) && arity == 2 && nx_read_atom_is(&in, "badrpc") &&
           nx_read_tuple_head(&in, &arity) && arity == 2 && nx_read_atom_is(&in, "EXIT") &&
           nx_read_tuple_head(&in, &arity) && arity == 2 && nx_read_atom_is(&in, "badarg");
}

/* {Tag, Result}: a pid, or why there is none. */
bool nx_rex_answer(struct nx_peer *p, struct nx_span message)
{
    struct nx_monitors *t = p->node->monitors;
    struct nx_rd in = nx_rd(message);
    struct nx_span tag, result;
    struct nx_pid pid;
    uint32_t arity, use, slot, generation;
    if (!nx_read_tuple_head(&in, &arity) || arity != 2 || !nx_read_term(&in, &tag) ||
        !nx_read_term(&in, &result) ||
        !nx_conn_own_ref(p->ch.conn, tag, &use, &slot, &generation) || use != NX_REF_RESOLVE)
        return false;
    struct nx_monitor *m = nx_monitor_find(t, slot, generation);
    if (!m || m->peer != p->index || m->state != NX_MONITOR_RESOLVING)
        return false;
    if (nx_pid_parse(result, &pid) && nx_span_is(pid.node, p->name.full)) {
        const struct noex_pid known = {pid.id, pid.serial, pid.creation};
        nx_monitor_resolved(t, &p->monitors, slot, &known);
    } else if (is_badarg(result)) {
        nx_monitor_absent(t, &p->monitors, slot, noproc, nx_wall_us());
    } else {
        nx_monitor_fail(t, &p->monitors, slot, NOEX_EPID, nx_wall_us());
    }
    return true;
}
