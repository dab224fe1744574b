/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_name.h"

#include "cmocka_all.h"
#include "handshake/hs_msg.h"
#include <noex/noex.h>
#include <stdio.h>
#include <stdlib.h>

static const struct good {
    const char *text;
    const char *full;
    const char *alive;
    const char *host;
    uint16_t port;
} good[] = {
    {"a@b", "a@b", "a", "b", 0},
    {"beam@db1.example.com", "beam@db1.example.com", "beam", "db1.example.com", 0},
    {"a@b:1", "a@b", "a", "b", 1},
    {"a@b:4369", "a@b", "a", "b", 4369},
    {"a@b:65535", "a@b", "a", "b", 65535},
    {"a@b:00080", "a@b", "a", "b", 80},
    {"a@127.0.0.1:9100", "a@127.0.0.1", "a", "127.0.0.1", 9100},
    {"a@::1", "a@::1", "a", "::1", 0},
    {"a@fe80::1:2", "a@fe80::1:2", "a", "fe80::1:2", 0},
    {"a@[::1]", "a@[::1]", "a", "::1", 0},
    {"a@[::1]:9100", "a@[::1]", "a", "::1", 9100},
    {"a-b_c.d~e@h", "a-b_c.d~e@h", "a-b_c.d~e", "h", 0},
    {"x:y@h", "x:y@h", "x:y", "h", 0},
};

static const struct bad {
    const char *text;
    const char *why;
} bad[] = {
    {"", "no '@'"},
    {"a", "no '@'"},
    {"a:1", "no '@'"},
    {"@", "empty"},
    {"a@", "empty"},
    {"@b", "empty"},
    {"a@:1", "empty"},
    {"a@b@c", "two '@'"},
    {"a@@b", "two '@'"},
    {"a b@c", "character"},
    {"a@b c", "character"},
    {"a@b\n", "character"},
    {"a\t@b", "character"},
    {"\303\244@b", "character"},
    {"a@b\177", "character"},
    {"a/b@c", "character"},
    {"a@b/name", "character"},
    {"a@b:", "no port"},
    {"a@b:0", "no port"},
    {"a@b:00000", "no port"},
    {"a@b:65536", "no port"},
    {"a@b:99999", "no port"},
    {"a@b:4294967297", "no port"},
    {"a@b:1x", "no port"},
    {"a@b:-1", "no port"},
    {"a@b:+1", "no port"},
    {"a@[::1", "']'"},
    {"a@[::1]x", "']'"},
    {"a@[::1]:", "no port"},
    {"a@[]", "']'"},
    {"a@[", "']'"},
    {"a@[]:1", "']'"},
};

static void names_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct nx_node_name name;
        struct noex_error err = {0};
        if (nx_node_name_parse(good[i].text, &name, &err))
            fail_msg("%s: %s", good[i].text, err.text);
        assert_string_equal(name.full, good[i].full);
        assert_string_equal(name.alive, good[i].alive);
        assert_string_equal(name.host, good[i].host);
        assert_int_equal(name.port, good[i].port);
        assert_int_equal(err.code, 0);
        assert_int_equal(noex_node_name_check(good[i].text, NULL), 0);
    }
}

static void what_is_accepted_the_handshake_accepts_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct nx_node_name name;
        assert_int_equal(nx_node_name_parse(good[i].text, &name, NULL), 0);
        assert_null(nx_hs_name_fault(nx_span_str(name.full)));
        assert_null(nx_hs_host_fault(nx_span_str(name.host)));
    }
}

static void what_is_no_name_is_refused_with_the_cause(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nx_node_name name;
        struct noex_error err = {0};
        if (nx_node_name_parse(bad[i].text, &name, &err) != NOEX_ENODENAME ||
            err.code != NOEX_ENODENAME || !strstr(err.text, bad[i].why))
            fail_msg("'%s': %d %s (expected: %s)", bad[i].text, err.code, err.text, bad[i].why);
        assert_null(strchr(err.text, '\n'));
        assert_int_equal(nx_node_name_parse(bad[i].text, &name, NULL), NOEX_ENODENAME);
        assert_int_equal(noex_node_name_check(bad[i].text, NULL), NOEX_ENODENAME);
    }
    assert_int_equal(noex_node_name_check(NULL, NULL), NOEX_ENODENAME);
}

static void a_name_has_at_most_255_characters_without_its_port(void **state)
{
    (void)state;
    for (size_t len = 250; len < 700; len++) {
        struct nx_node_name name;
        struct noex_error err = {0};
        char *text = malloc(len + sizeof ":65535");
        assert_non_null(text);
        memset(text, 'n', len);
        text[len / 2] = '@';
        memcpy(text + len, ":65535", sizeof ":65535");
        int rc = nx_node_name_parse(text, &name, &err);
        assert_int_equal(rc, len <= 255 ? 0 : NOEX_ENODENAME);
        if (rc == 0)
            assert_int_equal(strlen(name.full), len);
        else
            assert_non_null(strstr(err.text, "255"));
        free(text);
    }
}

/* In a heap copy of the exact size, so that the sanitizer sees a read past the NUL. */
static void every_byte_at_every_place_is_survived(void **state)
{
    (void)state;
    static const char model[] = "ab@[::1]:9";
    for (size_t at = 0; at < sizeof model - 1; at++) {
        for (int c = 0; c < 256; c++) {
            struct nx_node_name name;
            char *text = malloc(sizeof model);
            assert_non_null(text);
            memcpy(text, model, sizeof model);
            text[at] = (char)c;
            if (nx_node_name_parse(text, &name, NULL) == 0) {
                assert_null(nx_hs_name_fault(nx_span_str(name.full)));
                assert_true(name.alive[0] && name.host[0]);
            }
            free(text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_apart),
        cmocka_unit_test(what_is_accepted_the_handshake_accepts_too),
        cmocka_unit_test(what_is_no_name_is_refused_with_the_cause),
        cmocka_unit_test(a_name_has_at_most_255_characters_without_its_port),
        cmocka_unit_test(every_byte_at_every_place_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
