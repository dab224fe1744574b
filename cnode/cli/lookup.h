/* Which process has a name of `global`: the target's node is asked, by erpc.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LOOKUP_H
#define CLI_LOOKUP_H

#include "session.h"

/** Room for the name of any node. */
enum { LOOKUP_NODE_SIZE = 256 };

/** Asks. Returns 0, with the call in `t->lookup`, or the library's error. */
int lookup_start(struct session *s, struct watched *t);

enum lookup_result {
    LOOKUP_FOUND,  /* `t->what` is the process */
    LOOKUP_NOBODY, /* nobody has the name: `t->what` is that */
    LOOKUP_NONSENSE
};

/** Reads the REPLY. */
enum lookup_result lookup_read(struct watched *t, const struct noex_event *reply);

#endif
