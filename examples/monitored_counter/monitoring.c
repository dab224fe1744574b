/* The commands of the guide: create, watch, unwatch. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#include "app.h"
#include "commands.h"

#include <stdio.h>
#include <string.h>

/* On any node: a C node starts the behaviour, a BEAM the module, of this name. */
void create(struct app *app, const char *name, const char *node)
{
    struct noex_remote_spawn_options o;
    char global[NAME_SIZE + 8];
    noex_op op;
    node = node ? node : noex_cluster_local_node_id(app->cluster);
    snprintf(global, sizeof global, "counter:%s", name);
    noex_remote_spawn_options_init(&o);
    o.name = global;
    o.registration = NOEX_REGISTRATION_GLOBAL;
    noex_builder_clear(app->builder);
    noex_build_binary(app->builder, name, strlen(name));
    int rc = noex_builder_term(app->builder, &o.args);
    rc = rc ? rc : noex_remote_spawn(app->cluster, "counter", node, &o, &op);
    rc = rc ? rc : noex_await(app->cluster, op, NULL);
    if (rc == 0)
        printf("Counter \"%s\" created on %s\n", name, node);
    else if (rc == NOEX_ENAMETAKEN)
        printf("Counter \"%s\" already exists\n", name);
    else
        printf("Cannot create \"%s\": %s\n", name, noex_cluster_error(app->cluster)->text);
}

void watch(struct app *app, const char *name, const char *node)
{
    struct watch *w = watch_free(app);
    struct noex_ref ref;
    (void)node;
    if (!find_counter(app, name, &ref))
        return;
    if (watch_find(app, name) || !w) {
        printf(w ? "Already watching \"%s\"\n" : "Too many watches for \"%s\"\n", name);
        return;
    }
    const struct noex_target target = noex_ref_target(&ref);
    noex_op monitor;
    int rc = noex_remote_monitor(app->cluster, &app->watcher, &target, 0, NULL, NULL, &monitor);
    rc = rc ? rc : noex_await(app->cluster, monitor, NULL);
    if (rc) {
        printf("Cannot watch \"%s\": %s\n", name, noex_cluster_error(app->cluster)->text);
        return;
    }
    snprintf(w->name, sizeof w->name, "%s", name);
    w->monitor = monitor; /* its event comes later, also where the counter is gone already */
    printf("Now watching \"%s\" on %s\n", name, ref.node);
}

void unwatch(struct app *app, const char *name, const char *node)
{
    struct watch *w = watch_find(app, name);
    (void)node;
    if (w)
        noex_remote_demonitor(app->cluster, w->monitor);
    if (w)
        w->monitor = 0;
    printf(w ? "Stopped watching \"%s\"\n" : "Not watching \"%s\"\n", name);
}
