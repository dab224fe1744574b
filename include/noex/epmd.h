/* Asking a host's epmd. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_EPMD_H
#define NOEX_EPMD_H

#include <noex/error.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One registered name (without the host part) and its distribution port. `name` is borrowed for
 * the call. */
typedef void (*noex_epmd_name_fn)(void *user, const char *name, uint16_t port);

/**
 * Asks the epmd of `host` at `port` for the names registered there, and waits for the answer at
 * most `timeout_ms`. `err` may be NULL.
 * Errors: NOEX_EINVALID (a NULL, no port, no time), NOEX_EHOST, NOEX_EDNSTIMEOUT, NOEX_EEPMD
 * (nobody listens, or it closed), NOEX_EUNREACHABLE, NOEX_ECONNECTTIMEOUT, NOEX_EEPMDTIMEOUT,
 * NOEX_EEPMDGARBAGE, NOEX_ELOST, NOEX_ENOMEM, NOEX_ESYSTEM.
 */
NOEX_API NOEX_MUST_USE int noex_epmd_names(const char *host, uint16_t port, uint64_t timeout_ms,
                                           noex_epmd_name_fn each, void *user,
                                           struct noex_error *err);

#ifdef __cplusplus
}
#endif
#endif
