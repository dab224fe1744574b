/* The public functions through the shared library. Test of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <noex/noex.h>
#include <stdio.h>
#include <string.h>

static noex_node *make_node(void)
{
    struct noex_options options;
    noex_node *node = NULL;
    noex_options_init(&options);
    options.cookie = "secret";
    assert_int_equal(noex_node_new(&node, &options, NULL), 0);
    assert_non_null(node);
    return node;
}

static void version_is_that_of_the_headers(void **state)
{
    (void)state;
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", NOEX_VERSION_MAJOR, NOEX_VERSION_MINOR,
             NOEX_VERSION_PATCH);
    assert_string_equal(noex_version(), expected);
}

static void options_have_the_defaults_that_the_header_tells(void **state)
{
    (void)state;
    struct noex_options o;
    memset(&o, 0xff, sizeof o);
    noex_options_init(&o);
    assert_int_equal(o.size, sizeof o);
    assert_null(o.name);
    assert_null(o.cookie);
    assert_int_equal(o.ticktime_ms, 60000);
    assert_int_equal(o.step_ms, 7000);
    assert_int_equal(o.setup_timeout_ms, 10000);
    assert_int_equal(o.reconnect_min_ms, 500);
    assert_int_equal(o.reconnect_max_ms, 30000);
    assert_int_equal(o.message_max, 128u << 20);
    assert_int_equal(o.reason_max, 1u << 20);
    assert_int_equal(o.reason_budget, 16u << 20);
    assert_int_equal(o.out_high, 1u << 20);
    assert_int_equal(o.out_max, 128u << 20);
    assert_int_equal(o.monitors_max, 16777216);
    assert_int_equal(o.fragments_max, 65536);
    assert_int_equal(o.epmd_port, 4369);
    assert_int_equal(o.mail_max, 256u << 20);
    assert_int_equal(o.processes_max, 1u << 20);
}

static void every_error_has_a_name_a_text_and_the_class_of_its_hundreds(void **state)
{
    (void)state;
#define CHECK_ERROR(name, number, text)                                                            \
    assert_string_equal(noex_error_name(number), "NOEX_" #name);                                   \
    assert_string_equal(noex_error_text(number), text);                                            \
    assert_int_equal(noex_error_class(number), -(number) / 100);
    NOEX_ERROR_MAP(CHECK_ERROR)
#undef CHECK_ERROR
    assert_int_equal(noex_error_class(NOEX_OK), NOEX_CLASS_OK);
    assert_int_equal(noex_error_class(-9999), NOEX_CLASS_INTERNAL);
    assert_string_equal(noex_error_name(-9999), "NOEX_UNKNOWN");
    assert_string_equal(noex_error_text(-9999), "unknown error");
}

static void a_node_without_a_cookie_is_refused_with_the_cause(void **state)
{
    (void)state;
    struct noex_options options;
    struct noex_error err = {0};
    noex_node *node = NULL;
    noex_options_init(&options);
    assert_true(noex_node_new(&node, &options, &err) < 0);
    assert_null(node);
    assert_int_equal(noex_error_class(err.code), NOEX_CLASS_USAGE);
    assert_non_null(strstr(err.text, "cookie"));
}

static void an_idle_node_runs_and_reports_nothing(void **state)
{
    (void)state;
    noex_node *node = make_node();
    struct noex_stats stats;
    struct noex_monitor_stats monitors;
    assert_int_equal(noex_node_process(node, 0), 0);
    assert_null(noex_node_next_event(node));
    assert_true(noex_node_fd(node) >= 0);
    noex_node_stats(node, &stats, sizeof stats);
    assert_int_equal(stats.connections, 0);
    noex_monitor_get_stats(node, &monitors, sizeof monitors);
    assert_int_equal(monitors.initiated, 0);
    noex_node_free(node);
}

static void a_wakeup_ends_the_wait(void **state)
{
    (void)state;
    noex_node *node = make_node();
    assert_int_equal(noex_node_process(node, 0), 0);
    uint64_t start = noex_node_now_ms(node);
    noex_node_wakeup(node);
    assert_int_equal(noex_node_process(node, 60000), 0);
    assert_true(noex_node_now_ms(node) - start < 30000);
    noex_node_free(node);
}

static void a_target_on_a_malformed_node_is_refused(void **state)
{
    (void)state;
    noex_node *node = make_node();
    struct noex_target target = {.kind = NOEX_TARGET_NODE, .node = "nohost"};
    noex_monitor_id id = 0;
    assert_int_equal(noex_monitor(node, &target, 0, NULL, &id), NOEX_ENODENAME);
    assert_int_equal(noex_connect(node, "nohost", NOEX_CONNECT_ONCE), NOEX_ENODENAME);
    noex_node_free(node);
}

static void a_connection_that_nobody_takes_fails_with_an_event(void **state)
{
    (void)state;
    noex_node *node = make_node();
    const struct noex_event *event = NULL;
    /* Port 1 of loopback: reserved, nobody listens; any other port than epmd's is dialled directly.
     */
    assert_int_equal(noex_connect(node, "nobody@127.0.0.1:1", NOEX_CONNECT_ONCE), 0);
    for (int turn = 0; turn < 100 && !event; turn++) {
        assert_int_equal(noex_node_process(node, 100), 0);
        event = noex_node_next_event(node);
    }
    assert_non_null(event);
    assert_int_equal(event->type, NOEX_EVENT_CONNECT_FAILED);
    assert_string_equal(event->node, "nobody@127.0.0.1");
    assert_int_equal(event->error->code, NOEX_ECONNREFUSED);
    noex_node_free(node);
}

static void a_printed_pid_reads_back(void **state)
{
    (void)state;
    struct noex_pid pid;
    char text[64];
    assert_int_equal(noex_pid_parse("<0.123.4>", &pid), 0);
    assert_int_equal(noex_pid_text(&pid, text, sizeof text), strlen("<0.123.4>"));
    assert_string_equal(text, "<0.123.4>");
    assert_int_equal(noex_pid_parse("<0.123>", &pid), NOEX_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_that_of_the_headers),
        cmocka_unit_test(options_have_the_defaults_that_the_header_tells),
        cmocka_unit_test(every_error_has_a_name_a_text_and_the_class_of_its_hundreds),
        cmocka_unit_test(a_node_without_a_cookie_is_refused_with_the_cause),
        cmocka_unit_test(an_idle_node_runs_and_reports_nothing),
        cmocka_unit_test(a_wakeup_ends_the_wait),
        cmocka_unit_test(a_target_on_a_malformed_node_is_refused),
        cmocka_unit_test(a_connection_that_nobody_takes_fails_with_an_event),
        cmocka_unit_test(a_printed_pid_reads_back),
    };
    return cmocka_run_group_tests_name("shared", tests, NULL, NULL);
}
