/* A node whose processes do what Erlang tells them: citizen NAME EPMD_PORT COOKIE [OPTION=VALUE...]
 * A process that gets {From, Ref, Command} does it and answers {Ref, Result} (see `commands`); all
 * else that happens to it is logged, for the command events. The first one is called citizen. It
 * prints "ready" once others can reach it, and ends with its standard input.
 * SPDX-License-Identifier: Apache-2.0 */
#include "books.h"
#include "citizen_calls.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGS_MAX = 3 };

static noex_node *node;
static noex_builder **logs; /* of each process that there was; NULL once it has ended */
static size_t log_count;
static noex_builder *node_log; /* an open list, as the others, of what happened to the node */
static noex_builder *self_log; /* of the process that is doing a command, */
static noex_builder *answer;   /* and the result */
static struct asker *asker;    /* who gave the command; */
static bool is_deferred;       /* it will be answered later */
static bool is_ready;
static uint64_t drain_from_ms; /* pull mode: no event is taken before */
static FILE *log_file;

static noex_builder *new_builder(void)
{
    noex_builder *b;
    if (noex_builder_new(&b, NULL))
        die("no memory");
    return b;
}

/* ---- logs ---- */

static noex_builder *new_log(void)
{
    noex_builder *b = new_builder();
    noex_build_list(b);
    return b;
}

/* The log of a new process; its number, which is the `user` of its events. */
static size_t add_log(void)
{
    if (log_count % 64 == 0 && !(logs = realloc(logs, (log_count + 64) * sizeof *logs)))
        die("no memory");
    logs[log_count] = new_log();
    return log_count++;
}

static void drop_log(size_t number)
{
    noex_builder_free(logs[number]);
    logs[number] = NULL;
}

/* Ends the list, adds it to `out`, and begins anew. */
static int take_log(noex_builder *log, noex_builder *out)
{
    struct noex_term term;
    noex_build_end(log);
    int rc = noex_builder_term(log, &term);
    rc = rc ? rc : noex_build_term(out, term);
    noex_builder_clear(log);
    noex_build_list(log);
    return rc;
}

static void log_exit(noex_builder *log, const struct noex_event *e)
{
    noex_build_tuple(log);
    noex_build_atom(log, e->origin == NOEX_ORIGIN_LOCAL ? "lost" : "exit");
    noex_build_pid(log, e->node, e->from);
    noex_build_term(log, noex_event_term(e));
    noex_build_end(log);
}

static void log_message(noex_builder *log, const struct noex_event *e)
{
    noex_build_tuple(log);
    noex_build_atom(log, e->type == NOEX_EVENT_CAST ? "cast"
                         : e->priority              ? "priority"
                                                    : "message");
    noex_build_term(log, noex_event_term(e));
    noex_build_end(log);
}

/* {Kind, Node}, or {Kind, Node, Error | Reason}. */
static void log_node_event(const char *kind, const struct noex_event *e)
{
    noex_build_tuple(node_log);
    noex_build_atom(node_log, kind);
    noex_build_atom(node_log, e->node);
    if (e->error)
        noex_build_atom(node_log, noex_error_name(e->error->code));
    if (e->type == NOEX_EVENT_MONITOR_DOWN)
        noex_build_term(node_log, noex_event_term(e));
    noex_build_end(node_log);
}

/* ---- commands: `self` does it; what is not added to `answer` is ok ---- */

static int pid_target(struct noex_term term, struct noex_target *target)
{
    static char name[NOEX_ATOM_SIZE];
    int rc = noex_term_pid(term, &target->pid, name, sizeof name);
    target->kind = NOEX_TARGET_PID;
    target->node = name;
    return rc < 0 ? rc : 0;
}

static int do_echo(const struct noex_pid *self, const struct noex_term *arg)
{
    (void)self;
    return noex_build_term(answer, arg[0]);
}

static int do_exit(const struct noex_pid *self, const struct noex_term *arg)
{
    return noex_process_exit(node, self, arg[0]);
}

static int do_exit2(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_target to;
    int rc = pid_target(arg[0], &to);
    return rc ? rc : noex_exit(node, self, &to, arg[1]);
}

static int do_link(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_target to;
    int rc = pid_target(arg[0], &to);
    return rc ? rc : noex_link(node, self, &to);
}

static int do_unlink(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_target to;
    int rc = pid_target(arg[0], &to);
    return rc ? rc : noex_unlink(node, self, &to);
}

static int do_send(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_target to;
    int rc = any_target(node, arg[0], &to);
    return rc ? rc : noex_send(node, self, &to, arg[1]);
}

static int do_trap(const struct noex_pid *self, const struct noex_term *arg)
{
    return noex_process_trap_exit(node, self, noex_term_is_atom(arg[0], "true"));
}

static int do_register(const struct noex_pid *self, const struct noex_term *arg)
{
    char name[NOEX_ATOM_SIZE];
    int rc = noex_term_atom(arg[0], name, sizeof name);
    return rc < 0 ? rc : noex_register(node, name, self);
}

static int do_unregister(const struct noex_pid *self, const struct noex_term *arg)
{
    char name[NOEX_ATOM_SIZE];
    (void)self;
    int rc = noex_term_atom(arg[0], name, sizeof name);
    return rc < 0 ? rc : noex_unregister(node, name);
}

/* {Reference, Id}; Id is for unalias. */
static int do_alias(const struct noex_pid *self, const struct noex_term *arg)
{
    noex_alias_id id;
    (void)arg;
    noex_build_tuple(answer);
    int rc = noex_alias(node, self, answer, &id);
    if (rc)
        return rc;
    noex_build_uint64(answer, id);
    return noex_build_end(answer);
}

static int do_unalias(const struct noex_pid *self, const struct noex_term *arg)
{
    uint64_t id;
    (void)self;
    int rc = noex_term_uint64(arg[0], &id);
    return rc ? rc : noex_unalias(node, id);
}

static int do_monitor(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_target to;
    noex_monitor_id id;
    (void)self;
    int rc = any_target(node, arg[0], &to);
    return rc ? rc : noex_monitor(node, &to, 0, NULL, &id);
}

static int do_disconnect(const struct noex_pid *self, const struct noex_term *arg)
{
    char peer[NOEX_ATOM_SIZE];
    (void)self;
    int rc = noex_term_atom(arg[0], peer, sizeof peer);
    return rc < 0 ? rc : noex_disconnect(node, peer);
}

/* The whole node is away for so many milliseconds. */
static int do_busy(const struct noex_pid *self, const struct noex_term *arg)
{
    uint64_t ms;
    (void)self;
    int rc = noex_term_uint64(arg[0], &ms);
    for (uint64_t end = clock_ms() + ms; !rc && clock_ms() < end;)
        poll(NULL, 0, (int)(end - clock_ms()));
    return rc;
}

/* In pull mode: no event is pulled for so many milliseconds, while the node is driven. */
static int do_undrained(const struct noex_pid *self, const struct noex_term *arg)
{
    uint64_t ms;
    (void)self;
    int rc = noex_term_uint64(arg[0], &ms);
    if (!rc)
        drain_from_ms = clock_ms() + ms;
    return rc;
}

static int do_events(const struct noex_pid *self, const struct noex_term *arg)
{
    (void)self, (void)arg;
    return take_log(self_log, answer);
}

static int do_node_events(const struct noex_pid *self, const struct noex_term *arg)
{
    (void)self, (void)arg;
    return take_log(node_log, answer);
}

static void add_count(const char *name, uint64_t count)
{
    noex_build_atom(answer, name);
    noex_build_uint64(answer, count);
}

static int do_stats(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_stats s;
    (void)self, (void)arg;
    noex_node_stats(node, &s, sizeof s);
    noex_build_map(answer);
    add_count("frames_in", s.frames_in);
    add_count("frames_out", s.frames_out);
    add_count("answered", s.signals_answered);
    add_count("dropped", s.signals_dropped);
    add_count("connections", s.connections);
    add_count("accepted", s.accepted);
    return noex_build_end(answer);
}

static int do_call(const struct noex_pid *self, const struct noex_term *arg)
{
    int rc = calls_call(node, self, arg, asker);
    is_deferred = rc == 0;
    return rc;
}

static int do_rpc(const struct noex_pid *self, const struct noex_term *arg)
{
    int rc = calls_rpc(node, self, arg, asker);
    is_deferred = rc == 0;
    return rc;
}

static int do_spawn_on(const struct noex_pid *self, const struct noex_term *arg)
{
    int rc = calls_spawn(node, self, arg, asker);
    is_deferred = rc == 0;
    return rc;
}

static int do_cast(const struct noex_pid *self, const struct noex_term *arg)
{
    return calls_cast(node, self, arg);
}

static int do_serve(const struct noex_pid *self, const struct noex_term *arg)
{
    (void)self, (void)arg;
    return calls_serve(node);
}

static int do_release(const struct noex_pid *self, const struct noex_term *arg)
{
    (void)self;
    return calls_release(node, arg[0]);
}

static int do_batch(const struct noex_pid *self, const struct noex_term *arg);
static int do_spawn(const struct noex_pid *self, const struct noex_term *arg);

static const struct command {
    const char *name;
    unsigned args;
    int (*run)(const struct noex_pid *self, const struct noex_term *arg);
} commands[] = {
    {"echo", 1, do_echo},             /* {echo, Term}: Term */
    {"exit", 1, do_exit},             /* {exit, Reason}: ends itself */
    {"exit2", 2, do_exit2},           /* {exit2, Pid, Reason} */
    {"link", 1, do_link},             /* {link, Pid} */
    {"unlink", 1, do_unlink},         /* {unlink, Pid} */
    {"send", 2, do_send},             /* {send, Pid | Name | {Name, Node}, Message} */
    {"trap", 1, do_trap},             /* {trap, Boolean} */
    {"spawn", 1, do_spawn},           /* {spawn, Name | []}: the new process */
    {"register", 1, do_register},     /* {register, Name} */
    {"unregister", 1, do_unregister}, /* {unregister, Name} */
    {"alias", 0, do_alias},           /* {alias}: {Reference, Id} */
    {"unalias", 1, do_unalias},       /* {unalias, Id} */
    {"events", 0, do_events},         /* {events}: what was logged of it since the last time */
    {"node_events", 0, do_node_events},
    {"monitor", 1, do_monitor},       /* {monitor, Target}: as an event of the node */
    {"disconnect", 1, do_disconnect}, /* {disconnect, Node} */
    {"busy", 1, do_busy},             /* {busy, Milliseconds} */
    {"undrained", 1, do_undrained},   /* {undrained, Milliseconds} */
    {"stats", 0, do_stats},           /* {stats}: a map */
    {"call", 3, do_call},             /* {call, Target, Request, Timeout} */
    {"cast", 2, do_cast},             /* {cast, Target, Message} */
    {"rpc", 3, do_rpc},               /* {rpc, Node, {M, F, Args}, Timeout} */
    {"spawn_on", 3, do_spawn_on},     /* {spawn_on, Node, {M, F, Args}, [link | monitor]} */
    {"serve", 0, do_serve},           /* {serve}: the functions of the module c_node */
    {"release", 1, do_release},       /* {release, Term}: to all who hold */
    {"batch", 1, do_batch},           /* {batch, Commands}: their results do not count */
};

/* Errors: NOEX_ETYPE (no command), and the command's own. */
static int run_command(const struct noex_pid *self, struct noex_term command)
{
    struct noex_term name, arg[ARGS_MAX];
    uint64_t size;
    if (noex_term_size(command, &size) || noex_term_element(command, 0, &name))
        return NOEX_ETYPE;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];
        if (size != c->args + 1 || !noex_term_is_atom(name, c->name))
            continue;
        for (unsigned n = 0; n < c->args; n++)
            if (noex_term_element(command, n + 1, &arg[n]))
                return NOEX_ETYPE;
        return c->run(self, arg);
    }
    return NOEX_ETYPE;
}

static int do_batch(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_items items;
    struct noex_term command;
    int rc = noex_term_items(arg[0], &items);
    while (noex_items_next(&items, &command))
        (void)run_command(self, command);
    return rc;
}

/* ---- processes ---- */

/* {Ref, Result}, from the process itself unless that was its end. */
static void reply(const struct noex_pid *self, int rc)
{
    noex_builder *ok = new_builder();
    struct noex_term result;
    noex_build_atom(ok, rc ? noex_error_name(rc) : "ok");
    if ((rc || noex_builder_term(answer, &result)) && noex_builder_term(ok, &result))
        die("an answer cannot be built");
    asker_tell(node, self, asker, result);
    noex_builder_free(ok);
}

static void on_message(const struct noex_event *e)
{
    struct noex_term message = noex_event_term(e), from, ref, command;
    const struct noex_pid self = *e->process;
    if (noex_term_element(message, 2, &command) || noex_term_element(message, 1, &ref) ||
        noex_term_element(message, 0, &from) || noex_term_type(ref) != NOEX_TERM_REF ||
        noex_term_type(from) != NOEX_TERM_PID) {
        log_message(self_log, e);
        return;
    }
    noex_builder_clear(answer);
    asker = asker_new(from, ref);
    is_deferred = false;
    int rc = run_command(&self, command);
    if (is_deferred)
        return;
    reply(&self, rc);
    asker_free(asker);
}

static void on_process_event(void *user, const struct noex_event *e)
{
    size_t number = (size_t)(uintptr_t)user;
    self_log = logs[number];
    if (e->type == NOEX_EVENT_MESSAGE)
        on_message(e);
    else if (e->type == NOEX_EVENT_CALL)
        calls_answer(node, e);
    else if (e->type == NOEX_EVENT_CAST)
        log_message(self_log, e);
    else if (e->type == NOEX_EVENT_EXIT)
        log_exit(self_log, e);
    else if (e->type == NOEX_EVENT_PROCESS_END)
        drop_log(number);
    else
        calls_outcome(node, e);
}

static void on_state(void *user, noex_builder *b)
{
    noex_build_tuple(b);
    noex_build_atom(b, "process");
    noex_build_uint64(b, (uint64_t)(uintptr_t)user);
    noex_build_end(b);
}

/* NULL: without a name. */
static int start_process(const char *name, struct noex_pid *process)
{
    struct noex_process_options o;
    size_t number = add_log();
    noex_process_options_init(&o);
    o.name = name;
    o.on_event = on_process_event;
    o.on_state = on_state;
    o.user = (void *)(uintptr_t)number;
    int rc = noex_process_new(node, &o, process);
    if (rc)
        drop_log(number);
    return rc;
}

static int do_spawn(const struct noex_pid *self, const struct noex_term *arg)
{
    struct noex_pid process;
    char name[NOEX_ATOM_SIZE];
    (void)self;
    int rc = start_process(noex_term_atom(arg[0], name, sizeof name) > 0 ? name : NULL, &process);
    return rc ? rc : noex_build_pid(answer, noex_node_name(node), &process);
}

/* ---- the node ---- */

static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    if (e->type == NOEX_EVENT_NODE_UP)
        log_node_event("up", e);
    else if (e->type == NOEX_EVENT_NODE_DOWN)
        log_node_event("down", e);
    else if (e->type == NOEX_EVENT_CONNECT_FAILED)
        log_node_event("failed", e);
    else if (e->type == NOEX_EVENT_MONITOR_DOWN)
        log_node_event("monitor_down", e);
    else
        calls_outcome(node, e);
    if (e->type != NOEX_EVENT_REGISTERED || is_ready)
        return;
    is_ready = true;
    puts("ready");
    fflush(stdout);
}

static void on_log(void *user, enum noex_log_level level, const char *line)
{
    (void)user, (void)level;
    fprintf(log_file, "%s\n", line);
    fflush(log_file);
}

static bool set_number(struct noex_options *o, const char *name, size_t len, unsigned long number)
{
    struct {
        const char *name;
        uint64_t *ms;
        size_t *bytes;
        uint32_t *count;
    } numbers[] = {{"ticktime_ms", &o->ticktime_ms, NULL, NULL},
                   {"step_ms", &o->step_ms, NULL, NULL},
                   {"out_max", NULL, &o->out_max, NULL},
                   {"mail_max", NULL, &o->mail_max, NULL},
                   {"message_max", NULL, &o->message_max, NULL},
                   {"monitors_max", NULL, NULL, &o->monitors_max},
                   {"fragments_max", NULL, NULL, &o->fragments_max}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strlen(numbers[i].name) != len || strncmp(name, numbers[i].name, len) != 0)
            continue;
        if (numbers[i].ms)
            *numbers[i].ms = number;
        else if (numbers[i].bytes)
            *numbers[i].bytes = number;
        else
            *numbers[i].count = (uint32_t)number;
        return true;
    }
    return false;
}

static void set_option(struct noex_options *o, const char *text)
{
    const char *value = strchr(text, '=');
    unsigned long number = value ? strtoul(value + 1, NULL, 10) : 0;
    if (strncmp(text, "log=", 4) == 0 && (log_file = fopen(value + 1, "w")))
        o->on_log = on_log;
    else if (strcmp(text, "visible") == 0)
        o->visible = true;
    else if (strcmp(text, "pull") == 0)
        o->on_event = NULL;
    else if (!value || !set_number(o, text, (size_t)(value - text), number))
        die("unknown option %s", text);
}

/* At most `most_ms`; false once standard input has ended. */
static bool wait_for_news(uint64_t most_ms)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = noex_node_fd(node), .events = POLLIN}};
    int64_t ms = noex_node_timeout_ms(node);
    poll(fds, 2, ms < 0 || (uint64_t)ms > most_ms ? (int)most_ms : (int)ms);
    return fds[0].revents == 0;
}

static void run(bool pull)
{
    const struct noex_event *e;
    while (wait_for_news(1000)) {
        if (noex_node_process(node, 0))
            die("noex_node_process");
        if (!pull)
            continue;
        if (clock_ms() < drain_from_ms)
            poll(NULL, 0, 1); /* the events that wait leave it no time to wait in */
        else
            while ((e = noex_node_next_event(node)))
                on_event(NULL, e);
    }
}

int main(int argc, char **argv)
{
    struct noex_options o;
    struct noex_error err;
    struct noex_pid first;
    if (argc < 4)
        die("citizen NAME EPMD_PORT COOKIE [OPTION=VALUE...]");
    noex_options_init(&o);
    o.name = argv[1];
    o.epmd_port = (uint16_t)strtoul(argv[2], NULL, 10);
    o.cookie = argv[3];
    o.listen = true;
    o.on_event = on_event;
    for (int i = 4; i < argc; i++)
        set_option(&o, argv[i]);
    if (noex_node_new(&node, &o, &err))
        die("noex_node_new: %s", err.text);
    node_log = new_log();
    answer = new_builder();
    if (start_process("citizen", &first))
        die("noex_process_new: %s", noex_node_error(node)->text);
    run(!o.on_event);
    noex_node_free(node);
    while (log_count)
        noex_builder_free(logs[--log_count]);
    free(logs);
    calls_free();
    noex_builder_free(node_log);
    noex_builder_free(answer);
    if (log_file)
        fclose(log_file);
    puts("ok");
    return 0;
}
