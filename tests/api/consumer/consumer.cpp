/* A C++17 program that monitors a process of a node that does not exist, and gets its event.
 * SPDX-License-Identifier: Apache-2.0 */
#include <cstdio>
#include <memory>
#include <noex/noex.h>

struct Outcome {
    noex_monitor_id monitor = 0;
    int code = NOEX_OK;
};

static void on_event(void *user, const noex_event *event)
{
    if (event->type == NOEX_EVENT_MONITOR_FAILED)
        *static_cast<Outcome *>(user) = {event->monitor, event->error->code};
}

int main()
{
    Outcome outcome;
    noex_options options;
    noex_options_init(&options);
    options.cookie = "secret";
    options.on_event = on_event;
    options.user = &outcome;

    noex_error error{};
    noex_node *made = nullptr;
    if (noex_node_new(&made, &options, &error) != NOEX_OK) {
        std::fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    const std::unique_ptr<noex_node, decltype(&noex_node_free)> node(made, noex_node_free);

    /* Nobody listens on port 1; it is not epmd's, so it is dialled. */
    noex_target target{};
    target.kind = NOEX_TARGET_NAME;
    target.node = "nobody@127.0.0.1:1";
    target.name = "cache";
    noex_monitor_id id = 0;
    int rc = noex_monitor(node.get(), &target, 10000, nullptr, &id);
    while (rc == NOEX_OK && outcome.monitor == 0)
        rc = noex_node_process(node.get(), 1000);
    std::printf("%s: %s\n", target.node, noex_error_name(outcome.code));
    return rc == NOEX_OK && outcome.monitor == id && outcome.code == NOEX_ECONNREFUSED ? 0 : 1;
}
