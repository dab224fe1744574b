/* A term printed by walking it: containers here, item by item through the public interface, and
 * only what has no items by the library's printer. SPDX-License-Identifier: Apache-2.0 */
#ifndef TERM_WALK_H
#define TERM_WALK_H

#include <noex/term.h>

/** The text, as ~0tp prints it, for free(); NULL where the walk met an error. */
char *term_walk(struct noex_term term, const char *local_node);

#endif
