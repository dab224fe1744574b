/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "base/err.h"
#include "cmocka_all.h"
#include "handshake/dflags.h"
#include "handshake/hs.h"
#include "handshake/hs_msg.h"
#include "hex.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* What both sides offer in the bytes below, whatever a node of ours offers by now. */
#define FLAGS UINT64_C(0xd07df0fbc)

enum { STEP_MS = 7000, BUF = 4096 };

/* One side of a handshake: its machine, what it decides, what it was asked. */
struct side {
    struct nx_hs *hs;
    struct nx_hs_config config;
    struct alloc_test mem;
    struct nx_random random;
    uint32_t challenge;
    bool random_fails;
    enum nx_hs_status status;
    bool gone;
    char given[512]; /* name for a NAME_ME peer; "" refuses */
    uint32_t given_creation;
    int refusal; /* of admission, and why */
    const char *refused_for;
    unsigned asked_status, asked_gone, asked_name, admitted;
    size_t out_at_admission;
    char asked_for[512];
    char admitted_as[512];
    struct noex_error err;
    uint8_t in[BUF];
    size_t in_len;
    int rc;
};

static int fake_fill(void *ctx, uint8_t *bytes, size_t len)
{
    struct side *s = ctx;
    assert_int_equal(len, 4);
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(s->challenge >> (24 - 8 * i));
    return s->random_fails ? NOEX_ERANDOM : 0;
}

static enum nx_hs_status decide_status(void *ctx, struct nx_span peer_name)
{
    struct side *s = ctx;
    s->asked_status++;
    snprintf(s->asked_for, sizeof s->asked_for, "%.*s", (int)peer_name.len, peer_name.ptr);
    return s->status;
}

static int decide_name(void *ctx, struct nx_span host, char *name, size_t size, uint32_t *creation)
{
    struct side *s = ctx;
    s->asked_name++;
    snprintf(s->asked_for, sizeof s->asked_for, "%.*s", (int)host.len, host.ptr);
    if (!s->given[0])
        return -1;
    snprintf(name, size, "%s", s->given);
    *creation = s->given_creation;
    return 0;
}

static bool decide_gone(void *ctx)
{
    struct side *s = ctx;
    s->asked_gone++;
    return s->gone;
}

static int decide_admit(void *ctx, struct nx_span peer_name, struct noex_error *err)
{
    struct side *s = ctx;
    s->admitted++;
    s->out_at_admission = nx_hs_out(s->hs).len;
    snprintf(s->admitted_as, sizeof s->admitted_as, "%.*s", (int)peer_name.len, peer_name.ptr);
    return s->refusal ? nx_fail(err, s->refusal, "%s", s->refused_for) : 0;
}

static int decide_no_memory(void *ctx, struct nx_span peer_name, struct noex_error *err)
{
    (void)ctx, (void)peer_name, (void)err;
    return NOEX_ENOMEM;
}

static struct nx_span cookie_of_b(void *ctx, struct nx_span peer_name)
{
    (void)ctx;
    return nx_span_str(nx_span_is(peer_name, "b@h") ? "of b and c" : "somebody else's");
}

static struct nx_span cookie_of_c(void *ctx, struct nx_span peer_name)
{
    (void)ctx;
    return nx_span_str(nx_span_is(peer_name, "c@h") ? "of b and c" : "somebody else's");
}

static void side_init(struct side *s, enum nx_hs_role role)
{
    memset(s, 0, sizeof *s);
    alloc_test_init(&s->mem);
    s->random = (struct nx_random){fake_fill, s};
    s->challenge = role == NX_HS_DIAL ? 0x89abcdef : 0x01234567;
    s->config = (struct nx_hs_config){
        .alloc = &s->mem.a,
        .random = &s->random,
        .decide = {.ctx = s,
                   .status = decide_status,
                   .name_peer = decide_name,
                   .older_is_gone = decide_gone,
                   .admit = decide_admit},
        .role = role,
        .header = 2,
        .flags = FLAGS,
        .required = NX_DFLAGS_REQUIRED,
        .creation = role == NX_HS_DIAL ? 77 : 88,
        .self_name = role == NX_HS_DIAL ? "c@h" : "b@h",
        .peer_name = role == NX_HS_DIAL ? "b@h" : NULL,
        .cookie = nx_span_str("the cookie"),
        .step_ms = STEP_MS,
    };
}

static void side_start(struct side *s)
{
    s->hs = nx_hs_new(&s->config, 1000, &s->err);
    assert_non_null(s->hs);
    assert_int_equal(s->err.code, 0);
    assert_int_equal(nx_hs_deadline(s->hs), 1000 + STEP_MS);
}

static struct side *side_new(struct side *s, enum nx_hs_role role)
{
    side_init(s, role);
    side_start(s);
    return s;
}

static void side_end(struct side *s)
{
    nx_hs_free(s->hs);
    s->hs = NULL;
    assert_int_equal(s->mem.live, 0);
}

/* Feeds what has come so far from a block of exactly that size; drops what was eaten. */
static int side_feed(struct side *s)
{
    size_t used = 99999;
    uint8_t *exact = test_malloc(s->in_len ? s->in_len : 1);
    memcpy(exact, s->in, s->in_len);
    s->rc = nx_hs_feed(s->hs, nx_span(exact, s->in_len), &used, 1000, &s->err);
    test_free(exact);
    assert_in_range(used, 0, s->in_len);
    s->in_len -= used;
    memmove(s->in, s->in + used, s->in_len);
    return s->rc;
}

static int side_take(struct side *s, const void *bytes, size_t len, size_t chunk)
{
    const uint8_t *p = bytes;
    int rc = s->rc;
    while (len && rc == NX_HS_MORE) {
        size_t n = len < chunk ? len : chunk;
        assert_in_range(s->in_len + n, 0, BUF);
        memcpy(s->in + s->in_len, p, n);
        s->in_len += n;
        p += n;
        len -= n;
        rc = side_feed(s);
    }
    return rc;
}

static int side_get(struct side *s, const char *hex)
{
    uint8_t bytes[1024];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_in_range(len, 0, sizeof bytes);
    return side_take(s, bytes, len, SIZE_MAX);
}

/* What the side has to send is exactly this; takes it. */
static void side_sends(struct side *s, const char *hex)
{
    uint8_t want[1024];
    size_t len = hex_decode(hex, want, sizeof want);
    struct nx_span out = nx_hs_out(s->hs);
    assert_int_equal(out.len, len);
    if (len)
        assert_memory_equal(out.ptr, want, len);
    nx_hs_sent(s->hs, out.len);
    assert_int_equal(nx_hs_out(s->hs).len, 0);
}

static void assert_failed(struct side *s, int code, const char *text)
{
    assert_int_equal(s->rc, code);
    assert_int_equal(s->err.code, code);
    if (!strstr(s->err.text, text))
        fail_msg("\"%s\" does not hold \"%s\"", s->err.text, text);
    assert_null(strchr(s->err.text, '\n'));
}

/* Feeding, or failing to: what went wrong is text that names the cause. */
static void refuses(struct side *s, const char *hex, int code, const char *text)
{
    side_get(s, hex);
    assert_failed(s, code, text);
}

#define CHALLENGE_B "0016 4e 0000000d07df0fbc 01234567 00000058 0003 624068"
#define NAME_C "0012 4e 0000000d07df0fbc 0000004d 0003 634068"
#define OLD_NAME_C "000a 6e 0005 07df0fbc 634068"
#define COMPLEMENT "0009 63 0000000d 0000004d"
#define S_OK "0003 73 6f6b"
#define S_ALIVE "0006 73 616c697665"
#define S_TRUE "0005 73 74727565"
#define S_FALSE "0006 73 66616c7365"
#define S_NOK "0004 73 6e6f6b"
#define S_NOT_ALLOWED "000c 73 6e6f745f616c6c6f776564"

/* How to bring a fresh side to each step, and what that step is called. */
static const struct stage {
    const char *name;
    enum nx_hs_role role;
    enum nx_hs_status status;
    const char *feed;
    const char *step;
    const char *tags; /* that are expected here */
    int eof_code;
    const char *eof_text;
} stages[] = {
    {"status", NX_HS_DIAL, NX_HS_OK, "", "the peer's status", "s", NOEX_ECLOSED, "on our name"},
    {"challenge", NX_HS_DIAL, NX_HS_OK, S_OK, "the peer's challenge", "Nn", NOEX_ECLOSED,
     "where its challenge was due"},
    {"ack", NX_HS_DIAL, NX_HS_OK, S_OK CHALLENGE_B, "the peer's digest", "a", NOEX_ECOOKIE,
     "closed the connection on our digest: the cookies differ"},
    {"name", NX_HS_ACCEPT, NX_HS_OK, "", "the peer's name", "Nn", NOEX_ECLOSED,
     "before it said its name"},
    {"alive", NX_HS_ACCEPT, NX_HS_ALIVE, NAME_C, "the peer's answer to alive", "s", NOEX_ECLOSED,
     "where its answer to alive was due"},
    {"alive_after_old_name", NX_HS_ACCEPT, NX_HS_ALIVE, OLD_NAME_C, "the peer's answer to alive",
     "s", NOEX_ECLOSED, "where its answer to alive was due"},
    {"complement", NX_HS_ACCEPT, NX_HS_OK, OLD_NAME_C, "the peer's complement", "c", NOEX_ECLOSED,
     "on our challenge"},
    {"reply", NX_HS_ACCEPT, NX_HS_OK, NAME_C, "the peer's challenge reply", "r", NOEX_ECLOSED,
     "on our challenge"},
};

enum { STAGES = sizeof stages / sizeof *stages };

static struct side *at_stage(struct side *s, const struct stage *stage)
{
    side_init(s, stage->role);
    s->status = stage->status;
    side_start(s);
    assert_int_equal(side_get(s, stage->feed), NX_HS_MORE);
    assert_int_equal(s->in_len, 0);
    assert_string_equal(nx_hs_step(s->hs), stage->step);
    return s;
}

static void silence_at_this_step_times_out_and_names_it(void **state)
{
    const struct stage *stage = *state;
    struct side s;
    at_stage(&s, stage);
    uint64_t deadline = nx_hs_deadline(s.hs);
    assert_int_equal(deadline, 1000 + STEP_MS);
    assert_int_equal(nx_hs_timeout(s.hs, deadline - 1, &s.err), 0);
    assert_int_equal(s.err.code, 0);
    s.rc = nx_hs_timeout(s.hs, deadline, &s.err);
    assert_failed(&s, NOEX_EHANDSHAKETIMEOUT, stage->step);
    assert_non_null(strstr(s.err.text, "7000 ms"));
    assert_true(nx_hs_deadline(s.hs) == UINT64_MAX);
    side_end(&s);
}

static void eof_at_this_step_is_told_as_what_it_means(void **state)
{
    const struct stage *stage = *state;
    struct side s;
    at_stage(&s, stage);
    s.rc = nx_hs_eof(s.hs, &s.err);
    assert_failed(&s, stage->eof_code, stage->eof_text);
    side_end(&s);
}

static void any_other_tag_at_this_step_is_garbage_before_the_message_is_whole(void **state)
{
    const struct stage *stage = *state;
    for (int tag = 0; tag < 256; tag++) {
        struct side s;
        const uint8_t bytes[] = {0, 30, (uint8_t)tag};
        at_stage(&s, stage);
        int rc = side_take(&s, bytes, sizeof bytes, 1);
        if (tag && strchr(stage->tags, tag)) {
            assert_int_equal(rc, NX_HS_MORE);
            assert_int_equal(s.in_len, 3);
        } else {
            assert_failed(&s, NOEX_EGARBAGE, stage->step);
            assert_string_equal(nx_hs_step(s.hs), "nothing: the handshake has failed");
        }
        side_end(&s);
    }
}

/* The expected tag with a body that has not its form: nothing behind the tag, or one byte too few.
 */
static void a_malformed_message_at_this_step_is_garbage(void **state)
{
    const struct stage *stage = *state;
    for (const char *tag = stage->tags; *tag; tag++) {
        struct side s;
        const uint8_t bytes[] = {0, 4, (uint8_t)*tag, 1, 2, 3};
        at_stage(&s, stage);
        side_take(&s, bytes, sizeof bytes, SIZE_MAX);
        if (*tag == 'n' && stage->role == NX_HS_DIAL)
            assert_failed(&s, NOEX_EFLAG, "HANDSHAKE_23");
        else
            assert_failed(&s, NOEX_EGARBAGE, "");
        side_end(&s);
    }
}

static void lengths_that_no_message_has_are_garbage_at_this_step(void **state)
{
    const struct stage *stage = *state;
    static const char *const lengths[] = {"0000", "0801", "ffff", "4745"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct side s;
        at_stage(&s, stage);
        refuses(&s, lengths[i], NOEX_EGARBAGE, stage->step);
        side_end(&s);
    }
}

static void part_of_a_message_does_not_restart_the_timer_of_this_step(void **state)
{
    const struct stage *stage = *state;
    struct side s;
    size_t used;
    const uint8_t bytes[] = {0, 30, (uint8_t)stage->tags[0], 0};
    at_stage(&s, stage);
    assert_int_equal(nx_hs_feed(s.hs, nx_span(bytes, sizeof bytes), &used, 5000, &s.err), 0);
    assert_int_equal(used, 0);
    assert_int_equal(nx_hs_deadline(s.hs), 1000 + STEP_MS);
    side_end(&s);
}

static void the_first_cause_is_given_again_after_failing_at_this_step(void **state)
{
    const struct stage *stage = *state;
    struct side s;
    size_t used;
    struct noex_error later = {0};
    at_stage(&s, stage);
    refuses(&s, "0000", NOEX_EGARBAGE, stage->step);
    assert_int_equal(nx_hs_feed(s.hs, nx_span("\0\3sok", 5), &used, 1, &later), NOEX_EGARBAGE);
    assert_int_equal(used, 0);
    assert_string_equal(later.text, s.err.text);
    assert_int_equal(nx_hs_eof(s.hs, NULL), NOEX_EGARBAGE);
    assert_int_equal(nx_hs_timeout(s.hs, UINT64_MAX, NULL), NOEX_EGARBAGE);
    side_end(&s);
}

/* Two machines joined by memory; whatever one sends reaches the other in pieces of `chunk` bytes.
 */
static void pump(struct side *a, struct side *b, size_t chunk)
{
    for (int round = 0; round < 10; round++) {
        struct side *from = round % 2 ? b : a, *to = round % 2 ? a : b;
        struct nx_span out = nx_hs_out(from->hs);
        uint8_t copy[BUF];
        size_t n = out.len;
        if (n)
            memcpy(copy, out.ptr, n);
        nx_hs_sent(from->hs, n);
        side_take(to, copy, n, chunk);
    }
}

static void assert_both_done(const struct side *d, const struct side *a)
{
    if (d->rc < 0 || a->rc < 0)
        fail_msg("dialling: %s; accepting: %s", d->err.text, a->err.text);
    assert_int_equal(d->rc, NX_HS_DONE);
    assert_int_equal(a->rc, NX_HS_DONE);
    const struct nx_hs_result *dr = nx_hs_result(d->hs), *ar = nx_hs_result(a->hs);
    assert_string_equal(dr->self_name, ar->peer_name);
    assert_string_equal(ar->self_name, dr->peer_name);
    assert_int_equal(dr->self_creation, ar->peer_creation);
    assert_int_equal(ar->self_creation, dr->peer_creation);
    assert_true(dr->flags == ar->flags);
    assert_true(nx_hs_deadline(d->hs) == UINT64_MAX && nx_hs_deadline(a->hs) == UINT64_MAX);
    assert_int_equal(nx_hs_timeout(d->hs, UINT64_MAX, NULL), 0);
    assert_string_equal(nx_hs_step(d->hs), "nothing: the handshake is done");
}

static void both_roles_agree_with_headers_of_2_and_4_bytes_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (unsigned header = 2; header <= 4; header += 2) {
        for (size_t chunk = 1; chunk <= 48; chunk++) {
            struct side d, a;
            side_init(&d, NX_HS_DIAL);
            side_init(&a, NX_HS_ACCEPT);
            d.config.header = a.config.header = header;
            side_start(&d);
            side_start(&a);
            pump(&d, &a, chunk);
            assert_both_done(&d, &a);
            assert_string_equal(nx_hs_result(a.hs)->peer_name, "c@h");
            assert_string_equal(a.asked_for, "c@h");
            assert_int_equal(a.asked_status, 1);
            assert_int_equal(a.admitted, 1);
            assert_string_equal(a.admitted_as, "c@h");
            assert_true(nx_hs_result(d.hs)->flags == FLAGS);
            assert_true(nx_hs_result(d.hs)->peer_flags == FLAGS);
            side_end(&d);
            side_end(&a);
        }
    }
}

static void each_status_that_goes_on_leads_both_roles_to_the_end(void **state)
{
    (void)state;
    static const enum nx_hs_status going_on[] = {NX_HS_OK, NX_HS_OK_SIMULTANEOUS, NX_HS_ALIVE};
    for (size_t i = 0; i < 3; i++) {
        struct side d, a;
        side_init(&d, NX_HS_DIAL);
        side_init(&a, NX_HS_ACCEPT);
        a.status = going_on[i];
        d.gone = true;
        side_start(&d);
        side_start(&a);
        pump(&d, &a, SIZE_MAX);
        assert_both_done(&d, &a);
        assert_int_equal(d.asked_gone, going_on[i] == NX_HS_ALIVE);
        assert_int_equal(a.admitted, 1);
        side_end(&d);
        side_end(&a);
    }
}

static void without_decisions_a_peer_is_accepted_but_gets_no_name(void **state)
{
    (void)state;
    struct side d, a;
    for (int dynamic = 0; dynamic < 2; dynamic++) {
        side_init(&d, NX_HS_DIAL);
        side_init(&a, NX_HS_ACCEPT);
        a.config.decide = (struct nx_hs_decisions){0};
        d.config.dynamic = dynamic;
        d.config.self_name = dynamic ? "h" : "c@h";
        side_start(&d);
        side_start(&a);
        pump(&d, &a, SIZE_MAX);
        if (dynamic) {
            assert_failed(&a, NOEX_ENOTALLOWED, "dynamic names");
            assert_failed(&d, NOEX_ENOTALLOWED, "dynamic names");
        } else {
            assert_both_done(&d, &a);
        }
        side_end(&d);
        side_end(&a);
    }
}

static void a_dynamic_node_takes_the_name_it_is_given(void **state)
{
    (void)state;
    struct side d, a;
    side_init(&d, NX_HS_DIAL);
    side_init(&a, NX_HS_ACCEPT);
    d.config.dynamic = true;
    d.config.self_name = "host.example.org";
    d.config.flags |= NX_DFLAG_PUBLISHED;
    a.config.flags |= NX_DFLAG_PUBLISHED;
    strcpy(a.given, "FIO@host.example.org");
    a.given_creation = 4711;
    side_start(&d);
    side_start(&a);
    assert_int_equal(nx_get_u32(nx_hs_out(d.hs).ptr + 11), 0); /* creation */
    pump(&d, &a, 1);
    assert_both_done(&d, &a);
    assert_string_equal(nx_hs_result(d.hs)->self_name, "FIO@host.example.org");
    assert_int_equal(nx_hs_result(d.hs)->self_creation, 4711);
    assert_string_equal(a.asked_for, "host.example.org");
    assert_string_equal(a.admitted_as, "FIO@host.example.org");
    assert_int_equal(a.asked_status, 0);
    /* Hidden, and NAME_ME stands in what was negotiated (protocol.md 2.7). */
    assert_true(nx_hs_result(d.hs)->flags == (FLAGS | NX_DFLAG_NAME_ME));
    side_end(&d);
    side_end(&a);
}

static void a_dynamic_name_that_does_not_fit_the_host_is_not_given(void **state)
{
    (void)state;
    static const char *const given[] = {"",      "noat",      "x@other", "x@evilh", "@h",
                                        "x@y@h", "x@h.other", "x x@h",   "x@H"};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        struct side a;
        side_init(&a, NX_HS_ACCEPT);
        strcpy(a.given, given[i]);
        side_start(&a);
        refuses(&a, "0010 4e 0000000f07df0fbc 00000000 0001 68", NOEX_ENOTALLOWED, "not_allowed");
        side_sends(&a, S_NOT_ALLOWED);
        assert_int_equal(a.asked_name, 1);
        side_end(&a);
    }
}

static void a_dynamic_name_of_more_than_255_characters_is_not_given(void **state)
{
    (void)state;
    struct side a;
    side_init(&a, NX_HS_ACCEPT);
    memset(a.given, 'x', 300);
    strcpy(a.given + 300, "@h");
    side_start(&a);
    refuses(&a, "0010 4e 0000000f07df0fbc 00000000 0001 68", NOEX_ENOTALLOWED, "does not fit");
    side_end(&a);
}

static void the_longest_names_fit_though_nothing_was_sent_meanwhile(void **state)
{
    (void)state;
    char c[256] = "", b[256] = "", given[256] = "g@";
    const char *host = given + 2;
    memset(c, 'c', 255);
    memset(b, 'b', 255);
    memset(given + 2, 'h', 253);
    c[9] = b[7] = '@';
    for (int dynamic = 0; dynamic < 2; dynamic++) {
        struct side d, a;
        side_init(&d, NX_HS_DIAL);
        side_init(&a, NX_HS_ACCEPT);
        d.config.self_name = dynamic ? host : c;
        d.config.dynamic = dynamic;
        d.config.peer_name = a.config.self_name = b;
        a.status = NX_HS_ALIVE;
        d.gone = true;
        d.config.header = a.config.header = 4;
        strcpy(a.given, given);
        side_start(&d);
        side_start(&a);
        size_t d_calls = d.mem.calls, a_calls = a.mem.calls;
        /* Each side's output stays in its buffer; the other reads from behind what it has seen. */
        size_t d_seen = 0, a_seen = 0;
        for (int round = 0; round < 5; round++) {
            struct nx_span out = nx_hs_out(d.hs);
            side_take(&a, out.ptr + d_seen, out.len - d_seen, SIZE_MAX);
            d_seen = out.len;
            out = nx_hs_out(a.hs);
            side_take(&d, out.ptr + a_seen, out.len - a_seen, SIZE_MAX);
            a_seen = out.len;
        }
        assert_both_done(&d, &a);
        /* Nothing is allocated once a handshake stands: it cannot fail for memory. */
        assert_int_equal(d.mem.calls, d_calls);
        assert_int_equal(a.mem.calls, a_calls);
        side_end(&d);
        side_end(&a);
    }
}

static void bytes_behind_the_handshake_stay_for_the_connection(void **state)
{
    (void)state;
    struct side d, a;
    side_new(&d, NX_HS_DIAL);
    side_new(&a, NX_HS_ACCEPT);
    pump(&d, &a, SIZE_MAX);
    assert_both_done(&d, &a);
    side_end(&d);
    side_new(&d, NX_HS_DIAL);
    assert_int_equal(side_get(&d, S_OK CHALLENGE_B), NX_HS_MORE);
    uint8_t bytes[64] = {0, 17, 'a'};
    assert_int_equal(nx_digest(d.config.cookie, d.challenge, bytes + 3, NULL), 0);
    memcpy(bytes + 19, "\0\0\0\0\0\0\0\5pabcd", 13);
    assert_int_equal(side_take(&d, bytes, 19 + 13, SIZE_MAX), NX_HS_DONE);
    assert_int_equal(d.in_len, 13);
    assert_memory_equal(d.in, bytes + 19, 13);
    /* And again: done stays done and eats nothing. */
    assert_int_equal(side_feed(&d), NX_HS_DONE);
    assert_int_equal(d.in_len, 13);
    side_end(&d);
    side_end(&a);
}

static void each_message_restarts_the_timer(void **state)
{
    (void)state;
    struct side s;
    size_t used;
    side_new(&s, NX_HS_DIAL);
    assert_int_equal(nx_hs_feed(s.hs, nx_span("\0\3sok", 5), &used, 3000, &s.err), 0);
    assert_int_equal(used, 5);
    assert_int_equal(nx_hs_deadline(s.hs), 3000 + STEP_MS);
    side_end(&s);
}

static void a_step_time_without_end_never_times_out(void **state)
{
    (void)state;
    struct side s;
    side_init(&s, NX_HS_DIAL);
    s.config.step_ms = UINT64_MAX;
    s.hs = nx_hs_new(&s.config, 1000, &s.err);
    assert_non_null(s.hs);
    assert_true(nx_hs_deadline(s.hs) == UINT64_MAX);
    assert_int_equal(nx_hs_timeout(s.hs, UINT64_MAX - 1, &s.err), 0);
    side_end(&s);
}

static void the_dialler_speaks_first_and_the_acceptor_waits(void **state)
{
    (void)state;
    struct side d, a;
    side_new(&d, NX_HS_DIAL);
    side_new(&a, NX_HS_ACCEPT);
    side_sends(&d, NAME_C);
    side_sends(&a, "");
    side_end(&d);
    side_end(&a);
}

static void nothing_is_eaten_of_nothing(void **state)
{
    (void)state;
    struct side s;
    size_t used = 1;
    side_new(&s, NX_HS_ACCEPT);
    assert_int_equal(nx_hs_feed(s.hs, nx_span(NULL, 0), &used, 1, &s.err), NX_HS_MORE);
    assert_int_equal(used, 0);
    side_end(&s);
}

/* A status as a dialling side gets it, and what becomes of it. */
static const struct status_case {
    const char *name;
    const char *feed;
    bool dynamic;
    int code;
    const char *text;
} status_cases[] = {
    {"status_ok_goes_on", S_OK, false, 0, ""},
    {"status_ok_simultaneous_goes_on", "0010 73 6f6b5f73696d756c74616e656f7573", false, 0, ""},
    {"status_nok_is_the_peers_own_attempt_or_our_name", S_NOK, false, NOEX_ESIMULTANEOUS,
     "connecting to us"},
    {"status_not_allowed_points_to_the_allow_list", S_NOT_ALLOWED, false, NOEX_ENOTALLOWED,
     "net_kernel:allow"},
    {"L7_status_alive_without_a_reason_to_go_on_is_a_name_clash", S_ALIVE, false, NOEX_ENAMECLASH,
     "another node named \"c@h\""},
    {"an_unknown_status_is_shown", "0006 73 6d61796265", false, NOEX_EGARBAGE, "\"maybe\""},
    {"an_unprintable_status_is_shown_escaped", "0004 73 0a1b22", false, NOEX_EGARBAGE,
     "\\x0a\\x1b"},
    {"an_empty_status_is_garbage", "0001 73", false, NOEX_EGARBAGE, "status"},
    {"a_longer_ok_is_no_ok", "0004 73 6f6b0a", false, NOEX_EGARBAGE, "status"},
    {"a_name_that_was_not_asked_for_is_garbage", "0012 73 6e616d65643a 0005 46494f4068 01020304",
     false, NOEX_EGARBAGE, "none was asked for"},
    {"a_given_name_goes_on", "0012 73 6e616d65643a 0005 46494f4068 01020304", true, 0, ""},
    {"a_given_name_of_another_host_goes_on", "0012 73 6e616d65643a 0005 46494f4078 01020304", true,
     0, ""},
    {"a_given_name_without_at_is_garbage", "0011 73 6e616d65643a 0004 46494f68 01020304", true,
     NOEX_EGARBAGE, "no '@'"},
    {"a_given_name_that_is_the_peers_own_is_garbage", "0010 73 6e616d65643a 0003 624068 01020304",
     true, NOEX_EGARBAGE, "its own"},
    {"a_given_name_without_creation_is_garbage", "000e 73 6e616d65643a 0005 46494f4068", true,
     NOEX_EGARBAGE, "named:"},
    {"ok_to_a_request_for_a_name_means_no_dynamic_names", S_OK, true, NOEX_EFLAG, "NAME_ME"},
    {"ok_simultaneous_to_a_request_for_a_name_means_no_dynamic_names",
     "0010 73 6f6b5f73696d756c74616e656f7573", true, NOEX_EFLAG, "NAME_ME"},
    {"nok_to_a_request_for_a_name_means_no_dynamic_names", S_NOK, true, NOEX_EFLAG, "NAME_ME"},
    {"alive_to_a_request_for_a_name_means_no_dynamic_names", S_ALIVE, true, NOEX_EFLAG, "NAME_ME"},
    {"not_allowed_to_a_request_for_a_name_says_both_causes", S_NOT_ALLOWED, true, NOEX_ENOTALLOWED,
     "or it gives no dynamic names"},
};

enum { STATUS_CASES = sizeof status_cases / sizeof *status_cases };

static void dialling_takes_the_status(void **state)
{
    const struct status_case *c = *state;
    struct side s;
    side_init(&s, NX_HS_DIAL);
    s.config.dynamic = c->dynamic;
    s.config.self_name = c->dynamic ? "h" : "c@h";
    side_start(&s);
    nx_hs_sent(s.hs, nx_hs_out(s.hs).len);
    if (c->code) {
        refuses(&s, c->feed, c->code, c->text);
        side_sends(&s, strcmp(c->feed, S_ALIVE) == 0 && !c->dynamic ? S_FALSE : "");
    } else {
        assert_int_equal(side_get(&s, c->feed), NX_HS_MORE);
        assert_string_equal(nx_hs_step(s.hs), "the peer's challenge");
    }
    side_end(&s);
}

static void not_allowed_names_the_flags_that_known_releases_demand_and_we_lack(void **state)
{
    (void)state;
    struct side s;
    side_init(&s, NX_HS_DIAL);
    s.config.flags = NX_DFLAGS_OURS & ~(NX_DFLAG_V4_NC | NX_DFLAG_UNLINK_ID);
    side_start(&s);
    refuses(&s, S_NOT_ALLOWED, NOEX_ENOTALLOWED, "we do not offer UNLINK_ID V4_NC");
    side_end(&s);
    side_init(&s, NX_HS_DIAL);
    s.config.flags = UINT64_C(1) << 36 | NX_DFLAG_V4_NC | NX_DFLAG_UNLINK_ID;
    side_start(&s);
    refuses(&s, S_NOT_ALLOWED, NOEX_ENOTALLOWED, "EXTENDED_REFERENCES FUN_TAGS NEW_FUN_TAGS");
    assert_non_null(strstr(s.err.text, "HANDSHAKE_23"));
    side_end(&s);
}

static void alive_is_answered_true_only_where_the_older_connection_is_gone(void **state)
{
    (void)state;
    struct side s;
    side_init(&s, NX_HS_DIAL);
    s.gone = true;
    side_start(&s);
    nx_hs_sent(s.hs, nx_hs_out(s.hs).len);
    assert_int_equal(side_get(&s, S_ALIVE), NX_HS_MORE);
    side_sends(&s, S_TRUE);
    assert_int_equal(s.asked_gone, 1);
    assert_string_equal(nx_hs_step(s.hs), "the peer's challenge");
    side_end(&s);

    side_init(&s, NX_HS_DIAL);
    s.gone = true;
    s.config.decide.older_is_gone = NULL;
    side_start(&s);
    nx_hs_sent(s.hs, nx_hs_out(s.hs).len);
    refuses(&s, S_ALIVE, NOEX_ENAMECLASH, "alive");
    side_sends(&s, S_FALSE);
    side_end(&s);
}

static void a_peer_of_another_name_is_a_mismatch_that_names_both(void **state)
{
    (void)state;
    static const char *const challenges[] = {
        "0016 4e 0000000d07df0fbc 01234567 00000058 0003 784068",
        "0015 4e 0000000d07df0fbc 01234567 00000058 0002 6240",
        "0017 4e 0000000d07df0fbc 01234567 00000058 0004 62406868",
        "0013 4e 0000000d07df0fbc 01234567 00000058 0000",
    };
    static const char *const names[] = {"\"x@h\"", "\"b@\"", "\"b@hh\"", "\"\""};
    for (size_t i = 0; i < 4; i++) {
        struct side s;
        side_new(&s, NX_HS_DIAL);
        assert_int_equal(side_get(&s, S_OK), NX_HS_MORE);
        nx_hs_sent(s.hs, nx_hs_out(s.hs).len);
        refuses(&s, challenges[i], NOEX_ENAMEMISMATCH, "\"b@h\"");
        assert_non_null(strstr(s.err.text, names[i]));
        side_sends(&s, ""); /* our digest is not for strangers */
        side_end(&s);
    }
}

static void a_hostile_peer_name_cannot_spoil_the_error_text(void **state)
{
    (void)state;
    struct side s;
    uint8_t bytes[2 + 19 + 1500] = {0};
    size_t len = 19 + 1500;
    side_new(&s, NX_HS_DIAL);
    assert_int_equal(side_get(&s, S_OK), NX_HS_MORE);
    bytes[0] = (uint8_t)(len >> 8);
    bytes[1] = (uint8_t)len;
    bytes[2] = 'N';
    bytes[2 + 17] = 1500 >> 8;
    bytes[2 + 18] = 1500 & 0xff;
    memset(bytes + 2 + 19, '\n', 1500);
    side_take(&s, bytes, 2 + len, SIZE_MAX);
    assert_failed(&s, NOEX_ENAMEMISMATCH, "\\x0a\\x0a");
    assert_non_null(strstr(s.err.text, "..."));
    side_end(&s);
}

static void a_peer_before_otp_23_is_told_by_its_challenge(void **state)
{
    (void)state;
    struct side s;
    side_new(&s, NX_HS_DIAL);
    refuses(&s, S_OK "000e 6e 0005 0007ffff 01234567 624068", NOEX_EFLAG, "HANDSHAKE_23");
    side_end(&s);
}

/* One message whose flags lack one bit of those required. */
static void name_frame(uint8_t *out, size_t *len, char tag, uint64_t flags)
{
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, 256);
    const struct nx_hs_name name = {flags, 77, nx_span_str("c@h")};
    const struct nx_hs_challenge challenge = {flags, 0x01234567, 88, nx_span_str("b@h")};
    int rc = tag == 'N' ? nx_hs_put_name(&b, 2, &name) : nx_hs_put_challenge(&b, 2, &challenge);
    assert_int_equal(rc, 0);
    *len = nx_buf_len(&b);
    memcpy(out, nx_buf_span(&b).ptr, *len);
    nx_buf_free(&b);
}

static void without_this_flag_a_peer_is_refused_by_name_in_both_roles(void **state)
{
    uint64_t bit = *(const uint64_t *)*state;
    uint64_t flags = NX_DFLAGS_OURS & ~bit & ~NX_DFLAG_MANDATORY_25_DIGEST;
    uint8_t frame[256];
    size_t len;
    char want[64];
    snprintf(want, sizeof want, "does not offer %s (", nx_dflag_name(bit));
    struct side s;
    side_new(&s, NX_HS_ACCEPT);
    name_frame(frame, &len, 'N', flags);
    side_take(&s, frame, len, SIZE_MAX);
    assert_failed(&s, NOEX_EFLAG, want);
    assert_int_equal(s.asked_status, 0);
    side_sends(&s, S_NOT_ALLOWED);
    side_end(&s);

    side_new(&s, NX_HS_DIAL);
    assert_int_equal(side_get(&s, S_OK), NX_HS_MORE);
    nx_hs_sent(s.hs, nx_hs_out(s.hs).len);
    name_frame(frame, &len, 'c', flags);
    side_take(&s, frame, len, SIZE_MAX);
    assert_failed(&s, NOEX_EFLAG, want);
    side_sends(&s, "");
    side_end(&s);
}

static void all_missing_flags_are_named_at_once(void **state)
{
    (void)state;
    struct side s;
    uint8_t frame[256];
    size_t len;
    side_new(&s, NX_HS_ACCEPT);
    name_frame(frame, &len, 'N', NX_DFLAGS_MONITOR);
    side_take(&s, frame, len, SIZE_MAX);
    assert_failed(&s, NOEX_EFLAG, "EXTENDED_REFERENCES");
    for (unsigned i = 0; i < 64; i++)
        if (NX_DFLAGS_REQUIRED >> i & 1)
            assert_non_null(strstr(s.err.text, nx_dflag_name(UINT64_C(1) << i)));
    side_end(&s);
}

static void the_digest_flag_alone_satisfies_what_it_stands_for(void **state)
{
    (void)state;
    struct side s;
    uint8_t frame[256];
    size_t len;
    side_new(&s, NX_HS_ACCEPT);
    name_frame(frame, &len, 'N', NX_DFLAG_MANDATORY_25_DIGEST | NX_DFLAG_V4_NC);
    assert_int_equal(side_take(&s, frame, len, SIZE_MAX), NX_HS_MORE);
    assert_string_equal(nx_hs_step(s.hs), "the peer's challenge reply");
    side_end(&s);
}

/* A name as an accepting side gets it. */
static const struct name_case {
    const char *name;
    const char *feed;
    int code;
    const char *text;
} name_cases[] = {
    {"a_name_with_more_behind_it_is_taken", "0015 4e 0000000d07df0fbc 0000004d 0003 634068 aabbcc",
     0, ""},
    {"a_name_without_at_is_garbage", "0011 4e 0000000d07df0fbc 0000004d 0002 6368", NOEX_EGARBAGE,
     "no '@'"},
    {"a_name_with_two_ats_is_garbage", "0014 4e 0000000d07df0fbc 0000004d 0005 6340684068",
     NOEX_EGARBAGE, "more than one '@'"},
    {"a_name_without_a_host_is_garbage", "0011 4e 0000000d07df0fbc 0000004d 0002 6340",
     NOEX_EGARBAGE, "empty"},
    {"a_host_without_a_name_is_garbage", "0011 4e 0000000d07df0fbc 0000004d 0002 4068",
     NOEX_EGARBAGE, "empty"},
    {"an_empty_name_is_garbage", "000f 4e 0000000d07df0fbc 0000004d 0000", NOEX_EGARBAGE, "no '@'"},
    {"a_name_beyond_ascii_is_garbage", "0013 4e 0000000d07df0fbc 0000004d 0004 e4634068",
     NOEX_EGARBAGE, "\\xe4c@h"},
    {"a_name_with_a_control_character_is_garbage",
     "0013 4e 0000000d07df0fbc 0000004d 0004 0a634068", NOEX_EGARBAGE, "\\x0ac@h"},
    {"a_name_longer_than_its_message_is_garbage", "0012 4e 0000000d07df0fbc 0000004d 0004 634068",
     NOEX_EGARBAGE, "malformed"},
    {"a_full_name_where_a_host_is_due_is_garbage", "0012 4e 0000000f07df0fbc 00000000 0003 634068",
     NOEX_EGARBAGE, "has an '@'"},
    {"no_host_where_one_is_due_is_garbage", "000f 4e 0000000f07df0fbc 00000000 0000", NOEX_EGARBAGE,
     "empty"},
    {"our_own_name_is_answered_nok", "0012 4e 0000000d07df0fbc 0000004d 0003 624068",
     NOEX_ENAMECLASH, "our own name"},
    {"an_old_name_goes_on", OLD_NAME_C, 0, ""},
    {"an_old_name_without_at_is_garbage", "0009 6e 0005 07df0fbc 6368", NOEX_EGARBAGE, "no '@'"},
    {"an_old_name_without_handshake_23_is_refused", "000a 6e 0005 0007ffff 634068", NOEX_EFLAG,
     "HANDSHAKE_23"},
    {"an_old_name_with_the_digest_alone_goes_on", "000a 6e 0005 04000000 634068", 0, ""},
};

enum { NAME_CASES = sizeof name_cases / sizeof *name_cases };

static void accepting_takes_the_name(void **state)
{
    const struct name_case *c = *state;
    struct side s;
    side_new(&s, NX_HS_ACCEPT);
    if (!c->code) {
        assert_int_equal(side_get(&s, c->feed), NX_HS_MORE);
        assert_string_equal(s.asked_for, "c@h");
        side_sends(&s, S_OK CHALLENGE_B);
    } else {
        refuses(&s, c->feed, c->code, c->text);
        assert_int_equal(s.asked_status, 0);
        side_sends(&s, c->code == NOEX_ENAMECLASH ? S_NOK
                       : c->code == NOEX_EFLAG    ? S_NOT_ALLOWED
                                                  : "");
    }
    side_end(&s);
}

static void a_name_of_255_characters_is_taken_and_256_are_not(void **state)
{
    (void)state;
    for (size_t n = 255; n <= 256; n++) {
        struct side s;
        uint8_t bytes[2 + 15 + 256];
        size_t len = 15 + n;
        side_new(&s, NX_HS_ACCEPT);
        assert_int_equal(hex_decode("0000 4e 0000000d07df0fbc 0000004d 0000", bytes, 17), 17);
        bytes[0] = (uint8_t)(len >> 8);
        bytes[1] = (uint8_t)len;
        bytes[15] = (uint8_t)(n >> 8);
        bytes[16] = (uint8_t)n;
        memset(bytes + 17, 'x', n);
        bytes[30] = '@';
        side_take(&s, bytes, 2 + len, SIZE_MAX);
        if (n == 255)
            assert_int_equal(s.rc, NX_HS_MORE);
        else
            assert_failed(&s, NOEX_EGARBAGE, "255 characters");
        side_end(&s);
    }
}

static void the_decision_about_a_name_is_what_the_peer_hears(void **state)
{
    (void)state;
    static const struct {
        enum nx_hs_status status;
        const char *sent;
        int code;
        const char *text;
    } decisions[] = {
        {NX_HS_OK, S_OK CHALLENGE_B, 0, ""},
        {NX_HS_OK_SIMULTANEOUS, "0010 73 6f6b5f73696d756c74616e656f7573" CHALLENGE_B, 0, ""},
        {NX_HS_NOK, S_NOK, NOEX_ENAMECLASH, "our own attempt"},
        {NX_HS_NOT_ALLOWED, S_NOT_ALLOWED, NOEX_ENOTALLOWED, "does not allow"},
        {NX_HS_ALIVE, S_ALIVE, 0, ""},
    };
    static const char *const names[] = {NAME_C, OLD_NAME_C};
    for (size_t i = 0; i < 10; i++) {
        struct side s;
        side_init(&s, NX_HS_ACCEPT);
        s.status = decisions[i / 2].status;
        side_start(&s);
        side_get(&s, names[i % 2]);
        assert_int_equal(s.asked_status, 1);
        if (decisions[i / 2].code)
            assert_failed(&s, decisions[i / 2].code, decisions[i / 2].text);
        else
            assert_int_equal(s.rc, NX_HS_MORE);
        side_sends(&s, decisions[i / 2].sent);
        side_end(&s);
    }
}

/* Message 'r' or 'a' with the right digest for what this side has sent. */
static void final_message(const struct side *s, uint8_t *out, size_t *len)
{
    bool dial = s->config.role == NX_HS_DIAL;
    uint8_t *digest = out + (dial ? 3 : 7);
    memcpy(out,
           dial ? "\0\x11"
                  "a"
                : "\0\x15r\x89\xab\xcd\xef",
           dial ? 3 : 7);
    assert_int_equal(nx_digest(s->config.cookie, s->challenge, digest, NULL), 0);
    *len = (dial ? 3 : 7) + NX_DIGEST_LEN;
}

static void alive_waits_for_true_and_the_peer_is_admitted_before_the_ack(void **state)
{
    static const char *const names[] = {NAME_C, OLD_NAME_C};
    (void)state;
    for (int old = 0; old < 2; old++) {
        struct side s;
        uint8_t reply[64];
        size_t len;
        side_init(&s, NX_HS_ACCEPT);
        s.status = NX_HS_ALIVE;
        side_start(&s);
        assert_int_equal(side_get(&s, names[old]), NX_HS_MORE);
        side_sends(&s, S_ALIVE);
        assert_int_equal(side_get(&s, S_TRUE), NX_HS_MORE);
        side_sends(&s, CHALLENGE_B);
        if (old)
            assert_int_equal(side_get(&s, COMPLEMENT), NX_HS_MORE);
        assert_int_equal(s.admitted, 0);
        final_message(&s, reply, &len);
        assert_int_equal(side_take(&s, reply, len, 1), NX_HS_DONE);
        assert_int_equal(s.admitted, 1);
        assert_int_equal(s.out_at_admission, 0);
        assert_int_equal(nx_hs_out(s.hs).len, 2 + 1 + NX_DIGEST_LEN);
        assert_int_equal(nx_hs_result(s.hs)->peer_creation, 77);
        side_end(&s);
    }
}

static void nobody_is_admitted_by_a_wrong_cookie(void **state)
{
    (void)state;
    struct side s;
    uint8_t reply[64];
    size_t len;
    side_init(&s, NX_HS_ACCEPT);
    s.status = NX_HS_ALIVE;
    side_start(&s);
    assert_int_equal(side_get(&s, NAME_C S_TRUE), NX_HS_MORE);
    final_message(&s, reply, &len);
    reply[10] ^= 1;
    side_take(&s, reply, len, SIZE_MAX);
    assert_failed(&s, NOEX_ECOOKIE, "cookies differ");
    assert_int_equal(s.admitted, 0);
    side_end(&s);
}

/* Each of "" and a text: the cause is the code's own text, or what is said. */
static void a_peer_that_is_not_admitted_gets_no_ack(void **state)
{
    (void)state;
    for (int said = 0; said < 2; said++) {
        struct side s;
        uint8_t reply[64];
        size_t len;
        side_init(&s, NX_HS_ACCEPT);
        s.refusal = NOEX_ENAMECLASH;
        s.refused_for = "it has connected anew";
        if (!said)
            s.config.decide.admit = decide_no_memory;
        side_start(&s);
        assert_int_equal(side_get(&s, NAME_C), NX_HS_MORE);
        side_sends(&s, S_OK CHALLENGE_B);
        final_message(&s, reply, &len);
        side_take(&s, reply, len, SIZE_MAX);
        assert_failed(&s, said ? NOEX_ENAMECLASH : NOEX_ENOMEM,
                      said ? "it has connected anew" : noex_error_text(NOEX_ENOMEM));
        assert_int_equal(nx_hs_out(s.hs).len, 0);
        side_end(&s);
    }
}

/* Asked for by the peer's name, at each use; the cookie of the config is not looked at. */
static void the_cookie_may_be_one_of_this_peer_alone(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 3; wrong++) {
        struct side d, a;
        side_init(&d, NX_HS_DIAL);
        side_init(&a, NX_HS_ACCEPT);
        d.config.cookie = a.config.cookie = nx_span_str(wrong ? "the cookie" : "not looked at");
        d.config.decide.cookie = wrong == 1 ? NULL : cookie_of_b;
        a.config.decide.cookie = wrong == 2 ? NULL : cookie_of_c;
        side_start(&d);
        side_start(&a);
        pump(&d, &a, SIZE_MAX);
        if (wrong)
            assert_failed(&a, NOEX_ECOOKIE, "cookies differ");
        else
            assert_both_done(&d, &a);
        side_end(&d);
        side_end(&a);
    }
}

static void a_peer_that_keeps_its_connection_or_talks_nonsense_after_alive_is_refused(void **state)
{
    (void)state;
    struct side s;
    side_init(&s, NX_HS_ACCEPT);
    s.status = NX_HS_ALIVE;
    side_start(&s);
    refuses(&s, NAME_C S_FALSE, NOEX_ENAMECLASH, "keeps that connection");
    side_end(&s);
    side_init(&s, NX_HS_ACCEPT);
    s.status = NX_HS_ALIVE;
    side_start(&s);
    refuses(&s, NAME_C S_OK, NOEX_EGARBAGE, "\"ok\"");
    assert_int_equal(s.admitted, 0);
    side_end(&s);
}

static void an_old_name_is_completed_and_checked_in_full(void **state)
{
    (void)state;
    struct side s;
    uint8_t reply[64];
    size_t len;
    side_new(&s, NX_HS_ACCEPT);
    assert_int_equal(side_get(&s, OLD_NAME_C COMPLEMENT), NX_HS_MORE);
    final_message(&s, reply, &len);
    assert_int_equal(side_take(&s, reply, len, SIZE_MAX), NX_HS_DONE);
    assert_string_equal(nx_hs_result(s.hs)->peer_name, "c@h");
    assert_int_equal(nx_hs_result(s.hs)->peer_creation, 77);
    assert_true(nx_hs_result(s.hs)->peer_flags == FLAGS);
    side_end(&s);

    side_new(&s, NX_HS_ACCEPT);
    refuses(&s, OLD_NAME_C "0009 63 00000009 0000004d", NOEX_EFLAG, "does not offer V4_NC (c@h)");
    side_end(&s);
    side_new(&s, NX_HS_ACCEPT);
    refuses(&s, OLD_NAME_C "000a 63 0000000d 0000004d 00", NOEX_EGARBAGE, "complement");
    side_end(&s);
}

static void every_tampered_bit_of_the_last_message_is_a_cookie_error(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        const struct stage *stage = &stages[role == NX_HS_DIAL ? 2 : 7];
        for (unsigned bit = 0; bit < 8 * NX_DIGEST_LEN; bit++) {
            struct side s;
            uint8_t last[64];
            size_t len;
            at_stage(&s, stage);
            nx_hs_sent(s.hs, nx_hs_out(s.hs).len);
            final_message(&s, last, &len);
            last[len - NX_DIGEST_LEN + bit / 8] ^= (uint8_t)(1u << bit % 8);
            side_take(&s, last, len, SIZE_MAX);
            assert_failed(&s, NOEX_ECOOKIE, "cookies differ");
            side_sends(&s, "");
            side_end(&s);
        }
    }
}

static void a_digest_of_another_length_is_garbage(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        for (int more = -1; more <= 1; more += 2) {
            struct side s;
            uint8_t last[64] = {0};
            size_t len;
            at_stage(&s, &stages[role == NX_HS_DIAL ? 2 : 7]);
            final_message(&s, last, &len);
            len = more > 0 ? len + 1 : len - 1;
            last[1] = (uint8_t)(len - 2);
            side_take(&s, last, len, SIZE_MAX);
            assert_failed(&s, NOEX_EGARBAGE, "malformed");
            side_end(&s);
        }
    }
}

static void different_cookies_fail_on_the_accepting_side_and_eof_tells_the_dialler(void **state)
{
    (void)state;
    struct side d, a;
    side_init(&d, NX_HS_DIAL);
    d.config.cookie = nx_span_str("another cookie");
    side_start(&d);
    side_new(&a, NX_HS_ACCEPT);
    pump(&d, &a, SIZE_MAX);
    assert_failed(&a, NOEX_ECOOKIE, "\"c@h\"");
    side_sends(&a, "");
    assert_int_equal(d.rc, NX_HS_MORE);
    d.rc = nx_hs_eof(d.hs, &d.err);
    assert_failed(&d, NOEX_ECOOKIE, "cookies differ");
    side_end(&d);
    side_end(&a);
}

static void tls_records_as_the_first_bytes_are_told_from_garbage(void **state)
{
    (void)state;
    static const char *const records[] = {"1503030002020a", "1503", "16030100f5010000", "1603"};
    for (size_t i = 0; i < 4; i++) {
        for (int role = 0; role < 2; role++) {
            struct side s;
            side_new(&s, role == 0 ? NX_HS_DIAL : NX_HS_ACCEPT);
            refuses(&s, records[i], NOEX_ETLSPEER, "TLS");
            side_end(&s);
        }
    }
}

static void tls_records_later_on_and_look_alikes_are_garbage(void **state)
{
    (void)state;
    struct side s;
    side_new(&s, NX_HS_DIAL);
    refuses(&s, S_OK "1503030002020a", NOEX_EGARBAGE, "\\x15\\x03");
    side_end(&s);
    side_new(&s, NX_HS_DIAL);
    refuses(&s, "1504", NOEX_EGARBAGE, "\\x15\\x04");
    side_end(&s);
    side_new(&s, NX_HS_DIAL);
    refuses(&s, "1703", NOEX_EGARBAGE, "\\x17\\x03");
    side_end(&s);
}

static void other_protocols_are_shown_in_the_error(void **state)
{
    (void)state;
    static const char http[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", ssh[] = "SSH-2.0-x\r\n";
    struct side s;
    side_new(&s, NX_HS_ACCEPT);
    side_take(&s, http, sizeof http - 1, SIZE_MAX);
    assert_failed(&s, NOEX_EGARBAGE, "GET /metrics HTTP/1.1\\x0d\\x0aH\"");
    side_end(&s);
    side_new(&s, NX_HS_DIAL);
    side_take(&s, ssh, sizeof ssh - 1, SIZE_MAX);
    assert_failed(&s, NOEX_EGARBAGE, "SSH-2.0-x");
    side_end(&s);
}

static void a_peer_that_frames_with_4_bytes_where_2_are_due_is_garbage_and_vice_versa(void **state)
{
    (void)state;
    struct side s;
    side_new(&s, NX_HS_ACCEPT);
    refuses(&s, "0000" NAME_C, NOEX_EGARBAGE, "N");
    side_end(&s);
    side_init(&s, NX_HS_ACCEPT);
    s.config.header = 4;
    side_start(&s);
    refuses(&s, NAME_C, NOEX_EGARBAGE, "N");
    side_end(&s);
}

static void names_that_cannot_stand_on_the_wire_start_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *self, *peer;
        bool dynamic;
    } wrong[] = {
        {"c", "b@h", false},
        {"", "b@h", false},
        {"c@", "b@h", false},
        {"c@h@h", "b@h", false},
        {"c\xc3\xa4@h", "b@h", false},
        {"c@h", "b", false},
        {"c@h", "", false},
        {"c@h", "@h", false},
        {"c@h", "b@h", true},
        {"", "b@h", true},
        {"h", "b", true},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct side s;
        side_init(&s, NX_HS_DIAL);
        s.config.self_name = wrong[i].self;
        s.config.peer_name = wrong[i].peer;
        s.config.dynamic = wrong[i].dynamic;
        assert_null(nx_hs_new(&s.config, 0, &s.err));
        s.rc = s.err.code;
        assert_failed(&s, NOEX_EINVALID, "\"");
        assert_int_equal(s.mem.calls, 0);
    }
    struct side s;
    side_init(&s, NX_HS_ACCEPT);
    s.config.self_name = "h";
    s.config.dynamic = true; /* means nothing to an accepting side */
    assert_null(nx_hs_new(&s.config, 0, &s.err));
    assert_int_equal(s.err.code, NOEX_EINVALID);
}

static void each_failing_allocation_is_out_of_memory_and_leaks_nothing(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        for (int on = 0; on < 2; on++) {
            size_t k = 1;
            for (;; k++) {
                struct side s;
                side_init(&s, role == 0 ? NX_HS_DIAL : NX_HS_ACCEPT);
                s.mem.fail_at = k;
                s.mem.fail_on = on;
                s.hs = nx_hs_new(&s.config, 0, &s.err);
                if (s.hs) {
                    /* No failure was left to meet: the rest of the handshake allocates nothing. */
                    assert_int_equal(s.mem.failed, 0);
                    side_end(&s);
                    break;
                }
                assert_int_equal(s.err.code, NOEX_ENOMEM);
                assert_int_equal(s.mem.live, 0);
            }
            assert_in_range(k, 2, 10);
        }
    }
}

static void without_random_numbers_no_challenge_is_sent(void **state)
{
    (void)state;
    struct side s;
    side_init(&s, NX_HS_DIAL);
    s.random_fails = true;
    side_start(&s);
    assert_int_equal(side_get(&s, S_OK), NX_HS_MORE);
    nx_hs_sent(s.hs, nx_hs_out(s.hs).len);
    refuses(&s, CHALLENGE_B, NOEX_ERANDOM, "random");
    side_sends(&s, "");
    side_end(&s);

    side_init(&s, NX_HS_ACCEPT);
    s.random_fails = true;
    side_start(&s);
    refuses(&s, NAME_C, NOEX_ERANDOM, "random");
    side_end(&s);
}

static void without_md5_the_handshake_fails_and_says_so(void **state)
{
    (void)state;
    struct side d, a;
    uint8_t reply[64];
    size_t len;
    at_stage(&d, &stages[1]);
    at_stage(&a, &stages[7]);
    final_message(&a, reply, &len);
    assert_int_equal(EVP_set_default_properties(NULL, "fips=yes"), 1);
    side_get(&d, CHALLENGE_B);
    side_take(&a, reply, len, SIZE_MAX);
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
    assert_failed(&d, NOEX_ESYSTEM, "MD5");
    assert_failed(&a, NOEX_ESYSTEM, "MD5");
    side_end(&d);
    side_end(&a);
}

struct log_text {
    char text[8192];
    size_t len;
};

static void keep_line(void *user, enum noex_log_level level, const char *line)
{
    struct log_text *t = user;
    assert_int_equal(level, NOEX_LOG_DEBUG);
    t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%s\n", line);
    assert_in_range(t->len, 1, sizeof t->text - 1);
}

static void the_log_tells_each_step_and_no_secret(void **state)
{
    (void)state;
    struct log_text text = {.len = 0};
    const struct nx_log log = {keep_line, &text, NOEX_LOG_TRACE};
    struct side d, a;
    side_init(&d, NX_HS_DIAL);
    side_init(&a, NX_HS_ACCEPT);
    d.config.log = a.config.log = &log;
    side_start(&d);
    side_start(&a);
    pump(&d, &a, SIZE_MAX);
    assert_both_done(&d, &a);
    static const char *const lines[] = {
        "handshake with b@h: sent our name\n",
        "received the peer's name\n",
        "handshake with c@h: sent the status ok\n",
        "sent our challenge\n",
        "handshake with b@h: received the peer's status",
        "received the peer's challenge\n",
        "received the peer's challenge reply\n",
        "handshake with c@h: sent our digest\n",
        "received the peer's digest\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(strstr(text.text, lines[i]));
    assert_null(strstr(text.text, "cookie"));
    side_end(&d);
    side_end(&a);

    side_init(&a, NX_HS_ACCEPT);
    a.config.log = &log;
    side_start(&a);
    side_get(&a, "0000");
    assert_non_null(strstr(text.text, "handshake failed awaiting the peer's name: "));
    side_end(&a);
}

/* An allocator that looks at what it gets back. */
struct wiped {
    size_t size[8];
    void *block[8];
    unsigned released;
};

static void *wiped_alloc(void *user, size_t size)
{
    struct wiped *w = user;
    unsigned i = 0;
    while (w->block[i])
        i++;
    assert_in_range(i, 0, 7);
    w->size[i] = size;
    return w->block[i] = calloc(1, size);
}

static void *wiped_resize(void *user, void *ptr, size_t size)
{
    assert_null(ptr); /* a block that moved would leave its contents behind */
    return wiped_alloc(user, size);
}

static void wiped_release(void *user, void *ptr)
{
    struct wiped *w = user;
    for (unsigned i = 0; ptr && i < 8; i++) {
        if (w->block[i] != ptr)
            continue;
        for (size_t k = 0; k < w->size[i]; k++)
            assert_int_equal(((uint8_t *)ptr)[k], 0);
        w->block[i] = NULL;
        w->released++;
    }
    free(ptr);
}

static void all_memory_is_wiped_before_it_is_given_back(void **state)
{
    (void)state;
    struct wiped wiped = {{0}, {NULL}, 0};
    const struct noex_allocator alloc = {&wiped, wiped_alloc, wiped_resize, wiped_release};
    struct side d, a;
    side_init(&d, NX_HS_DIAL);
    side_init(&a, NX_HS_ACCEPT);
    d.config.alloc = a.config.alloc = &alloc;
    side_start(&d);
    side_start(&a);
    pump(&d, &a, SIZE_MAX);
    assert_both_done(&d, &a);
    side_end(&d);
    side_end(&a);
    assert_int_equal(wiped.released, 4);
    nx_hs_free(NULL);
}

/* A recorded handshake with a real node: tests/vectors/handshake/<case>/settings and traffic. */
struct vector {
    char values[32][2][128];
    unsigned count;
    uint8_t ours[BUF], theirs[BUF];
    size_t ours_len, theirs_len;
    bool eof;
};

static const char *value(const struct vector *v, const char *key)
{
    for (unsigned i = 0; i < v->count; i++)
        if (strcmp(v->values[i][0], key) == 0)
            return v->values[i][1];
    return NULL;
}

static uint64_t number(const struct vector *v, const char *key)
{
    const char *text = value(v, key);
    assert_non_null(text);
    return strtoull(text, NULL, 0);
}

static FILE *open_vector(const char *name, const char *file)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/vectors/handshake/%s/%s", NOEX_TEST_DIR, name, file);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s: %s", path, strerror(errno));
    return f;
}

static void read_vector(struct vector *v, const char *name)
{
    char line[BUF];
    memset(v, 0, sizeof *v);
    FILE *f = open_vector(name, "settings");
    while (fgets(line, sizeof line, f)) {
        assert_in_range(v->count, 0, 31);
        assert_int_equal(
            sscanf(line, "%127s %127[^\n]", v->values[v->count][0], v->values[v->count][1]), 2);
        v->count++;
    }
    fclose(f);
    f = open_vector(name, "traffic");
    while (fgets(line, sizeof line, f)) {
        bool ours = line[0] == '>';
        uint8_t *to = ours ? v->ours + v->ours_len : v->theirs + v->theirs_len;
        if (strcmp(line, "< eof\n") == 0) {
            v->eof = true;
            continue;
        }
        size_t n = hex_decode(line + 2, to, BUF - (ours ? v->ours_len : v->theirs_len));
        assert_in_range(n, 1, BUF);
        *(ours ? &v->ours_len : &v->theirs_len) += n;
    }
    fclose(f);
}

static enum nx_hs_status status_of(const char *text)
{
    static const char *const texts[] = {"ok", "ok_simultaneous", "nok", "not_allowed", "alive"};
    for (unsigned i = 0; i < 5; i++)
        if (strcmp(texts[i], text) == 0)
            return (enum nx_hs_status)i;
    fail_msg("%s is no status", text);
    return NX_HS_OK;
}

static void start_vector(struct side *s, const struct vector *v)
{
    bool dial = strcmp(value(v, "role"), "dial") == 0;
    side_init(s, dial ? NX_HS_DIAL : NX_HS_ACCEPT);
    s->config.header = (unsigned)number(v, "header");
    s->config.flags = number(v, "flags");
    s->config.creation = (uint32_t)number(v, "creation");
    s->config.self_name = value(v, "self");
    s->config.cookie = nx_span_str(value(v, "cookie"));
    s->challenge = (uint32_t)number(v, "challenge");
    if (dial) {
        s->config.peer_name = value(v, "peer");
        s->config.dynamic = number(v, "dynamic");
        s->gone = strcmp(value(v, "older_is_gone"), "true") == 0;
    } else {
        s->config.peer_name = NULL;
        s->status = status_of(value(v, "status"));
        if (value(v, "given")) {
            strcpy(s->given, value(v, "given"));
            s->given_creation = (uint32_t)number(v, "given_creation");
        }
    }
    side_start(s);
}

static void check_vector(struct side *s, const struct vector *v, size_t left)
{
    const char *expect = value(v, "expect");
    struct nx_span out = nx_hs_out(s->hs);
    assert_int_equal(out.len, v->ours_len);
    assert_memory_equal(out.ptr, v->ours, v->ours_len);
    if (strcmp(expect, "done") != 0) {
        assert_string_equal(noex_error_name(s->rc), expect);
        return;
    }
    if (s->rc < 0)
        fail_msg("%s", s->err.text);
    assert_int_equal(s->rc, NX_HS_DONE);
    assert_int_equal(s->in_len, left);
    const struct nx_hs_result *r = nx_hs_result(s->hs);
    assert_true(r->peer_flags == number(v, "peer_flags"));
    assert_int_equal(r->peer_creation, number(v, "peer_creation"));
    assert_string_equal(r->peer_name, value(v, "peer"));
    if (s->config.role == NX_HS_DIAL && s->config.dynamic) {
        assert_string_equal(r->self_name, value(v, "given"));
        assert_int_equal(r->self_creation, number(v, "given_creation"));
    }
}

static void real_node_is_understood_whole_and_byte_by_byte(void **state)
{
    struct vector v;
    read_vector(&v, *state);
    for (size_t chunk = 1; chunk <= BUF; chunk += BUF - 1) {
        struct side s;
        start_vector(&s, &v);
        side_take(&s, v.theirs, v.theirs_len, chunk);
        if (s.rc == NX_HS_MORE && v.eof)
            s.rc = nx_hs_eof(s.hs, &s.err);
        /* What follows on the connection, here a tick, is left alone. */
        if (s.rc == NX_HS_DONE) {
            memset(s.in + s.in_len, 0, 4);
            s.in_len += 4;
            side_feed(&s);
        }
        check_vector(&s, &v, 4);
        side_end(&s);
    }
}

static void real_node_cut_off_at_any_byte_is_told_as_closed(void **state)
{
    struct vector v;
    read_vector(&v, *state);
    for (size_t cut = 0; cut < v.theirs_len; cut++) {
        struct side s;
        start_vector(&s, &v);
        int rc = side_take(&s, v.theirs, cut, SIZE_MAX);
        if (rc == NX_HS_MORE) {
            bool at_ack = strcmp(nx_hs_step(s.hs), "the peer's digest") == 0;
            s.rc = nx_hs_eof(s.hs, &s.err);
            assert_failed(&s, at_ack ? NOEX_ECOOKIE : NOEX_ECLOSED, "closed the connection");
        } else {
            /* A cut behind what decides, as in a TLS record, changes nothing. */
            assert_string_equal(noex_error_name(rc), value(&v, "expect"));
        }
        side_end(&s);
    }
}

static const char *const vectors[] = {
    "otp25_accept_alive",
    "otp25_accept_dialled_another_name",
    "otp25_accept_dynamic",
    "otp25_accept_nok",
    "otp25_accept_not_allowed",
    "otp25_accept_ok_simultaneous",
    "otp25_accept_static",
    "otp25_accept_tls_peer_without_tls",
    "otp25_accept_wrong_cookie",
    "otp25_dial_alive_gone",
    "otp25_dial_alive_not_gone",
    "otp25_dial_digest_alone",
    "otp25_dial_dynamic",
    "otp25_dial_flag_missing",
    "otp25_dial_list_without_digest",
    "otp25_dial_local_ext_instead_of_digest",
    "otp25_dial_nok_simultaneous",
    "otp25_dial_ok_simultaneous",
    "otp25_dial_own_name_nok",
    "otp25_dial_static",
    "otp25_dial_tls",
    "otp25_dial_tls_peer_without_tls",
    "otp25_dial_wrong_cookie",
    "otp25_dial_wrong_name",
    "otp27_accept_dynamic",
    "otp27_accept_static",
    "otp27_dial_dynamic",
    "otp27_dial_static",
    "otp27_dial_without_unlink_id",
    "otp27_dial_without_v4_nc",
    "otp27_dial_wrong_cookie",
    "otp29_accept_dynamic",
    "otp29_accept_static",
    "otp29_dial_dynamic",
    "otp29_dial_static",
    "otp29_dial_without_unlink_id",
    "otp29_dial_without_v4_nc",
    "otp29_dial_wrong_cookie",
};

enum { VECTORS = sizeof vectors / sizeof *vectors, TESTS_MAX = 256 };

static struct CMUnitTest tests[TESTS_MAX]; /* cmocka passes over those without a name */
static char names[TESTS_MAX][128];
static size_t count;

/* Adds a test whose name is `before`, `row` and `after` joined. */
static void add(const char *before, const char *row, const char *after, CMUnitTestFunction fn,
                const void *arg)
{
    assert_in_range(count, 0, TESTS_MAX - 1);
    snprintf(names[count], sizeof *names, "%s%s%s", before, row, after);
    tests[count] = (struct CMUnitTest){names[count], fn, NULL, NULL, (void *)(uintptr_t)arg};
    count++;
}

static void add_stage(const struct stage *s)
{
    add("awaiting_", s->name, "_silence_times_out_and_names_the_step",
        silence_at_this_step_times_out_and_names_it, s);
    add("awaiting_", s->name, "_eof_is_told_as_what_it_means",
        eof_at_this_step_is_told_as_what_it_means, s);
    add("awaiting_", s->name, "_any_other_tag_is_garbage_at_once",
        any_other_tag_at_this_step_is_garbage_before_the_message_is_whole, s);
    add("awaiting_", s->name, "_a_malformed_message_is_garbage",
        a_malformed_message_at_this_step_is_garbage, s);
    add("awaiting_", s->name, "_impossible_lengths_are_garbage",
        lengths_that_no_message_has_are_garbage_at_this_step, s);
    add("awaiting_", s->name, "_part_of_a_message_does_not_restart_the_timer",
        part_of_a_message_does_not_restart_the_timer_of_this_step, s);
    add("awaiting_", s->name, "_the_first_cause_is_kept",
        the_first_cause_is_given_again_after_failing_at_this_step, s);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(both_roles_agree_with_headers_of_2_and_4_bytes_in_pieces_of_any_size),
        cmocka_unit_test(each_status_that_goes_on_leads_both_roles_to_the_end),
        cmocka_unit_test(without_decisions_a_peer_is_accepted_but_gets_no_name),
        cmocka_unit_test(a_dynamic_node_takes_the_name_it_is_given),
        cmocka_unit_test(a_dynamic_name_that_does_not_fit_the_host_is_not_given),
        cmocka_unit_test(a_dynamic_name_of_more_than_255_characters_is_not_given),
        cmocka_unit_test(the_longest_names_fit_though_nothing_was_sent_meanwhile),
        cmocka_unit_test(bytes_behind_the_handshake_stay_for_the_connection),
        cmocka_unit_test(each_message_restarts_the_timer),
        cmocka_unit_test(a_step_time_without_end_never_times_out),
        cmocka_unit_test(the_dialler_speaks_first_and_the_acceptor_waits),
        cmocka_unit_test(nothing_is_eaten_of_nothing),
        cmocka_unit_test(not_allowed_names_the_flags_that_known_releases_demand_and_we_lack),
        cmocka_unit_test(alive_is_answered_true_only_where_the_older_connection_is_gone),
        cmocka_unit_test(a_peer_of_another_name_is_a_mismatch_that_names_both),
        cmocka_unit_test(a_hostile_peer_name_cannot_spoil_the_error_text),
        cmocka_unit_test(a_peer_before_otp_23_is_told_by_its_challenge),
        cmocka_unit_test(all_missing_flags_are_named_at_once),
        cmocka_unit_test(the_digest_flag_alone_satisfies_what_it_stands_for),
        cmocka_unit_test(a_name_of_255_characters_is_taken_and_256_are_not),
        cmocka_unit_test(the_decision_about_a_name_is_what_the_peer_hears),
        cmocka_unit_test(alive_waits_for_true_and_the_peer_is_admitted_before_the_ack),
        cmocka_unit_test(nobody_is_admitted_by_a_wrong_cookie),
        cmocka_unit_test(a_peer_that_is_not_admitted_gets_no_ack),
        cmocka_unit_test(the_cookie_may_be_one_of_this_peer_alone),
        cmocka_unit_test(a_peer_that_keeps_its_connection_or_talks_nonsense_after_alive_is_refused),
        cmocka_unit_test(an_old_name_is_completed_and_checked_in_full),
        cmocka_unit_test(every_tampered_bit_of_the_last_message_is_a_cookie_error),
        cmocka_unit_test(a_digest_of_another_length_is_garbage),
        cmocka_unit_test(different_cookies_fail_on_the_accepting_side_and_eof_tells_the_dialler),
        cmocka_unit_test(tls_records_as_the_first_bytes_are_told_from_garbage),
        cmocka_unit_test(tls_records_later_on_and_look_alikes_are_garbage),
        cmocka_unit_test(other_protocols_are_shown_in_the_error),
        cmocka_unit_test(a_peer_that_frames_with_4_bytes_where_2_are_due_is_garbage_and_vice_versa),
        cmocka_unit_test(names_that_cannot_stand_on_the_wire_start_nothing),
        cmocka_unit_test(each_failing_allocation_is_out_of_memory_and_leaks_nothing),
        cmocka_unit_test(without_random_numbers_no_challenge_is_sent),
        cmocka_unit_test(without_md5_the_handshake_fails_and_says_so),
        cmocka_unit_test(the_log_tells_each_step_and_no_secret),
        cmocka_unit_test(all_memory_is_wiped_before_it_is_given_back),
    };
    static uint64_t required[64];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        tests[count++] = others[i];
    for (size_t i = 0; i < STAGES; i++)
        add_stage(&stages[i]);
    for (size_t i = 0; i < STATUS_CASES; i++)
        add("dialling_", status_cases[i].name, "", dialling_takes_the_status, &status_cases[i]);
    for (size_t i = 0; i < NAME_CASES; i++)
        add("accepting_", name_cases[i].name, "", accepting_takes_the_name, &name_cases[i]);
    for (unsigned i = 0; i < 64; i++) {
        required[i] = NX_DFLAGS_REQUIRED & UINT64_C(1) << i;
        if (required[i])
            add("without_", nx_dflag_name(required[i]), "_a_peer_is_refused_by_name_in_both_roles",
                without_this_flag_a_peer_is_refused_by_name_in_both_roles, &required[i]);
    }
    for (size_t i = 0; i < VECTORS; i++) {
        add("real_", vectors[i], "_is_understood_whole_and_byte_by_byte",
            real_node_is_understood_whole_and_byte_by_byte, vectors[i]);
        add("real_", vectors[i], "_cut_off_at_any_byte_is_told_as_closed",
            real_node_cut_off_at_any_byte_is_told_as_closed, vectors[i]);
    }
    return cmocka_run_group_tests_name("hs", tests, NULL, NULL);
}
