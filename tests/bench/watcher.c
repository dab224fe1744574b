/* The benchmark's watcher made with libnoex: watcher EPMD_PORT COOKIE eager|held NODE...
 * Its standard input says what to do; it answers each line with one. The processes to watch are of
 * one node after another. SPDX-License-Identifier: Apache-2.0 */
#include "pids.h"
#include "tls_environment.h"

#include <noex/noex.h>
#include <string.h>

static noex_node *node;
static char **peers;
static size_t peer_count;
static noex_monitor_id *ids;
static struct noex_pid *holders; /* processes that watch in turn; none: the node itself does */
static size_t holder_count;
static size_t up, down;
static uint64_t first_us, last_us, lost_us;

static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type == NOEX_EVENT_MONITOR_UP) {
        up++;
    } else if (e->type == NOEX_EVENT_MONITOR_DOWN) {
        if (!down++)
            first_us = now_ns() / 1000;
    } else if (e->type == NOEX_EVENT_MONITOR_FAILED || e->type == NOEX_EVENT_CONNECT_FAILED) {
        die(e->error->text);
    }
}

/* Said as soon as the loss is noticed, before anything is told of it. */
static void on_log(void *user, enum noex_log_level level, const char *line)
{
    (void)user, (void)level;
    if (strstr(line, "connection lost"))
        lost_us = now_ns() / 1000;
}

static void run_until(const size_t *count, size_t n)
{
    while (*count < n)
        if (noex_node_process(node, 1000))
            die("noex_node_process");
    last_us = now_ns() / 1000;
}

static void connect_all(void)
{
    for (size_t i = 0; i < peer_count; i++)
        if (noex_connect(node, peers[i], NOEX_CONNECT_ONCE))
            die(noex_node_error(node)->text);
    for (size_t i = 0; i < peer_count; i++)
        if (noex_wait_node_up(node, peers[i], 10000))
            die(noex_node_error(node)->text);
}

static struct noex_target target_of(const struct pids *pids, size_t i)
{
    const struct pid *p = &pids->pid[i];
    return (struct noex_target){.kind = NOEX_TARGET_PID,
                                .node = peers[i % peer_count],
                                .pid = {.id = p->id, .serial = p->serial, .creation = p->creation}};
}

static void make_holders(size_t n)
{
    holder_count = n;
    holders = realloc(holders, n * sizeof *holders);
    for (size_t i = 0; i < n; i++)
        if (noex_process_new(node, NULL, &holders[i]))
            die(noex_node_error(node)->text);
}

static int monitor(const struct noex_target *target, size_t i)
{
    if (!holder_count)
        return noex_monitor(node, target, 0, NULL, &ids[i]);
    return noex_process_monitor(node, &holders[i % holder_count], target, 0, NULL, &ids[i]);
}

static void setup(const struct pids *pids)
{
    enum { AT_ONCE = 16384 };
    up = down = 0;
    for (size_t i = 0; i < pids->count; i++) {
        const struct noex_target target = target_of(pids, i);
        if (monitor(&target, i))
            die(noex_node_error(node)->text);
        if (i % AT_ONCE == AT_ONCE - 1 && noex_node_process(node, 0))
            die("noex_node_process");
    }
    run_until(&up, pids->count);
}

static void latency(const struct pids *pids, unsigned pause_ms)
{
    uint64_t *ns = malloc(pids->count * sizeof *ns);
    const uint8_t word[] = {119, 3, 'd', 'i', 'e'};
    const struct noex_term message = {word, sizeof word};
    for (size_t i = 0; i < pids->count; i++) {
        const struct noex_target target = target_of(pids, i);
        uint64_t until = now_ns() + pause_ms * UINT64_C(1000000);
        while (now_ns() < until)
            if (noex_node_process(node, 1))
                die("noex_node_process");
        uint64_t start = now_ns();
        if (noex_send(node, NULL, &target, message))
            die(noex_node_error(node)->text);
        run_until(&down, i + 1);
        ns[i] = now_ns() - start;
    }
    print_sorted(ns, pids->count);
    free(ns);
}

static void obey(const char *word, const struct pids *pids, unsigned number)
{
    uint64_t start = now_ns();
    if (strcmp(word, "load") == 0) {
        if (number)
            make_holders(number);
        printf("0\n");
    } else if (strcmp(word, "connect") == 0) {
        connect_all();
        printf("%.0f\n", (double)(now_ns() - start) / 1000);
    } else if (strcmp(word, "setup") == 0) {
        setup(pids);
        printf("%.0f\n", (double)(now_ns() - start) / 1000);
    } else if (strcmp(word, "downs") == 0) {
        run_until(&down, pids->count);
        printf("%.0f\n", (double)(last_us - first_us));
    } else if (strcmp(word, "lost") == 0) {
        run_until(&down, pids->count);
        printf("%.0f\n", (double)(last_us - lost_us));
    } else if (strcmp(word, "demonitor") == 0) {
        for (size_t i = 0; i < pids->count; i++)
            if (noex_demonitor(node, ids[i]))
                die("noex_demonitor");
        /* What comes behind is confirmed when all before it was handled. */
        const struct noex_target nobody = {
            .kind = NOEX_TARGET_NAME, .node = peers[0], .name = "nobody"};
        size_t before = up;
        if (noex_monitor(node, &nobody, 0, NULL, &ids[0]))
            die("noex_monitor");
        run_until(&up, before + 1);
        printf("%.0f\n", (double)(now_ns() - start) / 1000);
    } else if (strcmp(word, "latency") == 0) {
        setup(pids);
        latency(pids, number);
    } else {
        die(word);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct noex_options options;
    struct noex_error err;
    if (argc < 5)
        die("watcher EPMD_PORT COOKIE eager|held NODE...");
    char name[256]; /* without one a node has no processes */
    snprintf(name, sizeof name, "watcher%s", strchr(argv[4], '@'));
    noex_options_init(&options);
    options.epmd_port = (uint16_t)atoi(argv[1]);
    options.cookie = argv[2];
    options.name = name;
    options.eager_reads = strcmp(argv[3], "eager") == 0;
    options.on_event = on_event;
    options.on_log = on_log;
    options.setup_timeout_ms = 600000;
    peers = argv + 4;
    peer_count = (size_t)argc - 4;
    if (tls_of_environment(&options.tls, &err) || noex_node_new(&node, &options, &err))
        die(err.text);
    printf("ready\n");
    fflush(stdout);
    struct pids pids = {0};
    char word[16], file[256];
    unsigned number;
    while (scanf("%15s %255s %u", word, file, &number) == 3) {
        read_pids(&pids, file);
        ids = realloc(ids, (pids.count + 1) * sizeof *ids);
        obey(word, &pids, number);
    }
    noex_node_free(node);
    noex_tls_free(options.tls);
    free(ids);
    free(holders);
    free(pids.pid);
    return 0;
}
