/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "epmd_session.h"
#include "hex.h"

#include <stdio.h>
#include <stdlib.h>

enum { START = 1000, TIMEOUT = 10000 };

#define NOEX_ALIVE2 "0011789c4048000006000600046e6f65780000"
#define NAMES_HEAD "00003a7b"
#define LINE_EXT "6e616d652065787420617420706f72742034303030320a"
#define LINE_OLD "6e616d65206f6c6420617420706f72742034303030310a"
#define LINE_NOEX "6e616d65206e6f657820617420706f72742034303030300a"

enum kind { REGISTER, LOOKUP, NAMES };

enum {
    T_REGISTERED,
    T_TAKEN,
    T_REGISTERED_16_BIT,
    T_TAKEN_16_BIT,
    T_FOUND,
    T_FOUND_WITH_EXTRA,
    T_NOT_FOUND,
    T_NO_NODES,
    T_ONE_NODE,
    T_THREE_NODES,
    T_LINE_BREAK,
    TALKS
};

/* Conversations recorded with the epmd of OTP 25; the 16 bit answers are what older ones give to
 * the same request. `end` is what it comes to, `heard` the names listed. */
static const struct talk {
    enum kind kind;
    const char *name, *request, *reply;
    int end;
    const char *heard;
} talks[] = {
    [T_REGISTERED] = {REGISTER, "noex", NOEX_ALIVE2, "76006b03dc5b", EPMD_DONE, ""},
    [T_TAKEN] = {REGISTER, "noex", NOEX_ALIVE2, "760100000063", EPMD_ETAKEN, ""},
    [T_REGISTERED_16_BIT] = {REGISTER, "noex", NOEX_ALIVE2, "79000002", EPMD_DONE, ""},
    [T_TAKEN_16_BIT] = {REGISTER, "noex", NOEX_ALIVE2, "79010063", EPMD_ETAKEN, ""},
    [T_FOUND] = {LOOKUP, "noex", "00057a6e6f6578", "77009c4048000006000600046e6f65780000",
                 EPMD_DONE, ""},
    [T_FOUND_WITH_EXTRA] = {LOOKUP, "ext", "00047a657874",
                            "77009c424d00000600050003657874000568656c6c6f", EPMD_DONE, ""},
    [T_NOT_FOUND] = {LOOKUP, "nosuch", "00077a6e6f73756368", "7701", EPMD_ENOTFOUND, ""},
    [T_NO_NODES] = {NAMES, "", "00016e", NAMES_HEAD, EPMD_DONE, ""},
    [T_ONE_NODE] = {NAMES, "", "00016e", NAMES_HEAD LINE_NOEX, EPMD_DONE, "noex:40000 "},
    [T_THREE_NODES] = {NAMES, "", "00016e", NAMES_HEAD LINE_EXT LINE_OLD LINE_NOEX, EPMD_DONE,
                       "ext:40002 old:40001 noex:40000 "},
    /* One of the nodes registered as "a\nb". */
    [T_LINE_BREAK] = {NAMES, "", "00016e",
                      NAMES_HEAD "6e616d65206f6b20617420706f72742034303030310a"
                                 "6e616d6520610a6220617420706f72742034303030300a",
                      EPMD_DONE, "ok:40001 "},
};

struct heard {
    char text[128];
    size_t len;
    unsigned entries;
    unsigned stop_after;
};

static int hear(void *user, const struct epmd_entry *entry)
{
    struct heard *h = user;
    int n = snprintf(h->text + h->len, sizeof h->text - h->len, "%.*s:%u ", (int)entry->name_len,
                     entry->name, (unsigned)entry->port);
    assert_true(n > 0 && (size_t)n < sizeof h->text - h->len);
    h->len += (size_t)n;
    h->entries++;
    return h->entries == h->stop_after;
}

static struct epmd_node noex_node(const char *name)
{
    return (struct epmd_node){.name = name,
                              .name_len = strlen(name),
                              .port = 40000,
                              .nodetype = EPMD_NODE_HIDDEN,
                              .highest = EPMD_DIST_VERSION,
                              .lowest = EPMD_DIST_VERSION};
}

static void begin(struct epmd_session *s, const struct talk *t, struct heard *h)
{
    struct epmd_node node = noex_node(t->name);
    *h = (struct heard){0};
    int rc = t->kind == REGISTER ? epmd_session_register(s, &node, START, TIMEOUT)
             : t->kind == LOOKUP ? epmd_session_lookup(s, t->name, strlen(t->name), START, TIMEOUT)
                                 : epmd_session_names(s, hear, h, START, TIMEOUT);
    assert_int_equal(rc, 0);
}

static size_t reply_of(const struct talk *t, uint8_t *bytes, size_t size)
{
    size_t len = hex_decode(t->reply, bytes, size);
    assert_true(len <= size);
    return len;
}

/* Feeds from a heap block of exactly this size, so that ASan sees any over-read. */
static int feed(struct epmd_session *s, const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    int rc = epmd_session_feed(s, copy, len);
    free(copy);
    return rc;
}

static void assert_silent(const struct epmd_session *s)
{
    size_t len = 1;
    epmd_session_out(s, &len);
    assert_int_equal(len, 0);
    assert_true(epmd_session_deadline(s) == UINT64_MAX);
}

static void assert_ended_as(struct epmd_session *s, const struct talk *t, const struct heard *h,
                            int rc)
{
    if (t->kind == NAMES && rc == EPMD_MORE)
        rc = epmd_session_eof(s);
    assert_int_equal(rc, t->end);
    assert_string_equal(h->text, t->heard);
    assert_silent(s);
    if (t->kind == NAMES)
        assert_int_equal(epmd_session_epmd_port(s), 14971);
}

static void every_conversation_sends_its_request(void **state)
{
    (void)state;
    for (int i = 0; i < TALKS; i++) {
        struct epmd_session s;
        struct heard h;
        uint8_t want[64];
        size_t want_len = hex_decode(talks[i].request, want, sizeof want), len;
        begin(&s, &talks[i], &h);
        for (size_t at = 0; at < want_len; at++) {
            const uint8_t *out = epmd_session_out(&s, &len);
            assert_int_equal(len, want_len - at);
            assert_memory_equal(out, want + at, len);
            epmd_session_sent(&s, 1);
        }
        epmd_session_out(&s, &len);
        assert_int_equal(len, 0);
        epmd_session_sent(&s, SIZE_MAX);
        epmd_session_out(&s, &len);
        assert_int_equal(len, 0);
    }
}

static void every_reply_is_understood_whole(void **state)
{
    (void)state;
    for (int i = 0; i < TALKS; i++) {
        struct epmd_session s;
        struct heard h;
        uint8_t bytes[256];
        size_t len = reply_of(&talks[i], bytes, sizeof bytes);
        begin(&s, &talks[i], &h);
        assert_ended_as(&s, &talks[i], &h, feed(&s, bytes, len));
    }
}

static void every_reply_is_understood_cut_in_two_anywhere(void **state)
{
    (void)state;
    for (int i = 0; i < TALKS; i++) {
        uint8_t bytes[256];
        size_t len = reply_of(&talks[i], bytes, sizeof bytes);
        for (size_t cut = 0; cut < len; cut++) {
            struct epmd_session s;
            struct heard h;
            begin(&s, &talks[i], &h);
            assert_int_equal(feed(&s, bytes, cut), EPMD_MORE);
            assert_ended_as(&s, &talks[i], &h, feed(&s, bytes + cut, len - cut));
        }
    }
}

static void every_reply_is_understood_byte_by_byte(void **state)
{
    (void)state;
    for (int i = 0; i < TALKS; i++) {
        struct epmd_session s;
        struct heard h;
        uint8_t bytes[256];
        size_t len = reply_of(&talks[i], bytes, sizeof bytes);
        begin(&s, &talks[i], &h);
        for (size_t at = 0; at + 1 < len; at++)
            assert_int_equal(feed(&s, bytes + at, 1), EPMD_MORE);
        assert_ended_as(&s, &talks[i], &h, feed(&s, bytes + len - 1, 1));
    }
}

/* A listing ends well behind its head and behind each whole line. */
static int end_after(const struct talk *t, const uint8_t *bytes, size_t cut)
{
    if (t->kind == NAMES && (cut == 4 || (cut > 4 && bytes[cut - 1] == '\n')))
        return EPMD_DONE;
    return cut ? EPMD_ECUT : EPMD_EREFUSED;
}

static void the_end_of_the_stream_before_the_reply_is_an_error(void **state)
{
    (void)state;
    for (int i = 0; i < TALKS; i++) {
        uint8_t bytes[256];
        size_t len = reply_of(&talks[i], bytes, sizeof bytes);
        for (size_t cut = 0; cut < len; cut++) {
            struct epmd_session s;
            struct heard h;
            begin(&s, &talks[i], &h);
            assert_int_equal(feed(&s, bytes, cut), EPMD_MORE);
            int rc = end_after(&talks[i], bytes, cut);
            assert_int_equal(epmd_session_eof(&s), rc);
            assert_silent(&s);
            assert_int_equal(epmd_session_eof(&s), rc);
            assert_int_equal(feed(&s, "x", 1), rc);
        }
    }
}

static void a_wrong_byte_is_garbage_at_once_and_stays_the_cause(void **state)
{
    (void)state;
    for (int i = 0; i < TALKS; i++) {
        struct epmd_session s;
        struct heard h;
        begin(&s, &talks[i], &h);
        assert_int_equal(feed(&s, "HTTP/1.1 400", 1), EPMD_EGARBAGE);
        assert_int_equal(feed(&s, "\x77\x01", 2), EPMD_EGARBAGE);
        assert_int_equal(epmd_session_eof(&s), EPMD_EGARBAGE);
        assert_int_equal(epmd_session_timeout(&s, UINT64_MAX), 0);
        assert_int_equal(feed(&s, NULL, 0), EPMD_EGARBAGE);
        assert_silent(&s);
    }
}

static void a_node_found_is_told_as_registered(void **state)
{
    (void)state;
    struct epmd_session s;
    struct heard h;
    uint8_t bytes[64];
    size_t len = reply_of(&talks[T_FOUND_WITH_EXTRA], bytes, sizeof bytes);
    begin(&s, &talks[T_FOUND_WITH_EXTRA], &h);
    assert_int_equal(feed(&s, bytes, len), EPMD_DONE);
    const struct epmd_node *node = epmd_session_node(&s);
    assert_int_equal(node->port, 40002);
    assert_int_equal(node->nodetype, EPMD_NODE_NORMAL);
    assert_int_equal(node->highest, 6);
    assert_int_equal(node->lowest, 5);
    assert_int_equal(node->name_len, 3);
    assert_memory_equal(node->name, "ext", 3);
    assert_int_equal(node->extra_len, 5);
    assert_memory_equal(node->extra, "hello", 5);
    assert_true(epmd_node_speaks(node, EPMD_DIST_VERSION));
    /* What comes behind does not touch it. */
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(feed(&s, bytes, sizeof bytes), EPMD_DONE);
    assert_int_equal(epmd_session_eof(&s), EPMD_DONE);
    assert_memory_equal(node->name, "ext", 3);
    assert_memory_equal(node->extra, "hello", 5);
}

static void bytes_behind_the_answer_to_a_look_up_do_not_matter(void **state)
{
    (void)state;
    uint8_t bytes[3 * EPMD_REPLY_MAX];
    size_t len = reply_of(&talks[T_FOUND], bytes, sizeof bytes);
    memset(bytes + len, 0xff, sizeof bytes - len);
    for (size_t cut = 0; cut < len; cut++) {
        struct epmd_session s;
        struct heard h;
        begin(&s, &talks[T_FOUND], &h);
        assert_int_equal(feed(&s, bytes, cut), EPMD_MORE);
        assert_int_equal(feed(&s, bytes + cut, sizeof bytes - cut), EPMD_DONE);
        assert_memory_equal(epmd_session_node(&s)->name, "noex", 4);
    }
}

static void an_answer_for_another_node_is_garbage(void **state)
{
    (void)state;
    static const char *const others[] = {"noey", "noe", "noexx"};
    uint8_t bytes[64];
    size_t len = reply_of(&talks[T_FOUND], bytes, sizeof bytes);
    for (size_t i = 0; i < 3; i++) {
        struct epmd_session s;
        assert_int_equal(epmd_session_lookup(&s, others[i], strlen(others[i]), START, TIMEOUT), 0);
        assert_int_equal(feed(&s, bytes, len), EPMD_EGARBAGE);
    }
}

static void a_registration_is_held_silently_until_epmd_closes(void **state)
{
    (void)state;
    struct epmd_session s;
    struct heard h;
    uint8_t bytes[64];
    size_t len = reply_of(&talks[T_REGISTERED], bytes, sizeof bytes);
    begin(&s, &talks[T_REGISTERED], &h);
    epmd_session_sent(&s, 19);
    assert_int_equal(feed(&s, bytes, len), EPMD_DONE);
    assert_int_equal(epmd_session_creation(&s), 0x6b03dc5b);
    assert_int_equal(epmd_session_timeout(&s, UINT64_MAX), 0);
    assert_int_equal(feed(&s, NULL, 0), EPMD_DONE);
    assert_silent(&s);
    assert_int_equal(epmd_session_eof(&s), EPMD_ELOST);
    assert_int_equal(epmd_session_eof(&s), EPMD_ELOST);
    assert_int_equal(feed(&s, bytes, len), EPMD_ELOST);
}

static void a_registration_sends_no_byte_after_the_answer_even_of_a_request_half_sent(void **state)
{
    (void)state;
    struct epmd_session s;
    struct heard h;
    uint8_t bytes[64];
    size_t len = reply_of(&talks[T_REGISTERED], bytes, sizeof bytes);
    begin(&s, &talks[T_REGISTERED], &h);
    epmd_session_sent(&s, 5);
    assert_int_equal(feed(&s, bytes, len), EPMD_DONE);
    assert_silent(&s);
}

static void any_byte_on_a_held_registration_is_garbage(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    size_t len = reply_of(&talks[T_REGISTERED], bytes, sizeof bytes);
    for (int together = 0; together < 2; together++) {
        struct epmd_session s;
        struct heard h;
        begin(&s, &talks[T_REGISTERED], &h);
        if (!together) {
            assert_int_equal(feed(&s, bytes, len), EPMD_DONE);
            assert_int_equal(feed(&s, bytes, 1), EPMD_EGARBAGE);
        } else {
            assert_int_equal(feed(&s, bytes, len + 1), EPMD_EGARBAGE);
        }
        assert_int_equal(epmd_session_eof(&s), EPMD_EGARBAGE);
        assert_silent(&s);
    }
}

static void silence_ends_a_conversation_at_its_deadline(void **state)
{
    (void)state;
    for (int i = 0; i < TALKS; i++) {
        uint8_t bytes[256];
        size_t len = reply_of(&talks[i], bytes, sizeof bytes);
        for (size_t cut = 0; cut < len; cut++) {
            struct epmd_session s;
            struct heard h;
            begin(&s, &talks[i], &h);
            assert_int_equal(feed(&s, bytes, cut), EPMD_MORE);
            /* What trickles in does not put it off. */
            assert_true(epmd_session_deadline(&s) == START + TIMEOUT);
            assert_int_equal(epmd_session_timeout(&s, START + TIMEOUT - 1), 0);
            assert_int_equal(epmd_session_timeout(&s, START + TIMEOUT), EPMD_ETIMEOUT);
            assert_int_equal(feed(&s, bytes + cut, len - cut), EPMD_ETIMEOUT);
            assert_silent(&s);
        }
    }
}

static void a_deadline_beyond_the_clock_never_comes(void **state)
{
    (void)state;
    struct epmd_session s;
    assert_int_equal(epmd_session_lookup(&s, "a", 1, UINT64_MAX - 5, 10), 0);
    assert_true(epmd_session_deadline(&s) == UINT64_MAX);
    assert_int_equal(epmd_session_timeout(&s, UINT64_MAX), 0);
    assert_int_equal(epmd_session_lookup(&s, "a", 1, START, UINT64_MAX), 0);
    assert_int_equal(epmd_session_timeout(&s, UINT64_MAX), 0);
    assert_int_equal(epmd_session_lookup(&s, "a", 1, START, 0), 0);
    assert_int_equal(epmd_session_timeout(&s, START), EPMD_ETIMEOUT);
}

static void a_listing_stops_when_the_caller_says_so(void **state)
{
    (void)state;
    struct epmd_session s;
    struct heard h;
    uint8_t bytes[128];
    size_t len = reply_of(&talks[T_THREE_NODES], bytes, sizeof bytes);
    begin(&s, &talks[T_THREE_NODES], &h);
    h.stop_after = 2;
    assert_int_equal(feed(&s, bytes, len), EPMD_ESTOPPED);
    assert_string_equal(h.text, "ext:40002 old:40001 ");
    assert_int_equal(feed(&s, bytes + 4, len - 4), EPMD_ESTOPPED);
    assert_int_equal(h.entries, 2);
}

static void a_listing_counts_the_lines_it_skips(void **state)
{
    (void)state;
    struct epmd_session s;
    struct heard h;
    uint8_t bytes[128];
    size_t len = reply_of(&talks[T_LINE_BREAK], bytes, sizeof bytes);
    begin(&s, &talks[T_LINE_BREAK], &h);
    assert_int_equal(feed(&s, bytes, len), EPMD_MORE);
    assert_int_equal(epmd_session_eof(&s), EPMD_DONE);
    assert_int_equal(h.entries, 1);
    assert_int_equal(epmd_session_skipped(&s), 2);
}

static int count(void *user, const struct epmd_entry *entry)
{
    unsigned *n = user;
    char want[16];
    int len = snprintf(want, sizeof want, "n%u", *n);
    assert_int_equal(entry->name_len, len);
    assert_memory_equal(entry->name, want, (size_t)len);
    assert_int_equal(entry->port, *n % 65536);
    ++*n;
    return 0;
}

static void a_long_listing_is_passed_on_in_order_whatever_the_pieces(void **state)
{
    (void)state;
    enum { NODES = 20000, SIZE = NODES * 32 };
    char *text = malloc(SIZE);
    assert_non_null(text);
    memcpy(text, "\0\0\x11\x11", 4);
    size_t len = 4;
    for (unsigned i = 0; i < NODES; i++)
        len += (size_t)snprintf(text + len, SIZE - len, "name n%u at port %u\n", i, i % 65536);
    static const size_t pieces[] = {1, 7, 1039, 2054, 4096, SIZE};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct epmd_session s;
        unsigned n = 0;
        assert_int_equal(epmd_session_names(&s, count, &n, START, TIMEOUT), 0);
        for (size_t at = 0; at < len; at += pieces[i])
            assert_int_equal(
                epmd_session_feed(&s, text + at, len - at < pieces[i] ? len - at : pieces[i]),
                EPMD_MORE);
        assert_int_equal(epmd_session_eof(&s), EPMD_DONE);
        assert_int_equal(n, NODES);
        assert_int_equal(epmd_session_epmd_port(&s), EPMD_PORT);
        assert_int_equal(epmd_session_skipped(&s), 0);
    }
    free(text);
}

static void a_line_without_end_is_garbage(void **state)
{
    (void)state;
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        struct epmd_session s;
        struct heard h;
        uint8_t bytes[4 + EPMD_LINE_MAX] = {0, 0, 0x11, 0x11};
        memset(bytes + 4, 'x', EPMD_LINE_MAX);
        begin(&s, &talks[T_NO_NODES], &h);
        if (!bytewise) {
            assert_int_equal(feed(&s, bytes, sizeof bytes), EPMD_EGARBAGE);
            continue;
        }
        for (size_t i = 0; i + 1 < sizeof bytes; i++)
            assert_int_equal(feed(&s, bytes + i, 1), EPMD_MORE);
        assert_int_equal(feed(&s, "x", 1), EPMD_EGARBAGE);
    }
}

static void the_longest_reply_to_a_look_up_is_taken(void **state)
{
    (void)state;
    char name[EPMD_NAME_MAX];
    uint8_t reply[EPMD_REPLY_MAX] = {0x77, 0, 0x9c, 0x40, 0x48, 0, 0, 6, 0, 6, 0x03, 0xfc};
    for (size_t i = 0; i < sizeof name; i += 4)
        memcpy(name + i, "\xf0\x9f\x98\x80", 4);
    memcpy(reply + 12, name, sizeof name);
    memcpy(reply + 12 + sizeof name, "\x03\xfc", 2);
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        struct epmd_session s;
        assert_int_equal(epmd_session_lookup(&s, name, sizeof name, START, TIMEOUT), 0);
        for (size_t i = 0; bytewise && i + 1 < sizeof reply; i++)
            assert_int_equal(feed(&s, reply + i, 1), EPMD_MORE);
        size_t at = bytewise ? sizeof reply - 1 : 0;
        assert_int_equal(feed(&s, reply + at, sizeof reply - at), EPMD_DONE);
        assert_int_equal(epmd_session_node(&s)->extra_len, EPMD_EXTRA_MAX);
    }
}

static void an_unfit_argument_starts_nothing(void **state)
{
    (void)state;
    struct epmd_session s;
    struct epmd_node node = noex_node("noex");
    node.port = 0;
    assert_int_equal(epmd_session_register(&s, &node, START, TIMEOUT), EPMD_EINVALID);
    assert_silent(&s);
    assert_int_equal(feed(&s, "x", 1), EPMD_EINVALID);
    assert_int_equal(epmd_session_lookup(&s, "a@b", 3, START, TIMEOUT), EPMD_EINVALID);
    assert_silent(&s);
    assert_int_equal(epmd_session_names(&s, NULL, NULL, START, TIMEOUT), EPMD_EINVALID);
    assert_silent(&s);
    assert_int_equal(epmd_session_eof(&s), EPMD_EINVALID);
}

static void a_session_not_begun_does_nothing(void **state)
{
    (void)state;
    struct epmd_session s = {0};
    assert_silent(&s);
    assert_int_equal(feed(&s, "x", 1), EPMD_EINVALID);
    assert_int_equal(epmd_session_eof(&s), EPMD_EINVALID);
    assert_int_equal(epmd_session_timeout(&s, UINT64_MAX), 0);
}

static void nothing_of_an_earlier_conversation_is_left_in_the_next(void **state)
{
    (void)state;
    struct epmd_session s;
    for (int i = 0; i < TALKS; i++) {
        struct heard h;
        uint8_t bytes[256];
        begin(&s, &talks[i], &h);
        assert_int_equal(epmd_session_creation(&s), 0);
        assert_int_equal(epmd_session_epmd_port(&s), 0);
        assert_int_equal(epmd_session_skipped(&s), 0);
        assert_null(epmd_session_node(&s)->name);
        assert_int_equal(epmd_session_node(&s)->port, 0);
        size_t len = reply_of(&talks[i], bytes, sizeof bytes);
        assert_ended_as(&s, &talks[i], &h, feed(&s, bytes, len));
    }
}

static void every_state_says_what_is_awaited(void **state)
{
    (void)state;
    struct epmd_session s;
    struct heard h;
    begin(&s, &talks[T_REGISTERED], &h);
    assert_string_equal(epmd_session_awaits(&s), "epmd's answer to the registration");
    assert_int_equal(feed(&s, "\x76\0\0\0\0\4", 6), EPMD_DONE);
    assert_string_equal(epmd_session_awaits(&s), "nothing: registered");
    assert_int_equal(epmd_session_eof(&s), EPMD_ELOST);
    assert_string_equal(epmd_session_awaits(&s), "nothing: failed");
    begin(&s, &talks[T_FOUND], &h);
    assert_string_equal(epmd_session_awaits(&s), "epmd's answer to the look-up");
    begin(&s, &talks[T_NO_NODES], &h);
    assert_string_equal(epmd_session_awaits(&s), "epmd's list of nodes");
    assert_int_equal(feed(&s, "\0\0\x11\x11", 4), EPMD_MORE);
    assert_string_equal(epmd_session_awaits(&s), "the rest of epmd's list of nodes");
    assert_int_equal(epmd_session_eof(&s), EPMD_DONE);
    assert_string_equal(epmd_session_awaits(&s), "nothing: answered");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conversation_sends_its_request),
        cmocka_unit_test(every_reply_is_understood_whole),
        cmocka_unit_test(every_reply_is_understood_cut_in_two_anywhere),
        cmocka_unit_test(every_reply_is_understood_byte_by_byte),
        cmocka_unit_test(the_end_of_the_stream_before_the_reply_is_an_error),
        cmocka_unit_test(a_wrong_byte_is_garbage_at_once_and_stays_the_cause),
        cmocka_unit_test(a_node_found_is_told_as_registered),
        cmocka_unit_test(bytes_behind_the_answer_to_a_look_up_do_not_matter),
        cmocka_unit_test(an_answer_for_another_node_is_garbage),
        cmocka_unit_test(a_registration_is_held_silently_until_epmd_closes),
        cmocka_unit_test(a_registration_sends_no_byte_after_the_answer_even_of_a_request_half_sent),
        cmocka_unit_test(any_byte_on_a_held_registration_is_garbage),
        cmocka_unit_test(silence_ends_a_conversation_at_its_deadline),
        cmocka_unit_test(a_deadline_beyond_the_clock_never_comes),
        cmocka_unit_test(a_listing_stops_when_the_caller_says_so),
        cmocka_unit_test(a_listing_counts_the_lines_it_skips),
        cmocka_unit_test(a_long_listing_is_passed_on_in_order_whatever_the_pieces),
        cmocka_unit_test(a_line_without_end_is_garbage),
        cmocka_unit_test(the_longest_reply_to_a_look_up_is_taken),
        cmocka_unit_test(an_unfit_argument_starts_nothing),
        cmocka_unit_test(a_session_not_begun_does_nothing),
        cmocka_unit_test(nothing_of_an_earlier_conversation_is_left_in_the_next),
        cmocka_unit_test(every_state_says_what_is_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
