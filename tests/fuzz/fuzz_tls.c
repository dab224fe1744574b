/* A TLS session and the connection in it, against a peer that means harm before and inside the
 * session. Byte 0: 1 we accept, 2 TLS 1.2 at most, 4 we verify nothing. Then steps, each an opcode,
 * a length and what it needs: see `step`. OpenSSL's random numbers are not fixed, so what is found
 * may have to be tried a few times.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "certs.h"
#include "conn/conn.h"
#include "fuzz_handshake.h"
#include "tls/session.h"

#include <stdlib.h>

enum { OP_RAW, OP_CARRY, OP_INSIDE, OP_SPOIL, OP_FINISH, OPS };

struct world {
    struct nx_tls_session *ours;
    struct nx_tls_session *theirs; /* one that keeps the rules, as far as it is let */
    struct nx_conn *conn;
    bool over;
};

static noex_tls *tls_of(bool old, bool blind)
{
    static noex_tls *kept[2][2];
    struct noex_tls_options o;
    if (kept[old][blind])
        return kept[old][blind];
    noex_tls_options_init(&o);
    o.cert_pem = cert_node()->pem;
    o.key_pem = cert_node()->key;
    o.max_version = old ? NOEX_TLS_1_2 : NOEX_TLS_ANY;
    o.verify = blind ? NOEX_TLS_VERIFY_NONE : NOEX_TLS_VERIFY_FULL;
    o.ca_pem = blind ? NULL : cert_ca(CERT_OUR_CA);
    if (noex_tls_new(&kept[old][blind], &o, NULL))
        abort();
    return kept[old][blind];
}

static struct nx_tls_session *session(noex_tls *tls, bool accept)
{
    struct nx_tls_session *s;
    struct noex_error err = {0};
    if (nx_tls_session_new(&s, &nx_alloc_libc, tls, accept ? NX_TLS_ACCEPT : NX_TLS_DIAL,
                           "localhost", &err))
        abort();
    return s;
}

/* As the channel does. */
static void read_all(struct world *w)
{
    struct noex_error err = {0};
    while (!w->over) {
        uint8_t *room;
        size_t size;
        if (nx_conn_room(w->conn, &room, &size, &err))
            abort();
        int64_t n = nx_tls_read(w->ours, room, size, &err);
        if (n < 0 || (n > 0 && nx_conn_received(w->conn, (size_t)n, 0, &err)))
            w->over = true;
        if (n <= 0)
            break;
    }
    if (w->over && (!err.code || !*err.text))
        abort(); /* each end has its cause */
}

static void hear(struct world *w, const uint8_t *bytes, size_t n)
{
    struct noex_error err = {0};
    while (n && !w->over) {
        uint8_t *room;
        size_t size;
        nx_tls_room(w->ours, &room, &size);
        if (!size)
            abort();
        size = n < size ? n : size;
        memcpy(room, bytes, size);
        bool ended = nx_tls_received(w->ours, size, &err) != 0;
        if (ended && (!err.code || !*err.text))
            abort();
        read_all(w);
        w->over = w->over || ended;
        bytes += size;
        n -= size;
    }
}

/* What each has to say; `spoil`: with a bit of ours wrong. */
static void carry(struct world *w, size_t most, uint8_t spoil)
{
    struct noex_error err = {0};
    struct nx_span out;
    while ((out = nx_conn_out(w->conn)).len) {
        int64_t n = nx_tls_write(w->ours, out.ptr, out.len, &err);
        if (n <= 0)
            break;
        nx_conn_sent(w->conn, (size_t)n, 0);
    }
    while ((out = nx_tls_out(w->ours)).len) {
        uint8_t *room;
        size_t size;
        nx_tls_room(w->theirs, &room, &size);
        size = out.len < size ? out.len : size;
        memcpy(room, out.ptr, size);
        if (nx_tls_received(w->theirs, size, &err))
            err.code = 0; /* it may well mind */
        uint8_t rest[1024];
        while (nx_tls_read(w->theirs, rest, sizeof rest, &err) > 0)
            continue;
        nx_tls_sent(w->ours, size);
    }
    out = nx_tls_out(w->theirs);
    if (!out.len)
        return;
    size_t n = most && most < out.len ? most : out.len;
    uint8_t *bytes = malloc(n);
    memcpy(bytes, out.ptr, n);
    if (spoil)
        bytes[n / 2] ^= spoil;
    hear(w, bytes, n);
    free(bytes);
    nx_tls_sent(w->theirs, n);
}

/* Returns how many bytes it took. */
static size_t step(struct world *w, const uint8_t *data, size_t size)
{
    struct noex_error err = {0};
    size_t len = size > 1 ? data[1] : 0, rest = size > 2 ? size - 2 : 0;
    size_t some = len < rest ? len : rest;
    switch (data[0] % OPS) {
    case OP_RAW:
        hear(w, data + 2, some);
        return 2 + some;
    case OP_CARRY:
        carry(w, len, 0);
        return 2;
    case OP_INSIDE:
        if (nx_tls_write(w->theirs, data + 2, some, &err) >= 0)
            carry(w, 0, 0);
        return 2 + some;
    case OP_SPOIL:
        carry(w, 0, (uint8_t)(len | 1));
        return 2;
    default:
        nx_tls_finish(w->theirs);
        carry(w, 0, 0);
        return 2;
    }
}

static int on_up(void *ctx, const struct nx_hs_result *result, struct noex_error *err)
{
    (void)ctx, (void)result, (void)err;
    return 0;
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx, (void)ctrl;
    return 1000;
}

static int on_signal(void *ctx, const struct nx_signal *signal, struct noex_error *err)
{
    (void)ctx, (void)signal, (void)err;
    return 0;
}

static void on_barrier(void *ctx)
{
    (void)ctx;
}

static void on_missed(void *ctx, unsigned missed)
{
    (void)ctx, (void)missed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t challenge[4] = {0x89, 0xab, 0xcd, 0xef};
    static const struct nx_random random = {fixed_fill, challenge};
    struct noex_error err = {0};
    if (size < 1)
        return 0;
    bool accept = data[0] & 1, old = data[0] & 2, blind = data[0] & 4;
    const struct nx_conn_config config = {
        .hs = {.alloc = &nx_alloc_libc,
               .random = &random,
               .role = accept ? NX_HS_ACCEPT : NX_HS_DIAL,
               .header = 4,
               .flags = NX_DFLAGS_OURS,
               .required = NX_DFLAGS_REQUIRED,
               .creation = 0x5f3759df,
               .self_name = "vec_c@127.0.0.1",
               .peer_name = "vec_b@127.0.0.1",
               .cookie = nx_span_str("libnoex-vector cookie"),
               .step_ms = 7000},
        .handlers = {NULL, on_up, on_wanted, on_signal, on_barrier, on_missed},
        .ticktime_ms = 60000,
        .message_max = 1 << 20,
        .out_max = 1 << 20,
        .fragments_max = 16,
    };
    struct world w = {.ours = session(tls_of(old, blind), accept),
                      .theirs = session(tls_of(false, true), !accept),
                      .conn = nx_conn_new(&config, 0, &err)};
    if (!w.conn)
        abort();
    for (size_t at = 1; at < size && !w.over;)
        at += step(&w, data + at, size - at);
    nx_tls_session_free(w.ours);
    nx_tls_session_free(w.theirs);
    nx_conn_free(w.conn);
    return 0;
}
