/* SPDX-License-Identifier: Apache-2.0 */
#include "node_bench.h"

#include "handshake/dflags.h"
#include "node/peer.h"
#include <stdlib.h>
#include <time.h>

enum { DEADLINE_MS = 20000, IDLE_ROUNDS = 3 };

uint64_t bench_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void copy_target(struct seen *s, const struct noex_target *t)
{
    if (!t)
        return;
    s->kind = t->kind;
    s->pid = t->pid;
    if (t->name)
        snprintf(s->name, sizeof s->name, "%s", t->name);
}

static void copy_term(struct seen *s, const struct noex_event *e)
{
    s->has_term = e->term != NULL;
    s->term_len = e->term_len;
    s->term_full_len = e->term_full_len;
    if (e->term)
        memcpy(s->term, e->term, e->term_len < sizeof s->term ? e->term_len : sizeof s->term);
}

static void copy_process(struct seen *s, const struct noex_event *e)
{
    if (e->process)
        s->process = *e->process;
    s->has_from = e->from != NULL;
    if (e->from)
        s->from = *e->from;
    s->process_user = e->process_user;
    s->priority = e->priority;
    s->call = e->call;
    s->call_user = e->call_user;
    s->caller_len = e->caller.len;
    if (e->caller.len)
        memcpy(s->caller, e->caller.bytes,
               e->caller.len < sizeof s->caller ? e->caller.len : sizeof s->caller);
}

static void keep(struct bench *b, const struct noex_event *e)
{
    if (b->seen_count == b->seen_cap) {
        b->seen_cap = b->seen_cap ? b->seen_cap * 2 : 64;
        b->seen = realloc(b->seen, b->seen_cap * sizeof *b->seen);
        assert_non_null(b->seen);
    }
    struct seen *s = &b->seen[b->seen_count++];
    *s = (struct seen){.type = e->type,
                       .monitor = e->monitor,
                       .user = e->monitor_user,
                       .reason = e->reason,
                       .origin = e->origin,
                       .attempt = e->attempt,
                       .missed = e->missed,
                       .port = e->port,
                       .delay_ms = e->delay_ms};
    snprintf(s->node, sizeof s->node, "%s", e->node ? e->node : "");
    if (e->error) {
        s->code = e->error->code;
        memcpy(s->text, e->error->text, sizeof s->text);
    }
    copy_target(s, e->target);
    copy_term(s, e);
    copy_process(s, e);
}

static void note(struct bench *b, const struct noex_event *e, bool own)
{
    b->count[e->type]++;
    observed_event(e);
    if (!b->no_keep) {
        keep(b, e);
        b->seen[b->seen_count - 1].own = own;
    }
    if (b->in_event)
        b->in_event(b, e);
}

static void on_event(void *user, const struct noex_event *e)
{
    note(user, e, false);
}

void bench_told(void *user, const struct noex_event *e)
{
    note(user, e, true);
}

void bench_init(struct bench *b)
{
    *b = (struct bench){0};
    alloc_test_init(&b->alloc);
    noex_options_init(&b->options);
    b->options.name = "mon@127.0.0.1";
    b->options.cookie = "cookie";
    b->options.allocator = &b->alloc.a;
    b->options.user = b;
    b->options.reconnect_min_ms = 5;
    b->options.reconnect_max_ms = 40;
}

int bench_try_open(struct bench *b, struct noex_error *err)
{
    b->options.on_event = b->pull ? NULL : on_event;
    return b->uv ? noex_node_new_uv(&b->node, &b->options, b->uv, err)
                 : noex_node_new(&b->node, &b->options, err);
}

void bench_open(struct bench *b)
{
    struct noex_error err;
    int rc = bench_try_open(b, &err);
    if (rc)
        fail_msg("noex_node_new: %s: %s", noex_error_name(rc), err.text);
}

struct fake_beam *bench_beam(struct bench *b, const struct fake_beam_opts *opts)
{
    static const struct fake_beam_opts defaults = {0};
    assert_true(b->beams < BENCH_BEAMS);
    struct fake_beam *beam = &b->beam[b->beams++];
    fake_beam_start(beam, opts ? opts : &defaults);
    return beam;
}

const struct fake_beam_opts bench_slow_reader = {
    .rcvbuf = 4096, .flags = NX_DFLAGS_OURS & ~NX_DFLAG_DIST_HDR_ATOM_CACHE};

static void note_closed(void *user)
{
    *(bool *)user = true;
}

void bench_close(struct bench *b)
{
    bool closed = !b->node;
    noex_node_close(b->node, note_closed, &closed);
    while (b->uv && !closed)
        uv_run(b->uv, UV_RUN_ONCE);
    assert_true(closed);
    for (unsigned i = 0; i < b->beams; i++)
        fake_beam_stop(&b->beam[i]);
    free(b->seen);
    assert_int_equal(b->alloc.live, 0);
}

void bench_default(struct bench *b)
{
    bench_init(b);
    bench_open(b);
    bench_beam(b, NULL);
}

/* ---- driving ---- */

static void watch_out(struct bench *b)
{
    for (uint32_t i = 0; i < b->node->peers.count; i++) {
        const struct nx_peer *p = b->node->peers.list[i];
        size_t len = p->ch.conn ? nx_conn_out(p->ch.conn).len : 0;
        b->max_out = len > b->max_out ? len : b->max_out;
    }
}

static size_t all_events(const struct bench *b)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof b->count / sizeof *b->count; i++)
        n += b->count[i];
    return n;
}

/* A callback that closes the node puts NULL in its place. */
static void process(struct bench *b, uint64_t wait_ms)
{
    int rc = noex_node_process(b->node, wait_ms);
    assert_int_equal(rc, b->node ? 0 : NOEX_ESTATE);
}

static void drive(struct bench *b, uint64_t wait_ms)
{
    const struct timespec pause = {0, 500000};
    if (b->run) {
        b->run(b, wait_ms);
    } else if (b->uv) {
        uv_run(b->uv, UV_RUN_NOWAIT);
        if (wait_ms)
            nanosleep(&pause, NULL);
    } else {
        process(b, wait_ms);
    }
}

static bool step(struct bench *b, uint64_t wait_ms)
{
    const struct noex_event *e;
    size_t before = all_events(b);
    bool moved = false;
    for (unsigned i = 0; i < b->beams; i++)
        moved |= fake_beam_step(&b->beam[i]);
    if (b->epmd)
        moved |= fake_epmd_step(b->epmd);
    if (!b->node)
        return moved;
    drive(b, moved ? 0 : wait_ms);
    if (b->node)
        watch_out(b);
    while (b->pull && b->node && (e = noex_node_next_event(b->node)))
        on_event(b, e);
    return moved || all_events(b) != before;
}

void bench_step(struct bench *b)
{
    step(b, 2);
}

void bench_until(struct bench *b, enum noex_event_type type, size_t n)
{
    uint64_t end = bench_clock() + DEADLINE_MS;
    while (b->count[type] < n) {
        bench_step(b);
        if (bench_clock() >= end)
            fail_msg("only %zu of %zu events of type %d came", b->count[type], n, (int)type);
    }
}

void bench_until_true(struct bench *b, bool (*done)(struct bench *b))
{
    uint64_t end = bench_clock() + DEADLINE_MS;
    while (!done(b)) {
        bench_step(b);
        assert_true(bench_clock() < end);
    }
}

void bench_for(struct bench *b, uint64_t ms)
{
    uint64_t end = bench_clock() + ms;
    while (bench_clock() < end)
        bench_step(b);
}

static const struct nx_conn *node_conn(const struct bench *b, const struct fake_beam *beam)
{
    for (uint32_t i = 0; b->node && i < b->node->peers.count; i++)
        if (strcmp(b->node->peers.list[i]->name.full, beam->name) == 0)
            return b->node->peers.list[i]->ch.conn;
    return NULL;
}

/* What one side wrote the other has read; a delivery may take its time even on the loopback. */
static bool is_quiet(const struct bench *b, struct fake_beam *beam)
{
    const struct nx_conn *node = node_conn(b, beam);
    const struct fake_conn *fake = fake_beam_conn(beam);
    if (!node || fake->fd < 0)
        return !node && (fake->fd < 0 || beam->paused);
    if (!fake->conn)
        return true;
    const struct nx_conn_stats *n = nx_conn_get_stats(node), *f = nx_conn_get_stats(fake->conn);
    bool all_said = !nx_conn_out(node).len && n->bytes_out == f->bytes_in;
    bool silenced = beam->say_max && !fake->up;
    return (all_said || beam->paused) && (silenced || !nx_conn_out(fake->conn).len) &&
           f->bytes_out + fake->raw_sent == n->bytes_in;
}

void bench_settle(struct bench *b)
{
    uint64_t end = bench_clock() + DEADLINE_MS;
    for (int idle = 0; idle < IDLE_ROUNDS;) {
        bool moved = step(b, 1);
        for (unsigned i = 0; i < b->beams; i++)
            moved |= !is_quiet(b, &b->beam[i]);
        idle = moved ? 0 : idle + 1;
        assert_true(bench_clock() < end);
    }
}

/* ---- shorthand ---- */

void bench_connect(struct bench *b, unsigned i)
{
    char address[300];
    size_t before = b->count[NOEX_EVENT_NODE_UP];
    fake_beam_address(&b->beam[i], address, sizeof address);
    assert_int_equal(noex_connect(b->node, address, NOEX_CONNECT_ONCE), 0);
    bench_until(b, NOEX_EVENT_NODE_UP, before + 1);
    bench_settle(b);
}

static noex_monitor_id monitor(struct bench *b, unsigned i, struct noex_target *t, void *user)
{
    char address[300];
    noex_monitor_id id = 0;
    fake_beam_address(&b->beam[i], address, sizeof address);
    t->node = address;
    int rc = noex_monitor(b->node, t, 0, user, &id);
    if (rc)
        fail_msg("noex_monitor: %s", noex_error_name(rc));
    assert_true(id != 0);
    return id;
}

noex_monitor_id bench_monitor_name(struct bench *b, unsigned i, const char *name, void *user)
{
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .name = name};
    return monitor(b, i, &t, user);
}

noex_monitor_id bench_monitor_pid(struct bench *b, unsigned i, uint32_t id, uint32_t serial,
                                  void *user)
{
    struct noex_target t = {.kind = NOEX_TARGET_PID, .pid = {id, serial, 0}};
    return monitor(b, i, &t, user);
}

noex_monitor_id bench_monitor_node(struct bench *b, unsigned i, void *user)
{
    struct noex_target t = {.kind = NOEX_TARGET_NODE};
    return monitor(b, i, &t, user);
}

const struct seen *bench_event(const struct bench *b, enum noex_event_type type, size_t n)
{
    for (size_t i = 0; i < b->seen_count; i++)
        if (b->seen[i].type == type && n-- == 0)
            return &b->seen[i];
    fail_msg("no such event of type %d", (int)type);
    return NULL;
}

const struct seen *bench_of(const struct bench *b, enum noex_event_type type, noex_monitor_id id)
{
    const struct seen *found = NULL;
    for (size_t i = 0; i < b->seen_count; i++) {
        if (b->seen[i].type != type || b->seen[i].monitor != id)
            continue;
        assert_null(found); /* twice is one too many */
        found = &b->seen[i];
    }
    return found;
}

void bench_forget(struct bench *b)
{
    b->seen_count = 0;
    memset(b->count, 0, sizeof b->count);
}

static void print_seen(const struct bench *b)
{
    for (size_t i = 0; i < b->seen_count; i++)
        print_message("event %zu: type %d, monitor %llx, %s\n", i, (int)b->seen[i].type,
                      (unsigned long long)b->seen[i].monitor, b->seen[i].text);
}

void bench_expect(const struct bench *b, const enum noex_event_type *types)
{
    size_t n = 0;
    bool same = true;
    for (; types[n]; n++)
        same = same && n < b->seen_count && b->seen[n].type == types[n];
    if (same && n == b->seen_count)
        return;
    print_seen(b);
    fail_msg("these are not the %zu events that were expected", n);
}

struct noex_stats bench_stats(const struct bench *b)
{
    struct noex_stats s;
    noex_node_stats(b->node, &s, sizeof s);
    return s;
}

struct noex_monitor_stats bench_monitor_stats(const struct bench *b)
{
    struct noex_monitor_stats s;
    noex_monitor_get_stats(b->node, &s, sizeof s);
    return s;
}
