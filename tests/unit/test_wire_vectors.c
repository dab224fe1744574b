/* Replays tests/vectors/wire: what a real node sent after the handshake. in.hex holds the bytes, as
 * hex digits and as xx*N (N times the byte xx); expect.txt, written by another decoder when the
 * bytes were recorded, has one line a message. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "cmocka_all.h"
#include "wire/ctrl.h"
#include "wire/fragment.h"
#include "wire/frame.h"

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
    enum nx_frame_mode mode;
    struct nx_fragments *fragments;
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

static void message(struct replay *r, struct nx_span data)
{
    struct noex_error err = {0};
    struct nx_ctrl c;
    struct nx_span payload;
    size_t used;
    assert_int_equal(nx_ctrl_parse(data, &c, &used, &err), 0);
    assert_int_equal(nx_frame_payload(data, used, r->mode, &payload, &err), 0);
    assert_true(c.has_payload == (payload.len != 0));
    put_line(r, &c, payload);
    /* What the BEAM wrote is what we write. */
    nx_buf_consume(&r->scratch, SIZE_MAX);
    assert_int_equal(nx_ctrl_build(&r->scratch, &c), 0);
    assert_true(nx_span_eq(nx_buf_span(&r->scratch), nx_span(data.ptr, used)));
}

/* Each body stands in a heap copy of exactly its size, so that a read behind it is seen. */
static void body(struct replay *r, struct nx_span in)
{
    struct noex_error err = {0};
    struct nx_frame f;
    struct nx_message whole;
    uint8_t *copy = malloc(in.len ? in.len : 1);
    assert_non_null(copy);
    memcpy(copy, in.ptr, in.len);
    assert_int_equal(nx_frame_parse(nx_span(copy, in.len), r->mode, &f, &err), 0);
    const struct nx_keep keep = {SIZE_MAX, SIZE_MAX};
    int rc = 0;
    switch (f.kind) {
    case NX_FRAME_TICK:
        put_text(&r->lines, "tick\n");
        break;
    case NX_FRAME_MESSAGE:
        message(r, f.data);
        break;
    case NX_FRAME_FIRST:
        rc = nx_fragments_first(r->fragments, f.sequence, f.fragment, f.data, &keep, &whole, &err);
        break;
    case NX_FRAME_CONTINUED:
        rc = nx_fragments_next(r->fragments, f.sequence, f.fragment, f.data, &whole, &err);
        break;
    }
    free(copy);
    assert_in_range(rc, 0, 1);
    if (rc)
        message(r, whole.data);
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

static void replay_init(struct replay *r, enum nx_frame_mode mode)
{
    const struct nx_fragment_limits limits = {.sequences_max = 16, .bytes_max = FRAME_MAX};
    r->mode = mode;
    r->fragments = nx_fragments_new(&nx_alloc_libc, &limits);
    assert_non_null(r->fragments);
    nx_buf_init(&r->in, &nx_alloc_libc, FRAME_MAX);
    nx_buf_init(&r->lines, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&r->scratch, &nx_alloc_libc, SIZE_MAX);
}

static void replay_free(struct replay *r)
{
    nx_fragments_free(r->fragments);
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
    replay_init(r, strncmp(name, "header_", 7) == 0 ? NX_FRAME_DIST_HEADER : NX_FRAME_PASS_THROUGH);
    for (size_t at = 0; at < in.len; at += piece)
        feed(r, nx_span(in.ptr + at, in.len - at < piece ? in.len - at : piece));
}

static void check_pieces(const char *name, struct nx_span in, struct nx_span expected, size_t piece)
{
    struct replay r;
    transcript(&r, name, in, piece);
    assert_int_equal(nx_buf_len(&r.in), 0);
    assert_int_equal(nx_fragments_count(r.fragments), 0);
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
        cmocka_unit_test(L12_a_real_node_without_payloads_for_reasons_is_read_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
