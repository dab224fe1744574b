/* What monitors and DOWNs cost this library in user mode, without a kernel or a peer: replay N
 * A node whose connection is in memory makes N monitors, is handed the N DOWNs as a BEAM sends
 * them, ended with the atom `killed` and then with a stack, and at last its connection is lost.
 * Prints, for each, nanoseconds of this thread a monitor. SPDX-License-Identifier: Apache-2.0 */
#include "die.h"
#include "memory_peer.h"
#include "node/delivery.h"
#include "node/pump.h"

#include <noex/noex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SELF "watcher@127.0.0.1"
#define PEER "target@127.0.0.1"

enum { CREATION = 0x6be01234, AT_ONCE = 16384, ATOMS_MAX = 16, OUT_MAX = 1 << 30 };

static noex_node *node;
static struct memory_peer with;
static uint64_t told;

static uint64_t used_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void report(const char *what, uint64_t since, size_t n)
{
    printf("%.2f %s\n", (double)(used_ns() - since) / (double)n, what);
}

static void must(bool holds, const char *what)
{
    if (!holds)
        die(what);
}

/* ---- what a BEAM sends ---- */

/* The frame of a DOWN, with a header that names its atoms: in full once, then by their slots. */
struct down {
    const char *atom[ATOMS_MAX];
    unsigned atoms;
    struct nx_buf body;
    size_t target_at, ref_at; /* where the numbers stand that are another's in each */
};

static void put(struct nx_buf *b, const void *bytes, size_t len)
{
    must(nx_buf_put(b, bytes, len) == 0, "no memory");
}

#define PUT(b, literal) put(b, literal, sizeof literal - 1)

static void put_atom(struct down *d, const char *text)
{
    unsigned i = 0;
    while (i < d->atoms && strcmp(d->atom[i], text) != 0)
        i++;
    must(i < ATOMS_MAX, "too many atoms");
    if (i == d->atoms)
        d->atom[d->atoms++] = text;
    const uint8_t ref[] = {82, (uint8_t)i};
    put(&d->body, ref, sizeof ref);
}

static void put_control(struct down *d)
{
    PUT(&d->body, "h\4a\34X");
    put_atom(d, PEER);
    d->target_at = nx_buf_len(&d->body);
    PUT(&d->body, "\0\0\0\0\0\0\0\0\0\0\0\0X");
    put_atom(d, SELF);
    PUT(&d->body, "\0\0\0\0\0\0\0\0");
    must(nx_buf_put_u32(&d->body, node->creation) == 0, "no memory");
    PUT(&d->body, "Z\0\3");
    put_atom(d, SELF);
    must(nx_buf_put_u32(&d->body, node->creation) == 0, "no memory");
    d->ref_at = nx_buf_len(&d->body);
    PUT(&d->body, "\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void put_stack_frame(struct down *d, const char *module, const char *function, uint8_t arity,
                            const char *file, uint8_t line)
{
    const uint8_t number[] = {97, arity}, size[] = {107, 0, (uint8_t)strlen(file)},
                  at[] = {97, line};
    PUT(&d->body, "h\4");
    put_atom(d, module);
    put_atom(d, function);
    put(&d->body, number, sizeof number);
    PUT(&d->body, "l\0\0\0\2h\2");
    put_atom(d, "file");
    put(&d->body, size, sizeof size);
    put(&d->body, file, strlen(file));
    PUT(&d->body, "h\2");
    put_atom(d, "line");
    put(&d->body, at, sizeof at);
    PUT(&d->body, "j");
}

/* As noex_bench:stack. */
static void put_stack(struct down *d)
{
    PUT(&d->body, "h\2");
    put_atom(d, "badarith");
    PUT(&d->body, "l\0\0\0\5");
    put_stack_frame(d, "Elixir.Shop.Billing", "charge", 2, "lib/shop/billing.ex", 87);
    put_stack_frame(d, "Elixir.Shop.Billing", "handle_call", 3, "lib/shop/billing.ex", 41);
    put_stack_frame(d, "gen_server", "try_handle_call", 4, "gen_server.erl", 149);
    put_stack_frame(d, "gen_server", "handle_msg", 6, "gen_server.erl", 178);
    put_stack_frame(d, "proc_lib", "init_p_do_apply", 3, "proc_lib.erl", 240);
    PUT(&d->body, "j");
}

/* `again`: the atoms are in the cache already. */
static void put_frame(struct nx_buf *out, struct down *d, bool again, struct noex_pid pid,
                      noex_monitor_id m)
{
    uint8_t flags[ATOMS_MAX / 2 + 1] = {0};
    size_t start = nx_buf_len(out);
    const uint8_t head[] = {0, 0, 0, 0, 131, 68, (uint8_t)d->atoms};
    put(out, head, sizeof head);
    for (unsigned i = 0; i < d->atoms && !again; i++)
        flags[i / 2] |= (uint8_t)(i % 2 ? 8 << 4 : 8);
    put(out, flags, d->atoms / 2 + 1);
    for (unsigned i = 0; i < d->atoms; i++) {
        const uint8_t name[] = {(uint8_t)(17 * i + d->atoms), (uint8_t)strlen(d->atom[i])};
        put(out, name, again ? 1 : 2);
        put(out, d->atom[i], again ? 0 : name[1]);
    }
    uint8_t *body = d->body.data + d->body.start;
    nx_put_u32(nx_put_u32(nx_put_u32(body + d->target_at, pid.id), pid.serial), pid.creation);
    nx_put_u32(nx_put_u32(nx_put_u32(body + d->ref_at, (uint32_t)m), (uint32_t)(m >> 32)),
               NX_REF_MONITOR);
    put(out, body, nx_buf_len(&d->body));
    nx_put_u32(out->data + out->start + start, (uint32_t)(nx_buf_len(out) - start - 4));
}

/* ---- the node and its connection ---- */

static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    told += e->type == NOEX_EVENT_MONITOR_UP || e->type == NOEX_EVENT_MONITOR_DOWN;
}

static size_t none_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx, (void)ctrl;
    return 0;
}

static int ignored(void *ctx, const struct nx_signal *signal, struct noex_error *err)
{
    (void)ctx, (void)signal, (void)err;
    return 0;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void make_node(void)
{
    struct noex_options o;
    struct noex_error err = {0};
    noex_options_init(&o);
    o.name = SELF;
    o.cookie = "x";
    o.on_event = on_event;
    o.setup_timeout_ms = o.ticktime_ms = 3600000;
    o.out_max = OUT_MAX;
    must(noex_node_new(&node, &o, &err) == 0, err.text);
    node->creation = 7;
}

static void connect_in_memory(void)
{
    const struct memory_peer_opts o = {
        .name = PEER,
        .creation = CREATION,
        .flags = node->flags,
        .handlers = {NULL, memory_on_up, none_wanted, ignored, nothing, memory_on_missed},
    };
    memory_peer_connect(&with, node, &o);
}

/* ---- what is measured ---- */

static struct noex_pid pid_of(size_t i)
{
    return (struct noex_pid){(uint32_t)i & 0x7fff, (uint32_t)(i >> 15), CREATION};
}

static void tell_all(void)
{
    while (nx_delivery_can_run(node))
        nx_delivery_run(node);
}

static void make_monitors(noex_monitor_id *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct noex_target target = {.kind = NOEX_TARGET_PID, .node = PEER, .pid = pid_of(i)};
        if (noex_monitor(node, &target, 0, NULL, &ids[i]))
            die(noex_node_error(node)->text);
        if (i % AT_ONCE != AT_ONCE - 1 && i + 1 < n)
            continue;
        do {
            nx_pump(with.peer, 0);
            nx_conn_sent(with.ours, nx_conn_out(with.ours).len, 0);
        } while (nx_pump_has_more(with.peer));
    }
}

/* The peer's answer comes without delay, and covers all of them. */
static void confirm(void)
{
    nx_monitors_barrier_sent(node->monitors, &with.peer->monitors);
    nx_monitors_confirmed(node->monitors, &with.peer->monitors, nx_wall_us());
    tell_all();
}

static void setup(noex_monitor_id *ids, size_t n, const char *what)
{
    uint64_t start = used_ns();
    told = 0;
    make_monitors(ids, n);
    confirm();
    if (what)
        report(what, start, n);
    must(told == n, "not all confirmed");
}

/* What comes with one read(), up to the events. A function of its own for callgrind, which counts
 * its instructions with --toggle-collect=receive. */
__attribute__((noinline)) static void receive(struct nx_span frames)
{
    struct noex_error err = {0};
    must(memory_hand_over(with.ours, frames, 0, &err), err.text);
    with.peer->heard_us = 0;
    tell_all();
}

static void storm(struct down *d, const noex_monitor_id *ids, size_t n, const char *what)
{
    struct nx_buf frames;
    uint64_t used = 0;
    nx_buf_init(&frames, &nx_alloc_libc, SIZE_MAX);
    told = 0;
    for (size_t i = 0; i < n; i++) {
        put_frame(&frames, d, i > 0, pid_of(i), ids[i]);
        if (nx_buf_len(&frames) < 65536 && i + 1 < n)
            continue;
        uint64_t start = used_ns();
        receive(nx_buf_span(&frames));
        used += used_ns() - start;
        nx_buf_consume(&frames, SIZE_MAX);
    }
    printf("%.2f %s\n", (double)used / (double)n, what);
    must(told == n, "not all told");
    nx_buf_free(&frames);
}

static void lose(size_t n)
{
    struct noex_error lost = {.code = NOEX_ECLOSED, .text = "lost"};
    uint64_t start = used_ns();
    told = 0;
    nx_peer_fail(with.peer, &lost);
    tell_all();
    report("node death", start, n);
    must(told == n, "not all told");
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)atol(argv[1]) : 100000;
    noex_monitor_id *ids = malloc(n * sizeof *ids);
    struct down killed = {.atoms = 0}, stack = {.atoms = 0};
    must(ids != NULL, "no memory");
    memset(ids, 0, n * sizeof *ids);
    make_node();
    connect_in_memory();
    nx_buf_init(&killed.body, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&stack.body, &nx_alloc_libc, SIZE_MAX);
    put_control(&killed);
    put_atom(&killed, "killed");
    put_control(&stack);
    put_stack(&stack);
    setup(ids, n, "setup");
    storm(&killed, ids, n, "DOWN");
    setup(ids, n, "setup again");
    storm(&stack, ids, n, "DOWN with stack");
    setup(ids, n, NULL);
    lose(n);
    nx_buf_free(&killed.body);
    nx_buf_free(&stack.body);
    nx_conn_free(with.theirs);
    noex_node_free(node);
    free(ids);
    return 0;
}
