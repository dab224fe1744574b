/* A control message from bytes: what parses is a term that the general check takes too, its
 * elements lie in a row, and building it again gives a message with the same elements.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "term/check.h"
#include "wire/ctrl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_built_again(const struct nx_ctrl *c)
{
    struct nx_buf out;
    struct nx_ctrl again;
    size_t used;
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    int rc = nx_ctrl_build(&out, c);
    /* Flags of more than 64 bits are read, but never written. */
    must(rc == 0 || (c->op == NX_OP_ALTACT_SIG_SEND && rc == NOEX_EINVALID));
    if (!rc) {
        must(nx_ctrl_parse(nx_buf_span(&out), &again, &used, NULL) == 0);
        must(used == nx_buf_len(&out) && again.op == c->op && again.has_payload == c->has_payload);
        for (unsigned role = 0; role < NX_ARG_COUNT; role++)
            must(role == NX_ARG_UNUSED || nx_span_eq(again.arg[role], c->arg[role]));
    }
    nx_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct noex_error err = {0};
    struct nx_ctrl c;
    size_t used = 0, term = 0, elements = 0;
    int rc = nx_ctrl_parse(nx_span(data, size), &c, &used, &err);
    must(used <= size && rc == err.code && (rc == 0 || (c.op == 0 && err.text[0])));
    if (rc) {
        must(used == 0 || rc == NOEX_EPROTOCOL);
        return 0;
    }
    /* The tuple itself is one level more than the check of each element counted. */
    if (size < NX_TERM_DEPTH_MAX)
        must(nx_term_check(nx_span(data, used), &term, NULL) == 0 && term == used);
    for (unsigned role = 0; role < NX_ARG_COUNT; role++) {
        struct nx_span s = c.arg[role];
        must(s.len == 0 || (s.ptr > data && s.ptr + s.len <= data + used));
        elements += s.len;
    }
    must(elements < used);
    check_built_again(&c);
    return 0;
}
