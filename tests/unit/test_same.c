/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/same.h"

#include "alloc_test.h"
#include "cmocka_all.h"
#include "hex.h"

#include <stdio.h>

#define TARGET_TAIL "00000007"
#define TO "58 5201 00000001 00000000 00000009"
#define REF_HEAD "5a0003 5201 00000009"
#define USE "00000003"

/* A frame's data, with the references of one header, and what reads it. */
struct fixture {
    struct alloc_test t;
    struct nx_same same;
    struct nx_span atom[3];
    uint64_t version;
    uint8_t bytes[256];
    uint8_t plain_bytes[8192];
    struct nx_buf plain;
    struct nx_frame frame;
    struct nx_ctrl ctrl;
    size_t used;
};

static void begin(struct fixture *x)
{
    memset(x, 0, sizeof *x);
    alloc_test_init(&x->t);
    nx_same_init(&x->same, &x->t.a);
    x->atom[0] = nx_span_str("w\3t@h");
    x->atom[1] = nx_span_str("w\3m@h");
    x->atom[2] = nx_span_str("w\3foo");
    x->version = 1;
}

static void end(struct fixture *x)
{
    nx_same_free(&x->same);
    assert_int_equal(x->t.live, 0);
}

static void set_frame(struct fixture *x, const char *hex)
{
    size_t len = hex_decode(hex, x->bytes, sizeof x->bytes);
    assert_int_not_equal(len, (size_t)-1);
    x->frame = (struct nx_frame){
        .kind = NX_FRAME_MESSAGE, .data = nx_span(x->bytes, len), .refs = {3, x->atom, x->version}};
}

/* A DOWN of <id.serial> and the monitor slot, generation. */
static void set_down(struct fixture *x, unsigned id, unsigned slot)
{
    char hex[256];
    snprintf(hex, sizeof hex,
             "6804611c 58 5200 %08x %08x" TARGET_TAIL TO REF_HEAD "%08x %08x" USE "5202", id,
             id + 1, slot, slot + 1);
    set_frame(x, hex);
}

/* Reads it in the long way, and learns. */
static void learn(struct fixture *x)
{
    nx_buf_fixed(&x->plain, x->plain_bytes, sizeof x->plain_bytes);
    assert_true(nx_ctrl_parse_usual(x->frame.data, &x->frame.refs, &x->plain, &x->ctrl, &x->used));
    nx_same_learn_control(&x->same, &x->frame, x->used, &x->ctrl);
}

static bool is_known(struct fixture *x)
{
    size_t used;
    if (!nx_same_control(&x->same, &x->frame, &used))
        return false;
    nx_buf_fixed(&x->plain, x->plain_bytes, sizeof x->plain_bytes);
    assert_true(nx_ctrl_parse_usual(x->frame.data, &x->frame.refs, &x->plain, &x->ctrl, &x->used));
    assert_int_equal(used, x->used);
    assert_int_equal(x->same.ctrl.op, x->ctrl.op);
    assert_int_equal(x->same.ctrl.has_payload, x->ctrl.has_payload);
    for (unsigned role = 0; role < NX_ARG_COUNT; role++)
        assert_true(nx_span_eq(x->same.ctrl.arg[role], x->ctrl.arg[role]));
    return true;
}

static void begin_known(struct fixture *x)
{
    begin(x);
    for (int i = 0; i < 2; i++) {
        set_down(x, 5, 6);
        assert_false(is_known(x));
        learn(x);
    }
}

static void the_second_of_one_version_is_learned_and_then_read_with_its_own_numbers(void **state)
{
    (void)state;
    struct fixture x;
    begin_known(&x);
    for (unsigned i = 0; i < 100; i++) {
        set_down(&x, i * 0x01010101u, 0xffffffffu - i);
        assert_true(is_known(&x));
    }
    end(&x);
}

static void under_another_version_nothing_is_known(void **state)
{
    (void)state;
    struct fixture x;
    begin_known(&x);
    x.version = 2;
    set_down(&x, 5, 6);
    assert_false(is_known(&x));
    learn(&x);
    x.version = 1;
    set_down(&x, 5, 6);
    assert_true(is_known(&x)); /* as it was */
    x.version = 2;
    set_down(&x, 5, 6);
    assert_false(is_known(&x));
    end(&x);
}

/* Each byte of the control term but those of the numbers. */
static void whatever_else_differs_is_read_anew(void **state)
{
    (void)state;
    struct fixture x;
    begin_known(&x);
    for (size_t i = 0; i < x.used; i++) {
        size_t used;
        set_down(&x, 5, 6);
        x.bytes[i] ^= 0x40;
        const bool number = (i >= 7 && i < 15) || (i >= x.used - 12 && i < x.used - 4);
        assert_int_equal(nx_same_control(&x.same, &x.frame, &used), number);
    }
    end(&x);
}

static void a_frame_that_is_cut_or_has_no_payload_is_read_anew(void **state)
{
    (void)state;
    struct fixture x;
    begin_known(&x);
    for (size_t len = 0; len <= x.used + 1; len++) {
        size_t used;
        set_down(&x, 5, 6);
        x.frame.data.len = len;
        assert_int_equal(nx_same_control(&x.same, &x.frame, &used), len > x.used);
    }
    end(&x);
}

static void what_is_no_usual_down_is_never_learned(void **state)
{
    static const char *const frames[] = {
        "68046113 58 5201 00000001 00000000 00000009 58 5200 00000005 00000006 00000007"
        "5a0003 5201 00000009 00000001 00000002 00000003 5202",         /* MONITOR_P */
        "6804611c 5200 " TO REF_HEAD "00000001 00000002 00000003 5202", /* of a name */
        "6804611c 58 7703744068 00000005 00000006 00000007" TO REF_HEAD
        "00000001 00000002 00000003 5202", /* its node in full */
        "6804611c 58 5200 00000005 00000006 00000007" TO
        "5a0001 5201 00000009 00000001 5202", /* of one word */
        "6804611c 58 5200 00000005 00000006 00000007" TO
        "5a0005 5201 00000009 00000001 00000002 00000003 00000004 00000005 5202",
    };
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct fixture x;
        begin(&x);
        for (int k = 0; k < 3; k++) {
            set_frame(&x, frames[i]);
            assert_false(is_known(&x));
            learn(&x);
        }
        end(&x);
    }
}

static bool knows(struct fixture *x, const char *payload, const char *want)
{
    struct nx_span plain;
    if (!nx_same_payload(&x->same, &x->frame.refs, nx_span_str(payload), &plain))
        return false;
    assert_true(nx_span_is(plain, want));
    return true;
}

static void a_payload_is_known_by_its_bytes_and_version(void **state)
{
    (void)state;
    struct fixture x;
    begin_known(&x);
    assert_false(knows(&x, "R\2", ""));
    nx_same_learn_payload(&x.same, &x.frame.refs, nx_span_str("R\2"), nx_span_str("w\3foo"));
    assert_true(knows(&x, "R\2", "w\3foo"));
    assert_false(knows(&x, "R\1", ""));
    assert_false(knows(&x, "R\2j", ""));
    assert_false(knows(&x, "R", ""));
    assert_false(knows(&x, "", ""));
    nx_same_learn_payload(&x.same, &x.frame.refs, nx_span_str("j"), nx_span_str("j"));
    assert_true(knows(&x, "j", "j"));
    assert_false(knows(&x, "R\2", ""));
    x.frame.refs.version = 2;
    assert_false(knows(&x, "j", ""));
    nx_same_learn_payload(&x.same, &x.frame.refs, nx_span_str("j"), nx_span_str("j"));
    assert_false(knows(&x, "j", "")); /* none of a control term that is known */
    x.frame.refs.version = 1;
    assert_true(knows(&x, "j", "j"));
    end(&x);
}

/* Copies of references have no version. */
static void of_copied_references_no_payload_is_learned(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x);
    struct nx_atom_refs copy = {3, x.atom, 0};
    struct nx_span plain;
    nx_same_learn_payload(&x.same, &copy, nx_span_str("R\2"), nx_span_str("w\3foo"));
    assert_false(nx_same_payload(&x.same, &copy, nx_span_str("R\2"), &plain));
    nx_same_learn_payload(&x.same, NULL, nx_span_str("R\2"), nx_span_str("w\3foo"));
    assert_false(nx_same_payload(&x.same, NULL, nx_span_str("R\2"), &plain));
    end(&x);
}

static void without_memory_or_where_it_is_long_no_payload_is_learned(void **state)
{
    static uint8_t bytes[9000];
    (void)state;
    for (size_t k = 1; k < 3; k++) {
        struct fixture x;
        begin_known(&x);
        x.t.fail_at = x.t.calls + k;
        nx_same_learn_payload(&x.same, &x.frame.refs, nx_span_str("R\2"), nx_span_str("w\3foo"));
        assert_int_equal(x.t.failed, 1);
        assert_false(knows(&x, "R\2", ""));
        nx_same_learn_payload(&x.same, &x.frame.refs, nx_span_str("R\2"), nx_span_str("w\3foo"));
        assert_true(knows(&x, "R\2", "w\3foo"));
        nx_same_learn_payload(&x.same, &x.frame.refs, nx_span(bytes, 3000), nx_span(bytes, 10));
        assert_false(knows(&x, "R\2", ""));
        nx_same_learn_payload(&x.same, &x.frame.refs, nx_span_str("j"), nx_span(bytes, 9000));
        assert_false(knows(&x, "j", ""));
        end(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_of_one_version_is_learned_and_then_read_with_its_own_numbers),
        cmocka_unit_test(under_another_version_nothing_is_known),
        cmocka_unit_test(whatever_else_differs_is_read_anew),
        cmocka_unit_test(a_frame_that_is_cut_or_has_no_payload_is_read_anew),
        cmocka_unit_test(what_is_no_usual_down_is_never_learned),
        cmocka_unit_test(a_payload_is_known_by_its_bytes_and_version),
        cmocka_unit_test(of_copied_references_no_payload_is_learned),
        cmocka_unit_test(without_memory_or_where_it_is_long_no_payload_is_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
