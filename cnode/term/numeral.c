/* SPDX-License-Identifier: Apache-2.0 */
#include "term/numeral.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DECIMAL = 10,
    BASE_MAX = 36,
    INTEGER_MAX = 524280, /* bytes */
    DIGITS_MAX = 10000    /* where the base is no power of two */
};

static unsigned digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    if (c >= 'a' && c <= 'z')
        return c - (unsigned)'a' + DECIMAL;
    return c >= 'A' && c <= 'Z' ? c - (unsigned)'A' + DECIMAL : BASE_MAX;
}

/* Reading. */

static bool at_digit(const struct nx_scan *s, unsigned base)
{
    return nx_rd_left(&s->in) && digit_value(*s->in.p) < base;
}

/* Digits, with single underscores between them; how many. */
static size_t take_digits(struct nx_scan *s, unsigned base, struct nx_span *digits)
{
    const uint8_t *start = s->in.p;
    size_t count = 0;
    while (at_digit(s, base)) {
        count++;
        s->in.p++;
        struct nx_scan behind = *s;
        behind.in.p += nx_scan_peek(s) == '_';
        if (at_digit(&behind, base))
            s->in = behind.in;
    }
    *digits = nx_span(start, (size_t)(s->in.p - start));
    return count;
}

static void drop_zeros(struct nx_numeral *n)
{
    while (n->digits.len && (*n->digits.ptr == '0' || *n->digits.ptr == '_')) {
        n->count -= *n->digits.ptr == '0';
        n->digits = nx_span(n->digits.ptr + 1, n->digits.len - 1);
    }
}

/* A number of decimal digits; `max` where it is larger. */
static int64_t small_value(struct nx_span digits, int64_t max)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.len && value <= max; i++)
        if (digits.ptr[i] != '_')
            value = value * DECIMAL + (int64_t)digit_value(digits.ptr[i]);
    return value < max ? value : max;
}

static int take_based(struct nx_scan *s, struct nx_numeral *n)
{
    int64_t base = small_value(n->digits, BASE_MAX + 1);
    if (base < 2 || base > BASE_MAX)
        return nx_scan_fail(s, n->start, "a base is from 2 to %d", BASE_MAX);
    s->in.p++;
    n->base = (unsigned)base;
    n->count = take_digits(s, n->base, &n->digits);
    char digit[32];
    snprintf(digit, sizeof digit, "a digit of base %u", n->base);
    return n->count ? 0 : nx_scan_expected(s, digit);
}

/* Behind the digits in front of the point. */
static int take_fraction(struct nx_scan *s, struct nx_numeral *n)
{
    enum { EXPONENT_MAX = 1000000000 };
    const uint8_t *start = n->digits.ptr;
    struct nx_span digits;
    n->kind = NX_NUMERAL_FLOAT;
    s->in.p++;
    take_digits(s, DECIMAL, &digits);
    n->digits = nx_span(start, (size_t)(s->in.p - start));
    n->exponent = 0;
    if (nx_scan_peek(s) != 'e' && nx_scan_peek(s) != 'E')
        return 0;
    s->in.p++;
    bool negative = nx_scan_peek(s) == '-';
    s->in.p += negative || nx_scan_peek(s) == '+';
    if (take_digits(s, DECIMAL, &digits) == 0)
        return nx_scan_expected(s, "a digit of the exponent");
    n->exponent = small_value(digits, EXPONENT_MAX) * (negative ? -1 : 1);
    return 0;
}

static int check_size(struct nx_scan *s, const struct nx_numeral *n)
{
    size_t at = (size_t)(n->start - s->start);
    bool power_of_two = (n->base & (n->base - 1)) == 0;
    if (power_of_two && nx_numeral_size(n) > INTEGER_MAX)
        return nx_fail(s->err, NOEX_ELIMIT, "byte %zu: an integer of more than %d bytes", at,
                       INTEGER_MAX);
    if (!power_of_two && n->count > DIGITS_MAX)
        return nx_fail(s->err, NOEX_ELIMIT,
                       "byte %zu: an integer of more than %d digits; write it in base 16", at,
                       DIGITS_MAX);
    return 0;
}

static int take_number(struct nx_scan *s, struct nx_numeral *n)
{
    n->kind = NX_NUMERAL_INT;
    n->base = DECIMAL;
    n->count = take_digits(s, DECIMAL, &n->digits);
    if (n->count == 0)
        return nx_scan_expected(s, "a number");
    struct nx_scan behind = *s;
    behind.in.p += nx_scan_peek(s) == '.';
    if (behind.in.p != s->in.p && at_digit(&behind, DECIMAL))
        return take_fraction(s, n);
    int rc = nx_scan_peek(s) == '#' ? take_based(s, n) : 0;
    drop_zeros(n);
    return rc ? rc : check_size(s, n);
}

int nx_numeral_scan(struct nx_scan *s, struct nx_numeral *n)
{
    nx_scan_space(s);
    n->start = s->in.p;
    n->negative = nx_scan_take(s, "-");
    if (!n->negative)
        nx_scan_take(s, "+");
    if (!nx_scan_take(s, "$"))
        return take_number(s, n);
    n->kind = NX_NUMERAL_CHAR;
    return nx_scan_char(s, &n->character);
}

/* Integers. */

static unsigned bits_of_digit(unsigned base)
{
    unsigned bits = 1;
    while (1U << bits < base)
        bits++;
    return bits;
}

size_t nx_numeral_size(const struct nx_numeral *n)
{
    return n->kind == NX_NUMERAL_CHAR ? 4 : (n->count * bits_of_digit(n->base) + 7) / 8;
}

static void shift_in(const struct nx_numeral *n, uint8_t *bytes)
{
    unsigned bits = bits_of_digit(n->base), used = 0;
    uint32_t window = 0;
    for (size_t i = n->digits.len; i; i--) {
        if (n->digits.ptr[i - 1] == '_')
            continue;
        window |= digit_value(n->digits.ptr[i - 1]) << used;
        for (used += bits; used >= 8; used -= 8, window >>= 8)
            *bytes++ = (uint8_t)window;
    }
    if (used)
        *bytes = (uint8_t)window;
}

/* bytes = bytes * factor + digits; the length grows by what is carried. */
static size_t multiply_add(uint8_t *bytes, size_t len, uint32_t factor, uint32_t digits)
{
    uint64_t carry = digits;
    for (size_t i = 0; i < len; i++, carry >>= 8) {
        carry += (uint64_t)bytes[i] * factor;
        bytes[i] = (uint8_t)carry;
    }
    for (; carry; carry >>= 8)
        bytes[len++] = (uint8_t)carry;
    return len;
}

static void multiply_in(const struct nx_numeral *n, uint8_t *bytes)
{
    uint32_t factor = 1, digits = 0;
    size_t len = 0;
    for (size_t i = 0; i < n->digits.len; i++) {
        if (n->digits.ptr[i] == '_')
            continue;
        digits = digits * n->base + digit_value(n->digits.ptr[i]);
        factor *= n->base;
        if (factor > UINT32_MAX / BASE_MAX) {
            len = multiply_add(bytes, len, factor, digits);
            factor = 1;
            digits = 0;
        }
    }
    multiply_add(bytes, len, factor, digits);
}

size_t nx_numeral_magnitude(const struct nx_numeral *n, uint8_t *bytes)
{
    size_t len = nx_numeral_size(n);
    memset(bytes, 0, len);
    if (n->kind == NX_NUMERAL_CHAR)
        multiply_add(bytes, 0, 1, n->character);
    else if ((n->base & (n->base - 1)) == 0)
        shift_in(n, bytes);
    else
        multiply_in(n, bytes);
    while (len && bytes[len - 1] == 0)
        len--;
    return len;
}

bool nx_numeral_small(const struct nx_numeral *n, uint64_t *magnitude)
{
    enum { ROOM = 16 }; /* for the leading zeros of bits */
    uint8_t bytes[ROOM];
    *magnitude = 0;
    if (n->kind == NX_NUMERAL_FLOAT || nx_numeral_size(n) > sizeof bytes)
        return false;
    size_t len = nx_numeral_magnitude(n, bytes);
    for (size_t i = len; i; i--)
        *magnitude = *magnitude << 8 | bytes[i - 1];
    return len <= sizeof *magnitude;
}

/* Floats. */

size_t nx_numeral_scratch(const struct nx_numeral *n)
{
    return n->digits.len + sizeof "-e-9223372036854775808";
}

/* Without a point, which to strtod is that of the locale. */
bool nx_numeral_double(const struct nx_numeral *n, char *scratch, double *value)
{
    int64_t fraction = 0;
    bool behind_point = false;
    char *end = scratch;
    if (n->negative)
        *end++ = '-';
    for (size_t i = 0; i < n->digits.len; i++) {
        if (n->digits.ptr[i] == '.') {
            behind_point = true;
        } else if (n->digits.ptr[i] != '_') {
            *end++ = (char)n->digits.ptr[i];
            fraction += behind_point;
        }
    }
    snprintf(end, sizeof "e-9223372036854775808", "e%" PRId64, n->exponent - fraction);
    *value = strtod(scratch, NULL);
    return isfinite(*value);
}
