/* Any bytes as Erlang text: what is a term is one to the check, and reads back from its print byte
 * by byte; what is none has an error that names a place in the text.
 * SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool truth)
{
    if (!truth)
        abort();
}

static void ensure_error(int rc, const struct noex_error *err, size_t size)
{
    size_t at;
    ensure(rc == NOEX_EINVALID || rc == NOEX_ELIMIT);
    ensure(err->code == rc && *err->text);
    if (rc == NOEX_EINVALID)
        ensure(sscanf(err->text, "byte %zu: ", &at) == 1 && at <= size);
}

static void ensure_round_trip(struct noex_term term)
{
    size_t size = 64 + 16 * term.len;
    char *text = malloc(size);
    struct noex_term again;
    noex_builder *b = NULL;
    bool cut;
    ensure(text && noex_builder_new(&b, NULL) == 0);
    ensure(noex_term_print(term, NULL, text, size, &cut) >= 0 && !cut);
    ensure(noex_build_text(b, text, NULL) == 0 && noex_builder_term(b, &again) == 0);
    ensure(again.len == term.len && memcmp(again.bytes, term.bytes, term.len) == 0);
    noex_builder_free(b);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct noex_error err = {0};
    struct noex_term term;
    noex_builder *b = NULL;
    ensure(text && noex_builder_new(&b, NULL) == 0);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    int rc = noex_build_text(b, text, &err);
    free(text);
    ensure(noex_builder_term(b, &term) == rc);
    if (rc) {
        ensure_error(rc, &err, size);
    } else {
        ensure(err.code == 0 && noex_term_check(term, NULL) == 0);
        ensure_round_trip(term);
    }
    noex_builder_free(b);
    return 0;
}
