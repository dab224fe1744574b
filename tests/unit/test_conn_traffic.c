/* What two connections send each other: big messages and small ones, with and without atom caches.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "cmocka_all.h"
#include "conn_pair.h"
#include "handshake/dflags.h"
#include "random_term.h"
#include "term/token.h"
#include "wire/frame.h"

#include <stdio.h>
#include <stdlib.h>

enum { SENDERS = 20 };

static const uint64_t both = NX_DFLAG_DIST_HDR_ATOM_CACHE | NX_DFLAG_FRAGMENTS;

/* What one side sends and the other checks. A payload is {Sender, Number, Term}. */
struct traffic {
    struct conn_pair p;
    uint32_t said[SENDERS];
    uint32_t heard[SENDERS];
    uint32_t senders_heard[64]; /* of the first ones, in their order */
    size_t heard_all;
};

static struct nx_span payload_of(uint32_t sender, uint32_t number, size_t size, struct nx_buf *b)
{
    uint32_t seed = sender * 7919 + number + 1;
    nx_buf_init(b, &nx_alloc_libc, SIZE_MAX);
    assert_int_equal(nx_buf_put(b, "h\3b", 3), 0);
    assert_int_equal(nx_buf_put_u32(b, sender), 0);
    assert_int_equal(nx_buf_put_u8(b, 98), 0);
    assert_int_equal(nx_buf_put_u32(b, number), 0);
    if (size) {
        assert_int_equal(nx_buf_put(b, "h\2", 2), 0);
        random_term(b, &seed, 30, 50);
        assert_int_equal(nx_buf_put_u8(b, 109), 0);
        assert_int_equal(nx_buf_put_u32(b, (uint32_t)size), 0);
        assert_int_equal(nx_buf_reserve(b, size), 0);
        memset(b->data + b->end, (int)(number + sender), size);
        b->end += size;
    } else {
        random_term(b, &seed, number % 50, 50);
    }
    return nx_buf_span(b);
}

static size_t size_of(const struct nx_span payload)
{
    struct nx_rd in = nx_rd(payload);
    struct nx_tok t = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(nx_tok_next(&in, &t), NX_TOK_OK);
    if (t.kind != NX_TOK_TUPLE || t.arity != 2 || !nx_tok_skip(&in, 1))
        return 0;
    return nx_tok_next(&in, &t) == NX_TOK_OK && t.kind == NX_TOK_BINARY && t.tag == 109 &&
                   nx_rd_left(&in) == 0
               ? t.data.len
               : 0;
}

static void on_signal(struct conn_end *end, const struct nx_signal *s)
{
    struct traffic *x = end->arg;
    struct nx_buf want;
    if (s->ctrl->op == NX_OP_MONITOR_P)
        return; /* a probe */
    assert_int_equal(s->ctrl->op, NX_OP_SEND_SENDER);
    assert_true(s->payload.len == s->payload_full && s->payload.len > 12);
    const uint32_t sender = nx_get_u32(s->payload.ptr + 3), number = nx_get_u32(s->payload.ptr + 8);
    assert_true(sender < SENDERS);
    assert_int_equal(number, x->heard[sender]++);
    /* Small random terms may look like big ones: both are tried. */
    payload_of(sender, number, size_of(s->payload), &want);
    if (!nx_span_eq(s->payload, nx_buf_span(&want))) {
        nx_buf_free(&want);
        payload_of(sender, number, 0, &want);
    }
    assert_true(nx_span_eq(s->payload, nx_buf_span(&want)));
    nx_buf_free(&want);
    if (x->heard_all < 64)
        x->senders_heard[x->heard_all] = sender;
    x->heard_all++;
}

static void begin(struct traffic *x, const struct conn_pair_opts *opts)
{
    memset(x, 0, sizeof *x);
    assert_true(conn_pair_init(&x->p, opts));
    conn_pair_run(&x->p);
    assert_true(nx_conn_is_up(x->p.dialler.conn) && nx_conn_is_up(x->p.acceptor.conn));
    x->p.dialler.on_signal = x->p.acceptor.on_signal = on_signal;
    x->p.dialler.arg = x->p.acceptor.arg = x;
}

static void end(struct traffic *x)
{
    if (x->p.dialler.err.code || x->p.acceptor.err.code)
        fail_msg("%s %s", x->p.dialler.err.text, x->p.acceptor.err.text);
    for (uint32_t i = 0; i < SENDERS; i++)
        assert_int_equal(x->heard[i], x->said[i]);
    assert_int_equal(nx_conn_queued(x->p.dialler.conn), 0);
    conn_pair_free(&x->p);
    assert_int_equal(x->p.alloc.live, 0);
}

static int say(struct traffic *x, struct conn_end *from, uint32_t sender, size_t size)
{
    struct nx_conn *c = from->conn;
    struct nx_buf b;
    const size_t queued = nx_conn_queued(c), ready = nx_conn_ready(c);
    struct nx_ctrl ctrl = {.op = NX_OP_SEND_SENDER};
    ctrl.arg[NX_ARG_FROM] = ctrl.arg[NX_ARG_TO] = nx_conn_self_pid(c);
    payload_of(sender, x->said[sender], size, &b);
    int rc = nx_conn_send(c, sender, &ctrl, nx_buf_span(&b));
    nx_buf_free(&b);
    x->said[sender] += !rc;
    assert_true(rc ? nx_conn_queued(c) == queued && nx_conn_ready(c) == ready
                   : nx_conn_queued(c) > queued);
    return rc;
}

/* Some of what comes next, to the other end. */
static bool carry(struct traffic *x, struct conn_end *from, struct conn_end *to, size_t max)
{
    const struct nx_span out = nx_conn_out(from->conn);
    const size_t n = out.len < max ? out.len : max, queued = nx_conn_queued(from->conn);
    if (!n)
        return false;
    uint8_t *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, out.ptr, n);
    nx_conn_sent(from->conn, n, x->p.now_ms);
    assert_int_equal(nx_conn_queued(from->conn), queued - n);
    conn_end_receive(&x->p, to, copy, n);
    free(copy);
    return true;
}

static bool carry_all(struct traffic *x, size_t max)
{
    return carry(x, &x->p.dialler, &x->p.acceptor, max);
}

/* ---- headers ---- */

static const uint64_t flag_sets[] = {both, NX_DFLAG_DIST_HDR_ATOM_CACHE, NX_DFLAG_FRAGMENTS, 0};

static struct conn_pair_opts opts_of(unsigned i)
{
    const struct conn_pair_opts o = {
        .dialler_flags = (NX_DFLAGS_OURS & ~both) | flag_sets[i % 4],
        .acceptor_flags = (NX_DFLAGS_OURS & ~both) | flag_sets[i / 4],
    };
    return o;
}

static void terms_arrive_as_they_were_sent_whatever_was_negotiated(void **state)
{
    (void)state;
    const size_t chunks[] = {0, 1, 7, 1000};
    for (unsigned i = 0; i < 16; i++) {
        for (unsigned k = 0; k < 4; k++) {
            const struct conn_pair_opts o = opts_of(i);
            struct traffic x;
            begin(&x, &o);
            x.p.chunk = chunks[k];
            for (unsigned n = 0; n < 150; n++) {
                assert_int_equal(say(&x, &x.p.dialler, n % 3, 0), 0);
                assert_int_equal(say(&x, &x.p.acceptor, 3 + n % 3, n % 50 == 49 ? 100000 : 0), 0);
                if (n % 4 == 0)
                    conn_pair_run(&x.p);
            }
            assert_int_equal(say(&x, &x.p.dialler, 1, 200000), 0);
            conn_pair_run(&x.p);
            assert_int_equal(x.heard_all, 301);
            end(&x);
        }
    }
}

/* Field.md L11: a peer that negotiated the header and then sends frames without is cut off. */
static void L11_every_frame_has_the_header_that_was_negotiated(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        const struct conn_pair_opts o = opts_of(i);
        const uint64_t set = flag_sets[i % 4] & flag_sets[i / 4];
        unsigned tags[256] = {0};
        struct traffic x;
        begin(&x, &o);
        for (unsigned n = 0; n < 20; n++)
            assert_int_equal(say(&x, &x.p.dialler, n % 3, n % 8 == 3 ? 150000 : 0), 0);
        assert_int_equal(nx_conn_barrier(x.p.dialler.conn), 0);
        /* Not more than a frame at once, so that each begins what is sent next. */
        for (struct nx_span out; (out = nx_conn_out(x.p.dialler.conn)).len;) {
            const size_t len = 4 + (size_t)nx_get_u32(out.ptr);
            assert_int_equal(out.ptr[4], set ? 131 : 112);
            tags[out.ptr[5]]++;
            for (size_t left = len; left;) {
                const size_t n = nx_conn_out(x.p.dialler.conn).len;
                carry_all(&x, left);
                left -= n < left ? n : left;
            }
        }
        assert_int_equal(tags[131], set ? 0 : 21);
        assert_int_equal(tags[68], !set ? 0 : set & NX_DFLAG_FRAGMENTS ? 18 : 21);
        assert_int_equal(tags[69], set & NX_DFLAG_FRAGMENTS ? 3 : 0);
        assert_int_equal(tags[70], set & NX_DFLAG_FRAGMENTS ? 6 : 0);
        assert_int_equal(nx_conn_get_stats(x.p.dialler.conn)->frames_out,
                         tags[131] + tags[68] + tags[69] + tags[70]);
        end(&x);
    }
}

static void what_is_more_than_64_kilobytes_goes_in_fragments(void **state)
{
    (void)state;
    const size_t control = 4 + 2 * (1 + 2 + 6 + 12);
    for (int over = 0; over < 2; over++) {
        const struct conn_pair_opts o = {.wanted = 1 << 20};
        struct traffic x;
        begin(&x, &o);
        struct nx_ctrl ctrl = {.op = NX_OP_SEND_SENDER};
        ctrl.arg[NX_ARG_FROM] = ctrl.arg[NX_ARG_TO] = nx_conn_self_pid(x.p.dialler.conn);
        const size_t len = 65536 - control + (size_t)over;
        uint8_t *bytes = calloc(1, len);
        assert_non_null(bytes);
        bytes[0] = 109;
        nx_put_u32(bytes + 1, (uint32_t)len - 5);
        x.p.acceptor.on_signal = NULL;
        assert_int_equal(nx_conn_send(x.p.dialler.conn, 1, &ctrl, nx_span(bytes, len)), 0);
        const struct nx_span out = nx_conn_out(x.p.dialler.conn);
        assert_int_equal(out.ptr[5], over ? 69 : 68);
        assert_int_equal(nx_get_u32(out.ptr), over ? 19 + 65536 : 3 + 65536);
        conn_pair_run(&x.p);
        assert_true(nx_span_eq(nx_buf_span(&x.p.acceptor.last_payload), nx_span(bytes, len)));
        free(bytes);
        end(&x);
    }
}

/* ---- order ---- */

static void a_barrier_and_others_do_not_wait_for_a_big_message(void **state)
{
    (void)state;
    const struct conn_pair_opts o = {.wanted = 16 << 20};
    struct traffic x;
    begin(&x, &o);
    x.p.acceptor.answer_monitors = true;
    assert_int_equal(say(&x, &x.p.dialler, 5, 8 << 20), 0);
    assert_true(carry_all(&x, 1000));
    assert_int_equal(say(&x, &x.p.dialler, 5, 0), 0);
    x.p.acceptor.on_signal = NULL; /* it answers monitors instead */
    assert_int_equal(nx_conn_barrier(x.p.dialler.conn), 0);
    assert_in_range(nx_conn_ready(x.p.dialler.conn), 1, 200);
    unsigned pieces = 0;
    for (; !x.p.dialler.barriers; pieces++) {
        assert_true(carry_all(&x, SIZE_MAX));
        carry(&x, &x.p.acceptor, &x.p.dialler, SIZE_MAX);
    }
    assert_int_equal(pieces, 2); /* the fragment that was begun, and what was ready */
    assert_true(nx_conn_queued(x.p.dialler.conn) > 7 << 20);
    x.p.acceptor.on_signal = on_signal;
    conn_pair_run(&x.p);
    assert_int_equal(x.heard_all, 2);
    end(&x);
}

static void what_a_sender_sends_arrives_in_its_order_and_that_of_others_meanwhile(void **state)
{
    (void)state;
    static const uint32_t order[] = {3, 3, 2, 2, 2, 3, 1, 1};
    const struct conn_pair_opts o = {.wanted = 16 << 20};
    struct traffic x;
    begin(&x, &o);
    assert_int_equal(say(&x, &x.p.dialler, 1, 200000), 0); /* four fragments */
    assert_int_equal(say(&x, &x.p.dialler, 1, 0), 0);
    assert_int_equal(say(&x, &x.p.dialler, 2, 100000), 0); /* two */
    assert_int_equal(say(&x, &x.p.dialler, 2, 0), 0);
    assert_int_equal(say(&x, &x.p.dialler, 2, 100), 0);
    assert_int_equal(say(&x, &x.p.dialler, 3, 0), 0);
    assert_int_equal(say(&x, &x.p.dialler, 3, 100), 0);
    for (unsigned i = 0; carry_all(&x, SIZE_MAX); i++)
        if (i == 3) /* the first fragment, what was ready, one of each */
            assert_int_equal(say(&x, &x.p.dialler, 3, 0), 0);
    assert_int_equal(x.heard_all, 8);
    assert_memory_equal(x.senders_heard, order, sizeof order);
    end(&x);
}

/* Frames that wait behind a big message were written before others that go before them: neither may
 * rely on the other's atoms. */
static void at_random_everything_arrives_in_the_order_of_its_sender(void **state)
{
    (void)state;
    uint32_t seed = 77;
    for (unsigned round = 0; round < 20; round++) {
        struct conn_pair_opts o = opts_of(round % 5 * 3);
        struct traffic x;
        o.wanted = 1 << 20;
        begin(&x, &o);
        for (unsigned i = 0; i < 400; i++) {
            const unsigned what = random_below(&seed, 12);
            int rc = 0;
            if (what < 6)
                rc = say(&x, &x.p.dialler, random_below(&seed, 5), 0);
            else if (what == 6)
                rc = say(&x, &x.p.dialler, random_below(&seed, 5), random_below(&seed, 300000));
            else
                carry_all(&x, random_below(&seed, 60000));
            assert_int_equal(rc, 0);
        }
        conn_pair_run(&x.p);
        end(&x);
    }
}

static void two_senders_and_both_sides_at_once(void **state)
{
    (void)state;
    const struct conn_pair_opts o = {.wanted = 16 << 20};
    struct traffic x;
    begin(&x, &o);
    for (uint32_t n = 0; n < 5; n++) {
        for (uint32_t s = 0; s < 2; s++) {
            assert_int_equal(say(&x, &x.p.dialler, s, 1 << 20), 0);
            assert_int_equal(say(&x, &x.p.dialler, s, 0), 0);
            assert_int_equal(say(&x, &x.p.acceptor, 2 + s, 1 << 20), 0);
            assert_int_equal(say(&x, &x.p.acceptor, 2 + s, 0), 0);
        }
    }
    for (bool moved = true; moved;) {
        moved = carry(&x, &x.p.dialler, &x.p.acceptor, 100000);
        moved = carry(&x, &x.p.acceptor, &x.p.dialler, 70000) || moved;
    }
    assert_int_equal(x.heard_all, 40);
    end(&x);
}

/* A gigabyte under way, and neither small messages nor ticks have to wait for more than a fragment
 * of each. */
static void sixteen_messages_of_64_megabytes_at_once_and_small_ones_and_ticks_between(void **state)
{
    (void)state;
    enum { BIG = 64 << 20, MANY = 16 };
    const struct conn_pair_opts o = {
        .wanted = 256, .message_max = 1 << 20, .out_max = (size_t)1100 << 20};
    struct traffic x;
    begin(&x, &o);
    x.p.acceptor.on_signal = NULL;
    for (uint32_t i = 1; i <= MANY; i++)
        assert_int_equal(say(&x, &x.p.dialler, i, BIG), 0);
    assert_true(nx_conn_queued(x.p.dialler.conn) > (size_t)MANY * BIG);
    size_t pieces = 0;
    while (carry_all(&x, SIZE_MAX)) {
        if (++pieces % 1000 == 0) {
            const unsigned before = x.p.acceptor.signals;
            assert_int_equal(say(&x, &x.p.dialler, 0, 0), 0);
            assert_true(carry_all(&x, SIZE_MAX)); /* what was chosen already */
            carry_all(&x, SIZE_MAX);
            assert_true(x.p.acceptor.signals > before);
        }
        if (pieces % 3000 == 0) {
            const uint64_t ticks = nx_conn_get_stats(x.p.acceptor.conn)->ticks_in;
            x.p.now_ms += 1001; /* a quarter in which nothing was written */
            conn_pair_tick(&x.p);
            for (int i = 0; i < 3; i++)
                assert_true(carry_all(&x, SIZE_MAX));
            carry(&x, &x.p.acceptor, &x.p.dialler, SIZE_MAX);
            assert_int_equal(nx_conn_get_stats(x.p.acceptor.conn)->ticks_in, ticks + 1);
        }
    }
    assert_in_range(x.p.acceptor.signals, MANY + 15, MANY + 60);
    assert_int_equal(x.p.acceptor.last_full > BIG, 1);
    assert_int_equal(x.p.acceptor.err.code, 0);
    for (uint32_t i = 0; i < SENDERS; i++)
        x.heard[i] = x.said[i];
    end(&x);
}

/* ---- limits and memory ---- */

static void out_max_counts_what_waits_in_fragments_too(void **state)
{
    (void)state;
    const struct conn_pair_opts o = {.wanted = 16 << 20, .out_max = 1 << 20};
    struct traffic x;
    begin(&x, &o);
    assert_int_equal(say(&x, &x.p.dialler, 1, 2 << 20), NOEX_ELIMIT); /* no peer could help it */
    assert_int_equal(say(&x, &x.p.dialler, 1, 700000), 0);
    assert_int_equal(say(&x, &x.p.dialler, 2, 400000), NOEX_EUNREAD);
    assert_int_equal(say(&x, &x.p.dialler, 1, 400000), NOEX_EUNREAD);
    int rc = 0;
    while (!rc)
        rc = say(&x, &x.p.dialler, x.said[3] % 5, x.said[3] % 2 ? 10000 : 0);
    assert_int_equal(rc, NOEX_EUNREAD);
    assert_in_range(nx_conn_queued(x.p.dialler.conn), (1 << 20) - 20000, 1 << 20);
    conn_pair_run(&x.p);
    assert_int_equal(say(&x, &x.p.dialler, 1, 700000), 0);
    conn_pair_run(&x.p);
    end(&x);
}

/* At the limit a tick is left out: what waits says the same once the peer reads. */
static void at_the_limit_the_clock_ends_nothing(void **state)
{
    (void)state;
    const struct conn_pair_opts o = {.wanted = 16 << 20, .out_max = 1 << 20};
    struct traffic x;
    begin(&x, &o);
    while (say(&x, &x.p.dialler, 1, 60000) == 0)
        ;
    while (say(&x, &x.p.dialler, 0, 0) == 0)
        ;
    for (int quarter = 0; quarter < 4; quarter++) {
        x.p.now_ms += 1000;
        assert_int_equal(nx_conn_timeout(x.p.dialler.conn, x.p.now_ms, &x.p.dialler.err), 0);
        assert_true(nx_conn_queued(x.p.dialler.conn) <= 1 << 20);
    }
    conn_pair_run(&x.p);
    end(&x);
}

static void out_of_memory_a_message_is_refused_and_those_that_were_accepted_arrive(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        for (int on = 0; on < 2; on++) {
            const struct conn_pair_opts o = {.wanted = 16 << 20};
            struct traffic x;
            begin(&x, &o);
            x.p.alloc.fail_at = x.p.alloc.calls + k;
            x.p.alloc.fail_on = on;
            for (uint32_t i = 0; i < 40; i++) {
                int rc = say(&x, &x.p.dialler, i % 7, i % 3 ? 0 : 70000);
                assert_true(rc == 0 || (rc == NOEX_ENOMEM && x.p.alloc.failed));
            }
            failed = x.p.alloc.failed;
            x.p.alloc.fail_at = 0;
            conn_pair_run(&x.p);
            end(&x);
        }
        assert_true(k < 200);
    }
}

/* What was accepted goes without any: only the other side, which puts it together, needs some. */
static void what_was_accepted_is_sent_without_memory(void **state)
{
    (void)state;
    const struct conn_pair_opts o = {.wanted = 16 << 20};
    struct traffic x;
    struct nx_buf wire;
    begin(&x, &o);
    nx_buf_init(&wire, &nx_alloc_libc, SIZE_MAX);
    for (uint32_t i = 0; i < 30; i++)
        assert_int_equal(say(&x, &x.p.dialler, i % 7, i % 3 ? 0 : 100000), 0);
    x.p.alloc.fail_at = x.p.alloc.calls + 1;
    x.p.alloc.fail_on = true;
    for (struct nx_span out; (out = nx_conn_out(x.p.dialler.conn)).len;) {
        const size_t n = out.len < 33333 ? out.len : 33333;
        assert_int_equal(nx_buf_put(&wire, out.ptr, n), 0);
        nx_conn_sent(x.p.dialler.conn, n, x.p.now_ms);
    }
    assert_int_equal(x.p.alloc.failed, 0);
    x.p.alloc.fail_at = 0;
    conn_end_receive(&x.p, &x.p.acceptor, nx_buf_span(&wire).ptr, nx_buf_len(&wire));
    nx_buf_free(&wire);
    end(&x);
}

static void an_element_that_is_missing_is_told_and_leaves_nothing_behind(void **state)
{
    (void)state;
    static uint8_t big[100000] = {109, 0, 1, 0x86, 0x9b};
    for (unsigned i = 0; i < 4; i++) {
        const struct conn_pair_opts o = opts_of(i * 5);
        struct traffic x;
        begin(&x, &o);
        struct nx_ctrl ctrl = {.op = NX_OP_SEND_SENDER};
        ctrl.arg[NX_ARG_FROM] = nx_conn_self_pid(x.p.dialler.conn);
        struct nx_conn *c = x.p.dialler.conn;
        assert_int_equal(nx_conn_send(c, 1, &ctrl, nx_span("j", 1)), NOEX_EINVALID);
        assert_int_equal(nx_conn_send(c, 1, &ctrl, nx_span(big, sizeof big)), NOEX_EINVALID);
        assert_int_equal(nx_conn_queued(c), 0);
        assert_int_equal(say(&x, &x.p.dialler, 1, 0), 0);
        conn_pair_run(&x.p);
        end(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_arrive_as_they_were_sent_whatever_was_negotiated),
        cmocka_unit_test(L11_every_frame_has_the_header_that_was_negotiated),
        cmocka_unit_test(what_is_more_than_64_kilobytes_goes_in_fragments),
        cmocka_unit_test(a_barrier_and_others_do_not_wait_for_a_big_message),
        cmocka_unit_test(what_a_sender_sends_arrives_in_its_order_and_that_of_others_meanwhile),
        cmocka_unit_test(at_random_everything_arrives_in_the_order_of_its_sender),
        cmocka_unit_test(two_senders_and_both_sides_at_once),
        cmocka_unit_test(sixteen_messages_of_64_megabytes_at_once_and_small_ones_and_ticks_between),
        cmocka_unit_test(out_max_counts_what_waits_in_fragments_too),
        cmocka_unit_test(at_the_limit_the_clock_ends_nothing),
        cmocka_unit_test(out_of_memory_a_message_is_refused_and_those_that_were_accepted_arrive),
        cmocka_unit_test(what_was_accepted_is_sent_without_memory),
        cmocka_unit_test(an_element_that_is_missing_is_told_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
