/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_pair.h"

#include "base/alloc.h"
#include "handshake/dflags.h"

static int fake_fill(void *ctx, uint8_t *bytes, size_t len)
{
    uint32_t *seed = ctx;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((*seed = *seed * 1103515245 + 12345) >> 16);
    return 0;
}

static uint32_t seed = 1;
static const struct nx_random fake_random = {fake_fill, &seed};

static int on_up(void *ctx, const struct nx_hs_result *result, struct noex_error *err)
{
    (void)result, (void)err;
    ((struct conn_end *)ctx)->ups++;
    return 0;
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctrl;
    return ((struct conn_end *)ctx)->wanted;
}

static int answer_noproc(struct conn_end *end, const struct nx_ctrl *c)
{
    static const uint8_t noproc[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
    struct nx_ctrl down = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT};
    down.arg[NX_ARG_TARGET] = c->arg[NX_ARG_TARGET];
    down.arg[NX_ARG_TO] = c->arg[NX_ARG_FROM];
    down.arg[NX_ARG_REF] = c->arg[NX_ARG_REF];
    return nx_conn_send(end->conn, 0, &down, nx_span(noproc, sizeof noproc));
}

static int on_signal(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    struct conn_end *end = ctx;
    (void)err;
    end->signals++;
    end->last_op = s->ctrl->op;
    end->last_full = s->payload_full;
    if (end->on_signal) {
        end->on_signal(end, s);
        return end->refuse;
    }
    nx_buf_consume(&end->last_payload, SIZE_MAX);
    if (nx_buf_put_span(&end->last_payload, s->payload))
        return NOEX_ENOMEM;
    if (end->answer_monitors && s->ctrl->op == NX_OP_MONITOR_P)
        return answer_noproc(end, s->ctrl);
    return end->refuse;
}

static void on_barrier(void *ctx)
{
    ((struct conn_end *)ctx)->barriers++;
}

static void on_tick_missed(void *ctx, unsigned missed)
{
    ((struct conn_end *)ctx)->missed = missed;
}

static int name_peer(void *ctx, struct nx_span host, char *name, size_t size, uint32_t *creation)
{
    (void)ctx;
    if (host.len + 6 > size)
        return -1;
    memcpy(name, "DYN01@", 6);
    memcpy(name + 6, host.ptr, host.len);
    name[6 + host.len] = '\0';
    *creation = 77;
    return 0;
}

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

static void make_end(struct conn_pair *p, struct conn_end *end, const struct conn_pair_opts *o,
                     enum nx_hs_role role)
{
    bool dial = role == NX_HS_DIAL;
    const char *cookie = dial || !o->acceptor_cookie ? "cookie" : o->acceptor_cookie;
    const char *dial_name = o->dynamic ? "host" : "d@host";
    const struct nx_conn_config config = {
        .hs = {.alloc = &p->alloc.a,
               .random = &fake_random,
               .decide = {.ctx = end, .name_peer = name_peer},
               .role = role,
               .header = 2,
               .flags = or_default(dial ? o->dialler_flags : o->acceptor_flags, NX_DFLAGS_OURS),
               .required = NX_DFLAGS_REQUIRED,
               .creation = dial ? 1001 : 2002,
               .dynamic = dial && o->dynamic,
               .self_name = dial ? dial_name : "a@host",
               .peer_name = dial ? "a@host" : NULL,
               .cookie = nx_span_str(cookie),
               .step_ms = 7000},
        .handlers = {end, on_up, on_wanted, on_signal, on_barrier, on_tick_missed},
        .ticktime_ms = 4000,
        .message_max = or_default(o->message_max, 16 << 20),
        .out_max = or_default(o->out_max, 64 << 20),
        .fragments_max = 1000,
    };
    nx_buf_init(&end->last_payload, &nx_alloc_libc, 64 << 20);
    end->wanted = or_default(o->wanted, 1 << 20);
    end->conn = nx_conn_new(&config, p->now_ms, &end->err);
}

bool conn_pair_init(struct conn_pair *p, const struct conn_pair_opts *opts)
{
    struct alloc_test alloc = p->alloc;
    *p = (struct conn_pair){.alloc = alloc, .now_ms = 1000};
    if (!alloc.a.alloc)
        alloc_test_init(&p->alloc);
    else
        p->alloc.a.user = &p->alloc;
    make_end(p, &p->dialler, opts, NX_HS_DIAL);
    make_end(p, &p->acceptor, opts, NX_HS_ACCEPT);
    return p->dialler.conn && p->acceptor.conn;
}

void conn_pair_free(struct conn_pair *p)
{
    nx_conn_free(p->dialler.conn);
    nx_conn_free(p->acceptor.conn);
    nx_buf_free(&p->dialler.last_payload);
    nx_buf_free(&p->acceptor.last_payload);
}

void conn_end_receive(struct conn_pair *p, struct conn_end *end, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    while (len && !end->err.code) {
        uint8_t *room;
        size_t size;
        if (nx_conn_room(end->conn, &room, &size, &end->err))
            return;
        size_t n = p->chunk && p->chunk < len ? p->chunk : len;
        n = n < size ? n : size;
        memcpy(room, from, n);
        from += n;
        len -= n;
        if (nx_conn_received(end->conn, n, p->now_ms, &end->err))
            return;
    }
}

static bool carry(struct conn_pair *p, struct conn_end *from, struct conn_end *to)
{
    struct nx_span out = nx_conn_out(from->conn);
    if (!out.len)
        return false;
    uint8_t *copy = nx_alloc(&nx_alloc_libc, out.len);
    memcpy(copy, out.ptr, out.len);
    nx_conn_sent(from->conn, out.len, p->now_ms);
    conn_end_receive(p, to, copy, out.len);
    nx_free(&nx_alloc_libc, copy);
    return true;
}

void conn_pair_run(struct conn_pair *p)
{
    bool carried = true;
    while (carried) {
        carried = carry(p, &p->dialler, &p->acceptor);
        carried = carry(p, &p->acceptor, &p->dialler) || carried;
    }
}

static void tick_end(struct conn_pair *p, struct conn_end *end)
{
    if (!end->err.code && p->now_ms >= nx_conn_deadline(end->conn) &&
        nx_conn_timeout(end->conn, p->now_ms, &end->err))
        return;
}

void conn_pair_tick(struct conn_pair *p)
{
    tick_end(p, &p->dialler);
    tick_end(p, &p->acceptor);
}
