/* Tells what the loss of a node means: all monitors there end with noconnection, then the node is
 * down; the chapter on node failures of the monitoring guide. NOEX_COOKIE=secret node_failures
 * n@127.0.0.1 a@127.0.0.1 b@127.0.0.1 monitors the processes whose names it reads, "name node",
 * from its standard input. Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include "start_cluster.h"

static unsigned lost; /* monitors of the node that is going */

static void on_event(void *user, const struct noex_lifecycle_event *event)
{
    (void)user;
    if (event->type != NOEX_LIFECYCLE_PROCESS_DOWN)
        return;
    if (event->event->origin == NOEX_ORIGIN_LOCAL)
        lost++; /* it may live on there: nobody can say */
    else
        printf("%s is down: %s\n", event->monitored->name ? event->monitored->name : "a process",
               noex_reason_type_name(event->reason));
}

static void on_node_up(void *user, const char *node)
{
    (void)user;
    printf("%s is up\n", node);
}

/* Comes behind the process_downs of the node. */
static void on_node_down(void *user, const char *node, const char *reason,
                         const struct noex_error *error)
{
    (void)user;
    printf("%s is down: %s (%s), %u monitors are lost\n", node, reason, error->text, lost);
    lost = 0;
}

static void monitor(noex_cluster *cluster, const struct noex_ref *self, const char *name,
                    const char *node)
{
    const struct noex_target target = noex_name_target(name, node);
    noex_op op;
    int rc = noex_remote_monitor(cluster, self, &target, 5000, NULL, NULL, &op);
    rc = rc ? rc : noex_await(cluster, op, NULL);
    if (rc)
        printf("%s on %s cannot be monitored: %s\n", name, node, noex_cluster_error(cluster)->text);
    else
        printf("%s on %s is monitored\n", name, node);
}

int main(int argc, char **argv)
{
    static const struct noex_behavior watcher = {.size = sizeof watcher};
    char name[256], node[256];
    struct noex_ref self;
    if (argc < 3)
        return fprintf(stderr, "node_failures NAME@HOST NODE...\n"), 2;
    noex_cluster *cluster = start_cluster(argv[1], (const char *const *)argv + 2);
    must(noex_gen_server_start(cluster, &watcher, NULL, &self, NULL), cluster, "watcher");
    must(noex_on_lifecycle_event(cluster, on_event, NULL, NULL), cluster, "watcher");
    must(noex_cluster_on_node_up(cluster, on_node_up, NULL, NULL), cluster, "watcher");
    must(noex_cluster_on_node_down(cluster, on_node_down, NULL, NULL), cluster, "watcher");
    while (scanf("%255s %255s", name, node) == 2)
        monitor(cluster, &self, name, node);
    for (;;)
        run(cluster);
}
