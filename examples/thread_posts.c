/* A node in its own thread; the main thread posts each line it reads, the name of a process:
 *     NOEX_COOKIE=secret thread_posts shop@127.0.0.1
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <noex/noex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *where;
static int over; /* the node's thread alone reads and writes it */

static void on_event(void *user, const struct noex_event *event)
{
    char why[256];

    (void)user;
    if (event->type == NOEX_EVENT_MONITOR_UP) {
        printf("%s: monitored\n", event->target->name);
    } else if (event->type == NOEX_EVENT_MONITOR_DOWN) {
        noex_event_message(event, why, sizeof why);
        printf("%s: %s %s\n", event->target->name, noex_reason_type_name(event->reason), why);
    } else if (event->error) {
        fprintf(stderr, "%s\n", event->error->text);
    }
    fflush(stdout);
}

/* These two run in the node's thread. `node` is NULL where the node was closed before. */
static void monitor(noex_node *node, void *name)
{
    struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = where, .name = name};
    noex_monitor_id id;

    if (node && noex_monitor(node, &target, 0, NULL, &id))
        fprintf(stderr, "%s\n", noex_node_error(node)->text);
    free(name);
}

static void stop(noex_node *node, void *user)
{
    (void)node, (void)user;
    over = 1;
}

static void *run(void *node)
{
    while (!over && noex_node_process(node, UINT64_MAX) == 0)
        ;
    noex_node_free(node);
    return NULL;
}

int main(int argc, char **argv)
{
    struct noex_options options;
    noex_poster *poster;
    noex_node *node;
    pthread_t thread;
    char line[256];

    noex_options_init(&options);
    options.cookie = getenv("NOEX_COOKIE");
    options.on_event = on_event;
    where = argv[1];
    if (argc != 2 || noex_node_new(&node, &options, NULL) || noex_poster_new(&poster, node) ||
        pthread_create(&thread, NULL, run, node)) /* from here on the node is that thread's */
        return 1;
    while (fgets(line, sizeof line, stdin)) {
        char *name = strndup(line, strcspn(line, "\n"));
        if (noex_post(poster, monitor, name))
            free(name);
    }
    int failed = noex_post(poster, stop, NULL);
    pthread_join(thread, NULL);
    noex_poster_release(poster);
    return failed;
}
