/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "observe.h"
#include "term_walk.h"

static struct noex_term term_of(struct nx_span bytes)
{
    struct noex_term term = {bytes.ptr, bytes.len};
    return term;
}

/* A walk in words: "1 2 | 3 !", where "!" stands for an error and "|" comes before the tail. */
static void walk(struct noex_term term, char *text, size_t size)
{
    struct noex_items items;
    struct noex_term item;
    size_t n = 0;
    int rc = noex_term_items(term, &items);
    text[0] = '\0';
    assert_int_equal(rc, items.error);
    while (noex_items_next(&items, &item)) {
        n += (size_t)noex_term_print(item, NULL, text + n, size - n, NULL);
        n += (size_t)snprintf(text + n, size - n, " ");
    }
    if (items.tail.bytes) {
        n += (size_t)snprintf(text + n, size - n, "| ");
        n += (size_t)noex_term_print(items.tail, NULL, text + n, size - n, NULL);
        n += (size_t)snprintf(text + n, size - n, " ");
    }
    if (items.error) {
        assert_true(items.error == NOEX_ETERM || items.error == NOEX_ETYPE);
        snprintf(text + n, size - n, items.error == NOEX_ETERM ? "!" : "no items");
    }
    assert_false(noex_items_next(&items, &item));
}

static const struct row {
    const char *hex;
    const char *items;
    int size;
} rows[] = {
    {"68 00", "", 0},
    {"68 02 61 01 77 01 61", "1 a ", 2},
    {"69 00000001 68 01 6a", "{[]} ", 1},
    {"74 00000000", "", 0},
    {"74 00000002 7701 61 6101 7701 62 6102", "a 1 b 2 ", 2},
    {"6a", "", 0},
    {"6b 0000", "", 0},
    {"6b 0003 00 80 ff", "0 128 255 ", 3},
    {"6c 00000002 6101 6a 6a", "1 [] ", 2},
    /* improper */
    {"6c 00000001 6101 6102", "1 | 2 ", 1},
    {"6c 00000001 6101 68 01 6a", "1 | {[]} ", 1},
    /* a list as the tail of another is more of it */
    {"6c 00000001 6101 6c 00000001 6102 6a", "1 2 ", 2},
    {"6c 00000001 6101 6b 0002 0203", "1 2 3 ", 3},
    {"6c 00000001 6101 6b 0000", "1 ", 1},
    {"6c 00000001 6101 6c 00000000 6c 00000001 6102 6103", "1 2 | 3 ", 2},
    {"6c 00000000 6a", "", 0},
    {"6c 00000000 6b 0001 07", "7 ", 1},
    {"6c 00000000 68 01 61 07", "7 ", 1},
    {"68 01 6c 00000000 61 07", "7 ", 1},
    /* no items, no size of elements */
    {"61 01", "no items", NOEX_ETYPE},
    {"46 3ff8000000000000", "no items", NOEX_ETYPE},
    {"6c 00000000 61 01", "no items", NOEX_ETYPE},
    {"43 00000000 00 7701 6d 7701 72", "no items", NOEX_ETYPE},
    {"71 7701 6d 7701 66 6101", "no items", NOEX_ETYPE},
    /* cut: what there is, then the error; a tuple's and a map's head tell how many they were */
    {"68", "!", NOEX_ETERM},
    {"68 02", "!", 2},
    {"68 02 61", "... !", 2},
    {"68 02 61 01", "1 !", 2},
    {"68 02 61 01 6d 00000003 61", "1 <<\"a... !", 2},
    {"68 02 68 02 61 01 61 02", "{1,2} !", 2},
    {"68 02 68 02 61 01", "{1,... !", 2},
    {"69 000000", "!", NOEX_ETERM},
    {"69 ffffffff 61 01 61 02", "1 2 !", -1},
    {"74 00000001 61 01", "1 !", 1},
    {"74 ffffffff 61 01 61 02 61 03", "1 2 3 !", -1},
    {"6c", "!", NOEX_ETERM},
    {"6c 000000", "!", NOEX_ETERM},
    {"6c 00000002 61 01", "1 !", NOEX_ETERM},
    {"6c 00000002 61 01 61 02", "1 2 !", NOEX_ETERM},
    {"6c 00000001 61 01 6c 0000", "1 !", NOEX_ETERM},
    {"6c 00000001 61 01 6c 00000001", "1 !", NOEX_ETERM},
    {"6c 00000001 61 01 6b 00", "1 !", NOEX_ETERM},
    {"6c 00000001 61 01 6b 0003 02", "1 2 !", NOEX_ETERM},
    {"6c 00000001 61 01 6d 00000002 61", "1 | <<\"a... !", NOEX_ETERM},
    {"6b", "!", NOEX_ETERM},
    {"6b 0003", "!", NOEX_ETERM},
    {"6b 0003 01 02", "1 2 !", NOEX_ETERM},
    {"6c ffffffff 6a 6a", "[] [] !", NOEX_ETERM},
    {"", "!", NOEX_ETERM},
    /* malformed */
    {"68 03 61 01 ff 61 02", "1 ... !", 3},
    {"6c 00000001 61 01 ff", "1 !", NOEX_ETERM},
    {"6c 00000001 61 01 77 01 ff", "1 | ... !", NOEX_ETERM},
    {"ff", "!", NOEX_ETERM},
};

static void each_container_is_walked_as_far_as_it_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nx_span bytes = exact_hex(rows[i].hex);
        char text[128];
        uint64_t size = 12345;
        int rc = noex_term_size(term_of(bytes), &size);
        walk(term_of(bytes), text, sizeof text);
        assert_string_equal(text, rows[i].items);
        if (rows[i].size == -1)
            assert_true(rc == 0 && size == UINT32_MAX);
        else if (rows[i].size < 0)
            assert_true(rc == rows[i].size && size == 12345);
        else
            assert_true(rc == 0 && size == (uint64_t)rows[i].size);
        exact_free(bytes);
    }
}

static void a_size_is_also_that_of_data(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int rc;
        uint64_t size;
    } sizes[] = {
        {"6d ffffffff 61", 0, UINT32_MAX},
        {"6d 0000", NOEX_ETERM, 0},
        {"4d ffffffff 01 61", 0, (uint64_t)(UINT32_MAX - 1) * 8 + 1},
        {"4d 00000002 08 61", 0, 2},
        {"4d 00000002", NOEX_ETERM, 0},
        {"77 03 6162", NOEX_ETERM, 0},
        {"58 7703 614062 00000001 00000002 00000003", NOEX_ETYPE, 0},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct nx_span bytes = exact_hex(sizes[i].hex);
        uint64_t size = 0;
        assert_int_equal(noex_term_size(term_of(bytes), &size), sizes[i].rc);
        assert_int_equal(size, sizes[i].size);
        exact_free(bytes);
    }
}

static void an_item_is_exactly_its_bytes(void **state)
{
    (void)state;
    struct nx_span bytes = exact_hex("68 03 61 01 68 01 6c 00000001 6101 6a 6b 0002 0102");
    static const size_t from[] = {2, 4, 14}, len[] = {2, 10, 5};
    struct noex_items items;
    struct noex_term item, element;
    assert_int_equal(noex_term_items(term_of(bytes), &items), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_true(noex_items_next(&items, &item));
        assert_ptr_equal(item.bytes, bytes.ptr + from[i]);
        assert_int_equal(item.len, len[i]);
        assert_int_equal(noex_term_check(item, NULL), 0);
        assert_int_equal(noex_term_element(term_of(bytes), i, &element), 0);
        assert_true(element.bytes == item.bytes && element.len == item.len);
    }
    assert_int_equal(noex_term_element(term_of(bytes), 3, &element), NOEX_ERANGE);
    assert_int_equal(noex_term_element(term_of(bytes), UINT64_MAX, &element), NOEX_ERANGE);
    exact_free(bytes);
}

static void an_element_that_is_cut_is_given_as_far_as_it_goes(void **state)
{
    (void)state;
    struct nx_span bytes = exact_hex("68 03 61 01 6d 00000004 6162");
    struct noex_term element;
    assert_int_equal(noex_term_element(term_of(bytes), 0, &element), 0);
    assert_int_equal(noex_term_element(term_of(bytes), 1, &element), 0);
    assert_true(element.bytes == bytes.ptr + 4 && element.len == 7);
    assert_int_equal(noex_term_element(term_of(bytes), 2, &element), NOEX_ETERM);
    assert_int_equal(noex_term_element(term_of(bytes), 3, &element), NOEX_ERANGE);
    struct noex_term head = {bytes.ptr, 2};
    assert_int_equal(noex_term_element(head, 0, &element), NOEX_ETERM);
    head.len = 1;
    assert_int_equal(noex_term_element(head, 0, &element), NOEX_ETERM);
    assert_int_equal(noex_term_element(term_of(nx_span("\x6b\0\1a", 4)), 0, &element), NOEX_ETYPE);
    exact_free(bytes);
}

static void the_items_of_a_string_outlive_it(void **state)
{
    (void)state;
    struct noex_term kept[256];
    struct noex_items items;
    uint8_t *bytes = malloc(3 + 256);
    assert_non_null(bytes);
    memcpy(bytes, "\x6b\1\0", 3);
    for (int i = 0; i < 256; i++)
        bytes[3 + i] = (uint8_t)i;
    assert_int_equal(noex_term_items(term_of(nx_span(bytes, 3 + 256)), &items), 0);
    for (int i = 0; i < 256; i++)
        assert_true(noex_items_next(&items, &kept[i]));
    free(bytes);
    for (int i = 0; i < 256; i++) {
        int64_t value = -1;
        assert_int_equal(noex_term_int64(kept[i], &value), 0);
        assert_int_equal(value, i);
        assert_int_equal(noex_term_check(kept[i], NULL), 0);
    }
}

static void what_cannot_be_walked_is_refused(void **state)
{
    (void)state;
    static const uint8_t tuple[] = {104, 1, 106};
    struct noex_term term = {tuple, sizeof tuple}, item;
    struct noex_items items;
    assert_int_equal(noex_term_items(term, NULL), NOEX_EINVALID);
    assert_int_equal(noex_term_element(term, 0, NULL), NOEX_EINVALID);
    assert_false(noex_items_next(NULL, &item));
    assert_int_equal(noex_term_items(term, &items), 0);
    assert_false(noex_items_next(&items, NULL));
    assert_true(noex_items_next(&items, &item));
    memset(&items, 0, sizeof items);
    assert_false(noex_items_next(&items, &item));
}

static void the_public_structs_have_no_tail_padding(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct noex_items),
                     offsetof(struct noex_items, form) + sizeof(uint32_t));
    assert_int_equal(sizeof(struct noex_term), offsetof(struct noex_term, len) + sizeof(size_t));
}

static void expect_walk(struct nx_span term, const char *node, const char *want)
{
    uint8_t *copy = exact_copy(term);
    char *text = term_walk(term_of(nx_span(copy, term.len)), node);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
    free(copy);
}

static void what_erlang_prints_is_what_the_walk_meets(void **state)
{
    (void)state;
    struct golden g;
    golden_open(&g);
    while (golden_next(&g))
        expect_walk(g.term, "nonode@nohost", g.text);
    assert_true(g.number > 1000);
    golden_close(&g);
}

/* The third column is what Erlang prints, where it is given. */
static unsigned walk_reasons(const char *file, const char *node)
{
    char path[1024], *line = NULL;
    size_t size = 0;
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/vectors/reason/%s", NOEX_TEST_DIR, file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *hex = strchr(line, '\t') + 1, *text = strchr(hex, '\t');
        *text++ = '\0';
        uint8_t *bytes = malloc(strlen(hex) / 2);
        assert_non_null(bytes);
        struct nx_span term = nx_span(bytes, hex_decode(hex, bytes, strlen(hex) / 2));
        char *walked = term_walk(term_of(term), node);
        assert_non_null(walked);
        if (*text)
            assert_string_equal(walked, text);
        free(walked);
        free(bytes);
        count++;
    }
    free(line);
    fclose(f);
    return count;
}

static void each_recorded_reason_is_walked_as_erlang_prints_it(void **state)
{
    (void)state;
    assert_true(walk_reasons("otp25.tsv", "reason@127.0.0.1") > 100);
    assert_true(walk_reasons("elixir114.tsv", "nonode@nohost") > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_container_is_walked_as_far_as_it_goes),
        cmocka_unit_test(a_size_is_also_that_of_data),
        cmocka_unit_test(an_item_is_exactly_its_bytes),
        cmocka_unit_test(an_element_that_is_cut_is_given_as_far_as_it_goes),
        cmocka_unit_test(the_items_of_a_string_outlive_it),
        cmocka_unit_test(what_cannot_be_walked_is_refused),
        cmocka_unit_test(the_public_structs_have_no_tail_padding),
        cmocka_unit_test(what_erlang_prints_is_what_the_walk_meets),
        cmocka_unit_test(each_recorded_reason_is_walked_as_erlang_prints_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
