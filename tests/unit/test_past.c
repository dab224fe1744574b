/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"
#include "node_bench.h"

/* What goes to processes of a peer's incarnation before the present one. EXIT, UNLINK_ID and its
 * ack close a BEAM's connection there (protocol.md 6.3; for UNLINK_ID see dist.c of OTP 25 to 29,
 * which looks at the sender's node where it means the receiver's). */

static struct bench b;
static struct noex_pid self;
static struct noex_target past;

static void open_with_a_link_to_the_past(void)
{
    bench_default(&b);
    bench_connect(&b, 0);
    past = (struct noex_target){.kind = NOEX_TARGET_PID,
                                .pid = {7, 0, b.beam[0].opts.creation + 1},
                                .node = b.beam[0].name};
    assert_int_equal(noex_process_new(b.node, NULL, &self), 0);
    assert_int_equal(noex_link(b.node, &self, &past), 0);
}

static void close_up_and_well(void)
{
    bench_settle(&b);
    assert_true(fake_beam_is_up(&b.beam[0]));
    assert_int_equal(b.count[DOWN], 0);
    bench_close(&b);
}

static void an_unlink_from_the_past_is_not_sent_and_the_link_can_be_made_again(void **state)
{
    (void)state;
    open_with_a_link_to_the_past();
    for (unsigned n = 1; n <= 3; n++) {
        assert_int_equal(noex_unlink(b.node, &self, &past), 0);
        assert_int_equal(b.node->links.slab.used, 0);
        assert_int_equal(noex_link(b.node, &self, &past), 0);
        bench_settle(&b);
        assert_int_equal(b.beam[0].ops[NX_OP_LINK], n + 1);
    }
    assert_int_equal(b.beam[0].ops[NX_OP_UNLINK_ID], 0);
    close_up_and_well();
}

static void an_end_is_not_told_to_the_past(void **state)
{
    static const uint8_t boom[] = {119, 4, 'b', 'o', 'o', 'm'};
    (void)state;
    open_with_a_link_to_the_past();
    struct noex_term reason = {boom, sizeof boom};
    assert_int_equal(noex_process_exit(b.node, &self, reason), 0);
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_LINK], 1);
    assert_int_equal(b.beam[0].ops[NX_OP_PAYLOAD_EXIT], 0);
    close_up_and_well();
}

/* What a peer says in the name of its own past is not answered there. */
static void an_unlink_by_the_past_is_not_acknowledged(void **state)
{
    uint8_t from[FAKE_TERM], to[FAKE_TERM];
    static const uint8_t one[] = {97, 1};
    (void)state;
    open_with_a_link_to_the_past();
    struct nx_ctrl c = {.op = NX_OP_UNLINK_ID};
    c.arg[NX_ARG_ID] = nx_span(one, sizeof one);
    c.arg[NX_ARG_FROM] =
        fake_pid(b.beam[0].name, past.pid.id, past.pid.serial, past.pid.creation, from);
    c.arg[NX_ARG_TO] = fake_pid(noex_node_name(b.node), self.id, self.serial, self.creation, to);
    fake_beam_send(&b.beam[0], &c, nx_span(NULL, 0));
    bench_settle(&b);
    assert_int_equal(b.node->links.slab.used, 0);
    assert_int_equal(b.beam[0].ops[NX_OP_UNLINK_ID_ACK], 0);
    close_up_and_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unlink_from_the_past_is_not_sent_and_the_link_can_be_made_again),
        cmocka_unit_test(an_end_is_not_told_to_the_past),
        cmocka_unit_test(an_unlink_by_the_past_is_not_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
