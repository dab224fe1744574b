/* Any term as a message: its parts are whole terms within it, and written again they are the same
 * message. Also bytes that are no term: nothing is read past their end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "term/check.h"
#include "term/gen.h"
#include "term/ident.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_term(struct nx_span s)
{
    size_t used;
    return nx_term_check(s, &used, NULL) == 0 && used == s.len;
}

static void same_parts(struct nx_span written, const struct nx_gen *m)
{
    struct nx_gen again;
    nx_gen_parse(written, &again);
    require(again.kind == m->kind && nx_span_eq(again.caller, m->caller) &&
            nx_span_eq(again.term, m->term));
}

static void check_message(struct nx_span message)
{
    struct nx_gen m;
    struct nx_gen_caller caller;
    struct nx_pid pid;
    struct nx_ref ref;
    struct nx_buf out;
    nx_gen_parse(message, &m);
    require(is_term(m.term));
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    if (m.kind == NX_GEN_CAST) {
        require(nx_gen_write_cast(&out, m.term) == 0);
        same_parts(nx_buf_span(&out), &m);
    } else if (m.kind != NX_GEN_PLAIN) {
        require(nx_gen_caller_parse(m.caller, &caller) && nx_pid_parse(caller.pid, &pid));
        struct nx_span alias = nx_gen_alias(caller.tag);
        require(is_term(caller.tag) && (!alias.len || nx_ref_parse(alias, &ref)));
        require(nx_gen_write_call(&out, &caller, m.term) == 0);
        m.kind = NX_GEN_CALL;
        same_parts(nx_buf_span(&out), &m);
    }
    nx_buf_free(&out);
}

static void check_reply(struct nx_span message)
{
    struct nx_span tag, reply, tag_again, reply_again;
    struct nx_ref ref;
    struct nx_buf out;
    if (!nx_gen_reply_parse(message, &tag, &reply))
        return;
    require(nx_ref_parse(tag, &ref) && is_term(reply));
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    require(nx_gen_write_reply(&out, tag, reply) == 0);
    require(nx_gen_reply_parse(nx_buf_span(&out), &tag_again, &reply_again));
    require(nx_span_eq(tag, tag_again) && nx_span_eq(reply, reply_again));
    nx_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_span message = nx_span(data, size), ref, reply;
    struct nx_gen m;
    struct nx_gen_caller caller;
    if (is_term(message)) {
        check_message(message);
        check_reply(message);
        return 0;
    }
    nx_gen_parse(message, &m);
    (void)nx_gen_caller_parse(message, &caller);
    (void)nx_gen_alias(message);
    (void)nx_gen_reply_parse(message, &ref, &reply);
    return 0;
}
