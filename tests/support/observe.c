/* SPDX-License-Identifier: Apache-2.0 */
#define OBSERVE_H /* not the macros: only what they call */
#include <noex/noex.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int observed(const char *name, int rc);
void observed_event(const struct noex_event *event);

enum { CODES_MAX = 64 };

static const struct list {
    const char *name;
    int codes[CODES_MAX];
} lists[] = {
#define OBSERVE_LIST(name, ...) {name, {__VA_ARGS__}},
#include "observe_api.h"
};

enum { LISTS = sizeof lists / sizeof *lists };

static bool seen[LISTS][CODES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void write_down(void)
{
    const char *path = getenv("NOEX_OBSERVED");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    for (size_t i = 0; i < LISTS; i++)
        for (size_t k = 0; k < CODES_MAX; k++)
            if (seen[i][k])
                fprintf(f, "%s %s\n", lists[i].name, noex_error_name(lists[i].codes[k]));
    fclose(f);
}

static void at_first(void)
{
    atexit(write_down);
}

static void note(const char *name, int rc)
{
    for (size_t i = 0; i < LISTS; i++) {
        if (strcmp(lists[i].name, name) != 0)
            continue;
        for (size_t k = 0; k < CODES_MAX && lists[i].codes[k]; k++) {
            if (lists[i].codes[k] != rc)
                continue;
            pthread_mutex_lock(&lock);
            seen[i][k] = true;
            pthread_mutex_unlock(&lock);
            return;
        }
    }
    fprintf(stderr, "%s gave %s, which its comment does not list\n", name, noex_error_name(rc));
    abort();
}

/* -1 is the no limit of noex_node_timeout_ms. */
int observed(const char *name, int rc)
{
    pthread_once(&once, at_first);
    if (rc < -1)
        note(name, rc);
    return rc;
}

void observed_event(const struct noex_event *event)
{
    static const char *const names[] = {
        [NOEX_EVENT_NODE_DOWN] = "NOEX_EVENT_NODE_DOWN",
        [NOEX_EVENT_CONNECT_FAILED] = "NOEX_EVENT_CONNECT_FAILED",
        [NOEX_EVENT_MONITOR_FAILED] = "NOEX_EVENT_MONITOR_FAILED",
        [NOEX_EVENT_UNREGISTERED] = "NOEX_EVENT_UNREGISTERED",
        [NOEX_EVENT_LISTEN_FAILED] = "NOEX_EVENT_LISTEN_FAILED",
        [NOEX_EVENT_CALL_FAILED] = "NOEX_EVENT_CALL_FAILED",
    };
    if (event->error)
        observed(names[event->type], event->error->code);
}
