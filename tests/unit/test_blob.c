/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/blob.h"
#include "cmocka_all.h"

static void a_blob_is_a_copy_that_goes_with_its_last_holder(void **state)
{
    (void)state;
    uint8_t text[] = "reason";
    struct alloc_test a;
    alloc_test_init(&a);
    struct nx_blob *b = nx_blob_new(&a.a, nx_span(text, 6));
    assert_non_null(b);
    text[0] = 'X';
    assert_ptr_equal(nx_blob_hold(b), b);
    nx_blob_release(&a.a, b);
    assert_int_equal(a.live, 1);
    assert_true(nx_span_is(nx_blob_span(b), "reason"));
    nx_blob_release(&a.a, b);
    assert_int_equal(a.live, 0);
}

static void a_blob_may_be_empty_or_none(void **state)
{
    (void)state;
    struct alloc_test a;
    alloc_test_init(&a);
    struct nx_blob *b = nx_blob_new(&a.a, nx_span(NULL, 0));
    assert_int_equal(nx_blob_span(b).len, 0);
    nx_blob_release(&a.a, b);
    nx_blob_release(&a.a, NULL);
    assert_int_equal(a.live, 0);
}

static void without_memory_there_is_no_blob(void **state)
{
    (void)state;
    struct alloc_test a;
    alloc_test_init(&a);
    a.fail_at = 1;
    assert_null(nx_blob_new(&a.a, nx_span("x", 1)));
    assert_null(nx_blob_new(&a.a, nx_span("x", SIZE_MAX)));
    assert_int_equal(a.calls, 1); /* what cannot be is not asked for */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_is_a_copy_that_goes_with_its_last_holder),
        cmocka_unit_test(a_blob_may_be_empty_or_none),
        cmocka_unit_test(without_memory_there_is_no_blob),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
