/* The loss of a node on which very many processes are monitored:
 * loss NODE EPMD_PORT COOKIE PID all|demonitors|memory|release ACTIVE PENDING TARGET...
 * PID is the node's, which is killed from here. SPDX-License-Identifier: Apache-2.0 */
#include "books.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 90000, SETTLE_MS = 200, NODE_EACH = 1000 };

static struct books b;
static size_t active, pending;
static char **targets;
static pid_t pid;

static void kill_node(int signal)
{
    if (kill(pid, signal))
        die("kill: no such process");
}

/* Every thousandth is the node itself; the others are names and pids in turn. */
static void monitor_more(size_t n)
{
    for (char **t = targets; n; n--, t = t[1] ? t + 1 : targets)
        books_monitor(&b, b.count % NODE_EACH == NODE_EACH - 1 ? "" : *t);
}

/* All but the last `pending` are established, those are sent to a node that stands still. */
static void establish(void)
{
    monitor_more(active);
    books_until(&b, NOEX_EVENT_MONITOR_UP, active, LIMIT_MS);
    if (!pending)
        return;
    kill_node(SIGSTOP);
    monitor_more(pending);
    books_run(&b, SETTLE_MS);
    if (b.state[ENTRY_PENDING] != pending)
        die("a node that was stopped confirmed monitors");
}

/* Everything was told: of each, once (the books see to that), and the end of the node once. */
static void expect_end(void)
{
    books_until(&b, NOEX_EVENT_NODE_DOWN, 1, LIMIT_MS);
    books_run(&b, SETTLE_MS);
    if (b.told[NOEX_EVENT_NODE_DOWN] != 1 || b.told[NOEX_EVENT_NODE_UP] != 1)
        die("the node went down %zu times", b.told[NOEX_EVENT_NODE_DOWN]);
    books_balance(&b);
}

static void expect_told(void)
{
    if (b.lost != active || b.told[NOEX_EVENT_MONITOR_FAILED] != pending)
        die("%zu were lost and %zu failed", b.lost, b.told[NOEX_EVENT_MONITOR_FAILED]);
}

static void all(void)
{
    establish();
    uint64_t start = clock_ms();
    kill_node(SIGKILL);
    books_until(&b, NOEX_EVENT_NODE_DOWN, 1, LIMIT_MS);
    uint64_t took = clock_ms() - start;
    expect_end();
    expect_told();
    printf("told within %llu ms of the kill\n", (unsigned long long)took);
}

/* ---- demonitors before, between and after ---- */

/* Of any state: told, demonitored, waiting to be told, and the one whose event this is. */
static void demonitor_some(struct books *books, const struct noex_event *e)
{
    if (e->type != NOEX_EVENT_MONITOR_DOWN && e->type != NOEX_EVENT_MONITOR_FAILED)
        return;
    size_t self = (size_t)(uintptr_t)e->monitor_user;
    switch (books_random(8)) {
    case 0:
        books_demonitor(books, self);
        break;
    case 1:
        books_demonitor(books, books_random((uint32_t)books->count));
        break;
    case 2: /* the very next, twice */
        if (self + 1 < books->count)
            books_demonitor(books, self + 1);
        if (self + 1 < books->count)
            books_demonitor(books, self + 1);
        break;
    default:
        break;
    }
}

static void demonitor_each(uint32_t nth)
{
    for (size_t i = books_random(nth); i < b.count; i += 1 + books_random(2 * nth))
        books_demonitor(&b, i);
}

static void demonitors(void)
{
    establish();
    demonitor_each(10);
    kill_node(SIGKILL);
    demonitor_each(10);
    b.on_event = demonitor_some;
    expect_end();
    size_t told = b.state[ENTRY_TOLD], demonitored = b.state[ENTRY_DEMONITORED];
    if (told + demonitored != active + pending || told < b.count / 4 || demonitored < b.count / 4)
        die("%zu were told and %zu demonitored", told, demonitored);
    demonitor_each(2); /* of those that are over */
    books_run(&b, SETTLE_MS);
    books_balance(&b);
    printf("%zu told, %zu demonitored\n", told, demonitored);
}

/* ---- no memory ---- */

static bool exhausted;
static size_t refused, live;

static void *my_alloc(void *user, size_t size)
{
    (void)user;
    refused += exhausted;
    void *p = exhausted ? NULL : malloc(size);
    live += p != NULL;
    return p;
}

static void *my_resize(void *user, void *ptr, size_t size)
{
    (void)user;
    refused += exhausted;
    void *p = exhausted ? NULL : realloc(ptr, size);
    live += p && !ptr;
    return p;
}

static void my_release(void *user, void *ptr)
{
    (void)user;
    live -= ptr != NULL;
    free(ptr);
}

/* Without memory: no monitor can be made, each attempt to connect fails and says why. */
static void expect_refusals(void)
{
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .node = b.peer, .name = "w1"};
    noex_monitor_id id;
    if (noex_monitor(b.node, &t, 0, NULL, &id) != NOEX_ENOMEM)
        die("a monitor was made without memory");
    books_until(&b, NOEX_EVENT_CONNECT_FAILED, 3, LIMIT_MS);
    if (b.last_error.code != NOEX_ENOMEM || !strstr(b.last_error.text, "memory"))
        die("the attempt failed for another reason: %s", b.last_error.text);
}

static void memory(void)
{
    if (noex_connect(b.node, b.peer, NOEX_CONNECT_KEEP))
        die("noex_connect");
    establish();
    exhausted = true;
    kill_node(SIGKILL);
    expect_end();
    expect_told();
    expect_refusals();
    exhausted = false;
    printf("lost\n"); /* whoever started us starts the node again */
    fflush(stdout);
    books_until(&b, NOEX_EVENT_NODE_UP, 2, LIMIT_MS);
    monitor_more(1000);
    books_until(&b, NOEX_EVENT_MONITOR_UP, active + 1000, LIMIT_MS);
    if (noex_disconnect(b.node, b.peer))
        die("noex_disconnect");
    books_until(&b, NOEX_EVENT_NODE_DOWN, 2, LIMIT_MS);
    printf("%zu allocations refused\n", refused);
}

/* ---- without a loss ---- */

/* All are demonitored in one go, through a queue that is far too short for all at once. */
static void release(void)
{
    char word[8];
    establish();
    for (size_t i = 0; i < b.count; i++)
        books_demonitor(&b, i);
    printf("demonitored\n"); /* whoever started us sees that the node holds none of them */
    fflush(stdout);
    while (b.told[NOEX_EVENT_NODE_DOWN] == 0 && noex_connection(b.node, b.peer, NULL, 0))
        books_run(&b, SETTLE_MS);
    if (b.told[NOEX_EVENT_MONITOR_DOWN] || !fgets(word, sizeof word, stdin))
        die("the connection was lost too early");
    books_balance(&b);
}

int main(int argc, char **argv)
{
    static const struct noex_allocator allocator = {NULL, my_alloc, my_resize, my_release};
    if (argc < 9)
        die("loss NODE EPMD_PORT COOKIE PID all|demonitors|memory|release ACTIVE PENDING "
            "TARGET...");
    books_init(&b, argv);
    pid = (pid_t)strtol(argv[4], NULL, 10);
    active = strtoul(argv[6], NULL, 10);
    pending = strtoul(argv[7], NULL, 10);
    targets = argv + 8;
    b.options.allocator = &allocator;
    b.options.out_max = 64 * 1024;
    b.options.out_high = 32 * 1024;
    b.options.reconnect_min_ms = 50;
    b.options.reconnect_max_ms = 200;
    books_open(&b);
    if (strcmp(argv[5], "all") == 0)
        all();
    else if (strcmp(argv[5], "demonitors") == 0)
        demonitors();
    else if (strcmp(argv[5], "memory") == 0)
        memory();
    else
        release();
    books_close(&b);
    if (live)
        die("%zu blocks of memory were not given back", live);
    printf("ok\n");
    return 0;
}
