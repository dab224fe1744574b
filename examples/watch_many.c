/* Watches many processes of one node, whatever becomes of the connection, until all have ended:
 *     NOEX_COOKIE=secret watch_many shop@127.0.0.1 cache orders billing
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>
#include <stdio.h>
#include <stdlib.h>

struct watch {
    noex_node *node;
    const char *where;
    int left;
};

static int monitor(struct watch *watch, char *name)
{
    struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = watch->where, .name = name};
    noex_monitor_id id;

    return noex_monitor(watch->node, &target, 0, name, &id);
}

static void on_event(void *user, const struct noex_event *event)
{
    struct watch *watch = user;
    char *name = event->monitor_user, why[256];

    if (event->type == NOEX_EVENT_MONITOR_UP) {
        printf("%s: monitored\n", name);
    } else if (event->type == NOEX_EVENT_MONITOR_DOWN) {
        noex_event_message(event, why, sizeof why);
        printf("%s: %s %s\n", name, noex_reason_type_name(event->reason), why);
        if (event->origin == NOEX_ORIGIN_PEER)
            watch->left--;
        else if (monitor(watch, name)) /* lost, not gone: made again, it waits for the node */
            exit(1);
    } else if (event->type == NOEX_EVENT_MONITOR_FAILED) {
        if (noex_error_class(event->error->code) == NOEX_CLASS_REFUSED || monitor(watch, name))
            exit(1);
    } else if (event->error) { /* CONNECT_FAILED, NODE_DOWN */
        fprintf(stderr, "%s: %s\n", event->node, event->error->text);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct watch watch = {.where = argc > 2 ? argv[1] : "", .left = argc - 2};
    struct noex_options options;
    struct noex_error error;
    int failed = 0;

    noex_options_init(&options);
    options.cookie = getenv("NOEX_COOKIE");
    options.on_event = on_event;
    options.user = &watch;
    if (noex_node_new(&watch.node, &options, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    failed = noex_connect(watch.node, watch.where, NOEX_CONNECT_KEEP); /* and again when lost */
    for (int i = 2; i < argc && !failed; i++)
        failed = monitor(&watch, argv[i]);
    while (watch.left > 0 && !failed)
        failed = noex_node_process(watch.node, 1000);
    noex_node_free(watch.node);
    return failed ? 1 : 0;
}
