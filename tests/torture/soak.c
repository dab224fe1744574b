/* Monitors without end: soak NODE EPMD_PORT COOKIE RATE SECONDS
 * So many monitors a second on c1, c2, ... of NODE, names whose processes live some milliseconds
 * (noex_peer:churn). Every ten seconds a line tells what must stay flat: resident kilobytes, open
 * descriptors, and the slowest confirmation in milliseconds. SPDX-License-Identifier: Apache-2.0 */
#include "die.h"

#include <dirent.h>
#include <inttypes.h>
#include <noex/noex.h>

enum { NAMES = 50, EVERY_MS = 10000, DRAIN_MS = 5000 };

static uint64_t asked, up, down;
static uint64_t slowest_ms;
static noex_node *node;

static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type == NOEX_EVENT_MONITOR_UP) {
        uint64_t ms = noex_node_now_ms(node) - (uint64_t)(uintptr_t)e->monitor_user;
        slowest_ms = ms > slowest_ms ? ms : slowest_ms;
        up++;
    } else if (e->type == NOEX_EVENT_MONITOR_DOWN) {
        down++;
    } else if (e->type == NOEX_EVENT_MONITOR_FAILED || e->type == NOEX_EVENT_NODE_DOWN) {
        die(e->error->text);
    }
}

static void ask(const char *peer)
{
    char name[16];
    noex_monitor_id id;
    snprintf(name, sizeof name, "c%" PRIu64, 1 + asked % NAMES);
    const struct noex_target target = noex_name_target(name, peer);
    if (noex_monitor(node, &target, 0, (void *)(uintptr_t)noex_node_now_ms(node), &id))
        die(noex_node_error(node)->text);
    asked++;
}

static unsigned long resident_kb(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*u %lu", &pages) != 1)
        die("/proc/self/statm");
    fclose(f);
    return pages * 4;
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static void tell(uint64_t seconds)
{
    printf("%" PRIu64 " s: %" PRIu64 " asked, %" PRIu64 " up, %" PRIu64
           " down, %lu KB, %u descriptors, slowest %" PRIu64 " ms\n",
           seconds, asked, up, down, resident_kb(), descriptors(), slowest_ms);
    fflush(stdout);
    slowest_ms = 0;
}

static void run(const char *peer, uint64_t rate, uint64_t seconds)
{
    uint64_t start = noex_node_now_ms(node), told = start, now = start;
    while (now < start + seconds * 1000) {
        while (asked < (now - start) * rate / 1000)
            ask(peer);
        if (noex_node_process(node, 2))
            die("noex_node_process");
        now = noex_node_now_ms(node);
        if (now - told >= EVERY_MS) {
            told = now;
            tell((now - start) / 1000);
        }
    }
    while (down < asked && now < start + seconds * 1000 + DRAIN_MS) {
        if (noex_node_process(node, 10))
            die("noex_node_process");
        now = noex_node_now_ms(node);
    }
    tell((now - start) / 1000);
    if (up != asked || down != asked)
        die("monitors were lost");
}

int main(int argc, char **argv)
{
    struct noex_options o;
    struct noex_error err;
    if (argc != 6)
        die("soak NODE EPMD_PORT COOKIE RATE SECONDS");
    noex_options_init(&o);
    o.epmd_port = (uint16_t)strtoul(argv[2], NULL, 10);
    o.cookie = argv[3];
    o.on_event = on_event;
    if (noex_node_new(&node, &o, &err))
        die(err.text);
    if (noex_connect(node, argv[1], NOEX_CONNECT_ONCE) || noex_wait_node_up(node, argv[1], 10000))
        die(noex_node_error(node)->text);
    run(argv[1], strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
    noex_node_free(node);
    puts("ok");
    return 0;
}
