/* Watches a process by its name in `global`, and starts it again on another node whenever it ends:
 * the single process watcher of the monitoring guide. NOEX_COOKIE=secret service_watcher
 * w@127.0.0.1 a@127.0.0.1 b@127.0.0.1 starts the gen_server `critical` (a module of a BEAM, a
 * behaviour of a C node) on one of the nodes. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#include "start_cluster.h"

static const char name[] = "critical-service";

/* Where the service ended last; empty: it runs. */
static char ended_on[NOEX_NODE_NAME_SIZE] = "nowhere";

static void on_event(void *user, const struct noex_lifecycle_event *event)
{
    (void)user;
    if (event->type != NOEX_LIFECYCLE_PROCESS_DOWN)
        return;
    printf("%s on %s is down: %s\n", name, event->monitored->node,
           noex_reason_type_name(event->reason));
    snprintf(ended_on, sizeof ended_on, "%s", event->monitored->node);
}

/* A connected node, another than the one where it ended if there is one. False: there is none. */
static bool find_node(noex_cluster *cluster, struct noex_node_info *node)
{
    struct noex_node_info nodes[16];
    int count = noex_cluster_get_connected_nodes(cluster, nodes, 16);
    for (int i = 0; i < count && i < 16; i++) {
        *node = nodes[i];
        if (strcmp(nodes[i].id, ended_on) != 0)
            return true;
    }
    return count > 0;
}

/* What fails is tried again in the next turn, for `ended_on` stays; also where the name was taken:
 * by somebody who was quicker, or still by the process that has just ended. */
static void start_service(noex_cluster *cluster, const struct noex_ref *watcher)
{
    const struct noex_target service = noex_global_target(name);
    const struct noex_result *result;
    struct noex_remote_spawn_options o;
    struct noex_node_info node;
    noex_op op;
    noex_remote_spawn_options_init(&o);
    o.name = name;
    o.registration = NOEX_REGISTRATION_GLOBAL;
    if (!find_node(cluster, &node))
        return;
    int rc = noex_remote_spawn(cluster, "critical", node.id, &o, &op);
    rc = rc ? rc : noex_await(cluster, op, &result);
    if (rc == 0)
        printf("%s is started on %s\n", name, node.id);
    if (rc == 0 || rc == NOEX_ENAMETAKEN)
        rc = noex_remote_monitor(cluster, watcher, &service, 0, NULL, NULL, &op);
    rc = rc ? rc : noex_await(cluster, op, NULL);
    if (rc == 0)
        ended_on[0] = '\0';
}

int main(int argc, char **argv)
{
    static const struct noex_behavior watcher = {.size = sizeof watcher};
    struct noex_ref self;
    if (argc < 3)
        return fprintf(stderr, "service_watcher NAME@HOST NODE...\n"), 2;
    noex_cluster *cluster = start_cluster(argv[1], (const char *const *)argv + 2);
    must(noex_gen_server_start(cluster, &watcher, NULL, &self, NULL), cluster, "watcher");
    must(noex_on_lifecycle_event(cluster, on_event, NULL, NULL), cluster, "watcher");
    for (;;) {
        if (ended_on[0])
            start_service(cluster, &self);
        run(cluster);
    }
}
