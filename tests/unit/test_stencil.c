/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/stencil.h"

#include "cmocka_all.h"

enum { FRAME = 80, FROM_AT = 20, TARGET_AT = 40 };

static void put(uint8_t *to, const uint32_t n[3])
{
    nx_put_u32(nx_put_u32(nx_put_u32(to, n[0]), n[1]), n[2]);
}

/* Any bytes, with the numbers where they stand in a frame. */
static size_t frame(uint8_t *bytes, size_t len, const struct nx_stencil_numbers *n)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i + 100);
    put(bytes + FROM_AT, n->from);
    bytes[FROM_AT + 12] = 88;
    put(bytes + TARGET_AT, n->target);
    bytes[TARGET_AT + 12] = 90;
    put(bytes + len - 12, n->ref);
    return len;
}

static void the_second_frame_of_one_length_is_it(void **state)
{
    (void)state;
    const struct nx_stencil_numbers one = {{13, 14, 15}, {1, 2, 3}, {4, 5, 6}},
                                    two = {{16, 17, 18}, {7, 8, 9}, {10, 11, 12}};
    struct nx_stencil s = {0};
    uint8_t bytes[256], want[256], got[256];
    nx_stencil_learn(&s, nx_span(bytes, frame(bytes, FRAME + 20, &one)), &one);
    nx_stencil_learn(&s, nx_span(bytes, frame(bytes, FRAME, &one)), &one);
    assert_int_equal(s.len, 0);
    nx_stencil_learn(&s, nx_span(bytes, frame(bytes, FRAME, &one)), &one);
    assert_int_equal(s.len, FRAME);
    nx_stencil_write(&s, &two, got);
    frame(want, FRAME, &two);
    assert_memory_equal(got, want, FRAME);
}

static void what_does_not_fit_is_never_known(void **state)
{
    (void)state;
    const struct nx_stencil_numbers n = {{13, 14, 15}, {1, 2, 3}, {4, 5, 6}},
                                    others[] = {{{13, 14, 15}, {1, 2, 4}, {4, 5, 6}},
                                                {{13, 14, 16}, {1, 2, 3}, {4, 5, 6}},
                                                {{13, 14, 15}, {1, 2, 3}, {4, 5, 7}}};
    struct nx_stencil s = {0};
    uint8_t bytes[256];
    for (int i = 0; i < 3; i++)
        nx_stencil_learn(&s, nx_span(bytes, frame(bytes, NX_STENCIL_SIZE + 1, &n)), &n);
    for (int i = 0; i < 9; i++)
        nx_stencil_learn(&s, nx_span(bytes, frame(bytes, FRAME, &n)), &others[i / 3]);
    for (int i = 0; i < 3; i++)
        nx_stencil_learn(&s, nx_span(bytes, 8), &n);
    assert_int_equal(s.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_frame_of_one_length_is_it),
        cmocka_unit_test(what_does_not_fit_is_never_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
