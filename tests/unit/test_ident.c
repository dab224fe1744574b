/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "golden.h"
#include "term/check.h"
#include "term/ident.h"
#include <ei.h>

struct fixture {
    struct alloc_test t;
    struct nx_buf out;
    char ei[2048]; /* what libei writes for the same value */
    int ei_len;
};

static void start(struct fixture *f)
{
    alloc_test_init(&f->t);
    nx_buf_init(&f->out, &f->t.a, 4096);
    f->ei_len = 0;
}

static void finish(struct fixture *f)
{
    nx_buf_free(&f->out);
    assert_int_equal(f->t.live, 0);
}

/* Both wrote the same bytes, and they are one well formed term. */
static void assert_as_libei(struct fixture *f)
{
    struct nx_span s = nx_buf_span(&f->out);
    size_t used;
    assert_int_equal(s.len, f->ei_len);
    assert_memory_equal(s.ptr, f->ei, s.len);
    assert_int_equal(nx_term_check(s, &used, NULL), 0);
    assert_int_equal(used, s.len);
    nx_buf_consume(&f->out, s.len);
    f->ei_len = 0;
}

static const char *const nodes[] = {"a@b", "nonode@nohost", "x", "çé@høst",
                                    "a-long-name-0123456789@a-host-with-a-long-name.example.org"};
static const uint32_t numbers[] = {0,     1,     2,          127,        128,
                                   32767, 32768, 0x0fffffff, 0x80000000, 0xffffffff};
enum { NODES = sizeof nodes / sizeof nodes[0], NUMBERS = sizeof numbers / sizeof numbers[0] };

static void a_pid_is_written_as_libei_writes_it_and_read_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (size_t n = 0; n < NODES; n++) {
        for (size_t i = 0; i < NUMBERS; i++) {
            struct nx_pid pid = {nx_span_str(nodes[n]), numbers[i], numbers[NUMBERS - 1 - i],
                                 numbers[i] | 4};
            erlang_pid ei = {.num = pid.id, .serial = pid.serial, .creation = pid.creation};
            memcpy(ei.node, nodes[n], pid.node.len);
            assert_int_equal(ei_encode_pid(f.ei, &f.ei_len, &ei), 0);
            assert_int_equal(nx_pid_write(&f.out, &pid), 0);
            struct nx_pid back;
            assert_true(nx_pid_parse(nx_buf_span(&f.out), &back));
            assert_true(nx_span_eq(back.node, pid.node) && back.id == pid.id);
            assert_true(back.serial == pid.serial && back.creation == pid.creation);
            assert_as_libei(&f);
        }
    }
    finish(&f);
}

static void a_reference_is_written_as_libei_writes_it_and_read_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (size_t n = 0; n < NODES; n++) {
        for (uint32_t words = 1; words <= NX_REF_WORDS_MAX; words++) {
            for (size_t i = 0; i < NUMBERS; i++) {
                struct nx_ref ref = {
                    .node = nx_span_str(nodes[n]), .creation = numbers[i], .count = words};
                erlang_ref ei = {.len = (int)words, .creation = numbers[i]};
                memcpy(ei.node, nodes[n], ref.node.len);
                for (uint32_t w = 0; w < words; w++)
                    ei.n[w] = ref.word[w] = numbers[(i + w) % NUMBERS];
                assert_int_equal(ei_encode_ref(f.ei, &f.ei_len, &ei), 0);
                assert_int_equal(nx_ref_write(&f.out, &ref), 0);
                struct nx_ref back;
                assert_true(nx_ref_parse(nx_buf_span(&f.out), &back));
                assert_true(nx_span_eq(back.node, ref.node) && back.creation == ref.creation);
                assert_int_equal(back.count, words);
                assert_memory_equal(back.word, ref.word, sizeof ref.word);
                assert_as_libei(&f);
            }
        }
    }
    finish(&f);
}

static void an_atom_is_written_as_libei_writes_it_and_read_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    char text[1021];
    static const char *const units[] = {"a", "é", "€", "\xf0\x9f\x98\x80"};
    for (size_t u = 0; u < 4; u++) {
        for (size_t chars = 0; chars <= 255; chars++) {
            size_t len = 0;
            for (size_t i = 0; i < chars; i++, len += u + 1)
                memcpy(text + len, units[u], u + 1);
            assert_int_equal(
                ei_encode_atom_len_as(f.ei, &f.ei_len, text, (int)len, ERLANG_UTF8, ERLANG_UTF8),
                0);
            assert_int_equal(nx_atom_write(&f.out, nx_span(text, len)), 0);
            struct nx_span back;
            assert_true(nx_atom_parse(nx_buf_span(&f.out), &back));
            assert_true(nx_span_eq(back, nx_span(text, len)));
            assert_as_libei(&f);
        }
    }
    finish(&f);
}

static void an_unsigned_integer_is_written_in_its_shortest_form_and_read_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int d = -1; d <= 1; d++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)d, back = ~value;
            assert_int_equal(nx_u64_write(&f.out, value), 0);
            struct nx_span s = nx_buf_span(&f.out);
            assert_true(nx_u64_parse(s, &back));
            assert_true(back == value);
            EI_ULONGLONG by_ei = ~value;
            int index = 0;
            assert_int_equal(ei_decode_ulonglong((const char *)s.ptr, &index, &by_ei), 0);
            assert_true(by_ei == value && index == (int)s.len);
            /* Libei uses the long form from 2^27 on already; a BEAM writes 98 as far as it holds.
             */
            if (value < (1u << 27) || value > INT32_MAX) {
                assert_int_equal(ei_encode_ulonglong(f.ei, &f.ei_len, value), 0);
                assert_as_libei(&f);
            } else {
                assert_true(s.len == 5 && s.ptr[0] == 98);
                nx_buf_consume(&f.out, s.len);
            }
        }
    }
    finish(&f);
}

static void an_atom_too_long_or_not_utf8_is_not_written(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    char text[1024];
    memset(text, 'a', sizeof text);
    assert_int_equal(nx_atom_write(&f.out, nx_span(text, 256)), NOEX_EINVALID);
    assert_int_equal(nx_atom_write(&f.out, nx_span(text, 1024)), NOEX_EINVALID);
    assert_int_equal(nx_atom_write(&f.out, nx_span("\xe9", 1)), NOEX_EINVALID);
    assert_int_equal(nx_atom_write(&f.out, nx_span("a\xe2\x82", 3)), NOEX_EINVALID);
    struct nx_pid pid = {nx_span(text, 256), 1, 2, 3};
    assert_int_equal(nx_pid_write(&f.out, &pid), NOEX_EINVALID);
    struct nx_ref ref = {.node = nx_span("\xff", 1), .creation = 4, .count = 3};
    assert_int_equal(nx_ref_write(&f.out, &ref), NOEX_EINVALID);
    assert_int_equal(nx_buf_len(&f.out), 0);
    finish(&f);
}

static void a_reference_of_no_or_six_words_is_not_written(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct nx_ref ref = {.node = nx_span_str("a@b"), .creation = 4, .count = 0};
    assert_int_equal(nx_ref_write(&f.out, &ref), NOEX_EINVALID);
    ref.count = NX_REF_WORDS_MAX + 1;
    assert_int_equal(nx_ref_write(&f.out, &ref), NOEX_EINVALID);
    assert_int_equal(nx_buf_len(&f.out), 0);
    finish(&f);
}

static bool any_parse(struct nx_span s)
{
    struct nx_pid pid;
    struct nx_ref ref;
    struct nx_span text;
    uint64_t number;
    return nx_pid_parse(s, &pid) || nx_ref_parse(s, &ref) || nx_atom_parse(s, &text) ||
           nx_u64_parse(s, &number);
}

static void a_term_that_is_cut_or_followed_by_a_byte_is_not_read(void **state)
{
    (void)state;
    static const char *const terms[] = {
        "58 7703 614062 00000001 00000002 00000003",
        "67 7703 614062 00000001 00000002 03",
        "5a 0002 7703 614062 00000003 00000001 00000002",
        "72 0001 7703 614062 03 00000001",
        "65 7703 614062 00000001 03",
        "77 02 6f6b",
        "61 07",
        "62 00000100",
        "6e 03 00 010203",
    };
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        struct nx_span s = exact_hex(terms[i]);
        assert_true(any_parse(s));
        for (size_t n = 0; n < s.len; n++) {
            struct nx_span part = nx_span(exact_copy(nx_span(s.ptr, n)), n);
            assert_false(any_parse(part));
            exact_free(part);
        }
        uint8_t more[64] = {0};
        memcpy(more, s.ptr, s.len);
        assert_false(any_parse(nx_span(more, s.len + 1)));
        exact_free(s);
    }
}

static void a_term_of_another_kind_is_not_read(void **state)
{
    (void)state;
    static const char *const terms[] = {"6a",
                                        "68 00",
                                        "6d 00000001 61",
                                        "6b 0001 61",
                                        "46 3ff0000000000000",
                                        "78 7703 614062 0000000000000001 00000003",
                                        "62 ffffffff",
                                        "6e 01 01 07",
                                        "6e 09 00 000000000000000001",
                                        "00",
                                        "6f 00000009 00 000000000000000001"};
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        struct nx_span s = exact_hex(terms[i]);
        assert_false(any_parse(s));
        exact_free(s);
    }
    struct nx_span pid = exact_hex("58 7703 614062 00000001 00000002 00000003");
    struct nx_ref ref;
    struct nx_span text;
    uint64_t number;
    assert_false(nx_ref_parse(pid, &ref) || nx_atom_parse(pid, &text) ||
                 nx_u64_parse(pid, &number));
    exact_free(pid);
}

static void odd_forms_of_an_integer_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint64_t value;
    } cases[] = {{"6e 00 00", 0},
                 {"6e 09 00 ffffffffffffffff00", UINT64_MAX},
                 {"6e 0a 00 01000000000000000000", 1},
                 {"6f 00000008 00 ffffffffffffffff", UINT64_MAX},
                 {"6f 00000001 00 07", 7},
                 {"62 00000007", 7}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nx_span s = exact_hex(cases[i].hex);
        uint64_t value = ~cases[i].value;
        assert_true(nx_u64_parse(s, &value));
        assert_true(value == cases[i].value);
        exact_free(s);
    }
}

static int write_all(struct nx_buf *out)
{
    struct nx_pid pid = {nx_span_str("a@b"), 1, 2, 3};
    struct nx_ref ref = {.node = nx_span_str("a@b"), .creation = 4, .count = 3};
    char text[255];
    memset(text, 'x', sizeof text);
    int rc = 0;
    for (int i = 0; i < 40 && !rc; i++) {
        size_t before = nx_buf_len(out);
        rc = i % 4 == 0   ? nx_pid_write(out, &pid)
             : i % 4 == 1 ? nx_ref_write(out, &ref)
             : i % 4 == 2 ? nx_atom_write(out, nx_span(text, sizeof text))
                          : nx_u64_write(out, UINT64_MAX);
        assert_true(rc ? nx_buf_len(out) == before : nx_buf_len(out) > before);
    }
    return rc;
}

static void each_allocation_may_fail_and_each_ceiling_be_reached(void **state)
{
    (void)state;
    struct alloc_test t;
    struct nx_buf out;
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        for (int on = 0; on <= 1; on++) {
            alloc_test_init(&t);
            t.fail_at = k;
            t.fail_on = on;
            nx_buf_init(&out, &t.a, SIZE_MAX);
            int rc = write_all(&out);
            failed = t.failed > 0;
            assert_int_equal(rc, failed ? NOEX_ENOMEM : 0);
            nx_buf_free(&out);
            assert_int_equal(t.live, 0);
        }
    }
    for (size_t max = 0; max < 400; max++) {
        alloc_test_init(&t);
        nx_buf_init(&out, &t.a, max);
        assert_int_equal(write_all(&out), NOEX_ELIMIT);
        nx_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pid_is_written_as_libei_writes_it_and_read_back),
        cmocka_unit_test(a_reference_is_written_as_libei_writes_it_and_read_back),
        cmocka_unit_test(an_atom_is_written_as_libei_writes_it_and_read_back),
        cmocka_unit_test(an_unsigned_integer_is_written_in_its_shortest_form_and_read_back),
        cmocka_unit_test(an_atom_too_long_or_not_utf8_is_not_written),
        cmocka_unit_test(a_reference_of_no_or_six_words_is_not_written),
        cmocka_unit_test(a_term_that_is_cut_or_followed_by_a_byte_is_not_read),
        cmocka_unit_test(a_term_of_another_kind_is_not_read),
        cmocka_unit_test(odd_forms_of_an_integer_are_read),
        cmocka_unit_test(each_allocation_may_fail_and_each_ceiling_be_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
