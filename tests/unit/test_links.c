/* The states of a link, one row for each line of protocol.md 6.5 in each state, and the lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/links.h"
#include <stdlib.h>

enum { PROCESSES = 4, PEERS = 3 };

struct fixture {
    struct alloc_test alloc;
    struct nx_links t;
    struct nx_bonds process[PROCESSES]; /* the slots are 1.. */
    struct nx_bonds peer[PEERS];
};

static struct nx_bonds *process_at(void *ctx, uint32_t slot)
{
    assert_in_range(slot, 1, PROCESSES);
    return &((struct fixture *)ctx)->process[slot - 1];
}

static struct nx_bonds *peer_at(void *ctx, uint32_t index)
{
    assert_in_range(index, 0, PEERS - 1); /* NX_PEER_HERE is not asked for */
    return &((struct fixture *)ctx)->peer[index];
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct nx_map_seed seed = {{5, 6}};
    const struct nx_bond_owners owners = {f, process_at, peer_at};
    alloc_test_init(&f->alloc);
    nx_links_init(&f->t, &f->alloc.a, &seed, &owners);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nx_links_free(&f->t);
    size_t live = f->alloc.live;
    free(f);
    return live != 0;
}

static const struct nx_link_key key = {1, 0, 100, 0, 4};

/* The entry of a key, found by its process's list and not by the hash. */
static const struct nx_link *entry_of(struct fixture *f, const struct nx_link_key *k)
{
    const struct nx_bonds *p = process_at(f, k->process);
    for (uint32_t s = p->links.first; s; s = nx_link_next_of_process(&f->t, p, s))
        if (memcmp(&nx_link_at(&f->t, s)->key, k, sizeof *k) == 0)
            return nx_link_at(&f->t, s);
    return NULL;
}

static void link_out(struct fixture *f, const struct nx_link_key *k, bool expected)
{
    bool send = !expected;
    assert_int_equal(nx_link_out(&f->t, k, &send), 0);
    assert_int_equal(send, expected);
}

/* ---- the states ---- */

enum entry_state { ABSENT, ACTIVE, INACTIVE };

static enum entry_state state_of(struct fixture *f)
{
    const struct nx_link *l = entry_of(f, &key);
    return !l ? ABSENT : nx_link_is_active(l) ? ACTIVE : INACTIVE;
}

/* Each gives what it says to its caller: 1, or 0. */
static int send_link(struct fixture *f)
{
    bool send;
    assert_int_equal(nx_link_out(&f->t, &key, &send), 0);
    return send;
}

static int recv_link(struct fixture *f)
{
    assert_int_equal(nx_link_in(&f->t, &key), 0);
    return 0;
}

static int send_unlink(struct fixture *f)
{
    uint64_t before = f->t.last_id, id = nx_link_unlink_out(&f->t, &key);
    assert_int_equal(id, id ? before + 1 : 0);
    assert_int_equal(f->t.last_id, before + (id != 0));
    return id != 0;
}

static int recv_unlink(struct fixture *f)
{
    nx_link_unlink_in(&f->t, &key);
    return 0;
}

static int recv_ack(struct fixture *f)
{
    nx_link_unlink_ack(&f->t, &key, f->t.last_id);
    return 0;
}

static int recv_ack_of_another(struct fixture *f)
{
    nx_link_unlink_ack(&f->t, &key, f->t.last_id + 1);
    nx_link_unlink_ack(&f->t, &key, f->t.last_id - 1);
    nx_link_unlink_ack(&f->t, &key, 0);
    return 0;
}

static int recv_exit(struct fixture *f)
{
    return nx_link_exit_in(&f->t, &key);
}

/* 1: the entry was active, so an EXIT is due. */
static int pop_all(struct fixture *f, struct nx_bonds *of)
{
    struct nx_link_end end;
    int active = 0;
    while (nx_link_pop(&f->t, of, &end)) {
        assert_memory_equal(&end.key, &key, sizeof key);
        active += end.active;
    }
    return active;
}

static int local_death(struct fixture *f)
{
    return pop_all(f, &f->process[0]);
}

static int connection_loss(struct fixture *f)
{
    return pop_all(f, &f->peer[0]);
}

struct row {
    enum entry_state before;
    enum entry_state after;
    int says;
};

/* The three states before, in this order. */
static void expect(struct fixture *f, int (*op)(struct fixture *), const struct row rows[3])
{
    for (int i = 0; i < 3; i++) {
        local_death(f);
        if (rows[i].before != ABSENT)
            link_out(f, &key, true);
        if (rows[i].before == INACTIVE)
            assert_int_not_equal(nx_link_unlink_out(&f->t, &key), 0);
        assert_int_equal(state_of(f), rows[i].before);
        assert_int_equal(op(f), rows[i].says);
        assert_int_equal(state_of(f), rows[i].after);
        uint32_t count = rows[i].after != ABSENT;
        assert_int_equal(f->process[0].links.count, count);
        assert_int_equal(f->peer[0].links.count, count);
        assert_int_equal(f->t.slab.used, count);
        assert_int_equal(f->t.map.count, count);
    }
}

static void send_LINK_creates_or_activates_and_sends_only_if_not_active(void **state)
{
    const struct row rows[] = {{ABSENT, ACTIVE, 1}, {ACTIVE, ACTIVE, 0}, {INACTIVE, ACTIVE, 1}};
    expect(*state, send_link, rows);
}

static void recv_LINK_creates_active_if_no_entry_else_is_ignored(void **state)
{
    const struct row rows[] = {{ABSENT, ACTIVE, 0}, {ACTIVE, ACTIVE, 0}, {INACTIVE, INACTIVE, 0}};
    expect(*state, recv_link, rows);
}

static void send_UNLINK_ID_only_if_active_and_sets_inactive(void **state)
{
    const struct row rows[] = {{ABSENT, ABSENT, 0}, {ACTIVE, INACTIVE, 1}, {INACTIVE, INACTIVE, 0}};
    expect(*state, send_unlink, rows);
}

static void recv_UNLINK_ID_removes_if_active_and_keeps_if_inactive(void **state)
{
    const struct row rows[] = {{ABSENT, ABSENT, 0}, {ACTIVE, ABSENT, 0}, {INACTIVE, INACTIVE, 0}};
    expect(*state, recv_unlink, rows);
}

static void recv_UNLINK_ID_ACK_removes_if_inactive_and_the_id_matches(void **state)
{
    const struct row rows[] = {{ABSENT, ABSENT, 0}, {ACTIVE, ACTIVE, 0}, {INACTIVE, ABSENT, 0}};
    expect(*state, recv_ack, rows);
}

static void recv_UNLINK_ID_ACK_with_another_id_is_ignored(void **state)
{
    const struct row rows[] = {{ABSENT, ABSENT, 0}, {ACTIVE, ACTIVE, 0}, {INACTIVE, INACTIVE, 0}};
    expect(*state, recv_ack_of_another, rows);
}

static void recv_EXIT_is_ignored_if_inactive_or_absent_else_delivered_and_removes(void **state)
{
    const struct row rows[] = {{ABSENT, ABSENT, 0}, {ACTIVE, ABSENT, 1}, {INACTIVE, INACTIVE, 0}};
    expect(*state, recv_exit, rows);
}

static void local_death_is_EXIT_to_every_active_link_and_forgets_inactive_ones(void **state)
{
    const struct row rows[] = {{ABSENT, ABSENT, 0}, {ACTIVE, ABSENT, 1}, {INACTIVE, ABSENT, 0}};
    expect(*state, local_death, rows);
}

static void connection_loss_is_exit_noconnection_to_every_active_link(void **state)
{
    const struct row rows[] = {{ABSENT, ABSENT, 0}, {ACTIVE, ABSENT, 1}, {INACTIVE, ABSENT, 0}};
    expect(*state, connection_loss, rows);
}

/* ---- what the lines mean together ---- */

static void an_ack_of_an_unlink_before_a_new_link_is_ignored(void **state)
{
    struct fixture *f = *state;
    link_out(f, &key, true);
    uint64_t first = nx_link_unlink_out(&f->t, &key);
    link_out(f, &key, true);
    nx_link_unlink_ack(&f->t, &key, first);
    assert_int_equal(state_of(f), ACTIVE);
    uint64_t second = nx_link_unlink_out(&f->t, &key);
    assert_true(second != first);
    nx_link_unlink_ack(&f->t, &key, first);
    assert_int_equal(state_of(f), INACTIVE);
    nx_link_unlink_ack(&f->t, &key, second);
    assert_int_equal(state_of(f), ABSENT);
}

static void unlink_ids_are_of_64_bits_and_never_0(void **state)
{
    struct fixture *f = *state;
    f->t.last_id = UINT64_MAX - 1;
    link_out(f, &key, true);
    assert_true(nx_link_unlink_out(&f->t, &key) == UINT64_MAX);
    nx_link_unlink_ack(&f->t, &key, UINT32_MAX); /* its low half is another id */
    assert_int_equal(state_of(f), INACTIVE);
    link_out(f, &key, true);
    assert_true(nx_link_unlink_out(&f->t, &key) == 1);
}

/* field.md 1b: EDP, EIXX, and ERGO's UNLINK without id. */
static void a_peer_that_never_acks_costs_one_entry_and_can_be_linked_again(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++) {
        link_out(f, &key, true);
        assert_int_not_equal(nx_link_unlink_out(&f->t, &key), 0);
        assert_false(nx_link_exit_in(&f->t, &key));
    }
    assert_int_equal(f->t.slab.used, 1);
    link_out(f, &key, true);
    assert_true(nx_link_exit_in(&f->t, &key));
    assert_int_equal(f->t.slab.used, 0);
}

/* field.md 1b, EI: acks what it does not know; and 6.3: stray acks are ignored. */
static void acks_that_nobody_waits_for_change_nothing(void **state)
{
    struct fixture *f = *state;
    for (uint64_t id = 0; id < 4; id++)
        nx_link_unlink_ack(&f->t, &key, id);
    link_out(f, &key, true);
    for (uint64_t id = 0; id < 4; id++)
        nx_link_unlink_ack(&f->t, &key, id);
    assert_int_equal(state_of(f), ACTIVE);
}

static void a_LINK_that_comes_twice_is_one_link_and_one_EXIT(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(nx_link_in(&f->t, &key), 0);
    assert_int_equal(nx_link_in(&f->t, &key), 0);
    link_out(f, &key, false);
    assert_true(nx_link_exit_in(&f->t, &key));
    assert_false(nx_link_exit_in(&f->t, &key));
}

static void every_part_of_the_key_tells_links_apart(void **state)
{
    struct fixture *f = *state;
    const struct nx_link_key keys[] = {key,
                                       {2, 0, 100, 0, 4},
                                       {1, 1, 100, 0, 4},
                                       {1, 0, 101, 0, 4},
                                       {1, 0, 100, 1, 4},
                                       {1, 0, 100, 0, 5}};
    enum { N = sizeof keys / sizeof *keys };
    for (int i = 0; i < N; i++)
        link_out(f, &keys[i], true);
    for (int i = 0; i < N; i++)
        link_out(f, &keys[i], false);
    for (int i = 0; i < N; i++) {
        assert_true(nx_link_exit_in(&f->t, &keys[i]));
        for (int k = 0; k < N; k++)
            assert_int_equal(entry_of(f, &keys[k]) != NULL, k > i);
    }
}

static void keys_of_one_hash_are_told_apart(void **state)
{
    struct fixture *f = *state;
    enum { N = 300000 };
    uint32_t shared = 0;
    for (uint32_t n = 0; n < N; n++)
        assert_int_equal(nx_link_in(&f->t, &(struct nx_link_key){1, 0, 100, n & 1, n}), 0);
    assert_int_equal(f->t.slab.used, N);
    for (uint32_t s = nx_slab_next(&f->t.slab, 0); s; s = nx_slab_next(&f->t.slab, s))
        shared += nx_map_next(&f->t.map, s) != 0;
    assert_true(shared > 0);
}

/* ---- lists ---- */

static void expect_pop(struct fixture *f, const struct nx_bonds *of, uint32_t process, uint32_t id)
{
    struct nx_link_end end = {0};
    assert_true(nx_link_pop(&f->t, of, &end));
    assert_true(end.active);
    assert_int_equal(end.key.process, process);
    assert_int_equal(end.key.id, id);
}

static void a_process_ends_with_its_links_in_the_order_of_making_and_no_others(void **state)
{
    struct fixture *f = *state;
    struct nx_link_end end;
    for (uint32_t id = 0; id < 10; id++)
        for (uint32_t process = 1; process <= 2; process++)
            for (uint32_t peer = 0; peer < 2; peer++)
                link_out(f, &(struct nx_link_key){process, peer, id, 0, 4}, true);
    assert_int_equal(f->process[0].links.count, 20);
    assert_int_equal(f->peer[1].links.count, 20);
    for (uint32_t id = 0; id < 10; id++)
        for (uint32_t peer = 0; peer < 2; peer++)
            expect_pop(f, &f->process[0], 1, id);
    assert_false(nx_link_pop(&f->t, &f->process[0], &end));
    assert_int_equal(f->peer[0].links.count, 10);
    assert_int_equal(f->peer[1].links.count, 10);
    for (uint32_t id = 0; id < 10; id++)
        expect_pop(f, &f->peer[0], 2, id);
    assert_false(nx_link_pop(&f->t, &f->peer[0], &end));
    assert_int_equal(f->process[1].links.count, 10); /* those with the other peer */
    assert_int_equal(f->peer[1].links.count, 10);
}

static void a_link_between_two_local_processes_is_an_entry_each_and_no_peers(void **state)
{
    struct fixture *f = *state;
    const struct nx_link_key a = {1, NX_PEER_HERE, 2, 0, 4}, b = {2, NX_PEER_HERE, 1, 0, 4};
    link_out(f, &a, true);
    assert_int_equal(nx_link_in(&f->t, &b), 0);
    uint64_t id = nx_link_unlink_out(&f->t, &a);
    nx_link_unlink_in(&f->t, &b);
    nx_link_unlink_ack(&f->t, &a, id);
    assert_int_equal(f->t.slab.used, 0);
    link_out(f, &b, true);
    assert_int_equal(nx_link_in(&f->t, &a), 0);
    expect_pop(f, &f->process[0], 1, 2);
    assert_true(nx_link_exit_in(&f->t, &b));
    assert_int_equal(f->t.slab.used, 0);
}

static void a_slot_used_again_has_nothing_of_the_link_before(void **state)
{
    struct fixture *f = *state;
    link_out(f, &key, true);
    assert_int_not_equal(nx_link_unlink_out(&f->t, &key), 0);
    uint32_t slot = f->process[0].links.first;
    local_death(f);
    assert_int_equal(nx_link_in(&f->t, &(struct nx_link_key){2, 1, 7, 0, 4}), 0);
    assert_int_equal(f->process[1].links.first, slot);
    assert_true(nx_link_is_active(nx_link_at(&f->t, slot)));
}

/* ---- memory ---- */

static void each_allocation_may_fail_and_nothing_has_changed(void **state)
{
    struct fixture *f = *state;
    enum { N = 3000 };
    for (size_t k = 1;; k++) {
        uint32_t refused = 0, linked = 0;
        f->alloc.failed = 0;
        f->alloc.fail_at = f->alloc.calls + k;
        for (uint32_t id = 0; id < N; id++) {
            const struct nx_link_key one = {1 + id % PROCESSES, id % PEERS, id, 0, 4};
            bool send = false;
            int rc = id % 2 ? nx_link_in(&f->t, &one) : nx_link_out(&f->t, &one, &send);
            refused += rc != 0;
            linked += rc == 0;
            assert_true(rc == 0 || rc == NOEX_ENOMEM);
            assert_int_equal(f->t.slab.used, linked);
            assert_int_equal(f->t.map.count, linked);
            assert_int_equal(nx_link_exit_in(&f->t, &one), rc == 0);
            assert_int_equal(nx_link_in(&f->t, &one), 0);
            linked += rc != 0;
        }
        assert_true(refused <= f->alloc.failed); /* where only the index could not grow: none */
        nx_links_free(&f->t);
        memset(f->process, 0, sizeof f->process);
        memset(f->peer, 0, sizeof f->peer);
        assert_int_equal(f->alloc.live, 0);
        if (!f->alloc.failed)
            break;
    }
}

static void without_any_memory_links_that_are_there_live_on_and_new_ones_are_refused(void **state)
{
    struct fixture *f = *state;
    bool send;
    for (uint32_t id = 0; id < 128; id++) /* a chunk of the slab */
        link_out(f, &(struct nx_link_key){1, 0, id, 0, 4}, true);
    f->alloc.fail_at = f->alloc.calls + 1;
    f->alloc.fail_on = true;
    const struct nx_link_key old = {1, 0, 5, 0, 4}, new = {1, 0, 4711, 0, 4};
    assert_int_equal(nx_link_out(&f->t, &new, &send), NOEX_ENOMEM);
    assert_int_equal(nx_link_in(&f->t, &new), NOEX_ENOMEM);
    assert_null(entry_of(f, &new));
    assert_int_equal(f->process[0].links.count, 128);
    assert_int_not_equal(nx_link_unlink_out(&f->t, &old), 0);
    link_out(f, &old, true);
    assert_true(nx_link_exit_in(&f->t, &old));
    link_out(f, &new, true);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLE(send_LINK_creates_or_activates_and_sends_only_if_not_active),
        WITH_TABLE(recv_LINK_creates_active_if_no_entry_else_is_ignored),
        WITH_TABLE(send_UNLINK_ID_only_if_active_and_sets_inactive),
        WITH_TABLE(recv_UNLINK_ID_removes_if_active_and_keeps_if_inactive),
        WITH_TABLE(recv_UNLINK_ID_ACK_removes_if_inactive_and_the_id_matches),
        WITH_TABLE(recv_UNLINK_ID_ACK_with_another_id_is_ignored),
        WITH_TABLE(recv_EXIT_is_ignored_if_inactive_or_absent_else_delivered_and_removes),
        WITH_TABLE(local_death_is_EXIT_to_every_active_link_and_forgets_inactive_ones),
        WITH_TABLE(connection_loss_is_exit_noconnection_to_every_active_link),
        WITH_TABLE(an_ack_of_an_unlink_before_a_new_link_is_ignored),
        WITH_TABLE(unlink_ids_are_of_64_bits_and_never_0),
        WITH_TABLE(a_peer_that_never_acks_costs_one_entry_and_can_be_linked_again),
        WITH_TABLE(acks_that_nobody_waits_for_change_nothing),
        WITH_TABLE(a_LINK_that_comes_twice_is_one_link_and_one_EXIT),
        WITH_TABLE(every_part_of_the_key_tells_links_apart),
        WITH_TABLE(keys_of_one_hash_are_told_apart),
        WITH_TABLE(a_process_ends_with_its_links_in_the_order_of_making_and_no_others),
        WITH_TABLE(a_link_between_two_local_processes_is_an_entry_each_and_no_peers),
        WITH_TABLE(a_slot_used_again_has_nothing_of_the_link_before),
        WITH_TABLE(each_allocation_may_fail_and_nothing_has_changed),
        WITH_TABLE(without_any_memory_links_that_are_there_live_on_and_new_ones_are_refused),
    };
    return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
