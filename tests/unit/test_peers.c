#include "alloc_test.h"
#include "cmocka_all.h"
#include "node/peer.h"
#include <stdio.h>
#include <stdlib.h>

enum { MANY = 3000 };

static struct nx_peer *make(unsigned number)
{
    struct nx_peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->name.full, sizeof p->name.full, "n%u@host", number);
    return p;
}

static void each_is_found_by_its_name_and_stands_in_order(void **state)
{
    (void)state;
    struct alloc_test t;
    struct nx_peers peers;
    char name[32];
    alloc_test_init(&t);
    nx_peers_init(&peers, &t.a);
    assert_null(nx_peers_find(&peers, "n0@host"));
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(nx_peers_reserve(&peers), 0);
        nx_peers_add(&peers, make(i));
    }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "n%u@host", i);
        assert_ptr_equal(nx_peers_find(&peers, name), peers.list[i]);
    }
    assert_null(nx_peers_find(&peers, "n3000@host"));
    assert_null(nx_peers_find(&peers, ""));
    for (unsigned i = 0; i < MANY; i++)
        free(peers.list[i]);
    nx_peers_free(&peers);
    assert_int_equal(t.live, 0);
}

static void without_memory_those_that_are_there_stay(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 4; k++) {
        struct alloc_test t;
        struct nx_peers peers;
        unsigned made = 0;
        alloc_test_init(&t);
        nx_peers_init(&peers, &t.a);
        t.fail_at = k;
        t.fail_on = true;
        for (; made < 20 && nx_peers_reserve(&peers) == 0; made++)
            nx_peers_add(&peers, make(made));
        assert_true(t.failed && made < 20);
        assert_int_equal(peers.count, made);
        for (unsigned i = 0; i < made; i++) {
            assert_ptr_equal(nx_peers_find(&peers, peers.list[i]->name.full), peers.list[i]);
        }
        for (unsigned i = 0; i < made; i++)
            free(peers.list[i]);
        nx_peers_free(&peers);
        assert_int_equal(t.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_by_its_name_and_stands_in_order),
        cmocka_unit_test(without_memory_those_that_are_there_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
