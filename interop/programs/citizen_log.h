/* What happened to a process of the citizen, or to its node: a list that grows until it is asked
 * for. SPDX-License-Identifier: Apache-2.0 */
#ifndef CITIZEN_LOG_H
#define CITIZEN_LOG_H

#include <noex/noex.h>

/** A log, to free with noex_builder_free. */
noex_builder *log_new(void);

/**
 * Adds an event: {exit | lost, Pid, Reason} (lost: with the connection), {message | priority,
 * Term}, {cast, Term}; {up, Node}, {down | failed, Node, Error}, {monitor_down, Node, Reason}.
 * Others are not kept.
 */
void log_event(noex_builder *log, const struct noex_event *e);

/** Adds the list to `out`, and begins anew. */
int log_take(noex_builder *log, noex_builder *out);

#endif
