/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exitcode.h"
#include "cmocka_all.h"

#include <noex/error.h>

static void the_class_of_an_error_gives_the_code(void **state)
{
    (void)state;
    assert_int_equal(exitcode_of(NOEX_OK), 0);
    assert_int_equal(exitcode_of(NOEX_EINVALID), 2);
    assert_int_equal(exitcode_of(NOEX_ECOOKIE_FORM), 2);
    assert_int_equal(exitcode_of(NOEX_EHOST), 3);
    assert_int_equal(exitcode_of(NOEX_EDISCONNECTED), 3);
    assert_int_equal(exitcode_of(NOEX_ECOOKIE), 4);
    assert_int_equal(exitcode_of(NOEX_EGARBAGE), 4);
    assert_int_equal(exitcode_of(NOEX_ENOMONITOR), 4);
    assert_int_equal(exitcode_of(NOEX_EHANDSHAKETIMEOUT), 5);
    assert_int_equal(exitcode_of(NOEX_ETICKTIMEOUT), 5);
    assert_int_equal(exitcode_of(NOEX_ENOMEM), 6);
    assert_int_equal(exitcode_of(-9999), 6);
}

static void of_several_targets_4_counts_before_3_before_5_before_1_before_0(void **state)
{
    (void)state;
    static const enum exit_code ranked[] = {CODE_WELL,    CODE_DOWN,  CODE_SILENCE, CODE_REACH,
                                            CODE_REFUSED, CODE_USAGE, CODE_INTERNAL};
    enum { COUNT = sizeof ranked / sizeof *ranked };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            enum exit_code worse = ranked[i > j ? i : j];
            assert_int_equal(exitcode_worse(ranked[i], ranked[j]), worse);
        }
    }
}

static void a_failure_keeps_its_text_within_bounds(void **state)
{
    (void)state;
    struct failure f;
    char longer[3000];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(fail_with(&f, CODE_USAGE, "%s", longer), CODE_USAGE);
    assert_int_equal(f.code, CODE_USAGE);
    assert_int_equal(strlen(f.text), sizeof f.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_class_of_an_error_gives_the_code),
        cmocka_unit_test(of_several_targets_4_counts_before_3_before_5_before_1_before_0),
        cmocka_unit_test(a_failure_keeps_its_text_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
