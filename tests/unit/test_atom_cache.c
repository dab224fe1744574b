/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "hex.h"
#include "random_term.h"
#include "wire/atom_cache.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct alloc_test t;
    struct nx_atom_cache *c;
    struct nx_atom_refs refs;
    struct noex_error err;
    size_t left; /* bytes behind the section */
};

static void begin(struct fixture *x)
{
    memset(x, 0, sizeof *x);
    alloc_test_init(&x->t);
    x->c = nx_atom_cache_new(&x->t.a);
    assert_non_null(x->c);
}

static void end(struct fixture *x)
{
    nx_atom_cache_free(x->c);
    assert_int_equal(x->t.live, 0);
}

/* The section stands in a heap copy of exactly its size that is gone when the call returns. */
static int read_bytes(struct fixture *x, size_t count, const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    struct nx_rd in = nx_rd(nx_span(copy, len));
    memset(&x->err, 0, sizeof x->err);
    int rc = nx_atom_cache_read(x->c, count, &in, &x->refs, &x->err);
    assert_int_equal(x->err.code, rc);
    assert_true(rc == 0 || x->err.text[0]);
    x->left = nx_rd_left(&in);
    free(copy);
    return rc;
}

static int read_hex(struct fixture *x, size_t count, const char *hex)
{
    uint8_t bytes[4096];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_int_not_equal(len, (size_t)-1);
    return read_bytes(x, count, bytes, len);
}

static void assert_refs(const struct fixture *x, size_t count, ...)
{
    va_list args;
    va_start(args, count);
    assert_int_equal(x->refs.count, count);
    for (size_t i = 0; i < count; i++) {
        const char *text = va_arg(args, const char *);
        const struct nx_span token = x->refs.atom[i];
        assert_true(token.len >= 2 && token.ptr[0] == 119 && token.ptr[1] == strlen(text));
        assert_int_equal(token.len, 2 + strlen(text));
        assert_memory_equal(token.ptr + 2, text, strlen(text));
    }
    va_end(args);
}

static void an_atom_that_came_once_is_known_by_its_slot(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(read_hex(&x, 1, "08 07 03666f6f ff"), 0);
    assert_refs(&x, 1, "foo");
    assert_int_equal(x.left, 1);
    assert_int_equal(read_hex(&x, 1, "00 07"), 0);
    assert_refs(&x, 1, "foo");
    assert_int_equal(x.left, 0);
    end(&x);
}

/* Protocol.md 4: low nibble for even references, high for odd ones; the upper three bits of the
 * slot in each; in the one behind the last the flag for long atoms. */
static void nibbles_say_what_is_new_and_in_which_segment(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(read_hex(&x, 3, "98 0f 05 0161 05 0162 ff 0163"), 0);
    assert_refs(&x, 3, "a", "b", "c");
    assert_int_equal(read_hex(&x, 4, "71 10 00 05 ff 05 05"), 0); /* slots 261, 2047, 5, 261 */
    assert_refs(&x, 4, "b", "c", "a", "b");
    assert_int_equal(read_hex(&x, 2, "87 01 ff 06 0001 64"), 0); /* long: two bytes of length */
    assert_refs(&x, 2, "c", "d");
    assert_int_equal(read_hex(&x, 1, "18 06 0001 65"), 0);
    assert_refs(&x, 1, "e");
    end(&x);
}

static void a_new_atom_takes_the_slot_of_the_old_one(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(read_hex(&x, 1, "08 07 03666f6f"), 0);
    assert_int_equal(read_hex(&x, 1, "08 07 0162"), 0);
    assert_refs(&x, 1, "b");
    assert_int_equal(read_hex(&x, 1, "08 07 00"), 0); /* an atom of no letters is one, too */
    assert_refs(&x, 1, "");
    assert_int_equal(read_hex(&x, 1, "00 07"), 0);
    assert_refs(&x, 1, "");
    /* In the order of the references, also within one header. */
    assert_int_equal(read_hex(&x, 4, "80 80 00 07 07 0161 07 07 0162"), 0);
    assert_refs(&x, 4, "", "a", "a", "b");
    end(&x);
}

static void an_atom_may_be_255_characters_of_four_bytes(void **state)
{
    (void)state;
    struct fixture x;
    uint8_t bytes[4 + 1024] = {0x18, 0x01, 1020 >> 8, 1020 & 255};
    begin(&x);
    for (size_t i = 4; i < sizeof bytes; i += 4)
        memcpy(bytes + i, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(read_bytes(&x, 1, bytes, 4 + 1020), 0);
    assert_int_equal(x.refs.atom[0].len, 3 + 1020);
    assert_memory_equal(x.refs.atom[0].ptr, "\x76\x03\xfc\xf0\x9f\x98\x80", 7);
    assert_memory_equal(x.refs.atom[0].ptr + 3, bytes + 4, 1020);
    bytes[3] = 1024 & 255;
    bytes[2] = 1024 >> 8;
    assert_int_equal(read_bytes(&x, 1, bytes, sizeof bytes), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "over 255 characters"));
    end(&x);
}

static void what_is_no_atom_is_refused_when_it_comes(void **state)
{
    (void)state;
    struct fixture x;
    uint8_t bytes[4 + 256] = {0x18, 0x01, 1, 0};
    begin(&x);
    assert_int_equal(read_hex(&x, 1, "08 01 02c3 28"), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "not UTF-8"));
    assert_int_equal(read_hex(&x, 1, "08 01 01ff"), NOEX_EPROTOCOL);
    memset(bytes + 4, 'x', 256);
    assert_int_equal(read_bytes(&x, 1, bytes, sizeof bytes), NOEX_EPROTOCOL);
    bytes[2] = 0;
    bytes[3] = 255;
    assert_int_equal(read_bytes(&x, 1, bytes, sizeof bytes), 0);
    assert_int_equal(x.left, 1);
    end(&x);
}

static void an_empty_slot_is_an_error_with_its_number(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    assert_int_equal(read_hex(&x, 1, "07 ff"), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "slot 2047 "));
    assert_int_equal(read_hex(&x, 1, "00 00"), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "slot 0 "));
    assert_int_equal(read_hex(&x, 2, "08 00 01 0161 02"), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "slot 2 "));
    end(&x);
}

static void a_section_that_is_cut_short_is_refused_at_every_byte(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        const char *hex;
    } rows[] = {
        {1, "08 07 03666f6f"}, {1, "18 07 0003666f6f"}, {3, "88 08 01 0161 02 0162 03 0163"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[64];
        size_t len = hex_decode(rows[i].hex, bytes, sizeof bytes);
        for (size_t cut = 0; cut <= len; cut++) {
            struct fixture x;
            begin(&x);
            assert_int_equal(read_bytes(&x, rows[i].count, bytes, cut),
                             cut < len ? NOEX_EPROTOCOL : 0);
            assert_true(cut == len || strstr(x.err.text, "cut short"));
            end(&x);
        }
    }
}

/* ---- against a plain model ---- */

struct model {
    char text[NX_ATOM_CACHE_SLOTS][1021];
    bool there[NX_ATOM_CACHE_SLOTS];
};

/* Writes a header of `count` references into `bytes`; what they stand for into `want`. */
static size_t random_header(struct model *m, uint32_t *seed, size_t count, bool is_long,
                            unsigned fresh_of_8, uint8_t *bytes, unsigned *want)
{
    uint8_t *p = bytes + count / 2 + 1;
    memset(bytes, 0, count / 2 + 1);
    for (size_t i = 0; i < count; i++) {
        const unsigned slot = random_below(seed, NX_ATOM_CACHE_SLOTS);
        const bool fresh = !m->there[slot] || random_below(seed, 8) < fresh_of_8;
        bytes[i / 2] |= (uint8_t)((slot >> 8 | (fresh ? 8u : 0u)) << (i % 2 * 4));
        *p++ = (uint8_t)slot;
        want[i] = slot;
        if (!fresh)
            continue;
        const size_t len = random_below(seed, is_long ? 256 : 30);
        m->there[slot] = true;
        m->text[slot][0] = '\0';
        for (size_t k = 0; k < len; k++)
            strcat(m->text[slot], is_long && slot % 2 ? "\xf0\x9f\x98\x80" : "x");
        sprintf(m->text[slot], "%.*s%u", len > 4 ? 4 : 0, "head", slot);
        const size_t bytes_len = strlen(m->text[slot]);
        if (is_long)
            *p++ = (uint8_t)(bytes_len >> 8);
        *p++ = (uint8_t)bytes_len;
        memcpy(p, m->text[slot], bytes_len);
        p += bytes_len;
    }
    if (is_long)
        bytes[count / 2] |= (uint8_t)(1u << (count % 2 * 4));
    return (size_t)(p - bytes);
}

/* A header may overwrite a slot that it named before: only what was named last can be compared. */
static void compare(const struct fixture *x, const struct model *m, const unsigned *want)
{
    for (size_t i = 0; i < x->refs.count; i++) {
        const struct nx_span token = x->refs.atom[i];
        const size_t head = token.ptr[0] == 119 ? 2 : 3;
        bool again = false;
        for (size_t k = i + 1; k < x->refs.count; k++)
            again = again || want[k] == want[i];
        if (!again)
            assert_true(nx_span_is(nx_span(token.ptr + head, token.len - head), m->text[want[i]]));
    }
}

static void the_cache_holds_what_a_plain_table_holds_over_thousands_of_headers(void **state)
{
    (void)state;
    static struct model m;
    static uint8_t bytes[300 * 1024];
    unsigned want[NX_ATOM_REFS_MAX];
    uint32_t seed = 99;
    struct fixture x;
    begin(&x);
    memset(&m, 0, sizeof m);
    for (int i = 0; i < 6000; i++) {
        const size_t count = 1 + random_below(&seed, i % 10 ? 6 : NX_ATOM_REFS_MAX);
        const bool is_long = i > 3000 && i % 3 == 0;
        const size_t len =
            random_header(&m, &seed, count, is_long, i % 100 < 50 ? 1 : 6, bytes, want);
        assert_int_equal(read_bytes(&x, count, bytes, len), 0);
        assert_int_equal(x.left, 0);
        compare(&x, &m, want);
    }
    end(&x);
}

static size_t largest;

static void *measured_resize(void *user, void *ptr, size_t size)
{
    (void)user;
    largest = size > largest ? size : largest;
    return realloc(ptr, size);
}

/* Every slot with the longest atom there is, again and again: what was overwritten goes. */
static void a_full_cache_of_long_atoms_stays_below_five_megabytes(void **state)
{
    (void)state;
    uint8_t bytes[4 + 1020] = {0x18, 0x00, 1020 >> 8, 1020 & 255};
    struct fixture x;
    begin(&x);
    largest = 0;
    x.t.a.resize = measured_resize;
    for (size_t i = 4; i < sizeof bytes; i += 4)
        memcpy(bytes + i, "\xf0\x9f\x98\x80", 4);
    for (unsigned i = 0; i < 5 * NX_ATOM_CACHE_SLOTS; i++) {
        bytes[0] = (uint8_t)(0x18 | (i % NX_ATOM_CACHE_SLOTS) >> 8);
        bytes[1] = (uint8_t)i;
        assert_int_equal(read_bytes(&x, 1, bytes, sizeof bytes), 0);
        assert_int_equal(x.refs.atom[0].len, 1023);
    }
    assert_true(largest < 5 << 20);
    for (unsigned i = 0; i < NX_ATOM_CACHE_SLOTS; i++) {
        const uint8_t old[] = {(uint8_t)(i >> 8), (uint8_t)i};
        assert_int_equal(read_bytes(&x, 1, old, 2), 0);
        assert_int_equal(x.refs.atom[0].len, 1023);
    }
    end(&x);
}

static int put_number(struct fixture *x, unsigned slot, unsigned number)
{
    uint8_t bytes[64] = {(uint8_t)(8 | slot >> 8), (uint8_t)slot};
    bytes[2] = (uint8_t)sprintf((char *)bytes + 3, "a_rather_long_atom_%u", number);
    return read_bytes(x, 1, bytes, 3 + (size_t)bytes[2]);
}

static bool is_number(struct fixture *x, unsigned slot, unsigned number)
{
    const uint8_t bytes[] = {(uint8_t)(slot >> 8), (uint8_t)slot};
    char text[64];
    assert_int_equal(read_bytes(x, 1, bytes, 2), 0);
    if (!x->refs.atom[0].ptr)
        return false;
    snprintf(text, sizeof text, "a_rather_long_atom_%u", number);
    return nx_span_is(nx_span(x->refs.atom[0].ptr + 2, x->refs.atom[0].len - 2), text);
}

static void without_memory_new_atoms_are_lost_and_no_other_ones(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    x.t.fail_at = 1;
    x.t.fail_on = true;
    unsigned kept = 0;
    for (unsigned i = 0; i < NX_ATOM_CACHE_SLOTS; i++) {
        assert_int_equal(put_number(&x, i, i), 0);
        kept += x.refs.atom[0].ptr != NULL;
    }
    assert_in_range(kept, 1000, NX_ATOM_CACHE_SLOTS - 1);
    for (unsigned i = 0; i < NX_ATOM_CACHE_SLOTS; i++)
        assert_int_equal(is_number(&x, i, i), i < kept);
    assert_int_equal(x.refs.atom[0].len, 2 + strlen("a_rather_long_atom_2047"));
    /* What is overwritten makes room. */
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(put_number(&x, 7, 10000 + i), 0);
    assert_true(is_number(&x, 7, 10499));
    assert_true(is_number(&x, 8, 8));
    /* With memory again lost ones are lost, and new ones are not. */
    x.t.fail_at = 0;
    assert_int_equal(put_number(&x, 2047, 5), 0);
    assert_int_equal(put_number(&x, 2046, 6), 0);
    assert_true(is_number(&x, 2047, 5) && is_number(&x, 2046, 6) && is_number(&x, 0, 0));
    assert_false(is_number(&x, 2045, 2045));
    end(&x);
}

static void a_copy_of_references_outlives_what_it_was_made_of(void **state)
{
    (void)state;
    struct fixture x;
    size_t size, again;
    begin(&x);
    assert_int_equal(read_hex(&x, 3, "88 08 01 0161 02 026262 03 00"), 0);
    struct nx_atom_refs *copy = nx_atom_refs_copy(&x.t.a, &x.refs, SIZE_MAX, &size);
    assert_non_null(copy);
    assert_null(nx_atom_refs_copy(&x.t.a, &x.refs, size - 1, &again));
    struct nx_atom_refs *other = nx_atom_refs_copy(&x.t.a, &x.refs, size, &again);
    assert_non_null(other);
    assert_int_equal(size, again);
    nx_free(&x.t.a, other);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(put_number(&x, 1 + i % 3, i), 0);
    x.refs = *copy;
    assert_refs(&x, 3, "a", "bb", "");
    x.t.fail_at = x.t.calls + 1;
    assert_null(nx_atom_refs_copy(&x.t.a, copy, SIZE_MAX, &again));
    /* A lost atom is lost in the copy. */
    const struct nx_span lost = nx_span(NULL, 9);
    const struct nx_atom_refs refs = {1, &lost, 1};
    other = nx_atom_refs_copy(&x.t.a, &refs, SIZE_MAX, &again);
    assert_non_null(other);
    assert_true(other->count == 1 && !other->atom[0].ptr && other->atom[0].len == 9);
    nx_free(&x.t.a, other);
    nx_free(&x.t.a, copy);
    end(&x);
}

static void a_cache_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 2; k++) {
        struct alloc_test t;
        alloc_test_init(&t);
        t.fail_at = k;
        assert_null(nx_atom_cache_new(&t.a));
        assert_int_equal(t.live, 0);
    }
    nx_atom_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_atom_that_came_once_is_known_by_its_slot),
        cmocka_unit_test(nibbles_say_what_is_new_and_in_which_segment),
        cmocka_unit_test(a_new_atom_takes_the_slot_of_the_old_one),
        cmocka_unit_test(an_atom_may_be_255_characters_of_four_bytes),
        cmocka_unit_test(what_is_no_atom_is_refused_when_it_comes),
        cmocka_unit_test(an_empty_slot_is_an_error_with_its_number),
        cmocka_unit_test(a_section_that_is_cut_short_is_refused_at_every_byte),
        cmocka_unit_test(the_cache_holds_what_a_plain_table_holds_over_thousands_of_headers),
        cmocka_unit_test(a_full_cache_of_long_atoms_stays_below_five_megabytes),
        cmocka_unit_test(without_memory_new_atoms_are_lost_and_no_other_ones),
        cmocka_unit_test(a_copy_of_references_outlives_what_it_was_made_of),
        cmocka_unit_test(a_cache_that_cannot_be_made_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
