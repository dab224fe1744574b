/* SPDX-License-Identifier: Apache-2.0 */
#include "node/listener.h"
#include "process_bench.h"

/* What a program does with a node, each step with the k-th allocation failing, for every k, and
 * with all from the k-th on failing. A flow is a function and a row of the table below. */

enum { MADE_MAX = 32, BIG = 200 * 1024, MOMENT_MS = 8, LIMIT_MS = 10000 };

static struct bench b;
static noex_monitor_id made[MADE_MAX];
static size_t made_count;
static bool demonitored[MADE_MAX];

static const uint8_t reason_bytes[] = {104, 2, 119, 4, 'b', 'o', 'o', 'm', 106};
static const struct nx_span reason = {reason_bytes, sizeof reason_bytes};

struct flow {
    const char *name;
    /** With memory: what is there before. */
    void (*prepare)(void);
    /** Without. */
    void (*run)(void);
    /** With memory again: what must have come of it. NULL: nothing special. */
    void (*check)(void);
    bool dynamic;
    bool pull;
    bool by_epmd;
    bool listens;
    size_t reason_budget; /* 0: the default */
    int cause;            /* of the events, besides the lack of memory */
    size_t least; /* allocations that it makes at least, else it is not what it was; 0: none */
};

static const struct flow *flow;

static const char *address(void)
{
    static char text[300];
    fake_beam_address(&b.beam[0], text, sizeof text);
    if (flow && flow->by_epmd)
        *strrchr(text, ':') = '\0';
    return text;
}

/* ---- steps, any of which may fail for want of memory and for nothing else ---- */

static bool fails(int rc)
{
    if (rc && rc != NOEX_ENOMEM)
        fail_msg("%s", noex_error_name(rc));
    return rc != 0;
}

static bool monitor_target(struct noex_target *t)
{
    assert_true(made_count < MADE_MAX);
    demonitored[made_count] = false;
    t->node = address();
    if (fails(noex_monitor(b.node, t, 0, NULL, &made[made_count])))
        return false;
    made_count++;
    return true;
}

static bool monitor(const char *name)
{
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .name = name};
    return monitor_target(&t);
}

static bool monitor_pid(uint32_t id)
{
    struct noex_target t = {.kind = NOEX_TARGET_PID, .pid = {id, 0, 0}};
    return monitor_target(&t);
}

static bool monitor_node(void)
{
    struct noex_target t = {.kind = NOEX_TARGET_NODE};
    return monitor_target(&t);
}

static void demonitor(size_t i)
{
    assert_int_equal(noex_demonitor(b.node, made[i]), 0);
    demonitored[i] = true;
}

static bool connect_to(enum noex_connect_flags flags)
{
    return !fails(noex_connect(b.node, address(), flags));
}

/* Drives both sides until `done`; once something failed, for a moment only. */
static void until(bool (*done)(void))
{
    uint64_t start = bench_clock();
    while (!done() && bench_clock() - start < (b.alloc.failed ? MOMENT_MS : LIMIT_MS))
        bench_step(&b);
    assert_true(b.alloc.failed || done());
}

static bool is_told(void)
{
    return b.count[UP] || b.count[FAILED];
}

static bool is_over(size_t i)
{
    return demonitored[i] || bench_of(&b, M_DOWN, made[i]) || bench_of(&b, M_FAILED, made[i]);
}

static bool all_over(void)
{
    for (size_t i = 0; i < made_count; i++)
        if (!is_over(i))
            return false;
    return true;
}

static bool all_established(void)
{
    for (size_t i = 0; i < made_count; i++)
        if (!bench_of(&b, M_UP, made[i]) && !is_over(i))
            return false;
    return true;
}

static bool both_are_down(void)
{
    return b.count[M_DOWN] >= 2;
}

static bool is_down(void)
{
    return b.count[DOWN] || b.count[FAILED];
}

static bool is_back(void)
{
    return b.count[UP] > 1;
}

/* ---- flows ---- */

static void is_connected(void)
{
    assert_true(connect_to(NOEX_CONNECT_ONCE));
    bench_until(&b, UP, 1);
    bench_settle(&b);
}

static void is_kept(void)
{
    assert_true(connect_to(NOEX_CONNECT_KEEP));
    bench_until(&b, UP, 1);
    bench_settle(&b);
}

/* Established ones of each kind, and two that wait for their barrier. */
static void is_watching(void)
{
    is_kept();
    monitor("stays");
    monitor("dies");
    monitor_pid(7);
    monitor_pid(100000);
    monitor_node();
    bench_until(&b, M_UP, 5);
    b.beam[0].no_barrier = true;
    monitor("stays");
    monitor("dies");
    bench_settle(&b);
    b.beam[0].no_barrier = false;
}

static void connects(void)
{
    if (connect_to(NOEX_CONNECT_ONCE))
        until(is_told);
}

static void connects_on_demand(void)
{
    monitor("stays");
    monitor_pid(7);
    monitor_pid(100000);
    monitor_node();
    until(all_established);
}

static void monitors_a_name(void)
{
    monitor("stays");
    monitor("absent");
    until(all_established);
}

static void monitors_a_pid(void)
{
    monitor_pid(7);
    until(all_established);
}

static void monitors_a_printed_pid(void)
{
    monitor_pid(100000); /* the peer's rex is asked */
    monitor_pid(100001);
    until(all_established);
}

static void monitors_a_node(void)
{
    monitor_node();
    until(all_established);
}

static void monitors_a_thousand(void)
{
    struct noex_target t = {.kind = NOEX_TARGET_NODE, .node = address()};
    noex_monitor_id id;
    for (int i = 0; i < 1500; i++)
        fails(noex_monitor(b.node, &t, 0, NULL, &id)); /* more than one chunk of records */
}

static void dies_by(struct nx_span why, enum fake_form form)
{
    fake_beam_die(&b.beam[0], "dies", why, form);
    until(both_are_down);
}

static void goes_down(void)
{
    dies_by(reason, FAKE_PAYLOAD);
}

static void goes_down_in_the_old_form(void)
{
    dies_by(reason, FAKE_INSIDE);
}

static void goes_down_by_something_big(enum fake_form form)
{
    static uint8_t bytes[BIG] = {109, 0, (BIG - 5) >> 16, ((BIG - 5) >> 8) & 255, (BIG - 5) & 255};
    dies_by(nx_span(bytes, sizeof bytes), form);
}

static void goes_down_by_a_big_frame(void)
{
    goes_down_by_something_big(FAKE_PAYLOAD);
}

static void goes_down_by_fragments(void)
{
    goes_down_by_something_big(FAKE_FRAGMENTS);
}

static void is_lost(void)
{
    fake_beam_hang_up(&b.beam[0], false);
    until(is_down);
}

static void is_lost_and_comes_back(void)
{
    fake_beam_hang_up(&b.beam[0], true);
    until(is_back);
}

static void is_demonitored(void)
{
    for (size_t i = 0; i < made_count; i++)
        demonitor(i);
    demonitor(0);
    bench_for(&b, 2);
}

static void is_disconnected(void)
{
    int rc = noex_disconnect(b.node, address());
    assert_true(rc == 0 || rc == NOEX_ENOTREACHABLE);
    until(is_down);
}

static void is_closed(void)
{
    monitor("stays");
    bench_for(&b, 1);
    noex_node_free(b.node);
    b.node = NULL;
}

/* ---- of a node that listens ---- */

static bool is_reachable(void)
{
    return b.count[REGISTERED] > 0;
}

static void can_be_reached(void)
{
    bench_until(&b, REGISTERED, 1);
}

static void dial_node(void)
{
    fake_beam_dial(&b.beam[0], "mon@127.0.0.1", noex_node_listen_port(b.node));
}

static void was_dialled(void)
{
    can_be_reached();
    dial_node();
    bench_until(&b, UP, 1);
    bench_settle(&b);
}

/* One established monitor, and one that waits for its barrier. */
static void was_dialled_and_watches(void)
{
    was_dialled();
    monitor("stays");
    bench_until(&b, M_UP, 1);
    b.beam[0].no_barrier = true;
    monitor("dies");
    bench_settle(&b);
    b.beam[0].no_barrier = false;
}

static bool is_told_or_refused(void)
{
    return is_told() || bench_stats(&b).refused;
}

static void is_dialled(void)
{
    dial_node();
    until(is_told_or_refused);
}

/* What waits for an attempt of its own goes out on it. */
static void is_dialled_while_it_dials(void)
{
    b.beam[0].say_max = 2;
    dial_node();
    monitor("stays");
    bench_for(&b, 5);
    b.beam[0].say_max = 0;
    until(all_established);
}

static void is_dialled_anew(void)
{
    b.beam[0].gone = true;
    dial_node();
    until(is_back);
}

static bool is_over_again(void)
{
    return is_told_or_refused() && b.count[UP] == b.count[DOWN];
}

static void is_visited(void)
{
    b.beam[0].dynamic = true;
    dial_node();
    until(is_told_or_refused);
    fake_beam_hang_up(&b.beam[0], true);
    until(is_over_again);
}

static void sets_a_cookie(void)
{
    for (int i = 0; i < 2; i++)
        fails(noex_set_cookie(b.node, "beam@127.0.0.1", "cookie"));
}

/* A try that failed is made again in two seconds. */
static void gets_reachable(void)
{
    until(is_reachable);
    assert_true(is_reachable() || b.node->listener->failures > 0);
    b.node->listener->act_ms = 0;
    b.alloc.fail_at = 0;
    bench_until(&b, REGISTERED, 1);
}

static void lives_its_life(void)
{
    static const char *const names[] = {"dies", "stays", "absent", "dies", "stays"};
    for (int i = 0; i < 5; i++)
        monitor(names[i]);
    for (int i = 0; i < 6 && !all_over(); i++) {
        bench_for(&b, 3);
        if (fake_beam_is_up(&b.beam[0]))
            fake_beam_die(&b.beam[0], "dies", reason, FAKE_FRAGMENTS);
    }
    is_disconnected();
}

/* ---- flows of processes ---- */

enum { PROCS_MAX = 4 };

static struct noex_pid proc[PROCS_MAX];
static size_t procs;

static bool make_process(const char *name, bool trap)
{
    struct noex_process_options o;
    noex_process_options_init(&o);
    o.name = name;
    o.trap_exit = trap;
    if (fails(noex_process_new(b.node, &o, &proc[procs])))
        return false;
    procs++;
    return true;
}

static bool is_alive(size_t i)
{
    return noex_process_is_alive(b.node, &proc[i]);
}

/* A process that traps exits, and one that does not. */
static void has_processes(void)
{
    is_connected();
    assert_true(make_process("traps", true));
    assert_true(make_process("dies", false));
    bench_forget_signals(&b, 0);
}

static struct nx_span their_pid(void)
{
    return raw_their_pid(&b, 0, 9);
}

static void say_link(size_t i)
{
    SAY(&b, 0, NX_OP_LINK,
        no_payload, [NX_ARG_FROM] = their_pid(), [NX_ARG_TO] = raw_pid(&b, &proc[i]));
}

static void say_monitor(struct nx_span target, uint32_t ref)
{
    SAY(&b, 0, NX_OP_MONITOR_P, no_payload, [NX_ARG_FROM] = their_pid(), [NX_ARG_TARGET] = target,
        [NX_ARG_REF] = raw_their_ref(&b, 0, ref));
}

/* Both are linked to the peer and to each other, and monitored. */
static void has_ties(void)
{
    has_processes();
    for (size_t i = 0; i < 2; i++) {
        struct noex_target t = there(&b, 0, 10);
        say_link(i);
        say_monitor(raw_pid(&b, &proc[i]), (uint32_t)i);
        assert_int_equal(noex_link(b.node, &proc[i], &t), 0);
    }
    struct noex_target t = here(&b, &proc[0]);
    assert_int_equal(noex_link(b.node, &proc[1], &t), 0);
    bench_settle(&b);
    bench_forget_signals(&b, 0);
}

static void makes_a_process_and_ends_it(void)
{
    if (!make_process(NULL, false))
        return;
    (void)fails(noex_register(b.node, "made", &proc[procs - 1]));
    (void)fails(noex_process_exit(b.node, &proc[procs - 1], term_of(reason)));
    bench_for(&b, 2);
}

static bool both_are_told(void)
{
    return b.count[DOWN] || b.count[P_MSG] >= 2;
}

static void is_sent_messages(void)
{
    for (int i = 0; i < 2; i++)
        SAY(&b, 0, NX_OP_REG_SEND,
            reason, [NX_ARG_FROM] = their_pid(), [NX_ARG_NAME] = raw_atom(i ? "dies" : "traps"));
    until(both_are_told);
}

/* Nothing is lost silently. */
static void is_told_or_cut(void)
{
    bench_settle(&b);
    assert_true(both_are_told());
}

static void is_sent_a_big_message(void)
{
    static uint8_t bytes[BIG] = {109, 0, (BIG - 5) >> 16, ((BIG - 5) >> 8) & 255, (BIG - 5) & 255};
    for (int i = 0; i < 2; i++) {
        struct nx_ctrl c = {.op = NX_OP_SEND_SENDER};
        c.arg[NX_ARG_FROM] = their_pid();
        c.arg[NX_ARG_TO] = raw_pid(&b, &proc[i]);
        if (fake_beam_is_up(&b.beam[0]))
            fake_beam_send_fragments(&b.beam[0], &c, nx_span(bytes, sizeof bytes));
        bench_for(&b, 1);
    }
    until(both_are_told);
}

static bool all_exits_are_told(void)
{
    return b.count[DOWN] || (b.count[P_EXIT] && !is_alive(1)) || (!is_alive(0) && !is_alive(1));
}

static void is_linked_and_sent_exits(void)
{
    for (size_t i = 0; i < 2; i++) {
        say_link(i);
        SAY(&b, 0, NX_OP_PAYLOAD_EXIT,
            reason, [NX_ARG_FROM] = their_pid(), [NX_ARG_TO] = raw_pid(&b, &proc[i]));
    }
    until(all_exits_are_told);
}

static void exits_are_told_or_it_is_cut(void)
{
    bench_settle(&b);
    assert_true(all_exits_are_told());
}

static void sends_and_links(void)
{
    struct noex_target t = there(&b, 0, 9), reg = name_there(&b, 0, "reg");
    (void)fails(noex_send(b.node, &proc[0], &t, term_of(reason)));
    (void)fails(noex_send(b.node, NULL, &reg, term_of(reason)));
    (void)fails(noex_link(b.node, &proc[0], &t));
    (void)fails(noex_exit(b.node, &proc[0], &t, term_of(reason)));
    (void)fails(noex_unlink(b.node, &proc[0], &t));
    bench_for(&b, 2);
}

static void sends_and_links_on_demand(void)
{
    if (make_process(NULL, false))
        sends_and_links();
    until(is_told);
}

/* Every one who has a right to it is told, or the connection ended, which tells it too. */
static void ends_with_ties(void)
{
    (void)fails(noex_process_exit(b.node, &proc[1], term_of(reason)));
    bench_for(&b, 3);
}

static void the_peer_is_told_of_each_end(void)
{
    bench_settle(&b);
    unsigned dead = !is_alive(0) + !is_alive(1);
    if (b.count[DOWN])
        return;
    assert_int_equal(b.beam[0].ops[NX_OP_PAYLOAD_MONITOR_P_EXIT], dead);
    assert_int_equal(b.beam[0].ops[NX_OP_PAYLOAD_EXIT], 2 * dead);
    assert_true(is_alive(1) || b.count[P_EXIT] || !is_alive(0)); /* and the other one here */
}

static bool both_are_answered(void)
{
    return b.count[DOWN] || b.beam[0].ops[NX_OP_PAYLOAD_MONITOR_P_EXIT] == 2;
}

static void is_monitored_and_demonitored(void)
{
    for (uint32_t i = 0; i < 4; i++)
        say_monitor(i % 2 ? raw_atom("traps") : raw_atom("nobody"), i);
    SAY(&b, 0, NX_OP_DEMONITOR_P, no_payload, [NX_ARG_FROM] = their_pid(),
        [NX_ARG_TARGET] = raw_atom("traps"), [NX_ARG_REF] = raw_their_ref(&b, 0, 1));
    until(both_are_answered);
}

static void the_peer_is_told_of_nobody(void)
{
    bench_settle(&b);
    assert_true(both_are_answered());
}

/* The one that traps is told, or could not be and has ended; the other one has ended. */
static void a_loss_reaches_all_that_were_linked(void)
{
    bench_settle(&b);
    assert_int_equal(b.count[DOWN], 1);
    assert_false(is_alive(1));
    assert_true(!is_alive(0) || b.count[P_EXIT] >= 2);
}

static const struct flow flows[] = {
    {"connects", NULL, connects, .least = 10},
    {"connects by epmd", NULL, connects, .by_epmd = true, .least = 12},
    {"connects by a name of the peer's", NULL, connects, .dynamic = true, .least = 10},
    {"connects, told by pulling", NULL, connects, .pull = true, .least = 10},
    {"connects on demand", NULL, connects_on_demand, .least = 14},
    {"connects on demand by epmd, told by pulling", NULL, connects_on_demand, .by_epmd = true,
     .pull = true, .least = 16},
    {"monitors a name", is_connected, monitors_a_name, .least = 4},
    {"monitors a pid", is_connected, monitors_a_pid, .least = 2},
    {"monitors a printed pid", is_connected, monitors_a_printed_pid, .least = 2},
    {"monitors a node", is_connected, monitors_a_node, .least = 2},
    {"monitors a thousand", is_connected, monitors_a_thousand, .least = 3},
    {"goes down", is_watching, goes_down, .least = 1},
    {"goes down in the old form", is_watching, goes_down_in_the_old_form, .least = 1},
    {"goes down beyond the budget", is_watching, goes_down, .reason_budget = 1, .least = 0},
    {"goes down by a big frame", is_watching, goes_down_by_a_big_frame, .least = 2},
    {"goes down by fragments", is_watching, goes_down_by_fragments, .least = 3},
    {"goes down by fragments, told by pulling", is_watching, goes_down_by_fragments, .pull = true,
     .least = 3},
    {"is lost", is_watching, is_lost, .cause = NOEX_ECLOSED, .least = 0},
    {"is lost, told by pulling", is_watching, is_lost, .pull = true, .cause = NOEX_ECLOSED,
     .least = 0},
    {"is lost and comes back", is_watching, is_lost_and_comes_back, .cause = NOEX_ELOST,
     .least = 4},
    {"is lost and comes back by epmd", is_watching, is_lost_and_comes_back, .by_epmd = true,
     .cause = NOEX_ELOST, .least = 4},
    {"is demonitored", is_watching, is_demonitored, .least = 0},
    {"is disconnected", is_watching, is_disconnected, .cause = NOEX_EDISCONNECTED, .least = 0},
    {"is closed", is_watching, is_closed, .least = 1},
    {"gets reachable", NULL, gets_reachable, .listens = true, .least = 1},
    {"is dialled", can_be_reached, is_dialled, .listens = true, .least = 10},
    {"is dialled, told by pulling", can_be_reached, is_dialled, .listens = true, .pull = true,
     .least = 10},
    {"is dialled while it dials", can_be_reached, is_dialled_while_it_dials, .listens = true,
     .least = 10},
    {"is dialled anew", was_dialled_and_watches, is_dialled_anew, .listens = true,
     .cause = NOEX_ELOST, .least = 6},
    {"is dialled anew, told by pulling", was_dialled_and_watches, is_dialled_anew, .listens = true,
     .pull = true, .cause = NOEX_ELOST, .least = 6},
    {"is visited", can_be_reached, is_visited, .listens = true, .cause = NOEX_ELOST, .least = 10},
    {"sets a cookie", NULL, sets_a_cookie, .least = 4},
    {"makes a process and ends it", has_processes, makes_a_process_and_ends_it, .least = 2},
    {"is sent messages", has_processes, is_sent_messages, .check = is_told_or_cut,
     .cause = NOEX_ENOMEM, .least = 2},
    {"is sent messages, told by pulling", has_processes, is_sent_messages, .check = is_told_or_cut,
     .pull = true, .cause = NOEX_ENOMEM, .least = 2},
    {"is sent a big message", has_processes, is_sent_a_big_message, .check = is_told_or_cut,
     .cause = NOEX_ETOOBIG, .least = 4},
    {"is linked and sent exits", has_processes, is_linked_and_sent_exits,
     .check = exits_are_told_or_it_is_cut, .cause = NOEX_ENOMEM, .least = 2},
    {"sends and links", has_processes, sends_and_links, .least = 1},
    {"sends and links on demand", NULL, sends_and_links_on_demand, .least = 12},
    {"ends with ties", has_ties, ends_with_ties, .check = the_peer_is_told_of_each_end, .least = 1},
    {"is monitored and demonitored", has_processes, is_monitored_and_demonitored,
     .check = the_peer_is_told_of_nobody, .cause = NOEX_ENOMEM, .least = 1},
    {"is lost with ties", has_ties, is_lost, .check = a_loss_reaches_all_that_were_linked,
     .cause = NOEX_ECLOSED, .least = 2},
    {"is lost with ties, told by pulling", has_ties, is_lost,
     .check = a_loss_reaches_all_that_were_linked, .pull = true, .cause = NOEX_ECLOSED, .least = 2},
    {"lives its life", NULL, lives_its_life, .cause = NOEX_EDISCONNECTED, .least = 10},
    {"lives its life by a name of the peer's", NULL, lives_its_life, .dynamic = true,
     .cause = NOEX_EDISCONNECTED, .least = 10},
};

/* ---- the driver ---- */

/* An error is the lack of memory, or what the flow itself brings about; a monitor that was pending
 * says why it cannot be reached. */
static void expect_cause(const struct seen *e)
{
    int code = e->code == NOEX_ENOTREACHABLE && e->type == M_FAILED ? 0 : e->code;
    bool memory = code == NOEX_ENOMEM || code == 0;
    if (memory && strstr(e->text, "memory") && b.alloc.failed)
        return;
    if (flow->cause && (code == flow->cause || code == 0))
        return;
    fail_msg("%s: event %d: %s: %s", flow->name, (int)e->type, noex_error_name(e->code), e->text);
}

/* Each monitor was told of in order, and of its end at most once; all of them end at last. */
static void expect_one_end(size_t i)
{
    const struct seen *up = bench_of(&b, M_UP, made[i]);
    const struct seen *down = bench_of(&b, M_DOWN, made[i]);
    const struct seen *failed = bench_of(&b, M_FAILED, made[i]);
    assert_true((down != NULL) + (failed != NULL) + demonitored[i] == 1);
    assert_true(!down || up);
    assert_true(!failed || !up);
    assert_true(!up || !down || up < down);
}

static size_t ends_of(size_t i)
{
    size_t ends = 0;
    for (size_t k = 0; k < b.seen_count; k++)
        ends += b.seen[k].type == P_END && same_pid(&b.seen[k].process, &proc[i]);
    return ends;
}

static bool all_ends_are_told(void)
{
    for (size_t i = 0; i < procs; i++)
        if (!is_alive(i) && !ends_of(i))
            return false;
    return true;
}

/* A process that is no more was told its end, once; one that lives was not. */
static void expect_ends_of_processes(void)
{
    for (size_t i = 0; i < procs; i++)
        assert_int_equal(ends_of(i), !is_alive(i));
}

static bool nothing_is_left(struct bench *bench)
{
    struct noex_monitor_stats s = bench_monitor_stats(bench);
    return s.pending == 0 && s.active == 0 && bench->count[UP] == bench->count[DOWN] &&
           all_over() && all_ends_are_told();
}

/* With memory again: the flow is brought to its end, and the books balance. */
static void bring_to_an_end(void)
{
    int rc = noex_disconnect(b.node, address());
    assert_true(rc == 0 || rc == NOEX_ENOTREACHABLE);
    bench_until_true(&b, nothing_is_left);
    expect_ends_of_processes();
    for (size_t i = 0; i < made_count; i++)
        expect_one_end(i);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    uint64_t by_peer = s.downs_received - bench_stats(&b).downs_stale;
    assert_int_equal(s.timed_out, 0);
    assert_int_equal(s.initiated, s.demonitored + s.failed + s.noconnection + by_peer);
    assert_int_equal(bench_stats(&b).connections, 0);
}

/* As before any trouble: what failed once works now. */
static void works_again(void)
{
    bench_forget(&b);
    made_count = 0;
    fake_beam_spawn(&b.beam[0], "again");
    assert_true(monitor("again"));
    bench_until(&b, M_UP, 1);
    assert_int_equal(fake_beam_die(&b.beam[0], "again", reason, FAKE_PAYLOAD), 1);
    bench_until(&b, M_DOWN, 1);
    assert_int_equal(bench_of(&b, M_DOWN, made[0])->term_len, flow->reason_budget ? 0 : reason.len);
}

/* The second fake is an epmd that knows the first. */
static void start_fakes(uint8_t found[18])
{
    static const uint8_t answer[18] = {119, 0, 0, 0,   77,  0,   0,   6, 0,
                                       5,   0, 4, 'b', 'e', 'a', 'm', 0, 0};
    bench_beam(&b, NULL);
    memcpy(found, answer, sizeof answer);
    found[2] = (uint8_t)(b.beam[0].port >> 8);
    found[3] = (uint8_t)b.beam[0].port;
    bench_beam(&b, &(struct fake_beam_opts){.name = "epmd@127.0.0.1",
                                            .script = found,
                                            .script_len = sizeof answer,
                                            .script_close = true});
    fake_beam_spawn(&b.beam[0], "dies");
    fake_beam_spawn(&b.beam[0], "stays");
    fake_beam_spawn_pid(&b.beam[0], 7, 0);
    fake_beam_spawn_pid(&b.beam[0], 100000, 0);
    b.options.epmd_port = b.beam[1].port;
}

/* Runs a flow; how many allocations failed. */
static size_t run(size_t k, bool on)
{
    uint8_t found[18];
    bench_init(&b);
    made_count = procs = 0;
    b.pull = flow->pull;
    if (flow->dynamic)
        b.options.name = NULL;
    if (flow->reason_budget)
        b.options.reason_budget = flow->reason_budget;
    b.options.listen = b.options.no_epmd = flow->listens;
    start_fakes(found);
    bench_open(&b);
    if (flow->prepare)
        flow->prepare();
    b.alloc.fail_at = b.alloc.calls + k;
    b.alloc.fail_on = on;
    flow->run();
    size_t failed = b.alloc.failed;
    for (size_t i = 0; i < b.seen_count; i++)
        if (b.seen[i].code)
            expect_cause(&b.seen[i]);
    b.alloc.fail_at = 0;
    if (flow->check)
        flow->check();
    if (b.node) {
        bring_to_an_end();
        works_again();
    }
    bench_close(&b);
    return failed;
}

static void a_flow_survives_every_lack_of_memory(void **state)
{
    flow = *state;
    for (int on = 0; on < 2; on++) {
        size_t k = 1;
        while (run(k, on))
            k++;
        assert_in_range(k - 1, flow->least, flow->least ? 1000 : 0);
    }
    flow = NULL;
}

/* No node, no leak, and the cause. */
static void a_node_that_cannot_be_made_says_so(void **state)
{
    (void)state;
    struct noex_error err;
    for (int on = 0; on < 2; on++) {
        for (int kind = 0; kind < 3; kind++) { /* fixed name, dynamic, listening */
            int rc = NOEX_ENOMEM;
            for (size_t k = 1; rc; k++) {
                bench_init(&b);
                if (kind == 1)
                    b.options.name = NULL;
                b.options.listen = kind == 2;
                b.alloc.fail_at = k;
                b.alloc.fail_on = on;
                rc = bench_try_open(&b, &err);
                assert_int_equal(rc, b.alloc.failed ? NOEX_ENOMEM : 0);
                if (rc) {
                    assert_int_equal(err.code, NOEX_ENOMEM);
                    assert_string_equal(err.text, noex_error_text(NOEX_ENOMEM));
                    assert_null(b.node);
                }
                assert_true(rc || k > 3);
                b.alloc.fail_at = 0;
                bench_close(&b);
            }
        }
    }
}

/* All is established when the memory ends: no DOWN may be lost for that. */
static void downs_that_come_without_memory_are_delivered_with_their_type(void **state)
{
    (void)state;
    bench_default(&b);
    made_count = 0;
    fake_beam_spawn(&b.beam[0], "dies");
    fake_beam_spawn(&b.beam[0], "stays");
    assert_true(monitor("dies"));
    assert_true(monitor("dies"));
    assert_true(monitor("stays"));
    bench_until(&b, M_UP, 3);
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    assert_int_equal(fake_beam_die(&b.beam[0], "dies", reason, FAKE_PAYLOAD), 2);
    bench_until(&b, M_DOWN, 2);
    for (int i = 0; i < 2; i++) {
        const struct seen *e = bench_of(&b, M_DOWN, made[i]);
        assert_int_equal(e->reason, NOEX_REASON_EXCEPTION);
        assert_int_equal(e->origin, NOEX_ORIGIN_PEER);
        assert_int_equal(e->term_len, 0); /* cut, and marked: */
        assert_int_equal(e->term_full_len, reason.len);
    }
    assert_int_equal(bench_stats(&b).reasons_cut, 2);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_UP, M_UP, M_DOWN, M_DOWN, M_DOWN, DOWN);
    assert_int_equal(bench_of(&b, M_DOWN, made[2])->origin, NOEX_ORIGIN_LOCAL);
    assert_true(b.alloc.failed > 0);
    b.alloc.fail_at = 0;
    bench_close(&b);
}

/* The kernel takes no more of what a peer does not read, and there is no memory to queue it. More
 * than fits in between is to be sent. */
enum { MANY = 20000 };

static size_t timed_out, starved;

static void count_causes(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    if (e->type != M_FAILED)
        return;
    timed_out += e->error->code == NOEX_ESETUPTIMEOUT;
    starved += e->error->code == NOEX_ENOMEM && strstr(e->error->text, "out of memory");
}

static void starve(uint64_t setup_timeout_ms)
{
    char name[250] = "";
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .name = name};
    noex_monitor_id id;
    memset(name, 'n', sizeof name - 1);
    timed_out = starved = 0;
    bench_init(&b);
    b.no_keep = true;
    b.in_event = count_causes;
    b.options.setup_timeout_ms = setup_timeout_ms;
    bench_open(&b);
    struct fake_beam *beam = bench_beam(&b, &bench_slow_reader);
    beam->all_alive = beam->no_record = true;
    bench_connect(&b, 0);
    beam->paused = true;
    t.node = address();
    for (int i = 0; i < MANY; i++)
        assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &id), 0);
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    bench_for(&b, 20);
    assert_true(b.alloc.failed > 0);
    assert_int_equal(b.count[DOWN], 0);
}

static void what_could_not_be_sent_for_want_of_memory_is_tried_again_soon(void **state)
{
    (void)state;
    starve(600000);
    assert_in_range(noex_node_timeout_ms(b.node), 0, 50); /* without anything else to wake it */
    b.alloc.fail_at = 0;
    b.beam[0].paused = false;
    bench_until(&b, M_UP, MANY);
    bench_close(&b);
}

static void what_could_not_be_sent_in_its_time_fails_for_want_of_memory(void **state)
{
    (void)state;
    starve(1000);
    bench_until(&b, M_FAILED, MANY);
    assert_true(timed_out > 0 && starved > 0);
    assert_int_equal(timed_out + starved, MANY);
    assert_int_equal(bench_monitor_stats(&b).timed_out, timed_out);
    b.alloc.fail_at = 0;
    bench_close(&b);
}

/* What is there once a connection is up does for any number, as long as the peer reads. */
static void a_thousand_are_sent_and_confirmed_without_memory(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    bench_default(&b);
    b.beam[0].all_alive = b.beam[0].no_record = true;
    bench_connect(&b, 0);
    for (int i = 0; i < COUNT; i++)
        bench_monitor_name(&b, 0, "srv", NULL);
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    bench_until(&b, M_UP, COUNT);
    b.alloc.fail_at = 0;
    bench_close(&b);
}

static void reconnecting_goes_on_when_there_is_memory_again(void **state)
{
    (void)state;
    bench_default(&b);
    made_count = 0;
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_KEEP), 0);
    bench_until(&b, UP, 1);
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    bench_for(&b, 150);
    assert_int_equal(b.count[UP], 1);
    assert_true(b.alloc.failed > 0);
    b.alloc.fail_at = 0;
    bench_until(&b, UP, 2);
    bench_close(&b);
}

int main(void)
{
    enum { FLOWS = sizeof flows / sizeof *flows };
    struct CMUnitTest tests[FLOWS + 8] = {0};
    size_t n = 0;
    for (; n < FLOWS; n++)
        tests[n] = (struct CMUnitTest){flows[n].name, a_flow_survives_every_lack_of_memory, NULL,
                                       NULL, (void *)(uintptr_t)&flows[n]};
#define TEST(name) tests[n++] = (struct CMUnitTest)cmocka_unit_test(name)
    TEST(a_node_that_cannot_be_made_says_so);
    TEST(downs_that_come_without_memory_are_delivered_with_their_type);
    TEST(what_could_not_be_sent_for_want_of_memory_is_tried_again_soon);
    TEST(a_thousand_are_sent_and_confirmed_without_memory);
    TEST(what_could_not_be_sent_in_its_time_fails_for_want_of_memory);
    TEST(reconnecting_goes_on_when_there_is_memory_again);
    return _cmocka_run_group_tests("node_oom", tests, n, NULL, NULL);
}
