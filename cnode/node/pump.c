/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pump.h"

#include "handshake/dflags.h"
#include "node/calls.h"
#include "node/rex.h"
#include "node/signals.h"

enum { STARVED_RETRY_MS = 50 }; /* out of memory: how soon to try again */

/* The target as it goes on the wire; false where it cannot stand there, which was checked when it
 * was made. */
static bool encode_target(struct nx_peer *p, const struct nx_monitor *m, struct nx_buf *out)
{
    if (m->kind == NOEX_TARGET_NAME)
        return nx_atom_write(out, nx_span_str(m->target.name)) == 0;
    const struct nx_pid pid = {.node = nx_span_str(p->name.full),
                               .id = m->target.pid.id,
                               .serial = m->target.pid.serial,
                               .creation = m->target.pid.creation};
    return nx_pid_write(out, &pid) == 0;
}

/* The pid that watches, as it goes on the wire. */
static struct nx_span encode_from(struct nx_peer *p, const struct nx_monitor *m, uint32_t slot,
                                  uint8_t from[NX_RAW_PID_SIZE])
{
    const struct nx_holder *h = m->held ? nx_holder_of(&p->node->holders, slot) : NULL;
    return h ? nx_signal_pid(p, h->process, h->serial, from) : nx_conn_self_pid(p->ch.conn);
}

static struct nx_stencil_numbers numbers_of(const struct nx_monitor *m, uint32_t slot,
                                            struct nx_span from)
{
    const uint8_t *tail = from.ptr + from.len - 12;
    return (struct nx_stencil_numbers){
        {nx_get_u32(tail), nx_get_u32(tail + 4), nx_get_u32(tail + 8)},
        {m->target.pid.id, m->target.pid.serial, m->target.pid.creation},
        {slot, m->generation, NX_REF_MONITOR}};
}

static int send_monitor(struct nx_peer *p, enum nx_op op, uint32_t slot)
{
    const struct nx_monitor *m = nx_monitor_at(p->node->monitors, slot);
    uint8_t target[NX_CONN_REF_SIZE], ref[NX_CONN_REF_SIZE], raw[NX_RAW_PID_SIZE];
    struct nx_buf b;
    const bool usual = op == NX_OP_MONITOR_P && m->kind == NOEX_TARGET_PID;
    const struct nx_span from = encode_from(p, m, slot, raw);
    struct nx_stencil_numbers numbers;
    if (usual)
        numbers = numbers_of(m, slot, from);
    if (usual && nx_conn_can_repeat(p->ch.conn))
        return nx_conn_repeat(p->ch.conn, &numbers);
    nx_buf_fixed(&b, target, sizeof target);
    if (!encode_target(p, m, &b))
        return NOEX_ETARGET;
    struct nx_ctrl ctrl = {.op = op};
    ctrl.arg[NX_ARG_FROM] = from;
    ctrl.arg[NX_ARG_TARGET] = nx_buf_span(&b);
    ctrl.arg[NX_ARG_REF] = nx_conn_ref(p->ch.conn, NX_REF_MONITOR, slot, m->generation, ref);
    return usual ? nx_conn_send_stencil(p->ch.conn, &ctrl, &numbers)
                 : nx_conn_send(p->ch.conn, 0, &ctrl, nx_span(NULL, 0));
}

/* A pid whose numbers not every release decodes, so that sending it could close the connection
 * (protocol.md 5): unless the peer itself named it, the peer is asked. Of another incarnation any
 * number is harmless. */
static bool must_be_asked(const struct nx_peer *p, const struct nx_monitor *m)
{
    const struct noex_pid *pid = &m->target.pid;
    bool present = !pid->creation || pid->creation == nx_conn_peer(p->ch.conn)->peer_creation;
    return present && !m->known && !nx_pid_is_safe(pid->id, pid->serial);
}

static int ask_pid(struct nx_peer *p, uint32_t slot)
{
    int rc = nx_rex_ask_pid(p, slot);
    if (!rc)
        nx_monitor_resolving(p->node->monitors, &p->monitors, slot);
    return rc;
}

/* One pending monitor goes out, or fails, or has its pid looked up. */
static int send_pending(struct nx_peer *p, uint32_t slot)
{
    struct nx_monitors *t = p->node->monitors;
    struct nx_monitor *m = nx_monitor_at(t, slot);
    if (m->kind != NOEX_TARGET_NODE && !nx_conn_has_flag(p->ch.conn, NX_DFLAGS_MONITOR)) {
        nx_monitor_fail(t, &p->monitors, slot, NOEX_ENOMONITOR, nx_wall_us());
        return 0;
    }
    if (m->kind == NOEX_TARGET_PID && must_be_asked(p, m))
        return ask_pid(p, slot);
    if (m->kind == NOEX_TARGET_PID && !m->target.pid.creation)
        m->target.pid.creation = nx_conn_peer(p->ch.conn)->peer_creation;
    int rc = m->kind == NOEX_TARGET_NODE ? 0 : send_monitor(p, NX_OP_MONITOR_P, slot);
    if (!rc)
        nx_monitor_sent(t, &p->monitors, slot);
    return rc;
}

/* A peer that cannot do monitors can still be watched as a node: the handshake is all the proof
 * there is. */
static int confirm_sent(struct nx_peer *p)
{
    struct nx_monitors *t = p->node->monitors;
    if (nx_conn_barrier_under_way(p->ch.conn) || !nx_monitors_want_barrier(t, &p->monitors))
        return 0;
    bool can = nx_conn_has_flag(p->ch.conn, NX_DFLAGS_MONITOR);
    int rc = can ? nx_conn_barrier(p->ch.conn) : 0;
    if (rc)
        return rc;
    nx_monitors_barrier_sent(t, &p->monitors);
    if (!can)
        nx_monitors_confirmed(t, &p->monitors, nx_wall_us());
    return 0;
}

void nx_pump(struct nx_peer *p, uint64_t now_ms)
{
    struct nx_monitors *t = p->node->monitors;
    uint32_t slot;
    int rc = 0;
    p->starved_until_ms = UINT64_MAX;
    if (!nx_peer_is_up(p))
        return;
    rc = nx_signals_pump(p);
    rc = rc ? rc : nx_calls_pump(p);
    while (!rc && (slot = nx_monitor_next_leaving(&p->monitors)) && nx_signals_have_room(p)) {
        rc = send_monitor(p, NX_OP_DEMONITOR_P, slot);
        if (!rc)
            nx_monitor_left(t, &p->monitors);
    }
    while (!rc && (slot = nx_monitor_next_unsent(&p->monitors)) && nx_signals_have_room(p))
        rc = send_pending(p, slot);
    if (!rc)
        rc = confirm_sent(p);
    if (rc)
        p->starved_until_ms = now_ms + STARVED_RETRY_MS;
}

bool nx_pump_has_more(const struct nx_peer *p)
{
    return nx_signals_wait(p) || nx_calls_wait(p) || nx_monitor_next_leaving(&p->monitors) ||
           nx_monitor_next_unsent(&p->monitors);
}

void nx_pump_expire(struct nx_peer *p, uint64_t now_ms)
{
    int unsent = p->starved_until_ms == UINT64_MAX ? NOEX_ESETUPTIMEOUT : NOEX_ENOMEM;
    if (now_ms >= p->monitors.deadline)
        nx_monitors_expire(p->node->monitors, &p->monitors, unsent, now_ms, nx_wall_us());
}
