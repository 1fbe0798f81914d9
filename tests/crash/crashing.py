"""A server that is killed and started again on the same data and the same ports; and waiting for it."""

import os
import random
import signal
import socket
import time

from penstock_server import Server, ServerDied

# `./dev soak` sets it: the same tests, many times as long.
SOAK = int(os.environ.get("PENSTOCK_SOAK", "0"))
DEADLINE_S = 60


def at_length(usual, soak):
    return soak if SOAK else usual


def wait_for(condition, what, server=None, deadline_s=DEADLINE_S):
    """Polls until `condition` gives something true, and returns that."""
    end = time.monotonic() + deadline_s
    while not (result := condition()):
        if server is not None:
            server.assert_sound()
        assert time.monotonic() < end, f"after {deadline_s} s still waiting for {what}"
        time.sleep(0.005)
    return result


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class CrashingServer:
    """Clients may stay connected by address: it keeps its ports over restarts."""

    def __init__(self, data_dir, seed):
        self.data_dir = data_dir
        self.ports = free_ports(3)
        self.random = random.Random(seed)
        self.kills = 0
        self.server = Server(data_dir, ports=self.ports)

    @property
    def kafka(self):
        return self.server.kafka

    @property
    def http(self):
        return self.server.http

    def kill(self):
        self.server.assert_sound()
        self.server.stop(signal.SIGKILL)
        self.kills += 1

    def restart(self):
        """Starts it again; one time in four it is killed once more while it starts."""
        if self.random.random() < 0.25:
            starting = Server(self.data_dir, ports=self.ports, wait=False)
            time.sleep(self.random.uniform(0, 0.3))  # anywhere in its recovery
            if starting.process.poll() is not None:
                raise ServerDied(f"it ended by itself: {starting.log_tail()}")
            starting.stop(signal.SIGKILL)
            self.kills += 1
        self.server = Server(self.data_dir, ports=self.ports)
