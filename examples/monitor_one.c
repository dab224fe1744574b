/* Waits for the end of one process and tells why it ended. The cookie comes from the environment:
 *     NOEX_COOKIE=secret monitor_one shop@127.0.0.1 cache
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>
#include <stdio.h>
#include <stdlib.h>

static int monitor(noex_node *node, const char *where, const char *name)
{
    struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = where, .name = name};
    const struct noex_event *event;
    noex_monitor_id id;
    char why[256];

    if (noex_monitor(node, &target, 0, NULL, &id) || noex_wait_monitor_up(node, id, 10000))
        return 1;
    printf("%s: monitored\n", name);
    fflush(stdout);
    do {
        if (noex_wait_event(node, UINT64_MAX, &event))
            return 1;
    } while (event->type != NOEX_EVENT_MONITOR_DOWN);
    noex_event_message(event, why, sizeof why);
    printf("%s: %s %s\n", name, noex_reason_type_name(event->reason), why);
    return 0;
}

int main(int argc, char **argv)
{
    struct noex_options options;
    struct noex_error error;
    noex_node *node;

    if (argc != 3) {
        fprintf(stderr, "usage: NOEX_COOKIE=... %s NODE NAME\n", argv[0]);
        return 2;
    }
    noex_options_init(&options);
    options.cookie = getenv("NOEX_COOKIE");
    if (noex_node_new(&node, &options, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int failed = monitor(node, argv[1], argv[2]);
    if (failed)
        fprintf(stderr, "%s\n", noex_node_error(node)->text);
    noex_node_free(node);
    return failed;
}
