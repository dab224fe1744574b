/* SPDX-License-Identifier: Apache-2.0 */
#include "term/bits.h"

#include "term/numeral.h"
#include "term/utf8.h"
#include <math.h>

enum {
    TAG_BITS = 77,
    TAG_BINARY = 109,
    HEAD = 1 + 4,
    SIZE_MAX_BITS = 65536, /* so that a short text cannot ask for much memory */
    DEFAULT_SIZE = 8,
    DOUBLE_SIZE = 64,
    SINGLE_SIZE = 32
};

/* Bits that are added to the buffer. */
struct bits {
    struct nx_buf *out;
    unsigned used; /* of the last byte; 0: all */
};

enum type { INTEGER, FLOAT, UTF8, UTF16, UTF32 };
enum { BIG, LITTLE };
enum property { TYPE, ENDIAN, SIGN, PROPERTIES };

/* VALUE:Size/Type, read. */
struct segment {
    const uint8_t *start;
    bool is_string;
    struct nx_scan string; /* at its first character */
    struct nx_numeral number;
    uint32_t size; /* in bits */
    bool sized;
    bool given[PROPERTIES];
    int is[PROPERTIES];
};

/* Reading. */

static int take_value(struct nx_scan *s, struct segment *segment)
{
    uint32_t c;
    bool more = true;
    int rc = 0;
    segment->is_string = nx_scan_take(s, "\"");
    segment->start = s->in.p - segment->is_string;
    if (!segment->is_string && !nx_numeral_starts(nx_scan_peek(s)))
        return nx_scan_expected(s, "a number or a string");
    if (!segment->is_string)
        return nx_numeral_scan(s, &segment->number);
    segment->string = *s;
    while (rc == 0 && more)
        rc = nx_scan_string(s, &c, &more);
    return rc;
}

static int take_size(struct nx_scan *s, struct segment *segment)
{
    struct nx_numeral n;
    uint64_t size;
    int rc = nx_numeral_scan(s, &n);
    if (rc)
        return rc;
    if (n.kind != NX_NUMERAL_INT || n.negative || !nx_numeral_small(&n, &size) ||
        size > SIZE_MAX_BITS)
        return nx_scan_fail(s, n.start, "a size is an integer from 0 to %d", SIZE_MAX_BITS);
    segment->sized = true;
    segment->size = (uint32_t)size;
    return 0;
}

static int take_property(struct nx_scan *s, struct segment *segment)
{
    static const struct {
        const char *name;
        enum property property;
        int value;
    } names[] = {{"integer", TYPE, INTEGER}, {"float", TYPE, FLOAT},    {"utf8", TYPE, UTF8},
                 {"utf16", TYPE, UTF16},     {"utf32", TYPE, UTF32},    {"big", ENDIAN, BIG},
                 {"little", ENDIAN, LITTLE}, {"unsigned", SIGN, false}, {"signed", SIGN, true}};
    nx_scan_space(s);
    struct nx_span word = nx_scan_word(s);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum property property = names[i].property;
        if (!nx_span_is(word, names[i].name))
            continue;
        if (segment->given[property] && segment->is[property] != names[i].value)
            return nx_scan_fail(s, word.ptr, "'%s' contradicts what stands before it",
                                names[i].name);
        s->in.p += word.len;
        segment->given[property] = true;
        segment->is[property] = names[i].value;
        return 0;
    }
    return nx_scan_expected(s, "integer, float, utf8, utf16, utf32, big, little, signed or "
                               "unsigned");
}

static int take_segment(struct nx_scan *s, struct segment *segment)
{
    *segment = (struct segment){.is = {INTEGER, BIG, false}};
    int rc = take_value(s, segment);
    if (rc == 0 && nx_scan_take(s, ":"))
        rc = take_size(s, segment);
    if (rc == 0 && nx_scan_take(s, "/"))
        do
            rc = take_property(s, segment);
        while (rc == 0 && nx_scan_take(s, "-"));
    return rc;
}

/* Writing. */

/* The lowest `count` bits of a byte, 1 to 8. */
static int put_bits(struct bits *b, uint8_t byte, unsigned count)
{
    unsigned window = (byte & (0xffU >> (8 - count))) << (16 - count) >> b->used;
    int rc = nx_buf_reserve(b->out, 2);
    if (rc)
        return rc;
    if (b->used)
        b->out->data[b->out->end - 1] |= (uint8_t)(window >> 8);
    else
        b->out->data[b->out->end++] = (uint8_t)(window >> 8);
    if (b->used + count > 8)
        b->out->data[b->out->end++] = (uint8_t)window;
    b->used = (b->used + count) % 8;
    return 0;
}

/* The lowest `size` bits of a number whose lowest byte is the first. */
static int put_number(struct bits *b, const uint8_t *bytes, size_t size, bool little)
{
    size_t whole = size / 8;
    unsigned rest = size % 8;
    int rc = rest && !little ? put_bits(b, bytes[whole], rest) : 0;
    for (size_t i = 0; rc == 0 && i < whole; i++)
        rc = put_bits(b, bytes[little ? i : whole - 1 - i], 8);
    return rc == 0 && rest && little ? put_bits(b, bytes[whole], rest) : rc;
}

static void negate(uint8_t *bytes, size_t len)
{
    unsigned carry = 1;
    for (size_t i = 0; i < len; i++, carry >>= 8) {
        carry += (uint8_t)~bytes[i];
        bytes[i] = (uint8_t)carry;
    }
}

static int put_integer(struct bits *b, struct nx_scan *s, const struct segment *segment)
{
    uint8_t bytes[SIZE_MAX_BITS / 8 + 1];
    size_t size = segment->sized ? segment->size : DEFAULT_SIZE, len = size / 8 + 1;
    if (segment->number.kind == NX_NUMERAL_FLOAT)
        return nx_scan_fail(s, segment->start, "a float here needs /float");
    if (nx_numeral_size(&segment->number) > sizeof bytes)
        return nx_scan_fail(s, segment->start, "an integer too large for any size");
    size_t used = nx_numeral_magnitude(&segment->number, bytes);
    if (used < len)
        memset(bytes + used, 0, len - used);
    if (segment->number.negative)
        negate(bytes, len);
    return put_number(b, bytes, size, segment->is[ENDIAN] == LITTLE);
}

static int put_image(struct bits *b, uint64_t image, size_t size, bool little)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(image >> (8 * i));
    return put_number(b, bytes, size, little);
}

static int put_float(struct bits *b, struct nx_scan *s, const struct segment *segment)
{
    size_t size = segment->sized ? segment->size : DOUBLE_SIZE;
    double value;
    if (segment->number.kind != NX_NUMERAL_FLOAT)
        return nx_scan_fail(s, segment->start, "/float is for a number with a point");
    if (size != DOUBLE_SIZE && size != SINGLE_SIZE)
        return nx_scan_fail(s, segment->start, "a float has 32 or 64 bits");
    int rc = nx_buf_reserve(b->out, nx_numeral_scratch(&segment->number));
    if (rc)
        return rc;
    bool fits = nx_numeral_double(&segment->number, (char *)b->out->data + b->out->end, &value);
    float single = (float)value;
    uint64_t wide;
    uint32_t narrow;
    if (!fits || (size == SINGLE_SIZE && !isfinite(single)))
        return nx_scan_fail(s, segment->start, "a float that is too large");
    memcpy(&wide, &value, sizeof wide);
    memcpy(&narrow, &single, sizeof narrow);
    return put_image(b, size == SINGLE_SIZE ? narrow : wide, size, segment->is[ENDIAN] == LITTLE);
}

static int put_utf(struct bits *b, uint32_t c, const struct segment *segment)
{
    enum { SUPPLEMENT = 0x10000 };
    bool little = segment->is[ENDIAN] == LITTLE;
    uint8_t bytes[NX_UTF8_MAX];
    int rc = 0;
    if (segment->is[TYPE] == UTF32)
        return put_image(b, c, 32, little);
    if (segment->is[TYPE] == UTF16 && c < SUPPLEMENT)
        return put_image(b, c, 16, little);
    if (segment->is[TYPE] == UTF16) {
        rc = put_image(b, 0xd800 + ((c - SUPPLEMENT) >> 10), 16, little);
        return rc ? rc : put_image(b, 0xdc00 + ((c - SUPPLEMENT) & 0x3ff), 16, little);
    }
    size_t len = nx_utf8_put(bytes, c);
    for (size_t i = 0; rc == 0 && i < len; i++)
        rc = put_bits(b, bytes[i], 8);
    return rc;
}

/* A number as a character. */
static int put_character(struct bits *b, struct nx_scan *s, const struct segment *segment)
{
    const struct nx_numeral *n = &segment->number;
    uint64_t c;
    if (n->negative || !nx_numeral_small(n, &c) || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return nx_scan_fail(s, segment->start, "no character has this number");
    return put_utf(b, (uint32_t)c, segment);
}

static int put_string(struct bits *b, struct nx_scan *s, const struct segment *segment)
{
    struct nx_scan text = segment->string;
    for (;;) {
        const uint8_t *at = text.in.p;
        uint32_t c;
        bool more;
        int rc = nx_scan_string(&text, &c, &more);
        if (rc || !more)
            return rc;
        if (segment->is[TYPE] == INTEGER && c > UINT8_MAX)
            return nx_scan_fail(s, at, "a character above U+00FF needs /utf8 behind the string");
        rc = segment->is[TYPE] == INTEGER ? put_bits(b, (uint8_t)c, 8) : put_utf(b, c, segment);
        if (rc)
            return rc;
    }
}

static int put_segment(struct bits *b, struct nx_scan *s, const struct segment *segment)
{
    enum type type = (enum type)segment->is[TYPE];
    if (segment->sized && (segment->is_string || type >= UTF8))
        return nx_scan_fail(s, segment->start, "a string or character here has no size");
    if (segment->is_string && type == FLOAT)
        return nx_scan_fail(s, segment->start, "a string is no float");
    if (segment->is_string)
        return put_string(b, s, segment);
    if (type == INTEGER)
        return put_integer(b, s, segment);
    return type == FLOAT ? put_float(b, s, segment) : put_character(b, s, segment);
}

/* The head, of which there is room for the shorter form in front of the bits. */
static int put_head(struct bits *b, size_t start)
{
    uint32_t len = (uint32_t)(nx_buf_len(b->out) - start - HEAD);
    int rc = b->used ? nx_buf_put_u8(b->out, 0) : 0;
    if (rc)
        return rc;
    uint8_t *head = b->out->data + b->out->start + start;
    head[0] = b->used ? TAG_BITS : TAG_BINARY;
    nx_put_u32(head + 1, len);
    if (b->used) {
        memmove(head + HEAD + 1, head + HEAD, len);
        head[HEAD] = (uint8_t)b->used;
    }
    return 0;
}

int nx_bits_scan(struct nx_scan *s, struct nx_buf *out)
{
    static const uint8_t head[HEAD];
    struct bits b = {out, 0};
    struct segment segment;
    size_t start = nx_buf_len(out);
    int rc = nx_buf_put(out, head, HEAD);
    if (rc == 0 && nx_scan_take(s, ">>"))
        return put_head(&b, start);
    while (rc == 0) {
        rc = take_segment(s, &segment);
        if (rc == 0)
            rc = put_segment(&b, s, &segment);
        if (rc == 0 && nx_scan_take(s, ">>"))
            return put_head(&b, start);
        if (rc == 0 && !nx_scan_take(s, ","))
            rc = nx_scan_expected(s, "',' or '>>'");
    }
    return rc;
}
