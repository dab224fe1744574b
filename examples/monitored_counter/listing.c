/* The commands that show something: counters, nodes, stats. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#include "app.h"
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void counters(struct app *app, const char *name, const char *node)
{
    const struct noex_result *result;
    struct noex_items items;
    struct noex_term item;
    char text[NAME_SIZE + 8];
    noex_op op;
    (void)name, (void)node;
    if (noex_global_names(app->cluster, NULL, NULL, &op) || noex_await(app->cluster, op, &result))
        printf("%s\n", noex_cluster_error(app->cluster)->text);
    else if (noex_term_items(result->term, &items) == 0)
        while (noex_items_next(&items, &item))
            if (noex_term_text(item, text, sizeof text) > 8 && strncmp(text, "counter:", 8) == 0)
                printf("%s\n", text + 8);
}

void nodes(struct app *app, const char *name, const char *node)
{
    struct noex_node_info list[64];
    int count = noex_cluster_get_nodes(app->cluster, list, 64);
    (void)name, (void)node;
    printf("%s (this node)\n", noex_cluster_local_node_id(app->cluster));
    for (int i = 0; i < count && i < 64; i++)
        printf("%s (%s)\n", list[i].id,
               list[i].status == NOEX_NODE_CONNECTED ? "connected" : "disconnected");
}

void stats(struct app *app, const char *name, const char *node)
{
    struct noex_remote_monitor_stats s;
    (void)name, (void)node;
    noex_remote_monitor_get_stats(app->cluster, &s, sizeof s);
    printf("initialized: %" PRIu64 ", pending: %" PRIu64 ", active: %" PRIu64
           ", established: %" PRIu64 ", process downs: %" PRIu64 ", local: %" PRIu64 "\n",
           s.initialized, s.pending_count, s.active_outgoing_count, s.total_established,
           s.total_process_down_received, s.local_count);
}
