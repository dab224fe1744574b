/* A node whose processes do what Erlang tells them: citizen NAME EPMD_PORT COOKIE [OPTION=VALUE...]
 * A process that gets {From, Ref, Command} does it and answers {Ref, Result} (see `commands`); all
 * else that happens to it is logged, for the command events. The first one is called citizen. It
 * prints "ready" once others can reach it, and ends with its standard input.
 * SPDX-License-Identifier: Apache-2.0 */
#include "books.h"
#include "citizen_calls.h"
#include "citizen_log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static noex_node *node;
static noex_builder **logs; /* of each process that there was; NULL once it has ended */
static size_t log_count;
static noex_builder *node_log;
static noex_builder *self_log;
static struct noex_pid self; /* the process that is doing a command, */
static noex_builder *answer; /* and the result, */
static struct asker *asker;  /* for whoever gave it, */
static bool is_deferred;     /* later, when it is known */
static bool is_ready;
static uint64_t drain_from_ms; /* pull mode: no event is taken before */
static FILE *log_file;

/* The log of a new process; its number, which is the `user` of its events. */
static size_t add_log(void)
{
    if (log_count % 64 == 0 && !(logs = realloc(logs, (log_count + 64) * sizeof *logs)))
        die("no memory");
    logs[log_count] = log_new();
    return log_count++;
}

static void drop_log(size_t number)
{
    noex_builder_free(logs[number]);
    logs[number] = NULL;
}

/* ---- commands: the process `self` does them; what is not added to `answer` is ok ---- */

enum { ARGS_MAX = 3 };

/* The arguments of a command, and what they are by their forms, one at most of each. */
struct args {
    struct noex_term arg[ARGS_MAX]; /* x: any term */
    struct noex_target to;          /* t: a pid, Name of this node, {Name, Node}; or an alias */
    char name[NOEX_ATOM_SIZE];      /* a: an atom; empty where it is none */
    uint64_t number;                /* n */
};

static int take(char form, struct noex_term term, struct args *a)
{
    if (form == 't' && noex_term_type(term) != NOEX_TERM_REF)
        return any_target(node, term, &a->to);
    if (form == 'n')
        return noex_term_uint64(term, &a->number);
    if (form == 'a' && noex_term_atom(term, a->name, sizeof a->name) < 0)
        a->name[0] = '\0';
    return 0;
}

static int do_echo(const struct args *a)
{
    return noex_build_term(answer, a->arg[0]);
}

static int do_exit(const struct args *a)
{
    return noex_process_exit(node, &self, a->arg[0]);
}

static int do_exit2(const struct args *a)
{
    return noex_exit(node, &self, &a->to, a->arg[1]);
}

static int do_link(const struct args *a)
{
    return noex_link(node, &self, &a->to);
}

static int do_unlink(const struct args *a)
{
    return noex_unlink(node, &self, &a->to);
}

static int do_send(const struct args *a)
{
    if (noex_term_type(a->arg[0]) == NOEX_TERM_REF)
        return noex_send_alias(node, &self, a->arg[0], a->arg[1]);
    return noex_send(node, &self, &a->to, a->arg[1]);
}

static int do_trap(const struct args *a)
{
    return noex_process_trap_exit(node, &self, strcmp(a->name, "true") == 0);
}

static int do_register(const struct args *a)
{
    return noex_register(node, a->name, &self);
}

static int do_unregister(const struct args *a)
{
    return noex_unregister(node, a->name);
}

static int do_alias(const struct args *a)
{
    noex_alias_id id;
    noex_build_tuple(answer);
    int rc = noex_alias(node, &self, answer, &id);
    if (rc)
        return rc;
    noex_build_uint64(answer, id);
    if (strcmp(a->name, "priority") == 0)
        noex_alias_priority(node, id);
    return noex_build_end(answer);
}

static int do_unalias(const struct args *a)
{
    return noex_unalias(node, a->number);
}

static int do_monitor(const struct args *a)
{
    noex_monitor_id id;
    return noex_monitor(node, &a->to, 0, NULL, &id);
}

static int do_disconnect(const struct args *a)
{
    return noex_disconnect(node, a->name);
}

static int do_busy(const struct args *a)
{
    for (uint64_t end = clock_ms() + a->number; clock_ms() < end;)
        poll(NULL, 0, (int)(end - clock_ms()));
    return 0;
}

static int do_undrained(const struct args *a)
{
    drain_from_ms = clock_ms() + a->number;
    return 0;
}

static int do_events(const struct args *a)
{
    (void)a;
    return log_take(self_log, answer);
}

static int do_node_events(const struct args *a)
{
    (void)a;
    return log_take(node_log, answer);
}

static int do_dropped(const struct args *a)
{
    struct noex_stats s;
    (void)a;
    noex_node_stats(node, &s, sizeof s);
    return noex_build_uint64(answer, s.signals_dropped);
}

static int defer(int rc)
{
    is_deferred = rc == 0;
    return rc;
}

static int do_call(const struct args *a)
{
    return defer(calls_call(node, &self, a->arg, asker));
}

static int do_rpc(const struct args *a)
{
    return defer(calls_rpc(node, &self, a->arg, asker));
}

static int do_spawn_on(const struct args *a)
{
    return defer(calls_spawn(node, &self, a->arg, asker));
}

static int do_cast(const struct args *a)
{
    return noex_cast(node, &self, &a->to, a->arg[1]);
}

static int do_serve(const struct args *a)
{
    (void)a;
    return calls_serve(node);
}

static int do_release(const struct args *a)
{
    return calls_release(node, a->arg[0]);
}

static int do_batch(const struct args *a);
static int do_spawn(const struct args *a);

static const struct command {
    const char *name;
    const char *args; /* a form each: see struct args */
    int (*run)(const struct args *a);
} commands[] = {
    {"echo", "x", do_echo}, /* gives the term */
    {"exit", "x", do_exit}, /* ends itself */
    {"exit2", "tx", do_exit2},
    {"link", "t", do_link},
    {"unlink", "t", do_unlink},
    {"send", "tx", do_send},
    {"trap", "a", do_trap},
    {"spawn", "a", do_spawn}, /* {spawn, Name | []} gives a pid */
    {"register", "a", do_register},
    {"unregister", "a", do_unregister},
    {"alias", "a", do_alias}, /* {alias, priority | []} gives {Reference, Id} */
    {"unalias", "n", do_unalias},
    {"events", "", do_events}, /* gives what was logged since the last time */
    {"node_events", "", do_node_events},
    {"monitor", "t", do_monitor}, /* is told to the node */
    {"disconnect", "a", do_disconnect},
    {"busy", "n", do_busy},           /* the whole node sleeps for so many milliseconds */
    {"undrained", "n", do_undrained}, /* pull mode: no event is pulled for so many */
    {"dropped", "", do_dropped},      /* gives the node's count of signals dropped */
    {"call", "xxx", do_call},         /* {call, Target, Request, Timeout} */
    {"cast", "tx", do_cast},          /* {cast, Target, Message} */
    {"rpc", "xxx", do_rpc},           /* {rpc, Node, {M, F, Args}, Timeout} */
    {"spawn_on", "xxx", do_spawn_on}, /* {spawn_on, Node, {M, F, Args}, [link | monitor]} */
    {"serve", "", do_serve},          /* the functions of the module c_node */
    {"release", "x", do_release},     /* gives the term to all who hold */
    {"batch", "x", do_batch},         /* {batch, Commands}: their results do not count */
};

/* Errors: NOEX_ETYPE (no command), and the command's own. */
static int run_command(struct noex_term command)
{
    struct noex_term name;
    struct args a;
    uint64_t size;
    if (noex_term_size(command, &size) || noex_term_element(command, 0, &name))
        return NOEX_ETYPE;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];
        if (size != strlen(c->args) + 1 || !noex_term_is_atom(name, c->name))
            continue;
        for (size_t n = 0; c->args[n]; n++)
            if (noex_term_element(command, n + 1, &a.arg[n]) || take(c->args[n], a.arg[n], &a))
                return NOEX_ETYPE;
        return c->run(&a);
    }
    return NOEX_ETYPE;
}

static int do_batch(const struct args *a)
{
    struct noex_items items;
    struct noex_term command;
    int rc = noex_term_items(a->arg[0], &items);
    while (noex_items_next(&items, &command))
        (void)run_command(command);
    return rc;
}

/* ---- processes ---- */

static void reply(int rc)
{
    struct noex_term result;
    if (rc || noex_builder_term(answer, &result)) {
        noex_builder_clear(answer);
        noex_build_atom(answer, rc ? noex_error_name(rc) : "ok");
    }
    if (noex_builder_term(answer, &result))
        die("an answer cannot be built");
    asker_tell(node, &self, asker, result);
}

static void on_message(const struct noex_event *e)
{
    struct noex_term message = noex_event_term(e), from, ref, command;
    if (noex_term_element(message, 2, &command) || noex_term_element(message, 1, &ref) ||
        noex_term_element(message, 0, &from) || noex_term_type(ref) != NOEX_TERM_REF ||
        noex_term_type(from) != NOEX_TERM_PID) {
        log_event(self_log, e);
        return;
    }
    noex_builder_clear(answer);
    asker = asker_new(from, ref);
    is_deferred = false;
    int rc = run_command(command);
    if (is_deferred)
        return;
    reply(rc);
    asker_free(asker);
}

static void on_process_event(void *user, const struct noex_event *e)
{
    size_t number = (size_t)(uintptr_t)user;
    self_log = logs[number];
    self = *e->process;
    if (e->type == NOEX_EVENT_MESSAGE)
        on_message(e);
    else if (e->type == NOEX_EVENT_CALL)
        calls_answer(node, e);
    else if (e->type == NOEX_EVENT_PROCESS_END)
        drop_log(number);
    else if (!calls_outcome(node, e))
        log_event(self_log, e);
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

static int do_spawn(const struct args *a)
{
    struct noex_pid process;
    int rc = start_process(a->name[0] ? a->name : NULL, &process);
    return rc ? rc : noex_build_pid(answer, noex_node_name(node), &process);
}

/* ---- the node ---- */

static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    if (!calls_outcome(node, e))
        log_event(node_log, e);
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
    o.tls = program_tls();
    for (int i = 4; i < argc; i++)
        set_option(&o, argv[i]);
    if (noex_node_new(&node, &o, &err))
        die("noex_node_new: %s", err.text);
    noex_tls_free(o.tls);
    node_log = log_new();
    if (noex_builder_new(&answer, NULL))
        die("no memory");
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
