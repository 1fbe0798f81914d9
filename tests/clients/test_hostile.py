"""Connections that do not behave, next to one that does."""

import socket
import struct

import pytest
from confluent_kafka import Producer
from test_delivery import read_all

API_VERSIONS = struct.pack(">hhih", 18, 0, 7, -1)


def connect(bootstrap):
    host, port = bootstrap.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=20)
    return connection


def framed(body):
    return struct.pack(">i", len(body)) + body


def read_frame(connection):
    size = struct.unpack(">i", read_exactly(connection, 4))[0]
    return read_exactly(connection, size)


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, "the connection was closed"
        data += piece
    return data


@pytest.fixture
def still_works(bootstrap, topic):
    yield
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, "fine", partition=0)
    assert producer.flush(20) == 0
    assert read_all(bootstrap, topic, 1) == [b"fine"]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">i", 2**31 - 1),
        struct.pack(">i", -1),
        struct.pack(">i", -(2**31)),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        framed(b""),
        framed(b"\x00"),
        framed(struct.pack(">hhih", 9999, 0, 1, -1)),  # no such API
        framed(struct.pack(">hhih", 3, 99, 1, -1)),  # no such version of Metadata
        framed(struct.pack(">hhih", 0, 2, 1, -1)),  # Produce before record batches v2
        framed(struct.pack(">hhih", 3, 1, 1, 30_000)),  # a client id longer than the request
        framed(struct.pack(">hhihi", 3, 1, 1, -1, 2**31 - 1)),  # 2^31-1 topics
    ],
)
def test_what_cannot_be_read_closes_its_connection(bootstrap, still_works, data):
    connection = connect(bootstrap)
    connection.sendall(data)
    try:
        assert connection.recv(1) == b""
    except ConnectionResetError:
        pass


def test_an_unknown_version_of_api_versions_is_answered(bootstrap):
    connection = connect(bootstrap)
    connection.sendall(framed(struct.pack(">hhih", 18, 99, 7, -1)))
    correlation, error, count = struct.unpack_from(">ihi", read_frame(connection))
    assert (correlation, error) == (7, 35) and count > 20
    connection.sendall(framed(API_VERSIONS))
    assert struct.unpack_from(">ih", read_frame(connection)) == (7, 0)
    connection.close()


def test_requests_byte_by_byte_and_many_at_once(bootstrap):
    connection = connect(bootstrap)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in framed(API_VERSIONS):
        connection.sendall(bytes([byte]))
    read_frame(connection)
    connection.sendall(b"".join(framed(struct.pack(">hhih", 18, 0, number, -1)) for number in range(1000)))
    assert [struct.unpack_from(">i", read_frame(connection))[0] for _ in range(1000)] == list(range(1000))
    connection.close()


def test_connections_that_leave_in_the_middle(bootstrap, still_works):
    for size in range(1, len(framed(API_VERSIONS))):
        connection = connect(bootstrap)
        connection.sendall(framed(API_VERSIONS)[:size])
        connection.close()
    connection = connect(bootstrap)
    connection.sendall(struct.pack(">i", 50_000_000) + b"x" * 100_000)
    connection.close()


def test_a_reader_that_never_reads_holds_only_itself(bootstrap, still_works):
    connection = connect(bootstrap)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    requests = framed(API_VERSIONS) * 1000
    try:
        for _ in range(10_000):  # far more answers than the server may keep
            connection.send(requests)
    except BlockingIOError:
        pass  # the server stopped reading
    else:
        pytest.fail("the server reads on although nobody takes its answers")
    connection.close()


def test_the_server_stops_in_time_with_clients_connected(start_server):
    server = start_server()
    connections = [connect(server.kafka) for _ in range(20)]
    connections[0].sendall(framed(API_VERSIONS))
    read_frame(connections[0])
    connections[1].sendall(framed(API_VERSIONS)[:7])
    assert server.stop() == 0
    assert connections[0].recv(1) == b""
