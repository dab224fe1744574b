/* Which counters are watched, and what is told when one goes down. Example of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <stdio.h>
#include <string.h>

struct watch *watch_find(struct app *app, const char *name)
{
    for (int i = 0; i < WATCHES; i++)
        if (app->watches[i].monitor && strcmp(app->watches[i].name, name) == 0)
            return &app->watches[i];
    return NULL;
}

struct watch *watch_free(struct app *app)
{
    for (int i = 0; i < WATCHES; i++)
        if (!app->watches[i].monitor)
            return &app->watches[i];
    return NULL;
}

void watch_event(void *user, const struct noex_lifecycle_event *event)
{
    struct app *app = user;
    if (event->type != NOEX_LIFECYCLE_PROCESS_DOWN)
        return;
    for (int i = 0; i < WATCHES; i++) {
        struct watch *w = &app->watches[i];
        if (w->monitor != event->monitor)
            continue;
        printf("\nCounter \"%s\" went down!\n", w->name);
        printf("  Node: %s\n", event->monitored->node);
        printf("  Reason: %s\n", noex_reason_type_name(event->reason));
        w->monitor = 0;
        return;
    }
}
