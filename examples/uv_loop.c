/* A node on the uv_loop_t of a libuv program: watches a process, ends with it or at SIGINT:
 *     NOEX_COOKIE=secret uv_loop shop@127.0.0.1 cache
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* for libuv's header */
#include <noex/noex.h>
#include <noex/uv.h>
#include <stdio.h>
#include <stdlib.h>

static noex_node *node;
static uv_signal_t interrupt;

static void on_closed(void *user)
{
    (void)user;
    printf("closed\n");
}

/* What keeps the loop alive goes, so uv_run returns; the node is gone when on_closed was called. */
static void stop(void)
{
    if (uv_is_closing((uv_handle_t *)&interrupt))
        return;
    noex_node_close(node, on_closed, NULL);
    uv_close((uv_handle_t *)&interrupt, NULL);
}

static void on_interrupt(uv_signal_t *handle, int number)
{
    (void)handle, (void)number;
    stop();
}

static void on_event(void *user, const struct noex_event *event)
{
    char why[256];

    (void)user;
    if (event->type == NOEX_EVENT_MONITOR_UP) {
        printf("%s: monitored\n", event->target->name);
    } else if (event->type == NOEX_EVENT_MONITOR_DOWN) {
        noex_event_message(event, why, sizeof why);
        printf("%s: %s %s\n", event->target->name, noex_reason_type_name(event->reason), why);
        stop();
    } else if (event->type == NOEX_EVENT_MONITOR_FAILED) {
        printf("%s: %s\n", event->target->name, event->error->text);
        stop();
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct noex_options options;
    struct noex_error error;
    noex_monitor_id id;

    noex_options_init(&options);
    options.cookie = getenv("NOEX_COOKIE");
    options.on_event = on_event;
    if (argc != 3 || noex_node_new_uv(&node, &options, loop, &error)) {
        fprintf(stderr, "%s\n",
                argc == 3 ? error.text : "usage: NOEX_COOKIE=... uv_loop NODE NAME");
        return 1;
    }
    struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = argv[1], .name = argv[2]};
    uv_signal_init(loop, &interrupt);
    uv_signal_start(&interrupt, on_interrupt, SIGINT);
    if (noex_monitor(node, &target, 0, NULL, &id)) {
        fprintf(stderr, "%s\n", noex_node_error(node)->text);
        stop();
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop);
}
