/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "conn_pair.h"
#include "handshake/dflags.h"
#include <stdlib.h>

static const struct conn_pair_opts plain = {0};

static void init_up(struct conn_pair *p, const struct conn_pair_opts *opts)
{
    assert_true(conn_pair_init(p, opts));
    conn_pair_run(p);
    assert_int_equal(p->dialler.err.code, 0);
    assert_int_equal(p->acceptor.err.code, 0);
    assert_true(nx_conn_is_up(p->dialler.conn) && nx_conn_is_up(p->acceptor.conn));
}

static void done(struct conn_pair *p)
{
    conn_pair_free(p);
    assert_int_equal(p->alloc.live, 0);
}

/* The acceptor tells the dialler of an end with this reason. */
static int send_down(struct conn_pair *p, struct nx_span reason)
{
    static const uint8_t name[] = {119, 1, 'w'};
    uint8_t ref[NX_CONN_REF_SIZE];
    struct nx_ctrl c = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT};
    c.arg[NX_ARG_TARGET] = nx_span(name, sizeof name);
    c.arg[NX_ARG_TO] = nx_conn_self_pid(p->dialler.conn);
    c.arg[NX_ARG_REF] = nx_conn_ref(p->dialler.conn, NX_REF_MONITOR, 3, 4, ref);
    return nx_conn_send(p->acceptor.conn, 0, &c, reason);
}

static void both_roles_come_up_and_know_each_other(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    init_up(&p, &plain);
    assert_int_equal(p.dialler.ups, 1);
    assert_int_equal(p.acceptor.ups, 1);
    assert_string_equal(nx_conn_peer(p.acceptor.conn)->peer_name, "d@host");
    assert_int_equal(nx_conn_peer(p.dialler.conn)->peer_creation, 2002);
    assert_true(nx_conn_has_flag(p.dialler.conn, NX_DFLAGS_MONITOR));
    done(&p);
}

static void a_dynamic_node_gets_its_name_and_its_pid_bears_it(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    const struct conn_pair_opts dynamic = {.dynamic = true};
    struct nx_pid pid;
    init_up(&p, &dynamic);
    assert_true(nx_pid_parse(nx_conn_self_pid(p.dialler.conn), &pid));
    assert_true(nx_span_is(pid.node, "DYN01@host"));
    assert_int_equal(pid.creation, 77);
    done(&p);
}

static void signals_pass_in_both_header_modes_at_every_cut(void **state)
{
    (void)state;
    static const uint8_t reason[] = {104, 2, 119, 4, 'b', 'o', 'o', 'm', 106};
    const uint64_t modes[] = {NX_DFLAGS_OURS, NX_DFLAGS_OURS & ~NX_DFLAG_FRAGMENTS};
    for (int m = 0; m < 2; m++) {
        for (size_t chunk = 0; chunk < 120; chunk++) {
            struct conn_pair p = {0};
            const struct conn_pair_opts o = {.acceptor_flags = modes[m]};
            init_up(&p, &o);
            p.chunk = chunk;
            assert_int_equal(send_down(&p, nx_span(reason, sizeof reason)), 0);
            assert_int_equal(send_down(&p, nx_span(NULL, 0)), 0);
            conn_pair_run(&p);
            assert_int_equal(p.dialler.signals, 1);
            assert_int_equal(p.dialler.last_op, NX_OP_PAYLOAD_MONITOR_P_EXIT);
            assert_memory_equal(nx_buf_span(&p.dialler.last_payload).ptr, reason, sizeof reason);
            assert_int_equal(p.dialler.last_full, sizeof reason);
            assert_int_equal(p.dialler.err.code, NOEX_EPROTOCOL); /* the second had no payload */
            done(&p);
        }
    }
}

static void the_barrier_comes_back_once_and_only_one_is_under_way(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    init_up(&p, &plain);
    p.acceptor.answer_monitors = true;
    assert_int_equal(nx_conn_barrier(p.dialler.conn), 0);
    size_t len = nx_conn_out(p.dialler.conn).len;
    assert_int_equal(nx_conn_barrier(p.dialler.conn), 0);
    assert_int_equal(nx_conn_out(p.dialler.conn).len, len);
    assert_true(nx_conn_barrier_under_way(p.dialler.conn));
    conn_pair_run(&p);
    assert_int_equal(p.dialler.barriers, 1);
    assert_int_equal(p.dialler.signals, 0); /* it is the connection's own */
    assert_false(nx_conn_barrier_under_way(p.dialler.conn));
    assert_int_equal(nx_conn_barrier(p.dialler.conn), 0);
    conn_pair_run(&p);
    assert_int_equal(p.dialler.barriers, 2);
    done(&p);
}

static void a_barrier_that_was_not_asked_for_is_a_plain_signal(void **state)
{
    (void)state;
    static const uint8_t reason[] = {119, 1, 'x'};
    struct conn_pair p = {0};
    init_up(&p, &plain);
    assert_int_equal(send_down(&p, nx_span(reason, sizeof reason)), 0);
    conn_pair_run(&p);
    assert_int_equal(p.dialler.barriers, 0);
    assert_int_equal(p.dialler.signals, 1);
    done(&p);
}

static void a_peer_without_both_monitor_flags_gets_no_barrier(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    const struct conn_pair_opts o = {.acceptor_flags =
                                         NX_DFLAGS_OURS & ~NX_DFLAG_DIST_MONITOR_NAME};
    init_up(&p, &o);
    assert_int_equal(nx_conn_barrier(p.dialler.conn), NOEX_ENOMONITOR);
    assert_int_equal(nx_conn_out(p.dialler.conn).len, 0);
    done(&p);
}

static void references_of_others_and_of_earlier_incarnations_are_not_ours(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    uint8_t bytes[NX_CONN_REF_SIZE];
    uint32_t use, slot, generation;
    init_up(&p, &plain);
    struct nx_span ours = nx_conn_ref(p.dialler.conn, NX_REF_MONITOR, 5, 6, bytes);
    assert_true(nx_conn_own_ref(p.dialler.conn, ours, &use, &slot, &generation));
    assert_true(use == NX_REF_MONITOR && slot == 5 && generation == 6);
    assert_false(nx_conn_own_ref(p.acceptor.conn, ours, &use, &slot, &generation));
    bytes[3 + 2 + 6 + 3] ^= 1; /* the creation's last byte */
    assert_false(nx_conn_own_ref(p.dialler.conn, ours, &use, &slot, &generation));
    done(&p);
}

static void quiet_healthy_ends_tick_and_miss_nothing(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    init_up(&p, &plain);
    p.acceptor.answer_monitors = p.dialler.answer_monitors = true;
    for (int i = 0; i < 6000; i++) {
        p.now_ms += 10;
        conn_pair_tick(&p);
        conn_pair_run(&p);
    }
    assert_int_equal(p.dialler.err.code, 0);
    assert_int_equal(p.dialler.missed + p.acceptor.missed, 0);
    assert_true(nx_conn_get_stats(p.dialler.conn)->ticks_out >= 29);
    done(&p);
}

static void a_silent_peer_is_told_of_quarter_by_quarter_and_then_down(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    init_up(&p, &plain);
    uint64_t start = p.now_ms;
    for (unsigned n = 0; n <= 4; n++) {
        p.now_ms = start + n * 1000;
        conn_pair_tick(&p);
        assert_int_equal(p.dialler.missed, n < 2 ? 0 : n - 1);
        assert_int_equal(p.dialler.err.code, 0);
    }
    assert_true(nx_conn_barrier_under_way(p.dialler.conn)); /* the probe */
    p.now_ms = start + 4999;
    conn_pair_tick(&p);
    assert_int_equal(p.dialler.err.code, 0);
    p.now_ms = start + 5000;
    conn_pair_tick(&p);
    assert_int_equal(p.dialler.err.code, NOEX_ETICKTIMEOUT);
    done(&p);
}

static void a_tick_is_answered_at_once_where_nothing_was_sent(void **state)
{
    (void)state;
    static const uint8_t tick[4] = {0};
    struct conn_pair p = {0};
    init_up(&p, &plain);
    conn_end_receive(&p, &p.dialler, tick, sizeof tick);
    assert_int_equal(nx_conn_out(p.dialler.conn).len, 0); /* the handshake was sent since */
    conn_end_receive(&p, &p.dialler, tick, sizeof tick);
    assert_int_equal(nx_conn_out(p.dialler.conn).len, 4);
    assert_int_equal(nx_conn_get_stats(p.dialler.conn)->ticks_in, 2);
    done(&p);
}

static void half_a_frame_counts_as_a_sign_of_life(void **state)
{
    (void)state;
    static const uint8_t begun[] = {0, 0, 1};
    struct conn_pair p = {0};
    init_up(&p, &plain);
    uint64_t start = p.now_ms;
    p.now_ms = start + 4500;
    conn_end_receive(&p, &p.dialler, begun, 1);
    p.now_ms = start + 5100;
    conn_pair_tick(&p);
    assert_int_equal(p.dialler.err.code, 0);
    done(&p);
}

/* One fragment, from the acceptor's side; the first one (`c` given) begins with the control term.
 */
static void send_fragment(struct conn_pair *p, uint64_t sequence, uint64_t id,
                          const struct nx_ctrl *c, const uint8_t *payload, size_t len)
{
    struct nx_buf b, ctrl;
    nx_buf_init(&b, &p->alloc.a, 64 << 20);
    nx_buf_init(&ctrl, &p->alloc.a, 4096);
    if (c)
        assert_int_equal(nx_ctrl_build(&ctrl, c), 0);
    size_t head = c ? 19 + nx_buf_len(&ctrl) : 18;
    assert_int_equal(nx_buf_put_u32(&b, (uint32_t)(head + len)), 0);
    assert_int_equal(nx_buf_put_u8(&b, 131), 0);
    assert_int_equal(nx_buf_put_u8(&b, c ? 69 : 70), 0);
    assert_int_equal(nx_buf_put_u64(&b, sequence), 0);
    assert_int_equal(nx_buf_put_u64(&b, id), 0);
    if (c) {
        assert_int_equal(nx_buf_put_u8(&b, 0), 0);
        assert_int_equal(nx_buf_put_span(&b, nx_buf_span(&ctrl)), 0);
    }
    assert_int_equal(nx_buf_put(&b, payload, len), 0);
    conn_end_receive(p, &p->dialler, nx_buf_span(&b).ptr, nx_buf_len(&b));
    nx_buf_free(&b);
    nx_buf_free(&ctrl);
}

/* A message in fragments of `size` payload bytes each. */
static void send_fragmented(struct conn_pair *p, const struct nx_ctrl *c, const uint8_t *payload,
                            size_t len, size_t size)
{
    uint64_t fragments = (len + size - 1) / size;
    for (uint64_t id = fragments; id > 0; id--) {
        size_t n = len < size ? len : size;
        send_fragment(p, 9, id, id == fragments ? c : NULL, payload, n);
        payload += n;
        len -= n;
    }
}

static struct nx_span big_binary(size_t len)
{
    uint8_t *bytes = calloc(1, len + 5);
    bytes[0] = 109;
    for (int i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(len >> (24 - 8 * i));
    return nx_span(bytes, len + 5);
}

static struct nx_ctrl down_of(struct conn_pair *p, uint8_t ref[NX_CONN_REF_SIZE])
{
    static const uint8_t name[] = {119, 1, 'w'};
    struct nx_ctrl c = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT};
    c.arg[NX_ARG_TARGET] = nx_span(name, sizeof name);
    c.arg[NX_ARG_TO] = nx_conn_self_pid(p->dialler.conn);
    c.arg[NX_ARG_REF] = nx_conn_ref(p->dialler.conn, NX_REF_MONITOR, 3, 4, ref);
    return c;
}

static void a_reason_in_fragments_arrives_whole(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    uint8_t ref[NX_CONN_REF_SIZE];
    init_up(&p, &plain);
    struct nx_span payload = big_binary(200000);
    struct nx_ctrl c = down_of(&p, ref);
    send_fragmented(&p, &c, payload.ptr, payload.len, 65536);
    assert_int_equal(p.dialler.signals, 1);
    assert_int_equal(p.dialler.last_full, payload.len);
    assert_true(nx_span_eq(nx_buf_span(&p.dialler.last_payload), payload));
    done(&p);
    free((void *)(uintptr_t)payload.ptr);
}

static void a_reason_over_the_limit_is_cut_and_its_length_kept(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    uint8_t ref[NX_CONN_REF_SIZE];
    const struct conn_pair_opts o = {.wanted = 100000};
    init_up(&p, &o);
    struct nx_span payload = big_binary(3000000);
    struct nx_ctrl c = down_of(&p, ref);
    send_fragmented(&p, &c, payload.ptr, payload.len, 65536);
    assert_int_equal(p.dialler.err.code, 0);
    assert_int_equal(p.dialler.signals, 1);
    assert_int_equal(p.dialler.last_full, payload.len);
    assert_int_equal(nx_buf_len(&p.dialler.last_payload), 100000);
    done(&p);
    free((void *)(uintptr_t)payload.ptr);
}

static void a_reason_over_the_limit_nests_no_deeper_than_another(void **state)
{
    (void)state;
    enum { SIZE = 300000, LIMIT = 100000, DEEPEST = 2 * 1024 };
    struct conn_pair p = {0};
    uint8_t ref[NX_CONN_REF_SIZE], *bytes = malloc(SIZE);
    const struct conn_pair_opts o = {.wanted = LIMIT};
    init_up(&p, &o);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = i % 2 ? 1 : 104;
    struct nx_ctrl c = down_of(&p, ref);
    send_fragmented(&p, &c, bytes, SIZE, 65536);
    assert_int_equal(p.dialler.signals, 1);
    assert_int_equal(p.dialler.last_full, SIZE);
    assert_int_equal(nx_buf_len(&p.dialler.last_payload), DEEPEST);
    done(&p);
    free(bytes);
}

static void a_storm_of_large_reasons_is_cut_by_the_budget_and_ends_nothing(void **state)
{
    (void)state;
    enum { DOWNS = 300, SIZE = 60000 };
    struct conn_pair p = {0};
    uint8_t ref[NX_CONN_REF_SIZE];
    const struct conn_pair_opts o = {.message_max = 1 << 20}; /* of all that is under way */
    init_up(&p, &o);
    struct nx_span payload = big_binary(2 * SIZE - 5);
    struct nx_ctrl c = down_of(&p, ref);
    for (uint64_t i = 0; i < DOWNS; i++)
        send_fragment(&p, i, 2, &c, payload.ptr, SIZE);
    for (uint64_t i = 0; i < DOWNS; i++)
        send_fragment(&p, i, 1, NULL, payload.ptr + SIZE, SIZE);
    assert_int_equal(p.dialler.err.code, 0);
    assert_int_equal(p.dialler.signals, DOWNS);
    assert_int_equal(p.dialler.last_full, payload.len);
    assert_int_equal(nx_buf_len(&p.dialler.last_payload), 256); /* enough to tell its type */
    done(&p);
    free((void *)(uintptr_t)payload.ptr);
}

static void an_unknown_opcode_is_counted_and_skipped(void **state)
{
    (void)state;
    static const uint8_t unknown[] = {0, 0, 0, 8, 131, 68, 0, 104, 1, 97, 99, 0};
    static const uint8_t reason[] = {119, 1, 'x'};
    struct conn_pair p = {0};
    init_up(&p, &plain);
    conn_end_receive(&p, &p.dialler, unknown, sizeof unknown);
    assert_int_equal(p.dialler.err.code, 0);
    assert_int_equal(nx_conn_get_stats(p.dialler.conn)->unknown_ops, 1);
    assert_int_equal(send_down(&p, nx_span(reason, sizeof reason)), 0);
    conn_pair_run(&p);
    assert_int_equal(p.dialler.signals, 1);
    done(&p);
}

/* Protocol.md 6.1: real nodes ignore it too. */
static void bytes_behind_a_signal_without_payload_do_not_count(void **state)
{
    (void)state;
    static const uint8_t head[][3] = {{112, 131}, {131, 68, 0}};
    static const uint64_t flags[] = {
        NX_DFLAGS_OURS & ~(NX_DFLAG_FRAGMENTS | NX_DFLAG_DIST_HDR_ATOM_CACHE), NX_DFLAGS_OURS};
    static const uint8_t behind[] = {255, 0, 1, 2};
    for (size_t m = 0; m < 2; m++) {
        struct conn_pair p = {0};
        const struct conn_pair_opts o = {.acceptor_flags = flags[m]};
        init_up(&p, &o);
        struct nx_ctrl c = {.op = NX_OP_LINK};
        c.arg[NX_ARG_FROM] = nx_conn_self_pid(p.acceptor.conn);
        c.arg[NX_ARG_TO] = nx_conn_self_pid(p.dialler.conn);
        struct nx_buf b;
        nx_buf_init(&b, &p.alloc.a, 1 << 16);
        assert_int_equal(nx_buf_put_u32(&b, 0), 0);
        assert_int_equal(nx_buf_put(&b, head[m], 2 + m), 0);
        assert_int_equal(nx_ctrl_build(&b, &c), 0);
        assert_int_equal(nx_buf_put(&b, behind, sizeof behind), 0);
        nx_put_u32(b.data, (uint32_t)(nx_buf_len(&b) - 4));
        conn_end_receive(&p, &p.dialler, b.data, nx_buf_len(&b));
        assert_int_equal(p.dialler.err.code, 0);
        assert_int_equal(p.dialler.signals, 1);
        nx_buf_free(&b);
        done(&p);
    }
}

static void what_breaks_the_protocol_closes_with_its_cause(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[24];
        size_t len;
        int code;
    } cases[] = {
        {{0xff, 0xff, 0xff, 0xff}, 4, NOEX_ETOOBIG},
        {{0, 0, 0, 3, 112, 131, 97}, 7, NOEX_EPROTOCOL},    /* pass-through was not negotiated */
        {{0, 0, 0, 3, 131, 68, 1}, 7, NOEX_EPROTOCOL},      /* a cache reference */
        {{0, 0, 0, 4, 131, 68, 0, 106}, 8, NOEX_EPROTOCOL}, /* no tuple */
        {{0, 0, 0, 5, 131, 68, 0, 104, 4}, 9, NOEX_ETERM},  /* cut */
        {{0, 0, 0, 9, 131, 68, 0, 104, 4, 97, 19, 97, 1}, 13, NOEX_EPROTOCOL}, /* no pid */
        {{0, 0, 0, 9, 131, 68, 0, 104, 2, 97, 19, 97, 1}, 13, NOEX_EPROTOCOL}, /* arity */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conn_pair p = {0};
        init_up(&p, &plain);
        conn_end_receive(&p, &p.dialler, cases[i].bytes, cases[i].len);
        if (p.dialler.err.code != cases[i].code)
            fail_msg("case %zu: %s: %s", i, noex_error_name(p.dialler.err.code),
                     p.dialler.err.text);
        assert_true(p.dialler.err.text[0] != '\0');
        done(&p);
    }
}

static void a_malformed_payload_closes_before_anybody_sees_it(void **state)
{
    (void)state;
    static const uint8_t malformed[] = {104, 2, 97, 1};
    struct conn_pair p = {0};
    init_up(&p, &plain);
    assert_int_equal(send_down(&p, nx_span(malformed, sizeof malformed)), 0);
    conn_pair_run(&p);
    assert_int_equal(p.dialler.err.code, NOEX_ETERM);
    assert_int_equal(p.dialler.signals, 0);
    done(&p);
}

static void the_end_means_what_the_step_makes_it_mean(void **state)
{
    (void)state;
    static const uint8_t begun[] = {0, 0, 1};
    struct conn_pair p = {0};
    struct noex_error err = {0};
    assert_true(conn_pair_init(&p, &plain));
    assert_int_equal(nx_conn_eof(p.dialler.conn, &err), NOEX_ECLOSED);
    done(&p);
    p = (struct conn_pair){0};
    init_up(&p, &plain);
    err.code = 0;
    assert_int_equal(nx_conn_eof(p.dialler.conn, &err), NOEX_ECLOSED);
    conn_end_receive(&p, &p.dialler, begun, sizeof begun);
    err.code = 0;
    assert_int_equal(nx_conn_eof(p.dialler.conn, &err), NOEX_ECLOSED);
    assert_non_null(strstr(err.text, "middle of a frame"));
    done(&p);
}

static void a_wrong_cookie_ends_both_sides_with_it(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    const struct conn_pair_opts o = {.acceptor_cookie = "other"};
    assert_true(conn_pair_init(&p, &o));
    conn_pair_run(&p);
    assert_int_equal(p.acceptor.err.code, NOEX_ECOOKIE);
    assert_int_equal(nx_conn_eof(p.dialler.conn, &p.dialler.err), NOEX_ECOOKIE);
    assert_null(strstr(p.dialler.err.text, "other"));
    done(&p);
}

static void a_peer_that_does_not_read_ends_at_out_max(void **state)
{
    (void)state;
    struct conn_pair p = {0};
    init_up(&p, &plain);
    struct nx_span big = big_binary(1 << 20);
    int rc = 0, sent = 0;
    for (; !rc && sent < 100; sent++)
        rc = send_down(&p, big);
    assert_int_equal(rc, NOEX_EUNREAD);
    assert_in_range(sent, 60, 65);
    conn_pair_run(&p); /* what was queued is whole all the same */
    assert_int_equal(p.dialler.signals, sent - 1);
    done(&p);
    free((void *)(uintptr_t)big.ptr);
}

static void every_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    static const uint8_t reason[] = {119, 1, 'x'};
    size_t calls = 1000;
    for (int on = 0; on < 2; on++) {
        for (size_t k = 1; k <= calls; k++) {
            struct conn_pair p = {0};
            alloc_test_init(&p.alloc);
            p.alloc.fail_at = k;
            p.alloc.fail_on = on;
            bool made = conn_pair_init(&p, &plain);
            if (made)
                conn_pair_run(&p);
            if (made && nx_conn_is_up(p.acceptor.conn) && nx_conn_is_up(p.dialler.conn)) {
                int rc = send_down(&p, nx_span(reason, sizeof reason));
                assert_true(rc == 0 || rc == NOEX_ENOMEM);
                conn_pair_run(&p);
            }
            int code = p.dialler.err.code ? p.dialler.err.code : p.acceptor.err.code;
            assert_true(code == 0 || code == NOEX_ENOMEM);
            bool failed = p.alloc.failed != 0;
            calls = failed ? calls : 0;
            done(&p);
        }
        calls = 1000;
    }
}

/* Both buffers were large and were given back: what is left must do. */
static void a_connection_that_is_up_reads_and_ticks_without_memory(void **state)
{
    (void)state;
    static const uint8_t small[] = {119, 1, 'x'};
    struct conn_pair p = {0};
    struct nx_span big = big_binary(3 << 20);
    init_up(&p, &plain);
    assert_int_equal(send_down(&p, big), 0);
    conn_pair_run(&p);
    p.alloc.fail_at = 1;
    p.alloc.fail_on = true;
    for (int quarter = 0; quarter < 40; quarter++) {
        p.now_ms += 1000;
        conn_pair_tick(&p);
        p.chunk = quarter % 2 ? 7 : 0; /* frames come in pieces, too */
        conn_pair_run(&p);
        unsigned before = p.dialler.signals;
        assert_int_equal(send_down(&p, nx_span(small, sizeof small)), 0);
        conn_pair_run(&p);
        assert_int_equal(p.dialler.signals, before + 1);
    }
    assert_int_equal(p.dialler.err.code, 0);
    assert_int_equal(p.acceptor.err.code, 0);
    assert_int_equal(p.dialler.missed + p.acceptor.missed, 0);
    assert_true(nx_conn_get_stats(p.dialler.conn)->ticks_out > 10);
    done(&p);
    free((void *)(uintptr_t)big.ptr);
}

/* Nothing is read at the other end, and there is no memory to queue more. */
static void without_memory_a_tick_behind_other_bytes_is_left_out(void **state)
{
    (void)state;
    static const uint8_t small[] = {119, 1, 'x'};
    struct conn_pair p = {0};
    init_up(&p, &plain);
    p.alloc.fail_at = 1;
    p.alloc.fail_on = true;
    while (send_down(&p, nx_span(small, sizeof small)) == 0)
        ;
    size_t waiting = nx_conn_out(p.acceptor.conn).len;
    for (int quarter = 0; quarter < 4; quarter++) {
        p.now_ms += 1000;
        assert_int_equal(nx_conn_timeout(p.acceptor.conn, p.now_ms, &p.acceptor.err), 0);
    }
    assert_int_equal(p.acceptor.err.code, 0);
    assert_true(nx_conn_out(p.acceptor.conn).len < waiting + 100);
    conn_pair_run(&p);
    assert_int_equal(p.dialler.err.code, 0);
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roles_come_up_and_know_each_other),
        cmocka_unit_test(a_dynamic_node_gets_its_name_and_its_pid_bears_it),
        cmocka_unit_test(signals_pass_in_both_header_modes_at_every_cut),
        cmocka_unit_test(the_barrier_comes_back_once_and_only_one_is_under_way),
        cmocka_unit_test(a_barrier_that_was_not_asked_for_is_a_plain_signal),
        cmocka_unit_test(a_peer_without_both_monitor_flags_gets_no_barrier),
        cmocka_unit_test(references_of_others_and_of_earlier_incarnations_are_not_ours),
        cmocka_unit_test(quiet_healthy_ends_tick_and_miss_nothing),
        cmocka_unit_test(a_silent_peer_is_told_of_quarter_by_quarter_and_then_down),
        cmocka_unit_test(a_tick_is_answered_at_once_where_nothing_was_sent),
        cmocka_unit_test(half_a_frame_counts_as_a_sign_of_life),
        cmocka_unit_test(a_reason_in_fragments_arrives_whole),
        cmocka_unit_test(a_reason_over_the_limit_is_cut_and_its_length_kept),
        cmocka_unit_test(a_reason_over_the_limit_nests_no_deeper_than_another),
        cmocka_unit_test(a_storm_of_large_reasons_is_cut_by_the_budget_and_ends_nothing),
        cmocka_unit_test(an_unknown_opcode_is_counted_and_skipped),
        cmocka_unit_test(bytes_behind_a_signal_without_payload_do_not_count),
        cmocka_unit_test(what_breaks_the_protocol_closes_with_its_cause),
        cmocka_unit_test(a_malformed_payload_closes_before_anybody_sees_it),
        cmocka_unit_test(the_end_means_what_the_step_makes_it_mean),
        cmocka_unit_test(a_wrong_cookie_ends_both_sides_with_it),
        cmocka_unit_test(a_peer_that_does_not_read_ends_at_out_max),
        cmocka_unit_test(a_connection_that_is_up_reads_and_ticks_without_memory),
        cmocka_unit_test(without_memory_a_tick_behind_other_bytes_is_left_out),
        cmocka_unit_test(every_failing_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
