/* Runs a session on a node: cookie, node, signals, loop. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUNNER_H
#define CLI_RUNNER_H

#include "options.h"
#include "session.h"

/** Runs until the plan, a signal or a failure ends it. Says itself what goes wrong. */
enum exit_code run_session(const struct options *o, const struct session_plan *plan,
                           const struct target_list *targets);

/** Whether SIGINT or SIGTERM came since the output began to be closed: nobody wants to wait for it.
 */
bool run_interrupted(void);

#endif
