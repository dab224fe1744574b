/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "golden.h"
#include "observe.h"
#include "term/check.h"
#include <ei.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>

struct fixture {
    struct alloc_test t;
    noex_builder *b;
};

static void start(struct fixture *f)
{
    alloc_test_init(&f->t);
    assert_int_equal(noex_builder_new(&f->b, &f->t.a), 0);
}

static void finish(struct fixture *f)
{
    noex_builder_free(f->b);
    assert_int_equal(f->t.live, 0);
}

static struct noex_term built(noex_builder *b)
{
    struct noex_term term = {NULL, 0};
    assert_int_equal(noex_builder_term(b, &term), 0);
    assert_int_equal(noex_term_check(term, NULL), 0);
    return term;
}

static void expect_bytes(noex_builder *b, const void *want, size_t len)
{
    struct noex_term term = built(b);
    assert_int_equal(term.len, len);
    assert_memory_equal(term.bytes, want, len);
    noex_builder_clear(b);
}

static void expect(noex_builder *b, const char *hex)
{
    struct nx_span want = exact_hex(hex);
    expect_bytes(b, want.ptr, want.len);
    exact_free(want);
}

/* The term cannot be had, for this reason, however the building goes on. */
static void expect_error(noex_builder *b, int error)
{
    struct noex_term term = {NULL, 7};
    assert_int_equal(noex_builder_term(b, &term), error);
    assert_true(term.bytes == NULL && term.len == 7);
    const struct noex_pid pid = {1, 2, 3};
    const struct noex_term nil = {(const uint8_t *)"\x6a", 1};
    assert_int_equal(noex_build_atom(b, "a"), error);
    assert_int_equal(noex_build_int64(b, 1), error);
    assert_int_equal(noex_build_uint64(b, 1), error);
    assert_int_equal(noex_build_double(b, 1), error);
    assert_int_equal(noex_build_binary(b, "a", 1), error);
    assert_int_equal(noex_build_string(b, "a"), error);
    assert_int_equal(noex_build_pid(b, "a@b", &pid), error);
    assert_int_equal(noex_build_nil(b), error);
    assert_int_equal(noex_build_term(b, nil), error);
    assert_int_equal(noex_build_text(b, "a", NULL), error);
    assert_int_equal(noex_build_tuple(b), error);
    assert_int_equal(noex_build_list(b), error);
    assert_int_equal(noex_build_map(b), error);
    assert_int_equal(noex_build_end(b), error);
    assert_int_equal(noex_builder_term(b, &term), error);
    noex_builder_clear(b);
    assert_int_equal(noex_build_nil(b), 0);
    expect(b, "6a");
}

/* What a BEAM writes for the same term: steps and bytes as make_built.escript explains them. */

static void build_pid(noex_builder *b, const char *step)
{
    char node[64];
    struct noex_pid pid;
    size_t digits = strcspn(step, ",");
    char *hex = strndup(step, digits);
    assert_non_null(hex);
    size_t len = hex_decode(hex, (uint8_t *)node, sizeof node - 1);
    assert_true(len < sizeof node);
    node[len] = '\0';
    int fields = sscanf(step + digits, ",%" SCNu32 ",%" SCNu32 ",%" SCNu32, &pid.id, &pid.serial,
                        &pid.creation);
    assert_int_equal(fields, 3);
    noex_build_pid(b, node, &pid);
    free(hex);
}

static void build_data(noex_builder *b, char kind, const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = calloc(1, size + 1);
    assert_non_null(bytes);
    assert_int_equal(hex_decode(hex, bytes, size), size);
    uint64_t bits = 0;
    double real;
    for (size_t i = 0; i < size; i++)
        bits = bits << 8 | bytes[i];
    memcpy(&real, &bits, sizeof real);
    if (kind == 'a')
        noex_build_atom(b, (char *)bytes);
    else if (kind == 's')
        noex_build_string(b, (char *)bytes);
    else if (kind == 'b')
        noex_build_binary(b, bytes, size);
    else if (kind == 'd')
        noex_build_double(b, real);
    else
        fail_msg("no such step: %c", kind);
    free(bytes);
}

static void build_copy(noex_builder *b, const char *hex)
{
    struct nx_span bytes = exact_hex(hex);
    struct noex_term term = {bytes.ptr, bytes.len};
    noex_build_term(b, term);
    exact_free(bytes);
}

static void build_step(noex_builder *b, const char *step)
{
    if (*step == 'T')
        noex_build_tuple(b);
    else if (*step == 'L')
        noex_build_list(b);
    else if (*step == 'M')
        noex_build_map(b);
    else if (*step == '.')
        noex_build_end(b);
    else if (*step == 'n')
        noex_build_nil(b);
    else if (*step == 'i')
        noex_build_int64(b, strtoll(step + 1, NULL, 10));
    else if (*step == 'u')
        noex_build_uint64(b, strtoull(step + 1, NULL, 10));
    else if (*step == 'r')
        build_copy(b, step + 1);
    else if (*step == 'p')
        build_pid(b, step + 1);
    else
        build_data(b, *step, step + 1);
}

static void the_bytes_are_those_that_a_beam_writes(void **state)
{
    (void)state;
    char *line = NULL, *rest;
    size_t size = 0;
    unsigned count = 0;
    struct fixture f;
    FILE *file = fopen(NOEX_TEST_DIR "/vectors/term/built_otp25.tsv", "r");
    assert_non_null(file);
    for (start(&f); getline(&line, &size, file) > 0; count++) {
        char *tab = strchr(line, '\t');
        assert_non_null(tab);
        *tab = '\0';
        for (char *step = strtok_r(line, " ", &rest); step; step = strtok_r(NULL, " ", &rest))
            build_step(f.b, step);
        expect(f.b, tab + 1);
    }
    assert_true(count > 500);
    finish(&f);
    free(line);
    fclose(file);
}

/* And those of libei, but for integers over 28 bits, which it still writes as big ones. */
static void the_bytes_are_those_that_libei_writes(void **state)
{
    (void)state;
    struct fixture f;
    char bytes[1024];
    int len = 0;
    erlang_pid pid = {.node = "a@b", .num = 7, .serial = 8, .creation = 9};
    const struct noex_pid same = {7, 8, 9};
    start(&f);
    ei_encode_tuple_header(bytes, &len, 6);
    ei_encode_atom(bytes, &len, "some_atom");
    ei_encode_map_header(bytes, &len, 1);
    ei_encode_binary(bytes, &len, "key", 3);
    ei_encode_double(bytes, &len, -1.5e9);
    ei_encode_list_header(bytes, &len, 3);
    ei_encode_longlong(bytes, &len, INT64_MIN);
    ei_encode_ulonglong(bytes, &len, UINT64_MAX);
    ei_encode_long(bytes, &len, -7);
    ei_encode_empty_list(bytes, &len);
    ei_encode_string(bytes, &len, "text");
    ei_encode_pid(bytes, &len, &pid);
    ei_encode_tuple_header(bytes, &len, 0);

    noex_build_tuple(f.b);
    noex_build_atom(f.b, "some_atom");
    noex_build_map(f.b);
    noex_build_binary(f.b, "key", 3);
    noex_build_double(f.b, -1.5e9);
    noex_build_end(f.b);
    noex_build_list(f.b);
    noex_build_int64(f.b, INT64_MIN);
    noex_build_uint64(f.b, UINT64_MAX);
    noex_build_int64(f.b, -7);
    noex_build_end(f.b);
    noex_build_string(f.b, "text");
    noex_build_pid(f.b, "a@b", &same);
    noex_build_tuple(f.b);
    noex_build_end(f.b);
    noex_build_end(f.b);
    expect_bytes(f.b, bytes, (size_t)len);
    finish(&f);
}

/* Random terms: built and read back by the same sequence of random numbers. */

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *d, uint64_t sides)
{
    d->state = d->state * UINT64_C(6364136223846793005) + 1;
    uint64_t x = d->state ^ d->state >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (x ^ x >> 32) % sides;
}

enum leaf { INTEGER, NATURAL, REAL, NAME, BYTES, CHARACTERS, PROCESS, NOTHING, LEAVES };

struct value {
    enum leaf leaf;
    int64_t integer;
    uint64_t natural;
    double real;
    char text[64];
    size_t len;
    struct noex_pid pid;
};

static struct value random_value(struct dice *d)
{
    static const char *const pieces[] = {"a", "Z", " ", "é", "\xc2\x80", "λ", "日", "😀"};
    struct value v = {.leaf = (enum leaf)roll(d, LEAVES)};
    v.natural = roll(d, UINT64_MAX) >> roll(d, 64);
    v.integer = (int64_t)(v.natural ^ roll(d, UINT64_MAX) << 63);
    v.real = ldexp((double)v.integer, (int)roll(d, 600) - 300);
    v.pid = (struct noex_pid){(uint32_t)v.natural, (uint32_t)roll(d, 8), 1 + (uint32_t)roll(d, 99)};
    for (uint64_t n = roll(d, 6); n; n--) {
        const char *piece = pieces[roll(d, 8)];
        memcpy(v.text + v.len, piece, strlen(piece));
        v.len += strlen(piece);
    }
    return v;
}

static void build_value(noex_builder *b, const struct value *v)
{
    if (v->leaf == INTEGER)
        noex_build_int64(b, v->integer);
    else if (v->leaf == NATURAL)
        noex_build_uint64(b, v->natural);
    else if (v->leaf == REAL)
        noex_build_double(b, v->real);
    else if (v->leaf == NAME)
        noex_build_atom(b, v->text);
    else if (v->leaf == BYTES)
        noex_build_binary(b, v->text, v->len);
    else if (v->leaf == CHARACTERS)
        noex_build_string(b, v->text);
    else if (v->leaf == PROCESS)
        noex_build_pid(b, v->text, &v->pid);
    else
        noex_build_nil(b);
}

static void expect_leaf(struct noex_term term, const struct value *v)
{
    struct noex_pid pid = {0, 0, 0};
    int64_t integer = ~v->integer;
    uint64_t natural = ~v->natural;
    double real = 0;
    char text[64] = "";
    if (v->leaf == INTEGER) {
        assert_int_equal(noex_term_int64(term, &integer), 0);
        assert_true(integer == v->integer);
    } else if (v->leaf == NATURAL) {
        assert_int_equal(noex_term_uint64(term, &natural), 0);
        assert_true(natural == v->natural);
    } else if (v->leaf == REAL) {
        assert_int_equal(noex_term_double(term, &real), 0);
        assert_memory_equal(&real, &v->real, sizeof real);
    } else if (v->leaf == NAME) {
        assert_int_equal(noex_term_atom(term, text, sizeof text), v->len);
        assert_true(noex_term_is_atom(term, v->text));
    } else if (v->leaf == PROCESS) {
        assert_int_equal(noex_term_pid(term, &pid, text, sizeof text), v->len);
        assert_memory_equal(&pid, &v->pid, sizeof pid);
    } else if (v->leaf == NOTHING) {
        assert_int_equal(noex_term_text(term, text, sizeof text), 0);
        assert_int_equal(noex_term_type(term), NOEX_TERM_LIST);
        return;
    } else {
        enum noex_term_type type = v->leaf == BYTES ? NOEX_TERM_BINARY : NOEX_TERM_LIST;
        assert_int_equal(noex_term_type(term), type);
        assert_int_equal(noex_term_text(term, text, sizeof text), v->len);
    }
    if (v->leaf >= NAME)
        assert_string_equal(text, v->text);
}

enum shape { LEAF, TUPLE, LIST, MAP };

static enum shape random_shape(struct dice *d, int depth)
{
    uint64_t n = roll(d, 10);
    return depth == 0 || n > 4 ? LEAF : n < 2 ? TUPLE : n < 4 ? LIST : MAP;
}

static uint64_t random_size(struct dice *d, int depth)
{
    return depth > 1 || roll(d, 20) ? roll(d, 6) : 250 + roll(d, 12);
}

static void build_random(noex_builder *b, struct dice *d, int depth)
{
    enum shape shape = random_shape(d, depth);
    if (shape == LEAF) {
        struct value v = random_value(d);
        build_value(b, &v);
        return;
    }
    uint64_t size = random_size(d, depth);
    if (shape == TUPLE)
        noex_build_tuple(b);
    else if (shape == LIST)
        noex_build_list(b);
    else
        noex_build_map(b);
    for (uint64_t i = 0; i < size; i++) {
        if (shape == MAP)
            noex_build_uint64(b, i);
        build_random(b, d, depth - 1);
    }
    assert_int_equal(noex_build_end(b), 0);
}

static void expect_random(struct noex_term term, struct dice *d, int depth)
{
    enum shape shape = random_shape(d, depth);
    if (shape == LEAF) {
        struct value v = random_value(d);
        expect_leaf(term, &v);
        return;
    }
    uint64_t size = random_size(d, depth), found = ~size, key;
    struct noex_items items;
    struct noex_term item;
    assert_int_equal(noex_term_type(term), shape == TUPLE  ? NOEX_TERM_TUPLE
                                           : shape == LIST ? NOEX_TERM_LIST
                                                           : NOEX_TERM_MAP);
    assert_int_equal(noex_term_size(term, &found), 0);
    assert_int_equal(found, size);
    assert_int_equal(noex_term_items(term, &items), 0);
    for (uint64_t i = 0; i < size; i++) {
        assert_true(noex_items_next(&items, &item));
        if (shape == MAP) {
            assert_int_equal(noex_term_uint64(item, &key), 0);
            assert_int_equal(key, i);
            assert_true(noex_items_next(&items, &item));
        }
        expect_random(item, d, depth - 1);
    }
    assert_false(noex_items_next(&items, &item));
    assert_true(items.error == 0 && !items.tail.bytes);
}

static void what_is_built_passes_the_check_and_reads_back_the_same(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct dice building = {seed}, reading = {seed};
        build_random(f.b, &building, 4);
        struct noex_term term = built(f.b);
        uint8_t *copy = exact_copy(nx_span(term.bytes, term.len));
        struct noex_term same = {copy, term.len};
        noex_builder_clear(f.b);
        expect_random(same, &reading, 4);
        assert_int_equal(noex_build_term(f.b, same), 0);
        expect_bytes(f.b, copy, same.len);
        free(copy);
    }
    finish(&f);
}

static void a_list_of_bytes_is_a_string_up_to_65535(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (uint32_t size = 65534; size <= 65536; size++) {
        uint64_t found = 0;
        noex_build_tuple(f.b);
        noex_build_list(f.b);
        for (uint32_t i = 0; i < size; i++)
            noex_build_int64(f.b, i % 256);
        noex_build_end(f.b);
        noex_build_end(f.b);
        struct noex_term term = built(f.b), list;
        assert_int_equal(term.len, 2 + (size <= 65535 ? 3 + size : 1 + 4 + 2 * size + 1));
        assert_int_equal(noex_term_element(term, 0, &list), 0);
        assert_int_equal(list.bytes[0], size <= 65535 ? 107 : 108);
        assert_int_equal(noex_term_size(list, &found), 0);
        assert_int_equal(found, size);
        noex_builder_clear(f.b);
    }
    /* the same bytes, but not of integers */
    noex_build_list(f.b);
    noex_build_term(f.b, (struct noex_term){(const uint8_t *)"\x68\x01\x6a", 3});
    noex_build_tuple(f.b);
    noex_build_end(f.b);
    noex_build_nil(f.b);
    noex_build_end(f.b);
    expect(f.b, "6c 00000003 68016a 6800 6a 6a");
    finish(&f);
}

static void a_tuple_gets_the_long_head_where_it_needs_it(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (unsigned size = 254; size <= 257; size++) {
        struct noex_term element, inner;
        uint64_t found, value;
        noex_build_tuple(f.b);
        for (unsigned i = 0; i < size; i++) {
            noex_build_tuple(f.b);
            for (unsigned k = 0; k < size; k++)
                noex_build_uint64(f.b, 1000 * i + k);
            noex_build_end(f.b);
        }
        noex_build_end(f.b);
        struct noex_term term = built(f.b);
        assert_int_equal(term.bytes[0], size < 256 ? 104 : 105);
        for (unsigned i = 0; i < size; i += 11) {
            assert_int_equal(noex_term_element(term, i, &element), 0);
            assert_int_equal(noex_term_size(element, &found), 0);
            assert_int_equal(found, size);
            assert_int_equal(noex_term_element(element, size - 1, &inner), 0);
            assert_int_equal(noex_term_uint64(inner, &value), 0);
            assert_int_equal(value, 1000 * i + size - 1);
        }
        noex_builder_clear(f.b);
    }
    finish(&f);
}

static void a_key_twice_in_a_map_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (uint64_t size = 2; size <= 40; size++) {
        for (uint64_t twin = 0; twin < size; twin++) {
            noex_build_map(f.b);
            for (uint64_t i = 0; i < size; i++) {
                noex_build_tuple(f.b);
                noex_build_uint64(f.b, i == size - 1 ? twin * 37 % 1000 : i * 37 % 1000);
                noex_build_end(f.b);
                noex_build_string(f.b, "value");
            }
            assert_int_equal(noex_build_end(f.b), twin == size - 1 ? 0 : NOEX_EINVALID);
            if (twin == size - 1)
                (void)built(f.b);
            noex_builder_clear(f.b);
        }
    }
    static const struct {
        const char *first, *second;
        int rc;
    } keys[] = {
        {"77 01 61", "77 01 62", 0},
        {"77 01 61", "77 02 6161", 0},
        {"77 01 61", "6d 00000001 61", 0},
        {"61 01", "46 3ff0000000000000", 0},
        {"46 3ff0000000000000", "46 bff0000000000000", 0},
        {"46 0000000000000000", "61 00", 0},
        {"68 02 6101 6102", "68 02 6101 6103", 0},
        {"68 01 6101", "68 02 6101 6101", 0},
        {"74 00000000", "74 00000000", NOEX_EINVALID},
        /* one key to a BEAM of OTP 25 and 26 */
        {"46 0000000000000000", "46 8000000000000000", NOEX_EINVALID},
        {"68 02 46 8000000000000000 6a", "68 02 46 0000000000000000 6a", NOEX_EINVALID},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        noex_build_map(f.b);
        build_copy(f.b, keys[i].first);
        noex_build_nil(f.b);
        build_copy(f.b, keys[i].second);
        noex_build_nil(f.b);
        assert_int_equal(noex_build_end(f.b), keys[i].rc);
        noex_builder_clear(f.b);
    }
    finish(&f);
}

static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
enum { ORDERS = sizeof orders / sizeof *orders };

/* #{0 => {}, [] => #{a => v, 0.0 => "text"}, {1} => <<>>} or so, in this order. */
static void build_pairs(noex_builder *b, const int order[3], const int inner[3], int64_t last)
{
    noex_build_map(b);
    for (int i = 0; i < 3; i++) {
        if (order[i] == 0) {
            noex_build_int64(b, 0);
            noex_build_tuple(b);
            noex_build_end(b);
        } else if (order[i] == 1) {
            noex_build_nil(b);
            if (inner)
                build_pairs(b, inner, NULL, 0);
            else
                noex_build_string(b, "text");
        } else {
            noex_build_tuple(b);
            noex_build_int64(b, 1);
            noex_build_end(b);
            noex_build_int64(b, last);
        }
    }
    noex_build_end(b);
}

/* binary_to_term is badarg for such a map on OTP 25, 27 and 29. */
static void a_key_that_holds_maps_is_the_same_in_any_order_of_theirs(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (int i = 0; i < ORDERS * ORDERS; i++) {
        for (int other = 0; other <= 1; other++) {
            noex_build_map(f.b);
            noex_build_list(f.b);
            build_pairs(f.b, orders[0], orders[0], 7);
            noex_build_end(f.b);
            noex_build_nil(f.b);
            noex_build_list(f.b);
            build_pairs(f.b, orders[i % ORDERS], orders[i / ORDERS], 7 + other);
            noex_build_end(f.b);
            noex_build_nil(f.b);
            assert_int_equal(noex_build_end(f.b), other ? 0 : NOEX_EINVALID);
            if (other)
                (void)built(f.b);
            noex_builder_clear(f.b);
        }
    }
    finish(&f);
}

static void a_map_that_is_no_key_has_its_pairs_as_they_were_built(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    build_pairs(f.b, orders[5], orders[3], 2);
    expect(f.b, "74 00000003  68 01 6101  6102"
                "  6a 74 00000003  6a 6b 0004 74657874  68 01 6101 6100  6100 6800"
                "  6100 6800");
    /* nor has one in a value of a map that is a value */
    noex_build_map(f.b);
    noex_build_nil(f.b);
    build_pairs(f.b, orders[5], orders[3], 2);
    noex_build_end(f.b);
    expect(f.b, "74 00000001 6a  74 00000003  68 01 6101  6102"
                "  6a 74 00000003  6a 6b 0004 74657874  68 01 6101 6100  6100 6800"
                "  6100 6800");
    finish(&f);
}

static void what_is_not_finished_is_no_term_yet(void **state)
{
    (void)state;
    struct fixture f;
    struct noex_term term;
    start(&f);
    assert_int_equal(noex_builder_term(f.b, &term), NOEX_ESTATE);
    noex_build_tuple(f.b);
    assert_int_equal(noex_builder_term(f.b, &term), NOEX_ESTATE);
    noex_build_int64(f.b, 1);
    assert_int_equal(noex_builder_term(f.b, &term), NOEX_ESTATE);
    noex_build_end(f.b);
    (void)built(f.b);
    expect(f.b, "68 01 61 01");
    assert_int_equal(noex_builder_term(f.b, &term), NOEX_ESTATE);
    finish(&f);
}

static void a_step_out_of_place_spoils_the_term(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    assert_int_equal(noex_build_end(f.b), NOEX_ESTATE);
    expect_error(f.b, NOEX_ESTATE);
    noex_build_nil(f.b);
    assert_int_equal(noex_build_nil(f.b), NOEX_ESTATE);
    expect_error(f.b, NOEX_ESTATE);
    noex_build_list(f.b);
    noex_build_end(f.b);
    assert_int_equal(noex_build_end(f.b), NOEX_ESTATE);
    expect_error(f.b, NOEX_ESTATE);
    noex_build_tuple(f.b);
    noex_build_end(f.b);
    assert_int_equal(noex_build_map(f.b), NOEX_ESTATE);
    expect_error(f.b, NOEX_ESTATE);
    noex_build_map(f.b);
    noex_build_nil(f.b);
    assert_int_equal(noex_build_end(f.b), NOEX_ESTATE);
    expect_error(f.b, NOEX_ESTATE);
    finish(&f);
}

static void spoils(noex_builder *b, int rc, int error)
{
    assert_int_equal(rc, error);
    expect_error(b, error);
}

static void what_is_no_value_spoils_the_term(void **state)
{
    (void)state;
    struct fixture f;
    static char text[4 * 256 + 1];
    const struct noex_pid pid = {1, 2, 3}, no_creation = {1, 2, 0};
    const struct noex_term none = {NULL, 0}, cut = {(const uint8_t *)"\x68\x02\x6a", 3},
                           bad = {(const uint8_t *)"\x46\x7f\xf0\0\0\0\0\0\0", 9};
    start(&f);
    memset(text, 'a', 256);
    spoils(f.b, noex_build_atom(f.b, NULL), NOEX_EINVALID);
    spoils(f.b, noex_build_atom(f.b, text), NOEX_EINVALID);
    spoils(f.b, noex_build_atom(f.b, "\xff"), NOEX_EINVALID);
    spoils(f.b, noex_build_double(f.b, (double)INFINITY), NOEX_EINVALID);
    spoils(f.b, noex_build_double(f.b, -(double)INFINITY), NOEX_EINVALID);
    spoils(f.b, noex_build_double(f.b, (double)NAN), NOEX_EINVALID);
    spoils(f.b, noex_build_binary(f.b, NULL, 1), NOEX_EINVALID);
    spoils(f.b, noex_build_binary(f.b, "", INT_MAX), NOEX_ELIMIT);
    spoils(f.b, noex_build_binary(f.b, "", SIZE_MAX), NOEX_ELIMIT);
    spoils(f.b, noex_build_string(f.b, NULL), NOEX_EINVALID);
    spoils(f.b, noex_build_string(f.b, "a\xe2\x82"), NOEX_EINVALID);
    spoils(f.b, noex_build_pid(f.b, NULL, &pid), NOEX_EINVALID);
    spoils(f.b, noex_build_pid(f.b, "a@b", NULL), NOEX_EINVALID);
    spoils(f.b, noex_build_pid(f.b, "\x80", &pid), NOEX_EINVALID);
    spoils(f.b, noex_build_pid(f.b, "a@b", &no_creation), NOEX_EINVALID);
    spoils(f.b, noex_build_term(f.b, none), NOEX_ETERM);
    spoils(f.b, noex_build_term(f.b, cut), NOEX_ETERM);
    spoils(f.b, noex_build_term(f.b, bad), NOEX_ETERM);
    noex_build_tuple(f.b);
    assert_int_equal(noex_build_atom(f.b, "\xff"), NOEX_EINVALID);
    expect_error(f.b, NOEX_EINVALID);
    text[255] = '\0';
    assert_int_equal(noex_build_atom(f.b, text), 0);
    (void)built(f.b);
    finish(&f);
}

static void containers_nest_1024_deep_and_no_deeper(void **state)
{
    (void)state;
    static uint8_t bytes[2 * 1024 + 1];
    struct fixture f;
    start(&f);
    for (int deeper = 0; deeper <= 1; deeper++) {
        for (int i = 0; i < 1024; i++)
            assert_int_equal(i % 2 ? noex_build_tuple(f.b) : noex_build_list(f.b), 0);
        if (deeper) {
            assert_int_equal(noex_build_tuple(f.b), NOEX_ELIMIT);
            expect_error(f.b, NOEX_ELIMIT);
            continue;
        }
        noex_build_int64(f.b, 1000);
        for (int i = 0; i < 1024; i++)
            assert_int_equal(noex_build_end(f.b), 0);
        (void)built(f.b);
        noex_builder_clear(f.b);
    }
    /* a copy counts from where it comes to stand */
    for (size_t i = 0; i < 1024; i++)
        memcpy(bytes + 2 * i, "\x68\x01", 2);
    bytes[2 * 1024] = 106;
    for (size_t outer = 0; outer <= 2; outer++) {
        for (size_t inner = 1022; inner <= 1024; inner++) {
            struct noex_term term = {bytes + 2 * (1024 - inner), 2 * inner + 1};
            for (size_t i = 0; i < outer; i++)
                noex_build_list(f.b);
            int rc = noex_build_term(f.b, term);
            assert_int_equal(rc, outer + inner > 1024 ? NOEX_ELIMIT : 0);
            for (size_t i = 0; i < outer; i++)
                noex_build_end(f.b);
            if (rc == 0)
                (void)built(f.b);
            noex_builder_clear(f.b);
        }
    }
    finish(&f);
}

static void a_copy_takes_the_one_term_and_nothing_behind_it(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    build_copy(f.b, "68 01 61 07 ff ff");
    expect(f.b, "68 01 61 07");
    /* also in encodings that are never written here */
    build_copy(f.b, "68 02 64 0001 61 6c 00000000 6a");
    expect(f.b, "68 02 64 0001 61 6c 00000000 6a");
    finish(&f);
}

static int build_all(noex_builder *b)
{
    static const uint8_t bytes[400];
    const struct noex_pid pid = {1, 2, 3};
    for (int i = 0; i < 40; i++)
        noex_build_tuple(b);
    noex_build_map(b);
    noex_build_map(b); /* as a key */
    for (int i = 0; i < 40; i++) {
        noex_build_int64(b, -i);
        noex_build_nil(b);
    }
    noex_build_end(b);
    noex_build_binary(b, bytes, sizeof bytes);
    noex_build_string(b, "text, and λ");
    noex_build_pid(b, "a@b", &pid);
    noex_build_end(b);
    noex_build_tuple(b);
    for (int i = 0; i < 300; i++)
        noex_build_double(b, i);
    noex_build_end(b);
    for (int i = 0; i < 40; i++)
        noex_build_end(b);
    struct noex_term term;
    return noex_builder_term(b, &term);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    struct alloc_test t;
    bool failed = true;
    size_t k = 1;
    for (; failed; k++) {
        for (int on = 0; on <= 1; on++) {
            noex_builder *b = NULL;
            alloc_test_init(&t);
            t.fail_at = k;
            t.fail_on = on;
            int rc = noex_builder_new(&b, &t.a);
            assert_int_equal(rc, k == 1 ? NOEX_ENOMEM : 0);
            if (rc == 0)
                rc = build_all(b);
            failed = t.failed > 0;
            assert_int_equal(rc, failed ? NOEX_ENOMEM : 0);
            t.fail_at = 0;
            if (b && failed)
                expect_error(b, NOEX_ENOMEM);
            if (b) {
                noex_builder_clear(b);
                assert_int_equal(build_all(b), 0);
            }
            noex_builder_free(b);
            assert_int_equal(t.live, 0);
        }
    }
    assert_true(k > 8);
}

static void a_cleared_builder_keeps_its_memory(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    assert_int_equal(build_all(f.b), 0);
    noex_builder_clear(f.b);
    f.t.fail_at = f.t.calls + 2; /* a map in a key needs some for a moment */
    assert_int_equal(build_all(f.b), 0);
    finish(&f);
}

static void a_builder_that_is_none_is_refused(void **state)
{
    (void)state;
    struct noex_term term = {(const uint8_t *)"\x6a", 1};
    const struct noex_pid pid = {1, 2, 3};
    noex_builder *b;
    assert_int_equal(noex_builder_new(NULL, NULL), NOEX_EINVALID);
    assert_int_equal(noex_builder_term(NULL, &term), NOEX_EINVALID);
    noex_builder_clear(NULL);
    noex_builder_free(NULL);
    assert_int_equal(noex_build_atom(NULL, "a"), NOEX_EINVALID);
    assert_int_equal(noex_build_int64(NULL, 1), NOEX_EINVALID);
    assert_int_equal(noex_build_uint64(NULL, 1), NOEX_EINVALID);
    assert_int_equal(noex_build_double(NULL, 1), NOEX_EINVALID);
    assert_int_equal(noex_build_binary(NULL, "a", 1), NOEX_EINVALID);
    assert_int_equal(noex_build_string(NULL, "a"), NOEX_EINVALID);
    assert_int_equal(noex_build_pid(NULL, "a@b", &pid), NOEX_EINVALID);
    assert_int_equal(noex_build_nil(NULL), NOEX_EINVALID);
    assert_int_equal(noex_build_term(NULL, term), NOEX_EINVALID);
    assert_int_equal(noex_build_tuple(NULL), NOEX_EINVALID);
    assert_int_equal(noex_build_list(NULL), NOEX_EINVALID);
    assert_int_equal(noex_build_map(NULL), NOEX_EINVALID);
    assert_int_equal(noex_build_end(NULL), NOEX_EINVALID);
    /* malloc's, where no allocator is given */
    assert_int_equal(noex_builder_new(&b, NULL), 0);
    assert_int_equal(noex_builder_term(b, NULL), NOEX_EINVALID);
    assert_int_equal(build_all(b), 0);
    noex_builder_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_that_a_beam_writes),
        cmocka_unit_test(the_bytes_are_those_that_libei_writes),
        cmocka_unit_test(what_is_built_passes_the_check_and_reads_back_the_same),
        cmocka_unit_test(a_list_of_bytes_is_a_string_up_to_65535),
        cmocka_unit_test(a_tuple_gets_the_long_head_where_it_needs_it),
        cmocka_unit_test(a_key_twice_in_a_map_is_refused),
        cmocka_unit_test(a_key_that_holds_maps_is_the_same_in_any_order_of_theirs),
        cmocka_unit_test(a_map_that_is_no_key_has_its_pairs_as_they_were_built),
        cmocka_unit_test(what_is_not_finished_is_no_term_yet),
        cmocka_unit_test(a_step_out_of_place_spoils_the_term),
        cmocka_unit_test(what_is_no_value_spoils_the_term),
        cmocka_unit_test(containers_nest_1024_deep_and_no_deeper),
        cmocka_unit_test(a_copy_takes_the_one_term_and_nothing_behind_it),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_cleared_builder_keeps_its_memory),
        cmocka_unit_test(a_builder_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
