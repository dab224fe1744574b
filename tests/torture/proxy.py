"""What stands between two nodes and can delay, dribble, reset, double, half close or swallow what they say.

SPDX-License-Identifier: Apache-2.0
"""

import socket
import struct
import threading
import time

from harness import HOST
from relay import Relay


def reset_end(end):
    """It gets a RST, once the thread that reads from it has seen that there is no more."""
    try:
        end.shutdown(socket.SHUT_RD)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()
    except OSError:
        pass  # it is closed


def hear_out(end):
    """Reads what comes, for nobody."""
    try:
        while end.recv(65536):
            pass
    except OSError:
        pass


class Proxy(Relay):
    mode = "good"
    cut_after = None  # bytes until all connections are reset
    half = ()  # connections of which one end is gone, and the other was not told

    def opened(self, pair):
        """A connection that is doubled is two for the one who is called; the second hears what the first does."""
        pair.twin = None
        if self.mode != "double":
            return
        try:
            pair.twin = socket.create_connection((HOST, pair.far.getpeername()[1]))
            threading.Thread(target=hear_out, args=(pair.twin,), daemon=True).start()
        except OSError:
            pass

    def passes(self, pair, one, other, data):
        if self.mode == "swallow" or pair in self.half:
            return
        if pair.twin and one is pair.near:
            try:
                pair.twin.sendall(data)
            except OSError:
                pass  # it was refused
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
        if pair in self.half:
            return
        super().ended(pair)
        self._close(pair)

    def _close(self, pair):
        for end in [*pair.ends(), pair.twin]:
            if end:
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
                reset_end(end)
            self._close(pair)
        self.half = ()

    def half_close(self, which):
        """One end of all connections gets a RST; the other is open, and nobody is there any more."""
        self.half = tuple(self.pairs)
        for pair in self.half:
            reset_end(pair.ends()[which])

    def heal(self):
        """What was swallowed is missing: such connections cannot go on."""
        if self.mode == "swallow" or self.cut_after is not None or self.half:
            self.reset()
        self.mode, self.cut_after = "good", None

    def close(self):
        self.stop()
        self.reset()
