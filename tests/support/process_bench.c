/* SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"

#include "term/ident.h"
#include "term/write.h"

enum { POOL = 32 };

const struct nx_span no_payload = {NULL, 0};

/* ---- terms ---- */

static uint8_t *buffer(void)
{
    static uint8_t pool[POOL][FAKE_TERM];
    static unsigned next;
    return pool[next++ % POOL];
}

struct nx_span raw_atom(const char *text)
{
    return fake_atom(text, buffer());
}

struct nx_span raw_int(int64_t value)
{
    struct nx_buf out;
    nx_buf_fixed(&out, buffer(), FAKE_TERM);
    assert_int_equal(nx_i64_write(&out, value), 0);
    return nx_buf_span(&out);
}

struct nx_span raw_pid(const struct bench *b, const struct noex_pid *pid)
{
    return fake_pid(noex_node_name(b->node), pid->id, pid->serial, pid->creation, buffer());
}

struct nx_span raw_their_pid(const struct bench *b, unsigned i, uint32_t id)
{
    return fake_pid(b->beam[i].name, id, 0, b->beam[i].opts.creation, buffer());
}

struct nx_span raw_their_ref(const struct bench *b, unsigned i, uint32_t n)
{
    const struct nx_ref ref = {.node = nx_span_str(b->beam[i].name),
                               .creation = b->beam[i].opts.creation,
                               .count = 3,
                               .word = {n, 7, 8}};
    struct nx_buf out;
    nx_buf_fixed(&out, buffer(), FAKE_TERM);
    assert_int_equal(nx_ref_write(&out, &ref), 0);
    return nx_buf_span(&out);
}

struct nx_span raw_tuple(unsigned arity, const struct nx_span *elements)
{
    struct nx_buf out;
    nx_buf_fixed(&out, buffer(), FAKE_TERM);
    assert_int_equal(nx_write_tuple_head(&out, arity), 0);
    for (unsigned i = 0; i < arity; i++)
        assert_int_equal(nx_write_raw(&out, elements[i]), 0);
    return nx_buf_span(&out);
}

/* ---- the node ---- */

void bench_open_citizen(struct bench *b, uint64_t flags)
{
    bench_open(b);
    bench_beam(b, &(struct fake_beam_opts){.flags = flags});
    bench_connect(b, 0);
    bench_forget(b);
    bench_forget_signals(b, 0);
}

void bench_citizen(struct bench *b, uint64_t flags)
{
    bench_init(b);
    bench_open_citizen(b, flags);
}

struct noex_pid bench_process(struct bench *b, const char *name, bool trap)
{
    struct noex_process_options o;
    struct noex_pid pid = {0, 0, 0};
    noex_process_options_init(&o);
    o.name = name;
    o.trap_exit = trap;
    assert_int_equal(noex_process_new(b->node, &o, &pid), 0);
    return pid;
}

/* ---- signals ---- */

void bench_forget_signals(struct bench *b, unsigned i)
{
    struct fake_beam *beam = &b->beam[i];
    for (unsigned k = 0; k < beam->signals; k++)
        nx_buf_free(&beam->signal[k].bytes);
    beam->signals = 0;
    memset(beam->ops, 0, sizeof beam->ops);
}

static void fail_with_signals(const struct fake_beam *beam)
{
    for (unsigned k = 0; k < beam->signals; k++)
        print_message("signal %u: %s\n", k, nx_op_name((int)beam->signal[k].op));
    fail_msg("these are not the signals that were expected");
}

void bench_expect_signals(const struct bench *b, unsigned i, const enum nx_op *ops)
{
    const struct fake_beam *beam = &b->beam[i];
    unsigned n = 0;
    bool same = true;
    for (; ops[n]; n++)
        same = same && n < beam->signals && beam->signal[n].op == ops[n];
    if (!same || n != beam->signals)
        fail_with_signals(beam);
}

const struct fake_signal *bench_only_signal(const struct bench *b, unsigned i, enum nx_op op)
{
    EXPECT_SIGNALS(b, i, op);
    return &b->beam[i].signal[0];
}

/* ---- targets ---- */

struct noex_target here(const struct bench *b, const struct noex_pid *pid)
{
    return (struct noex_target){
        .kind = NOEX_TARGET_PID, .pid = *pid, .node = noex_node_name(b->node)};
}

static const char *address(const struct bench *b, unsigned i)
{
    static char text[BENCH_BEAMS][300];
    fake_beam_address(&b->beam[i], text[i], sizeof text[i]);
    return text[i];
}

struct noex_target there(const struct bench *b, unsigned i, uint32_t id)
{
    return (struct noex_target){
        .kind = NOEX_TARGET_PID, .pid = {id, 0, b->beam[i].opts.creation}, .node = address(b, i)};
}

struct noex_target name_here(const struct bench *b, const char *name)
{
    return (struct noex_target){
        .kind = NOEX_TARGET_NAME, .name = name, .node = noex_node_name(b->node)};
}

struct noex_target name_there(const struct bench *b, unsigned i, const char *name)
{
    return (struct noex_target){.kind = NOEX_TARGET_NAME, .name = name, .node = address(b, i)};
}

/* ---- comparing ---- */

bool same_pid(const struct noex_pid *a, const struct noex_pid *b)
{
    return a->id == b->id && a->serial == b->serial && a->creation == b->creation;
}

void assert_span(struct nx_span found, struct nx_span expected)
{
    assert_int_equal(found.len, expected.len);
    if (expected.len)
        assert_memory_equal(found.ptr, expected.ptr, expected.len);
}

void assert_term(const struct seen *s, struct nx_span term)
{
    assert_int_equal(s->term_full_len, term.len);
    assert_true(term.len <= sizeof s->term);
    assert_span(nx_span(s->term, s->term_len), term);
}
