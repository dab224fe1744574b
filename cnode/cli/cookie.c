/* SPDX-License-Identifier: Apache-2.0 */
#include "cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longer than any cookie, so that blanks behind one can be told from too long a cookie. */
enum { FILE_MAX = 1024, PATH_LEN_MAX = 4096 };

void cookie_wipe(void *bytes, size_t len)
{
    volatile char *p = bytes;
    while (len--)
        *p++ = 0;
}

/* Checks the characters and copies. `source` says in the error where the cookie came from. */
static enum exit_code accept_cookie(const char *source, const char *bytes, size_t len, char *cookie,
                                    struct failure *why)
{
    while (len && strchr(" \t\r\n", bytes[len - 1]) && bytes[len - 1])
        len--;
    if (len == 0)
        return fail_with(why, CODE_USAGE, "the cookie is empty: %s", source);
    if (len > COOKIE_MAX)
        return fail_with(why, CODE_USAGE, "the cookie is longer than %d characters: %s",
                         (int)COOKIE_MAX, source);
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < 0x20 || bytes[i] > 0x7e)
            return fail_with(why, CODE_USAGE,
                             "a character that no cookie may hold, at position %zu: %s", i + 1,
                             source);
    memcpy(cookie, bytes, len);
    cookie[len] = '\0';
    return CODE_WELL;
}

static enum exit_code read_open_file(const char *path, int fd, char *cookie, struct failure *why)
{
    struct stat st;
    if (fstat(fd, &st))
        return fail_with(why, CODE_USAGE, "cookie file: %s: %s", strerror(errno), path);
    if (!S_ISREG(st.st_mode))
        return fail_with(why, CODE_USAGE, "cookie file: not a regular file: %s", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return fail_with(why, CODE_USAGE,
                         "cookie file: must be accessible by its owner only (chmod 400): %s", path);
    char bytes[FILE_MAX];
    size_t len = 0;
    ssize_t n;
    do {
        n = read(fd, bytes + len, sizeof bytes - len);
        len += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && len < sizeof bytes) || (n < 0 && errno == EINTR));
    enum exit_code rc =
        n < 0 ? fail_with(why, CODE_USAGE, "cookie file: %s: %s", strerror(errno), path)
              : accept_cookie(path, bytes, len, cookie, why);
    cookie_wipe(bytes, sizeof bytes);
    return rc;
}

/* `*found` is false where there is no such file; anything else about it is final. */
static enum exit_code read_file(const char *path, bool *found, char *cookie, struct failure *why)
{
    /* O_NONBLOCK: opening a pipe must not wait for a writer before it is refused. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *found = fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
    if (fd < 0)
        return fail_with(why, CODE_USAGE, "cookie file: %s: %s", strerror(errno), path);
    enum exit_code rc = read_open_file(path, fd, cookie, why);
    close(fd);
    return rc;
}

static bool is_set(const char *value)
{
    return value && *value;
}

enum exit_code cookie_find(const struct cookie_places *places, char cookie[COOKIE_MAX + 1],
                           struct failure *why)
{
    bool found = false;
    enum exit_code rc = CODE_USAGE;
    char path[PATH_LEN_MAX];
    if (places->value)
        return accept_cookie("NOEX_COOKIE", places->value, strlen(places->value), cookie, why);
    if (places->file)
        return read_file(places->file, &found, cookie, why);
    if (is_set(places->home)) {
        snprintf(path, sizeof path, "%s/.erlang.cookie", places->home);
        rc = read_file(path, &found, cookie, why);
    }
    if (!found && (is_set(places->config_home) || is_set(places->home))) {
        bool own = is_set(places->config_home);
        snprintf(path, sizeof path, "%s%s/erlang/.erlang.cookie",
                 own ? places->config_home : places->home, own ? "" : "/.config");
        rc = read_file(path, &found, cookie, why);
    }
    if (!found)
        return fail_with(
            why, CODE_USAGE,
            "no cookie: neither NOEX_COOKIE nor --cookie-file is given, and there is neither "
            "~/.erlang.cookie nor one in the XDG place");
    return rc;
}
