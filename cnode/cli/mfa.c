/* SPDX-License-Identifier: Apache-2.0 */
#include "mfa.h"

#include <noex/target.h>

enum { NODE, MODULE, FUNCTION, ARGUMENTS, ARITY_MAX = 255, SHOWN_MAX = 400 };

static enum exit_code parse_names(struct mfa *mfa, char *const *operands, size_t count,
                                  struct failure *why)
{
    static const char *const names[] = {"node", "module", "function"};
    if (count < ARGUMENTS)
        return fail_with(why, CODE_USAGE, "call: no %s given", names[count]);
    if (noex_node_name_check(operands[NODE], NULL))
        return fail_with(why, CODE_USAGE, "call: not a node: '%s'", operands[NODE]);
    for (size_t i = MODULE; i <= FUNCTION; i++)
        if (!text_is_name(operands[i]))
            return fail_with(why, CODE_USAGE, "call: not a %s (1 to %d characters): '%s'", names[i],
                             TEXT_NAME_CHARS, operands[i]);
    mfa->node = operands[NODE];
    mfa->module = operands[MODULE];
    mfa->function = operands[FUNCTION];
    return CODE_WELL;
}

static enum exit_code parse_argument(struct mfa *mfa, const char *text, struct failure *why)
{
    struct noex_error error = {0};
    mfa->arity++;
    if (noex_build_text(mfa->builder, text, &error) == 0)
        return CODE_WELL;
    if (error.code == NOEX_ENOMEM)
        return fail_with(why, CODE_INTERNAL, "%s", error.text);
    return fail_with(why, CODE_USAGE, "call: argument %zu: %s: '%.*s'", mfa->arity, error.text,
                     SHOWN_MAX, text);
}

static enum exit_code no_memory(struct failure *why)
{
    return fail_with(why, CODE_INTERNAL, "out of memory");
}

enum exit_code mfa_parse(struct mfa *mfa, char *const *operands, size_t count, struct failure *why)
{
    enum exit_code rc = parse_names(mfa, operands, count, why);
    if (rc)
        return rc;
    if (count - ARGUMENTS > ARITY_MAX)
        return fail_with(why, CODE_USAGE, "call: more than %d arguments", ARITY_MAX);
    if (noex_builder_new(&mfa->builder, NULL) || noex_build_list(mfa->builder))
        return no_memory(why);
    for (size_t i = ARGUMENTS; i < count && !rc; i++)
        rc = parse_argument(mfa, operands[i], why);
    if (rc)
        return rc;
    noex_build_end(mfa->builder);
    return noex_builder_term(mfa->builder, &mfa->arguments) ? no_memory(why) : CODE_WELL;
}

void mfa_free(struct mfa *mfa)
{
    noex_builder_free(mfa->builder);
    *mfa = (struct mfa){0};
}
