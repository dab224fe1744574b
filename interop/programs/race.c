/* Kills raced against demonitors: race NODE EPMD_PORT COOKIE CONTROL_PORT ROUNDS
 * In each round the node kills 300 processes while this program demonitors all of them, and 30 that
 * live on. SPDX-License-Identifier: Apache-2.0 */
#include "books.h"
#include "peer_control.h"

#include <stdio.h>
#include <stdlib.h>

enum { KILLED = 300, ALIVE = 30, EACH = KILLED + ALIVE, LIMIT_MS = 30000 };

static struct books b;
static size_t order[EACH], first;
static bool demonitor_inside;

static void monitor_all(void)
{
    char name[16];
    for (int i = 0; i < EACH; i++) {
        snprintf(name, sizeof name, "r%d", i + 1);
        order[i] = books_monitor(&b, name);
    }
    for (uint32_t i = EACH - 1; i > 0; i--) {
        uint32_t k = books_random(i + 1);
        size_t other = order[k];
        order[k] = order[i];
        order[i] = other;
    }
}

/* In every other round a DOWN demonitors another one, whose own may be the next in the queue. */
static void on_event(struct books *books, const struct noex_event *e)
{
    if (demonitor_inside && e->type == NOEX_EVENT_MONITOR_DOWN)
        books_demonitor(books, first + books_random(EACH));
}

static void play(int control, uint32_t round)
{
    control_send(control, "noex_peer:race_start(300, 30)");
    control_expect(control, "ok");
    first = b.count;
    monitor_all();
    books_until(&b, NOEX_EVENT_MONITOR_UP, first + EACH, LIMIT_MS);
    demonitor_inside = round % 2;
    control_send(control, "noex_peer:race_kill(300)");
    books_run(&b, books_random(3)); /* the shot may have been heard */
    for (uint32_t i = 0, burst = 1 + books_random(EACH); i < EACH; i++) {
        books_demonitor(&b, order[i]);
        if (i % burst == burst - 1 && noex_node_process(b.node, 0))
            die("noex_node_process");
    }
    control_expect(control, "ok");
}

int main(int argc, char **argv)
{
    if (argc != 6)
        die("race NODE EPMD_PORT COOKIE CONTROL_PORT ROUNDS");
    books_init(&b, argv);
    uint32_t rounds = (uint32_t)strtoul(argv[5], NULL, 10);
    int control = control_open(argv[4]);
    b.on_event = on_event;
    books_open(&b);
    uint64_t start = clock_ms();
    for (uint32_t round = 0; round < rounds; round++)
        play(control, round);
    books_run(&b, 200); /* whatever is still on its way */
    books_balance(&b);
    size_t told = b.state[ENTRY_TOLD], demonitored = b.state[ENTRY_DEMONITORED];
    if (told < rounds || demonitored < (size_t)rounds * (ALIVE + 1))
        die("that was no race: %zu told, %zu demonitored", told, demonitored);
    control_send(control, "noex_peer:watched_from_outside()");
    control_expect(control, "[]");
    printf("%u rounds in %llu ms: %zu told, %zu demonitored\n", rounds,
           (unsigned long long)(clock_ms() - start), told, demonitored);
    books_close(&b);
    printf("ok\n");
    return 0;
}
