/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "handshake/hs_msg.h"
#include "hex.h"
#include <stdio.h>

static const uint8_t digest[NX_DIGEST_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#define DIGEST "000102030405060708090a0b0c0d0e0f"

static int put_name(struct nx_buf *out, unsigned header)
{
    const struct nx_hs_name m = {0xd07df0fbc, 0x5f3759df, nx_span_str("c1@h")};
    return nx_hs_put_name(out, header, &m);
}

static bool get_name(struct nx_span msg)
{
    struct nx_hs_name m;
    return nx_hs_get_name(msg, &m) && m.flags == 0xd07df0fbc && m.creation == 0x5f3759df &&
           nx_span_is(m.name, "c1@h");
}

static bool get_old_name(struct nx_span msg)
{
    struct nx_hs_name m;
    return nx_hs_get_old_name(msg, &m) && m.flags == 0x07df0fbc && m.creation == 0 &&
           (nx_span_is(m.name, "c1@h") || m.name.len < 4);
}

static int put_status(struct nx_buf *out, unsigned header)
{
    return nx_hs_put_status(out, header, "ok_simultaneous");
}

static bool get_status(struct nx_span msg)
{
    struct nx_span text;
    return nx_hs_get_status(msg, &text) && (nx_span_is(text, "ok_simultaneous") || text.len < 15);
}

static int put_named(struct nx_buf *out, unsigned header)
{
    const struct nx_hs_named m = {nx_span_str("FIO@h"), 0x01020304};
    return nx_hs_put_named(out, header, &m);
}

static bool get_named(struct nx_span msg)
{
    struct nx_hs_named m;
    return nx_hs_get_named(msg, &m) && m.creation == 0x01020304 && nx_span_is(m.name, "FIO@h");
}

static int put_challenge(struct nx_buf *out, unsigned header)
{
    const struct nx_hs_challenge m = {0xd07df7fbd, 0x89abcdef, 0x01020304, nx_span_str("b@h")};
    return nx_hs_put_challenge(out, header, &m);
}

static bool get_challenge(struct nx_span msg)
{
    struct nx_hs_challenge m;
    return nx_hs_get_challenge(msg, &m) && m.flags == 0xd07df7fbd && m.challenge == 0x89abcdef &&
           m.creation == 0x01020304 && nx_span_is(m.name, "b@h");
}

static bool get_complement(struct nx_span msg)
{
    struct nx_hs_complement m;
    return nx_hs_get_complement(msg, &m) && m.flags_high == 0xd && m.creation == 0x5f3759df;
}

static int put_reply(struct nx_buf *out, unsigned header)
{
    const struct nx_hs_reply m = {0x89abcdef, digest};
    return nx_hs_put_reply(out, header, &m);
}

static bool get_reply(struct nx_span msg)
{
    struct nx_hs_reply m;
    return nx_hs_get_reply(msg, &m) && m.challenge == 0x89abcdef &&
           memcmp(m.digest, digest, sizeof digest) == 0;
}

static int put_ack(struct nx_buf *out, unsigned header)
{
    return nx_hs_put_ack(out, header, digest);
}

static bool get_ack(struct nx_span msg)
{
    const uint8_t *got;
    return nx_hs_get_ack(msg, &got) && memcmp(got, digest, sizeof digest) == 0;
}

/* Each message with its bytes, written out from protocol.md 2.2 and 2.4. */
static const struct message {
    const char *name;
    const char *hex;
    int (*put)(struct nx_buf *out, unsigned header); /* NULL: we never send it */
    bool (*get)(struct nx_span msg);
    size_t shortest; /* bytes without which it is none */
    bool trailing_ignored;
} messages[] = {
    {"send_name", "4e 0000000d07df0fbc 5f3759df 0004 63314068", put_name, get_name, 19, true},
    {"old_send_name", "6e 0005 07df0fbc 63314068", NULL, get_old_name, 7, false},
    {"status", "73 6f6b5f73696d756c74616e656f7573", put_status, get_status, 1, false},
    {"named_status", "73 6e616d65643a 0005 46494f4068 01020304", put_named, get_named, 18, true},
    {"challenge", "4e 0000000d07df7fbd 89abcdef 01020304 0003 624068", put_challenge, get_challenge,
     22, true},
    {"complement", "63 0000000d 5f3759df", NULL, get_complement, 9, false},
    {"challenge_reply", "72 89abcdef " DIGEST, put_reply, get_reply, 21, false},
    {"challenge_ack", "61 " DIGEST, put_ack, get_ack, 17, false},
};

enum { MESSAGES = sizeof messages / sizeof *messages };

/* Asks for `len` bytes in a block of exactly that size, so that a sanitizer sees a read behind it.
 */
static bool get_exact(const struct message *m, const uint8_t *bytes, size_t len)
{
    uint8_t *exact = test_malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    bool got = m->get(nx_span(exact, len));
    test_free(exact);
    return got;
}

static void a_message_is_built_as_the_protocol_says(const struct message *m)
{
    uint8_t want[64];
    size_t len = hex_decode(m->hex, want, sizeof want);
    for (unsigned header = 2; header <= 4; header += 2) {
        struct alloc_test t;
        struct nx_buf out;
        alloc_test_init(&t);
        nx_buf_init(&out, &t.a, 256);
        assert_int_equal(m->put(&out, header), 0);
        struct nx_span span = nx_buf_span(&out);
        assert_int_equal(span.len, header + len);
        assert_int_equal(header == 2 ? nx_get_u16(span.ptr) : nx_get_u32(span.ptr), len);
        assert_memory_equal(span.ptr + header, want, len);
        nx_buf_free(&out);
        assert_int_equal(t.live, 0);
    }
}

static void a_message_without_room_leaves_nothing_half_written(const struct message *m)
{
    struct alloc_test t;
    struct nx_buf out;
    alloc_test_init(&t);
    for (size_t max = 3; max < 3 + m->shortest; max++) {
        nx_buf_init(&out, &t.a, max);
        assert_int_equal(nx_buf_put(&out, "abc", 3), 0);
        assert_int_equal(m->put(&out, 2), NOEX_ELIMIT);
        assert_true(nx_span_is(nx_buf_span(&out), "abc"));
        nx_buf_free(&out);
    }
    t.fail_at = t.calls + 1;
    nx_buf_init(&out, &t.a, 256);
    assert_int_equal(m->put(&out, 2), NOEX_ENOMEM);
    assert_int_equal(nx_buf_len(&out), 0);
    assert_int_equal(m->put(&out, 2), 0);
    nx_buf_free(&out);
    assert_int_equal(t.live, 0);
}

static void message_is_built_and_read(void **state)
{
    const struct message *m = *state;
    uint8_t bytes[64];
    size_t len = hex_decode(m->hex, bytes, sizeof bytes - 1);
    assert_true(get_exact(m, bytes, len));
    if (!m->put)
        return;
    a_message_is_built_as_the_protocol_says(m);
    a_message_without_room_leaves_nothing_half_written(m);
}

static void message_cut_short_or_grown_or_with_another_tag_is_refused(void **state)
{
    const struct message *m = *state;
    uint8_t bytes[64] = {0};
    size_t len = hex_decode(m->hex, bytes, sizeof bytes - 1);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(get_exact(m, bytes, cut), cut >= m->shortest);
    if (m->get != get_old_name && m->get != get_status)
        assert_int_equal(get_exact(m, bytes, len + 1), m->trailing_ignored);
    for (unsigned tag = 0; tag < 256; tag++) {
        uint8_t right = bytes[0];
        bytes[0] = (uint8_t)tag;
        assert_int_equal(get_exact(m, bytes, len), tag == right);
        bytes[0] = right;
    }
}

static void a_name_longer_than_its_message_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t len = hex_decode("4e 0000000d07df0fbc 5f3759df ffff 63314068", bytes, sizeof bytes);
    struct nx_hs_name m;
    assert_false(nx_hs_get_name(nx_span(bytes, len), &m));
    assert_false(nx_hs_get_challenge(nx_span(bytes, len), &(struct nx_hs_challenge){0}));
    len = hex_decode("73 6e616d65643a ffff 46494f4068 01020304", bytes, sizeof bytes);
    assert_false(nx_hs_get_named(nx_span(bytes, len), &(struct nx_hs_named){{NULL, 0}, 0}));
}

static void a_message_over_the_limit_is_not_built(void **state)
{
    (void)state;
    static char name[70000];
    memset(name, 'n', sizeof name);
    struct nx_buf out;
    struct alloc_test t;
    alloc_test_init(&t);
    nx_buf_init(&out, &t.a, SIZE_MAX);
    const size_t longest = NX_HS_MSG_MAX - 1 - 14;
    const struct nx_hs_name fits = {0, 0, nx_span(name, longest)};
    const struct nx_hs_name one_more = {0, 0, nx_span(name, longest + 1)};
    const struct nx_hs_name wraps = {0, 0, nx_span(name, 65536)};
    assert_int_equal(nx_hs_put_name(&out, 2, &one_more), NOEX_EINVALID);
    assert_int_equal(nx_hs_put_name(&out, 2, &wraps), NOEX_EINVALID);
    assert_int_equal(nx_buf_len(&out), 0);
    assert_int_equal(nx_hs_put_name(&out, 2, &fits), 0);
    struct nx_span msg;
    assert_int_equal(nx_hs_msg_next(nx_buf_span(&out), 2, &msg), 1);
    assert_int_equal(msg.len, NX_HS_MSG_MAX);
    nx_buf_free(&out);
}

/* As nx_hs_msg_next, on a block of exactly the bytes there are. */
static int next_exact(const char *bytes, size_t len, unsigned header, size_t *msg_len)
{
    char *exact = test_malloc(len ? len : 1);
    struct nx_span msg;
    memcpy(exact, bytes, len);
    int rc = nx_hs_msg_next(nx_span(exact, len), header, &msg);
    *msg_len = msg.len;
    test_free(exact);
    return rc;
}

static void framing_of_2_and_4_bytes_gives_the_message_and_what_is_there_of_it(void **state)
{
    (void)state;
    static const char two[] = "\0\3sok\0\7", four[] = "\0\0\0\3sok\0\0";
    size_t there;
    for (size_t n = 0; n <= 7; n++) {
        assert_int_equal(next_exact(two, n, 2, &there), n >= 5);
        assert_int_equal(there, n < 2 ? 0 : n < 5 ? n - 2 : 3);
    }
    for (size_t n = 0; n <= 9; n++) {
        assert_int_equal(next_exact(four, n, 4, &there), n >= 7);
        assert_int_equal(there, n < 4 ? 0 : n < 7 ? n - 4 : 3);
    }
}

static void empty_and_overlong_messages_are_refused_as_soon_as_the_length_is_there(void **state)
{
    (void)state;
    size_t there;
    assert_int_equal(next_exact("\0\0", 2, 2, &there), NOEX_EGARBAGE);
    assert_int_equal(next_exact("\0\0\0\0", 4, 4, &there), NOEX_EGARBAGE);
    assert_int_equal(next_exact("\x08\0", 2, 2, &there), 0);
    assert_int_equal(next_exact("\x08\1", 2, 2, &there), NOEX_EGARBAGE);
    assert_int_equal(next_exact("\0\0\x08\0", 4, 4, &there), 0);
    assert_int_equal(next_exact("\0\0\x08\1", 4, 4, &there), NOEX_EGARBAGE);
    assert_int_equal(next_exact("\xff\xff\xff\xff", 4, 4, &there), NOEX_EGARBAGE);
    assert_int_equal(next_exact("GET ", 4, 2, &there), NOEX_EGARBAGE);
    assert_int_equal(next_exact("GET ", 4, 4, &there), NOEX_EGARBAGE);
}

static void node_names_follow_the_rules_of_the_wire(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *fault;
    } names[] = {
        {"a@b", NULL},
        {"name@host.example.org", NULL},
        {"n@::1", NULL},
        {"", "no '@'"},
        {"name", "no '@'"},
        {"a@b@c", "more than one"},
        {"@@", "more than one"},
        {"@host", "empty"},
        {"name@", "empty"},
        {"@", "empty"},
        {"na me@host", "not printable"},
        {"na\tme@host", "not printable"},
        {"n\xc3\xa4me@host", "not printable"},
        {"n\xe4me@host", "not printable"},
        {"name@host\x7f", "not printable"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *fault = nx_hs_name_fault(nx_span_str(names[i].name));
        if (!names[i].fault)
            assert_null(fault);
        else
            assert_non_null(strstr(fault, names[i].fault));
    }
    assert_non_null(strstr(nx_hs_name_fault(nx_span("a@b\0c", 5)), "not printable"));
    assert_non_null(nx_hs_name_fault(nx_span(NULL, 0)));
}

static void names_end_at_255_characters(void **state)
{
    (void)state;
    char name[257];
    memset(name, 'x', sizeof name);
    assert_null(nx_hs_host_fault(nx_span(name, 255)));
    assert_non_null(strstr(nx_hs_host_fault(nx_span(name, 256)), "255"));
    name[100] = '@';
    assert_null(nx_hs_name_fault(nx_span(name, 255)));
    assert_non_null(strstr(nx_hs_name_fault(nx_span(name, 256)), "255"));
}

static void host_parts_have_no_at(void **state)
{
    (void)state;
    assert_null(nx_hs_host_fault(nx_span_str("host.example.org")));
    assert_non_null(strstr(nx_hs_host_fault(nx_span_str("")), "empty"));
    assert_non_null(strstr(nx_hs_host_fault(nx_span_str("a@b")), "'@'"));
    assert_non_null(strstr(nx_hs_host_fault(nx_span_str("ho st")), "not printable"));
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(a_name_longer_than_its_message_is_refused),
        cmocka_unit_test(a_message_over_the_limit_is_not_built),
        cmocka_unit_test(framing_of_2_and_4_bytes_gives_the_message_and_what_is_there_of_it),
        cmocka_unit_test(empty_and_overlong_messages_are_refused_as_soon_as_the_length_is_there),
        cmocka_unit_test(node_names_follow_the_rules_of_the_wire),
        cmocka_unit_test(names_end_at_255_characters),
        cmocka_unit_test(host_parts_have_no_at),
    };
    static char names[2 * MESSAGES][96];
    struct CMUnitTest tests[2 * MESSAGES + sizeof others / sizeof *others];
    for (size_t i = 0; i < MESSAGES; i++) {
        void *row = (void *)(uintptr_t)&messages[i];
        snprintf(names[2 * i], sizeof *names, "%s_is_built_and_read", messages[i].name);
        snprintf(names[2 * i + 1], sizeof *names,
                 "%s_cut_short_or_grown_or_with_another_tag_is_refused", messages[i].name);
        tests[2 * i] =
            (struct CMUnitTest){names[2 * i], message_is_built_and_read, NULL, NULL, row};
        tests[2 * i + 1] = (struct CMUnitTest){
            names[2 * i + 1], message_cut_short_or_grown_or_with_another_tag_is_refused, NULL, NULL,
            row};
    }
    memcpy(tests + 2 * MESSAGES, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
