/* Filling the error record. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_ERR_H
#define NX_BASE_ERR_H

#include <noex/error.h>

#if defined(__GNUC__)
#define NX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define NX_PRINTF(fmt, args)
#endif

/**
 * Records a failure and returns `code`, so that `return nx_fail(err, NOEX_ECOOKIE, ...)` reads
 * well. `err` may be NULL; a record that already holds a cause keeps it. `fmt` NULL: the code's own
 * text.
 */
int nx_fail(struct noex_error *err, int code, const char *fmt, ...) NX_PRINTF(3, 4);

/** As nx_fail, for a failed system call: records `sys_errno` and appends its text. */
int nx_fail_sys(struct noex_error *err, int code, int sys_errno, const char *what);

#endif
