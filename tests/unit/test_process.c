/* SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"

/* The life of a process: made, named, told of things, ended; and what a program does meanwhile. */

static struct bench b;
static struct noex_process_options options;

static const uint8_t cut_bytes[] = {104, 2, 97, 1}, two_bytes[] = {97, 1, 97, 2};

static struct noex_pid make(void)
{
    struct noex_pid pid = {0, 0, 0};
    assert_int_equal(noex_process_new(b.node, &options, &pid), 0);
    return pid;
}

static void open_alone(bool pull)
{
    bench_init(&b);
    b.pull = pull;
    bench_open(&b);
    noex_process_options_init(&options);
}

static int end_with(const struct noex_pid *pid, struct nx_span reason)
{
    return noex_process_exit(b.node, pid, term_of(reason));
}

static int send_here(const struct noex_pid *from, const struct noex_pid *to, struct nx_span message)
{
    struct noex_target t = here(&b, to);
    return noex_send(b.node, from, &t, term_of(message));
}

static bool is_named(const char *name, const struct noex_pid *pid)
{
    struct noex_pid found = {0, 0, 0};
    int rc = noex_whereis(b.node, name, &found);
    assert_true(rc == 0 || rc == NOEX_ENOPROC);
    return rc == 0 && same_pid(&found, pid);
}

/* ---- making ---- */

static void a_process_has_a_pid_of_the_nodes_creation_and_lives_until_it_ends(void **state)
{
    (void)state;
    open_alone(false);
    struct noex_pid one = make(), two = make();
    assert_true(one.creation >= 4 && one.creation == two.creation);
    assert_false(same_pid(&one, &two));
    assert_true(noex_process_is_alive(b.node, &one));
    assert_string_equal(noex_node_name(b.node), "mon@127.0.0.1");
    struct noex_pid printed = {one.id, one.serial, 0}, older = {one.id, one.serial, 9};
    assert_true(noex_process_is_alive(b.node, &printed));
    assert_false(noex_process_is_alive(b.node, &older));
    assert_false(noex_process_is_alive(b.node, NULL));
    assert_false(noex_process_is_alive(NULL, &one));
    assert_int_equal(end_with(&printed, raw_atom("normal")), 0);
    assert_false(noex_process_is_alive(b.node, &one)); /* at once */
    assert_true(noex_process_is_alive(b.node, &two));
    struct noex_pid three = make();
    assert_false(same_pid(&one, &three));
    assert_false(noex_process_is_alive(b.node, &one));
    bench_close(&b);
}

static void options_are_taken_from_older_and_newer_headers(void **state)
{
    (void)state;
    struct {
        struct noex_process_options o;
        uint64_t later;
    } newer;
    struct noex_process_options older;
    struct noex_pid pid = {0, 0, 0};
    open_alone(false);
    noex_process_options_init_size(&newer.o, sizeof newer);
    assert_int_equal(newer.o.size, sizeof newer);
    newer.o.name = "newer";
    assert_int_equal(noex_process_new(b.node, &newer.o, &pid), 0);
    assert_true(is_named("newer", &pid));
    newer.o.name = "again";
    newer.later = 1;
    assert_int_equal(noex_process_new(b.node, &newer.o, &pid), NOEX_EINVALID);
    assert_non_null(strstr(noex_node_error(b.node)->text, "more than this library knows"));
    memset(&older, 0xff, sizeof older);
    noex_process_options_init_size(&older, offsetof(struct noex_process_options, on_event));
    assert_null(older.name);
    older.name = "older";
    assert_int_equal(noex_process_new(b.node, &older, &pid), 0);
    assert_true(is_named("older", &pid));
    assert_int_equal(noex_process_new(b.node, NULL, &pid), 0);
    noex_process_options_init_size(NULL, 8);
    const size_t sizes[] = {0, 8, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        options.size = sizes[i];
        assert_int_equal(noex_process_new(b.node, &options, &pid), NOEX_EINVALID);
        assert_non_null(strstr(noex_node_error(b.node)->text, "noex_process_options_init"));
    }
    bench_close(&b);
}

static void there_are_no_more_processes_than_processes_max(void **state)
{
    (void)state;
    struct noex_pid pid[3], none;
    bench_init(&b);
    b.options.processes_max = 3;
    bench_open(&b);
    for (int i = 0; i < 3; i++)
        pid[i] = bench_process(&b, NULL, false);
    assert_int_equal(noex_process_new(b.node, NULL, &none), NOEX_ELIMIT);
    assert_string_equal(noex_node_error(b.node)->text,
                        "processes_max: 3 processes are there already");
    assert_int_equal(end_with(&pid[1], raw_atom("normal")), 0);
    assert_int_equal(noex_process_new(b.node, NULL, &none), 0);
    bench_close(&b);
}

static void a_node_without_a_name_has_no_processes(void **state)
{
    (void)state;
    struct noex_pid pid;
    bench_init(&b);
    b.options.name = NULL;
    bench_open(&b);
    assert_null(noex_node_name(b.node));
    assert_null(noex_node_name(NULL));
    assert_int_equal(noex_process_new(b.node, NULL, &pid), NOEX_ESTATE);
    bench_close(&b);
}

/* ---- names ---- */

static void a_name_is_one_processs_and_a_process_has_one(void **state)
{
    (void)state;
    open_alone(false);
    struct noex_pid one = make(), two = make(), none;
    assert_int_equal(noex_register(b.node, "srv", &one), 0);
    assert_true(is_named("srv", &one));
    assert_int_equal(noex_register(b.node, "srv", &two), NOEX_ENAMETAKEN);
    assert_int_equal(noex_register(b.node, "other", &one), NOEX_EINVALID);
    assert_non_null(strstr(noex_node_error(b.node)->text, "registered as srv already"));
    options.name = "srv";
    assert_int_equal(noex_process_new(b.node, &options, &none), NOEX_ENAMETAKEN);
    assert_int_equal(noex_unregister(b.node, "srv"), 0);
    assert_int_equal(noex_unregister(b.node, "srv"), NOEX_ENOPROC);
    assert_int_equal(noex_whereis(b.node, "srv", &none), NOEX_ENOPROC);
    assert_int_equal(noex_register(b.node, "srv", &two), 0);
    assert_int_equal(noex_register(b.node, "other", &one), 0);
    assert_true(is_named("srv", &two) && is_named("other", &one));
    bench_close(&b);
}

static void a_dead_process_loses_its_name_at_once(void **state)
{
    (void)state;
    open_alone(false);
    options.name = "srv";
    struct noex_pid one = make(), none;
    assert_int_equal(end_with(&one, raw_atom("normal")), 0);
    assert_int_equal(noex_whereis(b.node, "srv", &none), NOEX_ENOPROC);
    struct noex_pid two = make(); /* before the end of the first is told */
    assert_true(is_named("srv", &two));
    bench_until(&b, P_END, 1);
    assert_true(is_named("srv", &two));
    bench_close(&b);
}

static void the_name_of_the_nodes_own_is_taken_and_leads_nowhere(void **state)
{
    (void)state;
    open_alone(false);
    struct noex_pid pid = make(), kernel = {1, 1, pid.creation}, none;
    assert_int_equal(noex_register(b.node, "net_kernel", &pid), NOEX_ENAMETAKEN);
    assert_int_equal(noex_whereis(b.node, "net_kernel", &none), NOEX_ENOPROC);
    assert_int_equal(noex_unregister(b.node, "net_kernel"), NOEX_ENOPROC);
    assert_int_equal(end_with(&kernel, raw_atom("kill")), NOEX_ENOPROC);
    struct noex_target t = here(&b, &kernel);
    assert_int_equal(noex_exit(b.node, &pid, &t, term_of(raw_atom("kill"))), 0);
    assert_int_equal(noex_send(b.node, NULL, &t, term_of(raw_atom("hello"))), 0);
    bench_settle(&b);
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void what_cannot_be_an_atom_cannot_be_a_name(void **state)
{
    (void)state;
    char longest[256], too_long[257];
    memset(longest, 'n', sizeof longest - 1);
    memset(too_long, 'n', sizeof too_long - 1);
    longest[255] = too_long[256] = '\0';
    const char *const bad[] = {NULL, "", "undefined", too_long, "\xff", "a\xc3"};
    open_alone(false);
    struct noex_pid pid = make(), none;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(noex_register(b.node, bad[i], &pid), NOEX_EINVALID);
        options.name = bad[i];
        if (bad[i])
            assert_int_equal(noex_process_new(b.node, &options, &none), NOEX_EINVALID);
    }
    assert_int_equal(noex_register(b.node, longest, &pid), 0);
    assert_true(is_named(longest, &pid));
    assert_int_equal(noex_unregister(b.node, longest), 0);
    assert_int_equal(noex_register(b.node, "\xc3\xa9t\xc3\xa9", &pid), 0);
    bench_close(&b);
}

/* ---- the end ---- */

/* What ends a process; each with the reason that is told then. */
static struct noex_pid victim, other;

static void by_its_node(void)
{
    assert_int_equal(end_with(&victim, raw_atom("shutdown")), 0);
}

static void by_exit_here(void)
{
    struct noex_target t = here(&b, &victim);
    assert_int_equal(noex_exit(b.node, &other, &t, term_of(raw_atom("shutdown"))), 0);
}

static void by_exit_from_there(void)
{
    SAY(&b, 0, NX_OP_PAYLOAD_EXIT2, raw_atom("shutdown"), [NX_ARG_FROM] = raw_their_pid(&b, 0, 9),
        [NX_ARG_TO] = raw_pid(&b, &victim));
}

static void by_kill(void)
{
    SAY(&b, 0, NX_OP_PAYLOAD_EXIT2, raw_atom("kill"), [NX_ARG_FROM] = raw_their_pid(&b, 0, 9),
        [NX_ARG_TO] = raw_pid(&b, &victim));
}

static void by_a_link_here(void)
{
    struct noex_target t = here(&b, &other);
    assert_int_equal(noex_link(b.node, &victim, &t), 0);
    assert_int_equal(end_with(&other, raw_atom("shutdown")), 0);
}

static void by_a_link_there(void)
{
    SAY(&b, 0, NX_OP_LINK,
        no_payload, [NX_ARG_FROM] = raw_their_pid(&b, 0, 9), [NX_ARG_TO] = raw_pid(&b, &victim));
    SAY(&b, 0, NX_OP_PAYLOAD_EXIT, raw_atom("shutdown"), [NX_ARG_FROM] = raw_their_pid(&b, 0, 9),
        [NX_ARG_TO] = raw_pid(&b, &victim));
}

static void by_a_loss(void)
{
    SAY(&b, 0, NX_OP_LINK,
        no_payload, [NX_ARG_FROM] = raw_their_pid(&b, 0, 9), [NX_ARG_TO] = raw_pid(&b, &victim));
    bench_settle(&b);
    fake_beam_hang_up(&b.beam[0], false);
}

static void by_a_link_to_nobody(void)
{
    struct noex_pid nobody = {4711, 1, victim.creation};
    struct noex_target t = here(&b, &nobody);
    assert_int_equal(noex_link(b.node, &victim, &t), 0);
}

static const struct {
    void (*end)(void);
    const char *reason;
    enum noex_reason_type type;
} ends[] = {
    {by_its_node, "shutdown", NOEX_REASON_SHUTDOWN},
    {by_exit_here, "shutdown", NOEX_REASON_SHUTDOWN},
    {by_exit_from_there, "shutdown", NOEX_REASON_SHUTDOWN},
    {by_kill, "killed", NOEX_REASON_KILLED},
    {by_a_link_here, "shutdown", NOEX_REASON_SHUTDOWN},
    {by_a_link_there, "shutdown", NOEX_REASON_SHUTDOWN},
    {by_a_loss, "noconnection", NOEX_REASON_NOCONNECTION},
    {by_a_link_to_nobody, "noproc", NOEX_REASON_NOPROC},
};

enum { ENDS = sizeof ends / sizeof *ends };

static bool of_victim(const struct seen *s)
{
    return same_pid(&s->process, &victim);
}

/* The end is the last of the victim's events, and the only one of its kind. */
static const struct seen *last_is_end(void)
{
    const struct seen *end = NULL;
    for (size_t i = 0; i < b.seen_count; i++) {
        if (!of_victim(&b.seen[i]))
            continue;
        assert_null(end);
        end = b.seen[i].type == P_END ? &b.seen[i] : NULL;
    }
    assert_non_null(end);
    return end;
}

static void the_end_of_a_process_is_told_once_and_last_whatever_ended_it(void **state)
{
    (void)state;
    int marker;
    for (size_t i = 0; i < ENDS; i++) {
        for (int way = 0; way < 4; way++) { /* own callback or not, pulled or not */
            bench_init(&b);
            b.pull = way & 1;
            bench_open_citizen(&b, NX_DFLAGS_OURS);
            noex_process_options_init(&options);
            options.on_event = way & 2 ? bench_told : NULL;
            options.user = way & 2 ? (void *)&b : &marker;
            victim = make();
            other = bench_process(&b, NULL, false);
            assert_int_equal(send_here(&other, &victim, raw_atom("told")), 0);
            bench_until(&b, P_MSG, 1);
            ends[i].end();
            bench_until(&b, P_END, 1);
            bench_settle(&b);
            const struct seen *end = last_is_end();
            assert_term(end, raw_atom(ends[i].reason));
            assert_int_equal(end->reason, ends[i].type);
            assert_string_equal(end->node, "mon@127.0.0.1");
            assert_ptr_equal(end->process_user, options.user);
            assert_int_equal(end->own, way >> 1);
            assert_false(end->has_from);
            assert_false(noex_process_is_alive(b.node, &victim));
            assert_int_equal(end_with(&victim, raw_atom("again")), NOEX_ENOPROC);
            bench_close(&b);
        }
    }
}

static void what_waits_for_a_process_is_not_told_once_it_has_ended(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        open_alone(pull);
        options.trap_exit = 1;
        victim = make();
        other = make();
        struct noex_target t = here(&b, &victim);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(send_here(NULL, &victim, raw_int(i)), 0);
            assert_int_equal(send_here(NULL, &other, raw_int(i)), 0);
            assert_int_equal(noex_exit(b.node, &other, &t, term_of(raw_int(i))), 0);
        }
        assert_int_equal(end_with(&victim, raw_atom("normal")), 0);
        assert_int_equal(send_here(NULL, &victim, raw_int(9)), 0); /* lost, as in Erlang */
        bench_settle(&b);
        EXPECT_EVENTS(&b, P_MSG, P_MSG, P_MSG, P_END);
        last_is_end();
        bench_close(&b);
    }
}

static void a_reason_is_told_whole(void **state)
{
    (void)state;
    static uint8_t big[300000] = {109, 0, (sizeof big - 5) >> 16, ((sizeof big - 5) >> 8) & 255,
                                  (sizeof big - 5) & 255};
    open_alone(false);
    victim = make();
    assert_int_equal(noex_process_exit(b.node, &victim, term_of(nx_span(big, sizeof big))), 0);
    bench_until(&b, P_END, 1);
    assert_int_equal(b.seen[0].term_len, sizeof big);
    assert_int_equal(b.seen[0].term_full_len, sizeof big);
    assert_int_equal(b.seen[0].reason, NOEX_REASON_EXCEPTION);
    bench_close(&b);
}

/* ---- what a callback does ---- */

static struct {
    void (*act)(void);
    enum noex_event_type at; /* of the victim */
    unsigned acted;
} act;

static void in_event(struct bench *bench, const struct noex_event *e)
{
    bool pulled = bench->pull && !bench->seen[bench->seen_count - 1].own;
    if (e->type != act.at || !e->process || !same_pid(e->process, &victim) || act.acted)
        return;
    act.acted++;
    act.act();
    if (pulled) /* borrowed until the next call on the node only */
        return;
    assert_int_equal(noex_term_check(noex_event_term(e), NULL), 0);
    assert_true(same_pid(e->process, &victim));
}

static void end_itself(void)
{
    int rc = end_with(&victim, raw_atom("stop"));
    assert_int_equal(rc, act.at == P_END ? NOEX_ENOPROC : 0);
}

static void end_another(void)
{
    assert_int_equal(end_with(&other, raw_atom("stop")), 0);
}

static void end_all(void)
{
    end_itself();
    end_another();
}

static void free_the_node(void)
{
    noex_node_free(b.node);
    b.node = NULL;
}

static void disconnect_all(void)
{
    assert_int_equal(noex_disconnect(b.node, b.beam[0].name), 0);
}

static void make_name_and_send(void)
{
    struct noex_pid fresh = bench_process(&b, "fresh", false);
    struct noex_target t = name_here(&b, "fresh");
    assert_int_equal(noex_send(b.node, &fresh, &t, term_of(raw_atom("hello"))), 0);
    assert_int_equal(noex_unregister(b.node, "fresh"), 0);
    assert_int_equal(noex_register(b.node, "fresh", &fresh), 0);
    t = here(&b, &fresh);
    if (act.at != P_END)
        assert_int_equal(noex_link(b.node, &victim, &t), 0);
    t = there(&b, 0, 9);
    assert_int_equal(noex_send(b.node, &fresh, &t, term_of(raw_atom("hello"))), 0);
}

static void try_to_run_the_node(void)
{
    const struct noex_event *e;
    assert_int_equal(noex_node_process(b.node, 0), NOEX_EREENTRANT);
    assert_int_equal(noex_wait_event(b.node, 1, &e), NOEX_EREENTRANT);
    assert_null(noex_node_next_event(b.node));
}

/* The victim is told of a message and of exit signals from both sides, and is killed; `other` waits
 * for a message behind its. */
static void stir(void)
{
    struct noex_target t = here(&b, &victim);
    assert_int_equal(send_here(NULL, &victim, raw_atom("one")), 0);
    assert_int_equal(noex_exit(b.node, &other, &t, term_of(raw_atom("two"))), 0);
    assert_int_equal(send_here(NULL, &other, raw_atom("three")), 0);
    bench_settle(&b);
    if (!b.node || !noex_process_is_alive(b.node, &victim))
        return;
    by_a_link_there();
    by_kill();
    bench_settle(&b);
    if (noex_process_is_alive(b.node, &victim)) /* they came to nothing */
        by_its_node();
}

static void acts_at(void (*f)(void), enum noex_event_type at, int way)
{
    bench_init(&b);
    b.pull = way & 1;
    b.in_event = in_event;
    act.act = f;
    act.at = at;
    act.acted = 0;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    noex_process_options_init(&options);
    options.trap_exit = 1;
    options.on_event = way & 2 ? bench_told : NULL;
    options.user = &b;
    victim = make();
    other = bench_process(&b, NULL, false);
    stir();
    if (b.node) {
        bench_until(&b, P_END, 1);
        bench_settle(&b);
        last_is_end();
    }
    assert_int_equal(act.acted, 1);
    bench_close(&b);
}

static void at_any_event_a_callback_may_do_anything(void **state)
{
    (void)state;
    void (*const acts[])(void) = {end_itself,    end_another,        end_all,
                                  free_the_node, make_name_and_send, disconnect_all};
    const enum noex_event_type types[] = {P_MSG, P_EXIT, P_END};
    for (size_t a = 0; a < sizeof acts / sizeof *acts; a++)
        for (size_t t = 0; t < 3; t++)
            for (int way = 0; way < 4; way++)
                acts_at(acts[a], types[t], way);
}

static void but_run_the_node_or_take_events(void **state)
{
    (void)state;
    const enum noex_event_type types[] = {P_MSG, P_EXIT, P_END};
    for (size_t t = 0; t < 3; t++) {
        acts_at(try_to_run_the_node, types[t], 0);
        acts_at(try_to_run_the_node, types[t], 2);
        acts_at(try_to_run_the_node, types[t], 3);
    }
}

/* ---- pulled, beside callbacks of processes ---- */

enum { MIXED = 12, OWN = MIXED / 3 };

static struct noex_pid own_way, nodes_way;

/* Messages of ascending numbers, by turns to a process with a callback of its own and to one
 * without. */
static void open_mixed(void)
{
    open_alone(true);
    nodes_way = make();
    options.on_event = bench_told;
    options.user = &b;
    own_way = make();
    for (int i = 0; i < MIXED; i++)
        assert_int_equal(send_here(NULL, i % 3 == 0 ? &own_way : &nodes_way, raw_int(i)), 0);
}

/* What was told to the callback since the first `from` events: in order, and no more. */
static void expect_own(size_t from)
{
    assert_int_equal(b.seen_count, from + OWN);
    for (size_t i = 0; i < OWN; i++) {
        assert_true(b.seen[from + i].own);
        assert_term(&b.seen[from + i], raw_int((int64_t)i * 3));
    }
}

static void expect_pulled(const struct noex_event *e, int n)
{
    assert_non_null(e);
    assert_span(nx_span(e->term, e->term_len), raw_int(n / 2 * 3 + n % 2 + 1));
}

static void callbacks_do_not_wait_for_what_is_to_be_pulled(void **state)
{
    (void)state;
    open_mixed();
    assert_int_equal(noex_node_timeout_ms(b.node), 0);
    assert_int_equal(noex_node_process(b.node, 10000), 0);
    expect_own(0);
    for (int i = 0; i < MIXED - OWN; i++)
        expect_pulled(noex_node_next_event(b.node), i);
    assert_null(noex_node_next_event(b.node));
    expect_own(0); /* no callback but from noex_node_process */
    assert_int_equal(noex_node_timeout_ms(b.node), -1);
    bench_close(&b);
}

static void what_is_pulled_does_not_wait_for_callbacks(void **state)
{
    (void)state;
    open_mixed();
    for (int i = 0; i < MIXED - OWN; i++)
        expect_pulled(noex_node_next_event(b.node), i);
    assert_int_equal(b.seen_count, 0);
    assert_int_equal(noex_node_timeout_ms(b.node), 0); /* of them no poll loop is kept */
    assert_int_equal(noex_node_process(b.node, 10000), 0);
    expect_own(0);
    bench_close(&b);
}

static void a_wait_for_an_event_runs_callbacks_meanwhile(void **state)
{
    (void)state;
    const struct noex_event *e;
    open_mixed();
    for (int i = 0; i < MIXED - OWN; i++) {
        assert_int_equal(noex_wait_event(b.node, 5000, &e), 0);
        expect_pulled(e, i);
    }
    uint64_t before = bench_clock();
    assert_int_equal(noex_wait_event(b.node, 20, &e), NOEX_EWAIT);
    assert_true(bench_clock() - before >= 19);
    expect_own(0);
    bench_close(&b);
}

/* What it sends to the other process wakes whoever waits for an event. */
static void pass_on(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    assert_int_equal(e->type, P_MSG);
    assert_int_equal(
        send_here(&own_way, &nodes_way, nx_span(noex_event_term(e).bytes, e->term_len)), 0);
}

static void a_wait_is_ended_by_what_a_callback_sends(void **state)
{
    (void)state;
    const struct noex_event *e;
    open_alone(true);
    nodes_way = make();
    options.on_event = bench_told;
    options.user = &b;
    own_way = make();
    b.in_event = pass_on;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send_here(NULL, &own_way, raw_int(i)), 0);
        assert_int_equal(noex_wait_event(b.node, 10000, &e), 0);
        assert_span(nx_span(e->term, e->term_len), raw_int(i));
        assert_true(same_pid(e->process, &nodes_way));
    }
    bench_close(&b);
}

static void the_event_at_hand_outlives_its_process(void **state)
{
    (void)state;
    open_alone(true);
    victim = make();
    assert_int_equal(send_here(NULL, &victim, raw_atom("hello")), 0);
    assert_int_equal(send_here(NULL, &victim, raw_atom("lost")), 0);
    const struct noex_event *e = noex_node_next_event(b.node);
    assert_non_null(e);
    struct noex_term term = noex_event_term(e);
    assert_true(noex_term_is_atom(term, "hello"));
    assert_int_equal(end_with(&victim, raw_atom("normal")), 0);
    e = noex_node_next_event(b.node);
    assert_int_equal(e->type, P_END);
    assert_null(noex_node_next_event(b.node));
    bench_close(&b);
}

/* ---- aliases and group leaders ---- */

static struct noex_term build_alias(const struct noex_pid *pid, noex_builder *builder,
                                    noex_alias_id *id)
{
    struct noex_term term;
    noex_builder_clear(builder);
    assert_int_equal(noex_alias(b.node, pid, builder, id), 0);
    assert_int_equal(noex_builder_term(builder, &term), 0);
    return term;
}

static void send_to_alias(struct noex_term alias, int64_t n)
{
    SAY(&b, 0, NX_OP_ALIAS_SEND, raw_int(n), [NX_ARG_FROM] = raw_their_pid(&b, 0, 9),
        [NX_ARG_REF] = nx_span(alias.bytes, alias.len));
    bench_settle(&b);
}

static void an_alias_leads_to_its_process_until_it_is_taken_away(void **state)
{
    (void)state;
    noex_alias_id one, two;
    noex_builder *builder[2];
    assert_int_equal(noex_builder_new(&builder[0], NULL), 0);
    assert_int_equal(noex_builder_new(&builder[1], NULL), 0);
    bench_citizen(&b, NX_DFLAGS_OURS);
    victim = bench_process(&b, NULL, false);
    struct noex_term first = build_alias(&victim, builder[0], &one);
    struct noex_term second = build_alias(&victim, builder[1], &two);
    assert_true(one && two && one != two);
    send_to_alias(first, 1);
    send_to_alias(second, 2);
    assert_int_equal(noex_unalias(b.node, one), 0);
    assert_int_equal(noex_unalias(b.node, one), 0); /* no error */
    assert_int_equal(noex_unalias(b.node, 0), 0);
    send_to_alias(first, 3); /* dropped */
    send_to_alias(second, 4);
    assert_int_equal(end_with(&victim, raw_atom("normal")), 0);
    send_to_alias(second, 5);
    EXPECT_EVENTS(&b, P_MSG, P_MSG, P_MSG, P_END);
    const int told[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        assert_term(&b.seen[i], raw_int(told[i]));
        assert_true(same_pid(&b.seen[i].process, &victim));
    }
    bench_close(&b);
    noex_builder_free(builder[0]);
    noex_builder_free(builder[1]);
}

static void a_group_leader_is_what_the_last_signal_named(void **state)
{
    (void)state;
    noex_builder *builder;
    struct noex_term term;
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    bench_citizen(&b, NX_DFLAGS_OURS);
    victim = bench_process(&b, NULL, false);
    assert_int_equal(noex_group_leader(b.node, &victim, builder), 0);
    assert_int_equal(noex_builder_term(builder, &term), 0);
    assert_true(noex_term_is_atom(term, "undefined"));
    for (uint32_t id = 20; id < 22; id++) {
        SAY(&b, 0, NX_OP_GROUP_LEADER, no_payload, [NX_ARG_LEADER] = raw_their_pid(&b, 0, id),
            [NX_ARG_TO] = raw_pid(&b, &victim));
        bench_settle(&b);
        noex_builder_clear(builder);
        assert_int_equal(noex_group_leader(b.node, &victim, builder), 0);
        assert_int_equal(noex_builder_term(builder, &term), 0);
        assert_span(nx_span(term.bytes, term.len), raw_their_pid(&b, 0, id));
    }
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
    noex_builder_free(builder);
}

/* ---- what cannot be ---- */

static void what_is_null_is_said(void **state)
{
    (void)state;
    noex_builder *builder;
    noex_alias_id id;
    struct noex_pid out;
    struct noex_term term = term_of(raw_atom("x"));
    open_alone(false);
    victim = make();
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    assert_int_equal(noex_process_new(NULL, NULL, &out), NOEX_EINVALID);
    assert_int_equal(noex_process_new(b.node, NULL, NULL), NOEX_EINVALID);
    assert_int_equal(noex_process_exit(NULL, &victim, term), NOEX_EINVALID);
    assert_int_equal(noex_process_exit(b.node, NULL, term), NOEX_EINVALID);
    assert_int_equal(noex_process_trap_exit(NULL, &victim, true), NOEX_EINVALID);
    assert_int_equal(noex_process_trap_exit(b.node, NULL, true), NOEX_EINVALID);
    assert_int_equal(noex_register(NULL, "x", &victim), NOEX_EINVALID);
    assert_int_equal(noex_register(b.node, "x", NULL), NOEX_EINVALID);
    assert_int_equal(noex_unregister(NULL, "x"), NOEX_EINVALID);
    assert_int_equal(noex_unregister(b.node, NULL), NOEX_EINVALID);
    assert_int_equal(noex_whereis(NULL, "x", &out), NOEX_EINVALID);
    assert_int_equal(noex_whereis(b.node, NULL, &out), NOEX_EINVALID);
    assert_int_equal(noex_whereis(b.node, "x", NULL), NOEX_EINVALID);
    assert_int_equal(noex_alias(NULL, &victim, builder, &id), NOEX_EINVALID);
    assert_int_equal(noex_alias(b.node, NULL, builder, &id), NOEX_EINVALID);
    assert_int_equal(noex_alias(b.node, &victim, NULL, &id), NOEX_EINVALID);
    assert_int_equal(noex_alias(b.node, &victim, builder, NULL), NOEX_EINVALID);
    assert_int_equal(noex_unalias(NULL, 1), NOEX_EINVALID);
    assert_int_equal(noex_group_leader(NULL, &victim, builder), NOEX_EINVALID);
    assert_int_equal(noex_group_leader(b.node, NULL, builder), NOEX_EINVALID);
    assert_int_equal(noex_group_leader(b.node, &victim, NULL), NOEX_EINVALID);
    assert_string_equal(noex_node_error(b.node)->text, "noex_group_leader: an argument is NULL");
    noex_builder_free(builder);
    bench_close(&b);
}

static void a_process_that_is_not_there_is_said(void **state)
{
    (void)state;
    noex_builder *builder;
    noex_alias_id id;
    open_alone(false);
    struct noex_pid live = make();
    struct noex_pid dead[] = {{0, 0, 0},
                              {live.id, live.serial + 1, live.creation},
                              {live.id + 1, live.serial, live.creation},
                              {live.id, live.serial, live.creation + 1},
                              {1, 1, live.creation}, /* the node's own */
                              {UINT32_MAX, UINT32_MAX, live.creation}};
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    for (size_t i = 0; i < sizeof dead / sizeof *dead; i++) {
        assert_int_equal(end_with(&dead[i], raw_atom("x")), NOEX_ENOPROC);
        assert_int_equal(noex_process_trap_exit(b.node, &dead[i], true), NOEX_ENOPROC);
        assert_int_equal(noex_register(b.node, "x", &dead[i]), NOEX_ENOPROC);
        assert_int_equal(noex_alias(b.node, &dead[i], builder, &id), NOEX_ENOPROC);
        assert_int_equal(noex_group_leader(b.node, &dead[i], builder), NOEX_ENOPROC);
        assert_non_null(strstr(noex_node_error(b.node)->text, "there is no process <0."));
    }
    noex_builder_free(builder);
    bench_close(&b);
}

static void a_reason_that_is_no_whole_term_ends_nothing(void **state)
{
    (void)state;
    open_alone(false);
    victim = make();
    const struct nx_span bad[] = {
        {NULL, 0}, {cut_bytes, sizeof cut_bytes}, {two_bytes, sizeof two_bytes}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(end_with(&victim, bad[i]), NOEX_ETERM);
        assert_true(noex_node_error(b.node)->text[0] != '\0');
    }
    assert_true(noex_process_is_alive(b.node, &victim));
    bench_settle(&b);
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void a_builder_that_cannot_take_more_says_so(void **state)
{
    (void)state;
    static const struct {
        int code;
        bool finished;
        unsigned deep;
        bool cut;
    } cases[] = {{NOEX_ESTATE, true, 0, false},
                 {NOEX_ELIMIT, false, 1025, false},
                 {NOEX_ETERM, false, 0, true}};
    noex_builder *builder;
    noex_alias_id id = 0;
    open_alone(false);
    victim = make();
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct noex_term cut = {cut_bytes, sizeof cut_bytes};
        noex_builder_clear(builder);
        if (cases[i].finished)
            noex_build_nil(builder);
        for (unsigned d = 0; d < cases[i].deep; d++)
            noex_build_list(builder);
        if (cases[i].cut)
            noex_build_term(builder, cut);
        assert_int_equal(noex_alias(b.node, &victim, builder, &id), cases[i].code);
        assert_int_equal(id, 0);
        assert_int_equal(noex_group_leader(b.node, &victim, builder), cases[i].code);
    }
    noex_builder_free(builder);
    bench_close(&b);
}

/* The k-th allocation fails, for every k, until all works. */
static void without_memory_nothing_has_happened(void **state)
{
    (void)state;
    noex_builder *builder;
    noex_alias_id id;
    open_alone(false);
    struct noex_pid pid, named;
    int rc = NOEX_ENOMEM, before = 0;
    options.name = "srv";
    for (size_t k = 1; rc; k++, before++) {
        b.alloc.fail_at = b.alloc.calls + k;
        rc = noex_process_new(b.node, &options, &pid);
        b.alloc.fail_at = 0;
        assert_true(rc == 0 || rc == NOEX_ENOMEM);
        assert_int_equal(noex_whereis(b.node, "srv", &named), rc ? NOEX_ENOPROC : 0);
    }
    assert_true(before > 2);
    options.name = NULL;
    victim = make();
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_register(b.node, "other", &victim), NOEX_ENOMEM);
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(end_with(&victim, raw_atom("reason")), NOEX_ENOMEM);
    assert_true(noex_process_is_alive(b.node, &victim));
    assert_int_equal(noex_builder_new(&builder, &b.alloc.a), 0);
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_alias(b.node, &victim, builder, &id), NOEX_ENOMEM);
    noex_builder_clear(builder);
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_group_leader(b.node, &victim, builder), NOEX_ENOMEM);
    noex_builder_free(builder);
    b.alloc.fail_at = 0;
    assert_int_equal(end_with(&victim, raw_atom("reason")), 0);
    bench_until(&b, P_END, 1);
    EXPECT_EVENTS(&b, P_END);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_has_a_pid_of_the_nodes_creation_and_lives_until_it_ends),
        cmocka_unit_test(options_are_taken_from_older_and_newer_headers),
        cmocka_unit_test(there_are_no_more_processes_than_processes_max),
        cmocka_unit_test(a_node_without_a_name_has_no_processes),
        cmocka_unit_test(a_name_is_one_processs_and_a_process_has_one),
        cmocka_unit_test(a_dead_process_loses_its_name_at_once),
        cmocka_unit_test(the_name_of_the_nodes_own_is_taken_and_leads_nowhere),
        cmocka_unit_test(what_cannot_be_an_atom_cannot_be_a_name),
        cmocka_unit_test(the_end_of_a_process_is_told_once_and_last_whatever_ended_it),
        cmocka_unit_test(what_waits_for_a_process_is_not_told_once_it_has_ended),
        cmocka_unit_test(a_reason_is_told_whole),
        cmocka_unit_test(at_any_event_a_callback_may_do_anything),
        cmocka_unit_test(but_run_the_node_or_take_events),
        cmocka_unit_test(callbacks_do_not_wait_for_what_is_to_be_pulled),
        cmocka_unit_test(what_is_pulled_does_not_wait_for_callbacks),
        cmocka_unit_test(a_wait_for_an_event_runs_callbacks_meanwhile),
        cmocka_unit_test(a_wait_is_ended_by_what_a_callback_sends),
        cmocka_unit_test(the_event_at_hand_outlives_its_process),
        cmocka_unit_test(an_alias_leads_to_its_process_until_it_is_taken_away),
        cmocka_unit_test(a_group_leader_is_what_the_last_signal_named),
        cmocka_unit_test(what_is_null_is_said),
        cmocka_unit_test(a_process_that_is_not_there_is_said),
        cmocka_unit_test(a_reason_that_is_no_whole_term_ends_nothing),
        cmocka_unit_test(a_builder_that_cannot_take_more_says_so),
        cmocka_unit_test(without_memory_nothing_has_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
