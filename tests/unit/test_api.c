/* SPDX-License-Identifier: Apache-2.0 */
#include "node_bench.h"

#include "term/write.h"
#include <limits.h>
#include <stdlib.h>

static struct bench b;

/* ---- options ---- */

static int make_node(const struct noex_options *o, struct noex_error *err)
{
    noex_node *node = NULL;
    int rc = noex_node_new(&node, o, err);
    assert_true((rc == 0) == (node != NULL));
    noex_node_free(node);
    return rc;
}

static struct noex_options plain_options(void)
{
    struct noex_options o;
    noex_options_init(&o);
    o.cookie = "cookie";
    return o;
}

static void the_defaults_are_those_of_the_manual(void **state)
{
    (void)state;
    struct noex_options o;
    noex_options_init(&o);
    assert_int_equal(o.size, sizeof o);
    assert_null(o.name);
    assert_null(o.cookie);
    assert_null(o.allocator);
    assert_int_equal(o.ticktime_ms, 60000);
    assert_int_equal(o.step_ms, 7000);
    assert_int_equal(o.setup_timeout_ms, 10000);
    assert_int_equal(o.reconnect_min_ms, 500);
    assert_int_equal(o.reconnect_max_ms, 30000);
    assert_int_equal(o.message_max, 128u << 20);
    assert_int_equal(o.reason_max, 1 << 20);
    assert_int_equal(o.reason_budget, 16 << 20);
    assert_int_equal(o.out_high, 1 << 20);
    assert_int_equal(o.out_max, 128 << 20);
    assert_int_equal(o.monitors_max, 16777216);
    assert_int_equal(o.fragments_max, 65536);
    assert_int_equal(o.epmd_port, 4369);
    assert_int_equal(o.mail_max, 256u << 20);
    assert_int_equal(o.processes_max, 1u << 20);
    struct noex_error err;
    o.cookie = "cookie";
    assert_int_equal(make_node(&o, &err), 0);
    assert_int_equal(err.code, 0);
}

enum field_size { F32, F64, FSIZE, F16, FLEVEL };

/* Each option at the ends of its range, and one step outside. */
static const struct range_case {
    const char *name;
    size_t offset;
    enum field_size size;
    uint64_t good[2];
    uint64_t bad[2];
} ranges[] = {
#define FIELD(f, size, low, high, below, above)                                                    \
    {                                                                                              \
#f, offsetof(struct noex_options, f), size, {low, high },                                  \
        {                                                                                          \
            below, above                                                                           \
        }                                                                                          \
    }
    FIELD(ticktime_ms, F64, 1000, 86400000, 999, 86400001),
    FIELD(step_ms, F64, 1, 86400000, 0, 86400001),
    FIELD(setup_timeout_ms, F64, 1, UINT64_MAX / 4, 0, UINT64_MAX),
    FIELD(reconnect_min_ms, F64, 1, 30000, 0, 30001),
    FIELD(reconnect_max_ms, F64, 500, 86400000, 0, 86400001),
    FIELD(message_max, FSIZE, 1 << 20, UINT32_MAX, 65535, (uint64_t)UINT32_MAX + 1),
    FIELD(reason_max, FSIZE, 64, 128 << 20, 63, (128 << 20) + 1),
    FIELD(reason_budget, FSIZE, 0, SIZE_MAX / 4, SIZE_MAX / 4 + 1, SIZE_MAX),
    FIELD(out_high, FSIZE, 4096, 64 << 20, 4095, (64 << 20) + 1),
    FIELD(out_max, FSIZE, 2 << 20, SIZE_MAX / 4, 65535, SIZE_MAX),
    FIELD(monitors_max, F32, 1, 1 << 28, 0, (1 << 28) + 1),
    FIELD(fragments_max, F32, 1, 1 << 20, 0, (1 << 20) + 1),
    FIELD(epmd_port, F16, 1, 65535, 0, 0),
    FIELD(mail_max, FSIZE, 65536, SIZE_MAX / 4, 65535, SIZE_MAX),
    FIELD(processes_max, F32, 1, 1 << 28, 0, (1 << 28) + 1),
    FIELD(accept_max, F32, 1, 65535, 0, 65536),
    FIELD(log_level, FLEVEL, NOEX_LOG_ERROR, NOEX_LOG_TRACE, 4, 4000),
};

static void set_field(struct noex_options *o, const struct range_case *c, uint64_t value)
{
    void *at = (char *)o + c->offset;
    size_t size = (size_t)value;
    uint32_t v32 = (uint32_t)value;
    uint16_t v16 = (uint16_t)value;
    enum noex_log_level level = (enum noex_log_level)v32;
    switch (c->size) {
    case F64:
        memcpy(at, &value, sizeof value);
        return;
    case FSIZE:
        memcpy(at, &size, sizeof size);
        return;
    case F32:
        memcpy(at, &v32, sizeof v32);
        return;
    case F16:
        memcpy(at, &v16, sizeof v16);
        return;
    case FLEVEL:
        memcpy(at, &level, sizeof level);
        return;
    }
}

static void an_option_out_of_range_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        for (int k = 0; k < 2; k++) {
            struct noex_options o = plain_options();
            struct noex_error err;
            set_field(&o, &ranges[i], ranges[i].good[k]);
            if (make_node(&o, &err))
                fail_msg("%s: %s", ranges[i].name, err.text);
            o = plain_options();
            set_field(&o, &ranges[i], ranges[i].bad[k]);
            if (make_node(&o, &err) != NOEX_EINVALID || err.code != NOEX_EINVALID ||
                !strstr(err.text, ranges[i].name))
                fail_msg("%s: %d %s", ranges[i].name, err.code, err.text);
            assert_int_equal(make_node(&o, NULL), NOEX_EINVALID);
        }
    }
}

static void a_node_cannot_be_made_of_what_is_missing(void **state)
{
    (void)state;
    noex_node *node;
    struct noex_error err;
    struct noex_options o = plain_options();
    assert_int_equal(noex_node_new(NULL, &o, &err), NOEX_EINVALID);
    assert_int_equal(err.code, NOEX_EINVALID);
    assert_int_equal(noex_node_new(&node, NULL, &err), NOEX_EINVALID);
    assert_int_equal(noex_node_new(NULL, NULL, NULL), NOEX_EINVALID);
    o.size = 0;
    assert_int_equal(make_node(&o, &err), NOEX_EINVALID);
    assert_non_null(strstr(err.text, "noex_options_init"));
}

/* Of a header that is newer than the library, and of one that is older. */
static void options_of_other_headers_are_read_as_far_as_both_know_them(void **state)
{
    (void)state;
    struct {
        struct noex_options known;
        uint64_t later;
    } newer;
    struct noex_error err;
    noex_options_init_size(&newer.known, sizeof newer);
    newer.known.cookie = "cookie";
    assert_int_equal(newer.known.size, sizeof newer);
    assert_int_equal(newer.known.epmd_port, 4369);
    assert_int_equal(newer.later, 0);
    assert_int_equal(make_node(&newer.known, &err), 0);
    newer.later = 1;
    assert_int_equal(make_node(&newer.known, &err), NOEX_EINVALID);
    assert_non_null(strstr(err.text, "more than this library knows"));

    struct noex_options older;
    memset(&older, 0xff, sizeof older);
    noex_options_init_size(&older, offsetof(struct noex_options, epmd_port));
    older.cookie = "cookie";
    assert_int_equal(make_node(&older, &err), 0);
    assert_int_equal(older.epmd_port, 0xffff); /* not the library's to touch */
    older.ticktime_ms = 1;
    assert_int_equal(make_node(&older, &err), NOEX_EINVALID);
    assert_non_null(strstr(err.text, "ticktime_ms"));
    older.size = offsetof(struct noex_options, cookie);
    assert_int_equal(make_node(&older, &err), NOEX_EINVALID);

    /* Of the first release, which did not know how to listen. */
    memset(&older, 0xff, sizeof older);
    noex_options_init_size(&older, offsetof(struct noex_options, listen_address));
    older.cookie = "cookie";
    assert_int_equal(make_node(&older, &err), 0);
}

static void a_cookie_has_its_form(void **state)
{
    (void)state;
    char cookie[300];
    struct noex_error err;
    struct noex_options o = plain_options();
    const char *const bad[] = {"tab\there", "line\n", "\177", "\303\244"};
    o.cookie = NULL;
    assert_int_equal(make_node(&o, &err), NOEX_EINVALID);
    assert_non_null(strstr(err.text, "cookie"));
    o.cookie = "";
    assert_int_equal(make_node(&o, &err), NOEX_EINVALID);
    for (int i = 0; i < 4; i++) {
        o.cookie = bad[i];
        assert_int_equal(make_node(&o, &err), NOEX_ECOOKIE_FORM);
        assert_null(strstr(err.text, bad[i]));
    }
    o.cookie = " all that is printable ~";
    assert_int_equal(make_node(&o, &err), 0);
    memset(cookie, 'c', sizeof cookie);
    cookie[256] = '\0';
    o.cookie = cookie;
    assert_int_equal(make_node(&o, &err), NOEX_ECOOKIE_FORM);
    cookie[255] = '\0';
    assert_int_equal(make_node(&o, &err), 0);
}

static void a_nodes_own_name_has_two_parts_and_no_port(void **state)
{
    (void)state;
    const char *const bad[] = {"", "x", "x@", "@h", "x@h:4369", "x y@h", "x@h@h"};
    struct noex_error err;
    struct noex_options o = plain_options();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o.name = bad[i];
        assert_int_equal(make_node(&o, &err), NOEX_ENODENAME);
        assert_int_equal(err.code, NOEX_ENODENAME);
    }
    o.name = "x@h";
    assert_int_equal(make_node(&o, &err), 0);
}

static void strings_are_copied_when_the_node_is_made(void **state)
{
    (void)state;
    char name[] = "mon@127.0.0.1", cookie[] = "cookie";
    bench_init(&b);
    b.options.name = name;
    b.options.cookie = cookie;
    bench_open(&b);
    memset(name, 'x', sizeof name);
    memset(cookie, 'x', sizeof cookie);
    bench_beam(&b, NULL);
    bench_connect(&b, 0);
    bench_close(&b);
}

/* ---- arguments ---- */

static void a_monitor_of_what_is_no_target_is_refused(void **state)
{
    (void)state;
    static char long_name[4 * 256 + 1], full_name[4 * 255 + 1];
    for (int i = 0; i < 256; i++)
        memcpy(long_name + 4 * i, "\360\237\220\235", 4);
    memcpy(full_name, long_name, sizeof full_name - 1);
    const char *const node = "beam@127.0.0.1:9";
    const struct {
        struct noex_target target;
        int code;
    } cases[] = {
        {{.kind = NOEX_TARGET_NAME, .node = node}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_NAME, .node = node, .name = ""}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_NAME, .node = node, .name = "undefined"}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_NAME, .node = node, .name = long_name}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_NAME, .node = node, .name = "\377"}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_NAME, .node = node, .name = "a\303"}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_NAME, .node = node, .name = "\355\240\200"}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_PID, .node = node, .pid = {1u << 28, 0, 0}}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_PID, .node = node, .pid = {UINT32_MAX, 0, 7}}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_GLOBAL, .node = node, .name = "x"}, NOEX_ETARGET},
        {{.kind = (enum noex_target_kind)77, .node = node}, NOEX_ETARGET},
        {{.kind = NOEX_TARGET_NODE}, NOEX_ENODENAME},
        {{.kind = NOEX_TARGET_NODE, .node = "beam"}, NOEX_ENODENAME},
        {{.kind = NOEX_TARGET_NODE, .node = "beam@h:0"}, NOEX_ENODENAME},
        {{.kind = NOEX_TARGET_NODE, .node = "mon@127.0.0.1"}, NOEX_EINVALID},
    };
    noex_monitor_id id = 0;
    bench_default(&b);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = noex_monitor(b.node, &cases[i].target, 0, NULL, &id);
        if (rc != cases[i].code)
            fail_msg("case %zu: %s", i, noex_error_name(rc));
    }
    const struct noex_target good = {.kind = NOEX_TARGET_NAME, .node = node, .name = full_name};
    assert_int_equal(noex_monitor(NULL, &good, 0, NULL, &id), NOEX_EINVALID);
    assert_int_equal(noex_monitor(b.node, NULL, 0, NULL, &id), NOEX_EINVALID);
    assert_int_equal(noex_monitor(b.node, &good, 0, NULL, NULL), NOEX_EINVALID);
    assert_int_equal(id, 0);
    bench_for(&b, 20);
    assert_int_equal(b.seen_count, 0); /* M05: nothing was started */
    assert_int_equal(bench_monitor_stats(&b).initiated, 0);
    bench_close(&b);
}

static void a_name_of_255_characters_in_1020_bytes_can_be_monitored(void **state)
{
    (void)state;
    static char name[4 * 255 + 1];
    for (int i = 0; i < 255; i++)
        memcpy(name + 4 * i, "\360\237\220\235", 4);
    bench_default(&b);
    bench_monitor_name(&b, 0, name, NULL);
    bench_monitor_name(&b, 0, "behind_it", NULL);
    bench_until(&b, M_DOWN, 2);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_MONITOR_P, 0);
    struct nx_span atom;
    assert_true(nx_atom_parse(fake_signal_arg(s, NX_ARG_TARGET), &atom));
    assert_true(nx_span_is(atom, name));
    bench_close(&b);
}

static void more_monitors_than_monitors_max_are_refused(void **state)
{
    (void)state;
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .name = "x"};
    char address[300];
    noex_monitor_id id;
    bench_init(&b);
    b.options.monitors_max = 3;
    bench_open(&b);
    bench_beam(&b, NULL);
    fake_beam_address(&b.beam[0], address, sizeof address);
    t.node = address;
    for (int i = 0; i < 3; i++)
        bench_monitor_name(&b, 0, "absent", NULL);
    assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &id), NOEX_ELIMIT);
    bench_until(&b, M_DOWN, 3); /* their places are free again */
    assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &id), 0);
    bench_until(&b, M_DOWN, 4);
    bench_close(&b);
}

static void a_connection_to_what_is_no_peer_is_refused(void **state)
{
    (void)state;
    bench_default(&b);
    assert_int_equal(noex_connect(b.node, NULL, NOEX_CONNECT_ONCE), NOEX_ENODENAME);
    assert_int_equal(noex_connect(b.node, "beam", NOEX_CONNECT_ONCE), NOEX_ENODENAME);
    assert_int_equal(noex_connect(b.node, "mon@127.0.0.1", NOEX_CONNECT_KEEP), NOEX_EINVALID);
    assert_int_equal(noex_connect(b.node, "mon@127.0.0.1:9", NOEX_CONNECT_KEEP), NOEX_EINVALID);
    assert_int_equal(noex_connect(b.node, "beam@h", (enum noex_connect_flags)2), NOEX_EINVALID);
    assert_int_equal(noex_disconnect(b.node, NULL), NOEX_ENODENAME);
    assert_int_equal(noex_disconnect(b.node, "mon@127.0.0.1"), NOEX_ENOTREACHABLE);
    assert_int_equal(noex_connection(b.node, NULL, NULL, 0), NOEX_CONNECTION_NONE);
    assert_int_equal(noex_connection(b.node, "beam@127.0.0.1", NULL, 5), NOEX_CONNECTION_NONE);
    bench_for(&b, 10);
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void the_connection_is_described_within_any_size(void **state)
{
    (void)state;
    char address[300], text[80];
    bench_default(&b);
    b.beam[0].say_max = 1;
    fake_beam_address(&b.beam[0], address, sizeof address);
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_ONCE), 0);
    bench_for(&b, 30);
    for (size_t size = 0; size < sizeof text; size++) {
        memset(text, '#', sizeof text);
        assert_int_equal(noex_connection(b.node, address, text, size), NOEX_CONNECTION_CONNECTING);
        assert_int_equal(text[size], '#');
        if (size)
            assert_int_equal(strncmp(text, "the peer's status", size - 1), 0);
    }
    b.beam[0].say_max = 0;
    bench_until(&b, UP, 1);
    assert_int_equal(noex_connection(b.node, address, text, sizeof text), NOEX_CONNECTION_UP);
    assert_string_equal(text, "");
    bench_close(&b);
}

/* ---- printed pids ---- */

static void printed_pids_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t id;
        uint32_t serial;
    } good[] = {{"<0.0.0>", 0, 0},
                {"<0.123.0>", 123, 0},
                {"<9999.123.7>", 123, 7},
                {"<0.268435455.268435455>", 268435455, 268435455},
                {"<0.00012.03>", 12, 3}};
    static const char *const bad[] = {"",
                                      "<",
                                      "<>",
                                      "0.1.0",
                                      "<0.1>",
                                      "<0.1.2",
                                      "<0.1.2>>",
                                      "<0.1.2> ",
                                      " <0.1.2>",
                                      "<0.1.2.3>",
                                      "<.1.2>",
                                      "<0..2>",
                                      "<0.1.>",
                                      "<-1.1.2>",
                                      "<0.-1.2>",
                                      "<0.+1.2>",
                                      "<0.1.2a>",
                                      "<0. 1.2>",
                                      "<0.1,2>",
                                      "#Pid<0.1.2>",
                                      "<0.268435456.0>",
                                      "<0.1.268435456>",
                                      "<268435456.1.1>",
                                      "<0.18446744073709551617.0>",
                                      "<0.99999999999999999999999999.0>",
                                      "<a.b.c>"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct noex_pid pid = {1, 1, 1};
        assert_int_equal(noex_pid_parse(good[i].text, &pid), 0);
        assert_true(pid.id == good[i].id && pid.serial == good[i].serial && pid.creation == 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct noex_pid pid = {1, 2, 3};
        if (noex_pid_parse(bad[i], &pid) != NOEX_EINVALID)
            fail_msg("'%s' was read", bad[i]);
        assert_true(pid.id == 1 && pid.serial == 2 && pid.creation == 3);
    }
    struct noex_pid pid;
    assert_int_equal(noex_pid_parse(NULL, &pid), NOEX_EINVALID);
}

static void pids_are_printed_within_any_size(void **state)
{
    (void)state;
    static const char whole[] = "<0.4294967295.4294967295>";
    const struct noex_pid pid = {UINT32_MAX, UINT32_MAX, 7};
    for (size_t size = 0; size <= sizeof whole; size++) {
        char *text = malloc(size + 1); /* one more, as malloc(0) may be NULL */
        assert_non_null(text);
        text[size] = '#';
        assert_int_equal(noex_pid_text(&pid, text, size), sizeof whole - 1);
        assert_int_equal(text[size], '#');
        if (size) {
            assert_int_equal(strlen(text), size - 1);
            assert_int_equal(strncmp(text, whole, strlen(text)), 0);
        }
        free(text);
    }
    assert_int_equal(noex_pid_text(&pid, NULL, 0), sizeof whole - 1);
    assert_int_equal(noex_pid_text(&pid, NULL, 8), NOEX_EINVALID);
    assert_int_equal(noex_pid_text(NULL, NULL, 0), NOEX_EINVALID);
}

/* ---- events in words ---- */

static struct noex_event down_event(const uint8_t *term, size_t len)
{
    return (struct noex_event){.type = NOEX_EVENT_MONITOR_DOWN,
                               .node = "beam@127.0.0.1",
                               .reason = NOEX_REASON_EXCEPTION,
                               .term = term,
                               .term_len = len,
                               .term_full_len = len};
}

/* {badarith, [{m, f, 0, []}]} */
static const uint8_t badarith[] = {104, 2,   119, 8, 'b', 'a', 'd', 'a', 'r', 'i',
                                   't', 'h', 108, 0, 0,   0,   1,   104, 4,   119,
                                   1,   'm', 119, 1, 'f', 97,  0,   106, 106};

static void reasons_are_printed_within_any_size(void **state)
{
    (void)state;
    static const char whole[] = "{badarith,[{m,f,0,[]}]}";
    const struct noex_event e = down_event(badarith, sizeof badarith);
    for (size_t size = 0; size <= sizeof whole + 2; size++) {
        char *text = malloc(size + 1);
        bool cut = false;
        assert_non_null(text);
        text[size] = '#';
        int n = noex_event_print_term(&e, text, size, &cut);
        assert_int_equal(text[size], '#');
        if (size < 4) {
            assert_int_equal(n, NOEX_EINVALID);
        } else {
            assert_int_equal(n, strlen(text));
            assert_true((size_t)n < size);
            assert_true(cut == (size < sizeof whole));
            if (cut)
                assert_string_equal(text + n - 3, "...");
            else
                assert_string_equal(text, whole);
            assert_int_equal(noex_event_print_term(&e, text, size, NULL), n);
        }
        free(text);
    }
}

static void messages_are_printed_within_any_size(void **state)
{
    (void)state;
    const struct noex_event e = down_event(badarith, sizeof badarith);
    char whole[128];
    int len = noex_event_message(&e, whole, sizeof whole);
    assert_true(len > 0);
    assert_non_null(strstr(whole, "badarith"));
    assert_null(strstr(whole, "{m,f,0"));
    for (size_t size = 0; size <= (size_t)len + 2; size++) {
        char *text = malloc(size + 1);
        assert_non_null(text);
        text[size] = '#';
        int n = noex_event_message(&e, text, size);
        assert_int_equal(text[size], '#');
        if (size < 4) {
            assert_int_equal(n, NOEX_EINVALID);
        } else {
            assert_int_equal(n, strlen(text));
            assert_true((size_t)n < size);
            if (size > (size_t)len)
                assert_string_equal(text, whole);
            else
                assert_string_equal(text + n - 3, "...");
        }
        free(text);
    }
}

static void a_term_that_is_cut_anywhere_is_printed_with_dots_and_classified(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof badarith; cut++) {
        uint8_t *term = malloc(cut ? cut : 1);
        char text[128];
        bool marked = false;
        assert_non_null(term);
        memcpy(term, badarith, cut);
        struct noex_event e = down_event(cut ? term : NULL, cut);
        e.term_full_len = sizeof badarith;
        int n = noex_event_print_term(&e, text, sizeof text, &marked);
        assert_true(n >= 3 && marked);
        assert_string_equal(text + n - 3, "...");
        assert_true(noex_event_message(&e, text, sizeof text) >= 0);
        free(term);
    }
}

static void a_bare_reason_has_no_message_and_its_name_as_term(void **state)
{
    (void)state;
    static const uint8_t normal[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
    struct noex_event e = down_event(normal, sizeof normal);
    char text[32] = "#";
    e.reason = NOEX_REASON_NORMAL;
    assert_int_equal(noex_event_message(&e, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(noex_event_print_term(&e, text, sizeof text, NULL), 6);
    assert_string_equal(text, "normal");
}

static void a_pid_of_the_node_is_printed_as_there(void **state)
{
    (void)state;
    uint8_t here[FAKE_TERM], there[FAKE_TERM];
    char text[64];
    struct nx_span pid = fake_pid("beam@127.0.0.1", 5, 0, 2002, here);
    struct noex_event e = down_event(pid.ptr, pid.len);
    assert_true(noex_event_print_term(&e, text, sizeof text, NULL) > 0);
    assert_string_equal(text, "<0.5.0>");
    pid = fake_pid("third@h", 5, 0, 1, there);
    e = down_event(pid.ptr, pid.len);
    assert_true(noex_event_print_term(&e, text, sizeof text, NULL) > 0);
    assert_non_null(strstr(text, "third@h"));
}

static void only_a_down_has_a_reason_to_print(void **state)
{
    (void)state;
    char text[32];
    for (int type = 0; type < 12; type++) {
        struct noex_event e = down_event(badarith, sizeof badarith);
        e.type = (enum noex_event_type)type;
        bool down = type == NOEX_EVENT_MONITOR_DOWN;
        assert_true((noex_event_print_term(&e, text, sizeof text, NULL) > 0) == down);
        assert_true((noex_event_message(&e, text, sizeof text) > 0) == down);
    }
    const struct noex_event e = down_event(badarith, sizeof badarith);
    assert_int_equal(noex_event_print_term(NULL, text, sizeof text, NULL), NOEX_EINVALID);
    assert_int_equal(noex_event_message(NULL, text, sizeof text), NOEX_EINVALID);
    assert_int_equal(noex_event_print_term(&e, NULL, sizeof text, NULL), NOEX_EINVALID);
    assert_int_equal(noex_event_message(&e, NULL, sizeof text), NOEX_EINVALID);
}

/* ---- errors ---- */

static void every_error_has_a_name_a_text_and_a_class(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *name;
    } codes[] = {
#define ROW(name, number, text) {number, "NOEX_" #name},
        NOEX_ERROR_MAP(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_string_equal(noex_error_name(codes[i].code), codes[i].name);
        assert_true(noex_error_text(codes[i].code)[0] != '\0');
        assert_string_not_equal(noex_error_text(codes[i].code), "unknown error");
        assert_int_equal(noex_error_class(codes[i].code), -codes[i].code / 100);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(codes[i].code, codes[k].code);
    }
    const int none[] = {1, -1, -99, -199, -600, -999, INT_MIN, INT_MAX};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_string_equal(noex_error_name(none[i]), "NOEX_UNKNOWN");
        assert_string_equal(noex_error_text(none[i]), "unknown error");
    }
    assert_int_equal(noex_error_class(0), NOEX_CLASS_OK);
    assert_int_equal(noex_error_class(1), NOEX_CLASS_INTERNAL);
    assert_int_equal(noex_error_class(-99), NOEX_CLASS_INTERNAL);
    assert_int_equal(noex_error_class(INT_MIN), NOEX_CLASS_INTERNAL);
}

static void a_node_goes_down_for_one_of_noexs_reasons(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *reason;
    } cases[] = {{NOEX_ETICKTIMEOUT, "heartbeat_timeout"},
                 {NOEX_ECLOSED, "connection_closed"},
                 {NOEX_ELOST, "connection_closed"},
                 {NOEX_ECONNREFUSED, "connection_refused"},
                 {NOEX_EDISCONNECTED, "graceful_shutdown"},
                 {NOEX_EPROTOCOL, "protocol_error"},
                 {NOEX_ETERM, "protocol_error"},
                 {NOEX_ETOOBIG, "protocol_error"},
                 {NOEX_ENOMEM, "local_error"},
                 {NOEX_ELIMIT, "local_error"},
                 {NOEX_ESYSTEM, "local_error"},
                 {0, "connection_closed"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct noex_error err = {.code = cases[i].code};
        assert_string_equal(noex_node_down_reason(&err), cases[i].reason);
    }
    assert_string_equal(noex_node_down_reason(NULL), "connection_closed");
}

static void the_types_of_reasons_have_the_names_of_the_guide(void **state)
{
    (void)state;
    static const char *const names[] = {"normal",    "shutdown", "killed",      "timeout",
                                        "exception", "noproc",   "noconnection"};
    for (int i = 0; i < 7; i++)
        assert_string_equal(noex_reason_type_name((enum noex_reason_type)i), names[i]);
    assert_non_null(noex_reason_type_name((enum noex_reason_type)99));
}

static void the_version_is_that_of_the_header(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", NOEX_VERSION_MAJOR, NOEX_VERSION_MINOR,
             NOEX_VERSION_PATCH);
    assert_string_equal(noex_version(), text);
}

/* ---- counters ---- */

static void counters_fit_callers_of_any_age(void **state)
{
    (void)state;
    struct {
        struct noex_stats stats;
        uint64_t more[4];
    } newer;
    struct {
        struct noex_monitor_stats stats;
        uint64_t more[4];
    } newer_monitors;
    bench_default(&b);
    bench_monitor_name(&b, 0, "absent", NULL);
    bench_until(&b, M_DOWN, 1);
    bench_settle(&b);
    struct noex_stats all = bench_stats(&b);
    struct noex_monitor_stats monitors = bench_monitor_stats(&b);
    for (size_t size = 0; size <= sizeof newer; size += 8) {
        memset(&newer, 0xee, sizeof newer);
        noex_node_stats(b.node, &newer.stats, size);
        size_t known = size < sizeof all ? size : sizeof all;
        assert_memory_equal(&newer, &all, known);
        for (size_t i = known; i < sizeof newer; i++)
            assert_int_equal(((uint8_t *)&newer)[i], i < size ? 0 : 0xee);
    }
    for (size_t size = 0; size <= sizeof newer_monitors; size += 8) {
        memset(&newer_monitors, 0xee, sizeof newer_monitors);
        noex_monitor_get_stats(b.node, &newer_monitors.stats, size);
        size_t known = size < sizeof monitors ? size : sizeof monitors;
        assert_memory_equal(&newer_monitors, &monitors, known);
        for (size_t i = known; i < sizeof newer_monitors; i++)
            assert_int_equal(((uint8_t *)&newer_monitors)[i], i < size ? 0 : 0xee);
    }
    bench_close(&b);
}

/* Whatever happened: each monitor asked for is pending, active, or ended in exactly one way. */
static void the_counters_of_monitors_add_up(void **state)
{
    (void)state;
    const uint8_t boom[] = {119, 4, 'b', 'o', 'o', 'm'};
    bench_default(&b);
    struct fake_beam *beam = &b.beam[0];
    fake_beam_spawn(beam, "stays");
    fake_beam_spawn(beam, "dies");
    uint64_t peer_downs = 0;
    for (int i = 0; i < 60; i++) {
        const char *const names[] = {"stays", "dies", "absent"};
        noex_monitor_id id = bench_monitor_name(&b, 0, names[i % 3], NULL);
        if (i % 7 == 0)
            assert_int_equal(noex_demonitor(b.node, id), 0);
        if (i % 5 == 0)
            bench_settle(&b);
        if (i == 30)
            fake_beam_die(beam, "dies", nx_span(boom, sizeof boom), FAKE_PAYLOAD);
        if (i == 40 || i == 50)
            fake_beam_hang_up(beam, i == 50);
        if (i == 45)
            beam->no_barrier = true;
        if (i == 55)
            beam->no_barrier = false;
        struct noex_monitor_stats s = bench_monitor_stats(&b);
        for (size_t k = peer_downs = 0; k < b.seen_count; k++)
            peer_downs += b.seen[k].type == M_DOWN && b.seen[k].origin == NOEX_ORIGIN_PEER;
        assert_true(s.initiated == (uint64_t)i + 1);
        assert_true(s.established >= s.active + s.noconnection);
        assert_true(s.pending + s.active + s.demonitored + s.timed_out + s.failed +
                        s.noconnection <=
                    s.initiated);
    }
    bench_settle(&b);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    for (size_t k = peer_downs = 0; k < b.seen_count; k++)
        peer_downs += b.seen[k].type == M_DOWN && b.seen[k].origin == NOEX_ORIGIN_PEER;
    assert_int_equal(s.initiated, s.pending + s.active + s.demonitored + s.timed_out + s.failed +
                                      s.noconnection + peer_downs);
    assert_int_equal(s.downs_received, peer_downs + bench_stats(&b).downs_stale);
    assert_int_equal(s.established, b.count[M_UP]);
    assert_int_equal(s.failed + s.timed_out, b.count[M_FAILED]);
    assert_int_equal(s.noconnection + peer_downs, b.count[M_DOWN]);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_manual),
        cmocka_unit_test(an_option_out_of_range_is_named),
        cmocka_unit_test(a_node_cannot_be_made_of_what_is_missing),
        cmocka_unit_test(options_of_other_headers_are_read_as_far_as_both_know_them),
        cmocka_unit_test(a_cookie_has_its_form),
        cmocka_unit_test(a_nodes_own_name_has_two_parts_and_no_port),
        cmocka_unit_test(strings_are_copied_when_the_node_is_made),
        cmocka_unit_test(a_monitor_of_what_is_no_target_is_refused),
        cmocka_unit_test(a_name_of_255_characters_in_1020_bytes_can_be_monitored),
        cmocka_unit_test(more_monitors_than_monitors_max_are_refused),
        cmocka_unit_test(a_connection_to_what_is_no_peer_is_refused),
        cmocka_unit_test(the_connection_is_described_within_any_size),
        cmocka_unit_test(printed_pids_are_read),
        cmocka_unit_test(pids_are_printed_within_any_size),
        cmocka_unit_test(reasons_are_printed_within_any_size),
        cmocka_unit_test(messages_are_printed_within_any_size),
        cmocka_unit_test(a_term_that_is_cut_anywhere_is_printed_with_dots_and_classified),
        cmocka_unit_test(a_bare_reason_has_no_message_and_its_name_as_term),
        cmocka_unit_test(a_pid_of_the_node_is_printed_as_there),
        cmocka_unit_test(only_a_down_has_a_reason_to_print),
        cmocka_unit_test(every_error_has_a_name_a_text_and_a_class),
        cmocka_unit_test(a_node_goes_down_for_one_of_noexs_reasons),
        cmocka_unit_test(the_types_of_reasons_have_the_names_of_the_guide),
        cmocka_unit_test(the_version_is_that_of_the_header),
        cmocka_unit_test(counters_fit_callers_of_any_age),
        cmocka_unit_test(the_counters_of_monitors_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
