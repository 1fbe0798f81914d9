"""A stop does not wait for clients that say nothing: within a second or two it cuts them off, and ends with status 0.

The time that a stop may take for others is far above that of the test, so that waiting for one of them would show.
"""

import json
import struct

import pytest
from crowds import fill_topic, make_table
from wire import (
    API_VERSIONS,
    TEXT,
    connect,
    fetch_request,
    pg_connect,
    pg_query,
    pg_startup,
    read_exactly,
    read_frame,
    read_pg_message,
    read_pg_until,
    read_websocket_frame,
    request,
    send_all,
    websocket_connect,
    websocket_frame,
    widen,
)

from penstock_server import STOP_S

RECORDS = 60
RECORD_BYTES = 250_000
VIEW = "CREATE MATERIALIZED VIEW silent AS SELECT COUNT(*) AS n FROM much"


@pytest.fixture
def server(start_server):
    server = start_server(f"--shutdown-timeout-ms={10 * STOP_S * 1000}")
    fill_topic(server, "much", RECORDS, RECORD_BYTES)
    with pg_connect(server.pg) as connection:

        def sql(statement):
            connection.sendall(pg_query(statement))
            assert "E" not in [kind for kind, _ in read_pg_until(connection, "Z")]

        make_table(sql, "much")
        sql(VIEW)
    return server


def a_websocket(server):
    """It is subscribed, and will not answer the server's close."""
    connection = websocket_connect(server.http)
    connection.sendall(websocket_frame(json.dumps({"type": "subscribe", "id": 1, "view": "silent"}).encode()))
    assert read_websocket_frame(connection)[0] == TEXT
    return connection


def a_websocket_that_never_reads(server):
    """Pings are answered until nobody takes the answers."""
    connection = websocket_connect(server.http, receive_buffer=4096)
    connection.sendall(websocket_frame(json.dumps({"type": "subscribe", "id": 1, "view": "silent"}).encode()))
    connection.settimeout(1)
    with pytest.raises(TimeoutError):
        while True:
            connection.sendall(websocket_frame(b"x" * 100, 9) * 1000)
    return connection


def a_long_poll(server):
    connection = connect(server.kafka)
    connection.sendall(request(API_VERSIONS, 0) + fetch_request("much", offset=RECORDS, max_wait_ms=300_000))
    read_frame(connection)
    return connection


def a_consumer_that_never_reads(server):
    connection = connect(server.kafka, receive_buffer=4096)
    connection.sendall(fetch_request("much") * 10)
    assert read_exactly(connection, 4)
    return connection


def half_a_kafka_request(server):
    connection = connect(server.kafka)
    connection.sendall(request(API_VERSIONS, 0)[:7])
    return connection


def a_result_that_is_not_read(server):
    connection = pg_connect(server.pg, receive_buffer=4096)
    connection.sendall(pg_query("SELECT id, payload FROM much"))
    assert read_pg_message(connection)[0] == "T"
    return connection


def a_subscription_over_pg(server):
    connection = pg_connect(server.pg)
    connection.sendall(pg_query("SUBSCRIBE silent"))
    assert read_pg_message(connection)[0] == "T"
    return connection


def half_a_startup(server):
    connection = connect(server.pg)
    connection.sendall(pg_startup()[:7])
    return connection


def half_a_pg_message(server):
    connection = pg_connect(server.pg)
    connection.sendall(pg_query("SELECT 1")[:7])
    return connection


POST = b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def an_answer_that_is_not_read(server):
    body = json.dumps({"sql": "SELECT id, payload FROM much"}).encode()
    connection = connect(server.http, receive_buffer=4096)
    connection.sendall(POST % len(body) + body)
    assert read_exactly(connection, 15) == b"HTTP/1.1 200 OK"
    return connection


def half_a_header(server):
    connection = connect(server.http)
    connection.sendall(POST[:20])
    return connection


def half_a_body(server):
    connection = connect(server.http)
    connection.sendall(POST % 1000 + b"x")
    return connection


SILENT = [
    a_websocket,
    a_websocket_that_never_reads,
    a_long_poll,
    a_consumer_that_never_reads,
    half_a_kafka_request,
    a_result_that_is_not_read,
    a_subscription_over_pg,
    half_a_startup,
    half_a_pg_message,
    an_answer_that_is_not_read,
    half_a_header,
    half_a_body,
]


@pytest.mark.parametrize("client", SILENT)
def test_a_silent_client_does_not_hold_up_a_stop(server, client):
    with client(server):
        assert server.stop() == 0
    server.assert_no_fault()


def test_all_of_them_at_once(server):
    connections = [client(server) for client in SILENT for _ in range(3)]
    assert server.stop() == 0
    server.assert_no_fault()
    for connection in connections:
        connection.close()


def test_who_reads_gets_the_whole_answer(server):
    """A stop in the middle of an answer that is read does not cut it off."""
    with connect(server.kafka, receive_buffer=4096) as connection:
        connection.sendall(fetch_request("much"))
        (size,) = struct.unpack(">i", read_exactly(connection, 4))
        assert size > RECORDS * RECORD_BYTES / 2
        server.process.terminate()
        widen(connection)
        assert read_exactly(connection, size)
        assert connection.recv(1) == b""
    assert server.process.wait(STOP_S) == 0  # a second signal would end it at once
