/* Reports as JSON, one object a line. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_JSON_H
#define CLI_OUTPUT_JSON_H

#include "output.h"

struct output output_json(void);

#endif
