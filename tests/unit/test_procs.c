/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/procs.h"

#include <stdio.h>

static struct alloc_test a;
static struct nx_procs *t;

static void begin(uint32_t max)
{
    alloc_test_init(&a);
    t = nx_procs_new(&a.a, max);
    assert_non_null(t);
}

static void end(void)
{
    nx_procs_free(t);
    assert_int_equal(a.live, 0);
}

static struct nx_proc *add(void)
{
    struct nx_proc *p = NULL;
    assert_int_equal(nx_proc_add(t, &p), 0);
    return p;
}

static struct nx_proc *named(const char *name)
{
    return nx_proc_named(t, nx_span_str(name));
}

/* ---- processes ---- */

static void the_nodes_own_process_is_there_from_the_beginning(void **state)
{
    (void)state;
    begin(10);
    struct nx_proc *kernel = nx_proc_find(t, NX_PROC_KERNEL, NX_PROC_KERNEL_SERIAL);
    assert_non_null(kernel);
    assert_ptr_equal(named("net_kernel"), kernel);
    assert_int_equal(kernel->end_letter, 0);
    assert_int_equal(nx_procs_count(t), 1);
    end();
}

static void a_process_is_found_by_its_numbers_and_a_dead_one_never_again(void **state)
{
    (void)state;
    begin(10);
    uint32_t serial = 0, slot = 0;
    for (int life = 0; life < 5; life++) {
        struct nx_proc *p = add();
        assert_true(!slot || p->number == slot); /* the same slot, */
        assert_int_not_equal(p->slot.generation, serial);
        slot = p->number;
        serial = p->slot.generation;
        assert_ptr_equal(nx_proc_find(t, slot, serial), p);
        assert_ptr_equal(nx_proc_at(t, slot), p);
        assert_true(!p->name && !p->aliases && !p->leader && !p->on_event);
        nx_proc_remove(t, p);
        assert_null(nx_proc_find(t, slot, serial));
    }
    const uint32_t odd[] = {0, 1, slot, slot + 1, 4711, UINT32_MAX};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_null(nx_proc_find(t, odd[i], serial));
    end();
}

static void the_limit_does_not_count_the_nodes_own(void **state)
{
    (void)state;
    struct nx_proc *p[3], *none = NULL;
    begin(3);
    for (int i = 0; i < 3; i++)
        p[i] = add();
    assert_int_equal(nx_proc_add(t, &none), NOEX_ELIMIT);
    nx_proc_remove(t, p[1]);
    p[1] = add();
    assert_int_equal(nx_proc_add(t, &none), NOEX_ELIMIT);
    end();
}

static void a_walk_sees_each_process_once(void **state)
{
    (void)state;
    enum { MANY = 300 };
    struct nx_proc *p[MANY];
    begin(MANY);
    for (int i = 0; i < MANY; i++)
        p[i] = add();
    for (int i = 0; i < MANY; i += 3)
        nx_proc_remove(t, p[i]);
    uint32_t seen = 0, slot = 0;
    for (struct nx_proc *q = nx_proc_next(t, 0); q; q = nx_proc_next(t, slot)) {
        assert_true(q->number > slot);
        slot = q->number;
        seen++;
    }
    assert_int_equal(seen, 1 + MANY - MANY / 3);
    assert_int_equal(seen, nx_procs_count(t));
    end();
}

static void a_group_leader_is_kept_and_replaced(void **state)
{
    (void)state;
    begin(3);
    struct nx_proc *p = add();
    assert_int_equal(nx_proc_set_leader(t, p, nx_span("one", 3)), 0);
    assert_int_equal(nx_proc_set_leader(t, p, nx_span("another", 7)), 0);
    assert_true(nx_span_is(nx_span(p->leader, p->leader_len), "another"));
    a.fail_at = a.calls + 1;
    assert_int_equal(nx_proc_set_leader(t, p, nx_span("third", 5)), NOEX_ENOMEM);
    assert_true(nx_span_is(nx_span(p->leader, p->leader_len), "another"));
    nx_proc_remove(t, p);
    assert_int_equal(nx_proc_set_leader(t, add(), nx_span("left", 4)), 0);
    end();
}

/* ---- names ---- */

enum { NAMES = 200 };

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % n;
}

/* Random names come and go, and with their processes, too; after each step each is found or not. */
static void names_lead_to_their_processes_whatever_came_and_went(void **state)
{
    (void)state;
    struct nx_proc *p[NAMES] = {0}; /* of the name of this number */
    uint32_t seed = 5;
    char name[32];
    begin(NAMES);
    for (int step = 0; step < 4000; step++) {
        uint32_t i = random_below(&seed, step < 2000 ? NAMES : 20);
        snprintf(name, sizeof name, "name_%u", (unsigned)i);
        assert_ptr_equal(named(name), p[i] && p[i]->name ? p[i] : NULL);
        if (!p[i])
            p[i] = add();
        if (!p[i]->name) {
            assert_int_equal(nx_proc_set_name(t, p[i], name), 0);
            assert_string_equal(p[i]->name, name);
        } else if (random_below(&seed, 2)) {
            nx_proc_drop_name(t, p[i]);
            nx_proc_drop_name(t, p[i]); /* without one it has no effect */
        } else {
            nx_proc_remove(t, p[i]);
            p[i] = NULL;
        }
    }
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "name_%u", i);
        assert_ptr_equal(named(name), p[i] && p[i]->name ? p[i] : NULL);
    }
    end();
}

static void a_name_is_compared_whole(void **state)
{
    (void)state;
    begin(3);
    struct nx_proc *p = add();
    assert_int_equal(nx_proc_set_name(t, p, "server"), 0);
    const char *const others[] = {"serve", "server_", "Server", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_null(named(others[i]));
    assert_ptr_equal(nx_proc_named(t, nx_span("server_sup", 6)), p);
    assert_null(nx_proc_named(t, nx_span("server", 7))); /* with its NUL */
    end();
}

/* ---- aliases ---- */

enum { OWNERS = 4, ALIASES = 40 };

static void aliases_lead_to_their_process_until_they_are_taken_away_or_it_ends(void **state)
{
    (void)state;
    struct {
        uint32_t slot, generation;
        int owner; /* -1: gone */
    } alias[ALIASES];
    struct nx_proc *p[OWNERS];
    uint32_t seed = 11;
    begin(OWNERS);
    for (int i = 0; i < OWNERS; i++)
        p[i] = add();
    for (int i = 0; i < ALIASES; i++)
        alias[i].owner = -1;
    for (int step = 0; step < 4000; step++) {
        uint32_t i = random_below(&seed, ALIASES), owner = random_below(&seed, OWNERS);
        if (alias[i].owner < 0) {
            assert_int_equal(nx_alias_add(t, p[owner], &alias[i].slot, &alias[i].generation), 0);
            alias[i].owner = (int)owner;
        } else if (random_below(&seed, 20)) {
            assert_true(nx_alias_remove(t, alias[i].slot, alias[i].generation));
            assert_false(nx_alias_remove(t, alias[i].slot, alias[i].generation));
            alias[i].owner = -1;
        } else {
            nx_proc_remove(t, p[owner]);
            p[owner] = add();
            for (int k = 0; k < ALIASES; k++)
                if (alias[k].owner == (int)owner) {
                    assert_null(nx_alias_find(t, alias[k].slot, alias[k].generation));
                    alias[k].owner = -1;
                }
        }
        for (int k = 0; k < ALIASES; k++)
            if (alias[k].owner >= 0)
                assert_ptr_equal(nx_alias_find(t, alias[k].slot, alias[k].generation),
                                 p[alias[k].owner]);
    }
    assert_null(nx_alias_find(t, 0, 0));
    assert_false(nx_alias_remove(t, UINT32_MAX, 1));
    end();
}

/* ---- memory ---- */

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct nx_proc *p = NULL, *none = NULL;
    uint32_t slot = 0, generation;
    for (size_t k = 1; k < 8; k++) {
        alloc_test_init(&a);
        a.fail_at = k;
        t = nx_procs_new(&a.a, 5);
        if (!t)
            assert_int_equal(a.live, 0);
        else
            end();
        assert_true(t || k < 7);
    }
    begin(1000);
    p = add();
    a.fail_on = true;
    a.fail_at = a.calls + 1;
    assert_int_equal(nx_proc_set_name(t, p, "name"), NOEX_ENOMEM);
    assert_null(p->name);
    assert_null(named("name"));
    assert_int_equal(nx_alias_add(t, p, &slot, &generation), NOEX_ENOMEM);
    assert_int_equal(p->aliases, 0);
    int rc = 0;
    for (int i = 0; i < 200 && !rc; i++) /* more than one chunk of records */
        rc = nx_proc_add(t, &none);
    assert_int_equal(rc, NOEX_ENOMEM);
    a.fail_at = 0;
    for (int i = 0; i < 40; i++) { /* more names than buckets */
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        struct nx_proc *q = add();
        a.fail_at = a.calls + 1;
        a.fail_on = false;
        assert_int_equal(nx_proc_set_name(t, q, name), NOEX_ENOMEM);
        a.fail_at = a.calls + 2; /* where it grows */
        rc = nx_proc_set_name(t, q, name);
        a.fail_at = 0;
        if (rc)
            rc = nx_proc_set_name(t, q, name);
        assert_int_equal(rc, 0);
        assert_ptr_equal(named(name), q);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nodes_own_process_is_there_from_the_beginning),
        cmocka_unit_test(a_process_is_found_by_its_numbers_and_a_dead_one_never_again),
        cmocka_unit_test(the_limit_does_not_count_the_nodes_own),
        cmocka_unit_test(a_walk_sees_each_process_once),
        cmocka_unit_test(a_group_leader_is_kept_and_replaced),
        cmocka_unit_test(names_lead_to_their_processes_whatever_came_and_went),
        cmocka_unit_test(a_name_is_compared_whole),
        cmocka_unit_test(aliases_lead_to_their_process_until_they_are_taken_away_or_it_ends),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
