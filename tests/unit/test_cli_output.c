/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_json.h"
#include "cli/output_text.h"
#include "cmocka_all.h"

#include <noex/reason.h>
#include <stdlib.h>
#include <time.h>

static const int64_t noon_us =
    INT64_C(1763899200) * 1000000 + 1234; /* 2025-11-23T12:00:00.001234Z */
static const struct noex_target name_target = {
    .kind = NOEX_TARGET_NAME, .node = "a@host:4370", .name = "worker"};
static const struct noex_target pid_target = {
    .kind = NOEX_TARGET_PID, .node = "a@host", .pid = {.id = 123, .serial = 4, .creation = 99}};

#define HEAD(seq, event)                                                                           \
    "{\"v\":1,\"seq\":" seq ",\"ts\":\"2025-11-23T12:00:00.001234Z\",\"event\":\"" event "\""

static void assert_line(struct output *out, struct report r, const char *expected)
{
    struct text line = {0};
    r.time_us = noon_us;
    out->line(out, &r, &line);
    assert_false(line.failed);
    text_add(&line, "", 1);
    assert_string_equal(line.ptr, expected);
    text_free(&line);
}

static void json_says_each_event_with_its_keys_in_order(void **state)
{
    (void)state;
    struct output out = output_json();
    assert_line(&out, (struct report){.kind = REPORT_NODE_UP, .node = "a@host"},
                HEAD("1", "node_up") ",\"node\":\"a@host\"}\n");
    assert_line(&out,
                (struct report){.kind = REPORT_NODE_DOWN,
                                .node = "a@host",
                                .reason = "connection_closed",
                                .message = "connection closed by the peer"},
                HEAD("2", "node_down") ",\"node\":\"a@host\",\"reason\":\"connection_closed\"}\n");
    assert_line(&out,
                (struct report){.kind = REPORT_MONITOR,
                                .target = "a@host:4370/worker",
                                .monitor = UINT64_C(18446744073709551615),
                                .what = &name_target},
                HEAD("3", "monitor") ",\"target\":\"a@host:4370/worker\","
                                     "\"monitorId\":\"18446744073709551615\",\"monitoredRef\":{"
                                     "\"id\":\"worker\",\"nodeId\":\"a@host\"}}\n");
    assert_line(&out,
                (struct report){
                    .kind = REPORT_PROCESS_UP, .target = "a@host/x", .gap_ms = 1500, .downs = 2},
                HEAD("4", "process_up") ",\"target\":\"a@host/x\",\"gapMs\":1500,\"downs\":2}\n");
    assert_line(
        &out,
        (struct report){.kind = REPORT_RECONNECT, .node = "a@host", .attempt = 3, .delay_ms = 700},
        HEAD("5", "reconnect") ",\"node\":\"a@host\",\"attempt\":3,\"delayMs\":700}\n");
    assert_line(&out, (struct report){.kind = REPORT_TICK_MISSED, .node = "a@host", .missed = 1},
                HEAD("6", "tick_missed") ",\"node\":\"a@host\",\"missed\":1}\n");
    assert_line(&out, (struct report){.kind = REPORT_PONG, .node = "a@host", .elapsed_us = 5},
                HEAD("7", "node_up") ",\"node\":\"a@host\"}\n");
    assert_line(&out, (struct report){.kind = REPORT_NAME, .host = "h", .name = "a", .port = 4000},
                HEAD("8", "name") ",\"host\":\"h\",\"name\":\"a\",\"port\":4000}\n");
}

static void json_says_why_and_by_whom_a_process_ended(void **state)
{
    (void)state;
    struct output out = output_json();
    struct report r = {.kind = REPORT_PROCESS_DOWN,
                       .target = "a@host/<0.123.4>",
                       .monitor = 7,
                       .what = &pid_target,
                       .origin = NOEX_ORIGIN_PEER,
                       .reason = "exception",
                       .message = "badarith",
                       .term = "{badarith,[]}"};
    assert_line(&out, r,
                HEAD("1", "process_down") ",\"target\":\"a@host/<0.123.4>\",\"monitorId\":\"7\","
                                          "\"monitoredRef\":{\"id\":\"<0.123.4>\",\"nodeId\":"
                                          "\"a@host\"},\"origin\":\"peer\",\"reason\":{\"type\":"
                                          "\"exception\",\"message\":\"badarith\",\"term\":"
                                          "\"{badarith,[]}\"}}\n");
    r.origin = NOEX_ORIGIN_LOCAL;
    r.reason = r.term = "noconnection";
    r.message = "";
    r.term_bytes = 3000017;
    assert_line(&out, r,
                HEAD("2", "process_down") ",\"target\":\"a@host/<0.123.4>\",\"monitorId\":\"7\","
                                          "\"monitoredRef\":{\"id\":\"<0.123.4>\",\"nodeId\":"
                                          "\"a@host\"},\"origin\":\"local\",\"reason\":{\"type\":"
                                          "\"noconnection\",\"message\":\"\",\"term\":"
                                          "\"noconnection\",\"cut\":true,\"termBytes\":3000017}}"
                                          "\n");
}

static void json_says_what_an_error_concerns(void **state)
{
    (void)state;
    struct output out = output_json();
    struct report r = {.kind = REPORT_ERROR, .code = "NOEX_ECOOKIE", .message = "cookies differ"};
    assert_line(&out, r,
                HEAD("1", "error") ",\"code\":\"NOEX_ECOOKIE\",\"message\":\"cookies differ\"}\n");
    r.node = "a@host";
    assert_line(&out, r,
                HEAD("2", "error") ",\"code\":\"NOEX_ECOOKIE\",\"message\":\"cookies differ\","
                                   "\"node\":\"a@host\"}\n");
    r.target = "a@host/x";
    assert_line(&out, r,
                HEAD("3", "error") ",\"code\":\"NOEX_ECOOKIE\",\"message\":\"cookies differ\","
                                   "\"target\":\"a@host/x\"}\n");
}

static void json_says_what_a_call_came_to(void **state)
{
    (void)state;
    struct output out = output_json();
    struct report r = {
        .kind = REPORT_RESULT, .node = "a@host:4370", .message = "", .term = "{ok,\"a\"}"};
    assert_line(&out, r,
                HEAD("1", "result") ",\"node\":\"a@host:4370\",\"value\":\"{ok,\\\"a\\\"}\"}\n");
    r.reason = "error";
    r.term = "badarith";
    r.message = "error: badarith";
    r.stack = "[]";
    assert_line(&out, r,
                HEAD("2", "result") ",\"node\":\"a@host:4370\",\"exception\":{\"class\":\"error\","
                                    "\"reason\":\"badarith\",\"message\":\"error: badarith\","
                                    "\"stack\":\"[]\"}}\n");
    r.reason = "exit";
    r.term = "normal";
    r.message = "";
    r.stack = NULL;
    assert_line(&out, r,
                HEAD("3", "result") ",\"node\":\"a@host:4370\",\"exception\":{\"class\":\"exit\","
                                    "\"reason\":\"normal\",\"message\":\"\"}}\n");
}

static void json_numbers_only_what_it_prints(void **state)
{
    (void)state;
    struct output out = output_json();
    assert_line(&out, (struct report){.kind = REPORT_VERDICT, .target = "a@h", .reason = "alive"},
                "");
    assert_line(&out, (struct report){.kind = REPORT_NODE_UP, .node = "a@host"},
                HEAD("1", "node_up") ",\"node\":\"a@host\"}\n");
}

static void json_is_valid_utf8_on_one_line_whatever_it_is_given(void **state)
{
    (void)state;
    struct output out = output_json();
    assert_line(
        &out,
        (struct report){.kind = REPORT_ERROR,
                        .code = "C",
                        .message = "a\xff\xc3\xa9\xed\xa0\x80\n\x01\"\xf0\x9f\x98\x80\xe2\x82"},
        HEAD("1", "error") ",\"code\":\"C\",\"message\":\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd"
                           "\xef\xbf\xbd\xef\xbf\xbd\\n\\u0001\\\"\xf0\x9f\x98\x80"
                           "\xef\xbf\xbd\xef\xbf\xbd\"}\n");
}

static void json_before_1970_and_far_off_times_do_not_break_the_line(void **state)
{
    (void)state;
    struct output out = output_json();
    static const int64_t times[] = {-1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct text line = {0};
        out.line(&out, &(struct report){.kind = REPORT_NODE_UP, .node = "a@h", .time_us = times[i]},
                 &line);
        assert_false(line.failed);
        assert_true(line.len > 2 && line.ptr[line.len - 1] == '\n');
        text_free(&line);
    }
}

static int in_utc(void **state)
{
    (void)state;
    setenv("TZ", "UTC0", 1);
    tzset();
    return 0;
}

#define AT "2025-11-23 12:00:00.001  "

static void text_has_one_aligned_line_an_event(void **state)
{
    (void)state;
    struct output out = output_text(false, 10);
    assert_line(&out, (struct report){.kind = REPORT_NODE_UP, .node = "a@host"},
                AT "node_up       a@host\n");
    assert_line(&out,
                (struct report){.kind = REPORT_NODE_DOWN,
                                .node = "a@host",
                                .reason = "connection_closed",
                                .message = "it went"},
                AT "node_down     a@host      connection_closed: it went\n");
    assert_line(
        &out, (struct report){.kind = REPORT_MONITOR, .target = "a@host/xyz", .what = &pid_target},
        AT "monitor       a@host/xyz  <0.123.4>\n");
    assert_line(&out,
                (struct report){.kind = REPORT_MONITOR, .target = "a@host/x", .what = &name_target},
                AT "monitor       a@host/x\n");
    assert_line(&out,
                (struct report){.kind = REPORT_MONITOR,
                                .node = "b@host",
                                .target = "a@host/global:x",
                                .what = &pid_target},
                AT "monitor       a@host/global:x  <0.123.4> on b@host\n");
    assert_line(
        &out,
        (struct report){.kind = REPORT_PROCESS_UP, .target = "a@host/x", .gap_ms = 20, .downs = 3},
        AT "process_up    a@host/x    after 20 ms (downs: 3)\n");
    assert_line(
        &out,
        (struct report){.kind = REPORT_RECONNECT, .node = "a@host", .attempt = 2, .delay_ms = 900},
        AT "reconnect     a@host      attempt 2 in 900 ms\n");
    assert_line(&out, (struct report){.kind = REPORT_TICK_MISSED, .node = "a@host", .missed = 1},
                AT "tick_missed   a@host      missed 1\n");
}

static void text_calls_a_process_of_a_lost_node_unknown_not_dead(void **state)
{
    (void)state;
    struct output out = output_text(false, 0);
    struct report r = {.kind = REPORT_PROCESS_DOWN,
                       .target = "a@h/x",
                       .what = &name_target,
                       .origin = NOEX_ORIGIN_LOCAL,
                       .reason = "noconnection",
                       .message = "",
                       .term = "noconnection"};
    assert_line(&out, r, AT "process_down  a@h/x  unknown (connection lost)\n");
    r.origin = NOEX_ORIGIN_PEER;
    assert_line(&out, r, AT "process_down  a@h/x  noconnection\n");
    r.reason = "shutdown";
    r.term = "{shutdown,x}";
    assert_line(&out, r, AT "process_down  a@h/x  shutdown  {shutdown,x}\n");
    r.reason = "exception";
    r.message = "bad argument";
    r.term_bytes = 5000;
    assert_line(&out, r, AT "process_down  a@h/x  exception: bad argument (cut, 5000 bytes)\n");
}

static void text_never_passes_control_characters_on(void **state)
{
    (void)state;
    struct output out = output_text(false, 0);
    assert_line(&out,
                (struct report){.kind = REPORT_PROCESS_DOWN,
                                .target = "a@h/\x1b[2J",
                                .what = &name_target,
                                .reason = "exception",
                                .message = "a\nb\t\x07\x7f\xc2\x9b\xe2\x80\xae\xff\xc3\xa9",
                                .term = ""},
                AT "process_down  a@h/\\x1b[2J  exception: "
                   "a\\nb\\t\\x07\\x7f\\x9b\\x{202e}\\xff\xc3\xa9\n");
}

static void text_of_a_value_is_whole_and_nothing_else(void **state)
{
    (void)state;
    struct output out = output_text(false, 0);
    static char value[100000], expected[sizeof value + 1];
    memset(value, 'v', sizeof value - 1);
    memset(expected, 'v', sizeof value - 1);
    expected[sizeof value - 1] = '\n';
    assert_line(&out, (struct report){.kind = REPORT_RESULT, .node = "a@h", .term = value},
                expected);
    assert_line(
        &out,
        (struct report){.kind = REPORT_RESULT, .node = "a@h", .term = "\"\xc3\xa9\xe2\x80\xae\""},
        "\"\xc3\xa9\\x{202e}\"\n");
    assert_line(
        &out,
        (struct report){.kind = REPORT_RESULT, .node = "a@h", .reason = "exit", .term = "normal"},
        "");
}

static void text_cuts_what_is_too_long_for_a_line(void **state)
{
    (void)state;
    struct output out = output_text(false, 0);
    static char message[10000];
    memset(message, 'm', sizeof message - 1);
    struct text line = {0};
    out.line(&out,
             &(struct report){.kind = REPORT_PROCESS_DOWN,
                              .target = "a@h/x",
                              .what = &name_target,
                              .reason = "exception",
                              .message = message,
                              .term = ""},
             &line);
    assert_true(line.len < 3000);
    assert_memory_equal(line.ptr + line.len - 4, "...\n", 4);
    text_free(&line);
}

static void text_is_coloured_only_where_asked_for(void **state)
{
    (void)state;
    struct output out = output_text(true, 0);
    assert_line(&out, (struct report){.kind = REPORT_NODE_UP, .node = "a@h"},
                AT "\x1b[32mnode_up\x1b[0m       a@h\n");
}

static void text_says_verdicts_pongs_and_names_without_a_time(void **state)
{
    (void)state;
    struct output out = output_text(false, 8);
    assert_line(&out,
                (struct report){
                    .kind = REPORT_VERDICT, .target = "a@h/x", .reason = "alive", .message = ""},
                "alive         a@h/x\n");
    assert_line(&out,
                (struct report){.kind = REPORT_VERDICT,
                                .target = "a@h/x",
                                .reason = "unreachable",
                                .message = "connection refused"},
                "unreachable   a@h/x     connection refused\n");
    assert_line(&out, (struct report){.kind = REPORT_PONG, .node = "a@h", .elapsed_us = 1234},
                "pong a@h time=1.23 ms\n");
    assert_line(&out, (struct report){.kind = REPORT_NAME, .name = "a", .port = 4000},
                "name a at port 4000\n");
    assert_line(&out, (struct report){.kind = REPORT_ERROR, .message = "is for standard error"},
                "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_says_each_event_with_its_keys_in_order),
        cmocka_unit_test(json_says_why_and_by_whom_a_process_ended),
        cmocka_unit_test(json_says_what_an_error_concerns),
        cmocka_unit_test(json_says_what_a_call_came_to),
        cmocka_unit_test(json_numbers_only_what_it_prints),
        cmocka_unit_test(json_is_valid_utf8_on_one_line_whatever_it_is_given),
        cmocka_unit_test(json_before_1970_and_far_off_times_do_not_break_the_line),
        cmocka_unit_test(text_has_one_aligned_line_an_event),
        cmocka_unit_test(text_calls_a_process_of_a_lost_node_unknown_not_dead),
        cmocka_unit_test(text_never_passes_control_characters_on),
        cmocka_unit_test(text_of_a_value_is_whole_and_nothing_else),
        cmocka_unit_test(text_cuts_what_is_too_long_for_a_line),
        cmocka_unit_test(text_is_coloured_only_where_asked_for),
        cmocka_unit_test(text_says_verdicts_pongs_and_names_without_a_time),
    };
    return cmocka_run_group_tests(tests, in_utc, NULL);
}
