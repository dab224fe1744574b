/* What the commands run in: a console, a node with its cookie, signals. SPDX-License-Identifier:
 * Apache-2.0
 */
#ifndef CLI_RUNNER_H
#define CLI_RUNNER_H

#include "options.h"
#include "session.h"

/* Each of these says itself what goes wrong. */

/** Output as the options want it; `width` as in struct output. */
struct output run_output(const struct options *o, size_t width);

typedef enum exit_code (*console_fn)(void *self, struct console *console);

/** Runs `run` with a console, and closes that. SIGINT and SIGTERM end nothing any more; see
 * run_was_signalled. */
enum exit_code run_on_console(const struct options *o, struct output output, console_fn run,
                              void *self);

/** Something that is done with a node. */
struct node_job {
    noex_event_fn on_event; /* NULL: events are pulled */
    void *self;             /* `user` of on_event, too */
    enum exit_code (*run)(void *self, noex_node *node);
};

/** Makes a node, does the job and frees the node. The node is woken up by SIGINT, by SIGTERM, and
 * when standard output fails. */
enum exit_code run_on_node(const struct options *o, struct console *console,
                           const struct node_job *job);

/** Whether SIGINT or SIGTERM came. */
bool run_was_signalled(void);

/** Runs a session until the plan, a signal or a failure ends it. */
enum exit_code run_session(const struct options *o, const struct session_plan *plan,
                           const struct target_list *targets);

#endif
