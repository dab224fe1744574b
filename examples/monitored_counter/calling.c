/* The commands that use counters: get, inc, dec, kill. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#include "app.h"
#include "commands.h"

#include <stdio.h>
#include <string.h>

static struct noex_term atom(struct app *app, const char *name)
{
    struct noex_term term = {NULL, 0};
    noex_builder_clear(app->builder);
    noex_build_atom(app->builder, name);
    return noex_builder_term(app->builder, &term) ? (struct noex_term){NULL, 0} : term;
}

void get(struct app *app, const char *name, const char *node)
{
    const struct noex_result *result;
    struct noex_ref ref;
    char text[200];
    noex_op op;
    (void)node;
    if (!find_counter(app, name, &ref))
        return;
    const struct noex_target target = noex_ref_target(&ref);
    int rc = noex_remote_call(app->cluster, &target, atom(app, "get_info"), 0, NULL, NULL, &op);
    rc = rc ? rc : noex_await(app->cluster, op, &result);
    if (rc == 0 && noex_term_print(result->term, NULL, text, sizeof text, NULL) > 0)
        printf("%s\n", text);
    else
        printf("Cannot get \"%s\": %s\n", name, noex_cluster_error(app->cluster)->text);
}

static void cast(struct app *app, const char *name, const char *what)
{
    struct noex_ref ref;
    if (!find_counter(app, name, &ref))
        return;
    const struct noex_target target = noex_ref_target(&ref);
    if (noex_remote_cast(app->cluster, &target, atom(app, what)))
        printf("Cannot reach \"%s\": %s\n", name, noex_cluster_error(app->cluster)->text);
}

void increment(struct app *app, const char *name, const char *node)
{
    (void)node;
    cast(app, name, "increment");
}

void decrement(struct app *app, const char *name, const char *node)
{
    (void)node;
    cast(app, name, "decrement");
}

void kill_it(struct app *app, const char *name, const char *node)
{
    struct noex_ref ref;
    (void)node;
    if (!find_counter(app, name, &ref))
        return;
    const struct noex_target target = noex_ref_target(&ref);
    if (noex_gen_server_exit(app->cluster, &target, atom(app, "kill")))
        printf("Cannot kill \"%s\": %s\n", name, noex_cluster_error(app->cluster)->text);
}
