/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/writer.h"
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, LIMIT = 1 << 20 };

static void make_pipe(int ends[2])
{
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Reads to the end, slowly, and counts. */
static void *read_slowly(void *arg)
{
    static size_t total;
    char bytes[1000];
    ssize_t n;
    total = 0;
    for (size_t i = 0; (n = read(*(int *)arg, bytes, sizeof bytes)) > 0; i++) {
        for (ssize_t k = 0; k < n; k++)
            if (bytes[k] != (char)('a' + (total + (size_t)k) % 26))
                return NULL;
        total += (size_t)n;
        if (i % 64 == 0)
            sleep_ms(1);
    }
    return &total;
}

static void a_slow_reader_gets_every_byte_in_order(void **state)
{
    (void)state;
    int ends[2];
    make_pipe(ends);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
    struct writer *w = writer_new(ends[1], LIMIT);
    assert_non_null(w);
    size_t total = 0;
    for (size_t line = 1; total < LIMIT / 2; line++) {
        char bytes[300];
        size_t len = 1 + line * 31 % sizeof bytes;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)('a' + (total + i) % 26);
        assert_int_equal(writer_put(w, bytes, len), 0);
        total += len;
    }
    assert_int_equal(writer_flush(w, PATIENCE_MS, NULL), 0);
    writer_free(w);
    close(ends[1]);
    void *result;
    pthread_join(reader, &result);
    assert_non_null(result);
    assert_int_equal(*(size_t *)result, total);
    close(ends[0]);
}

static void a_line_longer_than_the_limit_is_taken_alone(void **state)
{
    (void)state;
    int ends[2];
    make_pipe(ends);
    static char line[2 * LIMIT];
    for (size_t i = 0; i < sizeof line; i++)
        line[i] = (char)('a' + i % 26);
    struct writer *w = writer_new(ends[1], LIMIT);
    assert_int_equal(writer_put(w, line, sizeof line), 0);
    assert_int_equal(writer_put(w, line, 1), WRITER_FULL);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
    assert_int_equal(writer_flush(w, PATIENCE_MS, NULL), 0);
    assert_int_equal(writer_put(w, line + sizeof line % 26, 1), 0);
    assert_int_equal(writer_flush(w, PATIENCE_MS, NULL), 0);
    writer_free(w);
    close(ends[1]);
    void *result;
    pthread_join(reader, &result);
    assert_non_null(result);
    assert_int_equal(*(size_t *)result, sizeof line + 1);
    close(ends[0]);
}

static void a_line_is_written_at_once_without_a_flush(void **state)
{
    (void)state;
    int ends[2];
    make_pipe(ends);
    struct writer *w = writer_new(ends[1], LIMIT);
    for (int i = 0; i < 100; i++) {
        char bytes[16];
        assert_int_equal(writer_put(w, "line\n", 5), 0);
        struct pollfd p = {.fd = ends[0], .events = POLLIN};
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        assert_int_equal(read(ends[0], bytes, sizeof bytes), 5);
    }
    writer_free(w);
    close(ends[0]);
    close(ends[1]);
}

static void a_reader_that_stops_fills_the_buffer_and_never_blocks(void **state)
{
    (void)state;
    int ends[2];
    make_pipe(ends);
    struct writer *w = writer_new(ends[1], LIMIT);
    static char line[1000];
    size_t taken = 0;
    int rc;
    while ((rc = writer_put(w, line, sizeof line)) == 0) {
        taken += sizeof line;
        assert_true(taken <= LIMIT + (4 << 20)); /* what the pipe may hold besides */
    }
    assert_int_equal(rc, WRITER_FULL);
    assert_true(taken >= LIMIT - sizeof line);
    assert_int_equal(writer_error(w), 0);
    assert_int_equal(writer_flush(w, 100, NULL), ETIMEDOUT);
    writer_free(w); /* though its thread hangs in write */
    close(ends[0]);
    close(ends[1]);
}

static bool at_once(void)
{
    return true;
}

static void flushing_can_be_given_up(void **state)
{
    (void)state;
    int ends[2];
    make_pipe(ends);
    struct writer *w = writer_new(ends[1], LIMIT);
    static char lines[LIMIT];
    assert_int_equal(writer_put(w, lines, sizeof lines), 0);
    assert_int_equal(writer_flush(w, UINT64_MAX, at_once), ECANCELED);
    writer_free(w);
    close(ends[0]);
    close(ends[1]);
}

static void count(void *user)
{
    char byte = 1;
    assert_int_equal(write(*(int *)user, &byte, 1), 1);
}

static void await_call(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static void a_reader_that_goes_away_is_noticed_though_nothing_is_written(void **state)
{
    (void)state;
    int ends[2], told[2];
    make_pipe(ends);
    make_pipe(told);
    struct writer *w = writer_new(ends[1], LIMIT);
    writer_on_failure(w, count, &told[1]);
    assert_int_equal(writer_put(w, "x", 1), 0);
    assert_int_equal(writer_flush(w, PATIENCE_MS, NULL), 0);
    close(ends[0]);
    await_call(told[0]);
    assert_int_equal(writer_error(w), EPIPE);
    assert_int_equal(writer_put(w, "x", 1), EPIPE);
    writer_free(w);
    close(ends[1]);
    close(told[0]);
    close(told[1]);
}

static void a_failure_that_came_before_is_told_too(void **state)
{
    (void)state;
    int told[2];
    make_pipe(told);
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        skip();
    struct writer *w = writer_new(fd, LIMIT);
    assert_int_equal(writer_put(w, "x", 1), 0);
    assert_int_equal(writer_flush(w, PATIENCE_MS, NULL), ENOSPC);
    writer_on_failure(w, count, &told[1]);
    await_call(told[0]);
    writer_on_failure(w, NULL, NULL);
    writer_free(w);
    close(fd);
    close(told[0]);
    close(told[1]);
}

static void a_descriptor_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY);
    struct writer *w = writer_new(fd, LIMIT);
    assert_int_equal(writer_put(w, "x", 1), 0);
    assert_int_equal(writer_flush(w, PATIENCE_MS, NULL), EBADF);
    writer_free(w);
    close(fd);
}

static void a_non_blocking_descriptor_is_waited_for(void **state)
{
    (void)state;
    int ends[2];
    make_pipe(ends);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    pthread_t reader;
    struct writer *w = writer_new(ends[1], LIMIT);
    static char bytes[LIMIT / 2];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 26);
    assert_int_equal(writer_put(w, bytes, sizeof bytes), 0);
    sleep_ms(20);
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
    assert_int_equal(writer_flush(w, PATIENCE_MS, NULL), 0);
    writer_free(w);
    close(ends[1]);
    void *result;
    pthread_join(reader, &result);
    assert_non_null(result);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_reader_gets_every_byte_in_order),
        cmocka_unit_test(a_line_longer_than_the_limit_is_taken_alone),
        cmocka_unit_test(a_line_is_written_at_once_without_a_flush),
        cmocka_unit_test(a_reader_that_stops_fills_the_buffer_and_never_blocks),
        cmocka_unit_test(flushing_can_be_given_up),
        cmocka_unit_test(a_reader_that_goes_away_is_noticed_though_nothing_is_written),
        cmocka_unit_test(a_failure_that_came_before_is_told_too),
        cmocka_unit_test(a_descriptor_that_cannot_be_written_is_an_error),
        cmocka_unit_test(a_non_blocking_descriptor_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
