/* Log lines for the caller: a level and a callback; nothing is ever printed from here.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_LOG_H
#define NX_BASE_LOG_H

#include "base/err.h"
#include <noex/log.h>
#include <stdbool.h>

/** Where lines go; `fn` NULL drops them all. */
struct nx_log {
    noex_log_fn fn;
    void *user;
    enum noex_log_level level;
};

/** True where a line of this level would be delivered: ask before building a costly one. */
static inline bool nx_log_on(const struct nx_log *log, enum noex_log_level level)
{
    return log && log->fn && level <= log->level;
}

void nx_log(const struct nx_log *log, enum noex_log_level level, const char *fmt, ...)
    NX_PRINTF(3, 4);

#endif
