/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/buf.h"
#include "golden.h"
#include "observe.h"
#include "term/token.h"
#include <locale.h>

struct fixture {
    struct alloc_test t;
    noex_builder *b;
};

static void start(struct fixture *f)
{
    alloc_test_init(&f->t);
    assert_int_equal(noex_builder_new(&f->b, &f->t.a), 0);
}

static void finish(struct fixture *f)
{
    noex_builder_free(f->b);
    assert_int_equal(f->t.live, 0);
}

/* From a heap copy of exactly the text's size. */
static int build(noex_builder *b, const char *text, struct noex_error *err)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    int rc = noex_build_text(b, copy, err);
    free(copy);
    return rc;
}

static struct noex_term built(noex_builder *b, const char *text)
{
    struct noex_term term = {NULL, 0};
    struct noex_error err = {0};
    if (build(b, text, &err))
        fail_msg("%.200s: %s", text, err.text);
    assert_int_equal(err.code, 0);
    assert_int_equal(noex_builder_term(b, &term), 0);
    assert_int_equal(noex_term_check(term, NULL), 0);
    return term;
}

/* What the term prints as, for free(). */
static char *printed(struct noex_term term, size_t size)
{
    bool cut = true;
    char *text = malloc(size);
    assert_non_null(text);
    assert_true(noex_term_print(term, NULL, text, size, &cut) >= 0);
    assert_false(cut);
    return text;
}

struct row {
    const char *text;
    const char *hex;
};

static void expect_rows(const struct row *rows, size_t count)
{
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < count; i++) {
        struct noex_term term = built(f.b, rows[i].text);
        struct nx_span want = exact_hex(rows[i].hex);
        if (!nx_span_eq(nx_span(term.bytes, term.len), want)) {
            char *text = printed(term, 10000);
            fail_msg("'%s' became %s", rows[i].text, text);
        }
        exact_free(want);
        noex_builder_clear(f.b);
    }
    finish(&f);
}
#define EXPECT(rows) expect_rows(rows, sizeof(rows) / sizeof *(rows))

static void atoms_stand_with_and_without_quotes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a", "7701 61"},
        {"aB_9@c", "7706 61425f394063"},
        {"nil", "7703 6e696c"},
        {"maybe", "7705 6d61796265"},
        {"\xc3\xa9t\xc3\xa9", "7705 c3a974c3a9"},
        {"a\xc3\x89", "7703 61c389"},
        {"''", "7700"},
        {"'end'", "7703 656e64"},
        {"'a b'", "7703 612062"},
        {"'A'", "7701 41"},
        {"'\xce\xbb \xf0\x9f\x98\x80'", "7707 cebb20f09f9880"},
        {"'it\\'s \"'", "7706 697427732022"},
        {"'\n'", "7701 0a"},
        {"'\\0\\x{1f600}'", "7705 00f09f9880"},
        /* what list_to_atom takes, though not erl_scan */
        {"'\xef\xbf\xbf'", "7703 efbfbf"},
    };
    EXPECT(rows);
}

static void integers_of_any_size_stand_in_any_base(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0", "6100"},
        {"007", "6107"},
        {"-0", "6100"},
        {"+1", "6101"},
        {"- 1", "62ffffffff"},
        {"-\n% one\n1", "62ffffffff"},
        {"255", "61ff"},
        {"256", "62 00000100"},
        {"1_000_000", "62 000f4240"},
        {"2147483647", "62 7fffffff"},
        {"2147483648", "6e 04 00 00000080"},
        {"-2147483648", "62 80000000"},
        {"-2147483649", "6e 04 01 01000080"},
        {"9223372036854775807", "6e 08 00 ffffffffffffff7f"},
        {"9223372036854775808", "6e 08 00 0000000000000080"},
        {"-9223372036854775808", "6e 08 01 0000000000000080"},
        {"-9223372036854775809", "6e 08 01 0100000000000080"},
        {"18446744073709551615", "6e 08 00 ffffffffffffffff"},
        {"18446744073709551616", "6e 09 00 000000000000000001"},
        {"-18446744073709551616", "6e 09 01 000000000000000001"},
        {"123456789012345678901234567890", "6e 0d 00 d20a3f4eeee073c3f60fe98e01"},
        {"2#1010", "610a"},
        {"16#fF", "61ff"},
        {"16#00_ff", "61ff"},
        {"-16#FFFF_FFFF_FFFF_FFFF_FF", "6e 09 01 ffffffffffffffffff"},
        {"8#777", "62 000001ff"},
        {"32#VV", "62 000003ff"},
        {"3#2102", "6141"},
        {"36#Zz", "62 0000050f"},
        {"1_6#f", "610f"},
        {"000000000000000000000000000000000000000000000000016#f", "610f"},
    };
    EXPECT(rows);
}

static void a_character_is_its_number(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"$a", "6161"},
        {"$ ", "6120"},
        {"$\n", "610a"},
        {"$%", "6125"},
        {"$'", "6127"},
        {"$\"", "6122"},
        {"$\\\\", "615c"},
        {"$.", "612e"},
        {"$a.", "6161"},
        {"-$a", "62ffffff9f"},
        {"- $\\n", "62fffffff6"},
        {"$\xc3\xa9", "61e9"},
        {"$\xf0\x9f\x98\x80", "62 0001f600"},
        {"$\\x{10ffff}", "62 0010ffff"},
        {"{$a,$}}", "6802 6161 617d"},
    };
    EXPECT(rows);
}

/* As Erlang's reference manual has them; \^? is 31 to the scanner of OTP 25, which is a mistake. */
static void escapes_are_those_of_erlang(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"\\b\\d\\e\\f\\n\\r\\s\\t\\v\"", "6b 0009 087f1b0c0a0d20090b"},
        {"\"\\0\\7\\12\\101\\18\\0000\"", "6b 0008 00070a41013800 30"},
        {"\"\\400\\777\"", "6c 00000002 6200000100 62000001ff 6a"},
        {"\"\\x41\\x4aB\\xfF\"", "6b 0004 414a42ff"},
        {"\"\\x{41}\\x{00000041}\"", "6b 0002 4141"},
        {"\"\\x{3bb}\\x{FFFE}\"", "6c 00000002 62000003bb 620000fffe 6a"},
        {"\"\\^@\\^a\\^A\\^z\\^Z\\^[\\^\\\\^]\\^^\\^_\\^?\"", "6b 000b 0001011a1a1b1c1d1e1f7f"},
        {"\"\\q\\A\\'\\\"\\\\\\%\"", "6b 0006 714127225c25"},
        {"\"\\\xc3\xa9\\\n\"", "6b 0002 e90a"},
    };
    EXPECT(rows);
}

static void strings_are_lists_of_characters(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\"\"", "6a"},
        {"\"ab\"", "6b 0002 6162"},
        {"\"a\n%b\"", "6b 0004 610a2562"},
        {"\"\xc3\xa9\"", "6b 0001 e9"},
        {"\"\xce\xbb\"", "6c 00000001 62000003bb 6a"},
        {"\"a\xf0\x9f\x98\x80\"", "6c 00000002 6161 620001f600 6a"},
        {"\"a\" \"b\"\n% and\n\t\"c\"", "6b 0003 616263"},
        {"\"\" \"\" \"\"", "6a"},
        {"[\"a\" \"b\",\"c\"]", "6c 00000002 6b 0002 6162 6b 0001 63 6a"},
    };
    EXPECT(rows);
}

static void floats_are_read_to_the_nearest(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1.0", "46 3ff0000000000000"},
        {"-1.5", "46 bff8000000000000"},
        {"- 1.5", "46 bff8000000000000"},
        {"+0.1", "46 3fb999999999999a"},
        {"0.0", "46 0000000000000000"},
        {"-0.0", "46 8000000000000000"},
        {"1.0e3", "46 408f400000000000"},
        {"1.0E+3", "46 408f400000000000"},
        {"1.0e-3", "46 3f50624dd2f1a9fc"},
        {"1_0.5_0e1_0", "46 4238727cda000000"},
        {"1.7976931348623157e308", "46 7fefffffffffffff"},
        {"5.0e-324", "46 0000000000000001"},
        {"1.0e-400", "46 0000000000000000"},
        {"0.0e99999999999999999999", "46 0000000000000000"},
        {"0.1e-99999999999999999999", "46 0000000000000000"},
        {"9007199254740993.0", "46 4340000000000000"},
        {"007.5", "46 401e000000000000"},
    };
    EXPECT(rows);
}

static void binaries_have_segments_of_bytes_and_bits(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"<<>>", "6d 00000000"},
        {"<< >>", "6d 00000000"},
        {"<<1,2,3>>", "6d 00000003 010203"},
        {"<<256,-1,16#1ff,$a,- $a>>", "6d 00000005 00 ff ff 61 9f"},
        {"<<1:3>>", "4d 00000001 03 20"},
        {"<<5:3,0:5>>", "6d 00000001 a0"},
        {"<<1:1,2:7,255:8,3:2>>", "4d 00000003 02 82ffc0"},
        {"<<1:16>>", "6d 00000002 0001"},
        {"<<1:16/little>>", "6d 00000002 0100"},
        {"<<1:12/little>>", "4d 00000002 04 0100"},
        {"<<16#abc:12/little>>", "4d 00000002 04 bca0"},
        {"<<16#abc:12/big-unsigned-integer>>", "4d 00000002 04 abc0"},
        {"<<-1:12/signed>>", "4d 00000002 04 fff0"},
        {"<<-2:70>>", "4d 00000009 06 fffffffffffffffff8"},
        {"<<-256:8>>", "6d 00000001 00"},
        {"<<-256:16/little>>", "6d 00000002 00ff"},
        {"<<1:0>>", "6d 00000000"},
        {"<<1 : 8 / integer - little>>", "6d 00000001 01"},
        {"<<1/integer-integer>>", "6d 00000001 01"},
        {"<<1:1_6>>", "6d 00000002 0001"},
        {"<<1:16#10>>", "6d 00000002 0001"},
        {"<<123456789012345678901234567890:104/little>>", "6d 0000000d d20a3f4eeee073c3f60fe98e01"},
        {"<<1.5/float>>", "6d 00000008 3ff8000000000000"},
        {"<<1.5:64/float-little>>", "6d 00000008 000000000000f83f"},
        {"<<-1.5:32/float>>", "6d 00000004 bfc00000"},
        {"<<1:1,1.5:32/float-little>>", "4d 00000005 01 8000601f80"},
    };
    EXPECT(rows);
}

static void binaries_have_segments_of_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"<<\"\">>", "6d 00000000"},
        {"<<\"abc\">>", "6d 00000003 616263"},
        {"<<\"a\" \"b\",\"c\">>", "6d 00000003 616263"},
        {"<<\"\xc3\xa9\">>", "6d 00000001 e9"},
        {"<<\"\xc3\xa9\"/utf8>>", "6d 00000002 c3a9"},
        {"<<\"\xce\xbb\"/utf8,0>>", "6d 00000003 cebb00"},
        {"<<\"a\xf0\x9f\x98\x80\"/utf16>>", "6d 00000006 0061 d83dde00"},
        {"<<\"\xf0\x9f\x98\x80\"/utf16-little>>", "6d 00000004 3dd800de"},
        {"<<\"\xef\xbf\xbf\"/utf16>>", "6d 00000002 ffff"},
        {"<<\"a\"/little-utf32>>", "6d 00000004 61000000"},
        {"<<955/utf8,$a/utf8,16#10ffff/utf8>>", "6d 00000007 cebb 61 f48fbfbf"},
        {"<<0/utf8>>", "6d 00000001 00"},
        {"<<\"\\n\\x{ff}\">>", "6d 00000002 0aff"},
        {"<<1:1,\"a\",1:7>>", "6d 00000002 b081"},
        {"<<1:4,\"\xce\xbb\"/utf8>>", "4d 00000003 04 1cebb0"},
    };
    EXPECT(rows);
}

static void containers_nest_and_white_space_is_free(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{}", "6800"},
        {"{ }", "6800"},
        {"{a,{b,[]},\"c\"}", "6803 770161 6802 770162 6a 6b 0001 63"},
        {"[]", "6a"},
        {"[a]", "6c 00000001 770161 6a"},
        {"[1,2,255]", "6b 0003 0102ff"},
        {"[1,2,256]", "6c 00000003 6101 6102 62 00000100 6a"},
        {"[[],[]]", "6c 00000002 6a 6a 6a"},
        {"#{}", "74 00000000"},
        {"# { }", "74 00000000"},
        {"#{a=>1,\"k\"=>#{b=>[]}}", "74 00000002 770161 6101 6b 0001 6b 74 00000001 770162 6a"},
        {"#{1=>a,1.0=>b}", "74 00000002 6101 770161 46 3ff0000000000000 770162"},
        {" \t\r\n{ a , % first\n b % second\n } % all", "6802 770161 770162"},
        {"\xc2\xa0{\xc2\x85 a}\xc2\xa0", "6801 770161"},
        {"{a}.", "6801 770161"},
        {"a. ", "770161"},
        {"1.\n", "6101"},
        {"1.5.%", "46 3ff8000000000000"},
        {"a . % end", "770161"},
        {"% only\n\n a", "770161"},
    };
    EXPECT(rows);
}

static void a_list_may_have_a_tail(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[a|b]", "6c 00000001 770161 770162"},
        {"[1,2|3]", "6c 00000002 6101 6102 6103"},
        {"[1|{2}]", "6c 00000001 6101 6801 6102"},
        {"[1|<<2>>]", "6c 00000001 6101 6d 00000001 02"},
        {"[1|#{}]", "6c 00000001 6101 74 00000000"},
        {"[[a|b]|c]", "6c 00000001 6c 00000001 770161 770162 770163"},
        {"[\"a\"|b]", "6c 00000001 6b 0001 61 770162"},
        /* of which a BEAM makes one list */
        {"[1|[]]", "6b 0001 01"},
        {"[1|[2]]", "6b 0002 0102"},
        {"[1,2|[3,4|[5|[]]]]", "6b 0005 0102030405"},
        {"[1|[2|[3|x]]]", "6c 00000003 6101 6102 6103 770178"},
        {"[1|\"ab\"]", "6b 0003 016162"},
        {"[1|\"\"]", "6b 0001 01"},
        {"[1|\"\xce\xbb\" \"b\"]", "6c 00000003 6101 62000003bb 6162 6a"},
        {"[a|[b|\"c\"]]", "6c 00000003 770161 770162 6163 6a"},
        {"[ a | [ b , c ] ]", "6c 00000003 770161 770162 770163 6a"},
        {"{[1|[2]],[3|4]}", "6802 6b 0002 0102 6c 00000001 6103 6104"},
    };
    EXPECT(rows);
}

/* What is no term: the words name the byte and what was expected. */

static const struct row wrong[] = {
    {"", "byte 0: expected a term, found the end"},
    {" % x", "byte 4: expected a term, found the end"},
    {".", "byte 0: expected a term, found '.'"},
    {"a b", "byte 2: expected the end, found 'b'"},
    {"a.b", "byte 1: expected the end, found '.'"},
    {"a. b", "byte 3: expected the end, found 'b'"},
    {"a..", "byte 1: expected the end, found '.'"},
    {"1..", "byte 1: expected the end, found '.'"},
    {"}", "byte 0: expected a term, found '}'"},
    {"{a", "byte 2: expected ',' or '}' (of '{' at byte 0), found the end"},
    {"{a,", "byte 3: expected a term, found the end"},
    {"{a,}", "byte 3: expected a term, found '}'"},
    {"{,}", "byte 1: expected a term, found ','"},
    {"[{a],b]", "byte 3: expected ',' or '}' (of '{' at byte 1), found ']'"},
    {"{a;b}", "byte 2: expected ',' or '}' (of '{' at byte 0), found ';'"},
    {" [a", "byte 3: expected ',', '|' or ']' (of '[' at byte 1), found the end"},
    {"[a,]", "byte 3: expected a term, found ']'"},
    {"[a}", "byte 2: expected ',', '|' or ']' (of '[' at byte 0), found '}'"},
    {"[|a]", "byte 1: expected a term, found '|'"},
    {"[a||b]", "byte 3: expected a term, found '|'"},
    {"[a|b,c]", "byte 4: expected ']' (of '[' at byte 0), found ','"},
    {"[a|b|c]", "byte 4: expected ']' (of '[' at byte 0), found '|'"},
    {"[a|[b],c]", "byte 6: expected ']' (of '[' at byte 0), found ','"},
    {"[a|\"b\",c]", "byte 6: expected ']' (of '[' at byte 0), found ','"},
    {"[a|[b]", "byte 6: expected ']' (of '[' at byte 0), found the end"},
    {"[a|[]", "byte 5: expected ']' (of '[' at byte 0), found the end"},
    {"[a|]", "byte 3: expected a term, found ']'"},
    {"#{a}", "byte 3: expected '=>' (of '#{' at byte 0), found '}'"},
    {"#{a:=1}", "byte 3: expected '=>' (of '#{' at byte 0), found ':'"},
    {"#{a=>}", "byte 5: expected a term, found '}'"},
    {"#{a=>1", "byte 6: expected ',' or '}' (of '#{' at byte 0), found the end"},
    {"#{a=>1=>2}", "byte 6: expected ',' or '}' (of '#{' at byte 0), found '='"},
    {"#{a=>1,}", "byte 7: expected a term, found '}'"},
    {"{#{a=>1,b=>2,a=>3}}", "byte 1: a map with a key twice"},
    {"#{#{a=>1,b=>2}=>x,#{b=>2,a=>1}=>y}", "byte 0: a map with a key twice"},
    {"#{0.0=>a,-0.0=>b}", "byte 0: a map with a key twice"},
    {"#{\"ab\"=>a,[97|[98]]=>b}", "byte 0: a map with a key twice"},
    {"#r{a=1}", "byte 1: expected '{' of a map, found 'r'"},
    {"#Ref<0.1.2.3>", "byte 1: expected '{' of a map, found the variable 'Ref'"},
    {"<0.1.0>", "byte 0: a pid as printed does not say on which node, so it is no term"},
    {"<a>", "byte 0: expected a term, found '<'"},
    {"Foo", "byte 0: expected a term, found the variable 'Foo'"},
    {"[_]", "byte 1: expected a term, found the variable '_'"},
    {"\xc3\x89", "byte 0: expected a term, found '\xc3\x89'"},
    {"\xce\xbb", "byte 0: expected a term, found U+03BB"},
    {"\x7f", "byte 0: expected a term, found U+007F"},
    {"\xff", "byte 0: expected a term, found what is no UTF-8"},
    {"a\xed\xa0\x80", "byte 1: expected the end, found what is no UTF-8"},
    {"@a", "byte 0: expected a term, found '@a'"},
    {"a@b.c", "byte 3: expected the end, found '.'"},
    {"(a)", "byte 0: expected a term, found '('"},
    {"fun a/1", "byte 0: expected a term (an atom of this name stands in quotes), found the "
                "reserved word 'fun'"},
    {"{end}", "byte 1: expected a term (an atom of this name stands in quotes), found the "
              "reserved word 'end'"},
    {"a:b", "byte 1: expected the end, found ':'"},
    {"1+1", "byte 1: expected the end, found '+'"},
    {"a or b", "byte 2: expected the end, found the reserved word 'or'"},
    {"~\"a\"", "byte 0: expected a term, found '~'"},
    {"- -1", "byte 2: expected a number, found '-'"},
    {"-a", "byte 1: expected a number, found 'a'"},
    {"-", "byte 1: expected a number, found the end"},
    {"1_", "byte 1: expected the end, found the variable '_'"},
    {"1__0", "byte 1: expected the end, found the variable '__0'"},
    {"1a", "byte 1: expected the end, found 'a'"},
    {"1e3", "byte 1: expected the end, found 'e3'"},
    {"1.e3", "byte 1: expected the end, found '.'"},
    {"1.0e", "byte 4: expected a digit of the exponent, found the end"},
    {"1.0e+x", "byte 5: expected a digit of the exponent, found 'x'"},
    {"{1.0e400}", "byte 1: a float that is too large"},
    {"-1.8e308", "byte 0: a float that is too large"},
    {"1#0", "byte 0: a base is from 2 to 36"},
    {"37#1", "byte 0: a base is from 2 to 36"},
    {"99999999999999999999#1", "byte 0: a base is from 2 to 36"},
    {"16#", "byte 3: expected a digit of base 16, found the end"},
    {"16#_f", "byte 3: expected a digit of base 16, found the variable '_f'"},
    {"16#g", "byte 3: expected a digit of base 16, found 'g'"},
    {"2#2", "byte 2: expected a digit of base 2, found '2'"},
    {"2#12", "byte 3: expected the end, found '2'"},
    {"$", "byte 1: expected a character, found the end"},
    {"$\\", "byte 2: expected a character, found the end"},
    {"$\xff", "byte 1: expected a character, found what is no UTF-8"},
    {"\"a", "byte 2: expected a closing '\"', found the end"},
    {"\"a\\\"", "byte 4: expected a closing '\"', found the end"},
    {"'a", "byte 2: expected a closing ''', found the end"},
    {"\"\xc3\"", "byte 1: expected a character, found what is no UTF-8"},
    {"\"a\"\"b\"", "byte 3: expected white space between two strings, found '\"'"},
    {"\"\"\"\na\n\"\"\"", "byte 2: expected white space between two strings, found '\"'"},
    {"'a' 'b'", "byte 4: expected the end, found '''"},
    {"\"\\x\"", "byte 3: expected a hexadecimal digit, found '\"'"},
    {"\"\\x4\"", "byte 4: expected a hexadecimal digit, found '\"'"},
    {"\"\\x{}\"", "byte 4: expected a hexadecimal digit, found '}'"},
    {"\"\\x{4\"", "byte 5: expected a hexadecimal digit or '}', found '\"'"},
    {"\"\\x{110000}\"", "byte 4: a character above U+10FFFF"},
    {"\"\\x{ffffffffffffffffffff41}\"", "byte 4: a character above U+10FFFF"},
    {"\"\\x{d800}\"", "byte 4: a surrogate is no character"},
    {"\"\\^1\"", "byte 3: expected a letter or one of @[\\]^_? behind \\^, found '1'"},
    {"\"\\^`\"", "byte 3: expected a letter or one of @[\\]^_? behind \\^, found '`'"},
    {"<<1", "byte 3: expected ',' or '>>', found the end"},
    {"<<1>", "byte 3: expected ',' or '>>', found '>'"},
    {"<<1,>>", "byte 4: expected a number or a string, found '>'"},
    {"<<a>>", "byte 2: expected a number or a string, found 'a'"},
    {"<<[1]>>", "byte 2: expected a number or a string, found '['"},
    {"<<<<1>>/binary>>", "byte 2: expected a number or a string, found '<'"},
    {"<<1.5>>", "byte 2: a float here needs /float"},
    {"<<1/float>>", "byte 2: /float is for a number with a point"},
    {"<<1.5:16/float>>", "byte 2: a float has 32 or 64 bits"},
    {"<<1.0e39:32/float>>", "byte 2: a float that is too large"},
    {"<<1.0e309/float>>", "byte 2: a float that is too large"},
    {"<<\"a\xce\xbb\">>", "byte 4: a character above U+00FF needs /utf8 behind the string"},
    {"<<\"a\":16>>", "byte 2: a string or character here has no size"},
    {"<<955:8/utf8>>", "byte 2: a string or character here has no size"},
    {"<<\"a\"/float>>", "byte 2: a string is no float"},
    {"<<16#d800/utf8>>", "byte 2: no character has this number"},
    {"<<16#110000/utf8>>", "byte 2: no character has this number"},
    {"<<99999999999999999999/utf8>>", "byte 2: no character has this number"},
    {"<<-1/utf8>>", "byte 2: no character has this number"},
    {"<<1.0/utf8>>", "byte 2: no character has this number"},
    {"<<1:-1>>", "byte 4: a size is an integer from 0 to 65536"},
    {"<<1:65537>>", "byte 4: a size is an integer from 0 to 65536"},
    {"<<1:99999999999>>", "byte 4: a size is an integer from 0 to 65536"},
    {"<<1:1.0>>", "byte 4: a size is an integer from 0 to 65536"},
    {"<<1:$a>>", "byte 4: a size is an integer from 0 to 65536"},
    {"<<1:a>>", "byte 4: expected a number, found 'a'"},
    {"<<1/>>", "byte 4: expected integer, float, utf8, utf16, utf32, big, little, signed or "
               "unsigned, found '>'"},
    {"<<1/binary>>", "byte 4: expected integer, float, utf8, utf16, utf32, big, little, signed or "
                     "unsigned, found 'binary'"},
    {"<<1:1/unit:8>>", "byte 6: expected integer, float, utf8, utf16, utf32, big, little, signed "
                       "or unsigned, found 'unit'"},
    {"<<1/big-little>>", "byte 8: 'little' contradicts what stands before it"},
    {"<<1/integer-utf8>>", "byte 12: 'utf8' contradicts what stands before it"},
    {"<<1/signed-unsigned>>", "byte 11: 'unsigned' contradicts what stands before it"},
};

static void what_is_no_term_is_refused_with_the_byte_and_what_was_expected(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct noex_error err = {0};
        struct noex_term term;
        int rc = build(f.b, wrong[i].text, &err);
        if (rc != NOEX_EINVALID || strcmp(err.text, wrong[i].hex) != 0)
            fail_msg("'%s': %d, %s", wrong[i].text, rc, err.text);
        assert_int_equal(err.code, rc);
        assert_int_equal(noex_builder_term(f.b, &term), NOEX_EINVALID);
        noex_builder_clear(f.b);
        /* within something, and with no record of the error */
        noex_build_tuple(f.b);
        assert_int_equal(build(f.b, wrong[i].text, NULL), NOEX_EINVALID);
        assert_int_equal(noex_build_end(f.b), NOEX_EINVALID);
        noex_builder_clear(f.b);
    }
    finish(&f);
}

static void a_long_word_is_not_shown(void **state)
{
    (void)state;
    struct fixture f;
    struct noex_error err = {0};
    start(&f);
    assert_int_equal(build(f.b, "a bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", &err), NOEX_EINVALID);
    assert_string_equal(err.text, "byte 2: expected the end, found a word of 33 bytes");
    noex_builder_clear(f.b);
    err.code = 0;
    assert_int_equal(build(f.b, "Abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", &err), NOEX_EINVALID);
    assert_string_equal(err.text, "byte 0: expected a term, found the variable of 33 bytes");
    finish(&f);
}

static void an_atom_has_255_characters_at_most(void **state)
{
    (void)state;
    enum { MOST = 255 };
    char text[4 * (MOST + 2000) + 3];
    struct fixture f;
    struct noex_error err = {0};
    start(&f);
    memset(text, 'a', MOST);
    text[MOST] = '\0';
    assert_int_equal(built(f.b, text).len, 2 + MOST);
    noex_builder_clear(f.b);
    text[MOST] = 'a';
    text[MOST + 1] = '\0';
    assert_int_equal(build(f.b, text, &err), NOEX_EINVALID);
    assert_string_equal(err.text, "byte 0: an atom of more than 255 characters");
    noex_builder_clear(f.b);
    for (size_t count = MOST; count <= MOST + 2000; count += count == MOST ? 1 : 1999) {
        strcpy(text, "'");
        for (size_t i = 0; i < count; i++)
            strcpy(text + 1 + 4 * i, "\xf0\x9f\x98\x80");
        strcpy(text + 1 + 4 * count, "'");
        assert_int_equal(build(f.b, text, NULL), count == MOST ? 0 : NOEX_EINVALID);
        noex_builder_clear(f.b);
    }
    finish(&f);
}

/* Round trips. */

/* What has a text that is no term, or one that does not tell all. */
static bool has_text(struct noex_term term)
{
    struct nx_rd in = nx_rd(nx_span(term.bytes, term.len));
    struct nx_tok tok;
    while (nx_rd_left(&in) && nx_tok_next(&in, &tok) == NX_TOK_OK)
        if (tok.kind >= NX_TOK_PID)
            return false;
    return true;
}

/* What is read from `text`, printed, for free(). */
static char *through(noex_builder *b, const char *text)
{
    noex_builder_clear(b);
    return printed(built(b, text), 2 * strlen(text) + 4);
}

enum back { SAME, ENCODED, ORDERED, BACKS };

/* What came back: the same bytes; or another encoding of what prints the same; or maps in keys in
 * their own order, which then stays. */
static enum back comes_back(noex_builder *b, struct noex_term term)
{
    char *text = printed(term, 64 + 16 * term.len), *same = through(b, text);
    struct noex_term again;
    assert_int_equal(noex_builder_term(b, &again), 0);
    bool equal = nx_span_eq(nx_span(term.bytes, term.len), nx_span(again.bytes, again.len));
    if (strcmp(text, same) != 0) {
        char *third = through(b, same);
        assert_int_equal(strlen(text), strlen(same));
        assert_string_equal(third, same);
        assert_non_null(strstr(text, "#{"));
        free(third);
    }
    enum back back = equal ? SAME : strcmp(text, same) == 0 ? ENCODED : ORDERED;
    free(text);
    free(same);
    return back;
}

static void what_erlang_prints_is_read_back(void **state)
{
    (void)state;
    enum { ODD = 32 }; /* encodings in the file that no node sends */
    struct fixture f;
    struct golden g;
    unsigned count[BACKS] = {0}, refused = 0;
    start(&f);
    golden_open(&g);
    while (golden_next(&g)) {
        struct noex_term term = {g.term.ptr, g.term.len};
        noex_builder_clear(f.b);
        if (has_text(term)) {
            enum back back = comes_back(f.b, term);
            count[back]++;
        } else {
            assert_int_equal(build(f.b, g.text, NULL), NOEX_EINVALID);
            refused++;
        }
    }
    golden_close(&g);
    assert_true(count[SAME] > 2000 && refused > 50);
    assert_int_equal(count[ENCODED], ODD);
    finish(&f);
}

/* A file of lines with hex behind the first tab. */
static void read_file(const char *name, bool same)
{
    struct fixture f;
    char *line = NULL;
    size_t size = 0;
    unsigned count = 0;
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    for (start(&f); getline(&line, &size, file) > 0;) {
        char *hex = strchr(line, '\t');
        assert_non_null(hex);
        hex++;
        hex[strcspn(hex, "\t\n")] = '\0';
        struct nx_span bytes = exact_hex(hex);
        struct noex_term term = {bytes.ptr, bytes.len};
        if (has_text(term)) {
            enum back back = comes_back(f.b, term);
            assert_true(back == SAME || (back == ENCODED && !same));
            count++;
        }
        exact_free(bytes);
    }
    assert_true(count > 40);
    fclose(file);
    free(line);
    finish(&f);
}

static void recorded_terms_are_read_back(void **state)
{
    (void)state;
    read_file(NOEX_TEST_DIR "/vectors/term/built_otp25.tsv", true);
    /* with atoms in Latin-1 */
    read_file(NOEX_TEST_DIR "/vectors/reason/otp25.tsv", false);
    read_file(NOEX_TEST_DIR "/vectors/reason/elixir114.tsv", false);
}

/* Random terms, as bytes. */

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *d, uint64_t sides)
{
    d->state = d->state * UINT64_C(6364136223846793005) + 1;
    uint64_t x = d->state ^ d->state >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (x ^ x >> 32) % sides;
}

static void put(struct nx_buf *out, const void *bytes, size_t len)
{
    assert_int_equal(nx_buf_put(out, bytes, len), 0);
}

static void put_u8(struct nx_buf *out, uint64_t byte)
{
    assert_int_equal(nx_buf_put_u8(out, (uint8_t)byte), 0);
}

static void put_head(struct nx_buf *out, uint8_t tag, uint64_t count)
{
    put_u8(out, tag);
    assert_int_equal(nx_buf_put_u32(out, (uint32_t)count), 0);
}

static void put_some(struct nx_buf *out, struct dice *d, uint64_t len)
{
    while (len--)
        put_u8(out, roll(d, 256));
}

static void put_atom(struct nx_buf *out, struct dice *d)
{
    static const char *const pieces[] = {
        "a", "Z", " ", "'", "\\", "\n", "@", "\x01", "\xc3\xa9", "\xce\xbb", "\xf0\x9f\x98\x80"};
    uint8_t text[32];
    size_t len = 0;
    for (uint64_t n = roll(d, 6); n; n--) {
        const char *piece = pieces[roll(d, sizeof pieces / sizeof *pieces)];
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    put_u8(out, 119);
    put_u8(out, len);
    put(out, text, len);
}

static void put_big(struct nx_buf *out, struct dice *d)
{
    uint64_t len = 9 + roll(d, roll(d, 20) ? 40 : 400);
    if (len < 256) {
        put_u8(out, 110);
        put_u8(out, len);
    } else {
        put_head(out, 111, len);
    }
    put_u8(out, roll(d, 2));
    put_some(out, d, len - 1);
    put_u8(out, 1 + roll(d, 255));
}

static void put_real(struct nx_buf *out, struct dice *d)
{
    uint64_t image = (roll(d, 2047) << 52 | roll(d, UINT64_C(1) << 52)) ^ roll(d, 2) << 63;
    put_u8(out, 70);
    assert_int_equal(nx_buf_put_u64(out, image), 0);
}

static void put_bytes(struct nx_buf *out, struct dice *d)
{
    uint64_t len = roll(d, 8), bits = 1 + roll(d, 7);
    if (len == 0 || roll(d, 2)) {
        put_head(out, 109, len);
        put_some(out, d, len);
        return;
    }
    put_head(out, 77, len);
    put_u8(out, bits);
    put_some(out, d, len - 1);
    put_u8(out, roll(d, 256) << (8 - bits));
}

static void put_characters(struct nx_buf *out, struct dice *d)
{
    static const char *const texts[] = {"abc", "a\"b\\", "\x01\xff", "\xe9\x80", "\n"};
    const char *text = texts[roll(d, sizeof texts / sizeof *texts)];
    put_u8(out, 107);
    put_u8(out, 0);
    put_u8(out, strlen(text));
    put(out, text, strlen(text));
}

static void put_leaf(struct nx_buf *out, struct dice *d)
{
    static void (*const leaves[])(struct nx_buf *, struct dice *) = {put_atom, put_big, put_real,
                                                                     put_bytes, put_characters};
    uint64_t n = roll(d, 7);
    if (n < 5) {
        leaves[n](out, d);
    } else if (n == 5) {
        put_u8(out, 97);
        put_u8(out, roll(d, 256));
    } else {
        put_u8(out, 106);
    }
}

static void put_random(struct nx_buf *out, struct dice *d, int depth)
{
    enum { TUPLE, LIST, MAP, SHAPES };
    uint64_t shape = depth ? roll(d, 2 * SHAPES) : SHAPES, count = roll(d, 5);
    if (shape >= SHAPES) {
        put_leaf(out, d);
        return;
    }
    if (shape == TUPLE) {
        put_u8(out, 104);
        put_u8(out, count);
    } else {
        put_head(out, shape == MAP ? 116 : 108, count + (shape == LIST));
    }
    if (shape == LIST) /* what makes it no string */
        put_atom(out, d);
    for (uint64_t i = 0; i < count; i++) {
        if (shape == MAP) {
            put_u8(out, 97);
            put_u8(out, 7 * i);
        }
        put_random(out, d, depth - 1);
    }
    if (shape == LIST && roll(d, 2))
        put_u8(out, 106);
    else if (shape == LIST)
        (roll(d, 2) ? put_atom : put_bytes)(out, d);
}

static void random_terms_come_back_byte_by_byte(void **state)
{
    (void)state;
    struct fixture f;
    struct nx_buf out;
    start(&f);
    nx_buf_init(&out, &f.t.a, SIZE_MAX);
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct dice d = {seed};
        nx_buf_truncate(&out, 0);
        put_random(&out, &d, 4);
        struct nx_span bytes = nx_buf_span(&out);
        assert_int_equal(comes_back(f.b, (struct noex_term){bytes.ptr, bytes.len}), SAME);
    }
    nx_buf_free(&out);
    finish(&f);
}

static void floats_come_back_whatever_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "sv_SE.UTF-8"};
    bool set = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !set; i++)
        set = setlocale(LC_ALL, names[i]) != NULL;
    static const struct row rows[] = {{"1.5", "46 3ff8000000000000"},
                                      {"<<1.5/float>>", "6d 00000008 3ff8000000000000"}};
    EXPECT(rows);
    setlocale(LC_ALL, "C");
    if (!set)
        skip();
}

/* Limits. */

static char *repeated(const char *head, const char *piece, size_t count, const char *tail)
{
    size_t len = strlen(piece);
    char *text = malloc(strlen(head) + len * count + strlen(tail) + 1);
    assert_non_null(text);
    char *end = stpcpy(text, head);
    for (size_t i = 0; i < count; i++)
        end = stpcpy(end, piece);
    strcpy(end, tail);
    return text;
}

static void expect_limit(noex_builder *b, char *text, int rc, const char *cause)
{
    struct noex_error err = {0};
    assert_int_equal(noex_build_text(b, text, &err), rc);
    assert_int_equal(err.code, rc);
    if (!strstr(err.text, cause) || (rc && strncmp(err.text, "byte ", 5) != 0))
        fail_msg("%.100s: %s", text, err.text);
    free(text);
    noex_builder_clear(b);
}

static void terms_nest_1024_deep_and_no_deeper(void **state)
{
    (void)state;
    struct fixture f;
    const char *cause = ": the term gets nested more than 1024 deep, or longer than 2 GiB";
    char closing[1024 + 2];
    static const char *const openings[] = {"{", "[", "#{a=>", "#{", "[a,"};
    start(&f);
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        bool list = *openings[i] == '[', key = strcmp(openings[i], "#{") == 0;
        for (size_t depth = 1023; depth <= 1025; depth++) {
            memset(closing, list ? ']' : '}', depth);
            closing[depth] = '\0';
            char *tail = key ? repeated("b", "=>c}", depth, "") : repeated("b", closing, 1, "");
            char *text = repeated("", openings[i], depth, tail);
            expect_limit(f.b, text, depth > 1024 ? NOEX_ELIMIT : 0, depth > 1024 ? cause : "");
            free(tail);
        }
    }
    /* with those that are open already, and as a string is a list */
    for (int outer = 0; outer < 1000; outer++)
        noex_build_tuple(f.b);
    assert_int_equal(build(f.b, "[[[[[[[[[[[[[[[[[[[[[[[\"\"]]]]]]]]]]]]]]]]]]]]]]]", NULL), 0);
    assert_int_equal(build(f.b, "[[[[[[[[[[[[[[[[[[[[[[[[\"\"]]]]]]]]]]]]]]]]]]]]]]]]", NULL),
                     NOEX_ELIMIT);
    /* binaries and atoms are no containers */
    noex_builder_clear(f.b);
    for (int outer = 0; outer < 1024; outer++)
        noex_build_tuple(f.b);
    assert_int_equal(build(f.b, "<<1>>", NULL), 0);
    assert_int_equal(build(f.b, "a", NULL), 0);
    assert_int_equal(build(f.b, "{}", NULL), NOEX_ELIMIT);
    finish(&f);
}

static void lists_that_are_tails_do_not_nest(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct fixture f;
    struct noex_items items;
    struct noex_term item;
    uint64_t size;
    start(&f);
    char *tail = repeated("z", "]", COUNT, ""), *text = repeated("", "[a|", COUNT, tail);
    struct noex_term term = built(f.b, text);
    assert_int_equal(noex_term_size(term, &size), 0);
    assert_int_equal(size, COUNT);
    assert_int_equal(noex_term_items(term, &items), 0);
    while (noex_items_next(&items, &item))
        assert_true(noex_term_is_atom(item, "a"));
    assert_true(noex_term_is_atom(items.tail, "z"));
    free(text);
    free(tail);
    finish(&f);
}

static void integers_have_as_many_bytes_as_a_beam_takes(void **state)
{
    (void)state;
    enum { MOST = 524280 };
    struct fixture f;
    start(&f);
    char *text = repeated("-16#0_00", "fF", MOST, "");
    struct noex_term term = built(f.b, text);
    assert_int_equal(term.len, 1 + 4 + 1 + MOST);
    assert_memory_equal(term.bytes, "\x6f\x00\x07\xff\xf8\x01\xff\xff", 8);
    free(text);
    noex_builder_clear(f.b);
    expect_limit(f.b, repeated("[16#", "f", 2 * MOST + 1, ""), NOEX_ELIMIT,
                 "byte 1: an integer of more than 524280 bytes");
    expect_limit(f.b, repeated("8#", "7", 8 * MOST / 3 + 1, ""), NOEX_ELIMIT,
                 "byte 0: an integer of more than 524280 bytes");
    expect_limit(f.b, repeated("8#", "7", 8 * MOST / 3, ""), 0, "");
    finish(&f);
}

static void what_is_no_power_of_two_has_10000_digits_at_most(void **state)
{
    (void)state;
    enum { MOST = 10000 };
    struct fixture f;
    const char *cause = "byte 0: an integer of more than 10000 digits; write it in base 16";
    start(&f);
    expect_limit(f.b, repeated("0000", "9_9", MOST / 2, ""), 0, "");
    expect_limit(f.b, repeated("36#", "z", MOST, ""), 0, "");
    expect_limit(f.b, repeated("", "9", MOST + 1, ""), NOEX_ELIMIT, cause);
    expect_limit(f.b, repeated("36#", "z", MOST + 1, ""), NOEX_ELIMIT, cause);
    expect_limit(f.b, repeated("<<", "9", MOST + 1, ">>"), NOEX_ELIMIT,
                 "byte 2: an integer of more than 10000 digits; write it in base 16");
    expect_limit(f.b, repeated("<<16#", "f", 16388, ">>"), NOEX_EINVALID,
                 "byte 2: an integer too large for any size");
    finish(&f);
}

/* Each is minutes of work to who looks at the same again and again. */
static void long_texts_take_no_longer_than_their_length(void **state)
{
    (void)state;
    enum { MANY = 1 << 20 };
    struct fixture f;
    start(&f);
    expect_limit(f.b, repeated("\"", "a", 4 * MANY, "\""), 0, "");
    expect_limit(f.b, repeated("\"", "\\x{1f600}", MANY, "\""), 0, "");
    expect_limit(f.b, repeated("", "\"a\" ", MANY, ""), 0, "");
    expect_limit(f.b, repeated("<<", "1:7,", MANY, "1>>"), 0, "");
    expect_limit(f.b, repeated("<<\"", "\xce\xbb", MANY, "\"/utf8>>"), 0, "");
    expect_limit(f.b, repeated("<<", "\"a\" ", MANY, ">>"), 0, "");
    expect_limit(f.b, repeated("[", "99999999999999999999,", MANY / 16, "a]"), 0, "");
    expect_limit(f.b, repeated("0.", "0", MANY, "1e1048576"), 0, "");
    expect_limit(f.b, repeated("", "% a comment\n", MANY / 8, "a"), 0, "");
    expect_limit(f.b, repeated("{", "{a,[b|c]},", MANY / 8, "a}"), 0, "");
    char *wide = repeated("[", "a,", MANY / 4, "a]"), *tail = repeated(wide, ",b=>c}", 1000, "");
    expect_limit(f.b, repeated("", "#{a=>", 1000, tail), 0, "");
    free(wide);
    free(tail);
    finish(&f);
}

/* As one step of building. */

static void a_text_stands_where_any_term_may(void **state)
{
    (void)state;
    struct fixture f;
    struct noex_error err = {0};
    struct noex_term term;
    start(&f);
    noex_build_map(f.b);
    assert_int_equal(build(f.b, "{k, 1}", NULL), 0);
    noex_build_list(f.b);
    assert_int_equal(build(f.b, "1", NULL), 0);
    assert_int_equal(build(f.b, " $b.", NULL), 0);
    noex_build_end(f.b);
    assert_int_equal(build(f.b, "{k,1}", NULL), 0);
    noex_build_nil(f.b);
    assert_int_equal(noex_build_end(f.b), NOEX_EINVALID);
    noex_builder_clear(f.b);
    noex_build_list(f.b);
    assert_int_equal(build(f.b, "[1|2]", NULL), 0);
    assert_int_equal(build(f.b, "<<5:3>>", NULL), 0);
    noex_build_end(f.b);
    assert_int_equal(noex_builder_term(f.b, &term), 0);
    assert_int_equal(term.len, 5 + 9 + 7 + 1);
    assert_int_equal(noex_term_check(term, NULL), 0);
    assert_int_equal(build(f.b, "a", &err), NOEX_ESTATE);
    assert_string_equal(err.text, noex_error_text(NOEX_ESTATE));
    finish(&f);
}

static void the_builders_first_error_stays(void **state)
{
    (void)state;
    struct fixture f;
    struct noex_error err = {0};
    start(&f);
    assert_int_equal(build(f.b, "}", NULL), NOEX_EINVALID);
    assert_int_equal(build(f.b, "a", &err), NOEX_EINVALID);
    assert_string_equal(err.text, noex_error_text(NOEX_EINVALID));
    noex_builder_clear(f.b);
    noex_build_term(f.b, (struct noex_term){NULL, 0});
    err.code = 0;
    assert_int_equal(build(f.b, "}", &err), NOEX_ETERM);
    assert_string_equal(err.text, noex_error_text(NOEX_ETERM));
    noex_builder_clear(f.b);
    assert_int_equal(noex_build_text(f.b, NULL, NULL), NOEX_EINVALID);
    assert_int_equal(build(f.b, "a", NULL), NOEX_EINVALID);
    assert_int_equal(noex_build_text(NULL, "a", NULL), NOEX_EINVALID);
    finish(&f);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    struct alloc_test t;
    bool failed = true;
    size_t k = 1;
    char *bytes = repeated("<<", "1,", 2000, "1:3>>");
    char *rest = repeated(bytes, ",[b|c],\"text\",'Q',", 1,
                          "#{#{a=>1,b=>2}=>x,1=>16#123456789abcdef123456789,2=>-1.5}");
    char *tail = repeated(rest, "}", 40, ""), *text = repeated("", "{", 40, tail);
    for (; failed; k++) {
        for (int on = 0; on <= 1; on++) {
            noex_builder *b = NULL;
            struct noex_error err = {0};
            alloc_test_init(&t);
            t.fail_at = k;
            t.fail_on = on;
            int rc = noex_builder_new(&b, &t.a);
            if (rc == 0)
                rc = build(b, text, &err);
            failed = t.failed > 0;
            assert_int_equal(rc, failed ? NOEX_ENOMEM : 0);
            assert_true(!b || err.code == rc);
            t.fail_at = 0;
            if (b) {
                noex_builder_clear(b);
                (void)built(b, text);
            }
            noex_builder_free(b);
            assert_int_equal(t.live, 0);
        }
    }
    assert_true(k > 8);
    free(bytes);
    free(rest);
    free(tail);
    free(text);
}

/* Each kind of leaf where the buffer is nearly full. */
static void each_leaf_may_be_the_one_without_memory(void **state)
{
    (void)state;
    static const char *const leaves[] = {"aaaaaaaa",
                                         "1",
                                         "123456789012345678901234567890",
                                         "1.5",
                                         "<<>>",
                                         "<<1>>",
                                         "<<1:1>>",
                                         "<<\"a\",1:1>>",
                                         "<<1.5/float>>",
                                         "<<\"\xf0\x9f\x98\x80\"/utf16>>"};
    static const uint8_t bytes[256];
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        size_t failed = 0, passed = 0;
        for (size_t full = 200; full <= 256; full++) {
            struct fixture f;
            start(&f);
            noex_build_tuple(f.b);
            assert_int_equal(noex_build_binary(f.b, bytes, full - 2 - 5), 0);
            f.t.fail_at = f.t.calls + 1;
            f.t.fail_on = true;
            int rc = build(f.b, leaves[i], NULL);
            assert_int_equal(rc, f.t.failed ? NOEX_ENOMEM : 0);
            failed += rc != 0;
            passed += rc == 0;
            finish(&f);
        }
        assert_true(passed > 0);
        assert_true(failed > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(atoms_stand_with_and_without_quotes),
        cmocka_unit_test(integers_of_any_size_stand_in_any_base),
        cmocka_unit_test(a_character_is_its_number),
        cmocka_unit_test(escapes_are_those_of_erlang),
        cmocka_unit_test(strings_are_lists_of_characters),
        cmocka_unit_test(floats_are_read_to_the_nearest),
        cmocka_unit_test(binaries_have_segments_of_bytes_and_bits),
        cmocka_unit_test(binaries_have_segments_of_text),
        cmocka_unit_test(containers_nest_and_white_space_is_free),
        cmocka_unit_test(a_list_may_have_a_tail),
        cmocka_unit_test(what_is_no_term_is_refused_with_the_byte_and_what_was_expected),
        cmocka_unit_test(a_long_word_is_not_shown),
        cmocka_unit_test(an_atom_has_255_characters_at_most),
        cmocka_unit_test(what_erlang_prints_is_read_back),
        cmocka_unit_test(recorded_terms_are_read_back),
        cmocka_unit_test(random_terms_come_back_byte_by_byte),
        cmocka_unit_test(floats_come_back_whatever_the_locale),
        cmocka_unit_test(terms_nest_1024_deep_and_no_deeper),
        cmocka_unit_test(lists_that_are_tails_do_not_nest),
        cmocka_unit_test(integers_have_as_many_bytes_as_a_beam_takes),
        cmocka_unit_test(what_is_no_power_of_two_has_10000_digits_at_most),
        cmocka_unit_test(long_texts_take_no_longer_than_their_length),
        cmocka_unit_test(a_text_stands_where_any_term_may),
        cmocka_unit_test(the_builders_first_error_stays),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_leaf_may_be_the_one_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
