/* SPDX-License-Identifier: Apache-2.0 */
#include "term/scan.h"

#include "term/utf8.h"
#include "term/word.h"
#include <stdarg.h>
#include <stdio.h>

int nx_scan_fail(struct nx_scan *s, const uint8_t *at, const char *fmt, ...)
{
    char cause[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(cause, sizeof cause, fmt, args);
    va_end(args);
    return nx_fail(s->err, NOEX_EINVALID, "byte %zu: %s", (size_t)(at - s->start), cause);
}

struct nx_span nx_scan_word(const struct nx_scan *s)
{
    struct nx_rd in = s->in;
    const uint8_t *start = in.p, *end = in.p;
    for (uint32_t c; nx_utf8_next(&in, &c) && nx_word_goes_on(c);)
        end = in.p;
    return nx_span(start, (size_t)(end - start));
}

static const char *kind_of_word(struct nx_span word)
{
    bool variable = *word.ptr == '_' || (*word.ptr >= 'A' && *word.ptr <= 'Z');
    return variable ? "the variable " : nx_word_is_reserved(word) ? "the reserved word " : "";
}

int nx_scan_expected(struct nx_scan *s, const char *what)
{
    enum { SHOWN_MAX = 32 };
    struct nx_rd in = s->in;
    struct nx_span word = nx_scan_word(s);
    uint32_t c;
    if (word.len > SHOWN_MAX)
        return nx_scan_fail(s, in.p, "expected %s, found %sof %zu bytes", what,
                            *kind_of_word(word) ? kind_of_word(word) : "a word ", word.len);
    if (word.len)
        return nx_scan_fail(s, in.p, "expected %s, found %s'%.*s'", what, kind_of_word(word),
                            (int)word.len, (const char *)word.ptr);
    if (nx_rd_left(&in) == 0)
        return nx_scan_fail(s, in.p, "expected %s, found the end", what);
    if (!nx_utf8_next(&in, &c))
        return nx_scan_fail(s, in.p, "expected %s, found what is no UTF-8", what);
    if (c > ' ' && c < 0x7f)
        return nx_scan_fail(s, s->in.p, "expected %s, found '%c'", what, (int)c);
    return nx_scan_fail(s, s->in.p, "expected %s, found U+%04X", what, (unsigned)c);
}

static bool is_space(uint32_t c)
{
    return c <= ' ' || (c >= 0x80 && c <= 0xa0);
}

void nx_scan_space(struct nx_scan *s)
{
    struct nx_rd next = s->in;
    for (uint32_t c; nx_utf8_next(&next, &c); s->in = next) {
        if (c == '%')
            while (nx_rd_left(&next) && *next.p != '\n')
                next.p++;
        else if (!is_space(c))
            return;
    }
}

bool nx_scan_take(struct nx_scan *s, const char *token)
{
    struct nx_span wanted = nx_span_str(token), found;
    nx_scan_space(s);
    struct nx_rd in = s->in;
    if (!nx_rd_bytes(&in, wanted.len, &found) || !nx_span_eq(found, wanted))
        return false;
    s->in = in;
    return true;
}

/* Escapes, behind the backslash. */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \xHH and \x{H...}, behind the x. */
static int take_hex(struct nx_scan *s, uint32_t *c)
{
    bool braces = nx_scan_peek(s) == '{';
    const uint8_t *start = s->in.p += braces;
    uint32_t value = 0;
    for (int digit; (digit = hex_value(nx_scan_peek(s))) >= 0; s->in.p++) {
        if (!braces && s->in.p - start == 2)
            break;
        value = value << 4 | (uint32_t)digit;
        if (value > 0x10ffff)
            return nx_scan_fail(s, start, "a character above U+10FFFF");
    }
    if (s->in.p == start || (!braces && s->in.p - start < 2))
        return nx_scan_expected(s, "a hexadecimal digit");
    if (braces && nx_scan_peek(s) != '}')
        return nx_scan_expected(s, "a hexadecimal digit or '}'");
    if (value >= 0xd800 && value < 0xe000)
        return nx_scan_fail(s, start, "a surrogate is no character");
    s->in.p += braces;
    *c = value;
    return 0;
}

/* \^X, behind the circumflex. What \^? is differs by release; later ones do as the reference says.
 */
static int take_control(struct nx_scan *s, uint32_t *c)
{
    uint8_t letter = nx_scan_peek(s);
    if (letter != '?' && !(letter >= '@' && letter <= '_') && !(letter >= 'a' && letter <= 'z'))
        return nx_scan_expected(s, "a letter or one of @[\\]^_? behind \\^");
    s->in.p++;
    *c = letter == '?' ? 0x7f : letter & 0x1f;
    return 0;
}

static void take_octal(struct nx_scan *s, uint32_t *c)
{
    *c = 0;
    for (int i = 0; i < 3 && nx_scan_peek(s) >= '0' && nx_scan_peek(s) <= '7'; i++)
        *c = *c * 8 + (*s->in.p++ - (uint32_t)'0');
}

static uint32_t escaped(uint32_t c)
{
    static const char letters[] = "nrtvbfesd", meant[] = "\n\r\t\v\b\f\x1b \x7f";
    const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;
    return letter ? (uint32_t)meant[letter - letters] : c;
}

int nx_scan_char(struct nx_scan *s, uint32_t *c)
{
    bool escape = nx_scan_peek(s) == '\\';
    s->in.p += escape;
    if (escape && nx_scan_peek(s) >= '0' && nx_scan_peek(s) <= '7') {
        take_octal(s, c);
        return 0;
    }
    if (!nx_utf8_next(&s->in, c))
        return nx_scan_expected(s, "a character");
    if (!escape)
        return 0;
    if (*c == 'x')
        return take_hex(s, c);
    if (*c == '^')
        return take_control(s, c);
    *c = escaped(*c);
    return 0;
}

int nx_scan_quoted(struct nx_scan *s, char quote, uint32_t *c, bool *more)
{
    *more = nx_scan_peek(s) != (uint8_t)quote;
    if (nx_rd_left(&s->in) == 0)
        return nx_scan_expected(s, quote == '"' ? "a closing '\"'" : "a closing '\''");
    if (*more)
        return nx_scan_char(s, c);
    s->in.p++;
    return 0;
}

int nx_scan_string(struct nx_scan *s, uint32_t *c, bool *more)
{
    for (;;) {
        int rc = nx_scan_quoted(s, '"', c, more);
        if (rc || *more)
            return rc;
        /* Since OTP 27 it is an error, and three quotes begin a string of another kind. */
        if (nx_scan_peek(s) == '"')
            return nx_scan_expected(s, "white space between two strings");
        if (!nx_scan_take(s, "\""))
            return 0;
    }
}
