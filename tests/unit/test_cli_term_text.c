/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/term_text.h"
#include "cmocka_all.h"

#include <stdlib.h>

/* Both of these take the term as Erlang writes it. */
static struct noex_term built(noex_builder **b, const char *text)
{
    struct noex_term term;
    assert_int_equal(noex_builder_new(b, NULL), 0);
    assert_int_equal(noex_build_text(*b, text, NULL), 0);
    assert_int_equal(noex_builder_term(*b, &term), 0);
    return term;
}

static void assert_frame(const char *frame, const char *words)
{
    noex_builder *b;
    struct text t = {0};
    term_text_add_frame(&t, built(&b, frame), "a@h");
    assert_string_equal(text_string(&t), words);
    text_free(&t);
    noex_builder_free(b);
}

static void a_term_is_added_behind_what_is_there(void **state)
{
    (void)state;
    noex_builder *b;
    struct text t = {0};
    text_puts(&t, "value: ");
    term_text_add(&t, built(&b, "{a,[1|b],#{\"k\"=><<1,2>>}}"), "a@h");
    assert_string_equal(text_string(&t), "value: {a,[1|b],#{\"k\" => <<1,2>>}}");
    text_free(&t);
    noex_builder_free(b);
}

/* A term of `count` bytes behind a head, printed whole: its last bytes are `ending`. */
static void assert_whole(const uint8_t *head, size_t head_len, uint8_t byte, size_t count,
                         size_t printed_len, const char *ending)
{
    uint8_t *bytes = malloc(head_len + count);
    struct text t = {0};
    assert_non_null(bytes);
    memcpy(bytes, head, head_len);
    memset(bytes + head_len, byte, count);
    term_text_add(&t, (struct noex_term){bytes, head_len + count}, NULL);
    assert_false(t.failed);
    assert_int_equal(t.len, printed_len);
    assert_string_equal(text_string(&t) + t.len - strlen(ending), ending);
    text_free(&t);
    free(bytes);
}

static void what_grows_most_in_print_is_whole(void **state)
{
    (void)state;
    static const uint8_t binary[] = {109, 0, 0x10, 0, 0}; /* 2^20 bytes */
    static const uint8_t string[] = {107, 0xff, 0xff}, atom[] = {115, 255};
    assert_whole(binary, sizeof binary, 0x9f, 1 << 20, 4 * (1 << 20) + 3, ",159>>");
    assert_whole(binary, sizeof binary, 'a', 1 << 20, (1 << 20) + 6, "aaa\">>");
    assert_whole(string, sizeof string, 0x9f, 0xffff, 4 * 0xffff + 1, ",159]");
    assert_whole(atom, sizeof atom, 0x80, 255, 4 * 255 + 2, "\\200'");
}

static void a_term_that_is_cut_is_so_in_print(void **state)
{
    (void)state;
    static const uint8_t cut[] = {108, 0, 0, 0, 2, 97, 1, 97};
    struct text t = {0};
    term_text_add(&t, (struct noex_term){cut, sizeof cut}, NULL);
    assert_string_equal(text_string(&t), "[1,...");
    text_clear(&t);
    term_text_add(&t, (struct noex_term){NULL, 0}, NULL);
    assert_string_equal(text_string(&t), "...");
    text_free(&t);
}

static void a_stack_is_told_in_words(void **state)
{
    (void)state;
    assert_frame("{lists,map,2,[{file,\"lists.erl\"},{line,1559}]}",
                 "lists:map/2 (lists.erl, line 1559)");
    assert_frame("{erlang,'+',[1,a],[{error_info,#{module=>erl_erts_errors}}]}", "erlang:'+'/2");
    assert_frame("{m,f,\"ab\",[{file,<<\"m.erl\">>}]}", "m:f/2 (m.erl)");
    assert_frame("{m,f,[],[{line,3}]}", "m:f/0");
    assert_frame("{m,f,1,[{file,7},{line,x},file,{}]}", "m:f/1");
    assert_frame("{m,f,1,none}", "m:f/1");
}

static void what_is_no_entry_of_a_stack_is_told_as_it_is(void **state)
{
    (void)state;
    static const char *const others[] = {"{m,f,-1,[]}", "{m,f,x,[]}", "{m,f,1}", "{}",
                                         "[m,f,1,[]]",  "x",          "1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_frame(others[i], others[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_term_is_added_behind_what_is_there),
        cmocka_unit_test(what_grows_most_in_print_is_whole),
        cmocka_unit_test(a_term_that_is_cut_is_so_in_print),
        cmocka_unit_test(a_stack_is_told_in_words),
        cmocka_unit_test(what_is_no_entry_of_a_stack_is_told_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
