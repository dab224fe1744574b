/* Erlang text as external terms: read_text
 * A text a line comes in, in hex; "ok" and the term's bytes in hex go out, or "error" and why.
 * SPDX-License-Identifier: Apache-2.0 */
#include <noex/noex.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* In place: the text is half as long. */
static void decode(char *line)
{
    size_t len = strcspn(line, "\n") / 2;
    for (size_t i = 0; i < len; i++)
        line[i] = (char)(digit(line[2 * i]) << 4 | digit(line[2 * i + 1]));
    line[len] = '\0';
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    noex_builder *b;
    if (noex_builder_new(&b, NULL))
        return 1;
    while (getline(&line, &size, stdin) > 0) {
        struct noex_error err = {0};
        struct noex_term term;
        decode(line);
        noex_builder_clear(b);
        if (noex_build_text(b, line, &err) || noex_builder_term(b, &term)) {
            printf("error %s\n", err.text);
        } else {
            printf("ok ");
            for (size_t i = 0; i < term.len; i++)
                printf("%02x", term.bytes[i]);
            printf("\n");
        }
        fflush(stdout);
    }
    noex_builder_free(b);
    free(line);
    return 0;
}
