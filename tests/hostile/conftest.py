"""One server for input that no connection survives, and servers of a test's own for what wants memory or disk."""

import os
import re
import signal

import pytest
from innocents import Innocents

from penstock_server import Server

# A sanitized program keeps what it has freed for a while, which would hide what it really needs.
SMALL_QUARANTINE = "quarantine_size_mb=8:thread_local_quarantine_size_kb=64"


def environment():
    return {"ASAN_OPTIONS": ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), SMALL_QUARANTINE]))}


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("hostile") / "data", environment=environment())
    yield server
    server.assert_sound()
    assert server.stop() == 0
    server.assert_no_fault()
    assert_log_is_clear(server.log_path)


# No value of a line is longer than 4,096 bytes, whatever a client has sent.
LOG_LINE = re.compile(r'ts=\S+ level=(info|warning) msg=("[^"]+"|\w+)( [\w.]+=("(\\.|[^"\\])*"|\S+))*')
LOG_LINE_BYTES_MAX = 8 * 4096  # escaped
LOG_BYTES_MAX = 1 << 20


def assert_log_is_clear(path):
    """What clients sent has made no line that cannot be read, none about an error of ours, and not too many."""
    text = path.read_text()
    assert len(text) < LOG_BYTES_MAX
    for line in text.splitlines():
        assert LOG_LINE.fullmatch(line) and len(line) < LOG_LINE_BYTES_MAX, line[:2000]


@pytest.fixture(scope="session")
def shared_innocents(shared_server):
    innocents = Innocents(shared_server)
    yield innocents
    innocents.close()
    innocents.assert_nothing_lost(shared_server)


@pytest.fixture
def server(shared_server, shared_innocents):
    """The shared one. Whatever a test does to it, innocent clients are served while and after it."""
    yield shared_server
    shared_server.assert_sound()
    shared_innocents.assert_served()


@pytest.fixture
def start_server(tmp_path):
    """Starts servers of the test's own, by default on one data directory."""
    started = []

    def start(*flags, data_dir=tmp_path / "data", **options):
        started.append(Server(data_dir, *flags, environment=environment(), **options))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.assert_sound()
            server.stop(signal.SIGKILL)


@pytest.fixture
def innocents():
    """Makes the innocent clients of a server; in the end each has been served and nothing is lost."""
    made = []

    def make(server):
        made.append((Innocents(server), server))
        return made[-1][0]

    yield make
    for clients, server in made:
        clients.assert_served()
        clients.close()
        clients.assert_nothing_lost(server)
