/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mfa.h"
#include "cmocka_all.h"

#include <stdlib.h>

enum { OPERANDS_MAX = 300 };

/* The operands end at the first NULL. */
static enum exit_code parse(struct mfa *mfa, const char *const *operands, struct failure *why)
{
    char *copies[OPERANDS_MAX];
    size_t count = 0;
    for (; operands[count]; count++)
        copies[count] = (char *)(uintptr_t)operands[count];
    *mfa = (struct mfa){0};
    return mfa_parse(mfa, copies, count, why);
}

static void assert_refused(const char *const *operands, const char *cause)
{
    struct mfa mfa;
    struct failure why = {.text = ""};
    assert_int_equal(parse(&mfa, operands, &why), CODE_USAGE);
    assert_string_equal(why.text, cause);
    mfa_free(&mfa);
}
#define REFUSED(cause, ...) assert_refused((const char *const[]){__VA_ARGS__, NULL}, cause)

static void expect_arguments(struct noex_term list, const char *text)
{
    char printed[200];
    assert_true(noex_term_print(list, NULL, printed, sizeof printed, NULL) >= 0);
    assert_string_equal(printed, text);
}

static void names_are_as_they_are_and_arguments_are_terms(void **state)
{
    (void)state;
    struct mfa mfa;
    struct failure why;
    static const char *const call[] = {"a@h:4370", "Elixir.My.Mod", "run!", "{a,[-1|b]}",
                                       "\"text\"", "<<1:3>>",       "$ ",   NULL};
    assert_int_equal(parse(&mfa, call, &why), 0);
    assert_string_equal(mfa.node, "a@h:4370");
    assert_string_equal(mfa.module, "Elixir.My.Mod");
    assert_string_equal(mfa.function, "run!");
    assert_int_equal(mfa.arity, 4);
    expect_arguments(mfa.arguments, "[{a,[-1|b]},\"text\",<<1:3>>,32]");
    mfa_free(&mfa);
    static const char *const none[] = {"a@h", "m", "f", NULL};
    assert_int_equal(parse(&mfa, none, &why), 0);
    assert_int_equal(mfa.arity, 0);
    expect_arguments(mfa.arguments, "[]");
    mfa_free(&mfa);
}

static void what_is_missing_or_wrong_is_named(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    assert_refused(nothing, "call: no node given");
    REFUSED("call: no module given", "a@h");
    REFUSED("call: no function given", "a@h", "m");
    REFUSED("call: not a node: 'h'", "h", "m", "f");
    REFUSED("call: not a node: 'a@h/x'", "a@h/x", "m", "f");
    REFUSED("call: not a module (1 to 255 characters): ''", "a@h", "", "f");
    REFUSED("call: not a function (1 to 255 characters): '\xff'", "a@h", "m", "\xff");
    REFUSED("call: argument 2: byte 4: expected ',' or '}' (of '{' at byte 0), found the end: "
            "'{a,b'",
            "a@h", "m", "f", "ok", "{a,b", "Also");
    REFUSED("call: argument 1: byte 0: expected a term, found the end: ''", "a@h", "m", "f", "");
}

static void an_argument_that_is_too_much_is_a_usage_error(void **state)
{
    (void)state;
    static const char cause[] = "call: argument 1: byte 1024: the term gets nested";
    char deep[1100];
    struct mfa mfa;
    struct failure why;
    const char *const call[] = {"a@h", "m", "f", deep, NULL};
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(parse(&mfa, call, &why), CODE_USAGE);
    assert_memory_equal(why.text, cause, sizeof cause - 1);
    mfa_free(&mfa);
}

static void a_function_has_255_arguments_at_most(void **state)
{
    (void)state;
    struct mfa mfa;
    struct failure why;
    for (size_t arity = 255; arity <= 256; arity++) {
        const char *call[OPERANDS_MAX] = {"a@h", "m", "f"};
        for (size_t i = 0; i < arity; i++)
            call[3 + i] = "x";
        assert_int_equal(parse(&mfa, call, &why), arity == 255 ? 0 : CODE_USAGE);
        if (arity == 256)
            assert_string_equal(why.text, "call: more than 255 arguments");
        mfa_free(&mfa);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_as_they_are_and_arguments_are_terms),
        cmocka_unit_test(what_is_missing_or_wrong_is_named),
        cmocka_unit_test(an_argument_that_is_too_much_is_a_usage_error),
        cmocka_unit_test(a_function_has_255_arguments_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
