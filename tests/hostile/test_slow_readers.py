"""Clients that ask for much and do not read it: in bounded memory, and nobody else waits. When they begin to read they get all of
it; one that takes nothing for too long is closed."""

import contextlib
import json
import struct

import pytest
import requests
from crowds import Peak, fill_topic, make_table
from wire import (
    connect,
    fetch_request,
    http_status,
    pg_connect,
    pg_errors,
    pg_query,
    read_frame,
    read_pg_message,
    read_to_end,
    wait_until,
    widen,
)

MIB = 1 << 20
SLOW = 8
RECORDS = 60
RECORD_BYTES = 250_000  # together more than the kernel keeps of what is not read
SELECT = "SELECT id, payload FROM much"


@pytest.fixture
def start(start_server, innocents):
    """A server with much in a topic, and its innocent clients, who are served in the end."""

    def start(*flags):
        server = start_server(*flags)
        clients = innocents(server)
        fill_topic(server, "much", RECORDS, RECORD_BYTES)
        make_table(clients._sql, "much")
        return server, clients

    return start


# --- Kafka ---

FETCHES = 40
RESPONSES_BUDGET = 4 * MIB


def ask_for_everything(stack, server):
    """A fetch from the start, again and again, without reading one answer."""
    connection = stack.enter_context(connect(server.kafka, receive_buffer=4096))
    connection.sendall(fetch_request("much") * FETCHES)
    return connection


def records_of(answer):
    """The bytes of record batches in the answer to a fetch of one partition."""
    at = 4 + 4 + 4 + 2 + len("much") + 4 + 4  # correlation, throttling, topics, the name, partitions, the partition
    error, _, _, aborted, size = struct.unpack_from(">hqqii", answer, at)
    assert error == 0 and aborted <= 0
    return answer[at + 26 : at + 26 + size]


def test_kafka_consumers_that_do_not_read(start):
    server, clients = start(f"--kafka-responses-bytes-max={RESPONSES_BUDGET}")
    peak = Peak(server, "penstock_kafka_response_bytes")
    with contextlib.ExitStack() as stack:
        slow = [ask_for_everything(stack, server) for _ in range(SLOW)]
        session = requests.Session()
        wait_until(
            lambda: server.metrics(session)["penstock_kafka_response_bytes"] > RESPONSES_BUDGET / 2, "answers wait to be read"
        )
        for _ in range(5):
            clients.assert_served()
        # Each gets on when it reads, with whole batches from where it asked.
        for connection in slow:
            widen(connection)
            for _ in range(FETCHES):
                records = records_of(read_frame(connection))
                assert records.startswith(struct.pack(">q", 0)) and len(records) >= RECORD_BYTES
    # A batch or two for each client beyond the budget, so that everybody gets something.
    assert peak.stop()["penstock_kafka_response_bytes"] < RESPONSES_BUDGET + (SLOW + 3) * 2.2 * RECORD_BYTES
    wait_until(lambda: server.metrics(session)["penstock_kafka_response_bytes"] < MIB, "the memory is given back")


def test_kafka_consumers_that_never_read_are_closed(start):
    server, _ = start("--kafka-write-timeout-ms=1000")
    session = requests.Session()
    with contextlib.ExitStack() as stack:
        for _ in range(SLOW):
            ask_for_everything(stack, server)
        wait_until(lambda: server.metrics(session)["penstock_kafka_slow_readers_closed_total"] == SLOW, "all are closed")
        wait_until(lambda: server.metrics(session)["penstock_kafka_response_bytes"] < MIB, "the memory is given back")
    assert "the client does not read its answers" in server.log_tail()


# --- PostgreSQL ---


def select_everything(stack, server):
    connection = stack.enter_context(pg_connect(server.pg, receive_buffer=4096))
    connection.sendall(pg_query(SELECT))
    return connection


def test_pg_clients_that_do_not_read(start):
    server, clients = start()
    peak = Peak(server, "penstock_pgwire_output_bytes")
    with contextlib.ExitStack() as stack:
        slow = [select_everything(stack, server) for _ in range(SLOW)]
        session = requests.Session()
        wait_until(
            lambda: server.metrics(session)["penstock_pgwire_output_bytes"] >= SLOW * RECORD_BYTES, "all results wait to be read"
        )
        for _ in range(5):
            clients.assert_served()
        for connection in slow:
            widen(connection)
            ids = []
            while (message := read_pg_message(connection))[0] != "Z":
                kind, payload = message
                assert kind in "TDC", pg_errors([message])
                if kind == "D":
                    (length,) = struct.unpack_from(">i", payload, 2)
                    ids.append(int(payload[6 : 6 + length]))
                    assert payload.endswith(b"x" * RECORD_BYTES)
            assert sorted(ids) == list(range(RECORDS))
    # About 64 KB, or one row where a row is larger.
    assert peak.stop()["penstock_pgwire_output_bytes"] < (SLOW + 2) * (1.1 * RECORD_BYTES + (64 << 10))


def test_pg_clients_that_never_read_are_closed(start):
    server, _ = start("--pg-write-timeout-ms=1000")
    session = requests.Session()
    before = server.metrics(session)["penstock_pgwire_connections"]
    with contextlib.ExitStack() as stack:
        for _ in range(SLOW):
            select_everything(stack, server)
        wait_until(lambda: server.metrics(session)["penstock_pgwire_connections"] == before, "all are closed")
        wait_until(lambda: server.metrics(session)["penstock_pgwire_output_bytes"] < RECORD_BYTES, "nothing waits any more")
    assert "the client does not read its answers" in server.log_tail()


# --- HTTP ---


def post_select(stack, server):
    body = json.dumps({"sql": SELECT}).encode()
    connection = stack.enter_context(connect(server.http, receive_buffer=4096))
    connection.sendall(
        b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    return connection


def test_http_clients_that_do_not_read(start):
    server, clients = start()
    peak = Peak(server, "penstock_http_reply_bytes")
    with contextlib.ExitStack() as stack:
        slow = [post_select(stack, server) for _ in range(SLOW)]
        session = requests.Session()
        wait_until(
            lambda: server.metrics(session)["penstock_http_reply_bytes"] >= SLOW * RECORDS * RECORD_BYTES, "all answers wait"
        )
        for _ in range(3):
            clients.assert_served()
        for connection in slow:
            widen(connection)
            answer = read_to_end(connection)
            assert http_status(answer) == 200
            rows = json.loads(answer.split(b"\r\n\r\n", 1)[1])["results"][0]["rows"]
            assert sorted(int(row[0]) for row in rows) == list(range(RECORDS))
    assert peak.stop()["penstock_http_reply_bytes"] <= 256 * MIB
    wait_until(lambda: server.metrics(session)["penstock_http_reply_bytes"] == 0, "the memory is given back")


def test_http_clients_that_never_read_are_closed(start):
    server, _ = start("--http-write-timeout-ms=1000")
    session = requests.Session()
    with contextlib.ExitStack() as stack:
        slow = [post_select(stack, server) for _ in range(SLOW)]
        wait_until(lambda: server.metrics(session)["penstock_http_reply_bytes"] >= RECORDS * RECORD_BYTES, "answers wait")
        wait_until(lambda: server.metrics(session)["penstock_http_reply_bytes"] == 0, "the memory is given back")
        for connection in slow:
            assert len(read_to_end(connection)) < RECORDS * RECORD_BYTES
