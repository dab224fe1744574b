/* A process in C that Erlang code uses like one of its own:
 *     NOEX_COOKIE=secret counter c@127.0.0.1
 * and on an Erlang node with that cookie
 *     gen_server:call({counter, 'c@127.0.0.1'}, {add, 3}).
 *     monitor(process, {counter, 'c@127.0.0.1'}), gen_server:cast({counter, 'c@127.0.0.1'}, stop).
 * Example of libnoex; SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>
#include <stdio.h>
#include <stdlib.h>

struct counter {
    noex_node *node;
    noex_builder *builder;
    int64_t value;
    int ended;
};

/* {add, N}: the N. */
static int is_add(struct noex_term request, int64_t *n)
{
    struct noex_term tag, number;

    return noex_term_element(request, 0, &tag) == 0 && noex_term_is_atom(tag, "add") &&
           noex_term_element(request, 1, &number) == 0 && noex_term_int64(number, n) == 0;
}

static int reply(struct counter *c, const struct noex_event *call)
{
    struct noex_term answer;
    int64_t n;

    noex_builder_clear(c->builder);
    if (is_add(noex_event_term(call), &n)) {
        c->value += n;
        noex_build_int64(c->builder, c->value);
    } else {
        noex_build_atom(c->builder, "badarg");
    }
    int rc = noex_builder_term(c->builder, &answer);
    return rc ? rc : noex_reply(c->node, call->process, call->caller, answer);
}

static int stop(struct counter *c, const struct noex_event *cast)
{
    struct noex_term reason;

    noex_builder_clear(c->builder);
    noex_build_atom(c->builder, "normal");
    int rc = noex_builder_term(c->builder, &reason);
    return rc ? rc : noex_process_exit(c->node, cast->process, reason);
}

static void on_event(void *user, const struct noex_event *event)
{
    struct counter *c = user;
    int rc = 0;

    if (event->type == NOEX_EVENT_CALL)
        rc = reply(c, event);
    else if (event->type == NOEX_EVENT_CAST && noex_term_is_atom(noex_event_term(event), "stop"))
        rc = stop(c, event);
    else if (event->type == NOEX_EVENT_PROCESS_END)
        c->ended = 1;
    if (rc)
        fprintf(stderr, "%s\n", noex_node_error(c->node)->text);
}

static int run(struct counter *c)
{
    struct noex_process_options process;
    struct noex_pid pid;

    noex_process_options_init(&process);
    process.name = "counter";
    process.on_event = on_event;
    process.user = c;
    if (noex_process_new(c->node, &process, &pid) || noex_wait_registered(c->node, 10000))
        return 1;
    printf("counter: ready\n");
    fflush(stdout);
    while (!c->ended)
        if (noex_node_process(c->node, 1000))
            return 1;
    printf("counter: ended at %lld\n", (long long)c->value);
    return 0;
}

int main(int argc, char **argv)
{
    struct counter c = {0};
    struct noex_options options;
    struct noex_error error;

    noex_options_init(&options);
    options.name = argc > 1 ? argv[1] : "";
    options.cookie = getenv("NOEX_COOKIE");
    options.listen = true;
    if (getenv("ERL_EPMD_PORT"))
        options.epmd_port = (uint16_t)atoi(getenv("ERL_EPMD_PORT"));
    if (noex_builder_new(&c.builder, NULL) || noex_node_new(&c.node, &options, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int failed = run(&c);
    if (failed)
        fprintf(stderr, "%s\n", noex_node_error(c.node)->text);
    noex_node_free(c.node);
    noex_builder_free(c.builder);
    return failed;
}
