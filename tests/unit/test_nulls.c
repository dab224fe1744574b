/* Every public function without what it needs: with NULL for all, with a node, a cluster and a
 * builder but NULL for the rest, and the same inside a callback of the node. Each call is in a
 * process and with handles of its own. It comes back; where it gives an error code it is one; what
 * is there can be freed. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <noex/noex.h>
#include <noex/uv.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NODE with.node
#define CLUSTER with.cluster
#define BUILDER with.builder

/* Statuses of a process, beside those of a sanitizer. */
enum called { NEITHER = 0, BACK = 100, FINE, FAILED };

static struct {
    noex_node *node;
    noex_cluster *cluster;
    noex_builder *builder;
    const struct call *call; /* what the callback does */
    enum called called;
} with;

struct call {
    const char *name;
    enum called (*run)(void);
};

#define CODE(name, expression)                                                                     \
    static enum called call_##name(void)                                                           \
    {                                                                                              \
        return (expression) < 0 ? FAILED : FINE;                                                   \
    }
#define VALUE(name, expression, type)                                                              \
    static enum called call_##name(void)                                                           \
    {                                                                                              \
        type value = expression;                                                                   \
        (void)value;                                                                               \
        return BACK;                                                                               \
    }
#include "nulls_api.h"
#undef CODE
#undef VALUE

static const struct call calls[] = {
#define CODE(name, expression) {#name, call_##name},
#define VALUE(name, expression, type) {#name, call_##name},
#include "nulls_api.h"
};

static void inside(void *user, noex_timer_id id)
{
    (void)user, (void)id;
    with.called = with.call->run();
}

static void open_handles(void)
{
    struct noex_options n;
    struct noex_cluster_options c;
    noex_options_init(&n);
    n.name = "nulls@127.0.0.1";
    n.cookie = "x";
    n.no_epmd = true;
    noex_cluster_options_init(&c);
    c.name = "nulls_cluster";
    c.cookie = "x";
    c.node = &n;
    if (noex_node_new(&with.node, &n, NULL) || noex_cluster_new(&with.cluster, &c, NULL) ||
        noex_cluster_start(with.cluster) || noex_builder_new(&with.builder, NULL))
        _exit(3);
}

static void close_handles(const char *name)
{
    if (strcmp(name, "noex_node_free") != 0 && strcmp(name, "noex_node_close") != 0)
        noex_node_free(with.node);
    if (strcmp(name, "noex_cluster_free") != 0)
        noex_cluster_free(with.cluster);
    if (strcmp(name, "noex_builder_free") != 0)
        noex_builder_free(with.builder);
}

static enum called with_null(const struct call *call)
{
    return call->run();
}

static enum called with_handles(const struct call *call)
{
    open_handles();
    enum called called = call->run();
    close_handles(call->name);
    return called;
}

static enum called in_callback(const struct call *call)
{
    noex_timer_id id;
    open_handles();
    with.call = call;
    if (noex_timer_start(with.node, 0, inside, NULL, &id))
        _exit(3);
    for (int rc = 0; with.called == NEITHER && rc == 0;) /* its node may be closed then */
        rc = noex_node_process(with.node, 10);
    close_handles(call->name);
    return with.called;
}

/* What it was, as the status of a process of its own. */
static int in_child(enum called (*how)(const struct call *), const struct call *call)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(60);
        _exit((int)how(call));
    }
    assert_int_equal(pid, waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void try_all(enum called (*how)(const struct call *), bool must_fail)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const int got = in_child(how, &calls[i]);
        if (got == BACK || got == FAILED || (got == FINE && !must_fail))
            continue;
        print_error("%s: %d\n", calls[i].name, got);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void null_for_all_is_an_error(void **state)
{
    (void)state;
    try_all(with_null, true);
}

static void null_beside_a_handle_is_survived(void **state)
{
    (void)state;
    try_all(with_handles, false);
}

static void the_same_inside_a_callback(void **state)
{
    (void)state;
    try_all(in_callback, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_for_all_is_an_error),
        cmocka_unit_test(null_beside_a_handle_is_survived),
        cmocka_unit_test(the_same_inside_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
