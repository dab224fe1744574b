/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/watchers.h"
#include <stdlib.h>

enum { PROCESSES = 4, PEERS = 3 };

struct fixture {
    struct alloc_test alloc;
    struct nx_watchers t;
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

static void init(struct fixture *f, const struct noex_allocator *a)
{
    const struct nx_map_seed seed = {{8, 9}};
    const struct nx_bond_owners owners = {f, process_at, peer_at};
    nx_watchers_init(&f->t, a, &seed, &owners);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    alloc_test_init(&f->alloc);
    init(f, &f->alloc.a);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nx_watchers_free(&f->t);
    size_t live = f->alloc.live;
    free(f);
    return live != 0;
}

static const struct nx_span by_pid = {NULL, 0};

static struct nx_ref ref_of(uint32_t n)
{
    return (struct nx_ref){.creation = 4, .count = 3, .word = {n, 0x10000, 7}};
}

static int add_named(struct fixture *f, uint32_t process, uint32_t peer, uint32_t n,
                     struct nx_span name)
{
    const struct nx_pid pid = {.id = 1000 + n, .serial = 1, .creation = 4};
    const struct nx_ref ref = ref_of(n);
    return nx_watcher_add(&f->t, process, peer, &pid, &ref, name);
}

static void add(struct fixture *f, uint32_t process, uint32_t peer, uint32_t n)
{
    assert_int_equal(add_named(f, process, peer, n, by_pid), 0);
}

static bool remove_ref(struct fixture *f, uint32_t peer, uint32_t n)
{
    const struct nx_ref ref = ref_of(n);
    return nx_watcher_remove(&f->t, peer, &ref);
}

/* The process ends: its watchers are exactly those, in this order. */
static void expect_end(struct fixture *f, uint32_t process, const uint32_t *n, size_t count)
{
    const struct nx_bonds *of = &f->process[process - 1];
    assert_int_equal(of->watchers.count, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = of->watchers.first;
        assert_int_not_equal(slot, 0);
        assert_int_equal(nx_watcher_at(&f->t, slot)->key.word[0], n[i]);
        assert_int_equal(nx_watcher_at(&f->t, slot)->id, 1000 + n[i]);
        nx_watcher_drop(&f->t, slot);
    }
    assert_int_equal(of->watchers.first, 0);
}

#define EXPECT_END(f, process, ...)                                                                \
    expect_end(f, process, (const uint32_t[]){__VA_ARGS__},                                        \
               sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* ---- who is told ---- */

static void all_watchers_are_told_in_the_order_of_adding(void **state)
{
    struct fixture *f = *state;
    for (uint32_t n = 1; n <= 6; n++)
        add(f, 1, n % 2, n);
    add(f, 2, 0, 7);
    EXPECT_END(f, 1, 1, 2, 3, 4, 5, 6);
    EXPECT_END(f, 2, 7);
    assert_int_equal(f->t.slab.used, 0);
}

static void a_list_is_walked_without_a_change(void **state)
{
    struct fixture *f = *state;
    uint32_t n = 1;
    for (uint32_t i = 1; i <= 5; i++)
        add(f, 1, 0, i);
    const struct nx_bonds *p = &f->process[0];
    for (uint32_t s = p->watchers.first; s; s = nx_watcher_next_of_process(&f->t, p, s))
        assert_int_equal(nx_watcher_at(&f->t, s)->key.word[0], n++);
    assert_int_equal(n, 6);
    EXPECT_END(f, 1, 1, 2, 3, 4, 5);
}

/* field.md, ERGO: unregisterConsumer drops the first watcher whichever is removed. */
static void of_two_watchers_of_one_target_the_one_that_demonitors_goes(void **state)
{
    struct fixture *f = *state;
    add(f, 1, 0, 1);
    add(f, 1, 0, 2);
    assert_true(remove_ref(f, 0, 2));
    EXPECT_END(f, 1, 1);
    add(f, 1, 0, 1);
    add(f, 1, 0, 2);
    assert_true(remove_ref(f, 0, 1));
    EXPECT_END(f, 1, 2);
}

static void whichever_of_four_watchers_demonitors_the_others_are_told(void **state)
{
    struct fixture *f = *state;
    for (uint32_t gone = 0; gone < 16; gone++) {
        uint32_t left[4];
        size_t count = 0;
        for (uint32_t n = 0; n < 4; n++)
            add(f, 1, n % 2, n);
        for (uint32_t n = 0; n < 4; n++)
            if (gone & 1u << n)
                assert_true(remove_ref(f, n % 2, n));
            else
                left[count++] = n;
        expect_end(f, 1, left, count);
    }
}

/* One process may watch another more than once: each monitor is its own. */
static void one_process_watches_twice_and_demonitors_once(void **state)
{
    struct fixture *f = *state;
    const struct nx_pid pid = {.id = 1001, .serial = 1, .creation = 4};
    const struct nx_ref first = ref_of(1), second = ref_of(2);
    assert_int_equal(nx_watcher_add(&f->t, 1, 0, &pid, &first, by_pid), 0);
    assert_int_equal(nx_watcher_add(&f->t, 1, 0, &pid, &second, by_pid), 0);
    assert_true(nx_watcher_remove(&f->t, 0, &second));
    EXPECT_END(f, 1, 1);
}

/* protocol.md 6.3: "same monitor ref twice" is ignored. */
static void the_same_reference_twice_on_one_peer_keeps_the_first(void **state)
{
    struct fixture *f = *state;
    const struct nx_pid other = {.id = 4711, .serial = 1, .creation = 4};
    const struct nx_ref ref = ref_of(1);
    const uint8_t name[] = {119, 1, 'a'};
    add(f, 1, 0, 1);
    assert_int_equal(nx_watcher_add(&f->t, 2, 0, &other, &ref, nx_span(name, sizeof name)), 0);
    assert_int_equal(f->t.slab.used, 1);
    assert_int_equal(f->process[1].watchers.count, 0);
    EXPECT_END(f, 1, 1);
    add(f, 2, 0, 1); /* free again */
    EXPECT_END(f, 2, 1);
}

static void every_part_of_a_reference_and_the_peer_tell_monitors_apart(void **state)
{
    struct fixture *f = *state;
    const struct nx_pid pid = {.id = 1, .creation = 4};
    const struct nx_ref refs[] = {
        {.creation = 4, .count = 3, .word = {1, 2, 3}},
        {.creation = 5, .count = 3, .word = {1, 2, 3}},
        {.creation = 4, .count = 2, .word = {1, 2}},
        {.creation = 4, .count = 4, .word = {1, 2, 3, 0}},
        {.creation = 4, .count = 5, .word = {1, 2, 3, 0, 0}},
        {.creation = 4, .count = 3, .word = {9, 2, 3}},
        {.creation = 4, .count = 3, .word = {1, 9, 3}},
        {.creation = 4, .count = 3, .word = {1, 2, 9}},
        {.creation = 4, .count = 5, .word = {1, 2, 3, 9, 0}},
        {.creation = 4, .count = 5, .word = {1, 2, 3, 0, 9}},
        {.creation = 4, .count = 1, .word = {1}},
    };
    enum { N = sizeof refs / sizeof *refs };
    for (uint32_t peer = 0; peer < 2; peer++)
        for (int i = 0; i < N; i++)
            assert_int_equal(nx_watcher_add(&f->t, 1, peer, &pid, &refs[i], by_pid), 0);
    assert_int_equal(f->t.slab.used, 2 * N);
    for (int i = 0; i < N; i++) {
        assert_true(nx_watcher_remove(&f->t, 0, &refs[i]));
        assert_false(nx_watcher_remove(&f->t, 0, &refs[i]));
        assert_int_equal(f->peer[0].watchers.count, N - 1 - i);
        assert_int_equal(f->peer[1].watchers.count, N);
    }
}

static void references_of_one_hash_are_told_apart(void **state)
{
    struct fixture *f = *state;
    enum { N = 300000 };
    const struct nx_pid pid = {.id = 1, .creation = 4};
    uint32_t shared = 0;
    for (uint32_t n = 0; n < N; n++) {
        const struct nx_ref ref = {.creation = 4, .count = 5, .word = {1, 2, 3, 4, n}};
        assert_int_equal(nx_watcher_add(&f->t, 1, 0, &pid, &ref, by_pid), 0);
    }
    assert_int_equal(f->t.slab.used, N);
    for (uint32_t s = nx_slab_next(&f->t.slab, 0); s; s = nx_slab_next(&f->t.slab, s))
        shared += nx_map_next(&f->t.map, s) != 0;
    assert_true(shared > 0);
}

static void words_behind_the_count_of_a_reference_are_not_looked_at(void **state)
{
    struct fixture *f = *state;
    const struct nx_pid pid = {.id = 1, .creation = 4};
    const struct nx_ref clean = {.creation = 4, .count = 2, .word = {1, 2}};
    const struct nx_ref dirty = {.creation = 4, .count = 2, .word = {1, 2, 3, 4, 5}};
    assert_int_equal(nx_watcher_add(&f->t, 1, 0, &pid, &dirty, by_pid), 0);
    assert_true(nx_watcher_remove(&f->t, 0, &clean));
}

/* protocol.md 6.3 and 6.4: "DEMONITOR of unknown ref" is ignored, and a dying watcher sends one
 * also after a DOWN raced. */
static void a_demonitor_of_what_is_unknown_or_was_told_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_false(remove_ref(f, 0, 1));
    add(f, 1, 0, 1);
    assert_false(remove_ref(f, 0, 2));
    assert_false(remove_ref(f, 1, 1));
    EXPECT_END(f, 1, 1);
    assert_false(remove_ref(f, 0, 1));
}

static void a_lost_peer_takes_its_watchers_and_no_others(void **state)
{
    struct fixture *f = *state;
    for (uint32_t n = 0; n < 12; n++)
        add(f, 1 + n % 2, n % 3, n);
    nx_watchers_drop_peer(&f->t, &f->peer[1]);
    assert_int_equal(f->peer[1].watchers.count, 0);
    assert_int_equal(f->peer[0].watchers.count, 4);
    assert_false(remove_ref(f, 1, 1));
    EXPECT_END(f, 1, 0, 2, 6, 8);
    EXPECT_END(f, 2, 3, 5, 9, 11);
    nx_watchers_drop_peer(&f->t, &f->peer[0]);
    assert_int_equal(f->t.slab.used, 0);
}

static void a_watcher_of_this_node_is_in_no_list_of_a_peer(void **state)
{
    struct fixture *f = *state;
    add(f, 1, NX_PEER_HERE, 1);
    add(f, 1, NX_PEER_HERE, 2);
    assert_true(remove_ref(f, NX_PEER_HERE, 1));
    EXPECT_END(f, 1, 2);
}

/* ---- the terms of a DOWN ---- */

static const char *const peer_name = "peer@host";

static struct nx_span
written(struct nx_buf *b, int (*write)(struct nx_buf *, const struct nx_watcher *, struct nx_span),
        const struct nx_watcher *w)
{
    b->start = b->end = 0;
    assert_int_equal(write(b, w, nx_span_str(peer_name)), 0);
    return nx_buf_span(b);
}

static void expect_span(struct nx_span got, struct nx_span expected)
{
    assert_int_equal(got.len, expected.len);
    assert_memory_equal(got.ptr, expected.ptr, expected.len);
}

/* What a BEAM sent, and what goes back to it: parsed, kept, written, byte by byte the same. */
static void expect_echo(struct fixture *f, struct nx_span raw_pid, struct nx_span raw_ref)
{
    uint8_t bytes[64];
    struct nx_buf out;
    struct nx_pid pid;
    struct nx_ref ref;
    nx_buf_fixed(&out, bytes, sizeof bytes);
    assert_true(nx_pid_parse(raw_pid, &pid));
    assert_true(nx_ref_parse(raw_ref, &ref));
    assert_int_equal(nx_watcher_add(&f->t, 1, 0, &pid, &ref, by_pid), 0);
    const struct nx_watcher *w = nx_watcher_at(&f->t, f->process[0].watchers.first);
    expect_span(written(&out, nx_watcher_write_pid, w), raw_pid);
    expect_span(written(&out, nx_watcher_write_ref, w), raw_ref);
    assert_true(nx_watcher_remove(&f->t, 0, &ref));
}

static void pids_and_references_of_one_to_five_words_go_back_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    const uint32_t numbers[] = {0, 1, 4711, 0x7fff, 0x10000000, UINT32_MAX};
    enum { N = sizeof numbers / sizeof *numbers };
    for (uint32_t words = 1; words <= NX_REF_WORDS_MAX; words++)
        for (int i = 0; i < N; i++) {
            uint8_t pid_bytes[64] = {88, 119, 9}, ref_bytes[64] = {90, 0, (uint8_t)words, 119, 9};
            memcpy(pid_bytes + 3, peer_name, 9);
            memcpy(ref_bytes + 5, peer_name, 9);
            uint8_t *p = pid_bytes + 12, *r = ref_bytes + 14;
            for (int k = 0; k < 3; k++)
                p = nx_put_u32(p, numbers[(i + k) % N]);
            for (uint32_t k = 0; k < 1 + words; k++)
                r = nx_put_u32(r, numbers[((uint32_t)i + k) % N]);
            expect_echo(f, nx_span(pid_bytes, (size_t)(p - pid_bytes)),
                        nx_span(ref_bytes, (size_t)(r - ref_bytes)));
        }
}

static void expect_target(struct fixture *f, const struct nx_pid *self, struct nx_span expected)
{
    struct nx_buf out;
    nx_buf_init(&out, &f->alloc.a, 4096);
    uint32_t slot = f->process[0].watchers.first;
    assert_int_equal(nx_watcher_write_target(&out, nx_watcher_at(&f->t, slot), self), 0);
    expect_span(nx_buf_span(&out), expected);
    nx_buf_free(&out);
    nx_watcher_drop(&f->t, slot);
}

/* protocol.md 6.4: "echoing the target exactly as sent". */
static void a_target_goes_back_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    const struct nx_pid self = {nx_span_str("c@h"), 5, 6, 7};
    static uint8_t longest[3 + 1020] = {118, 1020 >> 8, 1020 & 255};
    uint8_t short_name[] = {119, 2, 0xc3, 0xa4};
    const uint8_t latin1[] = {115, 1, 0xe4}, old[] = {100, 0, 1, 'x'}, wide[] = {118, 0, 1, 'x'};
    const uint8_t pid[] = {88, 119, 3, 'c', '@', 'h', 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7};
    const struct nx_span names[] = {nx_span(short_name, sizeof short_name),
                                    nx_span(latin1, sizeof latin1), nx_span(old, sizeof old),
                                    nx_span(wide, sizeof wide), nx_span(longest, sizeof longest)};
    memset(longest + 3, 'n', 1020);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(add_named(f, 1, 0, 1, names[i]), 0);
        expect_target(f, &self, names[i]);
    }
    add(f, 1, 0, 1);
    expect_target(f, &self, nx_span(pid, sizeof pid));
    assert_int_equal(add_named(f, 1, 0, 1, names[0]), 0); /* a copy: */
    memset(short_name, 0, sizeof short_name);
    expect_target(f, &self, nx_span("w\002\303\244", 4));
}

static void what_does_not_fit_is_an_error_and_leaves_the_buffer_as_it_was(void **state)
{
    struct fixture *f = *state;
    const struct nx_pid self = {nx_span_str("c@h"), 5, 6, 7};
    const struct nx_span node = nx_span_str(peer_name);
    const uint8_t name[] = {119, 2, 'a', 'b'};
    uint8_t bytes[3];
    struct nx_buf small;
    assert_int_equal(add_named(f, 1, 0, 1, nx_span(name, sizeof name)), 0);
    const struct nx_watcher *w = nx_watcher_at(&f->t, f->process[0].watchers.first);
    nx_buf_fixed(&small, bytes, sizeof bytes);
    assert_int_equal(nx_watcher_write_pid(&small, w, node), NOEX_ELIMIT);
    assert_int_equal(nx_watcher_write_ref(&small, w, node), NOEX_ELIMIT);
    assert_int_equal(nx_watcher_write_target(&small, w, &self), NOEX_ELIMIT);
    assert_int_equal(nx_buf_len(&small), 0);
}

/* ---- memory ---- */

static void each_allocation_may_fail_and_nothing_has_changed(void **state)
{
    struct fixture *f = *state;
    enum { N = 1500 };
    const uint8_t name[] = {119, 1, 'a'};
    for (size_t k = 1;; k++) {
        uint32_t kept = 0;
        f->alloc.failed = 0;
        f->alloc.fail_at = f->alloc.calls + k;
        for (uint32_t n = 0; n < N; n++) {
            struct nx_span as = n % 8 ? by_pid : nx_span(name, sizeof name);
            size_t live = f->alloc.live;
            int rc = add_named(f, 1, n % 3, n, as);
            assert_true(rc == 0 || rc == NOEX_ENOMEM);
            kept += rc == 0;
            assert_int_equal(f->t.slab.used, kept);
            assert_int_equal(f->process[0].watchers.count, kept);
            if (rc == NOEX_ENOMEM) {
                assert_true(f->alloc.live <= live + 1); /* no name; the slab may have grown */
                assert_false(remove_ref(f, n % 3, n));
                assert_int_equal(add_named(f, 1, n % 3, n, as), 0);
                kept++;
            }
        }
        for (uint32_t n = 0; n < N; n += 2)
            assert_true(remove_ref(f, n % 3, n));
        nx_watchers_free(&f->t); /* with names */
        memset(f->process, 0, sizeof f->process);
        memset(f->peer, 0, sizeof f->peer);
        assert_int_equal(f->alloc.live, 0);
        if (!f->alloc.failed)
            break;
    }
}

/* An allocator that knows how many bytes are out. */
struct counted {
    size_t bytes;
};

static void *counted_resize(void *user, void *ptr, size_t size)
{
    struct counted *c = user;
    size_t *old = ptr ? (size_t *)ptr - 2 : NULL;
    c->bytes += size - (old ? *old : 0);
    size_t *block = realloc(old, size + 2 * sizeof(size_t));
    *block = size;
    return block + 2;
}

static void *counted_alloc(void *user, size_t size)
{
    return counted_resize(user, NULL, size);
}

static void counted_release(void *user, void *ptr)
{
    size_t *block = ptr ? (size_t *)ptr - 2 : NULL;
    ((struct counted *)user)->bytes -= block ? *block : 0;
    free(block);
}

static void a_watcher_by_pid_costs_96_bytes_at_most(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct fixture *f = calloc(1, sizeof *f);
    struct counted c = {0};
    const struct noex_allocator a = {&c, counted_alloc, counted_resize, counted_release};
    init(f, &a);
    for (uint32_t n = 0; n < N; n++)
        add(f, 1 + n % PROCESSES, n % PEERS, n);
    assert_true(c.bytes <= (size_t)N * 96);
    for (uint32_t n = 0; n < N; n++)
        assert_true(remove_ref(f, n % PEERS, n));
    nx_watchers_free(&f->t);
    assert_int_equal(c.bytes, 0);
    free(f);
}

/* How many others are looked at for one search, at most. */
static void references_in_patterns_are_spread(void **state)
{
    struct fixture *f = *state;
    const struct nx_pid pid = {.id = 1, .creation = 4};
    enum { N = 20000 };
    for (uint32_t n = 0; n < N; n++) {
        /* A peer that counts in any word, by any step. */
        struct nx_ref ref = {.creation = 4, .count = 5};
        ref.word[n % 5] = (n / 5) << (n % 7 * 3);
        ref.word[(n + 1) % 5] = n;
        assert_int_equal(nx_watcher_add(&f->t, 1, 0, &pid, &ref, by_pid), 0);
    }
    assert_int_equal(f->t.slab.used, N);
    for (uint32_t b = 0; b < f->t.map.buckets; b++) {
        uint32_t n = 0;
        uint32_t s = b < NX_MAP_INLINE ? f->t.map.small[b] : f->t.map.segments[b >> 8][b & 255];
        for (; s; s = nx_watcher_at(&f->t, s)->entry.next)
            n++;
        assert_true(n <= 12);
    }
}

/* ---- against a list that is searched from its head ---- */

enum { KNOWN = 400, OPERATIONS = 100000 };

struct known {
    uint32_t process; /* 0: not there */
    uint32_t order;
};

static uint32_t roll(uint64_t *state, uint32_t sides)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % sides;
}

/* The watchers of a process are the known ones, in the order of adding. */
static void compare(struct fixture *f, const struct known *known, uint32_t process)
{
    const struct nx_bonds *p = &f->process[process - 1];
    uint32_t count = 0, order = 0;
    for (uint32_t s = p->watchers.first; s; s = nx_watcher_next_of_process(&f->t, p, s)) {
        const struct nx_watcher *w = nx_watcher_at(&f->t, s);
        const struct known *k = &known[w->key.word[0]];
        assert_int_equal(w->process, process);
        assert_int_equal(w->key.peer, w->key.word[0] % PEERS);
        assert_int_equal(k->process, process);
        assert_true(k->order > order);
        order = k->order;
        count++;
    }
    for (uint32_t n = 0; n < KNOWN; n++)
        count -= known[n].process == process;
    assert_int_equal(count, 0);
}

static void forget(struct known *known, uint32_t process, uint32_t peer)
{
    for (uint32_t n = 0; n < KNOWN; n++)
        if (known[n].process == process || n % PEERS == peer)
            known[n].process = 0;
}

static void random_operations_do_what_a_plain_list_does(void **state)
{
    struct fixture *f = *state;
    struct known known[KNOWN] = {{0, 0}};
    uint64_t dice = 1;
    for (uint32_t i = 1; i <= OPERATIONS; i++) {
        uint32_t n = roll(&dice, KNOWN), process = 1 + roll(&dice, PROCESSES);
        uint32_t what = roll(&dice, 1000);
        if (what < 600) {
            add(f, process, n % PEERS, n);
            if (!known[n].process)
                known[n] = (struct known){process, i};
        } else if (what < 990) {
            assert_int_equal(remove_ref(f, n % PEERS, n), known[n].process != 0);
            known[n].process = 0;
        } else if (what < 995) {
            while (f->process[process - 1].watchers.first)
                nx_watcher_drop(&f->t, f->process[process - 1].watchers.first);
            forget(known, process, PEERS);
        } else {
            nx_watchers_drop_peer(&f->t, &f->peer[n % PEERS]);
            forget(known, UINT32_MAX, n % PEERS);
        }
        if (what > 980)
            for (uint32_t p = 1; p <= PROCESSES; p++)
                compare(f, known, p);
    }
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLE(all_watchers_are_told_in_the_order_of_adding),
        WITH_TABLE(a_list_is_walked_without_a_change),
        WITH_TABLE(of_two_watchers_of_one_target_the_one_that_demonitors_goes),
        WITH_TABLE(whichever_of_four_watchers_demonitors_the_others_are_told),
        WITH_TABLE(one_process_watches_twice_and_demonitors_once),
        WITH_TABLE(the_same_reference_twice_on_one_peer_keeps_the_first),
        WITH_TABLE(every_part_of_a_reference_and_the_peer_tell_monitors_apart),
        WITH_TABLE(references_of_one_hash_are_told_apart),
        WITH_TABLE(words_behind_the_count_of_a_reference_are_not_looked_at),
        WITH_TABLE(a_demonitor_of_what_is_unknown_or_was_told_changes_nothing),
        WITH_TABLE(a_lost_peer_takes_its_watchers_and_no_others),
        WITH_TABLE(a_watcher_of_this_node_is_in_no_list_of_a_peer),
        WITH_TABLE(pids_and_references_of_one_to_five_words_go_back_byte_by_byte),
        WITH_TABLE(a_target_goes_back_as_it_was_given),
        WITH_TABLE(what_does_not_fit_is_an_error_and_leaves_the_buffer_as_it_was),
        WITH_TABLE(each_allocation_may_fail_and_nothing_has_changed),
        cmocka_unit_test(a_watcher_by_pid_costs_96_bytes_at_most),
        WITH_TABLE(references_in_patterns_are_spread),
        WITH_TABLE(random_operations_do_what_a_plain_list_does),
    };
    return cmocka_run_group_tests_name("watchers", tests, NULL, NULL);
}
