/* The clocks of this program alone, libuv's among them, may step. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef STEPPED_CLOCK_H
#define STEPPED_CLOCK_H

#include <stdint.h>

/** Monotonic clocks go forward by `ms`, the wall clock goes by `wall_s` seconds to either side. */
void clock_step(uint64_t ms, int64_t wall_s);

#endif
