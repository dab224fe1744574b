/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/settings.h"

#include "base/err.h"

#include <stddef.h>

struct nx_tls_settings nx_tls_settings_default(void)
{
    return (struct nx_tls_settings){
        .min_version = NOEX_TLS_1_2, .max_version = NOEX_TLS_1_3, .depth = -1};
}

static int check_versions(const struct noex_tls_options *o, struct noex_error *err)
{
    const enum noex_tls_version given[] = {o->min_version, o->max_version};
    for (size_t i = 0; i < 2; i++)
        if (given[i] != NOEX_TLS_ANY && given[i] != NOEX_TLS_1_2 && given[i] != NOEX_TLS_1_3)
            return nx_fail(err, NOEX_EINVALID, "TLS: min_version and max_version are 1.2 or 1.3");
    if (o->min_version == NOEX_TLS_1_3 && o->max_version == NOEX_TLS_1_2)
        return nx_fail(err, NOEX_EINVALID, "TLS: min_version is above max_version");
    return 0;
}

static int check(const struct noex_tls_options *o, struct noex_error *err)
{
    if (o->verify != NOEX_TLS_VERIFY_FULL && o->verify != NOEX_TLS_VERIFY_CHAIN &&
        o->verify != NOEX_TLS_VERIFY_NONE)
        return nx_fail(err, NOEX_EINVALID, "TLS: option verify is no enum noex_tls_verify");
    if (o->verify != NOEX_TLS_VERIFY_NONE && !o->ca_file && !o->ca_folder && !o->ca_pem)
        return nx_fail(err, NOEX_EINVALID,
                       "TLS: no CA to verify the other nodes' certificates by (ca_file, ca_folder "
                       "or ca_pem; or turn verification off)");
    if ((o->cert_file && o->cert_pem) || (o->key_file && o->key_pem))
        return nx_fail(err, NOEX_EINVALID, "TLS: a certificate or key is given twice");
    if ((o->key_file || o->key_pem) && !o->cert_file && !o->cert_pem)
        return nx_fail(err, NOEX_EINVALID, "TLS: a key without its certificate");
    return check_versions(o, err);
}

int nx_tls_settings_take(struct nx_tls_settings *out, const struct noex_tls_options *options,
                         struct noex_error *err)
{
    const struct noex_tls_options *o = options;
    *out = nx_tls_settings_default();
    int rc = check(o, err);
    if (rc)
        return rc;
    out->ca_file = o->ca_file;
    out->ca_folder = o->ca_folder;
    out->ca_pem = o->ca_pem;
    out->cert_file = o->cert_file;
    out->cert_pem = o->cert_pem;
    out->key_file = o->key_file || o->key_pem ? o->key_file : o->cert_file;
    out->key_pem = o->key_file || o->key_pem ? o->key_pem : o->cert_pem;
    out->key_password = o->key_password;
    out->server_name = o->server_name;
    out->ciphers = o->ciphers;
    out->ciphersuites = o->ciphersuites;
    out->verify = o->verify;
    out->peer_cert_optional = o->client_cert_optional != 0;
    if (o->min_version)
        out->min_version = (int)o->min_version;
    if (o->max_version)
        out->max_version = (int)o->max_version;
    return 0;
}
