/* Replays tests/vectors/wire: what a real node sent after the handshake. in.hex holds the bytes, as
 * hex digits and as xx*N (N times the byte xx); expect.txt, written by another decoder when the
 * bytes were recorded, has one line a message. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "cmocka_all.h"
#include "conn/incoming.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { FRAME_MAX = 1 << 20, RUN_MIN = 16 };

static const char *const role_names[NX_ARG_COUNT] = {
    [NX_ARG_FROM] = "from",     [NX_ARG_TO] = "to",         [NX_ARG_TARGET] = "target",
    [NX_ARG_NAME] = "name",     [NX_ARG_REF] = "ref",       [NX_ARG_ID] = "id",
    [NX_ARG_REASON] = "reason", [NX_ARG_TOKEN] = "token",   [NX_ARG_UNUSED] = "unused",
    [NX_ARG_LEADER] = "leader", [NX_ARG_MFA] = "mfa",       [NX_ARG_OPTS] = "opts",
    [NX_ARG_FLAGS] = "flags",   [NX_ARG_RESULT] = "result",
};

struct replay {
    struct nx_incoming *incoming;
    bool header;
    struct nx_span
        written; /* where a frame begins with a plain control term: it, and what follows */
    size_t cached;
    struct nx_buf in;
    struct nx_buf lines;
    struct nx_buf scratch;
};

static void put_text(struct nx_buf *out, const char *text)
{
    assert_int_equal(nx_buf_put(out, text, strlen(text)), 0);
}

/* Hex digits, with runs of 16 and more as xx*N between plus signs. */
static void put_hex(struct nx_buf *out, struct nx_span s)
{
    bool literal = false;
    char text[32];
    for (size_t i = 0, run; i < s.len; i += run) {
        for (run = 1; i + run < s.len && s.ptr[i + run] == s.ptr[i];)
            run++;
        bool starred = run >= RUN_MIN;
        if (i && (starred || !literal))
            put_text(out, "+");
        literal = !starred;
        if (starred) {
            snprintf(text, sizeof text, "%02x*%zu", s.ptr[i], run);
            put_text(out, text);
        }
        for (size_t k = 0; literal && k < run; k++) {
            snprintf(text, sizeof text, "%02x", s.ptr[i]);
            put_text(out, text);
        }
    }
}

static void put_line(struct replay *r, const struct nx_ctrl *c, struct nx_span payload)
{
    put_text(&r->lines, nx_op_name((int)c->op));
    for (unsigned role = 1; role < NX_ARG_COUNT; role++) {
        if (!c->arg[role].len)
            continue;
        put_text(&r->lines, " ");
        put_text(&r->lines, role_names[role]);
        put_text(&r->lines, "=");
        put_hex(&r->lines, c->arg[role]);
    }
    if (c->has_payload) {
        put_text(&r->lines, " payload=");
        put_hex(&r->lines, payload);
    }
    put_text(&r->lines, "\n");
}

static int on_signal(void *ctx, const struct nx_signal *s, struct noex_error *err)
{
    struct replay *r = ctx;
    (void)err;
    put_line(r, s->ctrl, s->payload);
    assert_true(s->payload.len == s->payload_full);
    r->cached += s->cached;
    if (!r->written.len)
        return 0;
    /* What the BEAM wrote is what we write. */
    nx_buf_consume(&r->scratch, SIZE_MAX);
    assert_int_equal(nx_ctrl_build(&r->scratch, s->ctrl), 0);
    const struct nx_span built = nx_buf_span(&r->scratch);
    assert_true(nx_span_eq(built, nx_span(r->written.ptr, built.len)));
    return 0;
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    (void)ctx, (void)ctrl;
    return SIZE_MAX;
}

static void on_unknown(void *ctx, const char *what)
{
    (void)ctx;
    fail_msg("%s", what);
}

/* Each body stands in a heap copy of exactly its size, so that a read behind it is seen. */
static void body(struct replay *r, struct nx_span in)
{
    struct noex_error err = {0};
    if (!in.len) {
        put_text(&r->lines, "tick\n");
        return;
    }
    uint8_t *copy = malloc(in.len);
    assert_non_null(copy);
    memcpy(copy, in.ptr, in.len);
    const size_t head = !r->header ? 2 : copy[1] == 68 && copy[2] == 0 ? 3 : in.len;
    r->written = nx_span(copy + head, in.len - head);
    if (nx_incoming_frame(r->incoming, nx_span(copy, in.len), &err))
        fail_msg("%s", err.text);
    free(copy);
}

static void feed(struct replay *r, struct nx_span s)
{
    struct noex_error err = {0};
    struct nx_span frame;
    size_t used;
    assert_int_equal(nx_buf_put_span(&r->in, s), 0);
    while (nx_frame_next(nx_buf_span(&r->in), 4, FRAME_MAX, &frame, &used, &err) == 1) {
        body(r, frame);
        nx_buf_consume(&r->in, used);
    }
    assert_int_equal(err.code, 0);
}

static void replay_init(struct replay *r, const char *name)
{
    *r = (struct replay){.header =
                             strncmp(name, "header_", 7) == 0 || strncmp(name, "cache_", 6) == 0};
    const struct nx_incoming_config config = {
        .alloc = &nx_alloc_libc,
        .handlers = {r, on_wanted, on_signal, on_unknown},
        .mode = r->header ? NX_FRAME_FRAGMENTS : NX_FRAME_PASS_THROUGH,
        .cache = strncmp(name, "cache_", 6) == 0,
        .message_max = FRAME_MAX,
        .fragments_max = 16,
    };
    r->incoming = nx_incoming_new(&config);
    assert_non_null(r->incoming);
    nx_buf_init(&r->in, &nx_alloc_libc, FRAME_MAX);
    nx_buf_init(&r->lines, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&r->scratch, &nx_alloc_libc, SIZE_MAX);
}

static void replay_free(struct replay *r)
{
    nx_incoming_free(r->incoming);
    nx_buf_free(&r->in);
    nx_buf_free(&r->lines);
    nx_buf_free(&r->scratch);
}

static void load(const char *name, const char *file, struct nx_buf *out)
{
    char path[1024];
    uint8_t chunk[4096];
    snprintf(path, sizeof path, "%s/vectors/wire/%s/%s", NOEX_TEST_DIR, name, file);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    nx_buf_init(out, &nx_alloc_libc, SIZE_MAX);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f));)
        assert_int_equal(nx_buf_put(out, chunk, n), 0);
    assert_int_equal(nx_buf_put_u8(out, 0), 0);
    fclose(f);
}

static void load_hex(const char *name, struct nx_buf *out)
{
    struct nx_buf text;
    load(name, "in.hex", &text);
    nx_buf_init(out, &nx_alloc_libc, SIZE_MAX);
    char *p = (char *)text.data;
    while (*p) {
        unsigned byte;
        size_t count = 1;
        int n = 0;
        if (*p == '#')
            p += strcspn(p, "\n");
        else if (*p == '\n')
            p++;
        else if (sscanf(p, "%2x*%zu%n", &byte, &count, &n) == 2 ||
                 sscanf(p, "%2x%n", &byte, &n) == 1)
            for (p += n; count; count--)
                assert_int_equal(nx_buf_put_u8(out, (uint8_t)byte), 0);
        else
            fail_msg("%s/in.hex holds something else than hex digits: %.10s", name, p);
    }
    nx_buf_free(&text);
}

/* The transcript of a stream fed in pieces of `piece` bytes. */
static void transcript(struct replay *r, const char *name, struct nx_span in, size_t piece)
{
    replay_init(r, name);
    for (size_t at = 0; at < in.len; at += piece)
        feed(r, nx_span(in.ptr + at, in.len - at < piece ? in.len - at : piece));
}

static void check_pieces(const char *name, struct nx_span in, struct nx_span expected, size_t piece)
{
    struct replay r;
    transcript(&r, name, in, piece);
    assert_int_equal(nx_buf_len(&r.in), 0);
    assert_true(strncmp(name, "cache_", 6) != 0 || r.cached > 0);
    if (!nx_span_eq(nx_buf_span(&r.lines), expected))
        fail_msg("%s in pieces of %zu bytes:\n%.*s", name, piece, (int)nx_buf_len(&r.lines),
                 (const char *)nx_buf_span(&r.lines).ptr);
    replay_free(&r);
}

/* A stream that ends early gives the first of the lines and no other. */
static void check_cut(const char *name, struct nx_span in, struct nx_span expected)
{
    for (size_t len = 0; len < in.len; len++) {
        struct replay r;
        transcript(&r, name, nx_span(in.ptr, len), SIZE_MAX / 2);
        assert_true(nx_buf_len(&r.lines) < expected.len);
        if (nx_buf_len(&r.lines))
            assert_memory_equal(nx_buf_span(&r.lines).ptr, expected.ptr, nx_buf_len(&r.lines));
        replay_free(&r);
    }
}

static void check_case(const char *name)
{
    struct nx_buf in, expected;
    load_hex(name, &in);
    load(name, "expect.txt", &expected);
    struct nx_span text = nx_span(expected.data, nx_buf_len(&expected) - 1);
    const size_t pieces[] = {SIZE_MAX / 2, 1, 2, 3, 5, 4096, 65536};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        check_pieces(name, nx_buf_span(&in), text, pieces[i]);
    if (nx_buf_len(&in) < 2048)
        check_cut(name, nx_buf_span(&in), text);
    nx_buf_free(&in);
    nx_buf_free(&expected);
}

static void check_all(const char *prefix, unsigned at_least)
{
    DIR *dir = opendir(NOEX_TEST_DIR "/vectors/wire");
    unsigned cases = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (strncmp(e->d_name, prefix, strlen(prefix)))
            continue;
        check_case(e->d_name);
        cases++;
    }
    closedir(dir);
    assert_true(cases >= at_least);
}

static void a_real_node_with_a_distribution_header_is_read_however_its_bytes_are_cut(void **state)
{
    (void)state;
    check_all("header_", 21);
}

static void a_real_node_in_pass_through_is_read_however_its_bytes_are_cut(void **state)
{
    (void)state;
    check_all("pass_", 11);
}

static void a_real_node_with_an_atom_cache_is_read_however_its_bytes_are_cut(void **state)
{
    (void)state;
    check_all("cache_", 4);
}

static void L12_a_real_node_without_payloads_for_reasons_is_read_too(void **state)
{
    (void)state;
    check_all("old_", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_node_with_a_distribution_header_is_read_however_its_bytes_are_cut),
        cmocka_unit_test(a_real_node_in_pass_through_is_read_however_its_bytes_are_cut),
        cmocka_unit_test(a_real_node_with_an_atom_cache_is_read_however_its_bytes_are_cut),
        cmocka_unit_test(L12_a_real_node_without_payloads_for_reasons_is_read_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
