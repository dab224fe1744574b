/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lookup.h"
#include "cmocka_all.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A session on a library and a clock that the test plays; what is reported and asked for is noted,
 * one line each, in the order it happens. */
struct stage {
    struct session s;
    struct session_plan plan;
    struct console console;
    struct target_list list;
    struct text notes;
    uint64_t now_us;
    noex_monitor_id next_id;
    int monitor_result;
    int connect_result;
    int rpc_result;
    int null_fd;
    noex_monitor_id ids[8]; /* last id of each target, by its place */
    noex_call_id calls[8];  /* the same, of asking for it */
    char shown[2][160];     /* the last monitor that was told, and the last end of one */
};
static struct stage *on_stage;

static void note(const char *what, const char *subject, const char *detail)
{
    text_printf(&on_stage->notes, "%s %s%s%s\n", what, subject, *detail ? " " : "", detail);
}

static int play_connect(noex_node *node, const char *peer, enum noex_connect_flags flags)
{
    (void)node;
    note("(connect)", peer, flags == NOEX_CONNECT_KEEP ? "keep" : "once");
    return on_stage->connect_result;
}

static int play_monitor(noex_node *node, const struct noex_target *target, uint64_t timeout_ms,
                        void *user, noex_monitor_id *id)
{
    (void)node;
    (void)timeout_ms;
    struct watched *t = user;
    char creation[32] = "";
    if (target->pid.creation)
        snprintf(creation, sizeof creation, "creation %u", target->pid.creation);
    note("(monitor)", t->text, creation);
    *id = ++on_stage->next_id;
    on_stage->ids[t - on_stage->s.targets] = *id;
    return on_stage->monitor_result;
}

static int play_rpc(noex_node *node, const char *peer, const char *module, const char *function,
                    struct noex_term args, uint64_t timeout_ms, void *user, noex_call_id *id)
{
    (void)node;
    char text[128], printed[64];
    struct watched *t = user;
    assert_true(noex_term_print(args, NULL, printed, sizeof printed, NULL) > 0);
    snprintf(text, sizeof text, "%s:%s(%s) %u ms", module, function, printed, (unsigned)timeout_ms);
    note("(ask)", peer, text);
    *id = ++on_stage->next_id;
    on_stage->calls[t - on_stage->s.targets] = *id;
    return on_stage->rpc_result;
}

static uint64_t play_now(void)
{
    return on_stage->now_us;
}

static const struct session_ops ops = {play_connect, play_monitor, play_rpc, play_now};

/* What a consumer is told to recognise a monitor by. */
static void show(const struct report *r)
{
    char pid[64];
    const struct noex_target *what = r->what;
    noex_pid_text(&what->pid, pid, sizeof pid);
    snprintf(on_stage->shown[r->kind == REPORT_PROCESS_DOWN], sizeof on_stage->shown[0],
             "%" PRIu64 " %s at %s%s%s", r->monitor,
             what->kind == NOEX_TARGET_PID ? pid : what->name, what->node, r->node ? " on " : "",
             r->node ? r->node : "");
}

static void note_report(struct output *self, const struct report *r, struct text *out)
{
    (void)self;
    (void)out;
    char detail[128] = "";
    const char *what = "?";
    switch (r->kind) {
    case REPORT_NODE_UP:
        what = "node_up";
        break;
    case REPORT_NODE_DOWN:
        what = "node_down";
        break;
    case REPORT_MONITOR:
        what = "monitor";
        show(r);
        break;
    case REPORT_PROCESS_DOWN:
        what = "process_down";
        show(r);
        snprintf(detail, sizeof detail, "%s %s", r->reason, r->origin ? "local" : "peer");
        break;
    case REPORT_PROCESS_UP:
        what = "process_up";
        snprintf(detail, sizeof detail, "gap %u downs %u", (unsigned)r->gap_ms, (unsigned)r->downs);
        break;
    case REPORT_RECONNECT:
        what = "reconnect";
        break;
    case REPORT_TICK_MISSED:
        what = "tick_missed";
        break;
    case REPORT_ERROR:
        what = "error";
        snprintf(detail, sizeof detail, "%s", r->code);
        break;
    case REPORT_PONG:
        what = "pong";
        break;
    case REPORT_NAME:
    case REPORT_RESULT:
    case REPORT_VERDICT:
        break;
    }
    note(what, r->target ? r->target : r->node, detail);
}

static int stay(struct session *s)
{
    (void)s;
    return SESSION_ON;
}

static enum exit_code stop(struct session *s, enum session_stop cause)
{
    (void)cause;
    return session_code(s);
}

static const struct session_plan watch_plan = {
    .keep = true,
    .rearm = true,
    .ends_on_refusal = true,
    .prints = REPORT_NODE_UP | REPORT_NODE_DOWN | REPORT_MONITOR | REPORT_PROCESS_DOWN |
              REPORT_PROCESS_UP | REPORT_RECONNECT | REPORT_TICK_MISSED,
    .turn = stay,
    .stopped = stop,
};

static void begin(struct stage *st, struct session_plan plan, const char *targets)
{
    char copy[256];
    struct failure why;
    *st = (struct stage){.plan = plan, .now_us = 1000000};
    on_stage = st;
    st->null_fd = open("/dev/null", O_WRONLY);
    st->console.output.line = note_report;
    st->console.err = writer_new(st->null_fd, 1 << 20);
    assert_non_null(st->console.err);
    snprintf(copy, sizeof copy, "%s", targets);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        assert_int_equal(targets_add(&st->list, word, &why), 0);
    assert_int_equal(session_init(&st->s, &ops, &st->plan, &st->console, &st->list, &why), 0);
    session_start(&st->s, NULL);
}

static void end(struct stage *st)
{
    session_free(&st->s);
    targets_free(&st->list);
    text_free(&st->notes);
    text_free(&st->console.line);
    writer_free(st->console.err);
    close(st->null_fd);
}

/* What was noted since the last time. */
static void assert_notes(struct stage *st, const char *expected)
{
    text_add(&st->notes, "", 1);
    assert_string_equal(st->notes.ptr, expected);
    text_clear(&st->notes);
}

static void node_event(struct stage *st, enum noex_event_type type, const char *node, int error)
{
    struct noex_error detail = {.code = error};
    snprintf(detail.text, sizeof detail.text, "%s", noex_error_text(error));
    session_event(&st->s, &(struct noex_event){.type = type, .node = node, .error = &detail});
}

static void up(struct stage *st, const char *node)
{
    node_event(st, NOEX_EVENT_NODE_UP, node, 0);
}

static void monitor_event(struct stage *st, struct noex_event ev, size_t place)
{
    struct watched *t = &st->s.targets[place];
    struct noex_target target = t->what;
    target.pid.creation = target.kind == NOEX_TARGET_PID ? 77 : 0;
    ev.monitor = st->ids[place];
    ev.monitor_user = t;
    ev.node = target.node;
    ev.target = &target;
    session_event(&st->s, &ev);
}

static void established(struct stage *st, size_t place)
{
    monitor_event(st, (struct noex_event){.type = NOEX_EVENT_MONITOR_UP}, place);
}

static void down(struct stage *st, size_t place, enum noex_reason_type reason)
{
    static const uint8_t term[] = {119, 1, 'x'};
    monitor_event(st,
                  (struct noex_event){.type = NOEX_EVENT_MONITOR_DOWN,
                                      .reason = reason,
                                      .term = term,
                                      .term_len = sizeof term,
                                      .term_full_len = sizeof term},
                  place);
}

static void lost(struct stage *st, size_t place)
{
    monitor_event(st,
                  (struct noex_event){.type = NOEX_EVENT_MONITOR_DOWN,
                                      .reason = NOEX_REASON_NOCONNECTION,
                                      .origin = NOEX_ORIGIN_LOCAL},
                  place);
}

static void failed(struct stage *st, size_t place, int error)
{
    struct noex_error detail = {.code = error};
    snprintf(detail.text, sizeof detail.text, "%s", noex_error_text(error));
    monitor_event(st, (struct noex_event){.type = NOEX_EVENT_MONITOR_FAILED, .error = &detail},
                  place);
}

static void call_event(struct stage *st, size_t place, struct noex_event ev)
{
    ev.call = st->calls[place];
    ev.call_user = &st->s.targets[place];
    ev.node = st->s.targets[place].peer->node;
    session_event(&st->s, &ev);
}

/* The node answers who has the name of global: a term in Erlang's text, or a pid of `node`. */
static void answer(struct stage *st, size_t place, const char *text, const char *node, uint32_t id)
{
    const struct noex_pid pid = {id, 0, 77};
    struct noex_term term;
    noex_builder *b;
    assert_int_equal(noex_builder_new(&b, NULL), 0);
    if (text)
        assert_int_equal(noex_build_text(b, text, NULL), 0);
    else
        assert_int_equal(noex_build_pid(b, node, &pid), 0);
    assert_int_equal(noex_builder_term(b, &term), 0);
    call_event(st, place,
               (struct noex_event){.type = NOEX_EVENT_REPLY,
                                   .term = term.bytes,
                                   .term_len = term.len,
                                   .term_full_len = term.len});
    noex_builder_free(b);
}

static void nobody_has(struct stage *st, size_t place)
{
    answer(st, place, "undefined", NULL, 0);
}

static void process_has(struct stage *st, size_t place, const char *node, uint32_t id)
{
    answer(st, place, NULL, node, id);
}

static void unanswered(struct stage *st, size_t place, int error)
{
    struct noex_error detail = {.code = error};
    snprintf(detail.text, sizeof detail.text, "%s", noex_error_text(error));
    call_event(st, place, (struct noex_event){.type = NOEX_EVENT_CALL_FAILED, .error = &detail});
}

static int turn_after(struct stage *st, uint64_t ms)
{
    st->now_us += ms * 1000;
    return session_turn(&st->s);
}

static void turn(struct stage *st)
{
    assert_int_equal(turn_after(st, 0), SESSION_ON);
}

/* One target, alive. */
static void begin_alive(struct stage *st, struct session_plan plan, const char *target)
{
    begin(st, plan, target);
    up(st, st->s.targets[0].what.node);
    turn(st);
    established(st, 0);
    turn(st);
    text_clear(&st->notes);
}

static void each_node_is_connected_once_and_its_targets_monitored_when_it_is_up(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "b@h/x a@h/y b@h/z b@h");
    assert_notes(&st, "(connect) a@h keep\n(connect) b@h keep\n");
    turn(&st);
    assert_notes(&st, "");
    up(&st, "b@h");
    turn(&st);
    assert_notes(&st, "node_up b@h\n(monitor) b@h/x\n(monitor) b@h/z\n(monitor) b@h\n");
    established(&st, 0);
    established(&st, 3);
    turn(&st);
    assert_notes(&st, "monitor b@h/x\n");
    assert_int_equal(session_code(&st.s), CODE_SILENCE);
    end(&st);
}

static void a_port_says_how_to_reach_a_node_not_which_one_it_is(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h:4370/x ab@h/y a@h/z");
    assert_notes(&st, "(connect) a@h:4370 keep\n(connect) ab@h keep\n");
    up(&st, "a@h");
    turn(&st);
    assert_notes(&st, "node_up a@h:4370\n(monitor) a@h:4370/x\n(monitor) a@h/z\n");
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h:4370", NOEX_ECLOSED);
    assert_notes(&st, "node_down a@h:4370\n");
    end(&st);
}

static void a_noproc_with_the_confirmation_is_absent_and_tried_again_silently(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/x");
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    down(&st, 0, NOEX_REASON_NOPROC);
    turn(&st);
    assert_notes(&st, "(connect) a@h keep\nnode_up a@h\n(monitor) a@h/x\nmonitor a@h/x\n"
                      "process_down a@h/x noproc peer\n(monitor) a@h/x\n");
    assert_int_equal(session_code(&st.s), CODE_DOWN);
    established(&st, 0);
    down(&st, 0, NOEX_REASON_NOPROC);
    turn(&st);
    assert_notes(&st, "");
    turn_after(&st, 10);
    assert_notes(&st, "(monitor) a@h/x\n");
    st.now_us += 490000;
    established(&st, 0);
    turn(&st);
    assert_notes(&st, "process_up a@h/x gap 500 downs 1\nmonitor a@h/x\n");
    assert_int_equal(session_code(&st.s), CODE_WELL);
    end(&st);
}

static void attempts_are_10_ms_apart_at_first_and_1_s_at_last(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/x");
    down(&st, 0, NOEX_REASON_KILLED);
    assert_int_equal(session_wait_ms(&st.s, 9999), 0);
    turn(&st);
    uint64_t full = 10;
    for (int i = 0; i < 12; i++) {
        established(&st, 0);
        down(&st, 0, NOEX_REASON_NOPROC);
        turn(&st);
        uint64_t wait = session_wait_ms(&st.s, 9999);
        assert_true(wait >= full * 3 / 4 && wait <= full);
        assert_int_equal(turn_after(&st, wait), SESSION_ON);
        full = full * 2 < 1000 ? full * 2 : 1000;
    }
    assert_int_equal(st.s.targets[0].downs, 1);
    end(&st);
}

static void a_name_that_comes_back_and_goes_at_once_is_told_as_up_and_down(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/x");
    down(&st, 0, NOEX_REASON_NORMAL);
    turn(&st);
    established(&st, 0);
    down(&st, 0, NOEX_REASON_SHUTDOWN);
    turn(&st);
    assert_notes(&st, "process_down a@h/x normal peer\n(monitor) a@h/x\n"
                      "process_up a@h/x gap 0 downs 1\nmonitor a@h/x\n"
                      "process_down a@h/x shutdown peer\n");
    /* What dies as soon as it lives is not tried again at once, and again and again. */
    assert_int_equal(turn_after(&st, 10), SESSION_ON);
    assert_notes(&st, "(monitor) a@h/x\n");
    assert_int_equal(st.s.targets[0].downs, 2);
    end(&st);
}

static void a_noproc_in_a_later_turn_is_an_ending_of_its_own(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/x");
    down(&st, 0, NOEX_REASON_NOPROC);
    turn(&st);
    assert_notes(&st, "process_down a@h/x noproc peer\n(monitor) a@h/x\n");
    assert_int_equal(session_code(&st.s), CODE_DOWN);
    end(&st);
}

static void a_lost_connection_leaves_targets_unknown_and_does_not_count(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/x");
    lost(&st, 0);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    node_event(&st, NOEX_EVENT_RECONNECT, "a@h", 0);
    turn(&st);
    assert_notes(&st, "process_down a@h/x noconnection local\nnode_down a@h\nreconnect a@h\n");
    assert_int_equal(session_code(&st.s), CODE_REACH);
    assert_int_equal(turn_after(&st, 5000), SESSION_ON);
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    turn(&st);
    assert_notes(&st, "node_up a@h\n(monitor) a@h/x\nmonitor a@h/x\n");
    assert_int_equal(st.s.targets[0].downs, 0);
    end(&st);
}

static void process_up_after_a_reconnect_comes_only_if_it_was_gone_before(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/x");
    down(&st, 0, NOEX_REASON_KILLED);
    turn(&st);
    failed(&st, 0, NOEX_ENOTREACHABLE);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    turn(&st);
    assert_notes(&st, "process_down a@h/x killed peer\n(monitor) a@h/x\nnode_down a@h\n");
    assert_int_equal(turn_after(&st, 3000), SESSION_ON);
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    turn(&st);
    assert_notes(&st, "node_up a@h\n(monitor) a@h/x\nprocess_up a@h/x gap 3000 downs 1\n"
                      "monitor a@h/x\n");
    end(&st);
}

static void a_pid_is_not_tried_again_after_its_end(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/<0.5.0>");
    down(&st, 0, NOEX_REASON_NORMAL);
    assert_int_equal(turn_after(&st, 60000), SESSION_ON);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    up(&st, "a@h");
    turn(&st);
    assert_notes(&st, "process_down a@h/<0.5.0> normal peer\nnode_down a@h\nnode_up a@h\n");
    assert_int_equal(session_code(&st.s), CODE_DOWN);
    end(&st);
}

static void a_pid_is_monitored_after_a_loss_in_the_incarnation_it_had(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/<0.5.0>");
    lost(&st, 0);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    up(&st, "a@h");
    turn(&st);
    assert_notes(&st, "process_down a@h/<0.5.0> noconnection local\nnode_down a@h\nnode_up a@h\n"
                      "(monitor) a@h/<0.5.0> creation 77\n");
    end(&st);
}

static void a_node_target_is_lost_and_comes_back_without_process_events(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h");
    assert_int_equal(session_code(&st.s), CODE_WELL);
    lost(&st, 0);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ETICKTIMEOUT);
    assert_int_equal(session_code(&st.s), CODE_SILENCE);
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    turn(&st);
    assert_notes(&st, "node_down a@h\nnode_up a@h\n(monitor) a@h\n");
    assert_int_equal(session_code(&st.s), CODE_WELL);
    end(&st);
}

static void a_refusal_at_first_contact_ends_a_watch_and_a_later_one_does_not(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/x b@h/y");
    node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", NOEX_ECOOKIE);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    end(&st);
    begin_alive(&st, watch_plan, "a@h/x");
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", NOEX_ECOOKIE);
    turn(&st);
    assert_notes(&st, "node_down a@h\nerror a@h NOEX_ECOOKIE\n");
    end(&st);
}

static void an_unreachable_node_is_an_error_event_and_waited_for(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/x");
    node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", NOEX_ENONODE);
    node_event(&st, NOEX_EVENT_RECONNECT, "a@h", 0);
    turn(&st);
    assert_notes(&st, "(connect) a@h keep\nerror a@h NOEX_ENONODE\nreconnect a@h\n");
    assert_int_equal(session_code(&st.s), CODE_REACH);
    node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", NOEX_EHANDSHAKETIMEOUT);
    assert_int_equal(session_code(&st.s), CODE_SILENCE);
    end(&st);
}

static void a_setup_that_fails_is_tried_again_after_a_second(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/x");
    up(&st, "a@h");
    turn(&st);
    failed(&st, 0, NOEX_ESETUPTIMEOUT);
    turn(&st);
    assert_notes(&st, "(connect) a@h keep\nnode_up a@h\n(monitor) a@h/x\n"
                      "error a@h/x NOEX_ESETUPTIMEOUT\n");
    assert_int_equal(session_code(&st.s), CODE_SILENCE);
    assert_int_equal(turn_after(&st, 999), SESSION_ON);
    assert_notes(&st, "");
    assert_int_equal(turn_after(&st, 1), SESSION_ON);
    assert_notes(&st, "(monitor) a@h/x\n");
    end(&st);
}

static void a_peer_that_cannot_monitor_ends_a_watch(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/x");
    up(&st, "a@h");
    turn(&st);
    failed(&st, 0, NOEX_ENOMONITOR);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    end(&st);
}

static void a_broken_protocol_is_told_with_its_cause(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/x");
    lost(&st, 0);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ETERM);
    assert_notes(&st,
                 "process_down a@h/x noconnection local\nnode_down a@h\nerror a@h NOEX_ETERM\n");
    assert_int_equal(session_code(&st.s), CODE_REFUSED);
    end(&st);
}

static void events_of_other_monitors_and_nodes_change_nothing(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, watch_plan, "a@h/x");
    st.ids[0]++;
    down(&st, 0, NOEX_REASON_KILLED);
    established(&st, 0);
    failed(&st, 0, NOEX_ELIMIT);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "c@h", NOEX_ECLOSED);
    turn(&st);
    assert_notes(&st, "");
    assert_int_equal(session_code(&st.s), CODE_WELL);
    end(&st);
}

static void a_monitor_that_the_library_refuses_ends_the_session_with_its_class(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/x");
    st.monitor_result = NOEX_ELIMIT;
    up(&st, "a@h");
    assert_int_equal(turn_after(&st, 0), CODE_INTERNAL);
    assert_notes(&st,
                 "(connect) a@h keep\nnode_up a@h\n(monitor) a@h/x\nerror a@h/x NOEX_ELIMIT\n");
    end(&st);
}

static void at_the_deadline_the_last_state_counts(void **state)
{
    (void)state;
    struct stage st;
    struct session_plan plan = watch_plan;
    plan.total_ms = 2000;
    begin(&st, plan, "a@h/x a@h/y b@h/z");
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    established(&st, 1);
    assert_int_equal(turn_after(&st, 1000), SESSION_ON);
    assert_int_equal(session_wait_ms(&st.s, 9999), 1000);
    down(&st, 1, NOEX_REASON_NORMAL);
    assert_int_equal(turn_after(&st, 1000), CODE_SILENCE);
    end(&st);
}

/* check and ping */

static int until_decided(struct session *s)
{
    return s->in_state[WATCH_PENDING] ? SESSION_ON : (int)session_code(s);
}

static enum exit_code give_up(struct session *s, enum session_stop cause)
{
    session_give_up_pending(s, cause);
    return session_code(s);
}

static const struct session_plan check_plan = {
    .prints = REPORT_MONITOR | REPORT_PROCESS_DOWN | REPORT_PONG,
    .total_ms = 10000,
    .turn = until_decided,
    .stopped = give_up,
};

static void a_check_ends_when_all_is_decided(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, check_plan, "a@h/x a@h a@h/y");
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    established(&st, 1);
    turn(&st);
    established(&st, 2);
    assert_int_equal(turn_after(&st, 0), CODE_WELL);
    assert_notes(&st, "(connect) a@h once\n(monitor) a@h/x\n(monitor) a@h\n(monitor) a@h/y\n"
                      "monitor a@h/x\npong a@h\nmonitor a@h/y\n");
    assert_string_equal(watched_word(&st.s.targets[0]), "alive");
    end(&st);
}

static void a_check_finds_the_absent_the_unreachable_and_the_silent(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, check_plan, "a@h/x b@h/y c@h/z");
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    down(&st, 0, NOEX_REASON_NOPROC);
    node_event(&st, NOEX_EVENT_CONNECT_FAILED, "b@h", NOEX_ECONNREFUSED);
    turn(&st);
    text_clear(&st.notes);
    assert_int_equal(turn_after(&st, 10000), CODE_REACH);
    assert_notes(&st, "error c@h/z NOEX_ESETUPTIMEOUT\n");
    static const char *const words[] = {"absent", "unreachable", "timeout"};
    static const char *const causes[] = {"noproc", "connection refused", "monitor setup timed out"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(watched_word(&st.s.targets[i]), words[i]);
        assert_string_equal(watched_cause(&st.s.targets[i]), causes[i]);
    }
    end(&st);
}

static void a_check_whose_node_goes_before_it_was_asked_does_not_wait(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, check_plan, "a@h/x");
    up(&st, "a@h");
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    assert_int_equal(turn_after(&st, 0), CODE_REACH);
    assert_notes(&st, "(connect) a@h once\nerror a@h NOEX_ECLOSED\n");
    end(&st);
}

static void garbage_while_a_monitor_is_set_up_is_told_once_and_as_what_it_is(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, check_plan, "a@h");
    up(&st, "a@h");
    turn(&st);
    failed(&st, 0, NOEX_ENOTREACHABLE);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ETERM);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    assert_notes(&st, "(connect) a@h once\n(monitor) a@h\nerror a@h NOEX_ETERM\n");
    end(&st);
}

static void a_node_that_refuses_is_the_verdict_of_all_its_targets(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, check_plan, "a@h/x a@h/y");
    node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", NOEX_ECOOKIE);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    assert_notes(&st, "(connect) a@h once\nerror a@h NOEX_ECOOKIE\n");
    assert_string_equal(watched_word(&st.s.targets[1]), "refused");
    assert_string_equal(watched_cause(&st.s.targets[1]), "cookies differ");
    end(&st);
}

static void ones_own_name_is_no_node_to_connect_to(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, check_plan, "a@h");
    st.connect_result = NOEX_EINVALID;
    session_start(&st.s, NULL);
    assert_int_equal(turn_after(&st, 0), CODE_USAGE);
    end(&st);
}

/* wait-down */

static int until_gone(struct session *s)
{
    return s->in_state[WATCH_DOWN] + s->in_state[WATCH_ABSENT] == s->count ? 0 : SESSION_ON;
}

static const struct session_plan wait_down_plan = {
    .keep = true,
    .ends_on_refusal = true,
    .awaits_end = true,
    .prints = REPORT_NODE_DOWN | REPORT_PROCESS_DOWN,
    .turn = until_gone,
    .stopped = stop,
};

static void a_loss_does_not_satisfy_wait_down_and_a_noproc_does(void **state)
{
    (void)state;
    struct stage st;
    begin_alive(&st, wait_down_plan, "a@h/x");
    lost(&st, 0);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    turn(&st);
    node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", NOEX_ENONODE);
    turn(&st);
    up(&st, "a@h");
    turn(&st);
    established(&st, 0);
    down(&st, 0, NOEX_REASON_NOPROC);
    assert_int_equal(turn_after(&st, 0), CODE_WELL);
    assert_notes(&st, "process_down a@h/x noconnection local\nnode_down a@h\n"
                      "error a@h NOEX_ENONODE\n(monitor) a@h/x\nprocess_down a@h/x noproc peer\n");
    end(&st);
}

static void a_node_is_down_when_nobody_knows_it_any_more(void **state)
{
    (void)state;
    static const int ends[] = {NOEX_ENONODE, NOEX_ECONNREFUSED};
    for (size_t i = 0; i < 2; i++) {
        struct stage st;
        begin_alive(&st, wait_down_plan, "a@h");
        lost(&st, 0);
        node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
        node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", NOEX_EHANDSHAKETIMEOUT);
        turn(&st);
        node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", ends[i]);
        assert_int_equal(turn_after(&st, 0), CODE_WELL);
        assert_notes(&st, "node_down a@h\nerror a@h NOEX_EHANDSHAKETIMEOUT\n");
        end(&st);
        begin(&st, wait_down_plan, "a@h");
        node_event(&st, NOEX_EVENT_CONNECT_FAILED, "a@h", ends[i]);
        assert_int_equal(turn_after(&st, 0), CODE_WELL);
        assert_notes(&st, "(connect) a@h keep\nnode_down a@h\n");
        end(&st);
    }
}

/* names of global */

static const char ask_x[] = "(ask) a@h global:whereis_name([x]) 500 ms\n";

/* Asked, and nothing else; what was noted before is taken. */
static void begin_asking(struct stage *st, struct session_plan plan)
{
    plan.setup_ms = 500;
    begin(st, plan, "a@h/global:x");
    up(st, "a@h");
    text_clear(&st->notes);
    turn(st);
    assert_notes(st, ask_x);
}

/* Alive on another node, and told. */
static void begin_global(struct stage *st, struct session_plan plan)
{
    begin_asking(st, plan);
    process_has(st, 0, "b@h", 5);
    established(st, 0);
    turn(st);
    text_clear(&st->notes);
}

static void a_name_of_global_is_asked_for_and_its_process_monitored_where_it_lives(void **state)
{
    (void)state;
    struct stage st;
    begin_asking(&st, watch_plan);
    assert_int_equal(session_code(&st.s), CODE_SILENCE);
    process_has(&st, 0, "b@h", 5);
    established(&st, 0);
    turn(&st);
    assert_notes(&st, "(monitor) a@h/global:x creation 77\nmonitor a@h/global:x\n");
    assert_string_equal(st.shown[0], "2 <0.5.0> at b@h on b@h");
    assert_int_equal(session_code(&st.s), CODE_WELL);
    down(&st, 0, NOEX_REASON_KILLED);
    assert_notes(&st, "process_down a@h/global:x killed peer\n");
    assert_string_equal(st.shown[1], "2 <0.5.0> at b@h");
    assert_int_equal(session_code(&st.s), CODE_DOWN);
    end(&st);
}

static void a_name_that_nobody_has_looks_like_one_that_is_not_registered(void **state)
{
    (void)state;
    struct stage st;
    begin_asking(&st, watch_plan);
    nobody_has(&st, 0);
    assert_notes(&st, "monitor a@h/global:x\nprocess_down a@h/global:x noproc peer\n");
    assert_string_equal(st.shown[0], "18446744073709551615 global:x at a@h");
    assert_string_equal(st.shown[1], st.shown[0]);
    assert_int_equal(session_code(&st.s), CODE_DOWN);
    assert_string_equal(watched_word(&st.s.targets[0]), "absent");
    assert_string_equal(watched_cause(&st.s.targets[0]), "noproc");
    turn(&st);
    assert_notes(&st, ask_x); /* at once, then from 10 ms on, as for names */
    nobody_has(&st, 0);
    assert_int_equal(turn_after(&st, 7), SESSION_ON);
    assert_notes(&st, "");
    assert_int_equal(turn_after(&st, 3), SESSION_ON);
    assert_notes(&st, ask_x);
    process_has(&st, 0, "b@h", 5);
    established(&st, 0);
    turn(&st);
    assert_notes(&st, "(monitor) a@h/global:x creation 77\nprocess_up a@h/global:x gap 10 downs 1\n"
                      "monitor a@h/global:x\n");
    end(&st);
}

static void no_two_absences_have_one_id(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/global:x a@h/global:y");
    up(&st, "a@h");
    turn(&st);
    nobody_has(&st, 0);
    assert_string_equal(st.shown[1], "18446744073709551615 global:x at a@h");
    nobody_has(&st, 1);
    assert_string_equal(st.shown[1], "18446744073709551614 global:y at a@h");
    end(&st);
}

static void a_name_of_global_that_moves_is_up_on_its_new_node(void **state)
{
    (void)state;
    struct stage st;
    begin_global(&st, watch_plan);
    st.now_us += 500000;
    down(&st, 0, NOEX_REASON_SHUTDOWN);
    turn(&st);
    text_clear(&st.notes);
    /* Its node has not heard of the end yet. */
    process_has(&st, 0, "b@h", 5);
    established(&st, 0);
    down(&st, 0, NOEX_REASON_NOPROC);
    assert_int_equal(turn_after(&st, 10), SESSION_ON);
    assert_notes(&st,
                 "(monitor) a@h/global:x creation 77\n(ask) a@h global:whereis_name([x]) 500 ms\n");
    process_has(&st, 0, "c@h", 9);
    established(&st, 0);
    turn(&st);
    assert_notes(&st, "(monitor) a@h/global:x creation 77\nprocess_up a@h/global:x gap 10 downs 1\n"
                      "monitor a@h/global:x\n");
    assert_string_equal(st.shown[0], "6 <0.9.0> at c@h on c@h");
    end(&st);
}

static void when_the_node_of_its_process_is_lost_a_name_is_unknown_and_asked_for_again(void **state)
{
    (void)state;
    struct stage st;
    begin_global(&st, watch_plan);
    lost(&st, 0);
    turn(&st);
    assert_notes(&st, "process_down a@h/global:x noconnection local\n");
    assert_int_equal(session_code(&st.s), CODE_REACH);
    assert_int_equal(turn_after(&st, 10), SESSION_ON);
    assert_notes(&st, ask_x);
    /* Its node still says so, though that one cannot be reached: nothing new. */
    process_has(&st, 0, "b@h", 5);
    failed(&st, 0, NOEX_ECONNREFUSED);
    assert_int_equal(turn_after(&st, 999), SESSION_ON);
    assert_notes(&st, "(monitor) a@h/global:x creation 77\n");
    assert_int_equal(session_code(&st.s), CODE_REACH);
    assert_int_equal(turn_after(&st, 1), SESSION_ON);
    assert_notes(&st, ask_x);
    nobody_has(&st, 0);
    assert_notes(&st, "monitor a@h/global:x\nprocess_down a@h/global:x noproc peer\n");
    end(&st);
}

static void a_process_is_watched_on_though_the_node_that_knew_its_name_is_lost(void **state)
{
    (void)state;
    struct stage st;
    begin_global(&st, watch_plan);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    turn(&st);
    assert_int_equal(session_code(&st.s), CODE_WELL);
    up(&st, "a@h");
    turn(&st);
    assert_notes(&st, "node_down a@h\nnode_up a@h\n");
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    down(&st, 0, NOEX_REASON_KILLED);
    assert_int_equal(turn_after(&st, 5000), SESSION_ON);
    assert_notes(&st, "node_down a@h\nprocess_down a@h/global:x killed peer\n");
    up(&st, "a@h");
    turn(&st);
    assert_notes(&st, "node_up a@h\n(ask) a@h global:whereis_name([x]) 500 ms\n");
    end(&st);
}

static void a_node_that_goes_while_it_is_asked_is_asked_again_when_it_is_back(void **state)
{
    (void)state;
    struct stage st;
    begin_asking(&st, watch_plan);
    unanswered(&st, 0, NOEX_ENOTREACHABLE);
    node_event(&st, NOEX_EVENT_NODE_DOWN, "a@h", NOEX_ECLOSED);
    assert_notes(&st, "error a@h/global:x NOEX_ENOTREACHABLE\nnode_down a@h\n");
    assert_int_equal(session_code(&st.s), CODE_REACH);
    assert_int_equal(turn_after(&st, 5000), SESSION_ON);
    assert_notes(&st, "");
    up(&st, "a@h");
    turn(&st);
    assert_notes(&st, "node_up a@h\n(ask) a@h global:whereis_name([x]) 500 ms\n");
    end(&st);
}

static void a_process_on_a_node_that_cannot_be_reached_is_told_once(void **state)
{
    (void)state;
    struct stage st;
    begin_asking(&st, watch_plan);
    for (int i = 0; i < 3; i++) {
        process_has(&st, 0, "b@h", 5);
        failed(&st, 0, NOEX_ENONODE);
        assert_int_equal(turn_after(&st, 1000), SESSION_ON);
    }
    assert_notes(&st, "(monitor) a@h/global:x creation 77\nerror a@h/global:x NOEX_ENONODE\n"
                      "(ask) a@h global:whereis_name([x]) 500 ms\n"
                      "(monitor) a@h/global:x creation 77\n"
                      "(ask) a@h global:whereis_name([x]) 500 ms\n"
                      "(monitor) a@h/global:x creation 77\n"
                      "(ask) a@h global:whereis_name([x]) 500 ms\n");
    process_has(&st, 0, "b@h", 5);
    failed(&st, 0, NOEX_ECONNREFUSED);
    assert_notes(&st, "(monitor) a@h/global:x creation 77\nerror a@h/global:x NOEX_ECONNREFUSED\n");
    assert_int_equal(session_code(&st.s), CODE_REACH);
    end(&st);
}

static void
a_node_that_runs_no_functions_ends_a_watch_and_one_that_answers_nonsense_too(void **state)
{
    (void)state;
    struct stage st;
    begin_asking(&st, watch_plan);
    unanswered(&st, 0, NOEX_ENOTSUP);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    end(&st);
    static const char *const answers[] = {"{badrpc,nodedown}", "\"undefined\"", "[]"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        begin_asking(&st, watch_plan);
        answer(&st, 0, answers[i], NULL, 0);
        assert_notes(&st, "error a@h/global:x NOEX_EPID\n");
        assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
        end(&st);
    }
    char long_name[LOOKUP_NODE_SIZE + 2] = "";
    while (strlen(long_name) < LOOKUP_NODE_SIZE)
        strcat(long_name, "\xc3\xa9");
    begin_asking(&st, watch_plan);
    process_has(&st, 0, long_name, 5);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    end(&st);
    begin_asking(&st, watch_plan);
    st.monitor_result = NOEX_EINVALID; /* the name of this program's own node */
    process_has(&st, 0, "b@h", 5);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    end(&st);
}

static void what_the_library_refuses_ends_the_session_with_its_class(void **state)
{
    (void)state;
    struct stage st;
    begin(&st, watch_plan, "a@h/global:x");
    st.rpc_result = NOEX_ENOMEM;
    up(&st, "a@h");
    assert_int_equal(turn_after(&st, 0), CODE_INTERNAL);
    end(&st);
    begin_asking(&st, watch_plan);
    st.monitor_result = NOEX_ELIMIT;
    process_has(&st, 0, "b@h", 5);
    assert_int_equal(turn_after(&st, 0), CODE_INTERNAL);
    end(&st);
}

static void a_check_of_a_name_of_global_ends_with_the_answer(void **state)
{
    (void)state;
    struct stage st;
    begin_asking(&st, check_plan);
    nobody_has(&st, 0);
    assert_int_equal(turn_after(&st, 0), CODE_DOWN);
    end(&st);
    begin_asking(&st, check_plan);
    process_has(&st, 0, "b@h", 5);
    failed(&st, 0, NOEX_ECOOKIE);
    assert_int_equal(turn_after(&st, 0), CODE_REFUSED);
    end(&st);
    begin_asking(&st, check_plan);
    process_has(&st, 0, "b@h", 5);
    established(&st, 0);
    assert_int_equal(turn_after(&st, 0), CODE_WELL);
    end(&st);
    begin_asking(&st, check_plan);
    text_clear(&st.notes);
    assert_int_equal(turn_after(&st, 10000), CODE_SILENCE);
    assert_notes(&st, "error a@h/global:x NOEX_ESETUPTIMEOUT\n");
    end(&st);
}

static void wait_down_has_a_name_of_global_when_nobody_has_it(void **state)
{
    (void)state;
    struct stage st;
    begin_global(&st, wait_down_plan);
    lost(&st, 0);
    assert_int_equal(turn_after(&st, 10), SESSION_ON);
    nobody_has(&st, 0);
    assert_int_equal(turn_after(&st, 0), CODE_WELL);
    end(&st);
    begin_global(&st, wait_down_plan);
    down(&st, 0, NOEX_REASON_NORMAL);
    assert_int_equal(turn_after(&st, 0), CODE_WELL);
    end(&st);
}

static void an_answer_that_nobody_waits_for_changes_nothing(void **state)
{
    (void)state;
    struct stage st;
    begin_global(&st, watch_plan);
    nobody_has(&st, 0);
    st.calls[0]++;
    unanswered(&st, 0, NOEX_ENOTSUP);
    turn(&st);
    assert_notes(&st, "");
    assert_int_equal(session_code(&st.s), CODE_WELL);
    end(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_node_is_connected_once_and_its_targets_monitored_when_it_is_up),
        cmocka_unit_test(a_port_says_how_to_reach_a_node_not_which_one_it_is),
        cmocka_unit_test(a_noproc_with_the_confirmation_is_absent_and_tried_again_silently),
        cmocka_unit_test(attempts_are_10_ms_apart_at_first_and_1_s_at_last),
        cmocka_unit_test(a_name_that_comes_back_and_goes_at_once_is_told_as_up_and_down),
        cmocka_unit_test(a_noproc_in_a_later_turn_is_an_ending_of_its_own),
        cmocka_unit_test(a_lost_connection_leaves_targets_unknown_and_does_not_count),
        cmocka_unit_test(process_up_after_a_reconnect_comes_only_if_it_was_gone_before),
        cmocka_unit_test(a_pid_is_not_tried_again_after_its_end),
        cmocka_unit_test(a_pid_is_monitored_after_a_loss_in_the_incarnation_it_had),
        cmocka_unit_test(a_node_target_is_lost_and_comes_back_without_process_events),
        cmocka_unit_test(a_refusal_at_first_contact_ends_a_watch_and_a_later_one_does_not),
        cmocka_unit_test(an_unreachable_node_is_an_error_event_and_waited_for),
        cmocka_unit_test(a_setup_that_fails_is_tried_again_after_a_second),
        cmocka_unit_test(a_peer_that_cannot_monitor_ends_a_watch),
        cmocka_unit_test(a_broken_protocol_is_told_with_its_cause),
        cmocka_unit_test(events_of_other_monitors_and_nodes_change_nothing),
        cmocka_unit_test(a_monitor_that_the_library_refuses_ends_the_session_with_its_class),
        cmocka_unit_test(at_the_deadline_the_last_state_counts),
        cmocka_unit_test(a_check_ends_when_all_is_decided),
        cmocka_unit_test(a_check_finds_the_absent_the_unreachable_and_the_silent),
        cmocka_unit_test(a_check_whose_node_goes_before_it_was_asked_does_not_wait),
        cmocka_unit_test(garbage_while_a_monitor_is_set_up_is_told_once_and_as_what_it_is),
        cmocka_unit_test(a_node_that_refuses_is_the_verdict_of_all_its_targets),
        cmocka_unit_test(ones_own_name_is_no_node_to_connect_to),
        cmocka_unit_test(a_loss_does_not_satisfy_wait_down_and_a_noproc_does),
        cmocka_unit_test(a_node_is_down_when_nobody_knows_it_any_more),
        cmocka_unit_test(a_name_of_global_is_asked_for_and_its_process_monitored_where_it_lives),
        cmocka_unit_test(a_name_that_nobody_has_looks_like_one_that_is_not_registered),
        cmocka_unit_test(no_two_absences_have_one_id),
        cmocka_unit_test(a_name_of_global_that_moves_is_up_on_its_new_node),
        cmocka_unit_test(
            when_the_node_of_its_process_is_lost_a_name_is_unknown_and_asked_for_again),
        cmocka_unit_test(a_process_is_watched_on_though_the_node_that_knew_its_name_is_lost),
        cmocka_unit_test(a_node_that_goes_while_it_is_asked_is_asked_again_when_it_is_back),
        cmocka_unit_test(a_process_on_a_node_that_cannot_be_reached_is_told_once),
        cmocka_unit_test(
            a_node_that_runs_no_functions_ends_a_watch_and_one_that_answers_nonsense_too),
        cmocka_unit_test(what_the_library_refuses_ends_the_session_with_its_class),
        cmocka_unit_test(a_check_of_a_name_of_global_ends_with_the_answer),
        cmocka_unit_test(wait_down_has_a_name_of_global_when_nobody_has_it),
        cmocka_unit_test(an_answer_that_nobody_waits_for_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
