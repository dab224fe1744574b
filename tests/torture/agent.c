/* A node of the fault campaign: agent NAME EPMD_PORT COOKIE
 * It does what the lines of its standard input say and tells each event in one line. What must hold
 * whatever happens elsewhere is checked here, at the moment it is told: the order of a monitor's
 * events, nothing after demonitor, one end for each call and link, messages in order and once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "die.h"
#include "drive.h"
#include "flaky_alloc.h"
#include "stepped_clock.h"
#include "table.h"

#include <inttypes.h>
#include <noex/noex.h>
#include <string.h>
#include <sys/resource.h>

enum { ARGS = 10, TICKTIME_MS = 4000 };

enum state { NONE, PENDING, UP, OVER, TAKEN_BACK };

/* What is kept of a monitor, a link, a call, a worker or a stream, by its number. */
struct entry {
    enum state state;
    noex_monitor_id monitor;
    struct noex_pid pid;
    struct noex_target to;
    char node[64];
    uint64_t last; /* of a stream */
};

static noex_node *node;
static struct flaky_alloc flaky;
static struct table monitors, links, calls, workers, streams;
static uint64_t gaps, events_told;
static noex_builder *builder;

static void violated(const char *what, uint64_t number, const char *why)
{
    printf("violated %s %" PRIu64 ": %s\n", what, number, why);
    fflush(stdout);
    abort();
}

static struct entry *entry(struct table *t, uint64_t number)
{
    return table_at(t, number, sizeof(struct entry));
}

/* ---- terms ---- */

static struct noex_term atom(const char *name)
{
    struct noex_term term;
    noex_builder_clear(builder);
    noex_build_atom(builder, name);
    if (noex_builder_term(builder, &term))
        die("no memory");
    return term;
}

/* {Name, A, B} */
static struct noex_term triple(const char *name, uint64_t a, uint64_t b)
{
    struct noex_term term;
    noex_builder_clear(builder);
    noex_build_tuple(builder);
    noex_build_atom(builder, name);
    noex_build_uint64(builder, a);
    noex_build_uint64(builder, b);
    noex_build_end(builder);
    if (noex_builder_term(builder, &term))
        die("no memory");
    return term;
}

static uint64_t number_at(struct noex_term tuple, uint64_t index)
{
    struct noex_term element;
    uint64_t number = 0;
    if (noex_term_element(tuple, index, &element) || noex_term_uint64(element, &number))
        die("a term of another form");
    return number;
}

/* ---- what is told of monitors, calls and the node ---- */

static void on_monitor(const struct noex_event *e)
{
    uint64_t m = (uint64_t)(uintptr_t)e->monitor_user;
    struct entry *x = entry(&monitors, m);
    char why[160];
    if (x->state == TAKEN_BACK)
        violated("monitor", m, "an event after demonitor");
    if (x->state != PENDING && x->state != UP)
        violated("monitor", m, "an event after its end");
    if (e->type == NOEX_EVENT_MONITOR_UP) {
        if (x->state == UP)
            violated("monitor", m, "confirmed twice");
        x->state = UP;
        printf("up %" PRIu64 "\n", m);
        return;
    }
    if (e->type == NOEX_EVENT_MONITOR_DOWN && x->state != UP)
        violated("monitor", m, "a DOWN before it was confirmed");
    x->state = OVER;
    if (e->type == NOEX_EVENT_MONITOR_FAILED) {
        printf("failed %" PRIu64 " %s\n", m, noex_error_name(e->error->code));
        return;
    }
    noex_event_message(e, why, sizeof why);
    printf("down %" PRIu64 " %s %s %s\n", m, noex_reason_type_name(e->reason),
           e->origin == NOEX_ORIGIN_LOCAL ? "local" : "peer", why);
}

static void on_call_end(const struct noex_event *e)
{
    uint64_t k = (uint64_t)(uintptr_t)e->call_user;
    struct entry *x = entry(&calls, k);
    if (x->state != PENDING)
        violated("call", k, "it ended twice");
    x->state = OVER;
    if (e->type == NOEX_EVENT_CALL_FAILED) {
        printf("callfail %" PRIu64 " %s\n", k, noex_error_name(e->error->code));
        return;
    }
    if (number_at(noex_event_term(e), 1) != k)
        violated("call", k, "the answer to another one");
    printf("reply %" PRIu64 "\n", k);
}

static void on_event(void *user, const struct noex_event *e)
{
    (void)user;
    events_told++;
    switch ((int)e->type) {
    case NOEX_EVENT_MONITOR_UP:
    case NOEX_EVENT_MONITOR_DOWN:
    case NOEX_EVENT_MONITOR_FAILED:
        on_monitor(e);
        break;
    case NOEX_EVENT_REPLY:
    case NOEX_EVENT_CALL_FAILED:
        on_call_end(e);
        break;
    case NOEX_EVENT_NODE_UP:
        printf("nodeup %s\n", e->node);
        break;
    case NOEX_EVENT_NODE_DOWN:
        printf("nodedown %s %s\n", e->node, noex_error_name(e->error->code));
        break;
    case NOEX_EVENT_REGISTERED:
        printf("registered %u\n", e->port);
        break;
    default:
        break;
    }
}

/* ---- processes ---- */

/* {stream, S, N}: numbers of one sender grow; one that is missing went with a connection. */
static void on_message(const struct noex_event *e)
{
    struct noex_term term = noex_event_term(e), name;
    if (noex_term_element(term, 0, &name) || !noex_term_is_atom(name, "stream"))
        return;
    uint64_t s = number_at(term, 1), n = number_at(term, 2);
    struct entry *x = entry(&streams, s);
    if (x->state != NONE && n <= x->last)
        violated("stream", s, n == x->last ? "a message twice" : "messages out of order");
    if (x->state != NONE && n != x->last + 1)
        gaps++;
    x->state = UP;
    x->last = n;
}

static void on_worker(void *user, const struct noex_event *e)
{
    uint64_t w = (uint64_t)(uintptr_t)user;
    events_told++;
    if (e->type == NOEX_EVENT_MESSAGE) {
        on_message(e);
    } else if (e->type == NOEX_EVENT_CALL) {
        /* Without memory its caller has to do without. */
        if (noex_reply(node, e->process, e->caller, noex_event_term(e)))
            puts("noreply");
    } else if (e->type == NOEX_EVENT_PROCESS_END) {
        struct entry *x = entry(&workers, w);
        if (x->state == OVER)
            violated("worker", w, "it ended twice");
        x->state = OVER;
        printf("ended %" PRIu64 " %s\n", w, noex_reason_type_name(e->reason));
    }
}

static void on_linked(void *user, const struct noex_event *e)
{
    uint64_t l = (uint64_t)(uintptr_t)user;
    struct entry *x = entry(&links, l);
    events_told++;
    if (e->type == NOEX_EVENT_PROCESS_END && x->state == UP) {
        x->state = OVER;
        printf("enomem %" PRIu64 "\n", l);
    }
    if (e->type != NOEX_EVENT_EXIT)
        return;
    if (x->state != UP)
        violated("link", l, x->state == TAKEN_BACK ? "an exit signal after unlink" : "two ends");
    x->state = OVER;
    printf("exit %" PRIu64 " %s %s\n", l, noex_reason_type_name(e->reason),
           e->origin == NOEX_ORIGIN_LOCAL ? "local" : "peer");
}

static int new_process(const char *name, noex_event_fn fn, uint64_t number, struct noex_pid *pid)
{
    struct noex_process_options o;
    noex_process_options_init(&o);
    o.name = name;
    o.on_event = fn;
    o.user = (void *)(uintptr_t)number;
    return noex_process_new(node, &o, pid);
}

/* ---- commands: words and numbers of one line ---- */

struct words {
    char *word[ARGS];
    int count;
};

static uint64_t number(const struct words *w, int at)
{
    return at < w->count ? strtoull(w->word[at], NULL, 10) : 0;
}

/* NODE name NAME, or NODE pid ID SERIAL CREATION, from `at` on. */
static struct noex_target target(const struct words *w, int at)
{
    struct noex_target t = {.kind = NOEX_TARGET_PID, .node = w->word[at]};
    if (strcmp(w->word[at + 1], "name") == 0) {
        t.kind = NOEX_TARGET_NAME;
        t.name = w->word[at + 2];
        return t;
    }
    t.pid = (struct noex_pid){(uint32_t)number(w, at + 2), (uint32_t)number(w, at + 3),
                              (uint32_t)number(w, at + 4)};
    return t;
}

/* What could not be begun has no book; only memory and descriptors may be the cause. */
static bool begun(const char *what, uint64_t n, int rc)
{
    if (rc == 0)
        return true;
    printf("refused %s %" PRIu64 " %s\n", what, n, noex_error_name(rc));
    if (rc != NOEX_ENOMEM && rc != NOEX_ENOPROC && rc != NOEX_ENAMETAKEN && rc != NOEX_EUNREAD)
        violated(what, n, noex_error_name(rc));
    return false;
}

static void do_spawn(const struct words *w)
{
    uint64_t n = number(w, 1);
    struct entry *x = entry(&workers, n);
    char name[32];
    snprintf(name, sizeof name, "w%" PRIu64, n);
    if (!begun("spawn", n, new_process(name, on_worker, n, &x->pid)) ||
        noex_process_trap_exit(node, &x->pid, true)) /* links do not end it */
        return;
    x->state = UP;
    printf("spawned %" PRIu64 " %u %u %u\n", n, x->pid.id, x->pid.serial, x->pid.creation);
}

static void do_end(const struct words *w)
{
    uint64_t n = number(w, 1);
    struct entry *x = entry(&workers, n);
    if (x->state == UP)
        (void)begun("end", n, noex_process_exit(node, &x->pid, atom(w->word[2])));
}

static void do_monitor(const struct words *w)
{
    uint64_t n = number(w, 1);
    struct entry *x = entry(&monitors, n);
    const struct noex_target t = target(w, 2);
    x->state = PENDING;
    int rc = noex_monitor(node, &t, 0, (void *)(uintptr_t)n, &x->monitor);
    if (!begun("monitor", n, rc))
        x->state = NONE;
}

static void do_demonitor(const struct words *w)
{
    uint64_t n = number(w, 1);
    struct entry *x = entry(&monitors, n);
    bool open = x->state == PENDING || x->state == UP;
    if (open && noex_demonitor(node, x->monitor))
        violated("monitor", n, "demonitor failed");
    if (open)
        x->state = TAKEN_BACK;
    printf("%s %" PRIu64 "\n", open ? "gone" : "late", n);
}

static void do_link(const struct words *w)
{
    uint64_t n = number(w, 1);
    struct entry *x = entry(&links, n);
    x->to = target(w, 2);
    snprintf(x->node, sizeof x->node, "%s", x->to.node);
    x->to.node = x->node;
    if (!begun("link", n, new_process(NULL, on_linked, n, &x->pid)) ||
        noex_process_trap_exit(node, &x->pid, true))
        return;
    x->state = UP;
    int rc = noex_link(node, &x->pid, &x->to);
    if (!begun("link", n, rc))
        x->state = NONE;
}

static void do_unlink(const struct words *w)
{
    uint64_t n = number(w, 1);
    struct entry *x = entry(&links, n);
    bool open = x->state == UP;
    if (open && begun("unlink", n, noex_unlink(node, &x->pid, &x->to)))
        x->state = TAKEN_BACK;
    printf("%s %" PRIu64 "\n", x->state == TAKEN_BACK ? "unlinked" : "unlinklate", n);
}

static void do_call(const struct words *w)
{
    uint64_t n = number(w, 1);
    noex_call_id id;
    const struct noex_target t = target(w, 2);
    struct entry *x = entry(&calls, n);
    x->state = PENDING;
    int rc = noex_call(node, NULL, &t, triple("echo", n, 0), 5000, (void *)(uintptr_t)n, &id);
    if (!begun("call", n, rc))
        x->state = NONE;
}

/* stream S FIRST COUNT TARGET: what is refused for want of memory is a gap of our own. */
static void do_stream(const struct words *w)
{
    const struct noex_target t = target(w, 4);
    uint64_t first = number(w, 2), count = number(w, 3), refused = 0;
    for (uint64_t i = 0; i < count; i++)
        refused += noex_send(node, NULL, &t, triple("stream", number(w, 1), first + i)) != 0;
    printf("sent %" PRIu64 " %" PRIu64 "\n", number(w, 1), refused);
}

static void do_connect(const struct words *w)
{
    (void)begun("connect", 0, noex_connect(node, w->word[1], NOEX_CONNECT_KEEP));
}

static void do_disconnect(const struct words *w)
{
    (void)!noex_disconnect(node, w->word[1]);
}

static void do_alloc(const struct words *w)
{
    flaky.every = (uint32_t)number(w, 1);
}

static void do_fds(const struct words *w)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = number(w, 1) ? number(w, 1) : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void do_clock(const struct words *w)
{
    clock_step(number(w, 1), strtoll(w->word[2], NULL, 10));
}

static uint64_t count_state(const struct table *t, enum state state)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < t->count; i++)
        count += ((const struct entry *)table_find(t, i, sizeof(struct entry)))->state == state;
    return count;
}

/* What the lines before have brought about, such as the losses of a disconnect, is told first. */
static void do_sync(const struct words *w)
{
    struct noex_monitor_stats s;
    if (noex_node_process(node, 0))
        die("noex_node_process");
    noex_monitor_get_stats(node, &s, sizeof s);
    uint64_t pending = count_state(&monitors, PENDING), up = count_state(&monitors, UP);
    if (s.pending != pending || s.active != up)
        violated("stats", s.active, "the library counts other monitors than were told");
    printf("synced %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", w->word[1],
           pending, up, count_state(&calls, PENDING), gaps, events_told);
}

static const struct command {
    const char *name;
    int words;
    void (*run)(const struct words *w);
} commands[] = {
    {"spawn", 2, do_spawn},     {"end", 3, do_end},
    {"monitor", 5, do_monitor}, {"demonitor", 2, do_demonitor},
    {"link", 5, do_link},       {"unlink", 2, do_unlink},
    {"call", 5, do_call},       {"stream", 7, do_stream},
    {"connect", 2, do_connect}, {"disconnect", 2, do_disconnect},
    {"alloc", 2, do_alloc},     {"fds", 2, do_fds},
    {"clock", 3, do_clock},     {"sync", 2, do_sync},
};

/* False: it is to end. */
static bool obey(char *line)
{
    struct words w = {.count = 0};
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word && w.count < ARGS;
         word = strtok_r(NULL, " ", &rest))
        w.word[w.count++] = word;
    if (w.count == 0 || strcmp(w.word[0], "quit") == 0)
        return false;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(w.word[0], commands[i].name) == 0 && w.count >= commands[i].words) {
            commands[i].run(&w);
            return true;
        }
    die("unknown command");
}

int main(int argc, char **argv)
{
    struct noex_options o;
    struct noex_error err;
    if (argc != 4)
        die("agent NAME EPMD_PORT COOKIE");
    noex_options_init(&o);
    o.name = argv[1];
    o.epmd_port = (uint16_t)strtoul(argv[2], NULL, 10);
    o.cookie = argv[3];
    o.listen = true;
    o.on_event = on_event;
    o.ticktime_ms = TICKTIME_MS;
    o.setup_timeout_ms = 6000;
    o.step_ms = 2000;
    o.reconnect_min_ms = 50;
    o.reconnect_max_ms = 500;
    o.allocator = flaky_allocator(&flaky);
    if (noex_builder_new(&builder, NULL) || noex_node_new(&node, &o, &err))
        die(err.text);
    if (drive(&node, 1, obey))
        die("noex_node_process");
    noex_node_free(node);
    noex_builder_free(builder);
    struct table *all[] = {&monitors, &links, &calls, &workers, &streams};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        table_free(all[i]);
    if (flaky.live)
        violated("memory", flaky.live, "blocks of the node's allocator are left");
    puts("ok");
    return 0;
}
