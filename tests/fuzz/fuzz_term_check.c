/* Any bytes through the check; what passes must be safe for libei, the readers and the printer, and
 * all must agree where the term ends. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "term/check.h"
#include "term/ident.h"
#include "term/print.h"
#include "term/read.h"
#include <ei.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool truth)
{
    if (!truth)
        abort();
}

/* Libei knows neither records nor how to read FLOAT_EXT in bounds: such a term it does not get. */
static bool libei_knows(struct nx_span term)
{
    struct nx_rd in = nx_rd(term);
    struct nx_tok tok;
    while (nx_rd_left(&in)) {
        if (nx_tok_next(&in, &tok) || tok.kind == NX_TOK_RECORD || tok.tag == 99)
            return false;
        if (tok.kind == NX_TOK_FUN)
            in.p = tok.data.ptr + 25;
    }
    return true;
}

/* Every reader on every token of the term: none may take more than there is. */
static void read_all(struct nx_span term)
{
    struct nx_rd in = nx_rd(term);
    while (nx_rd_left(&in)) {
        struct nx_span span, raw = {NULL, 0};
        int64_t number;
        uint64_t u64;
        uint32_t count;
        double real;
        struct nx_pid pid;
        struct nx_ref ref;
        struct nx_tok tok;
        struct nx_rd at[10];
        for (size_t i = 0; i < 10; i++)
            at[i] = in;
        int taken = nx_read_atom(&at[0], &span) + nx_read_int(&at[1], &number) +
                    nx_read_double(&at[2], &real) + nx_read_binary(&at[3], &span) +
                    nx_read_tuple_head(&at[4], &count) + nx_read_list_head(&at[5], &count) +
                    nx_read_string(&at[6], &span) + nx_read_nil(&at[7]) +
                    nx_read_map_head(&at[8], &count);
        ensure(taken <= 1);
        nx_read_atom_is(&at[9], "ok");
        ensure(nx_tok_next(&in, &tok) == NX_TOK_OK);
        for (size_t i = 0; i < 9; i++)
            ensure(at[i].p == tok.raw.ptr || at[i].p == in.p);
        raw = tok.raw;
        ensure(nx_pid_parse(raw, &pid) == (tok.kind == NX_TOK_PID));
        ensure(nx_ref_parse(raw, &ref) == (tok.kind == NX_TOK_REF));
        ensure(nx_atom_parse(raw, &span) == (tok.kind == NX_TOK_ATOM));
        (void)nx_u64_parse(raw, &u64);
        if (tok.kind == NX_TOK_FUN)
            in.p = tok.data.ptr + 25;
    }
}

static void print_all(struct nx_span term)
{
    struct nx_print_opts opts = {{NULL, 0}};
    struct nx_buf out;
    bool cut = true;
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    ensure(nx_term_print(&out, term, &opts, &cut) == 0);
    ensure(!cut && nx_buf_len(&out) > 0);
    nx_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t used = 0, again = 0;
    struct noex_error err = {0};
    int rc = nx_term_check(nx_span(data, size), &used, &err);
    if (rc) {
        ensure((rc == NOEX_ETERM || rc == NOEX_ELIMIT) && err.code == rc && err.text[0]);
        ensure(rc == NOEX_ELIMIT ? used > 0 && used < size : used == 0);
        return 0;
    }
    ensure(used > 0 && used <= size);
    uint8_t *exact = malloc(used);
    ensure(exact);
    memcpy(exact, data, used);
    struct nx_span term = nx_span(exact, used);
    ensure(nx_term_check(term, &again, NULL) == 0 && again == used);
    int index = 0;
    if (libei_knows(term))
        ensure(ei_skip_term((const char *)exact, &index) != 0 || (size_t)index == used);
    read_all(term);
    print_all(term);
    free(exact);
    return 0;
}
