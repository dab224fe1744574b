/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void nx_log(const struct nx_log *log, enum noex_log_level level, const char *fmt, ...)
{
    char line[1024];
    if (!nx_log_on(log, level))
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    log->fn(log->user, level, line);
}
