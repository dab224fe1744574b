/* All of libnoex. SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_NOEX_H
#define NOEX_NOEX_H

#include <noex/alloc.h>
#include <noex/call.h>
#include <noex/cluster.h>
#include <noex/epmd.h>
#include <noex/error.h>
#include <noex/event.h>
#include <noex/export.h>
#include <noex/gen_server.h>
#include <noex/global.h>
#include <noex/lifecycle.h>
#include <noex/log.h>
#include <noex/monitor.h>
#include <noex/node.h>
#include <noex/post.h>
#include <noex/process.h>
#include <noex/reason.h>
#include <noex/remote.h>
#include <noex/target.h>
#include <noex/term.h>
#include <noex/timer.h>
#include <noex/tls.h>
#include <noex/version.h>
#include <noex/wait.h>

#endif
