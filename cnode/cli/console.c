/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const size_t out_limit = (size_t)64 << 20, err_limit = (size_t)4 << 20;
enum { SHOWN_MAX = 8192, ERR_PATIENCE_MS = 1000 };

enum exit_code console_open(struct console *c, struct output output, bool quiet,
                            struct failure *why)
{
    *c = (struct console){.output = output, .quiet = quiet};
    c->out = writer_new(STDOUT_FILENO, out_limit);
    c->err = writer_new(STDERR_FILENO, err_limit);
    if (c->out && c->err)
        return CODE_WELL;
    writer_free(c->out);
    writer_free(c->err);
    return fail_with(why, CODE_INTERNAL, "cannot start the output: %s", strerror(errno));
}

static void write_err(struct console *c)
{
    int rc = c->line.failed ? ENOMEM : writer_put(c->err, c->line.ptr, c->line.len);
    c->lost_lines += rc != 0;
    c->speechless |= rc == ENOMEM;
}

static void say_error(struct console *c, const struct report *r)
{
    const char *subject = r->target ? r->target : r->node ? r->node : r->host;
    text_clear(&c->line);
    text_puts(&c->line, "noexmon: ");
    if (subject) {
        text_add_shown(&c->line, subject, SHOWN_MAX);
        text_puts(&c->line, ": ");
    }
    text_add_shown(&c->line, r->message, SHOWN_MAX);
    text_add(&c->line, "\n", 1);
    write_err(c);
}

void console_report(struct console *c, const struct report *r)
{
    if (r->kind == REPORT_ERROR)
        say_error(c, r);
    if (c->quiet)
        return;
    text_clear(&c->line);
    c->output.line(&c->output, r, &c->line);
    int rc = c->line.failed ? ENOMEM : 0;
    if (!rc && c->line.len)
        rc = writer_put(c->out, c->line.ptr, c->line.len);
    c->overflow |= rc == WRITER_FULL;
    c->out_of_memory |= rc == ENOMEM;
}

void console_log(struct console *c, const char *line)
{
    text_clear(&c->line);
    text_add_shown(&c->line, line, SHOWN_MAX);
    text_add(&c->line, "\n", 1);
    write_err(c);
}

void console_say(struct console *c, const char *fmt, ...)
{
    char text[2048];
    int prefix = snprintf(text, sizeof text, "noexmon: ");
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + prefix, sizeof text - (size_t)prefix, fmt, args);
    va_end(args);
    console_log(c, text);
}

bool console_failed(struct console *c, struct failure *why)
{
    int error = c->quiet ? 0 : writer_error(c->out);
    if (c->out_of_memory)
        fail_with(why, CODE_INTERNAL, "out of memory");
    else if (error == EPIPE)
        fail_with(why, CODE_INTERNAL, "standard output: its reader has gone");
    else if (error)
        fail_with(why, CODE_INTERNAL, "standard output: %s", strerror(error));
    else if (c->overflow)
        fail_with(why, CODE_INTERNAL, "standard output is not read: %zu MiB wait, no more are kept",
                  out_limit >> 20);
    else
        return false;
    return true;
}

static enum exit_code finish_out(struct console *c, uint64_t patience_ms, bool (*give_up)(void))
{
    struct failure why;
    int rc = 0;
    if (!console_failed(c, &why))
        rc = writer_flush(c->out, patience_ms ? patience_ms : UINT64_MAX, give_up);
    if (console_failed(c, &why))
        console_say(c, "%s", why.text);
    else if (rc)
        console_say(c, "standard output is not read: its last lines are lost");
    else
        return CODE_WELL;
    return CODE_INTERNAL;
}

enum exit_code console_close(struct console *c, uint64_t patience_ms, bool (*give_up)(void))
{
    enum exit_code code = finish_out(c, patience_ms, give_up);
    if (c->lost_lines)
        console_say(c, "%" PRIu64 " lines for standard error were lost", c->lost_lines);
    writer_flush(c->err, ERR_PATIENCE_MS, give_up);
    static const char last_words[] = "noexmon: out of memory\n";
    if (c->speechless && write(STDERR_FILENO, last_words, sizeof last_words - 1) < 0)
        code = CODE_INTERNAL;
    writer_free(c->out);
    writer_free(c->err);
    text_free(&c->line);
    return code;
}
