/* The library's version. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_VERSION_H
#define NOEX_VERSION_H

#include <noex/export.h>

#define NOEX_VERSION_MAJOR                                                                         \
    0 /**< of these headers; below 1 the interface may change, and the soname with it */
#define NOEX_VERSION_MINOR 1 /**< raised when functions are added */
#define NOEX_VERSION_PATCH 0 /**< raised when faults are repaired */

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library that runs, "0.1.0". */
NOEX_API const char *noex_version(void);

#ifdef __cplusplus
}
#endif
#endif
