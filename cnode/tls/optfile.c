/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/optfile.h"

#include "base/alloc.h"
#include "base/err.h"
#include "tls/secret.h"

#include <errno.h>
#include <noex/term.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024, STRING_MAX = 4096, SHOWN = 120 };

/* What is being read. No value of an option that may hold a secret goes into an error. */
struct reader {
    struct nx_tls_optfile *out;
    const char *path;
    const char *role; /* "server" or "client", as the list is called */
    struct nx_tls_settings *s;
    bool verify_given;
    struct noex_error *err;
};

static int refuse(struct reader *r, struct noex_term what, const char *why)
{
    char text[SHOWN];
    noex_term_print(what, NULL, text, sizeof text, NULL);
    return nx_fail(r->err, NOEX_ETLSOPTION, "%.60s: %s: %s: %s", r->path, r->role, text, why);
}

/* ---- values ---- */

/* After the last item of a walk over `list`: whether it was one, and a proper one. */
static bool was_list(struct noex_term list, const struct noex_items *items)
{
    return noex_term_type(list) == NOEX_TERM_LIST && !items->error && !items->tail.bytes;
}

static int keep(struct reader *r, const char *text, const char **out)
{
    if (r->out->count == NX_OPTFILE_STRINGS)
        return nx_fail(r->err, NOEX_ETLSOPTION, "%.60s: too many options", r->path);
    char *copy = nx_strndup(&nx_alloc_secret, text, strlen(text));
    if (!copy)
        return nx_fail(r->err, NOEX_ENOMEM, NULL);
    r->out->strings[r->out->count++] = copy;
    *out = copy;
    return 0;
}

/* A string, a binary or an atom, as Erlang's file names are. False: none of these, or too long. */
static bool text_of(struct noex_term value, char text[STRING_MAX])
{
    int len = noex_term_type(value) == NOEX_TERM_ATOM ? noex_term_atom(value, text, STRING_MAX)
                                                      : noex_term_text(value, text, STRING_MAX);
    return len > 0 && len < STRING_MAX && strlen(text) == (size_t)len;
}

static int take_text(struct reader *r, struct noex_term value, const char **out)
{
    char text[STRING_MAX];
    int rc = text_of(value, text) ? keep(r, text, out) : refuse(r, value, "not a text");
    OPENSSL_cleanse(text, sizeof text);
    return rc;
}

static int take_bool(struct reader *r, struct noex_term value, bool *out)
{
    *out = noex_term_is_atom(value, "true");
    return *out || noex_term_is_atom(value, "false") ? 0 : refuse(r, value, "not a boolean");
}

/* ---- options ---- */

static int take_certfile(struct reader *r, struct noex_term value)
{
    return take_text(r, value, &r->s->cert_file);
}

static int take_keyfile(struct reader *r, struct noex_term value)
{
    return take_text(r, value, &r->s->key_file);
}

static int take_cacertfile(struct reader *r, struct noex_term value)
{
    return take_text(r, value, &r->s->ca_file);
}

/* Not refuse(): what is no password may hold one. */
static int take_password(struct reader *r, struct noex_term value)
{
    if (take_text(r, value, &r->s->key_password) == 0)
        return 0;
    r->err->code = 0;
    return nx_fail(r->err, NOEX_ETLSOPTION, "%.60s: %s: password is not a text", r->path, r->role);
}

static int take_verify(struct reader *r, struct noex_term value)
{
    r->verify_given = true;
    if (noex_term_is_atom(value, "verify_none"))
        r->s->verify = NOEX_TLS_VERIFY_NONE;
    else if (!noex_term_is_atom(value, "verify_peer"))
        return refuse(r, value, "neither verify_peer nor verify_none");
    return 0;
}

static int take_fail_if_no_peer_cert(struct reader *r, struct noex_term value)
{
    bool fail;
    int rc = take_bool(r, value, &fail);
    r->s->peer_cert_optional = !fail;
    return rc;
}

static int take_depth(struct reader *r, struct noex_term value)
{
    uint64_t depth;
    if (noex_term_uint64(value, &depth) || depth > UINT8_MAX)
        return refuse(r, value, "not a depth from 0 to 255");
    r->s->depth = (int)depth;
    return 0;
}

static int version_of(struct noex_term value)
{
    return noex_term_is_atom(value, "tlsv1.3")   ? NOEX_TLS_1_3
           : noex_term_is_atom(value, "tlsv1.2") ? NOEX_TLS_1_2
                                                 : 0;
}

/* Older ones beside these are never offered here. */
static int take_versions(struct reader *r, struct noex_term value)
{
    struct noex_items items;
    struct noex_term item;
    int lowest = NOEX_TLS_1_3 + 1, highest = 0;
    noex_term_items(value, &items);
    while (noex_items_next(&items, &item)) {
        int version = version_of(item);
        bool old = noex_term_is_atom(item, "tlsv1.1") || noex_term_is_atom(item, "tlsv1");
        if (!version && !old)
            return refuse(r, item, "not a version of TLS");
        lowest = version && version < lowest ? version : lowest;
        highest = version > highest ? version : highest;
    }
    if (!highest || !was_list(value, &items))
        return refuse(r, value, "neither 'tlsv1.2' nor 'tlsv1.3' among the versions");
    r->s->min_version = lowest;
    r->s->max_version = highest;
    return 0;
}

static int take_server_name(struct reader *r, struct noex_term value)
{
    r->s->no_server_name = noex_term_is_atom(value, "disable");
    if (r->s->no_server_name) /* which to Erlang means that no name is verified either */
        return 0;
    return take_text(r, value, &r->s->server_name);
}

/* As OpenSSL takes them: those of TLS 1.3 apart. */
struct suites {
    char old[STRING_MAX];
    char new[STRING_MAX];
};

/* By OpenSSL's name of it, or its name in the RFCs. False: too many. */
static bool add_suite(struct suites *s, const char *name)
{
    const bool is_new = strncmp(name, "TLS_", 4) == 0 && !strstr(name, "_WITH_");
    const char *known = is_new ? name : OPENSSL_cipher_name(name);
    char *list = is_new ? s->new : s->old;
    if (!known || strcmp(known, "(NONE)") == 0)
        known = name;
    size_t len = strlen(list);
    int n = snprintf(list + len, STRING_MAX - len, "%s%s", len ? ":" : "", known);
    return n >= 0 && (size_t)n < STRING_MAX - len;
}

/* Names with colons between them; one alone is such a text, too. */
static bool add_suites(struct suites *s, char *text)
{
    char *rest = NULL;
    for (char *name = strtok_r(text, ":", &rest); name; name = strtok_r(NULL, ":", &rest))
        if (!add_suite(s, name))
            return false;
    return true;
}

static int keep_suites(struct reader *r, const struct suites *s)
{
    int rc = *s->old ? keep(r, s->old, &r->s->ciphers) : 0;
    return rc || !*s->new ? rc : keep(r, s->new, &r->s->ciphersuites);
}

/* A list of names, or the names with colons between them. */
static int take_ciphers(struct reader *r, struct noex_term value)
{
    char text[STRING_MAX];
    struct suites suites = {.old = "", .new = ""};
    struct noex_items items;
    struct noex_term item;
    if (noex_term_text(value, text, sizeof text) > 0)
        return add_suites(&suites, text) ? keep_suites(r, &suites)
                                         : refuse(r, value, "too many ciphers");
    noex_term_items(value, &items);
    while (noex_items_next(&items, &item)) {
        if (!text_of(item, text))
            return refuse(r, item, "a cipher is understood as a text only");
        if (!add_suite(&suites, text))
            return refuse(r, value, "too many ciphers");
    }
    return !was_list(value, &items) || (!*suites.old && !*suites.new)
               ? refuse(r, value, "no list of ciphers")
               : keep_suites(r, &suites);
}

/* What says how a BEAM is to do what this node does in its own way, or what it always does. */
static int take_nothing(struct reader *r, struct noex_term value)
{
    (void)r, (void)value;
    return 0;
}

static const struct option {
    const char *name;
    int (*take)(struct reader *r, struct noex_term value);
} options[] = {
    {"certfile", take_certfile},
    {"keyfile", take_keyfile},
    {"cacertfile", take_cacertfile},
    {"password", take_password},
    {"verify", take_verify},
    {"fail_if_no_peer_cert", take_fail_if_no_peer_cert},
    {"depth", take_depth},
    {"versions", take_versions},
    {"server_name_indication", take_server_name},
    {"ciphers", take_ciphers},
    {"secure_renegotiate", take_nothing},
    {"client_renegotiation", take_nothing},
    {"reuse_sessions", take_nothing},
    {"honor_cipher_order", take_nothing},
    {"key_update_at", take_nothing},
    {"ktls", take_nothing},
};

static int take_option(struct reader *r, struct noex_term option)
{
    struct noex_term name, value;
    if (noex_term_element(option, 0, &name) || noex_term_element(option, 1, &value))
        return refuse(r, option, "not an option {Name, Value}");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (noex_term_is_atom(name, options[i].name))
            return options[i].take(r, value);
    return refuse(r, name, "an option that libnoex does not understand");
}

/* ---- the file ---- */

static void finish_side(struct reader *r)
{
    struct nx_tls_settings *s = r->s;
    bool accepts = s == &r->out->accept;
    if (!s->key_file)
        s->key_file = s->cert_file;
    if (!r->verify_given && accepts && !s->ca_file)
        s->verify = NOEX_TLS_VERIFY_NONE;
    if (s->verify == NOEX_TLS_VERIFY_FULL && s->no_server_name)
        s->verify = NOEX_TLS_VERIFY_CHAIN;
}

static int check_side(struct reader *r)
{
    const struct nx_tls_settings *s = r->s;
    finish_side(r);
    if (s->verify != NOEX_TLS_VERIFY_NONE && !s->ca_file)
        return nx_fail(r->err, NOEX_ETLSOPTION,
                       "%.60s: %s: no cacertfile to verify by (and no {verify, verify_none})",
                       r->path, r->role);
    if (s->key_file && !s->cert_file)
        return nx_fail(r->err, NOEX_ETLSOPTION, "%.60s: %s: a keyfile without a certfile", r->path,
                       r->role);
    return 0;
}

static int take_side(struct reader *r, struct noex_term list)
{
    struct noex_items items;
    struct noex_term item;
    int rc = 0;
    noex_term_items(list, &items);
    while (!rc && noex_items_next(&items, &item))
        rc = take_option(r, item);
    if (!rc && !was_list(list, &items))
        rc = nx_fail(r->err, NOEX_ETLSOPTION, "%.60s: %s: not a list of options", r->path, r->role);
    return rc ? rc : check_side(r);
}

static int take_file(struct nx_tls_optfile *out, const char *path, struct noex_term file,
                     struct noex_error *err)
{
    struct noex_items items;
    struct noex_term side, name, list;
    bool has_client = false;
    int rc = noex_term_type(file) == NOEX_TERM_LIST
                 ? 0
                 : nx_fail(err, NOEX_ETLSOPTION, "%.100s: not a list", path);
    noex_term_items(file, &items);
    while (!rc && noex_items_next(&items, &side)) {
        struct reader r = {.out = out, .path = path, .err = err};
        bool pair = !noex_term_element(side, 0, &name) && !noex_term_element(side, 1, &list);
        if (pair && noex_term_is_atom(name, "server")) {
            r.role = "server";
            r.s = &out->accept;
        } else if (pair && noex_term_is_atom(name, "client")) {
            r.role = "client";
            r.s = &out->dial;
            has_client = true;
        } else {
            return nx_fail(err, NOEX_ETLSOPTION,
                           "%.80s: neither {server, Options} nor {client, Options}", path);
        }
        rc = take_side(&r, list);
    }
    if (!rc && !was_list(file, &items))
        return nx_fail(err, NOEX_ETLSOPTION, "%.100s: not a list", path);
    if (!rc && !has_client) {
        struct reader r = {.out = out, .path = path, .role = "client", .s = &out->dial, .err = err};
        rc = check_side(&r);
    }
    return rc;
}

/* The whole file as text, in memory that is wiped. */
static int read_text(const char *path, char **out, struct noex_error *err)
{
    char *text = nx_alloc(&nx_alloc_secret, FILE_MAX);
    if (!text)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    FILE *f = fopen(path, "re");
    size_t len = 0;
    int cause = f ? 0 : errno;
    if (f) {
        setvbuf(f, NULL, _IONBF, 0); /* no copy elsewhere */
        len = fread(text, 1, FILE_MAX - 1, f);
        cause = ferror(f) ? errno : 0;
        fclose(f);
    }
    text[len] = '\0';
    *out = text;
    if (cause)
        return nx_fail_sys(err, NOEX_ETLSOPTION, cause, path);
    return len < FILE_MAX - 1 && strlen(text) == len
               ? 0
               : nx_fail(err, NOEX_ETLSOPTION, "%.100s: not a text, or too long", path);
}

/* What was found there is not told: it may be a password. */
static int no_term(const char *path, const char *text, const struct noex_error *cause,
                   struct noex_error *err)
{
    size_t at = 0, line = 1;
    if (sscanf(cause->text, "byte %zu:", &at) != 1)
        return nx_fail(err, NOEX_ETLSOPTION, "%.100s: not an Erlang term", path);
    for (size_t i = 0; i < at && text[i]; i++)
        line += text[i] == '\n';
    return nx_fail(err, NOEX_ETLSOPTION, "%.100s: line %zu: not an Erlang term", path, line);
}

static int parse(struct nx_tls_optfile *out, const char *path, const char *text,
                 struct noex_error *err)
{
    noex_builder *b;
    struct noex_term file;
    struct noex_error cause = {0};
    if (noex_builder_new(&b, &nx_alloc_secret))
        return nx_fail(err, NOEX_ENOMEM, NULL);
    noex_build_text(b, text, &cause);
    int rc = noex_builder_term(b, &file);
    if (rc == 0)
        rc = take_file(out, path, file, err);
    else if (rc == NOEX_ENOMEM)
        nx_fail(err, rc, NULL);
    else
        rc = no_term(path, text, &cause, err);
    noex_builder_free(b);
    return rc;
}

int nx_tls_optfile_read(struct nx_tls_optfile *out, const char *path, struct noex_error *err)
{
    char *text = NULL;
    *out = (struct nx_tls_optfile){.dial = nx_tls_settings_default(),
                                   .accept = nx_tls_settings_default()};
    int rc = read_text(path, &text, err);
    rc = rc ? rc : parse(out, path, text, err);
    nx_free(&nx_alloc_secret, text);
    return rc;
}

void nx_tls_optfile_free(struct nx_tls_optfile *o)
{
    while (o->count)
        nx_free(&nx_alloc_secret, o->strings[--o->count]);
}
