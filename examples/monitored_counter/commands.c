/* What the lines say. Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    void (*run)(struct app *app, const char *name, const char *node);
    bool named; /* wants a counter's name */
} commands[] = {
    {"create", create, true},   {"watch", watch, true},
    {"unwatch", unwatch, true}, {"kill", kill_it, true},
    {"get", get, true},         {"inc", increment, true},
    {"dec", decrement, true},   {"counters", counters, false},
    {"nodes", nodes, false},    {"stats", stats, false},
    {"quit", quit, false},
};

void command(struct app *app, char *line)
{
    const char *what = strtok(line, " \r\n");
    const char *name = what ? strtok(NULL, " \r\n") : NULL;
    const char *node = name ? strtok(NULL, " \r\n") : NULL;
    if (!what)
        return;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(what, commands[i].name) != 0)
            continue;
        if (commands[i].named && (!name || strlen(name) >= NAME_SIZE))
            printf("%s <name>\n", what);
        else
            commands[i].run(app, name, node);
        return;
    }
    printf("Commands: create <name> [node], watch, unwatch, kill, get, inc, dec <name>, counters, "
           "nodes, stats, quit\n");
}

bool find_counter(struct app *app, const char *name, struct noex_ref *ref)
{
    const struct noex_result *result;
    char global[NAME_SIZE + 8];
    noex_op op;
    snprintf(global, sizeof global, "counter:%s", name);
    int rc = noex_global_lookup(app->cluster, global, NULL, NULL, &op);
    rc = rc ? rc : noex_await(app->cluster, op, &result);
    if (rc == 0)
        *ref = *result->process;
    else if (rc == NOEX_ENONAME)
        printf("Counter \"%s\" not found\n", name);
    else
        printf("Cannot look \"%s\" up: %s\n", name, noex_cluster_error(app->cluster)->text);
    return rc == 0;
}

void quit(struct app *app, const char *name, const char *node)
{
    (void)name, (void)node;
    for (int i = 0; i < WATCHES; i++)
        if (app->watches[i].monitor)
            noex_remote_demonitor(app->cluster, app->watches[i].monitor);
    app->quit = true;
}
