/* The control channel of noex_peer.erl: expressions in, their values out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_CONTROL_H
#define PEER_CONTROL_H

/** Connects to the port in 127.0.0.1; dies where it cannot. */
int control_open(const char *port);
/** Sends an expression and does not wait. */
void control_send(int control, const char *expression);
/** Waits for the value of the expression sent first; dies unless it is `expected`. */
void control_expect(int control, const char *expected);

#endif
