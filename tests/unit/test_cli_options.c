/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "cmocka_all.h"

#include <stdlib.h>

enum { ARGS_MAX = 24, ANY = ~OPT_BEFORE_OPERANDS };

/* Strings that getopt may put in another order. */
struct line {
    char *argv[ARGS_MAX + 1];
    int argc;
    char copy[512];
};

static void split(struct line *l, const char *text)
{
    snprintf(l->copy, sizeof l->copy, "%s", text);
    l->argc = 0;
    for (char *word = strtok(l->copy, " "); word && l->argc < ARGS_MAX; word = strtok(NULL, " "))
        l->argv[l->argc++] = word;
    l->argv[l->argc] = NULL;
}

static enum exit_code parse(struct options *o, struct line *l, const char *text,
                            struct failure *why)
{
    split(l, text);
    return options_parse(o, (unsigned)ANY, l->argc, l->argv, why);
}

static void assert_refused(const char *text, const char *cause)
{
    struct options o;
    struct line l;
    struct failure why = {.text = ""};
    assert_int_equal(parse(&o, &l, text, &why), CODE_USAGE);
    if (!strstr(why.text, cause))
        fail_msg("'%s': '%s' does not hold '%s'", text, why.text, cause);
}

static int clear_environment(void **state)
{
    (void)state;
    return unsetenv("ERL_EPMD_PORT");
}

static void without_options_the_defaults_hold(void **state)
{
    (void)state;
    struct options o;
    struct line l;
    struct failure why;
    assert_int_equal(parse(&o, &l, "watch a@h b@h", &why), 0);
    assert_null(o.name);
    assert_null(o.cookie_file);
    assert_int_equal(o.timeout_ms, 0);
    assert_int_equal(o.ticktime_ms, 60000);
    assert_int_equal(o.for_ms, 0);
    assert_int_equal(o.epmd_port, 4369);
    assert_false(o.json || o.quiet || o.verbose || o.help);
    assert_int_equal(o.operand_count, 2);
    assert_string_equal(o.operands[0], "a@h");
    assert_string_equal(o.operands[1], "b@h");
}

static void options_may_stand_before_and_behind_operands(void **state)
{
    (void)state;
    struct options o;
    struct line l;
    struct failure why;
    assert_int_equal(
        parse(&o, &l,
              "watch --name me@h a@h --json --timeout=250 --ticktime 8 --for 1.5 b@h "
              "--epmd-port 5000 --cookie-file c --quiet --verbose --targets t --targets -",
              &why),
        0);
    assert_string_equal(o.name, "me@h");
    assert_string_equal(o.cookie_file, "c");
    assert_int_equal(o.timeout_ms, 250);
    assert_int_equal(o.ticktime_ms, 8000);
    assert_int_equal(o.for_ms, 1500);
    assert_int_equal(o.epmd_port, 5000);
    assert_true(o.json && o.quiet && o.verbose);
    assert_int_equal(o.target_file_count, 2);
    assert_string_equal(o.target_files[1], "-");
    assert_int_equal(o.operand_count, 2);
    assert_int_equal(parse(&o, &l, "check -- --json", &why), 0);
    assert_false(o.json);
    assert_string_equal(o.operands[0], "--json");
}

static void the_environment_gives_the_port_and_the_option_wins(void **state)
{
    (void)state;
    struct options o;
    struct line l;
    struct failure why;
    setenv("ERL_EPMD_PORT", "14369", 1);
    assert_int_equal(parse(&o, &l, "watch a@h", &why), 0);
    assert_int_equal(o.epmd_port, 14369);
    assert_int_equal(parse(&o, &l, "watch a@h --epmd-port 7", &why), 0);
    assert_int_equal(o.epmd_port, 7);
    setenv("ERL_EPMD_PORT", "", 1);
    assert_int_equal(parse(&o, &l, "watch a@h", &why), 0);
    assert_int_equal(o.epmd_port, 4369);
    setenv("ERL_EPMD_PORT", "many", 1);
    assert_refused("watch a@h", "ERL_EPMD_PORT: not a port: 'many'");
    unsetenv("ERL_EPMD_PORT");
}

static void values_out_of_range_are_usage_errors(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"watch --timeout 0", "--timeout"},
        {"watch --timeout -5", "--timeout"},
        {"watch --timeout 1s", "'1s'"},
        {"watch --timeout 99999999999999999999", "--timeout"},
        {"watch --timeout +5", "--timeout"},
        {"watch --ticktime 0", "--ticktime"},
        {"watch --ticktime 0.5", "--ticktime"},
        {"watch --epmd-port 0", "--epmd-port"},
        {"watch --epmd-port 65536", "'65536'"},
        {"watch --for 0", "--for"},
        {"watch --for .", "--for"},
        {"watch --for 1.2.3", "--for"},
        {"watch --for inf", "--for"},
        {"watch --for -1", "--for"},
        {"watch --for 99999999999999999", "--for"},
        {"watch --name a", "NAME@HOST"},
        {"watch --name a@h:4369", "NAME@HOST"},
        {"watch --name @h", "NAME@HOST"},
        {"watch --targets= x", "no file"},
        {"watch --cookie-file= x", "no file"},
        {"watch --targets - --targets -", "only once"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(bad[i][0], bad[i][1]);
}

static void fractions_of_seconds_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"watch --for 1", 1000},         {"watch --for 0.25", 250},
                {"watch --for .5", 500},         {"watch --for 2.", 2000},
                {"watch --for 0.0001", 1},       {"watch --for 007", 7000},
                {"watch --for 1.0000001", 1000}, {"watch --for 86400", 86400000}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct options o;
        struct line l;
        struct failure why;
        assert_int_equal(parse(&o, &l, good[i].text, &why), 0);
        assert_int_equal(o.for_ms, good[i].ms);
    }
}

static void what_is_no_option_is_named(void **state)
{
    (void)state;
    assert_refused("watch --frobnicate a@h", "unknown option --frobnicate");
    assert_refused("watch -x a@h", "unknown option -x");
    assert_refused("watch a@h --timeout", "--timeout needs a value");
    assert_refused("watch --json=yes a@h", "--json takes no value");
}

static void who_wants_to_be_visible_needs_a_name(void **state)
{
    (void)state;
    struct options o;
    struct line l;
    struct failure why;
    assert_refused("watch --visible a@h", "--visible needs a name");
    assert_int_equal(parse(&o, &l, "watch --visible a@h --name me@h", &why), 0);
    assert_true(o.visible);
    assert_int_equal(parse(&o, &l, "watch --name me@h a@h", &why), 0);
    assert_false(o.visible);
    assert_int_equal(parse(&o, &l, "watch --visible --help", &why), 0);
    assert_true(o.help);
}

static void operands_that_look_like_options_are_none_where_those_stand_before(void **state)
{
    (void)state;
    struct options o;
    struct line l;
    struct failure why;
    const unsigned allowed = OPT_JSON | OPT_TIMEOUT | OPT_BEFORE_OPERANDS;
    split(&l, "call --timeout 5 a@h m f -1 --json -- -h");
    assert_int_equal(options_parse(&o, allowed, l.argc, l.argv, &why), 0);
    assert_int_equal(o.timeout_ms, 5);
    assert_false(o.json || o.help);
    assert_int_equal(o.operand_count, 7);
    assert_string_equal(o.operands[3], "-1");
    assert_string_equal(o.operands[5], "--");
    split(&l, "call --json -- -1");
    assert_int_equal(options_parse(&o, allowed, l.argc, l.argv, &why), 0);
    assert_true(o.json);
    assert_int_equal(o.operand_count, 1);
    split(&l, "call -1 a@h");
    assert_int_equal(options_parse(&o, allowed, l.argc, l.argv, &why), CODE_USAGE);
    assert_string_equal(why.text, "unknown option -1");
}

static void an_option_that_the_command_does_not_take_is_refused(void **state)
{
    (void)state;
    struct options o;
    struct line l;
    struct failure why;
    split(&l, "names --for 3");
    assert_int_equal(options_parse(&o, OPT_JSON, l.argc, l.argv, &why), CODE_USAGE);
    assert_string_equal(why.text, "names takes no --for");
}

static void help_is_seen_in_any_place(void **state)
{
    (void)state;
    struct options o;
    struct line l;
    struct failure why;
    assert_int_equal(parse(&o, &l, "watch a@h --help", &why), 0);
    assert_true(o.help);
    assert_int_equal(parse(&o, &l, "watch -h", &why), 0);
    assert_true(o.help);
}

static void help_tells_the_options_that_are_taken_and_no_others(void **state)
{
    (void)state;
    char text[2048] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    options_help(out, OPT_JSON | OPT_TIMEOUT);
    fclose(out);
    assert_non_null(strstr(text, "--json"));
    assert_non_null(strstr(text, "--timeout MS"));
    assert_null(strstr(text, "--name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_the_defaults_hold),
        cmocka_unit_test(options_may_stand_before_and_behind_operands),
        cmocka_unit_test(the_environment_gives_the_port_and_the_option_wins),
        cmocka_unit_test(values_out_of_range_are_usage_errors),
        cmocka_unit_test(fractions_of_seconds_are_read_exactly),
        cmocka_unit_test(what_is_no_option_is_named),
        cmocka_unit_test(who_wants_to_be_visible_needs_a_name),
        cmocka_unit_test(operands_that_look_like_options_are_none_where_those_stand_before),
        cmocka_unit_test(an_option_that_the_command_does_not_take_is_refused),
        cmocka_unit_test(help_is_seen_in_any_place),
        cmocka_unit_test(help_tells_the_options_that_are_taken_and_no_others),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
