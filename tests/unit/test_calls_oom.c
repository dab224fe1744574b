/* What a program does with calls, spawns and functions, with the k-th allocation failing, for every
 * k, and with all from the k-th on failing: each call ends once, and with memory all works again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "node/peer.h"
#include "process_bench.h"
#include "term/gen.h"
#include "term/ident.h"
#include "term/read.h"
#include "term/write.h"
#include <noex/call.h>

enum { MOMENT_MS = 8, LIMIT_MS = 10000, CALLS_MAX = 16, NEW_PID = 345 };

static struct bench b;

/* What was asked for, and what came of it. */
static struct made {
    noex_call_id id;
    bool cancelled;
    unsigned replies, failures, spawned, downs;
} made[CALLS_MAX];
static size_t made_count;
static struct noex_pid process;
static unsigned answered; /* signals that the fake has answered */

struct flow {
    const char *name;
    void (*run)(void);
    bool dynamic;
    bool connected; /* before */
    bool pull;
    size_t least;
};

static const struct flow *flow;

/* ---- the other side ---- */

/* A call that came: `rex` says who `user` is, others get their own request back. */
static void answer_call(const struct fake_signal *s, bool to_rex)
{
    struct nx_gen gen;
    struct nx_gen_caller caller;
    uint8_t bytes[2 * FAKE_TERM];
    struct nx_buf out;
    nx_gen_parse(fake_signal_payload(s), &gen);
    if (gen.kind != NX_GEN_CALL || !nx_gen_caller_parse(gen.caller, &caller))
        return;
    nx_buf_fixed(&out, bytes, sizeof bytes);
    struct nx_span reply = to_rex                ? raw_their_pid(&b, 0, 12)
                           : gen.term.len < 1000 ? gen.term
                                                 : raw_atom("big");
    assert_int_equal(nx_gen_write_reply(&out, caller.tag, reply), 0);
    SAY(&b, 0, NX_OP_SEND, nx_buf_span(&out), [NX_ARG_TO] = caller.pid);
}

/* A process that is spawned, and ends: with a value, where it is erpc's. */
static void answer_spawn(const struct fake_signal *s)
{
    struct nx_span ref = fake_signal_arg(s, NX_ARG_REF), from = fake_signal_arg(s, NX_ARG_FROM);
    struct nx_span options = fake_signal_arg(s, NX_ARG_OPTS), result;
    struct nx_rd in = nx_rd(fake_signal_payload(s)), o = nx_rd(options);
    uint32_t count;
    bool call = nx_read_list_head(&in, &count) && count == 4 && nx_read_term(&in, &result);
    bool link = nx_read_list_head(&o, &count) && nx_read_atom_is(&o, "link");
    SAY(&b, 0, NX_OP_SPAWN_REPLY, no_payload, [NX_ARG_REF] = ref, [NX_ARG_TO] = from,
        [NX_ARG_FLAGS] = raw_int(link ? 3 : 2), [NX_ARG_RESULT] = raw_their_pid(&b, 0, NEW_PID));
    SAY(&b, 0, NX_OP_PAYLOAD_MONITOR_P_EXIT,
        call ? RAW_TUPLE(result, raw_atom("return"), raw_atom("value")) : raw_atom("normal"),
        [NX_ARG_TARGET] = raw_their_pid(&b, 0, NEW_PID), [NX_ARG_TO] = from, [NX_ARG_REF] = ref);
}

static void answer_all(void)
{
    struct fake_beam *beam = &b.beam[0];
    for (; answered < beam->signals && fake_beam_is_up(beam); answered++) {
        const struct fake_signal *s = &beam->signal[answered];
        if (s->op == NX_OP_REG_SEND)
            answer_call(s, nx_span_eq(fake_signal_arg(s, NX_ARG_NAME), raw_atom("rex")));
        else if (s->op == NX_OP_SPAWN_REQUEST)
            answer_spawn(s);
    }
}

static void count_events(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    for (size_t i = 0; i < made_count; i++) {
        if (made[i].id != e->call)
            continue;
        assert_false(made[i].cancelled);
        made[i].replies += e->type == REPLY;
        made[i].failures += e->type == CALL_FAILED;
        made[i].spawned += e->type == SPAWNED;
        made[i].downs += e->type == SPAWN_DOWN;
    }
    if (e->type == P_CALL)
        (void)!noex_reply(b.node, e->process, e->caller, noex_event_term(e));
}

static bool is_over(const struct made *m)
{
    return m->cancelled || m->replies + m->failures + m->downs == 1;
}

static bool all_over(void)
{
    for (size_t i = 0; i < made_count; i++)
        if (!is_over(&made[i]))
            return false;
    return true;
}

/* Drives both sides; once something failed, for a moment only. */
static void until(bool (*done)(void))
{
    uint64_t start = bench_clock();
    while (!done() && bench_clock() - start < (b.alloc.failed ? MOMENT_MS : LIMIT_MS)) {
        bench_step(&b);
        answer_all();
    }
    assert_true(b.alloc.failed || done());
}

/* ---- steps ---- */

static void note(int rc, noex_call_id id)
{
    if (rc && rc != NOEX_ENOMEM)
        fail_msg("%s: %s", noex_error_name(rc), noex_node_error(b.node)->text);
    assert_true(made_count < CALLS_MAX);
    if (rc == 0)
        made[made_count++] = (struct made){.id = id};
}

static void call(const struct noex_pid *from, struct noex_target to)
{
    noex_call_id id = 0;
    int rc = noex_call(b.node, from, &to, term_of(raw_atom("r")), UINT64_MAX, NULL, &id);
    note(rc, id);
}

/* More than a connection has room for without memory. */
static void big_call(void)
{
    static uint8_t bytes[100000] = {109, 0, (99995 >> 16) & 255, (99995 >> 8) & 255, 99995 & 255};
    struct noex_target to = name_there(&b, 0, "srv");
    noex_call_id id = 0;
    int rc =
        noex_call(b.node, NULL, &to, term_of(nx_span(bytes, sizeof bytes)), UINT64_MAX, NULL, &id);
    note(rc, id);
}

static void spawn(const struct noex_pid *from, bool link)
{
    struct noex_spawn_options o;
    noex_call_id id = 0;
    noex_spawn_options_init(&o);
    o.node = name_there(&b, 0, "x").node;
    o.module = "m";
    o.function = "f";
    o.process = from;
    o.link = link;
    o.monitor = 1;
    o.timeout_ms = UINT64_MAX;
    int rc = noex_spawn(b.node, &o, &id);
    note(rc, id);
}

static void rpc(void)
{
    static const uint8_t nil[] = {106};
    const struct noex_term none = {nil, sizeof nil};
    noex_call_id id = 0;
    const char *where = name_there(&b, 0, "x").node;
    int rc = noex_rpc(b.node, where, "m", "f", none, UINT64_MAX, NULL, &id);
    note(rc, id);
}

/* ---- flows ---- */

static void calls(void)
{
    call(NULL, name_there(&b, 0, "srv"));
    call(&process, name_there(&b, 0, "srv"));
    until(all_over);
}

static void calls_of_the_node(void)
{
    call(NULL, name_there(&b, 0, "srv"));
    call(NULL, name_there(&b, 0, "srv"));
    until(all_over);
}

static void big_calls(void)
{
    big_call();
    until(all_over);
}

static void calls_here(void)
{
    call(NULL, here(&b, &process));
    call(&process, name_here(&b, "proc"));
    call(NULL, name_here(&b, "nobody"));
    until(all_over);
}

static void remote_calls(void)
{
    rpc();
    rpc();
    until(all_over);
    rpc();
    until(all_over);
}

static void spawns(void)
{
    spawn(NULL, false);
    spawn(&process, true);
    spawn(&process, false);
    until(all_over);
}

static void cancels(void)
{
    call(NULL, name_there(&b, 0, "srv"));
    rpc();
    spawn(&process, true);
    bench_step(&b);
    for (size_t i = 0; i < made_count; i++) {
        assert_int_equal(noex_call_cancel(b.node, made[i].id), 0);
        made[i].cancelled = true;
    }
    bench_for(&b, 2);
    answer_all();
    bench_for(&b, 2);
}

static bool is_down(void)
{
    return b.count[DOWN] > 0;
}

static void is_lost(void)
{
    call(NULL, name_there(&b, 0, "srv"));
    spawn(NULL, false);
    bench_step(&b);
    fake_beam_hang_up(&b.beam[0], true);
    until(is_down);
}

static const struct flow flows[] = {
    {"calls", calls, .connected = true, .least = 6},
    {"calls, told by pulling", calls, .connected = true, .pull = true, .least = 6},
    {"calls whom it must connect to", calls, .least = 20},
    {"calls by a name of the peer's", calls_of_the_node, .connected = true, .dynamic = true,
     .least = 8},
    {"calls before it has a name", calls_of_the_node, .dynamic = true, .least = 20},
    {"calls with a lot to say", big_calls, .connected = true, .least = 5},
    {"calls with a lot to say before it has a name", big_calls, .dynamic = true, .least = 20},
    {"calls processes here", calls_here, .connected = true, .least = 7},
    {"remote calls", remote_calls, .connected = true, .least = 12},
    {"remote calls of whom it must connect to", remote_calls, .least = 25},
    {"remote calls before it has a name", remote_calls, .dynamic = true, .least = 25},
    {"spawns", spawns, .connected = true, .least = 14},
    {"spawns where it must connect", spawns, .least = 25},
    {"cancels", cancels, .connected = true, .least = 8},
    {"is lost", is_lost, .connected = true, .least = 6},
};

/* ---- the driver ---- */

/* With memory again: whatever waits ends when the connection does, and each was told of once. */
static void bring_to_an_end(void)
{
    int rc = noex_disconnect(b.node, "beam@127.0.0.1");
    assert_true(rc == 0 || rc == NOEX_ENOTREACHABLE);
    until(all_over);
    bench_settle(&b);
    for (size_t i = 0; i < made_count; i++) {
        assert_true(is_over(&made[i]));
        assert_true(made[i].spawned <= 1 && made[i].downs <= made[i].spawned);
        assert_true(!made[i].failures || !made[i].spawned);
    }
    for (uint32_t i = 0; i < b.node->peers.count; i++) {
        const struct nx_pending_asked *asked = &b.node->peers.list[i]->asked;
        assert_true(!asked->waiting.count && !asked->leaving.count && !asked->kept);
    }
}

static void works_again(void)
{
    made_count = 0;
    call(NULL, name_there(&b, 0, "srv"));
    rpc();
    until(all_over);
    assert_true(made[0].replies == 1 && made[1].replies == 1);
}

static size_t run(size_t k, bool on)
{
    bench_init(&b);
    made_count = answered = 0;
    b.pull = flow->pull;
    b.in_event = count_events;
    if (flow->dynamic)
        b.options.name = NULL;
    bench_open(&b);
    bench_beam(&b, NULL)->deaf = true;
    if (!flow->dynamic)
        process = bench_process(&b, "proc", true);
    if (flow->connected)
        bench_connect(&b, 0);
    b.alloc.fail_at = b.alloc.calls + k;
    b.alloc.fail_on = on;
    flow->run();
    size_t failed = b.alloc.failed;
    b.alloc.fail_at = 0;
    b.alloc.failed = 0;
    bring_to_an_end();
    works_again();
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
        assert_in_range(k - 1, flow->least, 1000);
    }
}

int main(void)
{
    enum { FLOWS = sizeof flows / sizeof flows[0] };
    struct CMUnitTest tests[FLOWS];
    for (size_t i = 0; i < FLOWS; i++)
        tests[i] = (struct CMUnitTest){.name = flows[i].name,
                                       .test_func = a_flow_survives_every_lack_of_memory,
                                       .initial_state = (void *)(uintptr_t)&flows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
