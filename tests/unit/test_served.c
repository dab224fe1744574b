/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/served.h"
#include <stdio.h>

static void one(void *user, const struct noex_event *event)
{
    (void)user, (void)event;
}

static void other(void *user, const struct noex_event *event)
{
    (void)user, (void)event;
}

static const struct nx_served *find(const struct nx_served_table *t, const char *module,
                                    const char *function, uint32_t arity)
{
    return nx_served_find(t, nx_span_str(module), nx_span_str(function), arity);
}

static void a_function_is_found_by_all_of_its_name(void **state)
{
    (void)state;
    struct alloc_test a;
    struct nx_served_table t;
    int user;
    alloc_test_init(&a);
    nx_served_init(&t, &a.a);
    assert_null(find(&t, "m", "f", 1));
    assert_int_equal(nx_served_set(&t, "m", "f", 1, one, &user), 0);
    const struct nx_served *s = find(&t, "m", "f", 1);
    assert_non_null(s);
    assert_true(s->on_event == one && s->user == &user && s->arity == 1);
    assert_string_equal(s->module, "m");
    assert_string_equal(s->function, "f");
    assert_null(find(&t, "m", "f", 0));
    assert_null(find(&t, "m", "f", 2));
    assert_null(find(&t, "f", "m", 1));
    assert_null(find(&t, "mf", "", 1));
    assert_null(find(&t, "m", "ff", 1));
    assert_null(find(&t, "m", "", 1));
    /* A name from the wire may hold a NUL. */
    assert_null(nx_served_find(&t, nx_span("m", 2), nx_span_str("f"), 1));
    nx_served_free(&t);
    assert_int_equal(a.live, 0);
}

static void a_function_is_served_anew_and_no_more(void **state)
{
    (void)state;
    struct alloc_test a;
    struct nx_served_table t;
    int user;
    alloc_test_init(&a);
    nx_served_init(&t, &a.a);
    assert_int_equal(nx_served_set(&t, "m", "f", 0, NULL, NULL), 0);
    assert_int_equal(t.count, 0);
    assert_int_equal(nx_served_set(&t, "m", "f", 0, one, NULL), 0);
    a.fail_at = a.calls + 1; /* none is needed */
    assert_int_equal(nx_served_set(&t, "m", "f", 0, other, &user), 0);
    assert_int_equal(t.count, 1);
    assert_true(find(&t, "m", "f", 0)->on_event == other && find(&t, "m", "f", 0)->user == &user);
    assert_int_equal(nx_served_set(&t, "m", "f", 0, NULL, NULL), 0);
    assert_int_equal(t.count, 0);
    assert_null(find(&t, "m", "f", 0));
    nx_served_free(&t);
    assert_int_equal(a.live, 0);
}

static void many_are_each_found_in_whatever_order_they_came_and_went(void **state)
{
    (void)state;
    enum { MODULES = 5, FUNCTIONS = 7, ARITIES = 4, ALL = MODULES * FUNCTIONS * ARITIES };
    struct alloc_test a;
    struct nx_served_table t;
    char module[16], function[16];
    int users[ALL];
    alloc_test_init(&a);
    nx_served_init(&t, &a.a);
    for (int pass = 0; pass < 3; pass++) { /* in; every second one out; the rest out */
        for (int k = 0; k < ALL; k++) {
            int i = k * 37 % ALL;
            snprintf(module, sizeof module, "%.*s", i % MODULES, "mmmmm");
            snprintf(function, sizeof function, "f%d", i / MODULES % FUNCTIONS * 3);
            uint32_t arity = (uint32_t)(i / MODULES / FUNCTIONS);
            bool in = pass == 1 && i % 2;
            if (pass == 0)
                in = true;
            assert_int_equal(nx_served_set(&t, module, function, arity, in ? one : NULL, &users[i]),
                             0);
            const struct nx_served *s = find(&t, module, function, arity);
            assert_true(in ? s != NULL && s->user == &users[i] : s == NULL);
        }
        assert_int_equal(t.count, pass == 0 ? ALL : pass == 1 ? ALL / 2 : 0);
    }
    nx_served_free(&t);
    assert_int_equal(a.live, 0);
}

static void what_no_function_can_be_is_refused(void **state)
{
    (void)state;
    struct alloc_test a;
    struct nx_served_table t;
    char name[257];
    memset(name, 'a', sizeof name);
    name[256] = '\0';
    alloc_test_init(&a);
    nx_served_init(&t, &a.a);
    assert_int_equal(nx_served_set(&t, name, "f", 0, one, NULL), NOEX_EINVALID);
    assert_int_equal(nx_served_set(&t, "m", name, 0, one, NULL), NOEX_EINVALID);
    assert_int_equal(nx_served_set(&t, "\xff", "f", 0, one, NULL), NOEX_EINVALID);
    assert_int_equal(nx_served_set(&t, "m", "\xc3", 0, one, NULL), NOEX_EINVALID);
    assert_int_equal(nx_served_set(&t, "m", "f", 256, one, NULL), NOEX_EINVALID);
    assert_int_equal(t.count, 0);
    name[255] = '\0';
    assert_int_equal(nx_served_set(&t, name, name, 255, one, NULL), 0);
    assert_int_equal(nx_served_set(&t, "'Elixir.Ünïcode'", "", 0, one, NULL), 0);
    assert_int_equal(t.count, 2);
    nx_served_free(&t);
    assert_int_equal(a.live, 0);
}

static void without_memory_nothing_has_changed(void **state)
{
    (void)state;
    struct alloc_test a;
    struct nx_served_table t;
    alloc_test_init(&a);
    for (size_t k = 1; k <= 3; k++) {
        nx_served_init(&t, &a.a);
        a.fail_at = a.calls + k;
        assert_int_equal(nx_served_set(&t, "m", "f", 0, one, NULL), NOEX_ENOMEM);
        assert_int_equal(t.count, 0);
        assert_null(find(&t, "m", "f", 0));
        assert_int_equal(nx_served_set(&t, "m", "f", 0, one, NULL), 0);
        nx_served_free(&t);
        assert_int_equal(a.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_found_by_all_of_its_name),
        cmocka_unit_test(a_function_is_served_anew_and_no_more),
        cmocka_unit_test(many_are_each_found_in_whatever_order_they_came_and_went),
        cmocka_unit_test(what_no_function_can_be_is_refused),
        cmocka_unit_test(without_memory_nothing_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
