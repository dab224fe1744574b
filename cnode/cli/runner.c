/* SPDX-License-Identifier: Apache-2.0 */
#include "runner.h"

#include "cookie.h"
#include "output_json.h"
#include "output_text.h"
#include "tls.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a reader may take nothing once the program is at its end, by a signal or by itself. */
enum { LAST_WAIT_MS = 2000, READER_WAIT_MS = 30000, IDLE_MS = 3600 * 1000 };

static volatile sig_atomic_t signals_seen;
static volatile sig_atomic_t hangup_seen; /* the files of TLS are to be read anew */
static _Atomic(noex_node *) signalled;

static void on_signal(int number)
{
    if (number == SIGHUP)
        hangup_seen = 1;
    else
        signals_seen = signals_seen + 1;
    noex_node *node = atomic_load(&signalled);
    if (node)
        noex_node_wakeup(node);
}

static void catch_signal(int number)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void catch_signals(void)
{
    signals_seen = 0;
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
}

bool run_was_signalled(void)
{
    return signals_seen != 0;
}

static int signals_at_close;

/* Since the output began to be closed: nobody wants to wait for it. */
static bool was_signalled_again(void)
{
    return signals_seen > signals_at_close;
}

static void log_line(void *user, enum noex_log_level level, const char *line)
{
    (void)level;
    console_log(user, line);
}

static void wake(void *user)
{
    noex_node_wakeup(user);
}

static bool wants_colour(const struct options *o)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return !o->json && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0 &&
           isatty(STDOUT_FILENO);
}

struct output run_output(const struct options *o, size_t width)
{
    return o->json ? output_json() : output_text(wants_colour(o), width);
}

static enum exit_code find_cookie(const struct options *o, char *cookie, struct failure *why)
{
    char *value = getenv("NOEX_COOKIE");
    struct cookie_places places = {.value = value,
                                   .file = o->cookie_file,
                                   .home = getenv("HOME"),
                                   .config_home = getenv("XDG_CONFIG_HOME")};
    enum exit_code rc = cookie_find(&places, cookie, why);
    if (value) {
        cookie_wipe(value, strlen(value)); /* else /proc shows it as long as this runs */
        unsetenv("NOEX_COOKIE");
    }
    return rc;
}

/* A step of connecting is given up a little before everything is: its error says what was silent.
 */
static void shorten_steps(struct noex_options *options, uint64_t total_ms)
{
    uint64_t share = total_ms - total_ms / 10;
    if (total_ms && share < options->step_ms)
        options->step_ms = share;
}

static struct tls_files tls;

/* Where there is nothing to be read anew SIGHUP ends the program, as ever. */
static enum exit_code open_tls(const struct options *o, struct failure *why)
{
    if (o->tls)
        catch_signal(SIGHUP);
    return tls_open(&tls, o, why);
}

static void reload_tls(struct console *console)
{
    struct failure why;
    hangup_seen = 0;
    if (tls_reload(&tls, &why))
        console_say(console, "certificates and keys stay as they were: %s", why.text);
    else
        console_log(console, "certificates and keys were read anew");
}

static enum exit_code make_node(noex_node **node, const struct options *o, struct console *console,
                                const struct node_job *job, struct failure *why)
{
    char cookie[COOKIE_MAX + 1];
    enum exit_code rc = find_cookie(o, cookie, why);
    if (rc)
        return rc;
    struct noex_options options;
    noex_options_init(&options);
    options.name = o->name;
    options.visible = o->visible;
    options.cookie = cookie;
    options.tls = tls.tls;
    options.on_event = job->on_event;
    options.user = job->self;
    options.ticktime_ms = o->ticktime_ms;
    options.epmd_port = o->epmd_port;
    shorten_steps(&options, o->timeout_ms);
    if (o->verbose) {
        options.on_log = log_line;
        options.log_user = console;
        options.log_level = NOEX_LOG_TRACE;
    }
    struct noex_error error = {0};
    if (noex_node_new(node, &options, &error))
        rc = fail_with(why, exitcode_of(error.code), "%s", error.text);
    cookie_wipe(cookie, sizeof cookie);
    return rc;
}

enum exit_code run_on_node(const struct options *o, struct console *console,
                           const struct node_job *job)
{
    struct failure why;
    noex_node *node = NULL;
    enum exit_code code = open_tls(o, &why);
    code = code ? code : make_node(&node, o, console, job, &why);
    if (code) {
        tls_close(&tls);
        console_say(console, "%s", why.text);
        return code;
    }
    atomic_store(&signalled, node);
    writer_on_failure(console->out, wake, node);
    code = job->run(job->self, node);
    writer_on_failure(console->out, NULL, NULL);
    atomic_store(&signalled, NULL);
    /* Before the output is flushed: a reader that takes its time must not keep peers waiting. */
    noex_node_free(node);
    tls_close(&tls);
    return code;
}

enum exit_code run_on_console(const struct options *o, struct output output, console_fn run,
                              void *self)
{
    struct failure why;
    struct console console;
    catch_signals();
    if (console_open(&console, output, o->quiet, &why)) {
        fprintf(stderr, "noexmon: %s\n", why.text);
        return why.code;
    }
    enum exit_code code = run(self, &console);
    signals_at_close = (int)signals_seen;
    enum exit_code closed =
        console_close(&console, signals_seen ? LAST_WAIT_MS : READER_WAIT_MS, was_signalled_again);
    return exitcode_worse(code, closed);
}

/* Sessions. */

struct run {
    const struct options *options;
    const struct session_plan *plan;
    const struct target_list *targets;
};

static enum exit_code loop(void *self, noex_node *node)
{
    struct session *s = self;
    struct failure why;
    session_start(s, node);
    for (;;) {
        int code = session_turn(s);
        if (code != SESSION_ON)
            return (enum exit_code)code;
        if (signals_seen)
            return s->plan->stopped(s, STOP_SIGNAL);
        if (hangup_seen)
            reload_tls(s->console);
        if (console_failed(s->console, &why))
            return why.code; /* said when the console is closed */
        int rc = noex_node_process(node, session_wait_ms(s, IDLE_MS));
        if (rc) {
            console_say(s->console, "%s", noex_error_text(rc));
            return exitcode_of(rc);
        }
    }
}

static enum exit_code run(void *self, struct console *console)
{
    const struct run *r = self;
    struct failure why;
    struct session s;
    if (session_init(&s, &session_library, r->plan, console, r->targets, &why)) {
        console_say(console, "%s", why.text);
        return why.code;
    }
    const struct node_job job = {session_event, &s, loop};
    enum exit_code code = run_on_node(r->options, console, &job);
    session_free(&s);
    return code;
}

enum exit_code run_session(const struct options *o, const struct session_plan *plan,
                           const struct target_list *targets)
{
    struct run r = {o, plan, targets};
    size_t width = 0;
    for (size_t i = 0; i < targets->count; i++) {
        size_t len = strlen(targets->items[i].text);
        width = len > width ? len : width;
    }
    return run_on_console(o, run_output(o, width), run, &r);
}
