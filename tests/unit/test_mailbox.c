/* SPDX-License-Identifier: Apache-2.0 */
#include "io/mailbox.h"
#include "loop_test.h"

#include <pthread.h>

enum { LETTERS = 1000, THREADS = 4, ROUNDS = 50 };

/** What is posted: tells its place, and may do something when it comes. */
struct letter {
    struct nx_mail mail; /* first: deliver() gets its address */
    struct reader *reader;
    int writer;
    int value;
    void (*then)(struct reader *r, bool closed);
};

/** Who empties a box. */
struct reader {
    struct nx_mailbox *box;
    unsigned woken;
    int came;
    int given_back;
    int last_value[THREADS]; /* by writer: they come in its order */
    struct letter *extra;
    bool refused;
};

static void take_letter(struct nx_mail *mail, bool closed)
{
    struct letter *l = (struct letter *)mail;
    struct reader *r = l->reader;
    assert_true(l->value > r->last_value[l->writer]);
    r->last_value[l->writer] = l->value;
    r->came += !closed;
    r->given_back += closed;
    if (l->then)
        l->then(r, closed);
}

static struct letter letter(struct reader *r, int value)
{
    return (struct letter){{NULL, take_letter}, r, 0, value, NULL};
}

static void wake(void *ctx)
{
    ((struct reader *)ctx)->woken++;
}

static void open_box(struct reader *r)
{
    *r = (struct reader){0};
    r->box = nx_mailbox_new(wake, r);
    assert_non_null(r->box);
}

/* ---- one thread ---- */

static void mail_comes_once_and_in_order(void **state)
{
    (void)state;
    struct reader r;
    struct letter l[3];
    open_box(&r);
    nx_mailbox_empty(r.box); /* nothing there */
    for (int i = 0; i < 3; i++) {
        l[i] = letter(&r, i + 1);
        assert_true(nx_mailbox_post(r.box, &l[i].mail));
    }
    assert_int_equal(r.woken, 3);
    assert_int_equal(r.came, 0);
    nx_mailbox_empty(r.box);
    assert_int_equal(r.came, 3);
    nx_mailbox_empty(r.box);
    assert_int_equal(r.came, 3);
    nx_mailbox_close(r.box);
    assert_int_equal(r.given_back, 0);
    nx_mailbox_release(r.box);
}

static void post_extra(struct reader *r, bool closed)
{
    (void)closed;
    r->refused = !nx_mailbox_post(r->box, &r->extra->mail);
}

static void mail_posted_by_a_delivery_waits_for_the_next_time(void **state)
{
    (void)state;
    struct reader r;
    open_box(&r);
    struct letter first = letter(&r, 1), second = letter(&r, 2);
    first.then = post_extra;
    r.extra = &second;
    assert_true(nx_mailbox_post(r.box, &first.mail));
    nx_mailbox_empty(r.box);
    assert_int_equal(r.came, 1);
    assert_int_equal(r.woken, 2); /* so that the next time comes */
    nx_mailbox_empty(r.box);
    assert_int_equal(r.came, 2);
    nx_mailbox_close(r.box);
    nx_mailbox_release(r.box);
}

static void mail_before_the_close_is_handed_back_and_mail_after_it_refused(void **state)
{
    (void)state;
    struct reader r;
    open_box(&r);
    struct letter early = letter(&r, 1), late = letter(&r, 2);
    nx_mailbox_hold(r.box);
    assert_true(nx_mailbox_post(r.box, &early.mail));
    nx_mailbox_close(r.box);
    assert_int_equal(r.came, 0);
    assert_int_equal(r.given_back, 1);
    nx_mailbox_release(r.box); /* as its loop does; the other hold stays */
    assert_false(nx_mailbox_post(r.box, &late.mail));
    assert_int_equal(r.woken, 1);
    nx_mailbox_release(r.box);
}

static void mail_posted_by_a_delivery_of_the_close_is_refused(void **state)
{
    (void)state;
    struct reader r;
    open_box(&r);
    struct letter first = letter(&r, 1), second = letter(&r, 2);
    first.then = post_extra;
    r.extra = &second;
    assert_true(nx_mailbox_post(r.box, &first.mail));
    nx_mailbox_close(r.box);
    assert_true(r.refused);
    assert_int_equal(r.given_back, 1);
    nx_mailbox_release(r.box);
}

static void close_box_with_extra(struct reader *r, bool closed)
{
    assert_false(closed);
    post_extra(r, closed);
    assert_false(r->refused);
    nx_mailbox_close(r->box);
    assert_int_equal(r->given_back, 3); /* all is over when the close returns */
}

static void post_refused(struct reader *r, bool closed)
{
    struct letter more = letter(r, 9);
    assert_true(closed);
    r->refused = !nx_mailbox_post(r->box, &more.mail);
}

static void closed_by_a_delivery_the_box_hands_the_rest_back_in_order(void **state)
{
    (void)state;
    struct reader r;
    struct letter l[4];
    open_box(&r);
    for (int i = 0; i < 4; i++)
        l[i] = letter(&r, i + 1);
    l[0].then = close_box_with_extra;
    l[1].then = post_refused;
    r.extra = &l[3]; /* behind those that are being delivered */
    for (int i = 0; i < 3; i++)
        assert_true(nx_mailbox_post(r.box, &l[i].mail));
    nx_mailbox_empty(r.box);
    assert_int_equal(r.came, 1);
    assert_int_equal(r.given_back, 3);
    assert_true(r.refused);
    nx_mailbox_release(r.box);
}

/* ---- several threads ---- */

struct postman {
    struct nx_mailbox *box; /* held */
    int posted;
    struct letter letters[LETTERS];
};

static void *post_letters(void *arg)
{
    struct postman *man = arg;
    while (man->posted < LETTERS && nx_mailbox_post(man->box, &man->letters[man->posted].mail))
        man->posted++;
    nx_mailbox_release(man->box);
    return NULL;
}

static struct postman men[THREADS];

static void start_men(pthread_t *thread, struct reader *r, struct nx_mailbox *box)
{
    for (int i = 0; i < THREADS; i++) {
        men[i].box = box;
        men[i].posted = 0;
        nx_mailbox_hold(box);
        for (int k = 0; k < LETTERS; k++)
            men[i].letters[k] = (struct letter){{NULL, take_letter}, r, i, k + 1, NULL};
        assert_int_equal(pthread_create(&thread[i], NULL, post_letters, &men[i]), 0);
    }
}

static void mail_from_threads_comes_once_and_in_the_order_of_each(void **state)
{
    (void)state;
    struct loop_test t;
    struct reader r = {0};
    pthread_t thread[THREADS];
    loop_test_open(&t, NULL);
    start_men(thread, &r, nx_loop_mailbox(t.loop));
    while (r.came < THREADS * LETTERS)
        assert_int_equal(nx_loop_run(t.loop, UINT64_MAX), 0); /* a lost wake-up hangs here */
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    loop_test_close(&t);
}

static void
closed_under_threads_that_post_each_letter_came_or_is_handed_back_or_refused(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct loop_test t;
        struct reader r = {0};
        pthread_t thread[THREADS];
        int posted = 0;
        loop_test_open(&t, NULL);
        start_men(thread, &r, nx_loop_mailbox(t.loop));
        for (int i = 0; i < round % 5; i++)
            assert_int_equal(nx_loop_run(t.loop, 1), 0);
        loop_test_close(&t); /* the box outlives its loop */
        for (int i = 0; i < THREADS; i++) {
            pthread_join(thread[i], NULL);
            posted += men[i].posted;
        }
        assert_int_equal(r.came + r.given_back, posted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_comes_once_and_in_order),
        cmocka_unit_test(mail_posted_by_a_delivery_waits_for_the_next_time),
        cmocka_unit_test(mail_before_the_close_is_handed_back_and_mail_after_it_refused),
        cmocka_unit_test(mail_posted_by_a_delivery_of_the_close_is_refused),
        cmocka_unit_test(closed_by_a_delivery_the_box_hands_the_rest_back_in_order),
        cmocka_unit_test(mail_from_threads_comes_once_and_in_the_order_of_each),
        cmocka_unit_test(
            closed_under_threads_that_post_each_letter_came_or_is_handed_back_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
