/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include <ctype.h>

static int digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t hex_decode(const char *text, uint8_t *out, size_t size)
{
    size_t n = 0;
    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            continue;
        int hi = digit(text[0]), lo = hi < 0 ? -1 : digit(text[1]);
        if (lo < 0 || n == size)
            return (size_t)-1;
        out[n++] = (uint8_t)(hi << 4 | lo);
        text++;
    }
    return n;
}
