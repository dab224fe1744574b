/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "conn/incoming.h"
#include "hex.h"
#include "random_term.h"
#include "term/check.h"
#include "term/ident.h"
#include "wire/fragment.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_MAX = 1 << 20, SIGNAL_MAX = 1 << 17 };

struct fixture {
    struct alloc_test t;
    struct nx_incoming *in;
    struct noex_error err;
    size_t wanted;
    unsigned signals;
    unsigned unknown;
    /* The last signal, copied. */
    struct nx_ctrl ctrl;
    uint8_t *bytes;
    struct nx_span payload;
    uint64_t full;
    size_t cached;
};

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctrl;
    return ((struct fixture *)ctx)->wanted;
}

static int on_signal(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    struct fixture *x = ctx;
    uint8_t *p = x->bytes;
    (void)err;
    x->signals++;
    x->ctrl = *s->ctrl;
    for (unsigned role = 0; role < NX_ARG_COUNT; role++) {
        memcpy(p, s->ctrl->arg[role].ptr, s->ctrl->arg[role].len);
        x->ctrl.arg[role].ptr = p;
        p += s->ctrl->arg[role].len;
    }
    x->payload = nx_span(p, s->payload.len);
    if (s->payload.len)
        memcpy(p, s->payload.ptr, s->payload.len);
    x->full = s->payload_full;
    x->cached = s->cached;
    return 0;
}

static void on_unknown(void *ctx, const char *what)
{
    struct fixture *x = ctx;
    assert_non_null(strstr(what, "unknown opcode"));
    x->unknown++;
}

static void begin_with(struct fixture *x, enum nx_frame_mode mode, bool cache, size_t message_max)
{
    memset(x, 0, sizeof *x);
    alloc_test_init(&x->t);
    const struct nx_incoming_config config = {
        .alloc = &x->t.a,
        .handlers = {x, on_wanted, on_signal, on_unknown},
        .mode = mode,
        .cache = cache,
        .message_max = message_max,
        .fragments_max = 100,
    };
    x->wanted = 1 << 16;
    x->bytes = malloc(SIGNAL_MAX + (1 << 20));
    x->in = nx_incoming_new(&config);
    assert_true(x->in && x->bytes);
}

static void begin(struct fixture *x)
{
    begin_with(x, NX_FRAME_FRAGMENTS, true, MESSAGE_MAX);
}

static void end(struct fixture *x)
{
    nx_incoming_free(x->in);
    free(x->bytes);
    assert_int_equal(x->t.live, 0);
}

/* The body stands in a heap copy of exactly its size that is gone when the call returns. */
static int feed(struct fixture *x, const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    memset(&x->err, 0, sizeof x->err);
    int rc = nx_incoming_frame(x->in, nx_span(copy, len), &x->err);
    assert_int_equal(x->err.code, rc);
    assert_true(rc == 0 || x->err.text[0]);
    free(copy);
    return rc;
}

static int feed_hex(struct fixture *x, const char *hex)
{
    uint8_t bytes[8192];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_int_not_equal(len, (size_t)-1);
    return feed(x, bytes, len);
}

static bool is_hex(struct nx_span s, const char *hex)
{
    uint8_t bytes[8192];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_int_not_equal(len, (size_t)-1);
    return nx_span_eq(s, nx_span(bytes, len));
}

/* {28, w, <0.1.0>, Ref} of me@h: w is reference 0, the name 1. The header's section is not here. */
#define PID_TAIL "000000010000000000000007"
#define REF_TAIL "00000007000000030000000400000005"
#define DOWN "6804611c 5200 58 5201" PID_TAIL "5a0003 5201" REF_TAIL
#define PLAIN_TO "58 77046d654068" PID_TAIL
#define PLAIN_REF "5a0003 77046d654068" REF_TAIL
#define NEW_SECTION "03 88 08 10 0177 20 046d654068 30 03666f6f" /* w, me@h, foo */
#define OLD_SECTION "03 00 00 10 20 30"

static void assert_down(const struct fixture *x)
{
    assert_int_equal(x->ctrl.op, NX_OP_PAYLOAD_MONITOR_P_EXIT);
    assert_true(is_hex(x->ctrl.arg[NX_ARG_TARGET], "770177"));
    assert_true(is_hex(x->ctrl.arg[NX_ARG_TO], PLAIN_TO));
    assert_true(is_hex(x->ctrl.arg[NX_ARG_REF], PLAIN_REF));
}

static void a_down_with_references_is_told_in_plain_terms(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(feed_hex(&x, "8344" NEW_SECTION DOWN "5202"), 0);
    assert_down(&x);
    assert_true(is_hex(x.payload, "7703666f6f"));
    assert_true(x.full == 5 && x.cached == 3);
    assert_int_equal(feed_hex(&x, "8344" OLD_SECTION DOWN "6802 5202 6a"), 0);
    assert_down(&x);
    assert_true(is_hex(x.payload, "6802 7703666f6f 6a"));
    assert_int_equal(x.full, 8);
    /* What its payload has behind it does not count, protocol.md 6.1. */
    assert_int_equal(feed_hex(&x, "8344" OLD_SECTION DOWN "6801 5202 5202 ff"), 0);
    assert_true(is_hex(x.payload, "6801 7703666f6f"));
    assert_int_equal(x.full, 7);
    assert_int_equal(x.signals, 3);
    end(&x);
}

static void references_in_no_usual_place_become_plain_too(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(feed_hex(&x, "8344" NEW_SECTION "6900000004 611c 5200 58 5201" PID_TAIL
                                  "5a0003 5201" REF_TAIL "5202"),
                     0);
    assert_down(&x);
    /* SPAWN_REQUEST: {M, F, A} and options hold atoms deeper inside. */
    assert_int_equal(feed_hex(&x, "8344" OLD_SECTION "6806611d 5a0003 5201" REF_TAIL
                                  "58 5201" PID_TAIL "58 5201" PID_TAIL "6803 5202 5200 6100"
                                  "6c00000001 5202 6a  6a"),
                     0);
    assert_int_equal(x.ctrl.op, NX_OP_SPAWN_REQUEST);
    assert_true(is_hex(x.ctrl.arg[NX_ARG_MFA], "6803 7703666f6f 770177 6100"));
    assert_true(is_hex(x.ctrl.arg[NX_ARG_OPTS], "6c00000001 7703666f6f 6a"));
    assert_true(is_hex(x.ctrl.arg[NX_ARG_FROM], PLAIN_TO));
    assert_true(is_hex(x.payload, "6a"));
    assert_int_equal(x.signals, 2);
    end(&x);
}

/* Each control message, its elements at random, with the header that a node of ours writes. */
static void every_opcode_is_read_as_it_was_built(void **state)
{
    (void)state;
    uint32_t seed = 3;
    struct fixture x;
    begin(&x);
    struct nx_known_atoms *known = nx_known_atoms_new(&x.t.a, "me@h", "beam@h");
    assert_non_null(known);
    for (unsigned i = 0; i < 20000; i++) {
        static const char *const names[] = {"me@h", "beam@h", "w", "server", "another"};
        uint8_t bytes[4096];
        struct nx_buf b, frame;
        struct nx_ctrl c = {.op = (enum nx_op)(1 + i % NX_OP_ALTACT_SIG_SEND)};
        if (nx_op_name((int)c.op)[0] == '?')
            continue;
        nx_buf_fixed(&b, bytes, sizeof bytes);
        for (unsigned role = NX_ARG_FROM; role < NX_ARG_COUNT; role++) {
            const struct nx_span name = nx_span_str(names[random_below(&seed, 5)]);
            const size_t at = nx_buf_len(&b);
            const struct nx_pid pid = {.node = name, .id = i};
            const struct nx_ref ref = {.node = name, .count = 1 + random_below(&seed, 5)};
            const bool either = random_below(&seed, 2);
            int rc;
            if (role == NX_ARG_REF)
                rc = nx_ref_write(&b, &ref);
            else if (role == NX_ARG_NAME || (role == NX_ARG_TARGET && either))
                rc = nx_atom_write(&b, name);
            else if (role == NX_ARG_ID)
                rc = nx_u64_write(&b, 1 + random_below(&seed, 1000));
            else if (role == NX_ARG_FLAGS)
                rc = nx_u64_write(&b, 3); /* a priority, a token */
            else if (role == NX_ARG_MFA)
                rc = nx_buf_put(&b, "h\3w\1mw\1fa\2", 10);
            else if (role == NX_ARG_OPTS)
                rc = nx_buf_put_u8(&b, 106);
            else
                rc = nx_pid_write(&b, &pid);
            assert_int_equal(rc, 0);
            c.arg[role] = nx_span(bytes + at, nx_buf_len(&b) - at);
        }
        uint8_t terms[4096];
        struct nx_buf t;
        nx_buf_fixed(&t, terms, sizeof terms);
        nx_buf_init(&frame, &x.t.a, SIZE_MAX);
        assert_int_equal(nx_ctrl_build_short(&t, &c, known), 0);
        assert_int_equal(nx_buf_put_u8(&t, 106), 0);
        assert_int_equal(nx_frame_write_short(&frame, known, nx_buf_span(&t)), 0);
        nx_known_atoms_end(known, true);
        if (feed(&x, frame.data + 4, nx_buf_len(&frame) - 4))
            fail_msg("%s: %s", nx_op_name((int)c.op), x.err.text);
        assert_int_equal(x.ctrl.op, c.op);
        for (unsigned role = NX_ARG_FROM; role < NX_ARG_COUNT; role++)
            if (x.ctrl.arg[role].len && role != NX_ARG_UNUSED)
                assert_true(nx_span_eq(x.ctrl.arg[role], c.arg[role]));
        nx_buf_free(&frame);
    }
    nx_known_atoms_free(known);
    end(&x);
}

static void a_frame_that_is_cut_anywhere_is_refused_with_a_cause(void **state)
{
    (void)state;
    static const char *const frames[] = {
        "8344" NEW_SECTION DOWN "6802 5202 6a",
        "8344" NEW_SECTION "6900000004 611c 5200 58 5201" PID_TAIL "5a0003 5201" REF_TAIL "5202",
        "8345 0000000000000001 0000000000000001" NEW_SECTION DOWN "6802 5202 6a"};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        uint8_t bytes[256];
        size_t len = hex_decode(frames[i], bytes, sizeof bytes);
        for (size_t cut = 1; cut <= len; cut++) {
            struct fixture x;
            begin(&x);
            int rc = feed(&x, bytes, cut);
            assert_true(cut == len ? !rc : rc == NOEX_EPROTOCOL || rc == NOEX_ETERM);
            assert_int_equal(x.signals, cut == len);
            end(&x);
        }
    }
}

static void references_to_what_is_not_there_are_refused_wherever_they_stand(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"8344 01 00 05" DOWN "5202", "slot 5 of the atom cache, which is empty"},
        {"8344" NEW_SECTION DOWN "5203", "atom 3 of a distribution header that has 3"},
        {"8344" NEW_SECTION DOWN "6802 5202 5203", "atom 3 of"},
        {"8344" NEW_SECTION "6804611c 52ff", "atom 255 of"},
        {"8344" NEW_SECTION "6804611c 5200 58 5207", "atom 7 of"},
        {"8344 00" DOWN "5202", "not allowed between nodes"}, /* without a table */
        {"8345 0000000000000001 0000000000000001" NEW_SECTION DOWN "5203", "atom 3 of"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture x;
        begin(&x);
        assert_true(feed_hex(&x, rows[i][0]) < 0);
        if (!strstr(x.err.text, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], x.err.text);
        assert_int_equal(x.signals, 0);
        end(&x);
    }
    struct fixture x;
    begin_with(&x, NX_FRAME_FRAGMENTS, false, MESSAGE_MAX);
    assert_int_equal(feed_hex(&x, "8344" NEW_SECTION DOWN "5202"), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "no atom cache was negotiated"));
    end(&x);
}

static void an_unknown_opcode_with_references_is_skipped(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(feed_hex(&x, "8344" NEW_SECTION "68026163 5200 5202"), 0);
    assert_int_equal(
        feed_hex(&x, "8345 0000000000000001 0000000000000002" OLD_SECTION "68026163 5200 5202"), 0);
    assert_int_equal(x.unknown, 1);
    assert_int_equal(feed_hex(&x, "8346 0000000000000001 0000000000000001 5202"), 0);
    assert_int_equal(x.unknown, 2);
    assert_int_equal(x.signals, 0);
    assert_int_equal(feed_hex(&x, "8344" OLD_SECTION DOWN "5202"),
                     0); /* and the cache is as it was */
    assert_true(is_hex(x.payload, "7703666f6f"));
    end(&x);
}

/* ---- fragments ---- */

#define FIRST(left) "8345 0000000000000009 000000000000000" left
#define NEXT(left) "8346 0000000000000009 000000000000000" left

static void a_payload_in_fragments_is_read_with_the_atoms_of_its_first_one(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(feed_hex(&x, FIRST("3") NEW_SECTION DOWN "6c00000003 5202 52"), 0);
    /* Another message takes the slot of foo; its first fragment does it, too. */
    assert_int_equal(
        feed_hex(&x, "8344 01 08 30 03626172 68036102 5200 58 77046d654068" PID_TAIL "5200"), 0);
    assert_int_equal(x.signals, 1);
    assert_true(is_hex(x.payload, "7703626172"));
    assert_int_equal(feed_hex(&x,
                              "8345 0000000000000008 0000000000000002 03 00 08 10 20 30 0171" DOWN
                              "6802 5202"),
                     0);
    assert_int_equal(feed_hex(&x, NEXT("2") "02"), 0);
    assert_int_equal(feed_hex(&x, NEXT("1") "5201 6a"), 0);
    assert_int_equal(x.signals, 2);
    assert_down(&x);
    assert_true(is_hex(x.payload, "6c00000003 7703666f6f 7703666f6f 77046d654068 6a"));
    assert_true(x.full == x.payload.len && x.cached == 3);
    assert_int_equal(feed_hex(&x, "8346 0000000000000008 0000000000000001 5202"), 0);
    assert_true(is_hex(x.payload, "6802 770171 770171"));
    end(&x);
}

static void a_payload_may_be_cut_into_fragments_at_every_byte(void **state)
{
    (void)state;
    uint8_t first[256], payload[64];
    size_t head = hex_decode(FIRST("2") NEW_SECTION DOWN, first, sizeof first);
    size_t len = hex_decode("6803 5202 58 5201" PID_TAIL "6d00000003 525252", payload, 64);
    for (size_t cut = 0; cut <= len; cut++) {
        struct fixture x;
        uint8_t next[256];
        begin(&x);
        memcpy(first + head, payload, cut);
        assert_int_equal(feed(&x, first, head + cut), 0);
        size_t at = hex_decode(NEXT("1"), next, sizeof next);
        memcpy(next + at, payload + cut, len - cut);
        assert_int_equal(feed(&x, next, at + len - cut), 0);
        assert_int_equal(x.signals, 1);
        assert_true(
            is_hex(x.payload, "6803 7703666f6f 58 77046d654068" PID_TAIL "6d00000003 525252"));
        end(&x);
    }
}

/* What is wanted of a payload is counted in plain bytes; its length is told as far as it is known.
 */
static void of_a_payload_no_more_is_made_plain_than_is_wanted(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    uint8_t *bytes = malloc(128 + 2 * COUNT);
    struct fixture x;
    assert_non_null(bytes);
    for (unsigned fragments = 0; fragments < 2; fragments++) {
        const char *head = fragments ? FIRST("2") NEW_SECTION DOWN "6c00007530"
                                     : "8344" NEW_SECTION DOWN "6c00007530";
        begin(&x);
        x.wanted = 1000;
        size_t at = hex_decode(head, bytes, 128);
        for (size_t i = 0; i < COUNT; i++, at += 2)
            memcpy(bytes + at, "\x52\2", 2);
        bytes[at++] = 106;
        assert_int_equal(feed(&x, bytes, at), 0);
        if (fragments)
            assert_int_equal(feed_hex(&x, NEXT("1") "ff"), 0);
        assert_int_equal(x.signals, 1);
        assert_down(&x);
        assert_int_equal(x.payload.len, 1000);
        assert_memory_equal(x.payload.ptr, "\x6c\0\0\x75\x30w\3foow\3foo", 15);
        if (!fragments)
            assert_true(x.full == 5 + 5 * COUNT + 1);
        else
            assert_true(x.full > 2 * COUNT && x.full < 5 * COUNT);
        end(&x);
    }
    free(bytes);
}

static void beyond_the_bytes_for_fragments_the_beginning_is_made_plain_at_once(void **state)
{
    (void)state;
    for (unsigned lack_memory = 0; lack_memory < 2; lack_memory++) {
        struct fixture x;
        begin_with(&x, NX_FRAME_FRAGMENTS, true, lack_memory ? MESSAGE_MAX : 60);
        /* Of memory there is enough for the message, not for its atoms: their copy comes first. */
        x.t.fail_at = lack_memory ? x.t.calls + 1 : 0;
        assert_int_equal(feed_hex(&x, FIRST("3") NEW_SECTION DOWN "6802 5202 52"), 0);
        assert_int_equal(x.t.failed, lack_memory);
        assert_int_equal(feed_hex(&x, NEXT("2") "02"), 0);
        assert_int_equal(feed_hex(&x, NEXT("1") ""), 0);
        assert_int_equal(x.signals, 1);
        assert_down(&x);
        assert_true(is_hex(x.payload, "6802 7703666f6f 52"));
        assert_int_equal(x.full, 9);
        end(&x);
    }
}

static void a_message_that_nobody_wants_leaves_nothing_of_its_payload(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    x.wanted = 0;
    assert_int_equal(feed_hex(&x, FIRST("2") NEW_SECTION DOWN "6802 5202"), 0);
    assert_int_equal(feed_hex(&x, NEXT("1") "5202"), 0);
    assert_int_equal(x.signals, 1);
    assert_int_equal(x.payload.len, 0);
    assert_int_equal(x.full, 6);
    end(&x);
}

/* ---- limits and memory ---- */

/* A token of 2 * 60000 bytes that would be 18 megabytes: the message is refused, and no more
 * memory taken for it than the limit allows. */
static void a_control_message_is_plain_within_the_limit_or_refused(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    uint8_t *bytes = malloc(1024 + 2 * COUNT), *p = bytes;
    struct fixture x;
    assert_non_null(bytes);
    begin(&x);
    memcpy(p, "\x83\x44\1\x18\7\1\x2c", 7);
    p += 7;
    for (unsigned i = 0; i < 100; i++, p += 3)
        memcpy(p, "\xe2\x82\xac", 3);
    p += hex_decode("6804610c 770058 77046d654068" PID_TAIL "6c0000ea60", p, 128);
    for (unsigned i = 0; i < COUNT; i++, p += 2)
        memcpy(p, "\x52\0", 2);
    *p++ = 106;
    assert_int_equal(feed(&x, bytes, (size_t)(p - bytes)), NOEX_ETOOBIG);
    assert_non_null(strstr(x.err.text, "a control message of 18"));
    assert_int_equal(x.signals, 0);
    free(bytes);
    end(&x);
}

/* Whatever comes in frames of up to 64 KiB without memory: DOWNs arrive, and what their reasons
 * cannot be expanded to is cut, with the type where the first bytes tell it. */
static void without_memory_downs_arrive_with_as_much_of_their_reason_as_fits(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    uint8_t *bytes = malloc(128 + 2 * COUNT);
    struct fixture x;
    assert_non_null(bytes);
    begin(&x);
    x.t.fail_at = 1;
    x.t.fail_on = true;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(feed_hex(&x, i ? "8344" OLD_SECTION DOWN "6802 5202 6a"
                                        : "8344" NEW_SECTION DOWN "6802 5202 6a"),
                         0);
        assert_down(&x);
        assert_true(is_hex(x.payload, "6802 7703666f6f 6a"));
    }
    size_t at = hex_decode("8344" OLD_SECTION DOWN "6802 5202 6c00007530", bytes, 128);
    for (size_t i = 0; i < COUNT; i++, at += 2)
        memcpy(bytes + at, "\x52\2", 2);
    bytes[at++] = 106;
    assert_true(at < 65536);
    assert_int_equal(feed(&x, bytes, at), 0);
    assert_down(&x);
    assert_in_range(x.payload.len, 4000, 4096);
    assert_memory_equal(x.payload.ptr, "h\2w\3foo", 7);
    assert_true(x.full == 2 + 5 + 5 + 5 * COUNT + 1);
    assert_true(x.t.failed > 0);
    assert_int_equal(x.signals, 1001);
    free(bytes);
    end(&x);
}

/* The reason's atom is new and there is no memory for it, but for those of the control message. */
static void without_memory_a_reason_is_cut_before_an_atom_that_was_lost(void **state)
{
    (void)state;
    struct fixture x;
    char hex[2048] = "8344 04 88 88 00 10 0177 20 046d654068";
    begin(&x);
    x.t.fail_at = 1;
    x.t.fail_on = true;
    assert_int_equal(feed_hex(&x, "8344" NEW_SECTION DOWN "5202"), 0);
    /* The cache is filled with atoms of 250 bytes until one is lost. */
    for (unsigned slot = 0x100; slot < 0x300; slot++) {
        uint8_t bytes[300] = {131, 68, 1, (uint8_t)(8 | slot >> 8), (uint8_t)slot, 250};
        memset(bytes + 6, 'x', 250);
        size_t at =
            256 + hex_decode("68036102 7700 58 77046d654068" PID_TAIL "5200", bytes + 256, 44);
        assert_int_equal(feed(&x, bytes, at), 0);
    }
    assert_int_equal(x.payload.len, 0);
    assert_true(x.full == 252);
    assert_int_equal(feed_hex(&x, "8344" OLD_SECTION DOWN "6802 5202 5202"), 0);
    assert_down(&x);
    assert_true(is_hex(x.payload, "6802 7703666f6f 7703666f6f"));
    snprintf(hex, sizeof hex, "8344 04 00 20 00 10 20 30 ff" DOWN "6802 5202 5203");
    assert_int_equal(feed_hex(&x, hex), 0);
    assert_down(&x);
    assert_true(is_hex(x.payload, "6802 7703666f6f"));
    assert_int_equal(x.full, 2 + 5 + 252);
    /* In a control message there is nothing to cut. */
    assert_int_equal(feed_hex(&x, "8344 02 02 00 ff 20 6804611c 5200 58 5201" PID_TAIL
                                  "5a0003 5201" REF_TAIL "6a"),
                     NOEX_ENOMEM);
    end(&x);
}

static void what_a_long_message_took_is_given_back_when_it_was_told(void **state)
{
    (void)state;
    enum { COUNT = 400000 };
    uint8_t *bytes = malloc(128 + 2 * COUNT);
    struct fixture x;
    assert_non_null(bytes);
    begin_with(&x, NX_FRAME_FRAGMENTS, true, 64 << 20);
    free(x.bytes);
    x.bytes = malloc(64 << 20);
    assert_non_null(x.bytes);
    x.wanted = 64 << 20;
    const size_t live = x.t.live;
    assert_int_equal(feed_hex(&x, "8344" NEW_SECTION DOWN "5202"), 0);
    size_t at = hex_decode(FIRST("2") OLD_SECTION DOWN "6c00061a80", bytes, 128);
    for (size_t i = 0; i < COUNT; i++, at += 2)
        memcpy(bytes + at, "\x52\2", 2);
    assert_int_equal(feed(&x, bytes, at), 0);
    const size_t calls = x.t.calls;
    assert_int_equal(feed_hex(&x, NEXT("1") "6a"), 0);
    assert_int_equal(x.payload.len, 5 + 5 * COUNT + 1);
    /* The table of sequences is new; the buffer grew in some steps and became small again. */
    assert_int_equal(x.t.live, live + 1);
    assert_true(x.t.calls > calls + 2);
    x.t.fail_at = x.t.calls + 1;
    assert_int_equal(feed_hex(&x, "8344" OLD_SECTION DOWN "6802 5202 6a"), 0);
    assert_true(is_hex(x.payload, "6802 7703666f6f 6a"));
    free(bytes);
    x.t.fail_at = 0;
    end(&x);
}

static void one_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned cache = 0; cache < 2; cache++) {
        size_t k = 1;
        for (bool made = false; !made; k++) {
            struct alloc_test t;
            alloc_test_init(&t);
            t.fail_at = k;
            const struct nx_incoming_config config = {
                .alloc = &t.a, .mode = NX_FRAME_FRAGMENTS, .cache = cache};
            struct nx_incoming *in = nx_incoming_new(&config);
            made = in != NULL;
            assert_int_equal(made, !t.failed);
            nx_incoming_free(in);
            assert_int_equal(t.live, 0);
        }
        assert_in_range(k, cache ? 6 : 3, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_down_with_references_is_told_in_plain_terms),
        cmocka_unit_test(references_in_no_usual_place_become_plain_too),
        cmocka_unit_test(every_opcode_is_read_as_it_was_built),
        cmocka_unit_test(a_frame_that_is_cut_anywhere_is_refused_with_a_cause),
        cmocka_unit_test(references_to_what_is_not_there_are_refused_wherever_they_stand),
        cmocka_unit_test(an_unknown_opcode_with_references_is_skipped),
        cmocka_unit_test(a_payload_in_fragments_is_read_with_the_atoms_of_its_first_one),
        cmocka_unit_test(a_payload_may_be_cut_into_fragments_at_every_byte),
        cmocka_unit_test(of_a_payload_no_more_is_made_plain_than_is_wanted),
        cmocka_unit_test(beyond_the_bytes_for_fragments_the_beginning_is_made_plain_at_once),
        cmocka_unit_test(a_message_that_nobody_wants_leaves_nothing_of_its_payload),
        cmocka_unit_test(a_control_message_is_plain_within_the_limit_or_refused),
        cmocka_unit_test(without_memory_downs_arrive_with_as_much_of_their_reason_as_fits),
        cmocka_unit_test(without_memory_a_reason_is_cut_before_an_atom_that_was_lost),
        cmocka_unit_test(what_a_long_message_took_is_given_back_when_it_was_told),
        cmocka_unit_test(one_that_cannot_be_made_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
