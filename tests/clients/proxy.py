"""A TCP proxy in front of the server that can lose what is on its way."""

import selectors
import socket
import threading


class Proxy:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs = []
        self.swallow_responses = False
        self.cuts = 0

    def forward_to(self, address):
        host, port = address.rsplit(":", 1)
        self.upstream = (host, int(port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self._shut(pair)

    def cut_before_next_response(self):
        """The next response is not delivered: its connection is closed instead."""
        with self.lock:
            self.swallow_responses = True

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.upstream)
            pair = (client, server)
            with self.lock:
                self.pairs.append(pair)
            threading.Thread(target=self._pump, args=(pair,), daemon=True).start()

    def _pump(self, pair):
        client, server = pair
        selector = selectors.DefaultSelector()
        try:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(1 << 16)
                    if not data:
                        return
                    if key.fileobj is server:
                        with self.lock:
                            cut, self.swallow_responses = self.swallow_responses, False
                            self.cuts += cut
                        if cut:
                            return
                    key.data.sendall(data)
        except (OSError, ValueError):  # closed by close()
            pass
        finally:
            selector.close()
            self._shut(pair)

    @staticmethod
    def _shut(pair):
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
