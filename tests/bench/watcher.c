/* The benchmark's watcher made with libnoex: watcher NODE EPMD_PORT COOKIE eager|held
 * Its standard input says what to do; it answers each line with one. SPDX-License-Identifier:
 * Apache-2.0 */
#include "pids.h"
#include "tls_environment.h"

#include <noex/noex.h>
#include <string.h>

static noex_node *node;
static const char *peer;
static noex_monitor_id *ids;
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

static struct noex_target target_of(const struct pid *p)
{
    return (struct noex_target){.kind = NOEX_TARGET_PID,
                                .node = peer,
                                .pid = {.id = p->id, .serial = p->serial, .creation = p->creation}};
}

static void setup(const struct pids *pids)
{
    enum { AT_ONCE = 16384 };
    up = down = 0;
    for (size_t i = 0; i < pids->count; i++) {
        const struct noex_target target = target_of(&pids->pid[i]);
        if (noex_monitor(node, &target, 0, NULL, &ids[i]))
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
        const struct noex_target target = target_of(&pids->pid[i]);
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
        printf("0\n");
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
            .kind = NOEX_TARGET_NAME, .node = peer, .name = "nobody"};
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
    if (argc != 5)
        die("watcher NODE EPMD_PORT COOKIE eager|held");
    peer = argv[1];
    noex_options_init(&options);
    options.epmd_port = (uint16_t)atoi(argv[2]);
    options.cookie = argv[3];
    options.eager_reads = strcmp(argv[4], "eager") == 0;
    options.on_event = on_event;
    options.on_log = on_log;
    if (tls_of_environment(&options.tls, &err))
        die(err.text);
    options.setup_timeout_ms = 600000;
    if (noex_node_new(&node, &options, &err) || noex_connect(node, peer, NOEX_CONNECT_ONCE) ||
        noex_wait_node_up(node, peer, 10000))
        die(node ? noex_node_error(node)->text : err.text);
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
    free(pids.pid);
    return 0;
}
