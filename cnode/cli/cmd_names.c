/* noexmon names: what a host's epmd knows. SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"
#include "console.h"
#include "output_json.h"
#include "output_text.h"
#include "session.h"

#include <noex/epmd.h>

struct listing {
    struct console *console;
    const char *host;
};

static void each_name(void *user, const char *name, uint16_t port)
{
    const struct listing *l = user;
    console_report(l->console, &(struct report){.kind = REPORT_NAME,
                                                .time_us = session_wall_us(),
                                                .host = l->host,
                                                .name = name,
                                                .port = port});
}

enum exit_code cmd_names(const struct options *o, const struct operands *none)
{
    (void)none;
    struct failure why;
    struct console console;
    struct output output = o->json ? output_json() : output_text(false, 0);
    if (console_open(&console, output, o->quiet, &why)) {
        fprintf(stderr, "noexmon: %s\n", why.text);
        return why.code;
    }
    struct listing listing = {&console, o->operand_count ? o->operands[0] : "localhost"};
    struct noex_error error = {0};
    int rc = noex_epmd_names(listing.host, o->epmd_port, timeout_or_default(o), each_name, &listing,
                             &error);
    if (rc)
        console_report(&console, &(struct report){.kind = REPORT_ERROR,
                                                  .time_us = session_wall_us(),
                                                  .host = listing.host,
                                                  .code = noex_error_name(rc),
                                                  .message = error.text});
    return exitcode_worse(exitcode_of(rc), console_close(&console, 0, NULL));
}
