/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct noex_error) == 256, "struct noex_error has no padding");

int nx_fail(struct noex_error *err, int code, const char *fmt, ...)
{
    if (!code || !err || err->code)
        return code;
    err->code = code;
    err->sys_errno = 0;
    if (!fmt) {
        snprintf(err->text, sizeof err->text, "%s", noex_error_text(code));
        return code;
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}

int nx_fail_sys(struct noex_error *err, int code, int sys_errno, const char *what)
{
    char cause[96];
    if (!err || err->code)
        return code;
    if (strerror_r(sys_errno, cause, sizeof cause))
        snprintf(cause, sizeof cause, "errno %d", sys_errno);
    nx_fail(err, code, "%s: %s", what, cause);
    err->sys_errno = sys_errno;
    return code;
}

const char *noex_error_text(int code)
{
    switch (code) {
    case NOEX_OK:
        return "no error";
#define TEXT(name, number, text)                                                                   \
    case NOEX_##name:                                                                              \
        return text;
        NOEX_ERROR_MAP(TEXT)
#undef TEXT
    default:
        return "unknown error";
    }
}

const char *noex_error_name(int code)
{
    switch (code) {
    case NOEX_OK:
        return "NOEX_OK";
#define NAME(name, number, text)                                                                   \
    case NOEX_##name:                                                                              \
        return "NOEX_" #name;
        NOEX_ERROR_MAP(NAME)
#undef NAME
    default:
        return "NOEX_UNKNOWN";
    }
}

enum noex_error_class noex_error_class(int code)
{
    if (code == NOEX_OK)
        return NOEX_CLASS_OK;
    if (code > -100 || code <= -600)
        return NOEX_CLASS_INTERNAL;
    return (enum noex_error_class)(-code / 100);
}
