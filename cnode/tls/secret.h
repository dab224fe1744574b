/* Memory for passwords and keys: wiped when it is given back. SPDX-License-Identifier: Apache-2.0
 */
#ifndef NX_TLS_SECRET_H
#define NX_TLS_SECRET_H

#include <noex/alloc.h>

/** Over malloc(3); what is resized or released is overwritten first. */
extern const struct noex_allocator nx_alloc_secret;

#endif
