/* Symbol visibility and compiler checks. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_EXPORT_H
#define NOEX_EXPORT_H

#if defined(__GNUC__)
/** Marks what the library exports. */
#define NOEX_API __attribute__((visibility("default")))
/** The compiler warns where the result is ignored. */
#define NOEX_MUST_USE __attribute__((warn_unused_result))
#else
#define NOEX_API
#define NOEX_MUST_USE
#endif

#endif
