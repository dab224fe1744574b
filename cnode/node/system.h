/* Messages of OTP's module sys to the processes of this node. SPDX-License-Identifier: Apache-2.0
 */
#ifndef NX_NODE_SYSTEM_H
#define NX_NODE_SYSTEM_H

#include "node/node.h"

/** Answers such a message and does what it asks for; told as an event in the turn of its letter,
 * since the program may be asked for a state. `user` is the node. */
void nx_system_message(void *user, const struct noex_event *event);

#endif
