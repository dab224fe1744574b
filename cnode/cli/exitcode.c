/* SPDX-License-Identifier: Apache-2.0 */
#include "exitcode.h"

#include <noex/error.h>
#include <stdarg.h>
#include <stdio.h>

enum exit_code exitcode_of(int error)
{
    switch (noex_error_class(error)) {
    case NOEX_CLASS_OK:
        return CODE_WELL;
    case NOEX_CLASS_USAGE:
        return CODE_USAGE;
    case NOEX_CLASS_REACH:
        return CODE_REACH;
    case NOEX_CLASS_REFUSED:
        return CODE_REFUSED;
    case NOEX_CLASS_SILENCE:
        return CODE_SILENCE;
    case NOEX_CLASS_INTERNAL:
        break;
    }
    return CODE_INTERNAL;
}

enum exit_code exitcode_worse(enum exit_code a, enum exit_code b)
{
    static const int rank[] = {
        [CODE_WELL] = 0,    [CODE_DOWN] = 1,  [CODE_SILENCE] = 2,  [CODE_REACH] = 3,
        [CODE_REFUSED] = 4, [CODE_USAGE] = 5, [CODE_INTERNAL] = 6,
    };
    return rank[a] >= rank[b] ? a : b;
}

enum exit_code fail_with(struct failure *f, enum exit_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, args);
    va_end(args);
    f->code = code;
    return code;
}
