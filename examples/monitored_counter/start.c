/* Starting: the environment says who this node is and whom it joins. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS_MAX = 16 };

static const char *env(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

/* COOKIE, or the first line of COOKIE_FILE. */
static const char *cookie(void)
{
    static char text[256];
    const char *path = env("COOKIE_FILE", NULL);
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        return env("COOKIE", NULL);
    if (!fgets(text, sizeof text, file))
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\r\n")] = '\0';
    return text;
}

/* SEEDS: name@host:port, with commas between. */
static void take_seeds(const char *seeds[SEEDS_MAX + 1])
{
    static char text[1024];
    int count = 0;
    snprintf(text, sizeof text, "%s", env("SEEDS", ""));
    for (char *seed = strtok(text, ","); seed && count < SEEDS_MAX; seed = strtok(NULL, ","))
        seeds[count++] = seed;
    seeds[count] = NULL;
}

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return false;
}

bool start(struct app *app)
{
    static const struct noex_behavior nothing = {.size =
                                                     sizeof nothing}; /* the watcher does none */
    const char *seeds[SEEDS_MAX + 1];
    struct noex_cluster_options o;
    struct noex_options node;
    struct noex_error err;
    noex_options_init(&node);
    node.epmd_port = (uint16_t)atoi(env("ERL_EPMD_PORT", "4369"));
    noex_cluster_options_init(&o);
    o.node = &node;
    o.name = env("NODE_NAME", "node1");
    o.port = (uint32_t)atoi(env("PORT", "0"));
    o.cookie = cookie();
    take_seeds(seeds);
    o.seeds = seeds;
    if (noex_builder_new(&app->builder, NULL) || noex_cluster_new(&app->cluster, &o, &err))
        return fail("cannot start", err.text);
    if (noex_behavior_register(app->cluster, "counter", &counter) ||
        noex_cluster_start(app->cluster) ||
        noex_cluster_wait(app->cluster, NOEX_CLUSTER_RUNNING, 10000) ||
        noex_gen_server_start(app->cluster, &nothing, NULL, &app->watcher, NULL) ||
        noex_on_lifecycle_event(app->cluster, watch_event, app, NULL))
        return fail("cannot start", noex_cluster_error(app->cluster)->text);
    return true;
}
