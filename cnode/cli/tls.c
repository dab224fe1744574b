/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include "cookie.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct noex_tls_options options_of(const struct tls_files *t)
{
    const struct options *o = t->options;
    struct noex_tls_options tls;
    noex_tls_options_init(&tls);
    tls.optfile = o->tls_optfile;
    if (o->tls_ca && is_folder(o->tls_ca))
        tls.ca_folder = o->tls_ca;
    else
        tls.ca_file = o->tls_ca;
    tls.cert_file = o->tls_cert;
    tls.key_file = o->tls_key;
    tls.key_password = t->has_password && !o->tls_optfile ? t->password : NULL;
    tls.server_name = o->tls_server_name;
    tls.verify = o->tls_verify;
    return tls;
}

/* As the cookie: else /proc shows it as long as this runs. */
static enum exit_code take_password(struct tls_files *t, struct failure *why)
{
    char *value = getenv("NOEX_TLS_KEY_PASSWORD");
    size_t len = value ? strlen(value) : 0;
    if (len > TLS_PASSWORD_MAX)
        return fail_with(why, CODE_USAGE, "NOEX_TLS_KEY_PASSWORD: over %d characters",
                         TLS_PASSWORD_MAX);
    if (!value)
        return CODE_WELL;
    t->has_password = true;
    memcpy(t->password, value, len);
    cookie_wipe(value, len);
    unsetenv("NOEX_TLS_KEY_PASSWORD");
    return CODE_WELL;
}

/* All that can be wrong here was given on the command line. */
static enum exit_code outcome(int rc, const struct noex_error *error, struct failure *why)
{
    if (!rc)
        return CODE_WELL;
    return fail_with(why, rc == NOEX_ENOMEM ? CODE_INTERNAL : CODE_USAGE, "%s", error->text);
}

enum exit_code tls_open(struct tls_files *t, const struct options *o, struct failure *why)
{
    struct noex_error error = {0};
    *t = (struct tls_files){.options = o};
    enum exit_code rc = take_password(t, why);
    if (rc || !o->tls)
        return rc;
    const struct noex_tls_options options = options_of(t);
    return outcome(noex_tls_new(&t->tls, &options, &error), &error, why);
}

enum exit_code tls_reload(struct tls_files *t, struct failure *why)
{
    const struct noex_tls_options options = options_of(t);
    struct noex_error error = {0};
    return outcome(noex_tls_reload(t->tls, &options, &error), &error, why);
}

void tls_close(struct tls_files *t)
{
    noex_tls_free(t->tls);
    t->tls = NULL;
    cookie_wipe(t->password, sizeof t->password);
}
