/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/letters.h"

enum { MAX = 64 * 1024 };

static struct alloc_test a;
static struct nx_letters t;

static void begin(size_t max)
{
    alloc_test_init(&a);
    nx_letters_init(&t, &a.a, max);
}

static void end(void)
{
    assert_int_equal(t.bytes, 0);
    nx_letters_free(&t);
    assert_int_equal(a.live, 0);
}

static struct nx_letter *write(const char *text)
{
    struct nx_letter *l = NULL;
    assert_int_equal(nx_letter_write(&t, nx_span_str(text), &l), 0);
    l->text.type = NOEX_EVENT_MESSAGE;
    return l;
}

static bool says(const struct nx_letter *l, const char *text)
{
    return nx_span_is(nx_span(l->text.bytes, l->text.len), text);
}

/* ---- bytes ---- */

static void a_letter_has_a_copy_of_its_bytes_and_is_from_here(void **state)
{
    (void)state;
    char text[] = "hello";
    begin(MAX);
    struct nx_letter *l = write(text);
    text[0] = 'X';
    assert_true(says(l, "hello"));
    assert_int_equal(l->text.full_len, 5);
    assert_int_equal(l->text.peer, NX_PEER_HERE);
    assert_ptr_equal(nx_letter_at(&t, l->number), l);
    nx_letter_drop(&t, l);
    end();
}

static void what_waits_is_bounded_by_its_bytes_and_by_what_each_letter_costs(void **state)
{
    (void)state;
    const size_t each = sizeof(struct nx_letter);
    struct nx_letter *l[3], *none;
    begin(3 * each + 10);
    l[0] = write("0123456789");
    l[1] = write("");
    assert_true(nx_letters_fit(&t, 0));
    assert_false(nx_letters_fit(&t, 1));
    assert_false(nx_letters_fit(&t, SIZE_MAX));
    assert_int_equal(nx_letter_write(&t, nx_span("x", 1), &none), NOEX_ELIMIT);
    l[2] = write("");
    assert_int_equal(t.bytes, t.max);
    assert_int_equal(nx_letter_write(&t, nx_span(NULL, 0), &none), NOEX_ELIMIT);
    assert_int_equal(t.slab.used, 3);
    for (int i = 0; i < 3; i++)
        nx_letter_drop(&t, l[i]);
    end();
}

static void last_words_count_and_are_not_refused_and_hold_the_others_back(void **state)
{
    (void)state;
    struct nx_letter *none;
    begin(sizeof(struct nx_letter));
    struct nx_letter *l = nx_letter_new(&t);
    assert_int_equal(t.bytes, 0); /* set aside is not waiting */
    assert_int_equal(nx_letter_fill(&t, l, nx_span("reason", 6)), 0);
    assert_int_equal(t.bytes, sizeof(struct nx_letter) + 6);
    assert_false(nx_letters_fit(&t, 0));
    assert_int_equal(nx_letter_write(&t, nx_span(NULL, 0), &none), NOEX_ELIMIT);
    nx_letter_drop(&t, l);
    end();
}

static void bytes_that_several_letters_share_are_kept_and_counted_once(void **state)
{
    (void)state;
    begin(MAX);
    struct nx_letter *first = write("a long reason");
    struct nx_letter *second = nx_letter_new(&t);
    size_t blocks = a.live, bytes = t.bytes;
    nx_letter_share(&t, second, first->text.blob);
    assert_int_equal(a.live, blocks);
    assert_int_equal(t.bytes, bytes + sizeof(struct nx_letter));
    nx_letter_drop(&t, first);
    assert_true(says(second, "a long reason"));
    assert_int_equal(second->text.full_len, 13);
    nx_letter_drop(&t, second);
    end();
}

static void a_letter_that_is_taken_back_has_no_bytes_and_stays(void **state)
{
    (void)state;
    begin(MAX);
    struct nx_letter *l = write("x");
    nx_letter_take_back(&t, l);
    assert_int_equal(l->text.type, 0);
    assert_null(l->text.bytes);
    assert_int_equal(t.bytes, 0);
    assert_int_equal(t.slab.used, 1);
    nx_letter_drop(&t, l);
    end();
}

static void letters_that_are_left_go_with_the_table(void **state)
{
    (void)state;
    begin(MAX);
    for (int i = 0; i < 300; i++)
        write("left");
    nx_letters_free(&t);
    assert_int_equal(a.live, 0);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct nx_letter *l = NULL;
    for (size_t k = 1; k <= 3; k++) { /* the table of chunks, a chunk, the bytes */
        begin(MAX);
        a.fail_at = k;
        assert_int_equal(nx_letter_write(&t, nx_span("x", 1), &l), NOEX_ENOMEM);
        assert_null(l);
        assert_int_equal(t.slab.used, 0);
        a.fail_at = 0;
        nx_letter_drop(&t, write("x"));
        struct nx_letter *kept = nx_letter_new(&t);
        a.fail_at = a.calls + 1;
        assert_int_equal(nx_letter_fill(&t, kept, nx_span("x", 1)), NOEX_ENOMEM);
        assert_null(kept->text.bytes);
        nx_letter_drop(&t, kept);
        end();
    }
}

/* ---- boxes ---- */

/* The box as it should be: what is told next is first. Each letter's bytes are its number. */
enum { MODEL_MAX = 64 };

static struct {
    struct nx_box box;
    uint32_t text[MODEL_MAX];
    bool priority[MODEL_MAX];
    size_t count;
    uint32_t token[MODEL_MAX]; /* records, in the order of the queue of events */
    uint32_t next;
} m;

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % n;
}

static void post(bool priority)
{
    struct nx_letter *l = NULL;
    uint32_t text = m.next++;
    assert_int_equal(nx_letter_write(&t, nx_span(&text, sizeof text), &l), 0);
    l->text.type = NOEX_EVENT_MESSAGE;
    l->text.priority = priority;
    l->queued = true;
    nx_box_put(&t, &m.box, l);
    size_t at = 0;
    while (at < m.count && (!priority || m.priority[at]))
        at++;
    memmove(m.text + at + 1, m.text + at, (m.count - at) * sizeof *m.text);
    memmove(m.priority + at + 1, m.priority + at, (m.count - at) * sizeof *m.priority);
    m.text[at] = text;
    m.priority[at] = priority;
    m.token[m.count++] = l->number;
}

/* The turn of the `at`-th record in the queue. */
static void take(size_t at)
{
    struct nx_letter *l = nx_letter_at(&t, m.token[at]);
    uint32_t text;
    assert_true(l->boxed);
    nx_box_take(&t, &m.box, l);
    assert_false(l->boxed);
    assert_int_equal(l->text.len, sizeof text);
    memcpy(&text, l->text.bytes, sizeof text);
    assert_int_equal(text, m.text[0]);
    assert_int_equal(l->text.priority, m.priority[0]);
    nx_letter_drop(&t, l);
    m.count--;
    memmove(m.text, m.text + 1, m.count * sizeof *m.text);
    memmove(m.priority, m.priority + 1, m.count * sizeof *m.priority);
    memmove(m.token + at, m.token + at + 1, (m.count - at) * sizeof *m.token);
}

static void check_box(void)
{
    uint32_t number = m.box.first, before = 0, last_priority = 0;
    for (size_t i = 0; i < m.count; i++) {
        const struct nx_letter *l = nx_letter_at(&t, number);
        uint32_t text;
        assert_true(number && l->boxed && l->prev == before);
        memcpy(&text, l->text.bytes, sizeof text);
        assert_int_equal(text, m.text[i]);
        last_priority = l->text.priority ? number : last_priority;
        before = number;
        number = l->next;
    }
    assert_int_equal(number, 0);
    assert_int_equal(m.box.last, before);
    assert_int_equal(m.box.last_priority, last_priority);
}

static void whosever_turn_it_is_the_first_of_the_box_is_told_and_priority_comes_first(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t random = seed, priorities = 1 + seed % 5;
        memset(&m, 0, sizeof m);
        begin(MAX);
        for (int step = 0; step < 300; step++) {
            if (m.count && (m.count == MODEL_MAX || random_below(&random, 100) < 45))
                take(random_below(&random, 4) ? 0 : random_below(&random, (uint32_t)m.count));
            else
                post(random_below(&random, 5) < priorities);
            check_box();
        }
        while (m.count)
            take(0);
        check_box();
        end();
    }
}

static void a_box_that_is_emptied_leaves_nothing_but_what_stands_in_the_queue(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    begin(MAX);
    for (int i = 0; i < 6; i++)
        post(i % 3 == 0);
    for (int i = 0; i < 6; i += 2)
        nx_letter_at(&t, m.token[i])->queued = false; /* its turn came while it was suspended */
    nx_box_empty(&t, &m.box);
    assert_true(!m.box.first && !m.box.last && !m.box.last_priority);
    assert_int_equal(t.bytes, 0);
    assert_int_equal(t.slab.used, 3);
    for (int i = 1; i < 6; i += 2) {
        struct nx_letter *l = nx_letter_at(&t, m.token[i]);
        assert_true(l->queued && !l->boxed && !l->text.type);
        nx_letter_drop(&t, l);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_has_a_copy_of_its_bytes_and_is_from_here),
        cmocka_unit_test(what_waits_is_bounded_by_its_bytes_and_by_what_each_letter_costs),
        cmocka_unit_test(last_words_count_and_are_not_refused_and_hold_the_others_back),
        cmocka_unit_test(bytes_that_several_letters_share_are_kept_and_counted_once),
        cmocka_unit_test(a_letter_that_is_taken_back_has_no_bytes_and_stays),
        cmocka_unit_test(letters_that_are_left_go_with_the_table),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(whosever_turn_it_is_the_first_of_the_box_is_told_and_priority_comes_first),
        cmocka_unit_test(a_box_that_is_emptied_leaves_nothing_but_what_stands_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
