/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "golden.h"
#include "term/print.h"
#include "term/utf8.h"
#include "term/write.h"
#include <locale.h>

static const struct nx_print_opts nonode = {{(const uint8_t *)"nonode@nohost", 13}};
static const struct nx_print_opts no_node = {{NULL, 0}};

static bool ends_in_dots(struct nx_span s)
{
    return s.len >= 3 && memcmp(s.ptr + s.len - 3, "...", 3) == 0;
}

static bool is_clean_utf8(struct nx_span s)
{
    struct nx_rd in = nx_rd(s);
    for (uint32_t c; nx_rd_left(&in);)
        if (!nx_utf8_next(&in, &c) || c < ' ' || (c >= 0x7f && c < 0xa0))
            return false;
    return true;
}

/* Prints with at most `max` bytes of text into a fresh buffer, from a heap copy of exactly the
 * term's size. The text is NUL-terminated behind its end; free with free(). */
static char *print_max(struct nx_span term, const struct nx_print_opts *opts, size_t max, bool *cut)
{
    struct alloc_test t;
    alloc_test_init(&t);
    struct nx_buf out;
    nx_buf_init(&out, &t.a, max);
    uint8_t *copy = exact_copy(term);
    assert_int_equal(nx_term_print(&out, nx_span(copy, term.len), opts, cut), 0);
    free(copy);
    struct nx_span s = nx_buf_span(&out);
    assert_true(s.len <= max);
    assert_true(is_clean_utf8(s));
    char *text = malloc(s.len + 1);
    assert_non_null(text);
    if (s.len)
        memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    nx_buf_free(&out);
    assert_int_equal(t.live, 0);
    return text;
}

static void expect_max(const char *hex, const struct nx_print_opts *opts, size_t max,
                       const char *want, bool want_cut)
{
    uint8_t bytes[512];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_true(len != (size_t)-1);
    bool cut = !want_cut;
    char *text = print_max(nx_span(bytes, len), opts, max, &cut);
    assert_string_equal(text, want);
    assert_int_equal(cut, want_cut);
    free(text);
}

static void expect(const char *hex, const char *want)
{
    expect_max(hex, &nonode, 10000, want, false);
}

static void expect_cut(const char *hex, const char *want)
{
    expect_max(hex, &nonode, 10000, want, true);
}

static void prints_what_erlang_prints(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g)) {
        bool cut = true;
        char *text = print_max(g.term, &nonode, 1 << 20, &cut);
        if (strcmp(text, g.text) != 0 || cut)
            fail_msg("line %u: %s\n printed: %s\n erlang:  %s", g.number, g.line, text, g.text);
        free(text);
    }
    assert_true(g.number > 2000);
    golden_close(&g);
}

static size_t common_prefix(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static void a_term_cut_at_any_byte_ends_in_dots(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g)) {
        if (g.number % 5 && g.term.len > 40)
            continue;
        size_t step = g.term.len > 600 ? g.term.len / 97 : 1;
        for (size_t n = 0; n < g.term.len; n += step) {
            bool cut = false;
            char *text = print_max(nx_span(g.term.ptr, n), &nonode, 1 << 20, &cut);
            assert_true(cut);
            assert_true(ends_in_dots(nx_span_str(text)));
            free(text);
        }
    }
    golden_close(&g);
}

static void any_ceiling_is_kept_and_the_text_before_the_dots_is_the_same(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g)) {
        size_t whole = strlen(g.text);
        if (g.number % 7 || whole > 500)
            continue;
        for (size_t max = 0; max <= whole + 2; max++) {
            bool cut = max >= whole;
            char *text = print_max(g.term, &nonode, max, &cut);
            assert_int_equal(cut, max < whole);
            size_t len = strlen(text);
            if (cut) {
                size_t dots = max < 3 ? max : 3;
                assert_true(len >= dots && len + 3 >= max);
                assert_memory_equal(text + len - dots, "...", dots);
                assert_true(common_prefix(text, g.text) >= len - dots);
            } else {
                assert_string_equal(text, g.text);
            }
            free(text);
        }
    }
    golden_close(&g);
}

static void text_that_was_there_before_stays(void **state)
{
    (void)state;
    struct alloc_test t;
    alloc_test_init(&t);
    struct nx_buf out;
    nx_buf_init(&out, &t.a, 14);
    assert_int_equal(nx_buf_put(&out, "xreason: ", 9), 0);
    nx_buf_consume(&out, 1);
    bool cut = false;
    static const uint8_t atom[] = {119, 8, 's', 'h', 'u', 't', 'd', 'o', 'w', 'n'};
    assert_int_equal(nx_term_print(&out, nx_span(atom, sizeof atom), &no_node, &cut), 0);
    assert_true(cut);
    assert_true(nx_span_is(nx_buf_span(&out), "reason: shu..."));
    assert_int_equal(nx_term_print(&out, nx_span(atom, sizeof atom), &no_node, NULL), 0);
    assert_true(nx_span_is(nx_buf_span(&out), "reason: shu..."));
    nx_buf_free(&out);
}

static void identifiers_of_other_nodes_show_the_node(void **state)
{
    (void)state;
    static const struct nx_print_opts other = {{(const uint8_t *)"a@b.c", 5}};
    const char *pid = "58 7705 6140622e63 00000005 00000002 00000007";
    const char *ref =
        "5a 0005 7705 6140622e63 00000007 00000001 00000002 00000003 00000004 00000005";
    const char *port = "78 7705 6140622e63 0000000100000000 00000007";
    expect(pid, "<a@b.c.5.2>");
    expect(ref, "#Ref<a@b.c.5.4.3.2.1>");
    expect(port, "#Port<a@b.c.4294967296>");
    expect_max(pid, &other, 100, "<0.5.2>", false);
    expect_max(ref, &other, 100, "#Ref<0.5.4.3.2.1>", false);
    expect_max(port, &other, 100, "#Port<0.4294967296>", false);
    expect_max(pid, &no_node, 100, "<a@b.c.5.2>", false);
    expect_max("58 7700 00000005 00000002 00000007", &no_node, 100, "<.5.2>", false);
    /* a one-word reference is padded only as its own node does it */
    expect("5a 0001 7705 6140622e63 00000007 00000009", "#Ref<a@b.c.9>");
    expect_max("5a 0001 7705 6140622e63 00000007 00000009", &other, 100, "#Ref<0.0.0.9>", false);
    /* control characters of a hostile name, and Latin-1 */
    expect("58 7704 0a1b4000 00000005 00000002 00000007", "<\\n\\e@\\000.5.2>");
    expect("67 7302 e940 00000005 00000002 00", "<é@.5.2>");
}

static void native_records_are_printed_as_otp_29_does(void **state)
{
    (void)state;
    expect("43 00000001 00 770474657374 770161 770178 6101", "#test:a{x = 1}");
    expect("43 00000002 01 770141 770342206d 7701 78 7703656e64 6a 6b0002 6869",
           "#'A':'B m'{x = [],'end' = \"hi\"}");
    expect("43 00000000 00 77016d 770172", "#m:r{}");
    expect_cut("43 00000002 00 77016d 770172 770178 7701 79 6101", "#m:r{x = 1,y = ...");
    expect_cut("43 00000002 00 77016d 770172 770178", "#m:r{...");
    expect_cut("43 00000001 00 77016d 6101 770178 6101", "#m:...");
}

static void malformed_terms_end_where_they_are_broken(void **state)
{
    (void)state;
    expect_cut("", "...");
    expect_cut("00", "...");
    expect_cut("68 02 6101 00", "{1,...");
    expect_cut("68 02 6101 50 00", "{1,...");
    expect_cut("68 02 6101 52 00", "{1,...");
    expect_cut("68 02 6101 79 00", "{1,...");
    expect_cut("74 00000001 7701 61 7701 ff", "#{a => ...");
    expect_cut("46 7ff0000000000000", "...");
    expect_cut("46 7ff8000000000001", "...");
    expect_cut("63 6e616e 00000000 00000000 00000000 00000000 00000000 00000000 00000000", "...");
    expect_cut("71 7701 6d 6101 6101", "fun m:...");
    expect_cut("71 7701 6d 7701 66 6a", "fun m:f/...");
    expect_cut("6c ffffffff 6101 6102", "[1,2,...");
    expect_cut("6c 00000001 6101", "[1|...");
    expect_cut("6c 00000001 7701 61 7703 6262", "[a|bb...");
    expect_cut("6c 00000001 6101 6b 0003 0102", "[1,1,2...");
    expect_cut("68 ff", "{...");
    expect_cut("6d ffffffff 616263", "<<\"abc...");
    expect_cut("6d 00000009 010203", "<<1,2,3,...");
    expect_cut("6d 00000009 61c3a4e282", "<<\"aä...");
    expect_cut("6b 0009 616263", "\"abc...");
    expect_cut("6b 0009 000102", "[0,1,2,...");
    expect_cut("6c 00000003 6161 6162", "\"ab...");
    expect_cut("4d 00000009 03 ff", "<<255,...");
    expect_cut("77 09 616263", "abc...");
    expect_cut("77 09 612062", "'a b...");
    expect_cut("77 09 61e282", "a...");
    expect_cut("6e 09 00 0102", "...");
}

static void a_fun_with_a_broken_body_ends_in_dots(void **state)
{
    (void)state;
    const char *head = "70 00000028 00 00000000000000000000000000000000 00000000 00000000";
    char hex[256];
    snprintf(hex, sizeof hex, "%s 7701 6d 6101 6102 0000000000", head);
    expect(hex, "#Fun<m.1.2>");
    snprintf(hex, sizeof hex, "%s 6101 6d 6101 6102 0000000000", head);
    expect_cut(hex, "...");
    snprintf(hex, sizeof hex, "%s 7701 6d 6a 6101 6102 00000000", head);
    expect_cut(hex, "...");
    snprintf(hex, sizeof hex, "%s 7701 6d 6101 6a 0000 00000000", head);
    expect_cut(hex, "...");
}

static void nesting_as_deep_as_checked_is_printed_and_deeper_is_cut(void **state)
{
    (void)state;
    enum { DEEP = 1024 };
    uint8_t term[2 * DEEP + 4];
    for (size_t depth = DEEP; depth <= DEEP + 1; depth++) {
        for (size_t i = 0; i < depth; i++) {
            term[2 * i] = 104;
            term[2 * i + 1] = 1;
        }
        term[2 * depth] = 106;
        bool cut;
        char *text = print_max(nx_span(term, 2 * depth + 1), &no_node, 1 << 20, &cut);
        assert_int_equal(cut, depth > DEEP);
        assert_int_equal(strlen(text), depth > DEEP ? depth + 3 : 2 * depth + 2);
        free(text);
    }
}

static void a_number_too_long_to_read_is_shown_in_base_16(void **state)
{
    (void)state;
    enum { LEN = 4097 };
    uint8_t term[6 + LEN] = {111, 0, 0, LEN >> 8, LEN & 255, 1};
    memset(term + 6, 0xff, LEN);
    term[6] = 1;
    bool cut;
    char *text = print_max(nx_span(term, sizeof term), &no_node, 1 << 20, &cut);
    assert_false(cut);
    assert_int_equal(strlen(text), 4 + 2 * LEN);
    assert_memory_equal(text, "-16#FFFF", 8);
    assert_string_equal(text + 2 * LEN, "FF01");
    free(text);
    /* one byte less is decimal still: 2^32768 - 255 has 9,865 digits */
    term[3] = (LEN - 1) >> 8;
    term[4] = (LEN - 1) & 255;
    text = print_max(nx_span(term, sizeof term - 1), &no_node, 1 << 20, &cut);
    assert_false(cut);
    assert_int_equal(strlen(text), 1 + 9865);
    assert_memory_equal(text, "-141546103104495478900155302774495160134813071147238816723438574",
                        64);
    free(text);
}

static void floats_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "sv_SE.UTF-8"};
    bool set = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !set; i++)
        set = setlocale(LC_ALL, names[i]) != NULL;
    expect("46 3ff8000000000000", "1.5");
    expect("63 312e353030303030303030303030303030303030"
           "3030652b30300000000000",
           "1.5");
    expect("46 3ee4f8b588e368f1", "1.0e-5");
    setlocale(LC_ALL, "C");
    if (!set)
        skip();
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g)) {
        size_t whole = strlen(g.text);
        if (whole < 1000)
            continue;
        for (size_t max = whole; max + 1 >= whole; max--) {
            bool failed = true;
            for (size_t k = 1; failed; k++) {
                for (int on = 0; on <= 1; on++) {
                    struct alloc_test t;
                    alloc_test_init(&t);
                    t.fail_at = k;
                    t.fail_on = on;
                    struct nx_buf out;
                    nx_buf_init(&out, &t.a, max);
                    int rc = nx_term_print(&out, g.term, &nonode, NULL);
                    failed = t.failed > 0;
                    assert_int_equal(rc, failed ? NOEX_ENOMEM : 0);
                    size_t len = nx_buf_len(&out);
                    assert_true(failed ? len == 0 : len <= max && len + NX_UTF8_MAX > max);
                    nx_buf_free(&out);
                    assert_int_equal(t.live, 0);
                }
            }
        }
    }
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_erlang_prints),
        cmocka_unit_test(a_term_cut_at_any_byte_ends_in_dots),
        cmocka_unit_test(any_ceiling_is_kept_and_the_text_before_the_dots_is_the_same),
        cmocka_unit_test(text_that_was_there_before_stays),
        cmocka_unit_test(identifiers_of_other_nodes_show_the_node),
        cmocka_unit_test(native_records_are_printed_as_otp_29_does),
        cmocka_unit_test(malformed_terms_end_where_they_are_broken),
        cmocka_unit_test(a_fun_with_a_broken_body_ends_in_dots),
        cmocka_unit_test(nesting_as_deep_as_checked_is_printed_and_deeper_is_cut),
        cmocka_unit_test(a_number_too_long_to_read_is_shown_in_base_16),
        cmocka_unit_test(floats_do_not_depend_on_the_locale),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
