"""What stands between two nodes and carries their bytes; what else it does is said by a class of its own.

SPDX-License-Identifier: Apache-2.0
"""

import socket
import threading

from harness import HOST


class Pair:
    """One connection: the end of the one who dialled, and the end towards whom he dialled."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        for end in self.ends():
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ends(self):
        return self.near, self.far


class Relay:
    """Accepts at `port`, and carries to the port that upstream() tells; None: nobody is there."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.pairs = []
        self.listener = socket.create_server((HOST, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                port = self.upstream()
                pair = Pair(near, socket.create_connection((HOST, port))) if port else None
            except OSError:
                pair = None
            if not pair:
                near.close()
                continue
            self.opened(pair)
            self.pairs.append(pair)
            for one, other in (pair.ends(), pair.ends()[::-1]):
                threading.Thread(target=self._carry, args=(pair, one, other), daemon=True).start()

    def _carry(self, pair, one, other):
        try:
            while data := one.recv(65536):
                self.passes(pair, one, other, data)
        except OSError:
            pass
        self.ended(pair)

    def opened(self, pair):
        """Nothing was carried yet."""

    def passes(self, pair, one, other, data):
        """What came from one end goes to the other."""
        other.sendall(data)

    def ended(self, pair):
        """One end has nothing more to say."""
        for end in pair.ends():
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        """Takes no more connections."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
