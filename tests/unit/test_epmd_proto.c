/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "epmd_proto.h"
#include "hex.h"

#include <stdio.h>
#include <stdlib.h>

/* Requests and replies as they went between a client and the epmd of OTP 25. */
#define NOEX_ALIVE2 "0011 78 9c40 48 00 0006 0006 0004 6e6f6578 0000"
#define EXT_ALIVE2 "0015 78 9c42 4d 00 0006 0005 0003 657874 0005 68656c6c6f"
#define NOEX_PORT2_RESP "77 00 9c40 48 00 0006 0006 0004 6e6f6578 0000"
#define EXT_PORT2_RESP "77 00 9c42 4d 00 0006 0005 0003 657874 0005 68656c6c6f"
#define OLD_PORT2_RESP "77 00 9c41 4d 00 0005 0005 0003 6f6c64 0000"

/* The bytes of a hex text in a heap block of exactly their number, so that ASan sees any over-read.
 */
static uint8_t *exact(const char *hex, size_t *len)
{
    uint8_t bytes[256];
    *len = hex_decode(hex, bytes, sizeof bytes);
    assert_true(*len <= sizeof bytes);
    uint8_t *copy = malloc(*len ? *len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, *len);
    return copy;
}

static uint8_t *exact_copy(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

static void assert_hex(const uint8_t *bytes, int len, const char *hex)
{
    size_t want_len;
    uint8_t *want = exact(hex, &want_len);
    assert_int_equal(len, want_len);
    assert_memory_equal(bytes, want, want_len);
    free(want);
}

static struct epmd_node named(const char *name, uint16_t port)
{
    return (struct epmd_node){.name = name,
                              .name_len = strlen(name),
                              .port = port,
                              .nodetype = EPMD_NODE_HIDDEN,
                              .highest = EPMD_DIST_VERSION,
                              .lowest = EPMD_DIST_VERSION};
}

static void requests_are_the_bytes_that_epmd_took(void **state)
{
    (void)state;
    uint8_t out[EPMD_REQUEST_MAX];
    struct epmd_node node = named("noex", 40000);
    assert_hex(out, epmd_put_alive2_req(out, sizeof out, &node), NOEX_ALIVE2);
    node = named("ext", 40002);
    node.nodetype = EPMD_NODE_NORMAL;
    node.lowest = 5;
    node.extra = (const uint8_t *)"hello";
    node.extra_len = 5;
    assert_hex(out, epmd_put_alive2_req(out, sizeof out, &node), EXT_ALIVE2);
    assert_hex(out, epmd_put_port2_req(out, sizeof out, "noex", 4), "0005 7a 6e6f6578");
    assert_hex(out, epmd_put_names_req(out, sizeof out), "0001 6e");
}

static void the_longest_request_fits_its_limit_exactly(void **state)
{
    (void)state;
    char name[EPMD_NAME_MAX];
    uint8_t extra[EPMD_EXTRA_MAX + 1] = {0}, out[EPMD_REQUEST_MAX];
    for (size_t i = 0; i < sizeof name; i += 4)
        memcpy(name + i, "\xf0\x9f\x98\x80", 4);
    struct epmd_node node = named("", 1);
    node.name = name;
    node.name_len = sizeof name;
    node.extra = extra;
    node.extra_len = EPMD_EXTRA_MAX;
    assert_int_equal(epmd_put_alive2_req(out, sizeof out, &node), EPMD_REQUEST_MAX);
    node.extra_len++;
    assert_int_equal(epmd_put_alive2_req(out, sizeof out, &node), EPMD_EINVALID);
}

static void a_request_never_passes_the_end_of_the_buffer(void **state)
{
    (void)state;
    struct epmd_node node = named("noex", 40000);
    for (size_t size = 0; size < 19; size++) {
        uint8_t *out = exact_copy("-------------------", size);
        assert_int_equal(epmd_put_alive2_req(out, size, &node), EPMD_ESPACE);
        assert_int_equal(epmd_put_port2_req(out, size, "noex", 4), size < 7 ? EPMD_ESPACE : 7);
        assert_int_equal(epmd_put_names_req(out, size), size < 3 ? EPMD_ESPACE : 3);
        free(out);
    }
    uint8_t out[19];
    assert_int_equal(epmd_put_alive2_req(out, sizeof out, &node), 19);
}

static void a_request_with_an_unfit_name_or_port_is_not_written(void **state)
{
    (void)state;
    uint8_t out[EPMD_REQUEST_MAX];
    struct epmd_node node = named("no@host", 1);
    assert_int_equal(epmd_put_alive2_req(out, sizeof out, &node), EPMD_EINVALID);
    node = named("", 1);
    assert_int_equal(epmd_put_alive2_req(out, sizeof out, &node), EPMD_EINVALID);
    node = named("noex", 0);
    assert_int_equal(epmd_put_alive2_req(out, sizeof out, &node), EPMD_EINVALID);
    assert_int_equal(epmd_put_port2_req(out, sizeof out, "no@host", 7), EPMD_EINVALID);
    assert_int_equal(epmd_put_port2_req(out, sizeof out, NULL, 0), EPMD_EINVALID);
}

static void a_name_is_utf8_without_at_sign_and_control_characters(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "a",
        "a b",
        "~",
        "j\xc3\xa4ger",
        "\xc2\xa0",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const invalid[] = {
        "",
        "a@b",
        "@",
        "a\nb",
        "\x1b[2J",
        "\x7f",
        "\x80",
        "\xc2\x9b",         /* a control character of two bytes */
        "\xc0\x80",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* surrogate */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xff",
        "\xc3",
        "\xe2\x82",
        "\xe2\x82z",
        "\xf0\x9f\x98",
        "a\xc3z",
        "ab\xc3", /* cut behind other characters */
        "a\xf0\x9f\x98",
    };
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        assert_true(epmd_name_valid(valid[i], strlen(valid[i])));
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        uint8_t *copy = exact_copy(invalid[i], strlen(invalid[i]));
        assert_false(epmd_name_valid((const char *)copy, strlen(invalid[i])));
        free(copy);
    }
    assert_false(epmd_name_valid("a\0b", 3));
}

static void a_name_has_255_characters_at_most_not_bytes(void **state)
{
    (void)state;
    char name[EPMD_NAME_MAX + 1];
    memset(name, 'x', sizeof name);
    assert_true(epmd_name_valid(name, 255));
    assert_false(epmd_name_valid(name, 256));
    for (size_t i = 0; i < 512; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    assert_true(epmd_name_valid(name, 510));
    assert_false(epmd_name_valid(name, 512));
    for (size_t i = 0; i < EPMD_NAME_MAX; i += 4)
        memcpy(name + i, "\xf0\x9f\x98\x80", 4);
    assert_true(epmd_name_valid(name, EPMD_NAME_MAX));
    assert_false(epmd_name_valid(name, EPMD_NAME_MAX + 1));
}

static void alive2_replies_are_read_in_both_widths(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint8_t result;
        uint32_t creation;
    } rows[] = {
        {"76 00 6b03dc5b", 0, 0x6b03dc5b}, /* registered */
        {"76 01 00000063", 1, 99},         /* name taken */
        {"79 00 0002", 0, 2},              /* registered with highest 5 */
        {"79 01 0063", 1, 99},
        {"76 ff ffffffff", 255, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct epmd_alive2_resp reply;
        size_t len;
        uint8_t *in = exact(rows[i].hex, &len);
        assert_int_equal(epmd_read_alive2_resp(in, len, &reply), len);
        assert_int_equal(reply.result, rows[i].result);
        assert_int_equal(reply.creation, rows[i].creation);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *part = exact_copy(in, cut);
            assert_int_equal(epmd_read_alive2_resp(part, cut, &reply), 0);
            free(part);
        }
        free(in);
    }
}

static void port2_replies_give_the_node_as_it_was_registered(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *name, *extra;
        uint16_t port;
        uint8_t nodetype, protocol;
        uint16_t highest, lowest;
        bool speaks6;
    } rows[] = {
        {NOEX_PORT2_RESP, "noex", "", 40000, 72, 0, 6, 6, true},
        {EXT_PORT2_RESP, "ext", "hello", 40002, 77, 0, 6, 5, true}, /* as OTP 23 and 24 */
        {OLD_PORT2_RESP, "old", "", 40001, 77, 0, 5, 5, false},
        {"77 00 0001 48 00 0004 0009 0004 76657273 0000", "vers", "", 1, 72, 0, 4, 9, false},
        {"77 00 0001 48 05 0006 0006 0005 70726f746f 0000", "proto", "", 1, 72, 5, 6, 6, false},
        {"77 00 0000 63 00 0007 0007 0001 61 0000", "a", "", 0, 99, 0, 7, 7, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct epmd_port2_resp reply;
        size_t len;
        uint8_t *in = exact(rows[i].hex, &len);
        assert_int_equal(epmd_read_port2_resp(in, len, &reply), len);
        assert_int_equal(reply.result, 0);
        assert_int_equal(reply.node.name_len, strlen(rows[i].name));
        assert_memory_equal(reply.node.name, rows[i].name, reply.node.name_len);
        assert_int_equal(reply.node.extra_len, strlen(rows[i].extra));
        assert_memory_equal(reply.node.extra, rows[i].extra, reply.node.extra_len);
        assert_int_equal(reply.node.port, rows[i].port);
        assert_int_equal(reply.node.nodetype, rows[i].nodetype);
        assert_int_equal(reply.node.protocol, rows[i].protocol);
        assert_int_equal(reply.node.highest, rows[i].highest);
        assert_int_equal(reply.node.lowest, rows[i].lowest);
        assert_int_equal(epmd_node_speaks(&reply.node, 6), rows[i].speaks6);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *part = exact_copy(in, cut);
            assert_int_equal(epmd_read_port2_resp(part, cut, &reply), 0);
            free(part);
        }
        free(in);
    }
}

static void port2_not_found_is_two_bytes(void **state)
{
    (void)state;
    struct epmd_port2_resp reply;
    assert_int_equal(epmd_read_port2_resp((const uint8_t *)"\x77\x01", 2, &reply), 2);
    assert_int_equal(reply.result, 1);
    assert_int_equal(epmd_read_port2_resp((const uint8_t *)"\x77\xff", 2, &reply), 2);
    assert_int_equal(reply.result, 255);
}

/* 77 00, port, type, protocol, versions, then what `fill` says. */
static int read_port2_of(size_t name_len, char fill, size_t extra_len, size_t cut)
{
    static const uint8_t head[] = {0x77, 0, 0x9c, 0x40, 0x48, 0, 0, 6, 0, 6};
    struct epmd_port2_resp reply;
    size_t len = sizeof head + 2 + name_len + 2 + extra_len;
    uint8_t *in = calloc(1, len);
    assert_non_null(in);
    memcpy(in, head, sizeof head);
    in[10] = (uint8_t)(name_len >> 8);
    in[11] = (uint8_t)name_len;
    memset(in + 12, fill, name_len);
    in[12 + name_len] = (uint8_t)(extra_len >> 8);
    in[13 + name_len] = (uint8_t)extra_len;
    uint8_t *part = exact_copy(in, len - cut);
    int rc = epmd_read_port2_resp(part, len - cut, &reply);
    free(part);
    free(in);
    return rc;
}

static void port2_replies_beyond_the_limits_are_garbage(void **state)
{
    (void)state;
    assert_int_equal(read_port2_of(255, 'x', EPMD_EXTRA_MAX, 0), 14 + 255 + EPMD_EXTRA_MAX);
    assert_int_equal(read_port2_of(255, 'x', EPMD_EXTRA_MAX, 1), 0);
    assert_int_equal(read_port2_of(255, 'x', EPMD_EXTRA_MAX + 1, 0), EPMD_EGARBAGE);
    assert_int_equal(read_port2_of(1, 'x', 65535, 65535), EPMD_EGARBAGE);
    assert_int_equal(read_port2_of(256, 'x', 0, 0), EPMD_EGARBAGE);
    assert_int_equal(read_port2_of(4, '@', 0, 0), EPMD_EGARBAGE);
    assert_int_equal(read_port2_of(4, '\0', 0, 0), EPMD_EGARBAGE);
    assert_int_equal(read_port2_of(4, '\n', 0, 0), EPMD_EGARBAGE);
    /* Lengths that cannot be are refused with the head, before anything is waited for. */
    assert_int_equal(read_port2_of(EPMD_NAME_MAX, 'x', 0, EPMD_NAME_MAX + 2), 0);
    assert_int_equal(read_port2_of(EPMD_NAME_MAX + 1, 'x', 0, EPMD_NAME_MAX + 3), EPMD_EGARBAGE);
    assert_int_equal(read_port2_of(0, 'x', 0, 2), EPMD_EGARBAGE);
}

static void any_other_first_byte_is_garbage_at_once(void **state)
{
    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        uint8_t in = (uint8_t)b;
        struct epmd_alive2_resp alive2;
        struct epmd_port2_resp port2;
        uint16_t port;
        assert_int_equal(epmd_read_alive2_resp(&in, 1, &alive2),
                         b == 118 || b == 121 ? 0 : EPMD_EGARBAGE);
        assert_int_equal(epmd_read_port2_resp(&in, 1, &port2), b == 119 ? 0 : EPMD_EGARBAGE);
        assert_int_equal(epmd_read_names_port(&in, 1, &port), b == 0 ? 0 : EPMD_EGARBAGE);
    }
}

static void names_begin_with_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int result;
        uint16_t port;
    } rows[] = {
        {"00003a7b", 4, 14971},
        {"0000ffff6e616d65", 4, 65535},
        {"00000001", 4, 1},
        {"00000000", EPMD_EGARBAGE, 0},
        {"00010000", EPMD_EGARBAGE, 0},
        {"0001", EPMD_EGARBAGE, 0},
        {"48545450", EPMD_EGARBAGE, 0}, /* "HTTP" */
        {"", 0, 0},
        {"00", 0, 0},
        {"0000", 0, 0},
        {"00003a", 0, 0},
        {"000000", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint16_t port = 0;
        uint8_t *in = exact(rows[i].hex, &len);
        assert_int_equal(epmd_read_names_port(in, len, &port), rows[i].result);
        assert_int_equal(port, rows[i].port);
        free(in);
    }
}

static void names_lines_give_name_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name;
        uint16_t port;
    } rows[] = {
        {"name noex at port 40000\n", "noex", 40000},
        {"name a at port 0\n", "a", 0},
        {"name a at port 65535\n", "a", 65535},
        {"name j\xc3\xa4ger at port 1\n", "j\xc3\xa4ger", 1},
        {"name a b at port 1\n", "a b", 1},
        {"name x at port 5 at port 6\n", "x at port 5", 6},
        {"name  at port  at port 7\n", " at port ", 7},
        {"name 12 at port 34\n", "12", 34},
        {"name a at port 65536\n", NULL, 0},
        {"name a at port 99999\n", NULL, 0},
        {"name a at port 123456\n", NULL, 0},
        {"name a at port 000001\n", NULL, 0},
        {"name a at port 4294967297\n", NULL, 0},
        {"name a at port \n", NULL, 0},
        {"name a at port -1\n", NULL, 0},
        {"name a at port 1 \n", NULL, 0},
        {"name a at port 1\r\n", NULL, 0},
        {"name  at port 1\n", NULL, 0},
        {"name at port 1\n", NULL, 0},
        {"name a@b at port 1\n", NULL, 0},
        {"name \x1b[2J at port 1\n", NULL, 0},
        {"name \xff at port 1\n", NULL, 0},
        {"Name a at port 1\n", NULL, 0},
        {"name a\n", NULL, 0}, /* half of a name with a line break in it */
        {"b at port 40000\n", NULL, 0},
        {"active name     <a> at port 1, fd = 3\n", NULL, 0},
        {"1\n", NULL, 0},
        {"\n", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].line);
        struct epmd_entry entry = {"", 1, 1};
        uint8_t *in = exact_copy(rows[i].line, len);
        assert_int_equal(epmd_read_names_line(in, len, &entry), len);
        assert_int_equal(entry.port, rows[i].port);
        assert_int_equal(!entry.name, !rows[i].name);
        assert_int_equal(entry.name_len, rows[i].name ? strlen(rows[i].name) : 0);
        if (rows[i].name)
            assert_memory_equal(entry.name, rows[i].name, entry.name_len);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *part = exact_copy(in, cut);
            assert_int_equal(epmd_read_names_line(part, cut, &entry), 0);
            free(part);
        }
        free(in);
    }
}

static void a_name_with_nul_spoils_only_its_own_line(void **state)
{
    (void)state;
    static const char two[] = "name a\0b at port 1\nname c at port 2\n";
    struct epmd_entry entry;
    int first = epmd_read_names_line((const uint8_t *)two, sizeof two - 1, &entry);
    assert_int_equal(first, 19);
    assert_null(entry.name);
    assert_int_equal(epmd_read_names_line((const uint8_t *)two + first, sizeof two - 20, &entry),
                     17);
    assert_int_equal(entry.port, 2);
}

static void a_line_has_a_greatest_length(void **state)
{
    (void)state;
    uint8_t line[EPMD_LINE_MAX + 1];
    struct epmd_entry entry;
    memcpy(line, "name ", 5);
    for (size_t i = 0; i < EPMD_NAME_MAX; i += 4)
        memcpy(line + 5 + i, "\xf0\x9f\x98\x80", 4);
    memcpy(line + 5 + EPMD_NAME_MAX, " at port 65535\n", 15);
    assert_int_equal(epmd_read_names_line(line, EPMD_LINE_MAX, &entry), EPMD_LINE_MAX);
    assert_int_equal(entry.name_len, EPMD_NAME_MAX);
    memset(line, 'x', sizeof line);
    assert_int_equal(epmd_read_names_line(line, EPMD_LINE_MAX - 1, &entry), 0);
    assert_int_equal(epmd_read_names_line(line, EPMD_LINE_MAX, &entry), EPMD_EGARBAGE);
    line[EPMD_LINE_MAX] = '\n';
    assert_int_equal(epmd_read_names_line(line, sizeof line, &entry), EPMD_EGARBAGE);
}

static void every_error_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int e = EPMD_ESTOPPED; e <= 0; e++) {
        assert_string_not_equal(epmd_error_text(e), "unknown error");
        assert_null(strchr(epmd_error_text(e), '\n'));
        for (int other = EPMD_ESTOPPED; other < e; other++)
            assert_string_not_equal(epmd_error_text(e), epmd_error_text(other));
    }
    assert_string_equal(epmd_error_text(EPMD_ESTOPPED - 1), "unknown error");
    assert_string_equal(epmd_error_text(1), "unknown error");
    assert_string_equal(epmd_error_text(INT32_MIN), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_the_bytes_that_epmd_took),
        cmocka_unit_test(the_longest_request_fits_its_limit_exactly),
        cmocka_unit_test(a_request_never_passes_the_end_of_the_buffer),
        cmocka_unit_test(a_request_with_an_unfit_name_or_port_is_not_written),
        cmocka_unit_test(a_name_is_utf8_without_at_sign_and_control_characters),
        cmocka_unit_test(a_name_has_255_characters_at_most_not_bytes),
        cmocka_unit_test(alive2_replies_are_read_in_both_widths),
        cmocka_unit_test(port2_replies_give_the_node_as_it_was_registered),
        cmocka_unit_test(port2_not_found_is_two_bytes),
        cmocka_unit_test(port2_replies_beyond_the_limits_are_garbage),
        cmocka_unit_test(any_other_first_byte_is_garbage_at_once),
        cmocka_unit_test(names_begin_with_a_port),
        cmocka_unit_test(names_lines_give_name_and_port),
        cmocka_unit_test(a_name_with_nul_spoils_only_its_own_line),
        cmocka_unit_test(a_line_has_a_greatest_length),
        cmocka_unit_test(every_error_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
