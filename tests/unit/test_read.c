/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "term/check.h"
#include "term/number.h"
#include "term/read.h"
#include <locale.h>

/* Which of the readers take the head of these bytes, one letter each; each must move the cursor by
 * the same amount, or not at all. */
static void readers_that_take(struct nx_span s, char *letters)
{
    struct nx_span span;
    uint32_t count;
    int64_t number;
    double real;
    for (int i = 0; i < 9; i++) {
        struct nx_rd in = nx_rd(s);
        bool took = i == 0   ? nx_read_atom(&in, &span)
                    : i == 1 ? nx_read_int(&in, &number)
                    : i == 2 ? nx_read_double(&in, &real)
                    : i == 3 ? nx_read_binary(&in, &span)
                    : i == 4 ? nx_read_tuple_head(&in, &count)
                    : i == 5 ? nx_read_list_head(&in, &count)
                    : i == 6 ? nx_read_string(&in, &span)
                    : i == 7 ? nx_read_nil(&in)
                             : nx_read_map_head(&in, &count);
        assert_true(took ? in.p > s.ptr && in.p <= in.end : in.p == s.ptr);
        if (took)
            *letters++ = "aidbtlsnm"[i];
    }
    *letters = '\0';
}

static void each_kind_is_taken_by_its_reader_only(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *taken;
    } cases[] = {
        {"77 02 6f6b", "a"},
        {"64 0002 6f6b", "a"},
        {"61 01", "i"},
        {"62 ffffffff", "i"},
        {"6e 08 01 0000000000000080", "i"},
        {"6e 08 00 0000000000000080", ""},
        {"6e 08 01 0100000000000080", ""},
        {"6e 09 00 000000000000000001", ""},
        {"6f 00000001 01 07", "i"},
        {"46 3ff0000000000000", "d"},
        {"46 7ff0000000000000", ""},
        {"6d 00000001 61", "b"},
        {"4d 00000001 01 80", ""},
        {"68 00", "t"},
        {"69 00000000", "t"},
        {"6c 00000001 6a 6a", "l"},
        {"6c 00000000 6a", ""},
        {"6b 0001 61", "s"},
        {"6a", "n"},
        {"74 00000000", "m"},
        {"58 7701 61 00000001 00000002 00000003", ""},
        {"71 77016d 770166 6101", ""},
        {"00", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nx_span s = exact_hex(cases[i].hex);
        char letters[16];
        readers_that_take(s, letters);
        assert_string_equal(letters, cases[i].taken);
        exact_free(s);
    }
}

static void values_come_out_as_they_were_put_in(void **state)
{
    (void)state;
    struct nx_span s =
        exact_hex("68 06 7702 6f6b 6e 08 01 0000000000000080 46 c004000000000000 6d 00000002 6869"
                  "6c 00000001 6b 0002 0102 6a 74 00000001 61 05 62 ffffff85");
    struct nx_rd in = nx_rd(s);
    uint32_t n = 0;
    int64_t number = 0;
    double real = 0;
    struct nx_span text;
    assert_true(nx_read_tuple_head(&in, &n) && n == 6);
    assert_true(nx_read_atom(&in, &text) && nx_span_is(text, "ok"));
    assert_true(nx_read_int(&in, &number) && number == INT64_MIN);
    assert_true(nx_read_double(&in, &real) && real == -2.5);
    assert_true(nx_read_binary(&in, &text) && nx_span_is(text, "hi"));
    assert_true(nx_read_list_head(&in, &n) && n == 1);
    assert_true(nx_read_string(&in, &text) && text.len == 2 && text.ptr[1] == 2);
    assert_true(nx_read_nil(&in));
    assert_true(nx_read_map_head(&in, &n) && n == 1);
    assert_true(nx_read_int(&in, &number) && number == 5);
    assert_true(nx_read_int(&in, &number) && number == -123);
    assert_int_equal(nx_rd_left(&in), 0);
    exact_free(s);
}

static void an_atom_is_compared_whole(void **state)
{
    (void)state;
    struct nx_span s = exact_hex("77 04 726578 78");
    struct nx_rd in = nx_rd(s);
    assert_false(nx_read_atom_is(&in, "rex"));
    assert_false(nx_read_atom_is(&in, "rexxx"));
    assert_false(nx_read_atom_is(&in, ""));
    assert_ptr_equal(in.p, s.ptr);
    assert_true(nx_read_atom_is(&in, "rexx"));
    assert_int_equal(nx_rd_left(&in), 0);
    assert_false(nx_read_atom_is(&in, "rexx"));
    exact_free(s);
}

static void a_whole_term_is_taken_or_none(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g)) {
        struct nx_rd in = nx_rd(g.term);
        struct nx_span term = {NULL, 0};
        assert_true(nx_read_term(&in, &term));
        assert_true(term.ptr == g.term.ptr && term.len == g.term.len && nx_rd_left(&in) == 0);
        in = nx_rd(nx_span(g.term.ptr, g.term.len - 1));
        assert_false(nx_read_term(&in, &term));
        assert_ptr_equal(in.p, g.term.ptr);
    }
    golden_close(&g);
}

static void no_reader_takes_a_head_that_is_cut(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "77 02 6f6b",     "62 00000100", "6e 02 00 0101", "46 3ff0000000000000",
        "6d 00000001 61", "68 01",       "69 00000001",   "6c 00000001",
        "6b 0001 61",     "6a",          "74 00000001"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct nx_span s = exact_hex(heads[i]);
        char letters[16];
        readers_that_take(s, letters);
        assert_int_equal(strlen(letters), 1);
        for (size_t n = 0; n < s.len; n++) {
            struct nx_span part = nx_span(exact_copy(nx_span(s.ptr, n)), n);
            readers_that_take(part, letters);
            assert_string_equal(letters, "");
            exact_free(part);
        }
        exact_free(s);
    }
}

static void expect_float_text(const char *text, bool good, double want)
{
    uint8_t term[32] = {99};
    memcpy(term + 1, text, strlen(text));
    struct nx_span s = nx_span(exact_copy(nx_span(term, sizeof term)), sizeof term);
    struct nx_rd in = nx_rd(s);
    double value = 4711;
    assert_int_equal(nx_read_double(&in, &value), good);
    assert_true(value == (good ? want : 4711));
    exact_free(s);
}

static void a_float_in_text_is_read_without_a_nul_behind_and_in_any_locale(void **state)
{
    (void)state;
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++) {
        if (!setlocale(LC_ALL, locales[i]))
            continue;
        expect_float_text("1.50000000000000000000e+00", true, 1.5);
        expect_float_text("-1.00000000000000005551e-01", true, -0.1);
        expect_float_text("1.79769313486231570815e+308", true, 0x1.fffffffffffffp1023);
        expect_float_text("4.94065645841246544177e-324", true, 0x1p-1074);
        expect_float_text("0.00000000000000000000e+00", true, 0);
        expect_float_text("12345678901234567890123456789.5", true, 12345678901234567890123456789.5);
        expect_float_text("1.0e+309", false, 0);
        expect_float_text("infinity", false, 0);
        expect_float_text("1.5e+00 and more", false, 0);
        expect_float_text("", false, 0);
    }
    setlocale(LC_ALL, "C");
}

static void a_token_of_another_kind_has_no_value(void **state)
{
    (void)state;
    struct nx_tok tok;
    memset(&tok, 0, sizeof tok);
    int64_t number = 7;
    double real = 7;
    assert_false(nx_tok_int(&tok, &number) || nx_tok_double(&tok, &real));
    /* and neither has one whose bytes are cut */
    static const uint8_t cut[] = {70, 0x3f, 0xf0};
    struct nx_rd in = nx_rd(nx_span(cut, sizeof cut));
    assert_int_equal(nx_tok_next(&in, &tok), NX_TOK_CUT);
    assert_false(nx_tok_double(&tok, &real));
    static const uint8_t cut_int[] = {110, 3, 0, 1};
    in = nx_rd(nx_span(cut_int, sizeof cut_int));
    assert_int_equal(nx_tok_next(&in, &tok), NX_TOK_CUT);
    assert_false(nx_tok_int(&tok, &number));
    assert_true(number == 7 && real == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_taken_by_its_reader_only),
        cmocka_unit_test(values_come_out_as_they_were_put_in),
        cmocka_unit_test(an_atom_is_compared_whole),
        cmocka_unit_test(a_whole_term_is_taken_or_none),
        cmocka_unit_test(no_reader_takes_a_head_that_is_cut),
        cmocka_unit_test(a_float_in_text_is_read_without_a_nul_behind_and_in_any_locale),
        cmocka_unit_test(a_token_of_another_kind_has_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
