/* A node in the poll(2) loop that a program has already. Each line of standard input is the name of
 * a process to monitor; ends at the end of the input:
 *     NOEX_COOKIE=secret poll_loop shop@127.0.0.1
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <noex/noex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_events(noex_node *node)
{
    const struct noex_event *event;
    char why[256];

    while ((event = noex_node_next_event(node))) {
        if (event->type == NOEX_EVENT_MONITOR_UP) {
            printf("%s: monitored\n", event->target->name);
        } else if (event->type == NOEX_EVENT_MONITOR_DOWN) {
            noex_event_message(event, why, sizeof why);
            printf("%s: %s %s\n", event->target->name, noex_reason_type_name(event->reason), why);
        } else if (event->type == NOEX_EVENT_MONITOR_FAILED) {
            printf("%s: %s\n", event->target->name, event->error->text);
        }
        fflush(stdout);
    }
}

/* False at the end of the input. A line is expected to come in one piece, as from a terminal. */
static int take_lines(noex_node *node, const char *where)
{
    char lines[4096];
    ssize_t n = read(STDIN_FILENO, lines, sizeof lines - 1);

    lines[n > 0 ? n : 0] = '\0';
    for (char *rest = NULL, *line = strtok_r(lines, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = where, .name = line};
        noex_monitor_id id;
        if (noex_monitor(node, &target, 0, NULL, &id))
            fprintf(stderr, "%s\n", noex_node_error(node)->text);
    }
    return n > 0;
}

int main(int argc, char **argv)
{
    struct noex_options options;
    struct noex_error error;
    noex_node *node;
    int go_on = 1;

    noex_options_init(&options);
    options.cookie = getenv("NOEX_COOKIE");
    if (argc != 2 || noex_node_new(&node, &options, &error)) {
        fprintf(stderr, "%s\n", argc == 2 ? error.text : "usage: NOEX_COOKIE=... poll_loop NODE");
        return 1;
    }
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = noex_node_fd(node), .events = POLLIN}};
    while (go_on) {
        int64_t timeout = noex_node_timeout_ms(node); /* asked before each wait */
        poll(fds, 2, timeout > 60000 ? 60000 : (int)timeout);
        if (fds[0].revents)
            go_on = take_lines(node, argv[1]);
        go_on = noex_node_process(node, 0) == 0 && go_on;
        print_events(node);
    }
    noex_node_free(node);
    return 0;
}
