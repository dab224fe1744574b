/* Text that grows, and bytes of unknown origin made fit to be shown.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args)
#endif

/** Start with {0}. Once memory has run out nothing is added any more and `failed` says so. */
struct text {
    char *ptr;
    size_t len;
    size_t cap;
    bool failed;
};

void text_free(struct text *t);
void text_clear(struct text *t);
/** Room for `size` bytes behind the text, to write to and then count in `len`; NULL without memory.
 */
char *text_room(struct text *t, size_t size);
void text_add(struct text *t, const char *bytes, size_t len);

/** The text with a NUL behind it; "" without memory. Good until something is added. */
const char *text_string(struct text *t);
void text_puts(struct text *t, const char *string);
void text_printf(struct text *t, const char *fmt, ...) CLI_PRINTF(2, 3);

/** Adds `string` for a human: control and bidi characters and what is not UTF-8 appear as escapes.
 *  Cut with "..." where it would take more than `max` bytes. Returns the columns taken (a character
 *  counts as one). */
size_t text_add_shown(struct text *t, const char *string, size_t max);

/** Adds `string` as valid UTF-8: bytes that are none become U+FFFD. */
void text_add_utf8(struct text *t, const char *string);

bool text_is_utf8(const char *string);

enum { TEXT_NAME_CHARS = 255 };

/** Whether `string` can be an atom that names something: UTF-8, 1 to TEXT_NAME_CHARS characters. */
bool text_is_name(const char *string);

#endif
