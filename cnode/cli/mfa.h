/* Which function of which node is to be called, and with what. SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_MFA_H
#define CLI_MFA_H

#include "exitcode.h"
#include <noex/term.h>

/** Start with {0}. The names are borrowed from the operands. */
struct mfa {
    const char *node;
    const char *module;
    const char *function;
    size_t arity;
    struct noex_term arguments; /* the list of them */
    noex_builder *builder;      /* holds it */
};

/**
 * Takes NODE MODULE FUNCTION [ARG...]: names as they are, and Erlang terms. Returns 0, CODE_USAGE,
 * or CODE_INTERNAL without memory; free it in any case.
 */
enum exit_code mfa_parse(struct mfa *mfa, char *const *operands, size_t count, struct failure *why);

void mfa_free(struct mfa *mfa);

#endif
