/* SPDX-License-Identifier: Apache-2.0 */
#include "term/word.h"

bool nx_word_starts(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}

bool nx_word_goes_on(uint32_t c)
{
    return nx_word_starts(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '@' || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

bool nx_word_is_reserved(struct nx_span word)
{
    static const char words[][8] = {"after",  "and",     "andalso", "band", "begin", "bnot", "bor",
                                    "bsl",    "bsr",     "bxor",    "case", "catch", "cond", "div",
                                    "end",    "fun",     "if",      "let",  "not",   "of",   "or",
                                    "orelse", "receive", "rem",     "try",  "when",  "xor"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (nx_span_is(word, words[i]))
            return true;
    return false;
}
