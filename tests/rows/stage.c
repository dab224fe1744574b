/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

static int beams_used;

/* The words of NOEX_ROWS_BEAMS: "b1@127.0.0.1:PORT:PID". */
static bool take_beam(struct stage *s)
{
    const char *at = getenv("NOEX_ROWS_BEAMS");
    char word[160];
    int n, count = 0;
    while (at && sscanf(at, "%159s%n", word, &n) == 1) {
        at += n;
        if (count++ < beams_used)
            continue;
        char *pid = strrchr(word, ':');
        assert_non_null(pid);
        *pid = '\0';
        s->b_pid = atol(pid + 1);
        snprintf(s->b_address, sizeof s->b_address, "%.79s", word);
        snprintf(s->b_name, sizeof s->b_name, "%.*s", (int)(strrchr(word, ':') - word), word);
        return true;
    }
    if (getenv("NOEX_ROWS_BEAMS"))
        fail_msg("more BEAMs are needed");
    return false;
}

void stage_take_beam(void)
{
    beams_used++;
}

bool stage_second_beam(char *name, size_t size)
{
    struct stage s;
    if (!getenv("NOEX_ROWS_BEAMS"))
        return false;
    beams_used++;
    take_beam(&s);
    beams_used--;
    snprintf(name, size, "%s", s.b_name);
    return true;
}

void stage_set(struct stage *s)
{
    struct noex_cluster_options o;
    struct noex_options n;
    memset(s, 0, sizeof *s);
    bench_cluster_options(&o, &n, "a");
    if (take_beam(s)) {
        const char *seeds[] = {s->b_address, NULL};
        o.seeds = seeds;
        s->a = bench_cluster_start_with(&s->b, &o, NULL);
        bench_seen(&s->b, s->a, "node_up", 1);
    } else {
        struct bench_cluster *two = bench_cluster_start(&s->b, "two", NULL);
        s->two = two;
        snprintf(s->b_name, sizeof s->b_name, "%s", two->name);
        snprintf(s->b_address, sizeof s->b_address, "%s", two->address);
        s->a = bench_cluster_start_with(&s->b, &o, two);
    }
    s->w = bench_teller(&s->b, s->a, NULL);
}

void stage_clear(struct stage *s)
{
    bench_clusters_free(&s->b);
}

static struct noex_ref spawn(struct stage *s, const char *name)
{
    struct noex_remote_spawn_options o;
    struct outcome out = {.told = 0};
    noex_remote_spawn_options_init(&o);
    o.name = name;
    o.registration = name ? NOEX_REGISTRATION_LOCAL : NOEX_REGISTRATION_NONE;
    o.done = outcome_done;
    o.user = &out;
    if (noex_remote_spawn(s->a->c, "teller", s->b_name, &o, NULL))
        fail_msg("%s", noex_cluster_error(s->a->c)->text);
    if (bench_outcome(&s->b, &out))
        fail_msg("%s", out.text);
    assert_string_equal(out.process.node, s->b_name);
    return out.process;
}

struct noex_ref stage_process(struct stage *s)
{
    return spawn(s, NULL);
}

struct noex_ref stage_named(struct stage *s, const char *name)
{
    return spawn(s, name);
}

noex_op stage_monitor_begin(struct stage *s, const struct noex_target *p, uint64_t timeout_ms,
                            struct outcome *o)
{
    noex_op m = 0;
    memset(o, 0, sizeof *o);
    if (noex_remote_monitor(s->a->c, &s->w, p, timeout_ms, outcome_done, o, &m))
        fail_msg("%s", noex_cluster_error(s->a->c)->text);
    assert_true(m != 0);
    assert_int_equal(o->told, 0);
    return m;
}

noex_op stage_monitor(struct stage *s, const struct noex_ref *p)
{
    const struct noex_target target = noex_ref_target(p);
    struct outcome o;
    noex_op m = stage_monitor_begin(s, &target, 0, &o);
    if (bench_outcome(&s->b, &o))
        fail_msg("%s", o.text);
    assert_true(o.has_target);
    return m;
}

void stage_stop(struct stage *s, const struct noex_ref *p, const char *reason)
{
    char text[200];
    snprintf(text, sizeof text, "{stop, %s}", reason);
    bench_cast(s->a, p, text);
}

void stage_exit(struct stage *s, const struct noex_ref *p, const char *reason)
{
    const struct noex_target target = noex_ref_target(p);
    assert_int_equal(noex_gen_server_exit(s->a->c, &target, bench_term(reason)), 0);
}

const struct seen *stage_down(struct stage *s, unsigned times)
{
    return bench_seen(&s->b, s->a, "process_down", times);
}

void stage_settle(struct stage *s)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    assert_int_equal(bench_call(&s->b, s->a, &target, "{reply, 1}", &o), 0);
    stage_exit(s, &p, "kill");
    bench_clusters_for(&s->b, 20);
}

struct noex_remote_monitor_stats stage_stats(struct stage *s)
{
    struct noex_remote_monitor_stats stats;
    noex_remote_monitor_get_stats(s->a->c, &stats, sizeof stats);
    return stats;
}

void stage_kill_b(struct stage *s)
{
    if (s->two) {
        noex_cluster_free(s->two->c);
        s->two->c = NULL;
        return;
    }
    kill((pid_t)s->b_pid, SIGKILL);
    stage_take_beam();
}

/* Each of its threads; a signal takes its time. */
static bool is_stopped(long pid)
{
    char path[64], state = 'T';
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *d; tasks && (d = readdir(tasks));) {
        char file[352];
        snprintf(file, sizeof file, "%s/%s/stat", path, d->d_name);
        FILE *stat = d->d_name[0] == '.' ? NULL : fopen(file, "r");
        if (stat && fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
            state = '?';
        if (stat)
            fclose(stat);
        if (state != 'T')
            break;
    }
    if (tasks)
        closedir(tasks);
    return state == 'T';
}

void stage_freeze_b(struct stage *s, bool frozen)
{
    static noex_cluster *held;
    if (!s->two) {
        kill((pid_t)s->b_pid, frozen ? SIGSTOP : SIGCONT);
        while (frozen && !is_stopped(s->b_pid))
            nanosleep(&(struct timespec){0, 1000000}, NULL);
    } else if (frozen) {
        held = s->two->c;
        s->two->c = NULL; /* nobody drives it */
    } else {
        s->two->c = held;
    }
}

const char *stage_ask(struct stage *s, const char *module, const char *function, const char *args)
{
    static char text[4096];
    const struct noex_event *e;
    noex_node *node = noex_cluster_node(s->a->c);
    noex_call_id id;
    if (s->two)
        return "";
    if (noex_rpc(node, s->b_name, module, function, bench_term(args), 0, NULL, &id) ||
        noex_wait_reply(node, id, BENCH_PATIENCE_MS, &e) || e->type != NOEX_EVENT_REPLY)
        fail_msg("%s:%s of the BEAM: %s", module, function, noex_node_error(node)->text);
    noex_event_print_term(e, text, sizeof text, NULL);
    return text;
}

/* The value of Module:Function(Pid) or, with an atom, Module:Function(Pid, Atom). */
static struct noex_term ask_process(struct stage *s, const char *module, const char *function,
                                    const struct noex_ref *p, const char *atom)
{
    noex_node *node = noex_cluster_node(s->a->c);
    const struct noex_event *e;
    struct noex_term args;
    noex_builder *b;
    noex_call_id id;
    assert_int_equal(noex_builder_new(&b, NULL), 0);
    noex_build_list(b);
    noex_build_pid(b, p->node, &p->pid);
    if (atom)
        noex_build_atom(b, atom);
    noex_build_end(b);
    assert_int_equal(noex_builder_term(b, &args), 0);
    if (noex_rpc(node, s->b_name, module, function, args, 0, NULL, &id) ||
        noex_wait_reply(node, id, BENCH_PATIENCE_MS, &e) || e->type != NOEX_EVENT_REPLY)
        fail_msg("%s:%s of the BEAM", module, function);
    noex_builder_free(b);
    return noex_event_term(e);
}

const char *stage_ask_process(struct stage *s, const char *module, const char *function,
                              const struct noex_ref *p, const char *atom)
{
    static char text[1024];
    noex_term_print(ask_process(s, module, function, p, atom), NULL, text, sizeof text, NULL);
    return text;
}

int stage_monitored_by(struct stage *s, const struct noex_ref *p)
{
    struct noex_term list;
    uint64_t count = 0;
    if (s->two)
        return -1;
    struct noex_term info = ask_process(s, "erlang", "process_info", p, "monitored_by");
    assert_int_equal(noex_term_element(info, 1, &list), 0);
    assert_int_equal(noex_term_size(list, &count), 0);
    return (int)count;
}

bool stage_is_monitored_by(struct stage *s, const struct noex_ref *p, const struct noex_ref *by)
{
    struct noex_items items;
    struct noex_term list, item;
    struct noex_pid pid;
    struct noex_term info = ask_process(s, "erlang", "process_info", p, "monitored_by");
    if (noex_term_element(info, 1, &list) || noex_term_items(list, &items))
        return false;
    while (noex_items_next(&items, &item))
        if (noex_term_pid(item, &pid, NULL, 0) > 0 && pid.id == by->pid.id &&
            pid.serial == by->pid.serial)
            return true;
    return false;
}
