/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "cmocka_all.h"
#include "hex.h"
#include "random_term.h"
#include "term/token.h"
#include "wire/walk.h"

#include <stdio.h>
#include <stdlib.h>

/* Bytes in a heap copy of exactly their size, so that a read behind them is seen. */
static struct nx_span exact(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    return nx_span(copy, len);
}

static void drop(struct nx_span s)
{
    free((void *)(uintptr_t)s.ptr);
}

/* The offsets of the stops behind each other: atoms as they are, funs with an f. */
static void stops(struct nx_span in, uint64_t terms, char *text, enum nx_walk_stop *last)
{
    struct nx_walk w = nx_walk(in, terms);
    text[0] = '\0';
    while ((*last = nx_walk_next(&w)) == NX_WALK_ATOM || *last == NX_WALK_FUN) {
        assert_true(w.at >= in.ptr && w.at < w.p && w.p <= w.end);
        sprintf(text + strlen(text), "%s%d ", *last == NX_WALK_FUN ? "f" : "",
                (int)(w.at - in.ptr));
    }
    assert_int_equal(nx_walk_next(&w), *last);
    if (*last == NX_WALK_END)
        sprintf(text + strlen(text), "=%d", (int)(w.p - in.ptr));
}

static const char *const rows[][2] = {
    {"6a", "=1"},
    {"6105", "=2"},
    {"6200000005", "=5"},
    {"463ff0000000000000", "=9"},
    {"63 31313131313131313131313131313131313131313131313131313131313131", "=32"},
    {"7701 61", "0 =3"},
    {"5207", "0 =2"},
    {"7300", "0 =2"},
    {"76 0001 61", "0 =4"},
    {"64 0001 61", "0 =4"},
    {"6d 00000002 5252", "=7"},
    {"6b 0002 5252", "=5"},
    {"6e 02 00 5252", "=5"},
    {"6f 00000002 00 5252", "=8"},
    {"4d 00000002 03 5252", "=8"},
    {"68 02 5200 7701 61", "2 4 =7"},
    {"69 00000001 5200", "5 =7"},
    {"6800", "=2"},
    {"6c 00000001 5200 5201", "5 7 =9"},
    {"74 00000001 5200 5201", "5 7 =9"},
    {"43 00000001 00 5200 5201 5202 6a", "6 8 10 =13"},
    {"58 5200 525252525252525252525252", "1 =15"},
    {"58 7701 61 525252525252525252525252", "1 =16"},
    {"67 5200 525252525252525252", "1 =12"},
    {"59 5200 5252525252525252", "1 =11"},
    {"66 5200 5252525252", "1 =8"},
    {"65 5200 5252525252", "1 =8"},
    {"78 5200 525252525252525252525252", "1 =15"},
    {"5a 0002 5200 525252525252525252525252", "3 =17"},
    {"72 0001 5200 5252525252", "3 =10"},
    {"71 5200 5201 6102", "1 3 =7"},
    {"70 00000032 01 52525252525252525252525252525252 00000001 00000000"
     "5200 6101 6102 58 5200 525252525252525252525252",
     "f1 30 37 =51"},
    {"70 00000034 01 52525252525252525252525252525252 00000001 00000001"
     "5200 6101 6102 58 5200 525252525252525252525252 5203",
     "f1 30 37 51 =53"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void every_atom_of_every_kind_of_term_is_a_stop_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        uint8_t bytes[128];
        char text[128];
        enum nx_walk_stop last;
        size_t len = hex_decode(rows[i][0], bytes, sizeof bytes);
        assert_int_not_equal(len, (size_t)-1);
        struct nx_span in = exact(bytes, len);
        stops(in, 1, text, &last);
        assert_int_equal(last, NX_WALK_END);
        assert_string_equal(text, rows[i][1]);
        drop(in);
    }
}

static void a_term_that_is_cut_is_broken_behind_the_stops_that_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        uint8_t bytes[128];
        size_t len = hex_decode(rows[i][0], bytes, sizeof bytes);
        for (size_t cut = 0; cut < len; cut++) {
            char text[128];
            enum nx_walk_stop last;
            struct nx_span in = exact(bytes, cut);
            stops(in, 1, text, &last);
            if (last != NX_WALK_BROKEN)
                fail_msg("%s, cut at %zu: %s", rows[i][0], cut, text);
            assert_memory_equal(text, rows[i][1], strlen(text));
            drop(in);
        }
    }
    char text[128];
    enum nx_walk_stop last;
    stops(nx_span(NULL, 0), 1, text, &last);
    assert_int_equal(last, NX_WALK_BROKEN);
}

static void several_terms_are_walked_as_one_and_none_is_over_at_once(void **state)
{
    (void)state;
    char text[128];
    enum nx_walk_stop last;
    struct nx_span in = exact("\x52\x00\x6a\x52\x01", 5);
    stops(in, 3, text, &last);
    assert_string_equal(text, "0 3 =5");
    stops(in, 2, text, &last);
    assert_string_equal(text, "0 =3");
    stops(in, 4, text, &last);
    assert_int_equal(last, NX_WALK_BROKEN);
    stops(in, 0, text, &last);
    assert_string_equal(text, "=0");
    drop(in);
}

static void what_is_no_term_is_broken(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "50 00000000",                        /* compressed */
        "79 00",                              /* local */
        "83 6a",                              /* a version */
        "00",                                 /**/
        "68 01 00",                           /**/
        "58 6a 5252525252525252525252525252", /* a pid whose node is no atom */
        "58 58 5200 525252525252525252525252 525252525252525252525252",
        "5a 0001 6101 5252525252525252",
        "68 ff 6a",             /* more elements than bytes */
        "6c ffffffff 6a",       /**/
        "74 ffffffff 6a 6a",    /**/
        "6d ffffffff 52",       /**/
        "5a ffff 5200 52525252" /* and more words */
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        uint8_t bytes[128];
        char text[128];
        enum nx_walk_stop last;
        size_t len = hex_decode(broken[i], bytes, sizeof bytes);
        assert_int_not_equal(len, (size_t)-1);
        struct nx_span in = exact(bytes, len);
        stops(in, 1, text, &last);
        assert_int_equal(last, NX_WALK_BROKEN);
        drop(in);
    }
}

/* It finds its way as the tokenizer does, whose tags are all that there are. */
static void a_walk_ends_where_the_tokenizer_does(void **state)
{
    (void)state;
    uint32_t seed = 4711;
    for (int i = 0; i < 3000; i++) {
        struct nx_buf b;
        char text[1 << 15];
        enum nx_walk_stop last;
        nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
        random_term(&b, &seed, (unsigned)i % 60, 20);
        struct nx_rd in = nx_rd(nx_buf_span(&b));
        assert_true(nx_tok_skip(&in, 1) && nx_rd_left(&in) == 0);
        struct nx_span s = exact(nx_buf_span(&b).ptr, nx_buf_len(&b));
        stops(s, 1, text, &last);
        assert_int_equal(last, NX_WALK_END);
        char end[32];
        sprintf(end, "=%zu", s.len);
        assert_string_equal(strchr(text, '='), end);
        drop(s);
        nx_buf_free(&b);
    }
}

static void every_tag_of_the_tokenizer_is_walked_and_no_other(void **state)
{
    (void)state;
    for (unsigned tag = 0; tag < 256; tag++) {
        uint8_t bytes[64] = {(uint8_t)tag};
        struct nx_rd in = nx_rd(nx_span(bytes, sizeof bytes));
        struct nx_tok tok;
        enum nx_tok_result token = nx_tok_next(&in, &tok);
        struct nx_walk w = nx_walk(nx_span(bytes, sizeof bytes), 1);
        nx_walk_next(&w);
        const bool is_tag = (token != NX_TOK_BAD_TAG && token != NX_TOK_REFUSED) || tag == 82;
        assert_int_equal(w.p != bytes, is_tag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_atom_of_every_kind_of_term_is_a_stop_and_nothing_else),
        cmocka_unit_test(a_term_that_is_cut_is_broken_behind_the_stops_that_are_whole),
        cmocka_unit_test(several_terms_are_walked_as_one_and_none_is_over_at_once),
        cmocka_unit_test(what_is_no_term_is_broken),
        cmocka_unit_test(a_walk_ends_where_the_tokenizer_does),
        cmocka_unit_test(every_tag_of_the_tokenizer_is_walked_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
