/* The commands. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "mfa.h"
#include "options.h"
#include "targets.h"

/** What stands behind the options; a command reads what is its own, the others are empty. */
struct operands {
    struct target_list targets; /* also nodes, as targets */
    struct mfa mfa;
};

/* Each runs with options that are valid, and says itself what goes wrong. */
enum exit_code cmd_watch(const struct options *o, const struct operands *operands);
enum exit_code cmd_check(const struct options *o, const struct operands *operands);
enum exit_code cmd_wait_up(const struct options *o, const struct operands *operands);
enum exit_code cmd_wait_down(const struct options *o, const struct operands *operands);
enum exit_code cmd_ping(const struct options *o, const struct operands *operands);
enum exit_code cmd_call(const struct options *o, const struct operands *operands);
enum exit_code cmd_names(const struct options *o, const struct operands *none);

/** --timeout, or its default: 10 s. */
static inline uint64_t timeout_or_default(const struct options *o)
{
    return o->timeout_ms ? o->timeout_ms : 10000;
}

#endif
