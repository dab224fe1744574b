/* What a process answers to the messages of OTP's module sys. No wire, no I/O.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_SYS_H
#define NX_PROCESS_SYS_H

#include "term/gen.h"

/** What a process shows of itself. All is borrowed for the call. */
struct nx_sys_process {
    struct nx_span pid;   /* as a term */
    struct nx_span name;  /* registered, UTF-8; empty: none */
    struct nx_span state; /* one term; empty: the atom undefined */
    bool suspended;
};

/** What is to be done once the answer is out. */
enum nx_sys_action { NX_SYS_NONE = 0, NX_SYS_SUSPEND, NX_SYS_RESUME, NX_SYS_TERMINATE };

struct nx_sys_result {
    enum nx_sys_action action;
    struct nx_span reason; /* TERMINATE; borrowed from the request */
};

/** True for the requests whose answer shows the state: only then it need be built. */
bool nx_sys_shows_state(struct nx_span request);

/**
 * Appends the answer to a request with this tag, both checked, and says what is to be done. A state
 * cannot be replaced, code not be changed, and there is nothing to debug with: what would switch
 * that on is answered as sys itself answers what it does not know, what switches it off is ok.
 * Errors: as nx_buf_put; then nothing is appended, and nothing to be done.
 */
NOEX_MUST_USE int nx_sys_answer(struct nx_buf *out, struct nx_span tag, struct nx_span request,
                                const struct nx_sys_process *process, struct nx_sys_result *result);

#endif
