/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "observe.h"
#include <limits.h>

#define NODE "7703 614062"

/* A term of each encoding, and its type. */
static const struct sample {
    const char *hex;
    enum noex_term_type type;
    bool container; /* its head is read before the bytes end */
} samples[] = {
    {"77 02 6f6b", NOEX_TERM_ATOM, false},
    {"76 0002 6f6b", NOEX_TERM_ATOM, false},
    {"64 0002 6f6b", NOEX_TERM_ATOM, false},
    {"73 02 6fe9", NOEX_TERM_ATOM, false},
    {"61 07", NOEX_TERM_INTEGER, false},
    {"62 fffffff9", NOEX_TERM_INTEGER, false},
    {"6e 08 00 0000000000000080", NOEX_TERM_INTEGER, false},
    {"6f 00000009 01 010203040506070809", NOEX_TERM_INTEGER, false},
    {"46 3ff8000000000000", NOEX_TERM_FLOAT, false},
    {"63 312e3530303030303030303030303030303030303030652b30300000000000", NOEX_TERM_FLOAT, false},
    {"6d 00000003 616263", NOEX_TERM_BINARY, false},
    {"4d 00000002 08 6162", NOEX_TERM_BINARY, false},
    {"4d 00000000 00", NOEX_TERM_BINARY, false},
    {"4d 00000002 03 ffe0", NOEX_TERM_BITSTRING, false},
    {"68 02 6101 6102", NOEX_TERM_TUPLE, true},
    {"69 00000002 6101 6102", NOEX_TERM_TUPLE, true},
    {"68 00", NOEX_TERM_TUPLE, true},
    {"6a", NOEX_TERM_LIST, true},
    {"6b 0003 616263", NOEX_TERM_LIST, true},
    {"6c 00000002 7701 61 6102 6a", NOEX_TERM_LIST, true},
    {"6c 00000001 6161 6b 0001 62", NOEX_TERM_LIST, true},
    {"6c 00000000 6a", NOEX_TERM_LIST, true},
    {"6c 00000001 7701 61 6102", NOEX_TERM_LIST, true},
    {"74 00000001 7701 61 6102", NOEX_TERM_MAP, true},
    {"58" NODE "00000001 00000002 00000003", NOEX_TERM_PID, false},
    {"67" NODE "00000001 00000002 03", NOEX_TERM_PID, false},
    {"78" NODE "0000000100000002 00000003", NOEX_TERM_PORT, false},
    {"59" NODE "00000001 00000002", NOEX_TERM_PORT, false},
    {"66" NODE "00000001 02", NOEX_TERM_PORT, false},
    {"5a 0002" NODE "00000003 00000001 00000002", NOEX_TERM_REF, false},
    {"72 0001" NODE "03 00000001", NOEX_TERM_REF, false},
    {"65" NODE "00000001 02", NOEX_TERM_REF, false},
    {"71 7701 6d 7701 66 6101", NOEX_TERM_FUN, false},
    {"43 00000001 00 7701 6d 7701 72 7701 66 6101", NOEX_TERM_RECORD, false},
};

enum { SAMPLES = sizeof samples / sizeof *samples };

static struct noex_term term_of(struct nx_span bytes)
{
    struct noex_term term = {bytes.ptr, bytes.len};
    return term;
}

/* Every function that reads a value: what each says of this term. */
enum reader { ATOM, INT64, UINT64, DOUBLE, BINARY, TEXT, PID, SIZE, ITEMS, ELEMENT, READERS };

static int read_by(enum reader reader, struct noex_term term)
{
    static char text[NOEX_ATOM_SIZE];
    struct noex_items items;
    struct noex_term element;
    struct noex_pid pid;
    const uint8_t *bytes;
    uint64_t u64;
    int64_t i64;
    size_t len;
    double real;
    switch (reader) {
    case ATOM:
        return noex_term_atom(term, text, sizeof text);
    case INT64:
        return noex_term_int64(term, &i64);
    case UINT64:
        return noex_term_uint64(term, &u64);
    case DOUBLE:
        return noex_term_double(term, &real);
    case BINARY:
        return noex_term_binary(term, &bytes, &len);
    case TEXT:
        return noex_term_text(term, text, sizeof text);
    case PID:
        return noex_term_pid(term, &pid, text, sizeof text);
    case SIZE:
        return noex_term_size(term, &u64);
    case ITEMS:
        return noex_term_items(term, &items);
    case ELEMENT:
        return noex_term_element(term, 0, &element);
    case READERS:
        break;
    }
    return NOEX_EINVALID;
}

static bool reads(enum reader reader, enum noex_term_type type)
{
    static const unsigned of[READERS] = {
        [ATOM] = 1u << NOEX_TERM_ATOM,
        [INT64] = 1u << NOEX_TERM_INTEGER,
        [UINT64] = 1u << NOEX_TERM_INTEGER,
        [DOUBLE] = 1u << NOEX_TERM_FLOAT,
        [BINARY] = 1u << NOEX_TERM_BINARY | 1u << NOEX_TERM_BITSTRING,
        [TEXT] = 1u << NOEX_TERM_BINARY | 1u << NOEX_TERM_LIST,
        [PID] = 1u << NOEX_TERM_PID,
        [SIZE] = 1u << NOEX_TERM_ATOM | 1u << NOEX_TERM_BINARY | 1u << NOEX_TERM_BITSTRING |
                 1u << NOEX_TERM_TUPLE | 1u << NOEX_TERM_LIST | 1u << NOEX_TERM_MAP,
        [ITEMS] = 1u << NOEX_TERM_TUPLE | 1u << NOEX_TERM_LIST | 1u << NOEX_TERM_MAP,
        [ELEMENT] = 1u << NOEX_TERM_TUPLE,
    };
    return of[reader] >> type & 1;
}

static void each_encoding_has_its_type_and_its_readers(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct nx_span bytes = exact_hex(samples[i].hex);
        struct noex_term term = term_of(bytes);
        assert_int_equal(noex_term_type(term), samples[i].type);
        for (int r = 0; r < READERS; r++) {
            int rc = read_by((enum reader)r, term);
            if (!reads((enum reader)r, samples[i].type))
                assert_int_equal(rc, NOEX_ETYPE);
            else
                assert_true(rc >= 0 || rc == NOEX_ERANGE || (r == TEXT && rc == NOEX_ETYPE));
        }
        exact_free(bytes);
    }
}

static void a_term_cut_anywhere_is_read_up_to_the_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct nx_span bytes = exact_hex(samples[i].hex);
        for (size_t len = 0; len < bytes.len; len++) {
            struct nx_span part = nx_span(exact_copy(nx_span(bytes.ptr, len)), len);
            struct noex_term term = term_of(part);
            enum noex_term_type type = noex_term_type(term);
            bool bits = samples[i].type == NOEX_TERM_BINARY && bytes.ptr[0] == 77;
            /* a list head of no elements is nothing but its tail, which is not there yet */
            bool no_head = samples[i].type == NOEX_TERM_LIST && len == 5 && bytes.len == 6;
            if (len == 0)
                assert_int_equal(type, NOEX_TERM_INVALID);
            else if (!bits && !no_head)
                assert_int_equal(type, samples[i].type);
            assert_int_equal(noex_term_check(term, NULL), NOEX_ETERM);
            for (int r = 0; r < READERS; r++) {
                int rc = read_by((enum reader)r, term);
                if (r < SIZE)
                    assert_true(rc == NOEX_ETERM || (rc == NOEX_ETYPE && len > 0));
                else if (!samples[i].container && r != SIZE)
                    assert_true(rc == NOEX_ETYPE || rc == NOEX_ETERM);
            }
            exact_free(part);
        }
        exact_free(bytes);
    }
}

static void what_is_no_term_is_invalid_to_every_reader(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "00",
                                      "ff",
                                      "50 00000000",
                                      "52 00",
                                      "79",
                                      "77 01 ff",
                                      "83 6a",
                                      "6e 01 02 01",
                                      "4d 00000001 00 ff",
                                      "4d 00000000 08",
                                      "58 61 01",
                                      "5a 0006 7703 614062",
                                      "70 00000000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nx_span bytes = exact_hex(bad[i]);
        assert_int_equal(noex_term_type(term_of(bytes)), NOEX_TERM_INVALID);
        assert_int_equal(noex_term_check(term_of(bytes), NULL), NOEX_ETERM);
        for (int r = 0; r < READERS; r++)
            assert_int_equal(read_by((enum reader)r, term_of(bytes)), NOEX_ETERM);
        assert_false(noex_term_is_atom(term_of(bytes), ""));
        exact_free(bytes);
    }
    struct noex_term none = {NULL, 7};
    assert_int_equal(noex_term_type(none), NOEX_TERM_INVALID);
    assert_int_equal(noex_term_check(none, NULL), NOEX_ETERM);
    assert_int_equal(read_by(SIZE, none), NOEX_ETERM);
}

static void what_stands_behind_the_term_is_not_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        char hex[256];
        snprintf(hex, sizeof hex, "%s ff", samples[i].hex);
        struct nx_span bytes = exact_hex(hex);
        struct noex_term longer = term_of(bytes), term = {bytes.ptr, bytes.len - 1};
        struct noex_error err = {0};
        assert_int_equal(noex_term_type(longer), samples[i].type);
        for (int r = 0; r < READERS; r++)
            assert_int_equal(read_by((enum reader)r, longer), read_by((enum reader)r, term));
        assert_int_equal(noex_term_check(term, NULL), 0);
        assert_int_equal(noex_term_check(longer, &err), NOEX_ETERM);
        assert_int_equal(err.code, NOEX_ETERM);
        snprintf(hex, sizeof hex, "at byte %zu:", bytes.len - 1);
        assert_non_null(strstr(err.text, hex));
        exact_free(bytes);
    }
}

static void a_term_nested_over_1024_deep_does_not_pass_the_check(void **state)
{
    (void)state;
    uint8_t bytes[2 * 1025 + 1];
    struct noex_term term = {bytes, 2 * 1024 + 1};
    for (size_t i = 0; i < sizeof bytes; i += 2)
        bytes[i] = 104, bytes[i + (i < 2 * 1025)] = 1;
    bytes[2 * 1024] = 106;
    assert_int_equal(noex_term_check(term, NULL), 0);
    bytes[2 * 1024] = 104;
    bytes[2 * 1025] = 106;
    term.len += 2;
    assert_int_equal(noex_term_check(term, NULL), NOEX_ELIMIT);
}

static const struct integer {
    const char *hex;
    int rc;
    int64_t value;
    int unsigned_rc;
    uint64_t natural;
} integers[] = {
    {"61 00", 0, 0, 0, 0},
    {"61 ff", 0, 255, 0, 255},
    {"62 00000100", 0, 256, 0, 256},
    {"62 7fffffff", 0, INT32_MAX, 0, INT32_MAX},
    {"62 ffffffff", 0, -1, NOEX_ERANGE, 0},
    {"62 80000000", 0, INT32_MIN, NOEX_ERANGE, 0},
    {"6e 04 00 00000080", 0, INT64_C(0x80000000), 0, UINT64_C(0x80000000)},
    {"6e 04 01 01000080", 0, -INT64_C(0x80000001), NOEX_ERANGE, 0},
    {"6e 08 00 ffffffffffffff7f", 0, INT64_MAX, 0, INT64_MAX},
    {"6e 08 00 0000000000000080", NOEX_ERANGE, 0, 0, UINT64_C(0x8000000000000000)},
    {"6e 08 01 0000000000000080", 0, INT64_MIN, NOEX_ERANGE, 0},
    {"6e 08 01 0100000000000080", NOEX_ERANGE, 0, NOEX_ERANGE, 0},
    {"6e 08 00 ffffffffffffffff", NOEX_ERANGE, 0, 0, UINT64_MAX},
    {"6e 09 00 000000000000000001", NOEX_ERANGE, 0, NOEX_ERANGE, 0},
    {"6e 00 00", 0, 0, 0, 0},
    {"6e 00 01", 0, 0, 0, 0},
    {"6e 0a 01 05000000000000000000", 0, -5, NOEX_ERANGE, 0},
    {"6f 00000001 00 05", 0, 5, 0, 5},
    {"6c 00000000 61 07", 0, 7, 0, 7},
};

static void an_integer_is_read_where_it_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        struct nx_span bytes = exact_hex(integers[i].hex);
        int64_t value = 0;
        uint64_t natural = 0;
        assert_int_equal(noex_term_type(term_of(bytes)), NOEX_TERM_INTEGER);
        assert_int_equal(noex_term_int64(term_of(bytes), &value), integers[i].rc);
        assert_int_equal(noex_term_uint64(term_of(bytes), &natural), integers[i].unsigned_rc);
        assert_true(value == integers[i].value && natural == integers[i].natural);
        exact_free(bytes);
    }
}

static void a_float_is_read_in_both_encodings_and_is_finite(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int rc;
        double value;
    } rows[] = {
        {"46 3ff8000000000000", 0, 1.5},
        {"46 8000000000000000", 0, 0},
        {"46 7fefffffffffffff", 0, 0x1.fffffffffffffp1023},
        {"46 0000000000000001", 0, 0x1p-1074},
        {"46 7ff0000000000000", NOEX_ETERM, 0},
        {"46 7ff8000000000000", NOEX_ETERM, 0},
        {"63 2d312e3235303030303030303030303030303030303030652b303100000000", 0, -12.5},
        {"63 2d312e323530303030303030303030303030303030302c652b303100000000", NOEX_ETERM, 0},
        {"61 01", NOEX_ETYPE, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nx_span bytes = exact_hex(rows[i].hex);
        double value = 0;
        assert_int_equal(noex_term_double(term_of(bytes), &value), rows[i].rc);
        assert_true(value == rows[i].value);
        exact_free(bytes);
    }
}

/* A text through a buffer of every size: always whole characters, ended, and the length of all. */
static void expect_text(int (*read)(struct noex_term, char *, size_t), struct noex_term term,
                        const char *want, size_t len)
{
    assert_int_equal(read(term, NULL, 0), len);
    for (size_t size = 1; size <= len + 2; size++) {
        char *text = malloc(size);
        assert_non_null(text);
        assert_int_equal(read(term, text, size), len);
        size_t kept = size - 1 < len ? size - 1 : len;
        while (kept < len && ((uint8_t)want[kept] & 0xc0) == 0x80)
            kept--;
        assert_memory_equal(text, want, kept);
        assert_int_equal(text[kept], 0);
        free(text);
    }
}

static void an_atom_is_text_in_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *name;
    } rows[] = {
        {"77 00", ""},
        {"77 02 6f6b", "ok"},
        {"76 0002 6f6b", "ok"},
        {"77 06 c3a9e282ac78", "é€x"},
        {"77 05 61f09f9880", "a😀"},
        {"73 02 e978", "éx"},
        {"64 0003 ff6100", "ÿa"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nx_span bytes = exact_hex(rows[i].hex);
        struct noex_term term = term_of(bytes);
        size_t len = strlen(rows[i].name) + (i == 6);
        char longer[16];
        uint64_t size;
        expect_text(noex_term_atom, term, rows[i].name, len);
        assert_int_equal(noex_term_size(term, &size), 0);
        assert_int_equal(size, len);
        assert_int_equal(noex_term_is_atom(term, rows[i].name), i != 6);
        snprintf(longer, sizeof longer, "%sy", rows[i].name);
        assert_false(noex_term_is_atom(term, longer));
        assert_false(noex_term_is_atom(term, "o"));
        exact_free(bytes);
    }
    assert_false(noex_term_is_atom(term_of(nx_span("\x6b\0\2ok", 5)), "ok"));
    assert_false(noex_term_is_atom(term_of(nx_span("\x73\1\xe9", 3)), "\xe9"));
}

static void the_longest_atom_fits_the_size_for_atoms(void **state)
{
    (void)state;
    uint8_t bytes[3 + 4 * 255] = {118, 1020 >> 8, 1020 & 0xff};
    char text[NOEX_ATOM_SIZE];
    for (size_t i = 0; i < 255; i++)
        memcpy(bytes + 3 + 4 * i, "😀", 4);
    assert_int_equal(noex_term_atom(term_of(nx_span(bytes, sizeof bytes)), text, sizeof text),
                     1020);
    assert_memory_equal(text, bytes + 3, 1020);
    assert_int_equal(strlen(text), 1020);
}

static void a_binary_or_a_list_of_characters_is_text(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *text;
        size_t len;
    } rows[] = {
        {"6d 00000000", "", 0},
        {"6a", "", 0},
        {"6b 0000", "", 0},
        {"6d 00000005 61e282ac62", "a€b", 5},
        {"4d 00000002 08 c3a9", "é", 2},
        {"6b 0003 61e900", "aé\0", 4},
        {"6c 00000002 62 000020ac 61 78 6a", "€x", 4},
        {"6c 00000002 62 0010ffff 62 0000d7ff 6a", "\xf4\x8f\xbf\xbf\xed\x9f\xbf", 7},
        {"6c 00000001 62 000003bb 6b 0002 e961", "λéa", 5},
        {"6c 00000001 6e 01 00 61 6c 00000001 6162 6c 00000000 6a", "ab", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nx_span bytes = exact_hex(rows[i].hex);
        expect_text(noex_term_text, term_of(bytes), rows[i].text, rows[i].len);
        exact_free(bytes);
    }
    static const char *const none[] = {
        "6d 00000001 ff",
        "6d 00000002 c328",
        "6d 00000002 e282",
        "4d 00000001 07 60",
        "6c 00000001 62 0000d800 6a",
        "6c 00000001 62 0000dfff 6a",
        "6c 00000001 62 00110000 6a",
        "6c 00000001 62 ffffffff 6a",
        "6c 00000001 7701 61 6a",
        "6c 00000001 61 61 61 62",
        "6c 00000001 6e 09 00 010101010101010101 6a",
        "6c 00000001 6b 0001 61 6a",
        "77 01 61",
        "68 01 61 61",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct nx_span bytes = exact_hex(none[i]);
        char text[8];
        assert_int_equal(noex_term_text(term_of(bytes), text, sizeof text), NOEX_ETYPE);
        exact_free(bytes);
    }
}

static void a_binary_is_borrowed_and_a_bitstring_counts_bits(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        size_t at, len;
        uint64_t size;
    } rows[] = {
        {"6d 00000003 616263", 5, 3, 3},   {"6d 00000000", 5, 0, 0},
        {"4d 00000002 08 6162", 6, 2, 2},  {"4d 00000000 00", 6, 0, 0},
        {"4d 00000002 03 ffe0", 6, 2, 11}, {"4d 00000001 01 80", 6, 1, 1},
        {"4d 00000001 07 fe", 6, 1, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nx_span bytes = exact_hex(rows[i].hex);
        const uint8_t *found = NULL;
        size_t len = SIZE_MAX;
        uint64_t size = 0;
        assert_int_equal(noex_term_binary(term_of(bytes), &found, &len), 0);
        assert_ptr_equal(found, bytes.ptr + rows[i].at);
        assert_int_equal(len, rows[i].len);
        assert_int_equal(noex_term_size(term_of(bytes), &size), 0);
        assert_int_equal(size, rows[i].size);
        exact_free(bytes);
    }
}

static int read_node(struct noex_term term, char *text, size_t size)
{
    struct noex_pid pid;
    int rc = noex_term_pid(term, &pid, text, size);
    assert_true(pid.id == 1 && pid.serial == 2 && pid.creation == 3);
    return rc;
}

static void a_pid_has_three_numbers_and_a_node(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *node;
    } rows[] = {
        {"58 7703 614062 00000001 00000002 00000003", "a@b"},
        {"67 7703 614062 00000001 00000002 03", "a@b"},
        {"58 7302 e940 00000001 00000002 00000003", "é@"},
        {"58 760003 e282ac 00000001 00000002 00000003", "€"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nx_span bytes = exact_hex(rows[i].hex);
        expect_text(read_node, term_of(bytes), rows[i].node, strlen(rows[i].node));
        exact_free(bytes);
    }
}

static void a_term_is_printed_into_what_room_there_is(void **state)
{
    (void)state;
    static const char whole[] = "{ok,\"hi\",<a@b.5.0>}";
    struct nx_span bytes =
        exact_hex("68 03 77 02 6f6b 6b 0002 6869 58" NODE "00000005 00000000 00000003");
    for (size_t size = 4; size <= sizeof whole + 1; size++) {
        char *text = malloc(size);
        assert_non_null(text);
        bool cut = size >= sizeof whole;
        int len = noex_term_print(term_of(bytes), NULL, text, size, &cut);
        assert_int_equal(len, size < sizeof whole ? size - 1 : sizeof whole - 1);
        assert_int_equal(text[len], 0);
        assert_int_equal(cut, size < sizeof whole);
        assert_memory_equal(text, whole, size < sizeof whole ? size - 4 : sizeof whole);
        if (cut)
            assert_string_equal(text + len - 3, "...");
        free(text);
    }
    char text[64];
    assert_int_equal(noex_term_print(term_of(bytes), "a@b", text, SIZE_MAX, NULL), 17);
    assert_string_equal(text, "{ok,\"hi\",<0.5.0>}");
    struct noex_term part = {bytes.ptr, 10};
    bool cut = false;
    assert_int_equal(noex_term_print(part, NULL, text, sizeof text, &cut), 9);
    assert_string_equal(text, "{ok,\"h...");
    assert_true(cut);
    exact_free(bytes);
}

static void an_event_lends_its_reason(void **state)
{
    (void)state;
    static const uint8_t reason[] = {119, 2, 'o', 'k'};
    struct noex_event event = {.type = NOEX_EVENT_MONITOR_DOWN, .term = reason, .term_len = 4};
    struct noex_term term = noex_event_term(&event);
    assert_true(term.bytes == reason && term.len == 4);
    assert_true(noex_term_is_atom(term, "ok"));
    event.type = NOEX_EVENT_MONITOR_UP;
    assert_null(noex_event_term(&event).bytes);
    assert_int_equal(noex_event_term(&event).len, 0);
    assert_null(noex_event_term(NULL).bytes);
}

static void what_has_nowhere_to_go_is_refused(void **state)
{
    (void)state;
    static const uint8_t one[] = {97, 1};
    struct noex_term term = {one, sizeof one};
    struct noex_pid pid;
    const uint8_t *bytes;
    char text[4];
    size_t len;
    assert_int_equal(noex_term_atom(term, NULL, 1), NOEX_EINVALID);
    assert_int_equal(noex_term_text(term, NULL, 1), NOEX_EINVALID);
    assert_int_equal(noex_term_int64(term, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_uint64(term, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_double(term, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_binary(term, NULL, &len), NOEX_EINVALID);
    assert_int_equal(noex_term_binary(term, &bytes, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_pid(term, NULL, text, 4), NOEX_EINVALID);
    assert_int_equal(noex_term_pid(term, &pid, NULL, 4), NOEX_EINVALID);
    assert_int_equal(noex_term_size(term, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_print(term, NULL, NULL, 4, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_print(term, NULL, text, 3, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_print(term, NULL, text, 4, NULL), 1);
    assert_false(noex_term_is_atom(term, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_encoding_has_its_type_and_its_readers),
        cmocka_unit_test(a_term_cut_anywhere_is_read_up_to_the_cut),
        cmocka_unit_test(what_is_no_term_is_invalid_to_every_reader),
        cmocka_unit_test(what_stands_behind_the_term_is_not_looked_at),
        cmocka_unit_test(a_term_nested_over_1024_deep_does_not_pass_the_check),
        cmocka_unit_test(an_integer_is_read_where_it_fits),
        cmocka_unit_test(a_float_is_read_in_both_encodings_and_is_finite),
        cmocka_unit_test(an_atom_is_text_in_utf8),
        cmocka_unit_test(the_longest_atom_fits_the_size_for_atoms),
        cmocka_unit_test(a_binary_or_a_list_of_characters_is_text),
        cmocka_unit_test(a_binary_is_borrowed_and_a_bitstring_counts_bits),
        cmocka_unit_test(a_pid_has_three_numbers_and_a_node),
        cmocka_unit_test(a_term_is_printed_into_what_room_there_is),
        cmocka_unit_test(an_event_lends_its_reason),
        cmocka_unit_test(what_has_nowhere_to_go_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
