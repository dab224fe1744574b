"""What stands between two nodes and can delay, dribble, reset, or swallow what they say.

SPDX-License-Identifier: Apache-2.0
"""

import socket
import struct
import time

from relay import Relay


class Proxy(Relay):
    mode = "good"
    cut_after = None  # bytes until all connections are reset

    def passes(self, pair, one, other, data):
        if self.mode == "swallow":
            return
        if self.mode == "delay":
            time.sleep(0.03)
        if self.mode == "dribble":
            for i in range(min(len(data), 40)):
                other.sendall(data[i:i + 1])
                time.sleep(0.0005)
            data = data[40:]
        if self.cut_after is not None:
            if len(data) > self.cut_after:
                other.sendall(data[:self.cut_after])
                self.reset()
                raise OSError
            self.cut_after -= len(data)
        other.sendall(data)

    def ended(self, pair):
        super().ended(pair)
        self._close(pair)

    def _close(self, pair):
        for end in pair.ends():
            end.close()
        try:
            self.pairs.remove(pair)
        except ValueError:
            pass  # by its other direction

    def reset(self):
        """Both ends of all connections get a RST."""
        self.cut_after = None
        for pair in list(self.pairs):
            for end in pair.ends():
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except OSError:
                    pass  # it is closed
            self._close(pair)

    def heal(self):
        """What was swallowed is missing: such connections cannot go on."""
        if self.mode == "swallow" or self.cut_after is not None:
            self.reset()
        self.mode, self.cut_after = "good", None

    def close(self):
        self.stop()
        self.reset()
