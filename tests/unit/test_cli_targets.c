/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/targets.h"
#include "cmocka_all.h"

#include <stdlib.h>

static enum exit_code add(struct target_list *list, const char *text)
{
    struct failure why;
    return targets_add(list, text, &why);
}

static void assert_refused(const char *text, const char *cause)
{
    struct target_list list = {0};
    struct failure why;
    assert_int_equal(targets_add(&list, text, &why), CODE_USAGE);
    assert_int_equal(list.count, 0);
    if (!strstr(why.text, cause))
        fail_msg("'%s': '%s' does not hold '%s'", text, why.text, cause);
    targets_free(&list);
}

static void a_node_a_name_and_a_pid_are_told_apart(void **state)
{
    (void)state;
    struct target_list list = {0};
    assert_int_equal(add(&list, "a@host"), 0);
    assert_int_equal(add(&list, "a@host:4369/my server"), 0);
    assert_int_equal(add(&list, "a@h.example/<7.123.5>"), 0);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].what.kind, NOEX_TARGET_NODE);
    assert_string_equal(list.items[0].what.node, "a@host");
    assert_int_equal(list.items[1].what.kind, NOEX_TARGET_NAME);
    assert_string_equal(list.items[1].what.node, "a@host:4369");
    assert_string_equal(list.items[1].what.name, "my server");
    assert_string_equal(list.items[1].text, "a@host:4369/my server");
    assert_int_equal(list.items[2].what.kind, NOEX_TARGET_PID);
    assert_int_equal(list.items[2].what.pid.id, 123);
    assert_int_equal(list.items[2].what.pid.serial, 5);
    assert_int_equal(list.items[2].what.pid.creation, 0);
    assert_string_equal(list.items[2].what.node, "a@h.example");
    targets_free(&list);
}

static void a_name_may_hold_any_character_but_no_other_bytes(void **state)
{
    (void)state;
    struct target_list list = {0};
    assert_int_equal(add(&list, "a@h/x/y"), 0);
    assert_string_equal(list.items[0].what.name, "x/y");
    assert_int_equal(add(&list, "a@h/Elixir.My.Server"), 0);
    assert_int_equal(add(&list, "a@h/\xc3\xa9t\xc3\xa9"), 0);
    targets_free(&list);
    assert_refused("a@h/\xff", "not a registered name");
    assert_refused("a@h/", "not a registered name");
}

static struct noex_term first(struct noex_term list)
{
    struct noex_items items;
    struct noex_term item = {NULL, 0};
    assert_int_equal(noex_term_items(list, &items), 0);
    assert_true(noex_items_next(&items, &item));
    return item;
}

static void a_global_name_is_any_term(void **state)
{
    (void)state;
    struct target_list list = {0};
    struct noex_term names;
    assert_int_equal(add(&list, "a@h/global:x"), 0);
    assert_int_equal(add(&list, "a@h:4369/global:<<\"counter:a/b\">>"), 0);
    assert_int_equal(add(&list, "a@h/x"), 0);
    assert_int_equal(list.items[0].what.kind, NOEX_TARGET_NAME);
    assert_string_equal(list.items[0].what.node, "a@h");
    assert_string_equal(list.items[0].what.name, "global:x");
    assert_int_equal(noex_builder_term(list.items[0].global, &names), 0);
    assert_true(noex_term_is_atom(first(names), "x"));
    assert_int_equal(noex_builder_term(list.items[1].global, &names), 0);
    assert_int_equal(noex_term_type(first(names)), NOEX_TERM_BINARY);
    assert_string_equal(list.items[1].what.node, "a@h:4369");
    assert_null(list.items[2].global);
    targets_free(&list);
}

static void a_name_has_255_characters_at_most(void **state)
{
    (void)state;
    struct target_list list = {0};
    char text[4 + 2 * 256 + 1] = "a@h/";
    for (size_t i = 0; i < 255; i++)
        strcat(text, "\xc3\xa9");
    assert_int_equal(add(&list, text), 0);
    strcat(text, "x");
    assert_refused(text, "not a registered name");
    targets_free(&list);
}

static void what_is_no_target_is_refused_with_its_text(void **state)
{
    (void)state;
    assert_refused("", "not a target");
    assert_refused("nohost", "'nohost'");
    assert_refused("a@b@c/x", "not a target");
    assert_refused("@h", "not a target");
    assert_refused("a@", "not a target");
    assert_refused("/x", "not a target");
    assert_refused("a@h/<0.1>", "not a pid");
    assert_refused("a@h/<0.1.2", "not a pid");
    assert_refused("a@h/<0.268435456.0>", "not a pid");
    assert_refused("a@h/global:", "not a global name");
    assert_refused("a@h/global:counter:a", "byte 7: expected the end, found ':'");
    assert_refused("a@h/global:Foo", "found the variable 'Foo'");
}

static enum exit_code read_text(struct target_list *list, const char *bytes, size_t len,
                                struct failure *why)
{
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    FILE *in = len ? fmemopen(copy, len, "r") : fopen("/dev/null", "r");
    assert_non_null(in);
    enum exit_code rc = targets_read(list, in, "list.txt", why);
    fclose(in);
    free(copy);
    return rc;
}

static void a_file_has_one_target_a_line_with_comments_and_blank_lines(void **state)
{
    (void)state;
    struct target_list list = {0};
    struct failure why;
    static const char text[] =
        "# those of the front\n\n  a@h/x  \r\n \t\n\ta@h/y # z\n  #a@h/no\na@h";
    assert_int_equal(read_text(&list, text, sizeof text - 1, &why), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].text, "a@h/x");
    assert_string_equal(list.items[1].what.name, "y # z");
    assert_string_equal(list.items[2].text, "a@h");
    targets_free(&list);
    assert_int_equal(read_text(&list, "", 0, &why), 0);
    assert_int_equal(list.count, 0);
    targets_free(&list);
}

static void an_error_in_a_file_names_the_line(void **state)
{
    (void)state;
    struct target_list list = {0};
    struct failure why;
    static const char text[] = "a@h/x\n# comment\nbad\n";
    assert_int_equal(read_text(&list, text, sizeof text - 1, &why), CODE_USAGE);
    assert_non_null(strstr(why.text, "list.txt: line 3: "));
    assert_non_null(strstr(why.text, "'bad'"));
    static const char nul[] = "a@h/x\na@h/y\0z\n";
    assert_int_equal(read_text(&list, nul, sizeof nul - 1, &why), CODE_USAGE);
    assert_non_null(strstr(why.text, "list.txt: line 2: a NUL"));
    targets_free(&list);
}

static void a_file_that_is_not_there_or_no_file_is_a_usage_error(void **state)
{
    (void)state;
    struct target_list list = {0};
    struct failure why;
    assert_int_equal(targets_read_path(&list, "/nonexistent/file", &why), CODE_USAGE);
    assert_non_null(strstr(why.text, "/nonexistent/file"));
    assert_int_equal(targets_read_path(&list, "/", &why), CODE_USAGE);
    targets_free(&list);
}

static void the_same_target_given_twice_is_kept_once_in_the_first_place(void **state)
{
    (void)state;
    struct target_list list = {0};
    struct failure why;
    static const char *const given[] = {
        "b@h/x",        "a@h/<0.5.0>",         "b@h/x",       "a@h",
        "a@h/<1.5.0>",  "a@h/<0.5.1>",         "a@h/x",       "a@h",
        "b@h",          "a@h/global:[1,2]",    "a@h/<0.0.0>", "a@h/global:ab",
        "a@h/global:a", "a@h/global: [1|[2]]", "a@h/global:a"};
    static const char *const kept[] = {
        "b@h/x", "a@h/<0.5.0>",      "a@h",         "a@h/<0.5.1>",   "a@h/x",
        "b@h",   "a@h/global:[1,2]", "a@h/<0.0.0>", "a@h/global:ab", "a@h/global:a"};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        assert_int_equal(add(&list, given[i]), 0);
    assert_int_equal(targets_unique(&list, &why), 0);
    assert_int_equal(list.count, sizeof kept / sizeof *kept);
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.items[i].text, kept[i]);
    targets_free(&list);
    assert_int_equal(targets_unique(&list, &why), 0);
    targets_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_a_name_and_a_pid_are_told_apart),
        cmocka_unit_test(a_name_may_hold_any_character_but_no_other_bytes),
        cmocka_unit_test(a_global_name_is_any_term),
        cmocka_unit_test(a_name_has_255_characters_at_most),
        cmocka_unit_test(what_is_no_target_is_refused_with_its_text),
        cmocka_unit_test(a_file_has_one_target_a_line_with_comments_and_blank_lines),
        cmocka_unit_test(an_error_in_a_file_names_the_line),
        cmocka_unit_test(a_file_that_is_not_there_or_no_file_is_a_usage_error),
        cmocka_unit_test(the_same_target_given_twice_is_kept_once_in_the_first_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
