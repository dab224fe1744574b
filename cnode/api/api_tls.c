/* SPDX-License-Identifier: Apache-2.0 */
#include <noex/tls.h>

#include "base/err.h"
#include "base/sized.h"
#include "tls/context.h"

#include <string.h>

void noex_tls_options_init_size(struct noex_tls_options *options, size_t size)
{
    const struct noex_tls_options defaults = {0};
    nx_sized_init(options, size, &defaults, sizeof defaults);
}

int noex_tls_new(noex_tls **out, const struct noex_tls_options *options, struct noex_error *err)
{
    struct noex_error ignored;
    err = err ? err : &ignored;
    *err = (struct noex_error){0};
    if (!out || !options)
        return nx_fail(err, NOEX_EINVALID, "noex_tls_new: an argument is NULL");
    return nx_tls_new(out, options, err);
}

int noex_tls_reload(noex_tls *tls, const struct noex_tls_options *options, struct noex_error *err)
{
    struct noex_error ignored;
    err = err ? err : &ignored;
    *err = (struct noex_error){0};
    if (!tls || !options)
        return nx_fail(err, NOEX_EINVALID, "noex_tls_reload: an argument is NULL");
    return nx_tls_reload(tls, options, err);
}

noex_tls *noex_tls_hold(noex_tls *tls)
{
    return nx_tls_hold(tls);
}

void noex_tls_free(noex_tls *tls)
{
    nx_tls_release(tls);
}
