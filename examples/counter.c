/* A process in C that Erlang code uses like one of its own, until it is told to stop:
 *     NOEX_COOKIE=secret counter c@127.0.0.1
 * and on an Erlang node of that cookie
 *     gen_server:call({counter, 'c@127.0.0.1'}, {add, 3}).
 *     gen_server:cast({counter, 'c@127.0.0.1'}, stop).
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>
#include <stdio.h>
#include <stdlib.h>

struct counter {
    noex_node *node;
    noex_builder *builder;
    int64_t value;
    bool ended;
};

static void add(struct counter *c, struct noex_term request) /* {add, N}: the sum; else: badarg */
{
    struct noex_term tag, number;
    int64_t n;

    if (noex_term_element(request, 0, &tag) || !noex_term_is_atom(tag, "add") ||
        noex_term_element(request, 1, &number) || noex_term_int64(number, &n))
        noex_build_atom(c->builder, "badarg");
    else
        noex_build_int64(c->builder, c->value += n);
}

static void on_event(void *user, const struct noex_event *event)
{
    struct counter *c = user;
    struct noex_term built;

    noex_builder_clear(c->builder);
    if (event->type == NOEX_EVENT_CALL) {
        add(c, noex_event_term(event));
        if (noex_builder_term(c->builder, &built) ||
            noex_reply(c->node, event->process, event->caller, built))
            exit(1);
    } else if (event->type == NOEX_EVENT_CAST) {
        noex_build_atom(c->builder, "normal");
        if (noex_builder_term(c->builder, &built) == 0)
            noex_process_exit(c->node, event->process, built);
    }
    c->ended = event->type == NOEX_EVENT_PROCESS_END;
}

int main(int argc, char **argv)
{
    struct counter c = {.value = 0};
    struct noex_process_options counter;
    struct noex_options options;
    struct noex_error error;
    struct noex_pid pid;
    const char *epmd_port = getenv("ERL_EPMD_PORT");

    noex_options_init(&options);
    options.name = argc > 1 ? argv[1] : "";
    options.cookie = getenv("NOEX_COOKIE");
    options.listen = true;
    options.epmd_port = (uint16_t)(epmd_port ? atoi(epmd_port) : options.epmd_port);
    noex_process_options_init(&counter);
    counter.name = "counter";
    counter.on_event = on_event;
    counter.user = &c;
    if (noex_builder_new(&c.builder, NULL) || noex_node_new(&c.node, &options, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int failed = noex_process_new(c.node, &counter, &pid) || noex_wait_registered(c.node, 10000);
    printf("counter: %s\n", failed ? noex_node_error(c.node)->text : "ready");
    fflush(stdout);
    while (!failed && !c.ended)
        failed = noex_node_process(c.node, 1000);
    noex_node_free(c.node);
    noex_builder_free(c.builder);
    return failed;
}
