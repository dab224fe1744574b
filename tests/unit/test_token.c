/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "term/token.h"
#include "term/utf8.h"

/* Reads the one token that `hex` is, from a copy of its exact size. */
static struct nx_tok whole(const char *hex)
{
    struct nx_span s = exact_hex(hex);
    struct nx_rd in = nx_rd(s);
    struct nx_tok tok;
    assert_int_equal(nx_tok_next(&in, &tok), NX_TOK_OK);
    assert_int_equal(nx_rd_left(&in), 0);
    assert_int_equal(tok.raw.len, s.len);
    assert_ptr_equal(tok.raw.ptr, s.ptr);
    assert_int_equal(tok.tag, s.ptr[0]);
    exact_free(s);
    return tok;
}

static enum nx_tok_result result(const char *hex)
{
    struct nx_span s = exact_hex(hex);
    struct nx_rd in = nx_rd(s);
    struct nx_tok tok;
    enum nx_tok_result rc = nx_tok_next(&in, &tok);
    assert_ptr_equal(in.p, rc ? s.ptr : s.ptr + s.len);
    exact_free(s);
    return rc;
}

#define NODE "7703 614062"

static const char *const samples[] = {
    "43 00000002 01",
    "46 3ff0000000000000",
    "4d 00000002 03 ffe0",
    "4d 00000000 00",
    "58" NODE "00000001 00000002 00000003",
    "59" NODE "00000001 00000002",
    "5a 0002" NODE "00000003 00000001 00000002",
    "61 ff",
    "62 80000000",
    "63 312e3530303030303030303030303030303030303030"
    "652b30300000000000",
    "64 0003 616263",
    "65" NODE "00000001 02",
    "66" NODE "00000001 02",
    "67" NODE "00000001 00000002 03",
    "68 02",
    "69 00000102",
    "6a",
    "6b 0003 010203",
    "6c 00000002",
    "6d 00000003 616263",
    "6e 03 01 010203",
    "6f 00000003 00 010203",
    "70 0000001d 00 00000000000000000000000000000000 00000000 00000000",
    "71",
    "72 0001" NODE "03 00000001",
    "73 02 e9ff",
    "74 00000003",
    "76 0003 e282ac",
    "77 02 c3a9",
    "78" NODE "0000000100000002 00000003",
};

static void each_kind_is_read_whole(void **state)
{
    (void)state;
    struct nx_tok t = whole("61 ff");
    assert_true(t.kind == NX_TOK_INT && t.value == 255);
    t = whole("62 80000000");
    assert_true(t.kind == NX_TOK_INT && t.value == INT32_MIN);
    t = whole("62 7fffffff");
    assert_true(t.kind == NX_TOK_INT && t.value == INT32_MAX);
    t = whole("6e 03 01 010203");
    assert_true(t.kind == NX_TOK_BIG && t.negative && t.data.len == 3);
    t = whole("6f 00000003 00 010203");
    assert_true(t.kind == NX_TOK_BIG && !t.negative && t.full_len == 3);
    t = whole("46 3ff0000000000000");
    assert_true(t.kind == NX_TOK_FLOAT && t.data.len == 8);
    t = whole(samples[9]);
    assert_true(t.kind == NX_TOK_FLOAT && t.data.len == 31);
    t = whole("6d 00000000");
    assert_true(t.kind == NX_TOK_BINARY && t.data.len == 0);
    t = whole("4d 00000002 03 ffe0");
    assert_true(t.kind == NX_TOK_BITS && t.bits == 3 && t.data.len == 2);
    t = whole("6b 0003 010203");
    assert_true(t.kind == NX_TOK_STRING && t.data.len == 3);
    assert_int_equal(whole("6a").kind, NX_TOK_NIL);
}

static void an_atom_has_its_text_and_its_encoding(void **state)
{
    (void)state;
    struct nx_span s = exact_hex("76 0003 e282ac");
    struct nx_rd in = nx_rd(s);
    struct nx_tok t;
    assert_int_equal(nx_tok_next(&in, &t), NX_TOK_OK);
    assert_true(t.kind == NX_TOK_ATOM && !t.latin1 && nx_span_is(t.data, "€"));
    exact_free(s);
    assert_true(whole("73 02 e9ff").latin1);
    assert_true(whole("64 0002 e9ff").latin1);
    assert_false(whole("77 02 c3a9").latin1);
    assert_int_equal(whole("77 00").kind, NX_TOK_ATOM);
}

static void a_container_says_how_many_terms_follow(void **state)
{
    (void)state;
    struct nx_tok t = whole("68 02");
    assert_true(t.kind == NX_TOK_TUPLE && t.arity == 2 && t.children == 2);
    t = whole("69 ffffffff");
    assert_true(t.kind == NX_TOK_TUPLE && t.children == UINT32_MAX);
    t = whole("6c ffffffff");
    assert_true(t.kind == NX_TOK_LIST && t.arity == UINT32_MAX);
    assert_true(t.children == UINT64_C(0x100000000));
    t = whole("74 ffffffff");
    assert_true(t.kind == NX_TOK_MAP && t.children == UINT64_C(0x1fffffffe));
    t = whole("43 ffffffff 00");
    assert_true(t.kind == NX_TOK_RECORD && t.children == UINT64_C(0x200000000));
    t = whole("71");
    assert_true(t.kind == NX_TOK_EXPORT && t.children == 3);
    t = whole(samples[22]);
    assert_true(t.kind == NX_TOK_FUN && t.children == 0 && t.data.len == 25);
}

static void identifiers_have_their_fields(void **state)
{
    (void)state;
    struct nx_tok t = whole("58" NODE "00000001 00000002 00000003");
    assert_true(t.kind == NX_TOK_PID && t.word[0] == 1 && t.word[1] == 2 && t.creation == 3);
    assert_int_equal(t.node.len, 3);
    t = whole("67" NODE "fffffffe 00000002 ff");
    assert_true(t.kind == NX_TOK_PID && t.word[0] == 0xfffffffe && t.creation == 255);
    t = whole("5a 0005" NODE "00000009 00000001 00000002 00000003 00000004 00000005");
    assert_true(t.kind == NX_TOK_REF && t.arity == 5 && t.creation == 9);
    assert_true(t.word[0] == 1 && t.word[4] == 5);
    t = whole("72 0001" NODE "03 00000007");
    assert_true(t.kind == NX_TOK_REF && t.arity == 1 && t.creation == 3 && t.word[0] == 7);
    t = whole("65" NODE "00000007 03");
    assert_true(t.kind == NX_TOK_REF && t.arity == 1 && t.creation == 3 && t.word[0] == 7);
    t = whole("78" NODE "0000000100000002 00000003");
    assert_true(t.kind == NX_TOK_PORT && t.port == UINT64_C(0x100000002) && t.creation == 3);
    t = whole("59" NODE "00000002 00000003");
    assert_true(t.kind == NX_TOK_PORT && t.port == 2 && t.creation == 3);
    t = whole("66" NODE "00000002 03");
    assert_true(t.kind == NX_TOK_PORT && t.port == 2 && t.creation == 3);
}

static void a_node_name_may_be_any_form_of_atom(void **state)
{
    (void)state;
    assert_false(whole("58 76 0003 614062 00000001 00000002 00000003").node_latin1);
    assert_true(whole("58 64 0003 614062 00000001 00000002 00000003").node_latin1);
    assert_true(whole("58 73 03 e94062 00000001 00000002 00000003").node_latin1);
    assert_int_equal(result("58 61 03 614062 00000001 00000002 00000003"), NX_TOK_BAD_FORM);
    assert_int_equal(result("58 52 03 00000001 00000002 00000003"), NX_TOK_REFUSED);
    assert_int_equal(result("58 77 03 ff4062 00000001 00000002 00000003"), NX_TOK_BAD_ATOM);
}

static void a_token_cut_at_any_byte_is_cut_and_not_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct nx_span s = exact_hex(samples[i]);
        for (size_t n = 0; n < s.len; n++) {
            struct nx_span part = nx_span(exact_copy(nx_span(s.ptr, n)), n);
            struct nx_rd in = nx_rd(part);
            struct nx_tok tok;
            assert_int_equal(nx_tok_next(&in, &tok), NX_TOK_CUT);
            assert_ptr_equal(in.p, part.ptr);
            assert_null(tok.raw.ptr);
            assert_true(tok.data.len <= n);
            exact_free(part);
        }
        assert_int_equal(result(samples[i]), NX_TOK_OK);
        exact_free(s);
    }
}

static void a_cut_token_shows_what_there_is(void **state)
{
    (void)state;
    static const uint8_t binary[] = {109, 0xff, 0xff, 0xff, 0xff, 'a', 'b'};
    struct nx_rd in = nx_rd(nx_span(binary, sizeof binary));
    struct nx_tok t;
    assert_int_equal(nx_tok_next(&in, &t), NX_TOK_CUT);
    assert_true(t.kind == NX_TOK_BINARY && nx_span_is(t.data, "ab"));
    assert_true(t.full_len == UINT32_MAX);
    static const uint8_t atom[] = {119, 9, 'a'};
    in = nx_rd(nx_span(atom, sizeof atom));
    assert_int_equal(nx_tok_next(&in, &t), NX_TOK_CUT);
    assert_true(t.kind == NX_TOK_ATOM && nx_span_is(t.data, "a") && t.full_len == 9);
}

static void every_tag_is_known_refused_or_bad(void **state)
{
    (void)state;
    static const char known[] = "CFMXYZabcdefghijklmnopqrstvwx";
    for (int tag = 0; tag < 256; tag++) {
        uint8_t byte = (uint8_t)tag;
        struct nx_rd in = nx_rd(nx_span(&byte, 1));
        struct nx_tok t;
        enum nx_tok_result want = tag && strchr(known, tag) ? NX_TOK_CUT : NX_TOK_BAD_TAG;
        if (tag == 80 || tag == 82 || tag == 121)
            want = NX_TOK_REFUSED;
        if (tag == 106 || tag == 113)
            want = NX_TOK_OK;
        assert_int_equal(nx_tok_next(&in, &t), want);
    }
}

static void an_atom_over_255_characters_is_bad(void **state)
{
    (void)state;
    uint8_t b[3 + 4 * 256];
    static const uint8_t smile[] = {0xf0, 0x9f, 0x98, 0x80};
    for (size_t i = 0; i < 256; i++)
        memcpy(b + 3 + 4 * i, smile, 4);
    for (size_t chars = 255; chars <= 256; chars++) {
        b[0] = 118;
        b[1] = (uint8_t)(4 * chars >> 8);
        b[2] = (uint8_t)(4 * chars);
        struct nx_rd in = nx_rd(nx_span(b, 3 + 4 * chars));
        struct nx_tok t;
        assert_int_equal(nx_tok_next(&in, &t), chars > 255 ? NX_TOK_BAD_ATOM : NX_TOK_OK);
        b[0] = 100;
        b[1] = (uint8_t)(chars >> 8);
        b[2] = (uint8_t)chars;
        in = nx_rd(nx_span(b, 3 + chars));
        assert_int_equal(nx_tok_next(&in, &t), chars > 255 ? NX_TOK_BAD_ATOM : NX_TOK_OK);
    }
}

static void an_atom_that_is_not_utf8_is_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "77 01 80",       "77 01 ff",       "77 02 c080",     "77 02 c1bf",       "77 02 c320",
        "77 01 c3",       "77 03 e08080",   "77 03 eda080",   "77 03 edbfbf",     "77 02 e282",
        "77 04 f0808080", "77 04 f4908080", "77 04 f5808080", "76 0003 f09f98",   "77 03 e28241",
        "77 03 61e282",   "77 02 61c3",     "77 04 f09f9841", "77 05 f888808080",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(result(bad[i]), NX_TOK_BAD_ATOM);
    static const char *const good[] = {
        "77 01 00",     "77 02 c280",   "77 02 dfbf",     "77 03 e0a080",   "77 03 ed9fbf",
        "77 03 ee8080", "77 03 efbfbf", "77 04 f0908080", "77 04 f48fbfbf", "77 00",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(result(good[i]), NX_TOK_OK);
}

static void a_field_out_of_range_is_bad(void **state)
{
    (void)state;
    assert_int_equal(result("5a 0000" NODE "00000003"), NX_TOK_BAD_FORM);
    assert_int_equal(
        result("5a 0006" NODE "00000003 00000001 00000002 00000003 00000004 00000005 00000006"),
        NX_TOK_BAD_FORM);
    assert_int_equal(result("72 0006" NODE "03"), NX_TOK_BAD_FORM);
    assert_int_equal(result("6e 01 02 01"), NX_TOK_BAD_FORM);
    assert_int_equal(result("6f 00000001 ff 01"), NX_TOK_BAD_FORM);
    assert_int_equal(result("4d 00000001 00 ff"), NX_TOK_BAD_FORM);
    assert_int_equal(result("4d 00000001 09 ff"), NX_TOK_BAD_FORM);
    assert_int_equal(result("4d 00000000 08"), NX_TOK_BAD_FORM);
    assert_int_equal(result("70 00000000"), NX_TOK_BAD_FORM);
    assert_int_equal(result("70 0000001c 00 00000000000000000000000000000000 00000000 000000"),
                     NX_TOK_BAD_FORM);
}

static void characters_survive_utf8_both_ways(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t bytes[NX_UTF8_MAX];
        size_t n = nx_utf8_put(bytes, c);
        struct nx_rd in = nx_rd(nx_span(bytes, n));
        uint32_t back = 0;
        bool ok = nx_utf8_next(&in, &back);
        assert_int_equal(nx_utf8_size(bytes[0]), n);
        assert_true(c >= 0xd800 && c < 0xe000 ? !ok && nx_rd_left(&in) == n : ok && back == c);
        in = nx_rd(nx_span(bytes, n - 1));
        assert_false(nx_utf8_next(&in, &back));
    }
}

static void every_result_has_a_text(void **state)
{
    (void)state;
    for (int r = NX_TOK_OK; r <= NX_TOK_BAD_FORM; r++) {
        assert_true(strlen(nx_tok_result_text((enum nx_tok_result)r)) > 5);
        for (int other = NX_TOK_OK; other < r; other++)
            assert_string_not_equal(nx_tok_result_text((enum nx_tok_result)r),
                                    nx_tok_result_text((enum nx_tok_result)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_read_whole),
        cmocka_unit_test(an_atom_has_its_text_and_its_encoding),
        cmocka_unit_test(a_container_says_how_many_terms_follow),
        cmocka_unit_test(identifiers_have_their_fields),
        cmocka_unit_test(a_node_name_may_be_any_form_of_atom),
        cmocka_unit_test(a_token_cut_at_any_byte_is_cut_and_not_taken),
        cmocka_unit_test(a_cut_token_shows_what_there_is),
        cmocka_unit_test(every_tag_is_known_refused_or_bad),
        cmocka_unit_test(an_atom_over_255_characters_is_bad),
        cmocka_unit_test(an_atom_that_is_not_utf8_is_bad),
        cmocka_unit_test(a_field_out_of_range_is_bad),
        cmocka_unit_test(characters_survive_utf8_both_ways),
        cmocka_unit_test(every_result_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
