"""More clients than the process may have files open: those who are there are served, and the log opens what it needs."""

import contextlib
import time
from pathlib import Path

import pytest
import requests
from crowds import make_topic
from wire import (
    TIMEOUT_S,
    API_VERSIONS,
    batch,
    connect,
    http_status,
    pg_connect,
    pg_errors,
    produce,
    read_exactly,
    read_frame,
    read_pg_message,
    read_to_end,
    record,
    request,
    wait_until,
)

from penstock_server import binary

OPEN_FILES = 256
RESERVE = 100
PORTS = {"kafka": "kafka", "pg": "pgwire", "http": "http"}  # and the names of their metrics
SMALL_SEGMENTS = ("--journal-segment-bytes=1MiB", "--journal-flush-interval-ms=20")


def total(metrics, what):
    return sum(metrics[f"penstock_{name}_{what}"] for name in PORTS.values())


def crowd(stack, server, port, size):
    return [stack.enter_context(connect(getattr(server, port))) for _ in range(size)]


def leave_until_accepted(stack, server, session):
    """The crowd leaves; afterwards everybody gets in again."""
    before = server.metrics(session)["process_open_fds"]
    stack.close()
    wait_until(lambda: server.metrics(session)["process_open_fds"] < before - RESERVE, "the crowd has left")
    with connect(server.kafka) as connection:
        connection.sendall(request(API_VERSIONS, 0))
        assert read_frame(connection)
    pg_connect(server.pg).close()
    assert requests.get(f"http://{server.http}/livez", timeout=TIMEOUT_S).status_code == 200


@pytest.mark.parametrize("port", PORTS)
def test_more_clients_than_open_files(start_server, innocents, port):
    server = start_server(f"--open-files-reserve={RESERVE}", *SMALL_SEGMENTS, open_files=OPEN_FILES)
    clients = innocents(server)
    make_topic(server, "going-on")
    session = requests.Session()
    assert server.metrics(session)["process_max_fds"] == OPEN_FILES
    with contextlib.ExitStack() as stack, connect(server.kafka) as producer:
        assert produce(producer, "going-on", batch(record(b"first")))[0] == 0
        before = server.metrics(session)
        strangers = crowd(stack, server, port, OPEN_FILES)

        def everybody_was_seen():
            now = server.metrics(session)
            come = total(now, "connections_accepted_total") - total(before, "connections_accepted_total")
            refused = total(now, "connections_refused_total") - total(before, "connections_refused_total")
            return come + refused >= len(strangers)

        wait_until(everybody_was_seen, "every connection was accepted or refused")
        assert server.metrics(session)["process_open_fds"] < OPEN_FILES - RESERVE / 2

        # Who was there before goes on, and the log changes segments, for which it opens files.
        clients.assert_served()
        for _ in range(10):
            assert produce(producer, "going-on", batch(record(b"x" * 500_000)))[0] == 0
        # The last of the crowd was refused, and told why where the protocol has words for it.
        if port == "kafka":
            assert read_to_end(strangers[-1]) == b""
        elif port == "pg":
            kind, payload = read_pg_message(strangers[-1])
            assert [error["C"] for error in pg_errors([(kind, payload)])] == ["53300"]
        else:
            assert http_status(read_to_end(strangers[-1])) == 503
        leave_until_accepted(stack, server, session)
    log = server.log_tail(1 << 20)
    assert "too many files are open" in log and log.count("closing new connections") < 10
    assert "Too many open files" not in log, "nothing else ran into the limit"


def test_without_a_reserve_accepting_waits(start_server):
    """Out of files altogether: accepting pauses and does not spin, and goes on when there is room."""
    if b"UndefinedBehaviorSanitizer" in Path(binary()).read_bytes():
        pytest.skip("the sanitizer looks at objects through a pipe: without files it finds fault with sound ones")
    server = start_server("--open-files-reserve=0", open_files=OPEN_FILES)
    session = requests.Session()
    server.metrics(session)
    with contextlib.ExitStack() as stack:
        crowd(stack, server, "pg", OPEN_FILES)
        wait_until(lambda: "cannot accept" in server.log_tail(), "files have run out")
        before_s = server.cpu_s()
        time.sleep(2)
        assert server.cpu_s() - before_s < 0.7
        assert server.log_tail(1 << 20).count("cannot accept") < 5
        stack.close()
        with connect(server.http) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert http_status(read_exactly(connection, 15)) == 200
    assert server.stop() == 0
    server.assert_no_fault()


def test_a_limit_that_is_smaller_than_the_reserve(start_server, innocents):
    server = start_server(f"--open-files-reserve={10 * OPEN_FILES}", *SMALL_SEGMENTS, open_files=OPEN_FILES)
    innocents(server)
    assert "the limit of open files is too small for the reserve" in server.log_tail()
