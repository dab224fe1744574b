/* Every call of a public function that can fail is observed: an error that its comment does not
 * list ends the test, and scripts/api_errors.py finds those that no test sees. To be included after
 * the public headers. SPDX-License-Identifier: Apache-2.0 */
#ifndef OBSERVE_H
#define OBSERVE_H

#include <noex/noex.h>
#include <noex/uv.h>

/** Notes that `name` gave `rc` where that is an error; returns `rc`. From any thread. */
int observed(const char *name, int rc);
/** The same for the error that an event holds. */
void observed_event(const struct noex_event *event);

#include "observe_api.h"

#endif
