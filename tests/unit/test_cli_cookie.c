/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cookie.h"
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A home of its own for each test. */
struct home {
    char path[64];
    char cookie[128];
    char config[128];
    char config_cookie[160];
};

static int make_home(void **state)
{
    struct home *h = calloc(1, sizeof *h);
    assert_non_null(h);
    snprintf(h->path, sizeof h->path, "/tmp/noexmon-test-XXXXXX");
    assert_non_null(mkdtemp(h->path));
    snprintf(h->cookie, sizeof h->cookie, "%s/.erlang.cookie", h->path);
    snprintf(h->config, sizeof h->config, "%s/.config", h->path);
    snprintf(h->config_cookie, sizeof h->config_cookie, "%s/erlang/.erlang.cookie", h->config);
    *state = h;
    return 0;
}

static int remove_home(void **state)
{
    struct home *h = *state;
    char dir[160];
    snprintf(dir, sizeof dir, "%s/erlang", h->config);
    remove(h->cookie);
    remove(h->config_cookie);
    remove(dir);
    remove(h->config);
    int rc = rmdir(h->path);
    free(h);
    return rc;
}

static void write_file(const char *path, const char *bytes, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void write_cookie(const char *path, const char *text, mode_t mode)
{
    write_file(path, text, strlen(text), mode);
}

static void make_config_cookie(const struct home *h, const char *text, mode_t mode)
{
    char dir[160];
    snprintf(dir, sizeof dir, "%s/erlang", h->config);
    assert_int_equal(mkdir(h->config, 0700), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    write_cookie(h->config_cookie, text, mode);
}

static void assert_found(const struct cookie_places *places, const char *expected)
{
    char cookie[COOKIE_MAX + 1];
    struct failure why = {.text = ""};
    if (cookie_find(places, cookie, &why))
        fail_msg("%s", why.text);
    assert_string_equal(cookie, expected);
}

static void assert_refused(const struct cookie_places *places, const char *cause)
{
    char cookie[COOKIE_MAX + 1];
    struct failure why = {.text = ""};
    assert_int_equal(cookie_find(places, cookie, &why), CODE_USAGE);
    if (!strstr(why.text, cause))
        fail_msg("'%s' does not hold '%s'", why.text, cause);
}

static void the_file_in_the_home_is_taken_before_the_xdg_one(void **state)
{
    struct home *h = *state;
    struct cookie_places places = {.home = h->path};
    make_config_cookie(h, "SECOND", 0400);
    assert_found(&places, "SECOND");
    write_cookie(h->cookie, "FIRST\n", 0400);
    assert_found(&places, "FIRST");
}

static void XDG_CONFIG_HOME_says_where_the_second_place_is(void **state)
{
    struct home *h = *state;
    make_config_cookie(h, "XDG", 0600);
    assert_found(&(struct cookie_places){.home = "/nonexistent", .config_home = h->config}, "XDG");
    assert_found(&(struct cookie_places){.config_home = h->config}, "XDG");
    assert_found(&(struct cookie_places){.home = h->path, .config_home = ""}, "XDG");
}

static void the_environment_wins_over_the_option_and_that_over_the_home(void **state)
{
    struct home *h = *state;
    write_cookie(h->cookie, "HOME", 0400);
    char other[160];
    snprintf(other, sizeof other, "%s/other", h->path);
    write_cookie(other, "OPTION", 0400);
    assert_found(&(struct cookie_places){.file = other, .home = h->path}, "OPTION");
    assert_found(&(struct cookie_places){.value = "ENV", .file = other, .home = h->path}, "ENV");
    remove(other);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    struct home *h = *state;
    static const mode_t modes[] = {0440, 0404, 0640, 0644, 0610, 0601, 0620};
    make_config_cookie(h, "SECOND", 0400);
    write_cookie(h->cookie, "FIRST", 0400);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(h->cookie, modes[i]), 0);
        assert_refused(&(struct cookie_places){.home = h->path}, "owner only");
        assert_refused(&(struct cookie_places){.file = h->cookie}, h->cookie);
    }
}

static void without_any_file_it_is_a_usage_error_and_none_is_made(void **state)
{
    struct home *h = *state;
    assert_refused(&(struct cookie_places){.home = h->path}, "no cookie");
    assert_int_equal(access(h->cookie, F_OK), -1);
    assert_refused(&(struct cookie_places){.home = NULL}, "no cookie");
    assert_refused(&(struct cookie_places){.home = ""}, "no cookie");
    assert_refused(&(struct cookie_places){.file = h->cookie, .home = h->path}, "No such file");
}

static void newlines_and_blanks_behind_it_are_dropped(void **state)
{
    struct home *h = *state;
    static const char *const texts[] = {"AB", "AB\n", "AB\r\n", "AB \n\n", "AB\t \r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_cookie(h->cookie, texts[i], 0600);
        assert_found(&(struct cookie_places){.home = h->path}, "AB");
    }
    write_cookie(h->cookie, " A B!~\n", 0600);
    assert_found(&(struct cookie_places){.home = h->path}, " A B!~");
}

static void characters_that_no_cookie_may_hold_are_refused(void **state)
{
    struct home *h = *state;
    struct cookie_places places = {.home = h->path};
    write_cookie(h->cookie, "A\nB", 0600);
    assert_refused(&places, "position 2");
    write_cookie(h->cookie, "AB\x7f", 0600);
    assert_refused(&places, "position 3");
    write_cookie(h->cookie, "\xc3\xa9", 0600);
    assert_refused(&places, "position 1");
    write_file(h->cookie, "AB\0CD", 5, 0600);
    assert_refused(&places, "position 3");
    write_file(h->cookie, "AB\0", 3, 0600);
    assert_refused(&places, "position 3");
    assert_refused(&(struct cookie_places){.value = "A\tB"}, "NOEX_COOKIE");
}

static void an_empty_one_and_one_over_255_characters_are_refused(void **state)
{
    struct home *h = *state;
    struct cookie_places places = {.home = h->path};
    char text[2000];
    memset(text, 'C', sizeof text);
    write_cookie(h->cookie, "", 0600);
    assert_refused(&places, "empty");
    write_cookie(h->cookie, " \n", 0600);
    assert_refused(&places, "empty");
    assert_refused(&(struct cookie_places){.value = ""}, "empty");
    write_file(h->cookie, text, 256, 0600);
    assert_refused(&places, "255");
    write_file(h->cookie, text, sizeof text, 0600);
    assert_refused(&places, "255");
    text[255] = '\n';
    write_file(h->cookie, text, 256, 0600);
    text[255] = '\0';
    assert_found(&places, text);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    struct home *h = *state;
    assert_refused(&(struct cookie_places){.file = h->path}, h->path);
    assert_int_equal(mkfifo(h->cookie, 0600), 0);
    assert_refused(&(struct cookie_places){.home = h->path}, "regular");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)
        IN_HOME(the_file_in_the_home_is_taken_before_the_xdg_one),
        IN_HOME(XDG_CONFIG_HOME_says_where_the_second_place_is),
        IN_HOME(the_environment_wins_over_the_option_and_that_over_the_home),
        IN_HOME(a_file_that_others_can_read_is_refused),
        IN_HOME(without_any_file_it_is_a_usage_error_and_none_is_made),
        IN_HOME(newlines_and_blanks_behind_it_are_dropped),
        IN_HOME(characters_that_no_cookie_may_hold_are_refused),
        IN_HOME(an_empty_one_and_one_over_255_characters_are_refused),
        IN_HOME(what_is_no_regular_file_is_refused_without_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
