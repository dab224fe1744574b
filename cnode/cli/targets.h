/* What is to be watched, as the user wrote it. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include "exitcode.h"
#include <noex/target.h>
#include <noex/term.h>
#include <stdio.h>

struct target_spec {
    char *text;              /* as given */
    char *parts;             /* what `what` points into */
    struct noex_target what; /* of NODE/global:NAME a name, "global:NAME" */
    noex_builder *global;    /* of NODE/global:NAME: holds [NAME], to ask with; else NULL */
    size_t order;            /* place in the order given */
};

/** Start with {0}. */
struct target_list {
    struct target_spec *items;
    size_t count;
    size_t cap;
};

/** Adds NODE, NODE/NAME, NODE/<A.B.C> or NODE/global:NAME. Returns 0, CODE_USAGE, or CODE_INTERNAL
 * without memory. */
enum exit_code targets_add(struct target_list *list, const char *text, struct failure *why);

/** Adds those of a file, one a line; blank lines and those that begin with '#' are skipped.
 * `source` names the file in errors, which name the line. */
enum exit_code targets_read(struct target_list *list, FILE *in, const char *source,
                            struct failure *why);

/** As targets_read, for a path; "-" is standard input. */
enum exit_code targets_read_path(struct target_list *list, const char *path, struct failure *why);

/** Drops all but the first of those that are the same; the order stays. */
enum exit_code targets_unique(struct target_list *list, struct failure *why);

void targets_free(struct target_list *list);

#endif
