/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/uv.h>

#include "api/api.h"

int noex_node_new_uv(noex_node **out, const struct noex_options *options, uv_loop_t *loop,
                     struct noex_error *err)
{
    return nx_api_new(loop ? out : NULL, options, loop, err);
}
