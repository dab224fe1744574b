/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "term/check.h"
#include <ei.h>

static int check_hex(const char *hex, struct noex_error *err)
{
    struct nx_span s = exact_hex(hex);
    size_t used = SIZE_MAX;
    int rc = nx_term_check(s, &used, err);
    assert_true(rc ? used == SIZE_MAX : used == s.len);
    exact_free(s);
    return rc;
}

static void expect_bad(const char *hex, const char *text)
{
    struct noex_error err = {0};
    assert_int_equal(check_hex(hex, &err), NOEX_ETERM);
    assert_int_equal(err.code, NOEX_ETERM);
    assert_string_equal(err.text, text);
}

static void expect_good(const char *hex)
{
    assert_int_equal(check_hex(hex, NULL), 0);
}

static void every_term_of_a_beam_passes_and_libei_skips_the_same_bytes(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g)) {
        size_t used = 0;
        uint8_t *copy = exact_copy(g.term);
        assert_int_equal(nx_term_check(nx_span(copy, g.term.len), &used, NULL), 0);
        assert_int_equal(used, g.term.len);
        int index = 0;
        /* Libei's own FLOAT_EXT reader wants a NUL somewhere behind; it is not used on such bytes.
         */
        if (g.term.ptr[0] != 99) {
            assert_int_equal(ei_skip_term((const char *)copy, &index), 0);
            assert_int_equal(index, g.term.len);
        }
        free(copy);
    }
    golden_close(&g);
}

static void a_term_cut_at_any_byte_is_malformed(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g)) {
        size_t step = g.term.len > 600 ? g.term.len / 97 : 1;
        for (size_t n = 0; n < g.term.len; n += step) {
            uint8_t *copy = exact_copy(nx_span(g.term.ptr, n));
            struct noex_error err = {0};
            size_t used = 7;
            assert_int_equal(nx_term_check(nx_span(copy, n), &used, &err), NOEX_ETERM);
            assert_true(strncmp(err.text, "malformed term at byte ", 23) == 0);
            assert_true(strtoul(err.text + 23, NULL, 10) <= n);
            assert_int_equal(used, 7);
            free(copy);
        }
    }
    golden_close(&g);
}

static void bytes_behind_the_term_do_not_matter(void **state)
{
    (void)state;
    static const uint8_t two[] = {104, 2, 97, 1, 106, 0xff, 0xff};
    size_t used;
    assert_int_equal(nx_term_check(nx_span(two, sizeof two), &used, NULL), 0);
    assert_int_equal(used, 5);
    struct nx_rd in = nx_rd(nx_span(two, sizeof two));
    assert_int_equal(nx_term_skip(&in, NULL), 0);
    assert_ptr_equal(in.p, two + 5);
    struct noex_error err = {0};
    assert_int_equal(nx_term_skip(&in, &err), NOEX_ETERM);
    assert_ptr_equal(in.p, two + 5);
    assert_string_equal(err.text, "malformed term at byte 0: unknown tag");
    in = nx_rd(nx_span(NULL, 0));
    assert_int_equal(nx_term_skip(&in, NULL), NOEX_ETERM);
}

static void an_error_names_the_byte_and_the_cause(void **state)
{
    (void)state;
    expect_bad("", "malformed term at byte 0: the term is cut short");
    expect_bad("68 02 6101 00", "malformed term at byte 4: unknown tag");
    expect_bad("68 01 50 00000000",
               "malformed term at byte 2: a tag that is not allowed between nodes");
    expect_bad("68 01 52 00", "malformed term at byte 2: a tag that is not allowed between nodes");
    expect_bad("68 01 79 00", "malformed term at byte 2: a tag that is not allowed between nodes");
    expect_bad("83 6101", "malformed term at byte 0: unknown tag");
    expect_bad("68 02 6a 77 01 ff",
               "malformed term at byte 3: an atom over 255 characters, or not UTF-8");
    expect_bad("6c 00000001 6101 6e 01 07 01", "malformed term at byte 7: a field out of range");
    expect_bad("46 7ff0000000000000", "malformed term at byte 0: a float that is no finite number");
    expect_bad("46 fff8000000000000", "malformed term at byte 0: a float that is no finite number");
}

static void the_first_cause_of_an_error_is_kept(void **state)
{
    (void)state;
    struct noex_error err = {.code = NOEX_EGARBAGE, .text = "earlier"};
    assert_int_equal(check_hex("00", &err), NOEX_ETERM);
    assert_true(err.code == NOEX_EGARBAGE);
    assert_string_equal(err.text, "earlier");
}

static void a_count_that_the_bytes_cannot_hold_is_refused_at_once(void **state)
{
    (void)state;
    expect_bad("6c ffffffff", "malformed term at byte 0: more elements than bytes");
    expect_bad("69 ffffffff 6101", "malformed term at byte 0: more elements than bytes");
    expect_bad("74 80000000 6a6a", "malformed term at byte 0: more elements than bytes");
    expect_bad("74 00000002 6a6a6a", "malformed term at byte 0: more elements than bytes");
    expect_bad("43 ffffffff 00 77016d", "malformed term at byte 0: more elements than bytes");
    /* each fits, but not both */
    expect_bad("68 04 68 03 6a 6a 6a", "malformed term at byte 2: more elements than bytes");
    expect_good("68 01 68 03 6a 6a 6a");
}

/* It is no fault of the peer: a BEAM has no such limit. */
static void nesting_ends_at_our_own_limit(void **state)
{
    (void)state;
    static const struct {
        uint8_t head[8];
        size_t len, after; /* bytes that close each level */
    } kinds[] = {
        {{104, 1}, 2, 0},
        {{105, 0, 0, 0, 1}, 5, 0},
        {{108, 0, 0, 0, 1}, 5, 1},
        {{108, 0, 0, 0, 1, 106}, 6, 0}, /* in the tail */
        {{116, 0, 0, 0, 1}, 5, 1},      /* in the key */
        {{116, 0, 0, 0, 1, 106}, 6, 0}, /* in the value */
    };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t depth = NX_TERM_DEPTH_MAX; depth <= NX_TERM_DEPTH_MAX + 1; depth++) {
            size_t len = depth * (kinds[k].len + kinds[k].after) + 1, used;
            uint8_t *term = malloc(len);
            assert_non_null(term);
            for (size_t i = 0; i < depth; i++)
                memcpy(term + i * kinds[k].len, kinds[k].head, kinds[k].len);
            memset(term + depth * kinds[k].len, 106, len - depth * kinds[k].len);
            struct noex_error err = {0};
            int rc = nx_term_check(nx_span(term, len), &used, &err);
            assert_int_equal(rc, depth > NX_TERM_DEPTH_MAX ? NOEX_ELIMIT : 0);
            assert_int_equal(used, rc ? NX_TERM_DEPTH_MAX * kinds[k].len : len);
            if (rc)
                assert_non_null(strstr(err.text, ": nested too deep"));
            free(term);
        }
    }
}

static void empty_containers_and_wide_ones_cost_no_depth(void **state)
{
    (void)state;
    enum { WIDE = 100000 };
    uint8_t *term = malloc(5 + 2 * WIDE);
    assert_non_null(term);
    term[0] = 105;
    term[1] = 0;
    term[2] = WIDE >> 16;
    term[3] = (WIDE >> 8) & 255;
    term[4] = WIDE & 255;
    for (size_t i = 0; i < WIDE; i++) {
        term[5 + 2 * i] = 104;
        term[6 + 2 * i] = 0;
    }
    size_t used;
    assert_int_equal(nx_term_check(nx_span(term, 5 + 2 * WIDE), &used, NULL), 0);
    assert_int_equal(used, 5 + 2 * WIDE);
    free(term);
    expect_good("68 00");
    expect_good("6c 00000000 6a");
    expect_good("74 00000000");
}

static void improper_lists_pass(void **state)
{
    (void)state;
    expect_good(
        "6c 00000001 7705 616c696173 5a 0003 7703 614062 00000001 00000001 00000002 00000003");
    expect_good("6c 00000001 6c 00000001 6101 6102 6103");
    expect_bad("6c 00000001 6101", "malformed term at byte 7: the term is cut short");
}

static void an_external_fun_is_two_atoms_and_an_arity(void **state)
{
    (void)state;
    expect_good("71 77016d 770166 6103");
    expect_good("71 77016d 770166 62000000ff");
    expect_bad("71 6101 770166 6103", "malformed term at byte 1: an external fun without a module");
    expect_bad("71 77016d 6a 6103", "malformed term at byte 4: an external fun without a name");
    expect_bad("71 77016d 770166 6a", "malformed term at byte 7: an external fun without an arity");
    expect_bad("71 77016d 770166 6e010001",
               "malformed term at byte 7: an external fun without an arity");
    expect_bad("71 77016d 770166 6200000100",
               "malformed term at byte 7: an external fun of impossible arity");
    expect_bad("71 77016d 770166 62ffffffff",
               "malformed term at byte 7: an external fun of impossible arity");
    expect_bad("71 77016d", "malformed term at byte 4: the term is cut short");
}

static void a_record_has_atoms_for_names_and_any_values(void **state)
{
    (void)state;
    expect_good("43 00000000 00 77016d 770172");
    expect_good("43 00000002 00 77016d 770172 770161 770162 6101 68 01 6a");
    expect_bad("43 00000001 00 6101 770172 770161 6101",
               "malformed term at byte 6: a record with a name that is no atom");
    expect_bad("43 00000001 00 77016d 6a 770161 6101",
               "malformed term at byte 9: a record with a name that is no atom");
    expect_bad("43 00000001 00 77016d 770172 6101 6101",
               "malformed term at byte 12: a record with a name that is no atom");
    expect_bad("43 00000001 00 77016d 770172 770161",
               "malformed term at byte 0: more elements than bytes");
}

#define FUN_HEAD "00 00000000000000000000000000000000 00000000"
#define FUN_PID "58 7701 61 00000001 00000002 00000003"

static void a_fun_is_as_long_as_it_says(void **state)
{
    (void)state;
    /* 4 + 21 + 4 + module 3 + index 2 + uniq 2 + pid 16 = 52 */
    expect_good("70 00000034" FUN_HEAD "00000000 77016d 6101 6102" FUN_PID);
    expect_good("70 00000038" FUN_HEAD "00000002 77016d 6101 6102" FUN_PID "6101 68 00");
    expect_good("68 02 70 00000036" FUN_HEAD "00000001 77016d 6101 6102" FUN_PID "6101 6a");
    /* one byte more or less than its terms */
    expect_bad("70 00000035" FUN_HEAD "00000000 77016d 6101 6102" FUN_PID "6a",
               "malformed term at byte 53: a fun of another size than it says");
    expect_bad("70 00000033" FUN_HEAD "00000000 77016d 6101 6102" FUN_PID "6a",
               "malformed term at byte 53: a fun of another size than it says");
    expect_bad("68 02 70 00000037" FUN_HEAD "00000001 77016d 6101 6102" FUN_PID "6101 6a",
               "malformed term at byte 57: a fun of another size than it says");
    expect_bad("70 00000034" FUN_HEAD "ffffffff 77016d 6101 6102" FUN_PID,
               "malformed term at byte 0: more elements than bytes");
    expect_bad("70 00000034" FUN_HEAD "00000000 6a6a6a 6101 6102" FUN_PID,
               "malformed term at byte 30: a fun without a module");
    expect_bad("70 00000034" FUN_HEAD "00000000 77016d 6a6a 6102" FUN_PID,
               "malformed term at byte 33: a fun without an index");
    expect_bad("70 00000034" FUN_HEAD "00000000 77016d 6101 6a6a" FUN_PID,
               "malformed term at byte 35: a fun without a unique number");
    expect_bad("70 00000034" FUN_HEAD "00000000 77016d 6101 6102 6a" FUN_PID,
               "malformed term at byte 37: a fun without its maker");
}

static void funs_in_funs_pass_without_recursion(void **state)
{
    (void)state;
    enum { DEPTH = 300, HEAD = 53 };
    static uint8_t term[DEPTH * HEAD + 1];
    struct nx_span head = exact_hex("70 00000000" FUN_HEAD "00000001 77016d 6101 6102" FUN_PID);
    assert_int_equal(head.len, HEAD);
    for (size_t i = 0; i < DEPTH; i++) {
        size_t size = sizeof term - i * HEAD - 1;
        memcpy(term + i * HEAD, head.ptr, HEAD);
        term[i * HEAD + 3] = (uint8_t)(size >> 8);
        term[i * HEAD + 4] = (uint8_t)size;
    }
    term[DEPTH * HEAD] = 106;
    size_t used;
    assert_int_equal(nx_term_check(nx_span(term, sizeof term), &used, NULL), 0);
    assert_int_equal(used, sizeof term);
    term[4]--;
    assert_int_equal(nx_term_check(nx_span(term, sizeof term), &used, NULL), NOEX_ETERM);
    exact_free(head);
}

static void a_float_in_text_must_be_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"1.50000000000000000000e+00", true},
        {"-1.5e-300", true},
        {"+1.5E2", true},
        {"1.5", true},
        {"1.79769313486231570815e+308", true},
        {"1.0e309", false},
        {"", false},
        {"nan", false},
        {"inf", false},
        {"1", false},
        {".5", false},
        {"5.", false},
        {"1.5e", false},
        {"1.5e+", false},
        {"1.5x", false},
        {" 1.5", false},
        {"0x1.8p0", false},
        {"1,5", false},
        {"1.5e99999999999999999999", false},
        {"1.5 ", false},
        {"--1.5", false},
        {"1.2.3", false},
        {"1234567890123456789012345678.5", true},
        {"0.00000000000000000000000000001", true},
        {"1234567890123456789012345.5e-5", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t term[32] = {99};
        memcpy(term + 1, cases[i].text, strlen(cases[i].text));
        uint8_t *copy = exact_copy(nx_span(term, sizeof term));
        size_t used;
        assert_int_equal(nx_term_check(nx_span(copy, sizeof term), &used, NULL),
                         cases[i].good ? 0 : NOEX_ETERM);
        free(copy);
    }
}

static size_t shallow_len(const char *hex, size_t depth)
{
    struct nx_span head = exact_hex(hex);
    size_t len = head.len + 2 * depth + 1;
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    if (head.len)
        memcpy(bytes, head.ptr, head.len);
    for (size_t i = 0; i < depth; i++)
        memcpy(bytes + head.len + 2 * i, "\x68\x02", 2);
    bytes[len - 1] = 106;
    size_t found = nx_term_shallow_len(nx_span(bytes, len));
    assert_true(found <= len);
    free(bytes);
    exact_free(head);
    return len - found;
}

static void a_cut_term_is_read_to_its_greatest_depth_whatever_is_wrong_with_it(void **state)
{
    (void)state;
    enum { DEEP = NX_TERM_DEPTH_MAX };
    /* what comes first is closed, so that it counts for nothing, or open, and then for one */
    static const struct {
        const char *hex;
        size_t open;
    } heads[] = {{"", 0},
                 {"68 02 6a", 1},
                 {"69 ffffffff 46 7ff0000000000000 71 6a 6a 6a 68 01 68 00", 1},
                 {"6c 00000001 74 00000001 6a 6a", 1},
                 {"6c 00000001 6c 00000002 68 01 6a", 2}};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t deepest = DEEP - heads[i].open;
        assert_int_equal(shallow_len(heads[i].hex, deepest), 0);
        assert_int_equal(shallow_len(heads[i].hex, deepest + 1), 2 + 1);
        assert_int_equal(shallow_len(heads[i].hex, deepest + 700), 2 * 700 + 1);
    }
    assert_int_equal(shallow_len("6a", 2000), 0);
    assert_int_equal(shallow_len("68 02 ff", 2000), 0);
    assert_int_equal(nx_term_shallow_len(nx_span(NULL, 0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_term_of_a_beam_passes_and_libei_skips_the_same_bytes),
        cmocka_unit_test(a_term_cut_at_any_byte_is_malformed),
        cmocka_unit_test(bytes_behind_the_term_do_not_matter),
        cmocka_unit_test(an_error_names_the_byte_and_the_cause),
        cmocka_unit_test(the_first_cause_of_an_error_is_kept),
        cmocka_unit_test(a_count_that_the_bytes_cannot_hold_is_refused_at_once),
        cmocka_unit_test(nesting_ends_at_our_own_limit),
        cmocka_unit_test(empty_containers_and_wide_ones_cost_no_depth),
        cmocka_unit_test(improper_lists_pass),
        cmocka_unit_test(an_external_fun_is_two_atoms_and_an_arity),
        cmocka_unit_test(a_record_has_atoms_for_names_and_any_values),
        cmocka_unit_test(a_fun_is_as_long_as_it_says),
        cmocka_unit_test(funs_in_funs_pass_without_recursion),
        cmocka_unit_test(a_float_in_text_must_be_one),
        cmocka_unit_test(a_cut_term_is_read_to_its_greatest_depth_whatever_is_wrong_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
