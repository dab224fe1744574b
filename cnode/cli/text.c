/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free(struct text *t)
{
    free(t->ptr);
    *t = (struct text){0};
}

void text_clear(struct text *t)
{
    t->len = 0;
    t->failed = false;
}

static bool make_room(struct text *t, size_t more)
{
    if (t->failed)
        return false;
    if (more <= t->cap - t->len)
        return true;
    size_t cap = t->cap ? t->cap : 256;
    while (cap - t->len < more && cap <= SIZE_MAX / 2)
        cap *= 2;
    char *grown = cap - t->len < more ? NULL : realloc(t->ptr, cap);
    if (!grown) {
        t->failed = true;
        return false;
    }
    t->ptr = grown;
    t->cap = cap;
    return true;
}

char *text_room(struct text *t, size_t size)
{
    return make_room(t, size) ? t->ptr + t->len : NULL;
}

void text_add(struct text *t, const char *bytes, size_t len)
{
    if (len && make_room(t, len)) {
        memcpy(t->ptr + t->len, bytes, len);
        t->len += len;
    }
}

const char *text_string(struct text *t)
{
    if (!make_room(t, 1))
        return "";
    t->ptr[t->len] = '\0';
    return t->ptr;
}

void text_puts(struct text *t, const char *string)
{
    text_add(t, string, strlen(string));
}

void text_printf(struct text *t, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    if (len < 0)
        t->failed = true;
    else if (make_room(t, (size_t)len + 1)) {
        vsnprintf(t->ptr + t->len, (size_t)len + 1, fmt, again);
        t->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

/* The length of the character at `s` (which ends in a NUL), or 0 where there is no valid one. */
static size_t utf8_char(const unsigned char *s, uint32_t *cp)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    *cp = s[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *cp = *cp << 6 | (s[i] & 0x3fU);
    }
    bool surrogate = *cp >= 0xd800 && *cp <= 0xdfff;
    return *cp < smallest[len] || *cp > 0x10ffff || surrogate ? 0 : len;
}

/* Characters that move the cursor or turn the text around: never shown as they are. */
static bool is_unsafe(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x61c ||
           (cp >= 0x200e && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

static size_t shown_char(const unsigned char *s, char out[16], size_t *taken)
{
    uint32_t cp = 0;
    *taken = utf8_char(s, &cp);
    int len;
    if (*taken == 0) {
        *taken = 1;
        len = snprintf(out, 16, "\\x%02x", s[0]);
    } else if (cp == '\n') {
        len = snprintf(out, 16, "\\n");
    } else if (cp == '\t') {
        len = snprintf(out, 16, "\\t");
    } else if (is_unsafe(cp)) {
        len = snprintf(out, 16, cp < 0x100 ? "\\x%02x" : "\\x{%x}", (unsigned)cp);
    } else {
        memcpy(out, s, *taken);
        return *taken;
    }
    return (size_t)len;
}

/* How many characters stand there that are shown as they are, `max` at most. */
static size_t plain_run(const unsigned char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n] >= 0x20 && s[n] < 0x7f)
        n++;
    return n;
}

size_t text_add_shown(struct text *t, const char *string, size_t max)
{
    const unsigned char *s = (const unsigned char *)string;
    size_t used = 0, columns = 0, taken;
    for (; *s; s += taken) {
        char out[16];
        size_t run = plain_run(s, max - used);
        text_add(t, (const char *)s, run);
        used += run;
        columns += run;
        s += run;
        if (!*s)
            break;
        size_t len = shown_char(s, out, &taken);
        if (used + len > max) {
            text_puts(t, "...");
            return columns + 3;
        }
        text_add(t, out, len);
        used += len;
        columns += len == taken ? 1 : len;
    }
    return columns;
}

void text_add_utf8(struct text *t, const char *string)
{
    for (const unsigned char *s = (const unsigned char *)string; *s;) {
        uint32_t cp;
        size_t len = utf8_char(s, &cp);
        if (len)
            text_add(t, (const char *)s, len);
        else
            text_puts(t, "\xef\xbf\xbd");
        s += len ? len : 1;
    }
}

bool text_is_utf8(const char *string)
{
    const unsigned char *s = (const unsigned char *)string;
    uint32_t cp;
    while (*s) {
        size_t len = utf8_char(s, &cp);
        if (!len)
            return false;
        s += len;
    }
    return true;
}

bool text_is_name(const char *string)
{
    size_t chars = 0;
    for (const char *s = string; *s; s++)
        chars += (*s & 0xc0) != 0x80;
    return chars >= 1 && chars <= TEXT_NAME_CHARS && text_is_utf8(string);
}
