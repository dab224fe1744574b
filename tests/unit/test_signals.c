/* SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"

#include "node/peer.h"
#include "term/ident.h"

/* What the node sends: in which form, when, in which order, and how much of it may wait. */

static struct bench b;
static struct noex_pid srv;

static void open_with(uint64_t flags)
{
    bench_citizen(&b, flags);
    srv = bench_process(&b, "srv", false);
}

static void open_plain(void)
{
    open_with(NX_DFLAGS_OURS);
}

/* A node that is not connected to its fake. */
static void open_apart(void)
{
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, NULL);
    srv = bench_process(&b, "srv", false);
}

static int send_to(const struct noex_pid *from, struct noex_target to, struct nx_span message)
{
    return noex_send(b.node, from, &to, term_of(message));
}

static struct nx_span their_pid(void)
{
    return raw_their_pid(&b, 0, 9);
}

/* The pid by which the node itself sends. */
static struct nx_span own_pid(void)
{
    const struct noex_pid kernel = {1, 1, srv.creation};
    return raw_pid(&b, &kernel);
}

/* Sends numbered messages until some wait here; how many. */
static uint32_t fill_until_some_wait(void)
{
    enum { SIZE = 16 * 1024 };
    static uint8_t bytes[SIZE] = {109, 0, 0, (SIZE - 5) >> 8, (SIZE - 5) & 255};
    uint32_t n = 0;
    while (!b.node->peers.list[0]->outbox.first) {
        memcpy(bytes + 5, &n, sizeof n);
        assert_int_equal(send_to(&srv, there(&b, 0, 9), nx_span(bytes, sizeof bytes)), 0);
        bench_step(&b);
        n++;
    }
    assert_true(n < FAKE_SIGNALS_MAX - 10);
    return n;
}

/* ---- forms ---- */

static void a_message_goes_in_the_form_that_the_peer_knows(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        for (int from = 0; from < 2; from++) {
            open_with(old ? NX_DFLAGS_OURS & ~NX_DFLAG_SEND_SENDER : NX_DFLAGS_OURS);
            const struct noex_pid *sender = from ? &srv : NULL;
            struct nx_span sender_raw = from ? raw_pid(&b, &srv) : own_pid();
            assert_int_equal(send_to(sender, there(&b, 0, 9), raw_int(1)), 0);
            assert_int_equal(send_to(sender, name_there(&b, 0, "reg"), raw_int(2)), 0);
            bench_settle(&b);
            EXPECT_SIGNALS(&b, 0, old ? NX_OP_SEND : NX_OP_SEND_SENDER, NX_OP_REG_SEND);
            const struct fake_signal *by_pid = &b.beam[0].signal[0], *by_name = by_pid + 1;
            assert_span(fake_signal_arg(by_pid, NX_ARG_TO), their_pid());
            if (!old)
                assert_span(fake_signal_arg(by_pid, NX_ARG_FROM), sender_raw);
            assert_span(fake_signal_payload(by_pid), raw_int(1));
            assert_span(fake_signal_arg(by_name, NX_ARG_NAME), raw_atom("reg"));
            assert_span(fake_signal_arg(by_name, NX_ARG_FROM), sender_raw);
            assert_span(fake_signal_payload(by_name), raw_int(2));
            bench_close(&b);
        }
    }
}

static void an_exit_signal_has_its_reason_where_the_peer_looks_for_it(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        open_with(old ? NX_DFLAGS_OURS & ~NX_DFLAG_EXIT_PAYLOAD : NX_DFLAGS_OURS);
        struct noex_target t = there(&b, 0, 9);
        assert_int_equal(noex_exit(b.node, &srv, &t, term_of(raw_atom("boom"))), 0);
        bench_settle(&b);
        const struct fake_signal *s =
            bench_only_signal(&b, 0, old ? NX_OP_EXIT2 : NX_OP_PAYLOAD_EXIT2);
        assert_span(fake_signal_arg(s, NX_ARG_FROM), raw_pid(&b, &srv));
        assert_span(fake_signal_arg(s, NX_ARG_TO), their_pid());
        assert_span(old ? fake_signal_arg(s, NX_ARG_REASON) : fake_signal_payload(s),
                    raw_atom("boom"));
        bench_close(&b);
    }
}

static void a_printed_pid_is_of_the_incarnation_that_is_there(void **state)
{
    (void)state;
    open_plain();
    struct noex_target t = there(&b, 0, 9);
    t.pid.creation = 0;
    assert_int_equal(send_to(&srv, t, raw_int(1)), 0);
    bench_settle(&b);
    assert_span(fake_signal_arg(bench_only_signal(&b, 0, NX_OP_SEND_SENDER), NX_ARG_TO),
                their_pid());
    t.pid.id = 32768; /* not every release could decode it, which would close the connection */
    assert_int_equal(send_to(&srv, t, raw_int(1)), NOEX_ETARGET);
    t.pid = (struct noex_pid){9, 8192, 0};
    assert_int_equal(send_to(&srv, t, raw_int(1)), NOEX_ETARGET);
    t.pid = (struct noex_pid){32768, 8192, b.beam[0].opts.creation}; /* it named it itself */
    assert_int_equal(send_to(&srv, t, raw_int(1)), 0);
    bench_close(&b);
}

/* ---- nodes that are not connected ---- */

static void what_is_sent_to_a_node_connects_to_it_and_goes_in_order_when_it_is_up(void **state)
{
    (void)state;
    open_apart();
    struct noex_target t = there(&b, 0, 9);
    assert_int_equal(send_to(&srv, t, raw_int(1)), 0);
    assert_int_equal(send_to(NULL, name_there(&b, 0, "reg"), raw_int(2)), 0);
    assert_int_equal(noex_link(b.node, &srv, &t), 0);
    assert_int_equal(noex_exit(b.node, &srv, &t, term_of(raw_atom("boom"))), 0);
    assert_int_equal(noex_unlink(b.node, &srv, &t), 0);
    assert_int_equal(send_to(&srv, t, raw_int(3)), 0);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    EXPECT_EVENTS(&b, UP);
    EXPECT_SIGNALS(&b, 0, NX_OP_SEND_SENDER, NX_OP_REG_SEND, NX_OP_LINK, NX_OP_PAYLOAD_EXIT2,
                   NX_OP_UNLINK_ID, NX_OP_SEND_SENDER);
    assert_span(fake_signal_payload(&b.beam[0].signal[0]), raw_int(1));
    assert_span(fake_signal_arg(&b.beam[0].signal[1], NX_ARG_FROM), own_pid());
    assert_span(fake_signal_payload(&b.beam[0].signal[5]), raw_int(3));
    bench_close(&b);
}

static void
what_waits_for_a_node_that_cannot_be_reached_is_lost_and_later_things_are_not(void **state)
{
    (void)state;
    open_apart();
    fake_beam_refuse(&b.beam[0]);
    assert_int_equal(send_to(&srv, there(&b, 0, 9), raw_int(1)), 0);
    bench_until(&b, FAILED, 1);
    bench_settle(&b);
    EXPECT_EVENTS(&b, FAILED); /* ONCE: no attempt more */
    fake_beam_listen(&b.beam[0]);
    assert_int_equal(send_to(&srv, there(&b, 0, 9), raw_int(2)), 0);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_span(fake_signal_payload(bench_only_signal(&b, 0, NX_OP_SEND_SENDER)), raw_int(2));
    bench_close(&b);
}

static void a_loss_loses_what_waits_and_what_is_sent_then_connects_anew(void **state)
{
    (void)state;
    open_plain();
    b.beam[0].paused = true;
    fill_until_some_wait();
    fake_beam_hang_up(&b.beam[0], true);
    bench_until(&b, DOWN, 1);
    b.beam[0].paused = false;
    bench_forget_signals(&b, 0);
    assert_int_equal(send_to(&srv, there(&b, 0, 9), raw_int(2)), 0);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_span(fake_signal_payload(bench_only_signal(&b, 0, NX_OP_SEND_SENDER)), raw_int(2));
    bench_close(&b);
}

static void a_printed_pid_of_a_node_that_is_not_up_cannot_be_told_apart(void **state)
{
    (void)state;
    open_apart();
    struct noex_target t = there(&b, 0, 9);
    t.pid.creation = 0;
    assert_int_equal(send_to(&srv, t, raw_int(1)), NOEX_ETARGET);
    assert_non_null(strstr(noex_node_error(b.node)->text, "creation"));
    bench_for(&b, 20);
    assert_int_equal(b.seen_count, 0); /* nor is it connected to */
    bench_close(&b);
}

static void a_node_without_a_name_sends_by_the_name_that_it_is_given(void **state)
{
    (void)state;
    struct nx_pid from;
    bench_init(&b);
    b.options.name = NULL;
    bench_open(&b);
    bench_beam(&b, NULL);
    assert_int_equal(send_to(NULL, there(&b, 0, 9), raw_int(1)), 0);
    assert_int_equal(send_to(NULL, name_there(&b, 0, "reg"), raw_int(2)), 0);
    bench_until(&b, UP, 1);
    assert_int_equal(send_to(NULL, there(&b, 0, 9), raw_int(3)), 0);
    bench_settle(&b);
    EXPECT_SIGNALS(&b, 0, NX_OP_SEND_SENDER, NX_OP_REG_SEND, NX_OP_SEND_SENDER);
    for (int i = 0; i < 3; i++) {
        assert_true(nx_pid_parse(fake_signal_arg(&b.beam[0].signal[i], NX_ARG_FROM), &from));
        assert_memory_equal(from.node.ptr, "DYN", 3);
        assert_span(fake_signal_payload(&b.beam[0].signal[i]), raw_int(i + 1));
    }
    bench_close(&b);
}

/* ---- a peer that does not read, or reads slowly ---- */

enum { KB = 1024, OUT_HIGH = 64 * KB, OUT_MAX = 512 * KB };

static uint8_t kilobyte[KB] = {109, 0, 0, (KB - 5) >> 8, (KB - 5) & 255};

static void open_small_with(bool eager_reads)
{
    bench_init(&b);
    b.options.out_high = OUT_HIGH;
    b.options.out_max = OUT_MAX;
    b.options.eager_reads = eager_reads;
    bench_open(&b);
    bench_beam(&b, &(struct fake_beam_opts){.rcvbuf = 4096});
    bench_connect(&b, 0);
    bench_forget(&b);
    srv = bench_process(&b, "srv", false);
    b.beam[0].no_record = true;
}

static void open_small(void)
{
    open_small_with(false);
}

static void number(uint32_t n)
{
    memcpy(kilobyte + 5, &n, sizeof n);
}

/* Sends numbered kilobytes until no more are taken; how many were. */
static uint32_t fill(void)
{
    uint32_t n = 0;
    int rc = 0;
    while (!rc && n < 100 * KB) {
        number(n);
        rc = send_to(&srv, there(&b, 0, 9), nx_span(kilobyte, sizeof kilobyte));
        n += rc == 0;
        if (!rc && n % 16 == 0)
            bench_step(&b);
    }
    assert_int_equal(rc, NOEX_EUNREAD);
    assert_non_null(strstr(noex_node_error(b.node)->text, "does not read"));
    return n;
}

static void
X20_what_a_peer_does_not_read_is_bounded_and_refused_and_it_stays_connected(void **state)
{
    (void)state;
    open_small();
    b.beam[0].paused = true;
    size_t before = b.alloc.bytes;
    uint32_t n = fill();
    assert_true(n > OUT_MAX / KB / 2);
    assert_true(b.alloc.peak - before < 3 * OUT_MAX);
    struct noex_target t = there(&b, 0, 9);
    assert_int_equal(noex_exit(b.node, &srv, &t, term_of(nx_span(kilobyte, sizeof kilobyte))),
                     NOEX_EUNREAD);
    bench_for(&b, 20);
    assert_int_equal(b.count[DOWN], 0);
    b.beam[0].paused = false;
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_SEND_SENDER], n);
    assert_int_equal(send_to(&srv, there(&b, 0, 9), nx_span(kilobyte, sizeof kilobyte)), 0);
    assert_in_range(b.max_out, 1, OUT_MAX);
    bench_close(&b);
}

static void a_link_is_refused_like_a_message_and_then_is_none(void **state)
{
    (void)state;
    open_small();
    b.beam[0].paused = true;
    fill();
    struct noex_target t = there(&b, 0, 9);
    int rc = 0;
    for (uint32_t id = 100; !rc && id < 1000; id++) { /* a LINK is smaller than a kilobyte */
        t.pid.id = id;
        rc = noex_link(b.node, &srv, &t);
    }
    assert_int_equal(rc, NOEX_EUNREAD);
    b.beam[0].paused = false;
    bench_settle(&b);
    SAY(&b, 0, NX_OP_PAYLOAD_EXIT, raw_atom("boom"), [NX_ARG_FROM] = raw_their_pid(&b, 0, t.pid.id),
        [NX_ARG_TO] = raw_pid(&b, &srv));
    bench_settle(&b);
    assert_true(noex_process_is_alive(b.node, &srv));
    bench_close(&b);
}

static void what_alone_is_more_than_out_max_is_refused_for_that(void **state)
{
    (void)state;
    enum { FITS = OUT_MAX - 2 * KB };
    static uint8_t big[OUT_MAX] = {109, 0, (OUT_MAX - 5) >> 16, ((OUT_MAX - 5) >> 8) & 255,
                                   (OUT_MAX - 5) & 255};
    static const uint8_t fits[] = {109, 0, (FITS - 5) >> 16, ((FITS - 5) >> 8) & 255,
                                   (FITS - 5) & 255};
    open_small();
    assert_int_equal(send_to(&srv, there(&b, 0, 9), nx_span(big, sizeof big)), NOEX_ELIMIT);
    assert_non_null(strstr(noex_node_error(b.node)->text, "out_max"));
    memcpy(big, fits, sizeof fits);
    assert_int_equal(send_to(&srv, there(&b, 0, 9), nx_span(big, FITS)), 0);
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_SEND_SENDER], 1);
    assert_int_equal(b.count[DOWN], 0);
    bench_close(&b);
}

static void a_long_message_waits_until_there_is_room_for_it(void **state)
{
    (void)state;
    enum { LONG = OUT_MAX - 100 * KB };
    static uint8_t big[LONG] = {109, 0, (LONG - 5) >> 16, ((LONG - 5) >> 8) & 255,
                                (LONG - 5) & 255};
    open_small();
    b.beam[0].no_record = false;
    b.beam[0].paused = true;
    const struct nx_peer *p = b.node->peers.list[0];
    uint32_t n = fill_until_some_wait();
    while (nx_peer_queued(p) > 90 * KB) { /* a little is read */
        b.beam[0].paused = false;
        b.beam[0].read_max = 4 * KB;
        bench_step(&b);
    }
    b.beam[0].paused = true;
    assert_int_equal(send_to(&srv, there(&b, 0, 9), nx_span(big, sizeof big)), 0);
    assert_int_equal(send_to(&srv, there(&b, 0, 9), raw_int(7)), 0);
    bench_for(&b, 120);
    b.beam[0].paused = false;
    b.beam[0].read_max = 0;
    bench_settle(&b);
    assert_int_equal(b.count[DOWN], 0);
    assert_int_equal(b.beam[0].signals, n + 2);
    assert_int_equal(fake_signal_payload(&b.beam[0].signal[n]).len, sizeof big);
    assert_span(fake_signal_payload(&b.beam[0].signal[n + 1]), raw_int(7));
    bench_close(&b);
}

static void what_waits_goes_in_its_order_with_links_ends_and_monitors(void **state)
{
    (void)state;
    open_small();
    b.beam[0].no_record = false;
    b.beam[0].paused = true;
    struct noex_target t = there(&b, 0, 9);
    uint32_t n = fill_until_some_wait();
    assert_int_equal(noex_link(b.node, &srv, &t), 0);
    assert_int_equal(send_to(&srv, t, raw_int(1)), 0);
    assert_int_equal(noex_exit(b.node, &srv, &t, term_of(raw_int(2))), 0);
    b.beam[0].all_alive = true;
    bench_monitor_name(&b, 0, "x", NULL);
    assert_int_equal(noex_process_exit(b.node, &srv, term_of(raw_atom("boom"))), 0);
    b.beam[0].paused = false;
    bench_until(&b, M_UP, 1);
    bench_settle(&b);
    const enum nx_op order[] = {NX_OP_LINK, NX_OP_SEND_SENDER, NX_OP_PAYLOAD_EXIT2,
                                NX_OP_PAYLOAD_EXIT, NX_OP_MONITOR_P};
    assert_true(b.beam[0].signals >= n + 5);
    for (uint32_t i = 0; i < n; i++)
        assert_memory_equal(fake_signal_payload(&b.beam[0].signal[i]).ptr + 5, &i, sizeof i);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(b.beam[0].signal[n + i].op, order[i]);
    bench_close(&b);
}

static void a_queue_that_gets_long_is_told_and_that_it_is_short_again(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        b.pull = pull;
        b.options.out_high = OUT_HIGH;
        b.options.out_max = OUT_MAX;
        bench_open(&b);
        bench_beam(&b, &(struct fake_beam_opts){.rcvbuf = 4096})->no_record = true;
        bench_connect(&b, 0);
        bench_forget(&b);
        srv = bench_process(&b, "srv", false);
        for (int round = 1; round < 3; round++) {
            b.beam[0].paused = true;
            fill();
            bench_until(&b, Q_HIGH, (size_t)round);
            bench_for(&b, 10);
            b.beam[0].paused = false;
            bench_until(&b, Q_LOW, (size_t)round);
        }
        bench_settle(&b);
        EXPECT_EVENTS(&b, Q_HIGH, Q_LOW, Q_HIGH, Q_LOW);
        assert_string_equal(b.seen[0].node, b.beam[0].name);
        b.beam[0].paused = true; /* what nobody was told of while it lasted is not told */
        fill();
        fake_beam_hang_up(&b.beam[0], true);
        bench_until(&b, DOWN, 1);
        bench_settle(&b);
        assert_int_equal(b.count[Q_LOW], 2);
        bench_close(&b);
    }
}

/* ---- what a peer has a right to be told ---- */

enum { MANY = 100000 };

static void say_monitor(struct nx_span target, uint32_t ref)
{
    SAY(&b, 0, NX_OP_MONITOR_P, no_payload, [NX_ARG_FROM] = their_pid(), [NX_ARG_TARGET] = target,
        [NX_ARG_REF] = raw_their_ref(&b, 0, ref));
}

static void a_mass_end_of_100000_is_told_to_a_slow_peer_that_is_well_without_being_cut(void **state)
{
    (void)state;
    struct noex_pid first = {0, 0, 0};
    open_small();
    b.no_keep = true;
    for (uint32_t i = 0; i < MANY; i++) {
        struct noex_pid pid = bench_process(&b, NULL, false);
        first = i ? first : pid;
        struct noex_target t = here(&b, &first);
        if (i)
            assert_int_equal(noex_link(b.node, &pid, &t), 0);
        say_monitor(raw_pid(&b, &pid), i);
        if (i % 1000 == 999)
            bench_step(&b);
    }
    bench_settle(&b);
    bench_forget_signals(&b, 0);
    b.beam[0].read_max = 16 * KB;
    assert_int_equal(noex_process_exit(b.node, &first, term_of(raw_atom("boom"))), 0);
    /* Meanwhile it asks and is answered. */
    for (uint32_t i = 0; i < 100; i++)
        say_monitor(raw_atom("nobody"), MANY + i);
    SAY(&b, 0, NX_OP_REG_SEND,
        RAW_TUPLE(raw_atom("$gen_call"), RAW_TUPLE(their_pid(), raw_their_ref(&b, 0, 1)),
                  RAW_TUPLE(raw_atom("is_auth"), raw_atom("x"))),
        [NX_ARG_FROM] = their_pid(), [NX_ARG_NAME] = raw_atom("net_kernel"));
    bench_for(&b, 100);
    b.beam[0].read_max = 0;
    bench_until(&b, P_END, MANY);
    bench_settle(&b);
    assert_int_equal(b.count[DOWN], 0);
    assert_int_equal(b.beam[0].ops[NX_OP_PAYLOAD_MONITOR_P_EXIT], MANY + 100);
    assert_int_equal(b.beam[0].ops[NX_OP_SEND_SENDER], 1);
    assert_in_range(b.max_out, 1, OUT_MAX);
    bench_close(&b);
}

static void a_long_reason_is_kept_once_though_hundreds_watch(void **state)
{
    (void)state;
    enum { WATCHERS = 250, LONG = 200 * KB };
    static uint8_t big[LONG] = {109, 0, (LONG - 5) >> 16, ((LONG - 5) >> 8) & 255,
                                (LONG - 5) & 255};
    open_small();
    for (uint32_t i = 0; i < WATCHERS; i++)
        say_monitor(raw_pid(&b, &srv), i);
    bench_settle(&b);
    b.beam[0].paused = true;
    size_t before = b.alloc.bytes;
    assert_int_equal(noex_process_exit(b.node, &srv, term_of(nx_span(big, sizeof big))), 0);
    bench_for(&b, 20);
    assert_true(b.alloc.peak < before + 4 * OUT_MAX);
    assert_int_equal(b.count[DOWN], 0);
    b.beam[0].paused = false;
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_PAYLOAD_MONITOR_P_EXIT], WATCHERS);
    bench_close(&b);
}

/* Eager, or a storm of monitors is read so many at once that nobody sees the queue before it is
 * full. */
static void a_peer_that_asks_and_asks_and_reads_no_answer_is_given_up(void **state)
{
    (void)state;
    for (int ask = 0; ask < 4; ask++) {
        open_small_with(true);
        b.beam[0].paused = true;
        uint64_t end = bench_clock() + 20000;
        while (!b.count[DOWN] && bench_clock() < end) {
            for (uint32_t i = 0; i < 500; i++) {
                if (ask == 0)
                    SAY(&b, 0, NX_OP_LINK, no_payload, [NX_ARG_FROM] = their_pid(),
                        [NX_ARG_TO] = raw_pid(&b, &(struct noex_pid){77, 1, srv.creation}));
                else if (ask == 1)
                    SAY(&b, 0, NX_OP_UNLINK_ID, no_payload, [NX_ARG_ID] = raw_int(5),
                        [NX_ARG_FROM] = their_pid(), [NX_ARG_TO] = raw_pid(&b, &srv));
                else if (ask == 2)
                    say_monitor(raw_atom("nobody"), i);
                else
                    SAY(&b, 0, NX_OP_REG_SEND,
                        RAW_TUPLE(raw_atom("$gen_call"),
                                  RAW_TUPLE(their_pid(), raw_their_ref(&b, 0, 1)),
                                  RAW_TUPLE(raw_atom("is_auth"), raw_atom("x"))),
                        [NX_ARG_FROM] = their_pid(), [NX_ARG_NAME] = raw_atom("net_kernel"));
            }
            bench_step(&b);
        }
        assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_EUNREAD);
        /* Monitors in a storm are read so many at once that nobody sees the queue before it is
         * full.
         */
        assert_in_range(b.max_out, ask == 2 ? 0 : 1, OUT_MAX);
        bench_close(&b);
    }
}

static void who_cannot_be_told_for_want_of_memory_is_told_by_the_end_of_the_connection(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        open_small();
        say_monitor(raw_pid(&b, &srv), 1);
        SAY(&b, 0, NX_OP_LINK,
            no_payload, [NX_ARG_FROM] = their_pid(), [NX_ARG_TO] = raw_pid(&b, &srv));
        bench_settle(&b);
        b.beam[0].paused = true;
        fill_until_some_wait();
        struct noex_target t = there(&b, 0, 9);
        b.alloc.fail_at = b.alloc.calls + (what == 0 ? 2 : 1); /* the first keeps the reason */
        if (what == 0)
            assert_int_equal(noex_process_exit(b.node, &srv, term_of(raw_atom("boom"))), 0);
        else if (what == 1)
            assert_int_equal(noex_unlink(b.node, &srv, &t), 0);
        else
            SAY(&b, 0, NX_OP_UNLINK_ID, no_payload, [NX_ARG_ID] = raw_int(5),
                [NX_ARG_FROM] = their_pid(), [NX_ARG_TO] = raw_pid(&b, &srv));
        bench_until(&b, DOWN, 1);
        assert_true(b.alloc.failed > 0);
        assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_ENOMEM);
        b.alloc.fail_at = 0;
        bench_close(&b);
    }
}

/* ---- memory ---- */

static void what_is_sent_without_memory_is_refused(void **state)
{
    (void)state;
    open_apart();
    struct noex_target t = there(&b, 0, 9);
    for (int what = 0; what < 3; what++) {
        int rc = NOEX_ENOMEM, refused = -1;
        for (size_t k = 1; rc; k++, refused++) {
            b.alloc.fail_at = b.alloc.calls + k;
            rc = what == 0   ? send_to(&srv, t, raw_int(1))
                 : what == 1 ? noex_exit(b.node, &srv, &t, term_of(raw_int(1)))
                             : noex_link(b.node, &srv, &t);
            b.alloc.fail_at = 0;
            assert_true(rc == 0 || rc == NOEX_ENOMEM);
        }
        assert_true(refused > 0);
    }
    bench_until(&b, UP, 1);
    bench_settle(&b);
    EXPECT_SIGNALS(&b, 0, NX_OP_SEND_SENDER, NX_OP_PAYLOAD_EXIT2, NX_OP_LINK);
    bench_close(&b);
}

static void an_attempt_behind_which_an_end_could_not_be_kept_is_given_up(void **state)
{
    (void)state;
    open_apart();
    struct noex_target t = there(&b, 0, 9);
    assert_int_equal(noex_link(b.node, &srv, &t), 0);
    b.alloc.fail_at = b.alloc.calls + 2;
    assert_int_equal(noex_process_exit(b.node, &srv, term_of(raw_atom("boom"))), 0);
    b.alloc.fail_at = 0;
    bench_until(&b, FAILED, 1); /* or it would be linked to the dead once it is up */
    assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_ENOMEM);
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_goes_in_the_form_that_the_peer_knows),
        cmocka_unit_test(an_exit_signal_has_its_reason_where_the_peer_looks_for_it),
        cmocka_unit_test(a_printed_pid_is_of_the_incarnation_that_is_there),
        cmocka_unit_test(what_is_sent_to_a_node_connects_to_it_and_goes_in_order_when_it_is_up),
        cmocka_unit_test(
            what_waits_for_a_node_that_cannot_be_reached_is_lost_and_later_things_are_not),
        cmocka_unit_test(a_loss_loses_what_waits_and_what_is_sent_then_connects_anew),
        cmocka_unit_test(a_printed_pid_of_a_node_that_is_not_up_cannot_be_told_apart),
        cmocka_unit_test(a_node_without_a_name_sends_by_the_name_that_it_is_given),
        cmocka_unit_test(
            X20_what_a_peer_does_not_read_is_bounded_and_refused_and_it_stays_connected),
        cmocka_unit_test(a_link_is_refused_like_a_message_and_then_is_none),
        cmocka_unit_test(what_alone_is_more_than_out_max_is_refused_for_that),
        cmocka_unit_test(a_long_message_waits_until_there_is_room_for_it),
        cmocka_unit_test(what_waits_goes_in_its_order_with_links_ends_and_monitors),
        cmocka_unit_test(a_queue_that_gets_long_is_told_and_that_it_is_short_again),
        cmocka_unit_test(
            a_mass_end_of_100000_is_told_to_a_slow_peer_that_is_well_without_being_cut),
        cmocka_unit_test(a_long_reason_is_kept_once_though_hundreds_watch),
        cmocka_unit_test(a_peer_that_asks_and_asks_and_reads_no_answer_is_given_up),
        cmocka_unit_test(
            who_cannot_be_told_for_want_of_memory_is_told_by_the_end_of_the_connection),
        cmocka_unit_test(what_is_sent_without_memory_is_refused),
        cmocka_unit_test(an_attempt_behind_which_an_end_could_not_be_kept_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
