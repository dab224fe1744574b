/* Signals in words, for the log. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CONN_TRACE_H
#define NX_CONN_TRACE_H

#include "base/log.h"
#include "wire/ctrl.h"

/** As nx_trace_signal, where that level is on. */
void nx_trace_write(const struct nx_log *log, const char *peer, const char *direction,
                    const struct nx_ctrl *ctrl, struct nx_span payload, uint64_t payload_full,
                    size_t cached);

/** One line at NOEX_LOG_TRACE: who, direction ("<-", "->"), opcode, elements, payload (its first
 * part), how many atoms of the cache its frame referred to. Costs nothing where that level is off.
 * Terms of `peer` are printed as on that node. */
static inline void nx_trace_signal(const struct nx_log *log, const char *peer,
                                   const char *direction, const struct nx_ctrl *ctrl,
                                   struct nx_span payload, uint64_t payload_full, size_t cached)
{
    if (nx_log_on(log, NOEX_LOG_TRACE))
        nx_trace_write(log, peer, direction, ctrl, payload, payload_full, cached);
}

#endif
