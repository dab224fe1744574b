/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "hex.h"
#include "wire/frame.h"

#include <stdlib.h>

/* Bytes in a heap copy of exactly their size, so that a read behind them is seen. */
struct exact {
    uint8_t *ptr;
    struct nx_span span;
};

static struct exact exact_of(const void *bytes, size_t len)
{
    struct exact e = {malloc(len ? len : 1), {NULL, 0}};
    assert_non_null(e.ptr);
    if (len)
        memcpy(e.ptr, bytes, len);
    e.span = nx_span(e.ptr, len);
    return e;
}

static struct exact exact_hex(const char *hex)
{
    uint8_t bytes[256];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_int_not_equal(len, (size_t)-1);
    return exact_of(bytes, len);
}

static int parse_hex(const char *hex, enum nx_frame_mode mode, struct nx_frame *f,
                     struct noex_error *err)
{
    struct exact e = exact_hex(hex);
    *err = (struct noex_error){0};
    int rc = nx_frame_parse(e.span, mode, NULL, f, err);
    assert_int_equal(rc, err->code);
    assert_true(rc == 0 || err->text[0]);
    free(e.ptr);
    return rc;
}

static void refused(const char *hex, enum nx_frame_mode mode)
{
    struct nx_frame f;
    struct noex_error err;
    assert_int_equal(parse_hex(hex, mode, &f, &err), NOEX_EPROTOCOL);
}

static void a_frame_waits_for_its_last_byte_with_both_header_sizes(void **state)
{
    (void)state;
    const uint8_t with2[] = {0, 3, 'a', 'b', 'c', 'd'}, with4[] = {0, 0, 0, 3, 'a', 'b', 'c', 'd'};
    for (unsigned header = 2; header <= 4; header += 2) {
        for (size_t len = 0; len <= header + 4; len++) {
            struct exact e = exact_of(header == 2 ? with2 : with4, len);
            struct nx_span body = {NULL, 0};
            struct noex_error err = {0};
            size_t used = 77;
            int rc = nx_frame_next(e.span, header, 3, &body, &used, &err);
            assert_int_equal(rc, len >= header + 3);
            assert_int_equal(used, len < header ? 0 : header + 3);
            if (rc)
                assert_true(nx_span_is(body, "abc"));
            assert_int_equal(err.code, 0);
            free(e.ptr);
        }
    }
}

static void an_empty_body_is_a_frame_of_its_own(void **state)
{
    (void)state;
    struct exact e = exact_hex("0000");
    struct nx_span body;
    struct noex_error err = {0};
    size_t used;
    assert_int_equal(nx_frame_next(e.span, 2, 0, &body, &used, &err), 1);
    assert_int_equal(body.len, 0);
    assert_int_equal(used, 2);
    free(e.ptr);
    e = exact_hex("00000000");
    assert_int_equal(nx_frame_next(e.span, 4, 0, &body, &used, &err), 1);
    assert_int_equal(body.len, 0);
    assert_int_equal(used, 4);
    free(e.ptr);
    assert_int_equal(nx_frame_next(nx_span(NULL, 0), 4, 10, &body, &used, &err), 0);
    assert_int_equal(used, 0);
}

static void a_length_over_the_limit_is_refused_as_soon_as_it_is_known(void **state)
{
    (void)state;
    struct nx_span body;
    size_t used;
    const char *const over[] = {"0005", "ffff"}, *const over4[] = {"00000005", "ffffffff"};
    for (unsigned i = 0; i < 2; i++) {
        struct noex_error err = {0};
        struct exact e = exact_hex(over[i]);
        assert_int_equal(nx_frame_next(e.span, 2, 4, &body, &used, &err), NOEX_ETOOBIG);
        assert_int_equal(err.code, NOEX_ETOOBIG);
        assert_non_null(strstr(err.text, "limit is 4"));
        free(e.ptr);
        err.code = 0;
        e = exact_hex(over4[i]);
        assert_int_equal(nx_frame_next(e.span, 4, 4, &body, &used, &err), NOEX_ETOOBIG);
        assert_int_equal(used, 0);
        free(e.ptr);
    }
}

static void the_largest_length_is_only_waited_for_where_the_limit_allows_it(void **state)
{
    (void)state;
    struct exact e = exact_hex("ffffffff00");
    struct nx_span body;
    struct noex_error err = {0};
    size_t used;
    assert_int_equal(nx_frame_next(e.span, 4, SIZE_MAX, &body, &used, &err), 0);
    assert_true(used == (size_t)UINT32_MAX + 4);
    free(e.ptr);
}

static void a_tick_is_a_tick_in_both_modes(void **state)
{
    (void)state;
    struct nx_frame f;
    struct noex_error err;
    assert_int_equal(parse_hex("", NX_FRAME_PASS_THROUGH, &f, &err), 0);
    assert_int_equal(f.kind, NX_FRAME_TICK);
    assert_int_equal(parse_hex("", NX_FRAME_DIST_HEADER, &f, &err), 0);
    assert_int_equal(f.kind, NX_FRAME_TICK);
    assert_int_equal(nx_frame_parse(nx_span(NULL, 0), NX_FRAME_DIST_HEADER, NULL, &f, &err), 0);
    assert_int_equal(f.kind, NX_FRAME_TICK);
}

static void each_header_gives_its_kind_its_numbers_and_the_bytes_behind_it(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum nx_frame_mode mode;
        enum nx_frame_kind kind;
        uint64_t sequence, fragment;
        size_t header;
    } rows[] = {
        {"7083 6802", NX_FRAME_PASS_THROUGH, NX_FRAME_MESSAGE, 0, 0, 2},
        {"834400 6802", NX_FRAME_DIST_HEADER, NX_FRAME_MESSAGE, 0, 0, 3},
        {"834400 6802", NX_FRAME_FRAGMENTS, NX_FRAME_MESSAGE, 0, 0, 3},
        {"8345 0102030405060708 0000000100000002 00 6802", NX_FRAME_FRAGMENTS, NX_FRAME_FIRST,
         UINT64_C(0x0102030405060708), UINT64_C(0x100000002), 19},
        {"8346 ffffffffffffffff 0000000000000001 6802", NX_FRAME_FRAGMENTS, NX_FRAME_CONTINUED,
         UINT64_MAX, 1, 18},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct exact e = exact_hex(rows[i].hex);
        struct noex_error err = {0};
        struct nx_frame f;
        assert_int_equal(nx_frame_parse(e.span, rows[i].mode, NULL, &f, &err), 0);
        assert_int_equal(f.kind, rows[i].kind);
        assert_true(f.sequence == rows[i].sequence && f.fragment == rows[i].fragment);
        assert_ptr_equal(f.data.ptr, e.ptr + rows[i].header);
        assert_int_equal(f.data.len, 2);
        /* Cut inside the header, it is refused; cut behind it, the data are what is left. */
        for (size_t len = 1; len < e.span.len; len++) {
            struct exact cut = exact_of(e.ptr, len);
            int rc = nx_frame_parse(cut.span, rows[i].mode, NULL, &f, NULL);
            assert_int_equal(rc, len < rows[i].header ? NOEX_EPROTOCOL : 0);
            if (!rc)
                assert_int_equal(f.data.len, len - rows[i].header);
            free(cut.ptr);
        }
        free(e.ptr);
    }
}

static void a_header_that_was_not_negotiated_is_refused(void **state)
{
    (void)state;
    refused("834400 6802", NX_FRAME_PASS_THROUGH);
    refused("8345 0000000000000001 0000000000000002 00 68", NX_FRAME_PASS_THROUGH);
    refused("8346 0000000000000001 0000000000000001 68", NX_FRAME_PASS_THROUGH);
    refused("8345 0000000000000001 0000000000000002 00 68", NX_FRAME_DIST_HEADER);
    refused("8346 0000000000000001 0000000000000001 68", NX_FRAME_DIST_HEADER);
}

static void L11_a_pass_through_frame_on_a_connection_with_headers_is_refused(void **state)
{
    (void)state;
    refused("7083 6802", NX_FRAME_DIST_HEADER);
    refused("7083 6802", NX_FRAME_FRAGMENTS);
}

static void a_frame_that_begins_with_anything_else_is_refused(void **state)
{
    (void)state;
    refused("7082 6802", NX_FRAME_PASS_THROUGH);
    refused("7183 6802", NX_FRAME_PASS_THROUGH);
    refused("834300 6802", NX_FRAME_DIST_HEADER);
    refused("834700 6802", NX_FRAME_DIST_HEADER);
    refused("8268 6802", NX_FRAME_DIST_HEADER);
    refused("836802", NX_FRAME_DIST_HEADER);
}

static void atom_cache_references_are_refused_where_no_cache_is_negotiated(void **state)
{
    (void)state;
    struct nx_frame f;
    struct noex_error err;
    assert_int_equal(parse_hex("834401 0800 016b 6802", NX_FRAME_DIST_HEADER, &f, &err),
                     NOEX_EPROTOCOL);
    assert_non_null(strstr(err.text, "1 atom cache reference"));
    refused("8344ff", NX_FRAME_DIST_HEADER);
    refused("8345 0000000000000001 0000000000000002 01 68", NX_FRAME_FRAGMENTS);
}

static void
references_stand_between_the_header_and_the_terms_of_all_but_further_fragments(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum nx_frame_mode mode;
        size_t refs;
    } rows[] = {
        {"834400 6802", NX_FRAME_DIST_HEADER, 0},
        {"834401 08 0703666f6f 6802", NX_FRAME_DIST_HEADER, 1},
        {"834402 00 00 0707 6802", NX_FRAME_FRAGMENTS, 2},
        {"8345 0000000000000001 0000000000000002 01 00 07 6802", NX_FRAME_FRAGMENTS, 1},
        {"8346 0000000000000001 0000000000000001 6802", NX_FRAME_FRAGMENTS, 0},
    };
    struct nx_atom_cache *cache = nx_atom_cache_new(&nx_alloc_libc);
    assert_non_null(cache);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct exact e = exact_hex(rows[i].hex);
        struct noex_error err = {0};
        struct nx_frame f;
        assert_int_equal(nx_frame_parse(e.span, rows[i].mode, cache, &f, &err), 0);
        assert_ptr_equal(f.data.ptr, e.ptr + e.span.len - 2);
        assert_int_equal(f.refs.count, rows[i].refs);
        for (size_t k = 0; k < rows[i].refs; k++)
            assert_true(nx_span_is(f.refs.atom[k], "w\3foo"));
        for (size_t len = 3; len < e.span.len - 2; len++) {
            struct exact cut = exact_of(e.ptr, len);
            assert_int_equal(nx_frame_parse(cut.span, rows[i].mode, cache, &f, NULL),
                             NOEX_EPROTOCOL);
            free(cut.ptr);
        }
        free(e.ptr);
    }
    nx_atom_cache_free(cache);
}

static void a_fragment_of_number_0_is_refused(void **state)
{
    (void)state;
    refused("8345 0000000000000001 0000000000000000 00 68", NX_FRAME_FRAGMENTS);
    refused("8346 0000000000000001 0000000000000000 68", NX_FRAME_FRAGMENTS);
}

static void a_payload_stands_behind_131_in_pass_through_and_at_once_otherwise(void **state)
{
    (void)state;
    struct exact e = exact_hex("6a 83 6103");
    struct noex_error err = {0};
    struct nx_span payload;
    assert_int_equal(nx_frame_payload(e.span, 1, NX_FRAME_PASS_THROUGH, &payload, &err), 0);
    assert_ptr_equal(payload.ptr, e.ptr + 2);
    assert_int_equal(payload.len, 2);
    assert_int_equal(nx_frame_payload(e.span, 2, NX_FRAME_DIST_HEADER, &payload, &err), 0);
    assert_ptr_equal(payload.ptr, e.ptr + 2);
    assert_int_equal(payload.len, 2);
    assert_int_equal(nx_frame_payload(e.span, 2, NX_FRAME_PASS_THROUGH, &payload, &err),
                     NOEX_EPROTOCOL);
    assert_non_null(strstr(err.text, "97 instead of 131"));
    free(e.ptr);
}

static void a_missing_payload_is_empty(void **state)
{
    (void)state;
    struct exact e = exact_hex("6a83");
    struct noex_error err = {0};
    struct nx_span payload = {e.ptr, 2};
    assert_int_equal(nx_frame_payload(e.span, 2, NX_FRAME_PASS_THROUGH, &payload, &err), 0);
    assert_int_equal(payload.len, 0);
    payload.len = 2;
    assert_int_equal(nx_frame_payload(e.span, 2, NX_FRAME_DIST_HEADER, &payload, &err), 0);
    assert_int_equal(payload.len, 0);
    payload.len = 2;
    assert_int_equal(nx_frame_payload(e.span, 1, NX_FRAME_PASS_THROUGH, &payload, &err), 0);
    assert_int_equal(payload.len, 0);
    payload.len = 2;
    assert_int_equal(nx_frame_payload(e.span, 3, NX_FRAME_DIST_HEADER, &payload, &err), 0);
    assert_int_equal(payload.len, 0);
    free(e.ptr);
}

static void assert_hex(const struct nx_buf *b, const char *hex)
{
    struct exact e = exact_hex(hex);
    assert_true(nx_span_eq(nx_buf_span(b), e.span));
    free(e.ptr);
}

static void a_written_frame_has_its_length_its_header_and_both_terms(void **state)
{
    (void)state;
    const struct nx_span control = nx_span_str("CTL"), payload = nx_span_str("PAY");
    const struct nx_span none = {NULL, 0};
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, 1000);
    assert_int_equal(nx_frame_write(&b, NX_FRAME_PASS_THROUGH, control, payload), 0);
    assert_hex(&b, "00000009 7083 43544c 83 504159");
    nx_buf_free(&b);
    assert_int_equal(nx_frame_write(&b, NX_FRAME_PASS_THROUGH, control, none), 0);
    assert_hex(&b, "00000005 7083 43544c");
    nx_buf_free(&b);
    assert_int_equal(nx_frame_write(&b, NX_FRAME_DIST_HEADER, control, payload), 0);
    assert_hex(&b, "00000009 834400 43544c 504159");
    assert_int_equal(nx_frame_write(&b, NX_FRAME_DIST_HEADER, control, none), 0);
    assert_hex(&b, "00000009 834400 43544c 504159 00000006 834400 43544c");
    nx_buf_free(&b);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, 1 << 20);
    for (enum nx_frame_mode mode = NX_FRAME_PASS_THROUGH; mode <= NX_FRAME_FRAGMENTS; mode++) {
        for (size_t size = 1; size <= 100000; size = size * 3 + 1) {
            uint8_t *payload = calloc(1, size);
            assert_non_null(payload);
            assert_int_equal(nx_frame_write(&b, mode, nx_span("j", 1), nx_span(payload, size)), 0);
            struct noex_error err = {0};
            struct nx_span body, back;
            struct nx_frame f;
            size_t used;
            assert_int_equal(nx_frame_next(nx_buf_span(&b), 4, SIZE_MAX, &body, &used, &err), 1);
            assert_int_equal(used, nx_buf_len(&b));
            assert_int_equal(nx_frame_parse(body, mode, NULL, &f, &err), 0);
            assert_int_equal(nx_frame_payload(f.data, 1, mode, &back, &err), 0);
            assert_true(nx_span_eq(back, nx_span(payload, size)));
            nx_buf_consume(&b, used);
            free(payload);
        }
    }
    nx_buf_free(&b);
}

static void a_control_term_written_in_place_gets_its_length_at_the_end(void **state)
{
    (void)state;
    struct nx_buf b;
    size_t mark;
    nx_buf_init(&b, &nx_alloc_libc, 1 << 20);
    assert_int_equal(nx_buf_put(&b, "0123456789", 10), 0);
    nx_buf_consume(&b, 8);
    assert_int_equal(nx_frame_begin(&b, NX_FRAME_DIST_HEADER, &mark), 0);
    assert_int_equal(mark, 2);
    /* So much that the buffer moves in between. */
    for (unsigned i = 0; i < 700; i++)
        assert_int_equal(nx_buf_put(&b, "x", 1), 0);
    assert_int_equal(nx_frame_end(&b, mark), 0);
    nx_buf_consume(&b, 2);
    assert_int_equal(nx_buf_len(&b), 4 + 3 + 700);
    assert_memory_equal(nx_buf_span(&b).ptr, "\0\0\x02\xbf\x83\x44\0xx", 9);
    nx_buf_free(&b);
    assert_int_equal(nx_frame_begin(&b, NX_FRAME_PASS_THROUGH, &mark), 0);
    assert_int_equal(nx_buf_put(&b, "CTL", 3), 0);
    assert_int_equal(nx_frame_end(&b, mark), 0);
    assert_hex(&b, "00000005 7083 43544c");
    nx_buf_free(&b);
}

/* What the frames in `b` hold, checked one by one: the first is 131,69, ids count down to 1, all
 * but the last are full. */
static void read_fragments(struct nx_buf *b, size_t control_len, struct nx_buf *data)
{
    struct noex_error err = {0};
    struct nx_span body;
    struct nx_frame f = {0};
    size_t used;
    uint64_t next = 0;
    while (nx_frame_next(nx_buf_span(b), 4, SIZE_MAX, &body, &used, &err) == 1) {
        assert_int_equal(nx_frame_parse(body, NX_FRAME_FRAGMENTS, NULL, &f, &err), 0);
        assert_int_equal(f.kind, next ? NX_FRAME_CONTINUED : NX_FRAME_FIRST);
        assert_true(f.sequence == UINT64_C(0x123456789abcdef0));
        assert_true(!next || f.fragment == next);
        if (!next && control_len >= NX_FRAGMENT)
            assert_int_equal(f.data.len, control_len + 1);
        else if (f.fragment > 1)
            assert_int_equal(f.data.len, NX_FRAGMENT);
        else
            assert_in_range(f.data.len, 1, NX_FRAGMENT);
        next = f.fragment - 1;
        assert_int_equal(nx_buf_put_span(data, f.data), 0);
        nx_buf_consume(b, used);
    }
    assert_true(f.fragment == 1 && !nx_buf_len(b));
}

static void fragments_are_of_64_kilobytes_and_count_down_to_1(void **state)
{
    (void)state;
    enum { MAX = 4 * NX_FRAGMENT + 10 };
    const size_t controls[] = {10, NX_FRAGMENT - 1, NX_FRAGMENT, NX_FRAGMENT + 7},
                 payloads[] = {1,
                               NX_FRAGMENT - 10,
                               NX_FRAGMENT - 9,
                               2 * NX_FRAGMENT - 10,
                               2 * NX_FRAGMENT - 9,
                               4 * NX_FRAGMENT};
    uint8_t *bytes = malloc(2 * MAX);
    assert_non_null(bytes);
    for (size_t i = 0; i < 2 * MAX; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t c = 0; c < sizeof controls / sizeof *controls; c++) {
        for (size_t p = 0; p < sizeof payloads / sizeof *payloads; p++) {
            const struct nx_span control = nx_span(bytes, controls[c]),
                                 payload = nx_span(bytes + controls[c], payloads[p]);
            struct nx_buf b, data;
            nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
            nx_buf_init(&data, &nx_alloc_libc, SIZE_MAX);
            assert_int_equal(
                nx_frame_write_fragments(&b, UINT64_C(0x123456789abcdef0), control, payload), 0);
            assert_int_equal(nx_buf_len(&b), nx_frame_fragment_bytes(control.len, payload.len));
            uint64_t count = nx_get_u64(nx_buf_span(&b).ptr + 4 + 2 + 8);
            assert_true(count == nx_frame_fragment_count(control.len, payload.len));
            read_fragments(&b, control.len, &data);
            assert_true(nx_span_eq(nx_buf_span(&data), nx_span(bytes, control.len + payload.len)));
            nx_buf_free(&b);
            nx_buf_free(&data);
        }
    }
    free(bytes);
}

static void fragments_that_do_not_fit_leave_nothing_behind(void **state)
{
    (void)state;
    static uint8_t payload[100];
    const size_t need = nx_frame_fragment_bytes(3, sizeof payload);
    for (size_t max = need - 1; max <= need; max++) {
        struct nx_buf b;
        nx_buf_init(&b, &nx_alloc_libc, max);
        int rc =
            nx_frame_write_fragments(&b, 1, nx_span_str("CTL"), nx_span(payload, sizeof payload));
        assert_int_equal(rc, max < need ? NOEX_ELIMIT : 0);
        assert_int_equal(nx_buf_len(&b), max < need ? 0 : need);
        nx_buf_free(&b);
    }
}

static void a_frame_that_does_not_fit_leaves_nothing_behind(void **state)
{
    (void)state;
    const struct nx_span control = nx_span_str("CTL"), payload = nx_span_str("PAY");
    uint8_t room[64];
    for (enum nx_frame_mode mode = NX_FRAME_PASS_THROUGH; mode <= NX_FRAME_FRAGMENTS; mode++) {
        for (size_t max = 2; max < 2 + 13; max++) {
            struct nx_buf b;
            nx_buf_fixed(&b, room, max);
            assert_int_equal(nx_buf_put(&b, "ab", 2), 0);
            assert_int_equal(nx_frame_write(&b, mode, control, payload), NOEX_ELIMIT);
            assert_true(nx_span_is(nx_buf_span(&b), "ab"));
            size_t mark;
            if (nx_frame_begin(&b, mode, &mark) == NOEX_ELIMIT)
                assert_true(nx_span_is(nx_buf_span(&b), "ab"));
            else
                assert_true(max >= 2 + 6);
        }
    }
}

static void a_frame_of_more_than_4_gigabytes_is_refused(void **state)
{
    (void)state;
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
    /* Refused by the sum alone: not one byte of it is looked at. */
    const struct nx_span huge = nx_span("", UINT32_MAX), small = nx_span_str("CTL");
    assert_int_equal(nx_frame_write(&b, NX_FRAME_PASS_THROUGH, small, huge), NOEX_ELIMIT);
    assert_int_equal(nx_frame_write(&b, NX_FRAME_DIST_HEADER, huge, small), NOEX_ELIMIT);
    assert_int_equal(nx_frame_write(&b, NX_FRAME_DIST_HEADER, huge, huge), NOEX_ELIMIT);
    assert_int_equal(nx_buf_len(&b), 0);
    assert_null(b.data);
    /* The same for a term written in place: the buffer pretends to hold so much. */
    size_t mark;
    assert_int_equal(nx_frame_begin(&b, NX_FRAME_DIST_HEADER, &mark), 0);
    const size_t end = b.end;
    b.end += UINT32_MAX;
    assert_int_equal(nx_frame_end(&b, mark), NOEX_ELIMIT);
    assert_int_equal(nx_buf_len(&b), 0);
    b.end = end;
    nx_buf_free(&b);
}

static void a_frame_without_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    for (unsigned on = 0; on < 2; on++) {
        struct alloc_test t;
        struct nx_buf b;
        size_t mark;
        alloc_test_init(&t);
        nx_buf_init(&b, &t.a, SIZE_MAX);
        t.fail_at = 1;
        t.fail_on = on;
        assert_int_equal(
            nx_frame_write(&b, NX_FRAME_DIST_HEADER, nx_span_str("CTL"), nx_span_str("PAY")),
            NOEX_ENOMEM);
        assert_int_equal(nx_buf_len(&b), 0);
        assert_int_equal(nx_frame_begin(&b, NX_FRAME_DIST_HEADER, &mark), on ? NOEX_ENOMEM : 0);
        assert_int_equal(nx_buf_len(&b), on ? 0 : 7);
        nx_buf_free(&b);
        assert_int_equal(t.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_waits_for_its_last_byte_with_both_header_sizes),
        cmocka_unit_test(an_empty_body_is_a_frame_of_its_own),
        cmocka_unit_test(a_length_over_the_limit_is_refused_as_soon_as_it_is_known),
        cmocka_unit_test(the_largest_length_is_only_waited_for_where_the_limit_allows_it),
        cmocka_unit_test(a_tick_is_a_tick_in_both_modes),
        cmocka_unit_test(each_header_gives_its_kind_its_numbers_and_the_bytes_behind_it),
        cmocka_unit_test(a_header_that_was_not_negotiated_is_refused),
        cmocka_unit_test(L11_a_pass_through_frame_on_a_connection_with_headers_is_refused),
        cmocka_unit_test(a_frame_that_begins_with_anything_else_is_refused),
        cmocka_unit_test(atom_cache_references_are_refused_where_no_cache_is_negotiated),
        cmocka_unit_test(
            references_stand_between_the_header_and_the_terms_of_all_but_further_fragments),
        cmocka_unit_test(a_fragment_of_number_0_is_refused),
        cmocka_unit_test(a_payload_stands_behind_131_in_pass_through_and_at_once_otherwise),
        cmocka_unit_test(a_missing_payload_is_empty),
        cmocka_unit_test(a_written_frame_has_its_length_its_header_and_both_terms),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_control_term_written_in_place_gets_its_length_at_the_end),
        cmocka_unit_test(fragments_are_of_64_kilobytes_and_count_down_to_1),
        cmocka_unit_test(fragments_that_do_not_fit_leave_nothing_behind),
        cmocka_unit_test(a_frame_that_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(a_frame_of_more_than_4_gigabytes_is_refused),
        cmocka_unit_test(a_frame_without_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
