/* Reports as lines for people. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_TEXT_H
#define CLI_OUTPUT_TEXT_H

#include "output.h"

/** `width`: the columns of the widest target; the lines' last part begins behind it. */
struct output output_text(bool colour, size_t width);

#endif
