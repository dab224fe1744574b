/* Keeps a pool of workers at its size: the pool monitor of the monitoring guide.
 *     NOEX_COOKIE=secret pool_monitor p@127.0.0.1 5 a@127.0.0.1
 * starts 5 gen_servers `worker` on the node, and another one for each that ends. It can be asked:
 * gen_server:call({pool, 'p@127.0.0.1'}, get_worker_count).
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include "start_cluster.h"

static struct pool {
    const char *node;
    struct noex_ref self;
    int workers, starting, minimum;
} pool;

static enum noex_next handle_call(noex_gen_server *self, struct noex_term request,
                                  struct noex_term caller)
{
    (void)caller;
    if (!noex_term_is_atom(request, "get_worker_count"))
        return noex_gen_server_reply_error(self, "what?");
    noex_build_int64(noex_gen_server_builder(self), pool.workers);
    return NOEX_NEXT_REPLY;
}

static void on_started(void *user, const struct noex_result *result);

/* Nothing waits here: each worker is monitored when it is there. */
static void fill(noex_cluster *cluster)
{
    struct noex_remote_spawn_options o;
    noex_remote_spawn_options_init(&o);
    o.done = on_started;
    o.user = cluster;
    for (; pool.workers + pool.starting < pool.minimum; pool.starting++)
        if (noex_remote_spawn(cluster, "worker", pool.node, &o, NULL))
            return; /* the next event tries again */
}

static void on_started(void *user, const struct noex_result *result)
{
    noex_op monitor;
    pool.starting--;
    if (result->error) {
        fprintf(stderr, "worker: %s\n", result->error->text);
        return;
    }
    const struct noex_target worker = noex_ref_target(result->process);
    if (noex_remote_monitor(user, &pool.self, &worker, 0, NULL, NULL, &monitor) == 0)
        pool.workers++;
}

/* What the pool monitors has ended: its handle_info is told, too. */
static enum noex_next handle_info(noex_gen_server *self, const struct noex_event *event)
{
    if (event->type != NOEX_EVENT_MONITOR_DOWN)
        return NOEX_NEXT_CONTINUE;
    pool.workers--;
    printf("a worker is down: %s\n", noex_reason_type_name(event->reason));
    fill(noex_gen_server_cluster(self));
    return NOEX_NEXT_CONTINUE;
}

int main(int argc, char **argv)
{
    static const struct noex_behavior behavior = {
        .size = sizeof behavior, .handle_call = handle_call, .handle_info = handle_info};
    struct noex_gen_server_options o;
    if (argc != 4)
        return fprintf(stderr, "pool_monitor NAME@HOST SIZE NODE\n"), 2;
    noex_cluster *cluster = start_cluster(argv[1], (const char *const *)argv + 3);
    pool.minimum = atoi(argv[2]);
    pool.node = argv[3];
    noex_gen_server_options_init(&o);
    o.name = "pool";
    must(noex_gen_server_start(cluster, &behavior, &o, &pool.self, NULL), cluster, "pool");
    for (fill(cluster);;)
        run(cluster);
}
