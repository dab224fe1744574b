/* SPDX-License-Identifier: Apache-2.0 */
#include "books.h"
#include "tls_environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOST = 0, FAILED = 1 };

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint32_t books_random(uint32_t below)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* ---- what is told ---- */

static void move(struct books *b, struct entry *entry, enum entry_state state)
{
    b->state[entry->state]--;
    b->state[state]++;
    entry->state = state;
}

static struct entry *entry_of(struct books *b, const struct noex_event *e, enum entry_state state)
{
    size_t index = (size_t)(uintptr_t)e->monitor_user;
    if (index >= b->count || b->entry[index].id != e->monitor)
        die("event %d of no monitor of ours", (int)e->type);
    if (b->entry[index].state != state)
        die("event %d of monitor %zu, which is in state %d", (int)e->type, index,
            (int)b->entry[index].state);
    return &b->entry[index];
}

/* Within a loss the noconnections come in the order of making, then the FAILED ones, in theirs. */
static void sweep(struct books *b, const struct noex_event *e, int part)
{
    size_t place = (size_t)(uintptr_t)e->monitor_user + 1;
    if (place <= b->swept[part])
        die("monitor %zu ends behind monitor %zu", place - 1, b->swept[part] - 1);
    if (part == LOST && b->swept[FAILED])
        die("monitor %zu is lost behind the first that failed", place - 1);
    b->swept[part] = place;
    b->sweeping = true;
}

static void end_sweep(struct books *b)
{
    b->sweeping = false;
    b->swept[LOST] = b->swept[FAILED] = 0;
}

static void on_monitor_down(struct books *b, const struct noex_event *e)
{
    char term[64];
    if (!b->is_up || (b->sweeping && e->origin == NOEX_ORIGIN_PEER))
        die("a DOWN of origin %d out of its place", (int)e->origin);
    move(b, entry_of(b, e, ENTRY_ACTIVE), ENTRY_TOLD);
    if (e->origin == NOEX_ORIGIN_PEER)
        return;
    sweep(b, e, LOST);
    b->lost++;
    if (e->reason != NOEX_REASON_NOCONNECTION || e->error ||
        noex_event_print_term(e, term, sizeof term, NULL) < 0 || strcmp(term, "noconnection") != 0)
        die("a loss that is no noconnection");
}

static void on_monitor_failed(struct books *b, const struct noex_event *e)
{
    move(b, entry_of(b, e, ENTRY_PENDING), ENTRY_TOLD);
    if (b->is_up && e->error->code == NOEX_ENOTREACHABLE)
        sweep(b, e, FAILED);
}

static void on_node_down(struct books *b)
{
    if (!b->is_up || b->state[ENTRY_ACTIVE])
        die("NODE_DOWN with %zu monitors still active", b->state[ENTRY_ACTIVE]);
    b->is_up = false;
    end_sweep(b);
}

static void check(struct books *b, const struct noex_event *e)
{
    switch ((int)e->type) {
    case NOEX_EVENT_NODE_UP:
        if (b->is_up || b->sweeping)
            die("NODE_UP of a node that is up, or within its loss");
        b->is_up = true;
        break;
    case NOEX_EVENT_NODE_DOWN:
        on_node_down(b);
        break;
    case NOEX_EVENT_CONNECT_FAILED:
        if (b->is_up)
            die("CONNECT_FAILED of a node that is up");
        break;
    case NOEX_EVENT_RECONNECT:
        if (b->is_up)
            die("RECONNECT to a node that is up");
        break;
    case NOEX_EVENT_TICK_MISSED:
        break;
    case NOEX_EVENT_MONITOR_UP:
        if (!b->is_up || b->sweeping)
            die("a MONITOR_UP out of its place");
        move(b, entry_of(b, e, ENTRY_PENDING), ENTRY_ACTIVE);
        break;
    case NOEX_EVENT_MONITOR_DOWN:
        on_monitor_down(b, e);
        break;
    case NOEX_EVENT_MONITOR_FAILED:
        on_monitor_failed(b, e);
        break;
    default:
        die("an event of type %d", (int)e->type);
    }
}

static void on_event(void *user, const struct noex_event *e)
{
    struct books *b = user;
    if (strcmp(e->node, b->peer) != 0)
        die("an event of %s", e->node);
    check(b, e);
    b->told[e->type]++;
    b->last_delay_ms = e->delay_ms;
    b->last_attempt = e->attempt;
    if (e->error)
        b->last_error = *e->error;
    if (b->on_event)
        b->on_event(b, e);
}

/* ---- what is asked for ---- */

noex_tls *program_tls(void)
{
    struct noex_error err;
    noex_tls *tls;
    if (tls_of_environment(&tls, &err))
        die("noex_tls_new: %s", err.text);
    return tls;
}

void books_init(struct books *b, char **argv)
{
    *b = (struct books){.peer = argv[1]};
    noex_options_init(&b->options);
    b->options.epmd_port = (uint16_t)strtoul(argv[2], NULL, 10);
    b->options.cookie = argv[3];
    b->options.on_event = on_event;
    b->options.user = b;
    b->options.tls = program_tls();
    b->options.setup_timeout_ms = 120000;
}

void books_open(struct books *b)
{
    struct noex_error err;
    if (noex_node_new(&b->node, &b->options, &err))
        die("noex_node_new: %s", err.text);
}

void books_close(struct books *b)
{
    noex_node_free(b->node);
    noex_tls_free(b->options.tls);
    free(b->entry);
}

static void add_entry(struct books *b)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 1024;
        b->entry = realloc(b->entry, b->cap * sizeof *b->entry);
        if (!b->entry)
            die("no memory");
    }
    b->entry[b->count++] = (struct entry){0, ENTRY_PENDING};
    b->state[ENTRY_PENDING]++;
}

size_t books_monitor(struct books *b, const char *target)
{
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .node = b->peer, .name = target};
    size_t index = b->count;
    if (!*target)
        t.kind = NOEX_TARGET_NODE;
    else if (noex_pid_parse(target, &t.pid) == 0)
        t.kind = NOEX_TARGET_PID;
    add_entry(b);
    int rc = noex_monitor(b->node, &t, 0, (void *)(uintptr_t)index, &b->entry[index].id);
    if (rc)
        die("noex_monitor: %s", noex_error_text(rc));
    return index;
}

void books_demonitor(struct books *b, size_t index)
{
    struct entry *entry = &b->entry[index];
    int rc = noex_demonitor(b->node, entry->id);
    if (rc)
        die("noex_demonitor: %s", noex_error_text(rc));
    if (entry->state == ENTRY_PENDING || entry->state == ENTRY_ACTIVE)
        move(b, entry, ENTRY_DEMONITORED);
}

/* ---- running ---- */

static void turn(struct books *b, uint64_t wait_ms)
{
    int rc = noex_node_process(b->node, wait_ms);
    if (rc)
        die("noex_node_process: %s", noex_error_text(rc));
}

void books_run(struct books *b, uint64_t ms)
{
    for (uint64_t now = clock_ms(), end = now + ms; now < end; now = clock_ms())
        turn(b, end - now);
}

void books_until(struct books *b, enum noex_event_type type, size_t n, uint64_t limit_ms)
{
    uint64_t end = clock_ms() + limit_ms;
    while (b->told[type] < n) {
        turn(b, 100);
        if (clock_ms() >= end)
            die("only %zu of %zu events of type %d came; the last error is: %s", b->told[type], n,
                (int)type, b->last_error.text);
    }
}

void books_balance(struct books *b)
{
    struct noex_monitor_stats s;
    struct noex_stats n;
    noex_monitor_get_stats(b->node, &s, sizeof s);
    noex_node_stats(b->node, &n, sizeof n);
    uint64_t by_peer = s.downs_received - n.downs_stale;
    if (b->state[ENTRY_PENDING] || b->state[ENTRY_ACTIVE] || s.pending || s.active)
        die("%zu monitors have not ended", b->state[ENTRY_PENDING] + b->state[ENTRY_ACTIVE]);
    if (s.initiated != b->count ||
        s.initiated != s.demonitored + s.failed + s.timed_out + s.noconnection + by_peer)
        die("the books do not balance");
    /* One that had ended when it was demonitored counts here by its end. */
    if (b->state[ENTRY_TOLD] !=
            b->told[NOEX_EVENT_MONITOR_DOWN] + b->told[NOEX_EVENT_MONITOR_FAILED] ||
        s.demonitored > b->state[ENTRY_DEMONITORED])
        die("the books are not those of the node");
}
