/* Bytes from hexadecimal text. SPDX-License-Identifier: Apache-2.0 */
#ifndef HEX_H
#define HEX_H

#include <stddef.h>
#include <stdint.h>

/** Decodes hex digits (white space allowed between bytes) into `out`; returns the number of bytes,
 * or (size_t)-1 for anything else in the text or too many bytes. */
size_t hex_decode(const char *text, uint8_t *out, size_t size);

#endif
