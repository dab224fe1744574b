"""What stands between two nodes and can delay, dribble, reset, or swallow what they say.

SPDX-License-Identifier: Apache-2.0
"""

import random
import socket
import struct
import threading
import time

HOST = "127.0.0.1"


class Proxy:
    """Carries connections to whatever port `upstream()` tells at the moment (None: refused)."""

    def __init__(self, upstream, seed):
        self.upstream = upstream
        self.random = random.Random(seed)
        self.mode = "good"
        self.cut_after = None  # bytes until all connections are reset
        self.pairs = []
        self.lock = threading.Lock()
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
                far = socket.create_connection((HOST, port), timeout=2) if port else None
            except OSError:
                far = None
            if not far:
                near.close()
                continue
            far.settimeout(None)
            pair = (near, far)
            for end in pair:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.pairs.append(pair)
            for one, other in (pair, pair[::-1]):
                threading.Thread(target=self._carry, args=(pair, one, other), daemon=True).start()

    def _carry(self, pair, one, other):
        try:
            while data := one.recv(65536):
                self._pass(other, data)
        except OSError:
            pass
        self._drop(pair, reset=False)

    def _pass(self, other, data):
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

    def _drop(self, pair, reset):
        with self.lock:
            if pair in self.pairs:
                self.pairs.remove(pair)
        for end in pair:
            try:
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            except OSError:
                pass

    def reset(self):
        """Both ends of all connections get a RST."""
        self.cut_after = None
        for pair in list(self.pairs):
            self._drop(pair, reset=True)

    def heal(self):
        """What was swallowed is missing: such connections cannot go on."""
        if self.mode == "swallow" or self.cut_after is not None:
            self.reset()
        self.mode, self.cut_after = "good", None

    def close(self):
        self.listener.close()
        self.reset()
