/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "hex.h"
#include "random_term.h"
#include "term/ident.h"
#include "wire/expand.h"
#include "wire/frame.h"

#include <stdio.h>
#include <stdlib.h>

enum { TERMS_MAX = 1 << 16 };

/* A sender, and a peer that reads what it sends. */
struct fixture {
    struct alloc_test t;
    struct nx_known_atoms *k;
    struct nx_atom_cache *peer;
    struct nx_buf terms;
    struct nx_buf frame;
    struct nx_buf plain; /* what the peer made of the last frame's terms */
    size_t refs;
};

static void begin(struct fixture *x)
{
    memset(x, 0, sizeof *x);
    alloc_test_init(&x->t);
    x->k = nx_known_atoms_new(&x->t.a, "me@host", "you@host");
    x->peer = nx_atom_cache_new(&x->t.a);
    assert_true(x->k && x->peer);
    nx_buf_init(&x->terms, &x->t.a, SIZE_MAX);
    nx_buf_init(&x->frame, &x->t.a, SIZE_MAX);
    nx_buf_init(&x->plain, &x->t.a, SIZE_MAX);
    assert_int_equal(nx_buf_reserve(&x->terms, TERMS_MAX), 0);
}

static void end(struct fixture *x)
{
    nx_known_atoms_free(x->k);
    nx_atom_cache_free(x->peer);
    nx_buf_free(&x->terms);
    nx_buf_free(&x->frame);
    nx_buf_free(&x->plain);
    assert_int_equal(x->t.live, 0);
}

static void put(struct fixture *x, struct nx_span term, bool all)
{
    const size_t before = nx_buf_len(&x->terms);
    (all ? nx_known_atoms_put_all : nx_known_atoms_put)(x->k, &x->terms, term);
    assert_true(nx_buf_len(&x->terms) - before <= term.len);
}

/* The frame of what was put, read by the peer where it is sent. */
static void send(struct fixture *x, bool sent)
{
    struct nx_frame f;
    struct noex_error err = {0};
    nx_buf_consume(&x->frame, SIZE_MAX);
    nx_buf_consume(&x->plain, SIZE_MAX);
    assert_int_equal(nx_frame_write_short(&x->frame, x->k, nx_buf_span(&x->terms)), 0);
    nx_buf_consume(&x->terms, SIZE_MAX);
    nx_known_atoms_end(x->k, sent);
    if (!sent)
        return;
    struct nx_span body = nx_buf_span(&x->frame);
    assert_int_equal(nx_get_u32(body.ptr), body.len - 4);
    body = nx_span(body.ptr + 4, body.len - 4);
    if (nx_frame_parse(body, NX_FRAME_DIST_HEADER, x->peer, &f, &err))
        fail_msg("%s", err.text);
    x->refs = f.refs.count;
    while (f.data.len) {
        struct nx_plain p;
        const size_t before = nx_buf_len(&x->plain);
        assert_int_equal(nx_expand(f.data, &f.refs, &x->plain, SIZE_MAX, &p, NULL), 0);
        if (nx_buf_len(&x->plain) == before)
            assert_int_equal(nx_buf_put_span(&x->plain, p.term), 0);
        f.data = nx_span(f.data.ptr + p.used, f.data.len - p.used);
    }
}

static void assert_frame(const struct fixture *x, const char *hex)
{
    uint8_t bytes[1024];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    const struct nx_span frame = nx_buf_span(&x->frame);
    assert_int_not_equal(len, (size_t)-1);
    assert_true(nx_span_eq(nx_span(frame.ptr + 4, frame.len - 4), nx_span(bytes, len)));
}

static void put_hex(struct fixture *x, const char *hex, bool all)
{
    uint8_t bytes[1024];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_int_not_equal(len, (size_t)-1);
    uint8_t *exact = malloc(len);
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    put(x, nx_span(exact, len), all);
    free(exact);
}

static void put_atom(struct fixture *x, const char *text)
{
    uint8_t bytes[1024];
    struct nx_buf b;
    nx_buf_fixed(&b, bytes, sizeof bytes);
    assert_int_equal(nx_atom_write(&b, nx_span_str(text)), 0);
    put(x, nx_buf_span(&b), false);
}

#define ME "77076d6540686f7374"
#define YOU "7708796f7540686f7374"

static void the_names_of_both_nodes_are_sent_once_and_then_referred_to(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    for (unsigned i = 0; i < 2; i++) {
        put_hex(&x, "58" ME "00000001 00000002 00000003", false);
        put_hex(&x, "58" YOU "00000004 00000005 00000006", false);
        put_hex(&x, "5a 0003" ME "00000001 00000002 00000003 00000004", false);
        send(&x, true);
        assert_frame(&x, i == 0 ? "834402 99 00 00 076d6540686f7374 01 08796f7540686f7374"
                                  "58 5200 000000010000000200000003"
                                  "58 5201 000000040000000500000006"
                                  "5a0003 5200 00000001 000000020000000300000004"
                                : "834402 11 00 00 01"
                                  "58 5200 000000010000000200000003"
                                  "58 5201 000000040000000500000006"
                                  "5a0003 5200 00000001 000000020000000300000004");
    }
    end(&x);
}

static void another_atom_gets_a_place_when_it_comes_again(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    put_atom(&x, "server");
    send(&x, true);
    assert_frame(&x, "834400 7706736572766572");
    put_atom(&x, "server");
    send(&x, true);
    const uint8_t slot = nx_buf_span(&x.frame).ptr[4 + 4];
    char hex[128];
    snprintf(hex, sizeof hex, "834401 08 %02x 06736572766572 5200", slot);
    assert_frame(&x, hex);
    put_atom(&x, "server");
    put_atom(&x, "server"); /* twice in one message: one reference */
    send(&x, true);
    snprintf(hex, sizeof hex, "834401 00 %02x 5200 5200", slot);
    assert_frame(&x, hex);
    end(&x);
}

static void what_was_not_sent_the_peer_does_not_know(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    for (unsigned i = 0; i < 5; i++) {
        put_atom(&x, "server");
        put_atom(&x, "me@host");
        send(&x, i == 2 || i == 4);
        const bool fresh = i < 3;
        assert_int_equal(nx_buf_span(&x.frame).ptr[4 + 3] >> (i == 0 ? 0 : 4) & 8, fresh ? 8 : 0);
    }
    assert_int_equal(x.refs, 2);
    end(&x);
}

static void what_would_not_become_shorter_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const rows[] = {"7700",
                                       "770161",
                                       "7306736572766572",
                                       "6405",
                                       "6402",
                                       "67" ME "00000001 00000002 03",
                                       "6a",
                                       "6101",
                                       "6d00000006 736572766572",
                                       "76000161",
                                       "78" ME "000000",
                                       "7706",
                                       "5a",
                                       "58",
                                       "77"};
    struct fixture x;
    begin(&x);
    for (unsigned i = 0; i < 3 * sizeof rows / sizeof *rows; i++) {
        const char *hex = rows[i % (sizeof rows / sizeof *rows)];
        char frame[256];
        put_hex(&x, hex, false);
        send(&x, false);
        snprintf(frame, sizeof frame, "834400 %s", hex);
        assert_frame(&x, frame);
    }
    char text[512] = "";
    for (size_t i = 0; i < 256; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    for (unsigned i = 0; i < 3; i++) {
        put_atom(&x, text);
        send(&x, true);
        assert_int_equal(x.refs, 0);
    }
    text[254] = 'x';
    text[255] = '\0';
    for (unsigned i = 0; i < 3; i++) {
        put_atom(&x, text);
        send(&x, true);
        assert_int_equal(x.refs, i > 0);
    }
    end(&x);
}

static void references_of_any_number_of_words_keep_them(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    for (uint32_t words = 1; words <= 5; words++) {
        const struct nx_ref ref = {
            .node = nx_span_str("me@host"), .creation = 7, .count = words, .word = {1, 2, 3, 4, 5}};
        uint8_t bytes[128];
        struct nx_buf b;
        nx_buf_fixed(&b, bytes, sizeof bytes);
        assert_int_equal(nx_ref_write(&b, &ref), 0);
        put(&x, nx_buf_span(&b), false);
        send(&x, true);
        assert_int_equal(x.refs, 1);
        assert_true(nx_span_eq(nx_buf_span(&x.plain), nx_buf_span(&b)));
    }
    end(&x);
}

static void put_all_looks_into_terms_but_not_into_funs(void **state)
{
    (void)state;
    const char *hex = "6804 58" ME "000000010000000200000003"
                      "6c00000001 7702 6f6b 7702 6f6b"
                      "70 00000050 01 52525252525252525252525252525252 00000001 00000000"
                      "7702 6f6b 6101 6102 58" ME "525252525252525252525252"
                      "7702 6f6b";
    struct fixture x;
    begin(&x);
    for (unsigned i = 0; i < 3; i++) {
        put_hex(&x, hex, false);
        send(&x, true);
        assert_int_equal(x.refs, 0);
        put_hex(&x, hex, true);
        send(&x, true);
        assert_int_equal(x.refs, 2); /* ok comes twice before the fun */
    }
    /* A bare atom is a term, too; what is broken stays as it is from there on. */
    put_hex(&x, "7702 6f6b", true);
    put_hex(&x, "6803 7702 6f6b 00 7702 6f6b", true);
    send(&x, false);
    const uint8_t ok = nx_buf_span(&x.frame).ptr[8];
    char frame[128];
    snprintf(frame, sizeof frame, "834401 00 %02x 5200 6803 5200 00 77026f6b", ok);
    assert_frame(&x, frame);
    end(&x);
}

/* More atoms than a header may refer to, and than there are places: some of them share one. */
static void no_more_than_255_and_never_two_atoms_for_one_place(void **state)
{
    (void)state;
    enum { ATOMS = 1000 };
    struct fixture x;
    struct nx_buf all;
    begin(&x);
    nx_buf_init(&all, &x.t.a, SIZE_MAX);
    assert_int_equal(nx_buf_put_u8(&all, 108), 0);
    assert_int_equal(nx_buf_put_u32(&all, ATOMS), 0);
    for (unsigned i = 0; i < ATOMS; i++) {
        char text[16];
        snprintf(text, sizeof text, "a%u", i);
        assert_int_equal(nx_atom_write(&all, nx_span_str(text)), 0);
    }
    assert_int_equal(nx_buf_put_u8(&all, 106), 0);
    size_t most = 0;
    for (unsigned i = 0; i < 20; i++) {
        put(&x, nx_buf_span(&all), true);
        send(&x, true);
        assert_true(nx_span_eq(nx_buf_span(&x.plain), nx_buf_span(&all)));
        most = x.refs > most ? x.refs : most;
    }
    assert_in_range(most, 1, 255);
    nx_buf_free(&all);
    end(&x);
}

static void atoms_that_come_in_turn_keep_their_places(void **state)
{
    (void)state;
    struct fixture x;
    size_t refs = 0;
    begin(&x);
    for (unsigned i = 0; i < 500; i++) {
        char text[16];
        snprintf(text, sizeof text, "name_%u", i % 10);
        put_atom(&x, text);
        send(&x, true);
        refs += x.refs;
    }
    assert_in_range(refs, 400, 490); /* two of ten might share a place */
    end(&x);
}

/* The half-byte behind the references says how long the lengths of atoms are. */
static void nothing_of_a_longer_header_is_left_in_a_shorter_one(void **state)
{
    (void)state;
    static const char *const frames[][4] = {{"first", "second"},
                                            {"first", "second"},
                                            {"first", "second", "you@host"},
                                            {"third", "fourth"},
                                            {"first", "second", "you@host"},
                                            {"third", "fourth"}}; /* with their text now */
    struct fixture x;
    begin(&x);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        for (size_t n = 0; frames[i][n]; n++)
            put_atom(&x, frames[i][n]);
        send(&x, true); /* and the peer reads it */
    }
    assert_int_equal(x.refs, 2);
    end(&x);
}

/* Each comes twice, so that all want a place, and the memory for their texts is used up again and
 * again. */
static void any_number_of_names_goes_through_the_same_memory(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    const size_t calls = x.t.calls;
    for (unsigned i = 0; i < 2000; i++) {
        char text[256];
        uint8_t bytes[300];
        struct nx_buf b;
        int len = snprintf(text, sizeof text, "%u", i / 2);
        memset(text + len, 'x', 200);
        text[len + 200] = '\0';
        put_atom(&x, text);
        put_atom(&x, "me@host");
        send(&x, true);
        nx_buf_fixed(&b, bytes, sizeof bytes);
        assert_int_equal(nx_atom_write(&b, nx_span_str(text)), 0);
        assert_int_equal(nx_atom_write(&b, nx_span_str("me@host")), 0);
        assert_true(nx_span_eq(nx_buf_span(&x.plain), nx_buf_span(&b)));
        assert_in_range(x.refs, 1, 2);
    }
    assert_true(x.t.calls < calls + 20); /* those of the test's own buffers and of the peer */
    end(&x);
}

/* Terms at random, some not sent after all: the peer reads what was put. */
static void whatever_is_sent_arrives(void **state)
{
    (void)state;
    uint32_t seed = 2024;
    struct fixture x;
    size_t refs = 0, shorter = 0, plain = 0;
    begin(&x);
    nx_known_atoms_free(x.k);
    x.k = nx_known_atoms_new(&x.t.a, "a1", "a2"); /* among the atoms of the terms */
    assert_non_null(x.k);
    for (unsigned i = 0; i < 5000; i++) {
        struct nx_buf want;
        nx_buf_init(&want, &nx_alloc_libc, SIZE_MAX);
        for (unsigned n = 1 + random_below(&seed, 5); n; n--) {
            struct nx_buf term;
            nx_buf_init(&term, &nx_alloc_libc, SIZE_MAX);
            random_term(&term, &seed, random_below(&seed, 40), i % 2 ? 30 : 700);
            assert_int_equal(nx_buf_put_span(&want, nx_buf_span(&term)), 0);
            put(&x, nx_buf_span(&term), random_below(&seed, 2));
            nx_buf_free(&term);
        }
        const bool sent = random_below(&seed, 5) > 0;
        send(&x, sent);
        if (sent) {
            assert_true(nx_span_eq(nx_buf_span(&x.plain), nx_buf_span(&want)));
            refs += x.refs;
            shorter += nx_buf_len(&x.frame);
            plain += 7 + nx_buf_len(&want);
        }
        nx_buf_free(&want);
    }
    assert_true(refs > 5000 && shorter < plain);
    end(&x);
}

static void a_frame_without_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    put_atom(&x, "me@host");
    x.t.fail_at = 1;
    x.t.fail_on = true;
    assert_int_equal(nx_frame_write_short(&x.frame, x.k, nx_buf_span(&x.terms)), NOEX_ENOMEM);
    assert_int_equal(nx_buf_len(&x.frame), 0);
    assert_null(nx_known_atoms_new(&x.t.a, "a@b", "c@d"));
    x.t.fail_at = 0;
    end(&x);
    nx_known_atoms_free(NULL);
}

static void names_that_are_too_long_to_be_known_are_sent_as_they_are(void **state)
{
    (void)state;
    char name[400] = "";
    struct fixture x;
    begin(&x);
    nx_known_atoms_free(x.k);
    for (size_t i = 0; i < 300; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    x.k = nx_known_atoms_new(&x.t.a, name, "you@host");
    assert_non_null(x.k);
    for (unsigned i = 0; i < 3; i++) {
        put_atom(&x, name);
        put_atom(&x, "you@host");
        send(&x, true);
        assert_int_equal(x.refs, 1);
    }
    end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_names_of_both_nodes_are_sent_once_and_then_referred_to),
        cmocka_unit_test(another_atom_gets_a_place_when_it_comes_again),
        cmocka_unit_test(what_was_not_sent_the_peer_does_not_know),
        cmocka_unit_test(what_would_not_become_shorter_stays_as_it_is),
        cmocka_unit_test(references_of_any_number_of_words_keep_them),
        cmocka_unit_test(put_all_looks_into_terms_but_not_into_funs),
        cmocka_unit_test(no_more_than_255_and_never_two_atoms_for_one_place),
        cmocka_unit_test(atoms_that_come_in_turn_keep_their_places),
        cmocka_unit_test(nothing_of_a_longer_header_is_left_in_a_shorter_one),
        cmocka_unit_test(any_number_of_names_goes_through_the_same_memory),
        cmocka_unit_test(whatever_is_sent_arrives),
        cmocka_unit_test(a_frame_without_memory_leaves_nothing_behind),
        cmocka_unit_test(names_that_are_too_long_to_be_known_are_sent_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
