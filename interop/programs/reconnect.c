/* Connections that come back: reconnect NODE EPMD_PORT COOKIE keep|demand|cycles N
 * It prints "kill" when the node is to be killed, "start" when it is to be started again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "books.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 60000, MIN_MS = 40, MAX_MS = 300, NAMES = 50, EACH = 10, DOWNS = 2000 };

static struct books b;

static void say(const char *word)
{
    printf("%s\n", word);
    fflush(stdout);
}

static void connect_to_peer(enum noex_connect_flags flags)
{
    if (noex_connect(b.node, b.peer, flags))
        die("noex_connect");
}

static void kill_node(void)
{
    size_t downs = b.told[NOEX_EVENT_NODE_DOWN];
    say("kill");
    books_until(&b, NOEX_EVENT_NODE_DOWN, downs + 1, LIMIT_MS);
}

/* ---- by policy ---- */

/* What the delay after so many failures is about, as noex/node.h says. */
static uint64_t usual_delay(size_t failures)
{
    uint64_t ms = MIN_MS;
    for (size_t i = 1; i < failures && ms < MAX_MS; i++)
        ms *= 2;
    return ms < MAX_MS ? ms : MAX_MS;
}

/* The attempts have their numbers, each comes after its delay and not long after. */
static void keep(size_t attempts)
{
    bool early = false, late = false;
    connect_to_peer(NOEX_CONNECT_KEEP);
    books_until(&b, NOEX_EVENT_NODE_UP, 1, LIMIT_MS);
    books_monitor(&b, "");
    books_until(&b, NOEX_EVENT_MONITOR_UP, 1, LIMIT_MS);
    kill_node();
    uint32_t before = 0;
    for (size_t i = 1; i <= attempts; i++) {
        books_until(&b, NOEX_EVENT_RECONNECT, i, LIMIT_MS);
        uint64_t start = clock_ms(), delay = b.last_delay_ms, usual = usual_delay(i);
        if (b.last_attempt != before + 1 && i > 1)
            die("attempt %u comes after attempt %u", b.last_attempt, before);
        before = b.last_attempt;
        if (delay < usual / 2 || delay > usual * 3 / 2)
            die("a delay of %llu ms, about %llu was due", (unsigned long long)delay,
                (unsigned long long)usual);
        early |= delay < usual;
        late |= delay > usual;
        books_until(&b, NOEX_EVENT_CONNECT_FAILED, i, LIMIT_MS);
        uint64_t took = clock_ms() - start;
        if (took + 10 < delay || took > delay + 1000)
            die("the attempt was over after %llu ms, its delay is %llu ms",
                (unsigned long long)took, (unsigned long long)delay);
    }
    if (!early || !late)
        die("the delays have no jitter");
    say("start");
    books_until(&b, NOEX_EVENT_NODE_UP, 2, LIMIT_MS);
    books_monitor(&b, "");
    books_until(&b, NOEX_EVENT_MONITOR_UP, 2, LIMIT_MS);
}

/* ---- on demand ---- */

static void demand(void)
{
    connect_to_peer(NOEX_CONNECT_ONCE);
    books_monitor(&b, "w1");
    books_until(&b, NOEX_EVENT_MONITOR_UP, 1, LIMIT_MS);
    kill_node();
    books_run(&b, 4 * MAX_MS);
    if (b.told[NOEX_EVENT_RECONNECT] || b.told[NOEX_EVENT_CONNECT_FAILED] ||
        noex_connection(b.node, b.peer, NULL, 0) != NOEX_CONNECTION_NONE)
        die("nobody asked for another attempt");
    books_monitor(&b, "w1"); /* fails: the node is not there */
    books_until(&b, NOEX_EVENT_CONNECT_FAILED, 1, LIMIT_MS);
    if (b.told[NOEX_EVENT_MONITOR_FAILED] != 1 || b.last_error.code != NOEX_ENONODE)
        die("the monitor did not fail with the attempt: %s", b.last_error.text);
    books_run(&b, 4 * MAX_MS);
    if (b.told[NOEX_EVENT_CONNECT_FAILED] != 1)
        die("one attempt is one");
    say("start");
    char word[8];
    if (!fgets(word, sizeof word, stdin)) /* "up": it has started */
        die("nobody started the node");
    books_monitor(&b, "");
    books_until(&b, NOEX_EVENT_MONITOR_UP, 2, LIMIT_MS);
    if (b.told[NOEX_EVENT_NODE_UP] != 2)
        die("the node is not up");
}

/* ---- again and again ---- */

/* Every name is watched ten times over, and again as soon as it is down. */
static void on_event(struct books *books, const struct noex_event *e)
{
    char name[16];
    if (e->type == NOEX_EVENT_NODE_UP)
        for (int i = 0; i < NAMES * EACH; i++) {
            snprintf(name, sizeof name, "c%d", i % NAMES + 1);
            books_monitor(books, name);
        }
    else if (e->type == NOEX_EVENT_MONITOR_DOWN && e->origin == NOEX_ORIGIN_PEER)
        books_monitor(books, e->target->name);
}

static void cycles(size_t count)
{
    b.on_event = on_event;
    connect_to_peer(NOEX_CONNECT_KEEP);
    for (size_t i = 1; i <= count; i++) {
        books_until(&b, NOEX_EVENT_NODE_UP, i, LIMIT_MS);
        books_until(&b, NOEX_EVENT_MONITOR_DOWN, b.told[NOEX_EVENT_MONITOR_DOWN] + DOWNS, LIMIT_MS);
        kill_node();
        say("start");
    }
    books_until(&b, NOEX_EVENT_NODE_UP, count + 1, LIMIT_MS);
    b.on_event = NULL;
    if (noex_disconnect(b.node, b.peer))
        die("noex_disconnect");
    books_until(&b, NOEX_EVENT_NODE_DOWN, count + 1, LIMIT_MS);
    printf("%zu monitors, %zu lost, %zu failed\n", b.count, b.lost,
           b.told[NOEX_EVENT_MONITOR_FAILED]);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        die("reconnect NODE EPMD_PORT COOKIE keep|demand|cycles N");
    books_init(&b, argv);
    b.options.reconnect_min_ms = MIN_MS;
    b.options.reconnect_max_ms = MAX_MS;
    books_open(&b);
    size_t n = strtoul(argv[5], NULL, 10);
    if (strcmp(argv[4], "keep") == 0)
        keep(n);
    else if (strcmp(argv[4], "demand") == 0)
        demand();
    else
        cycles(n);
    if (noex_connection(b.node, b.peer, NULL, 0) == NOEX_CONNECTION_UP &&
        noex_disconnect(b.node, b.peer))
        die("noex_disconnect");
    books_run(&b, 100);
    books_balance(&b);
    books_close(&b);
    say("ok");
    return 0;
}
