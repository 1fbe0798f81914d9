"""What is no request of a Kafka client closes its connection, and nobody else's."""

import random
import socket
import struct

import pytest
from wire import (
    API_VERSIONS,
    FETCH,
    METADATA,
    PRODUCE,
    connect,
    fetch_request,
    framed,
    kafka_string,
    produce_request,
    read_frame,
    read_to_end,
    request,
    send_all,
    send_until_refused,
)

INT_MAX = 2**31 - 1


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">i", INT_MAX),
        struct.pack(">i", -1),
        struct.pack(">i", -(2**31)),
        struct.pack(">i", (100 << 20) + 1),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        framed(b""),
        framed(b"\x00"),
        request(9999, 0),
        request(-1, 0),
        request(METADATA, 99),
        request(METADATA, -1),
        request(PRODUCE, 2),  # before record batches v2
        framed(struct.pack(">hhih", METADATA, 1, 1, 30_000)),  # a client id longer than the request
        request(METADATA, 1, struct.pack(">i", INT_MAX)),  # 2^31-1 topics
        request(METADATA, 1, struct.pack(">i", 50) + b"\0" * 50),
        request(METADATA, 9, b"\0" + b"\xff" * 5),  # a varint that does not end
        request(FETCH, 4, b"\xff" * 17 + struct.pack(">i", INT_MAX)),
        request(PRODUCE, 3, struct.pack(">hhii", -1, -1, 1000, -5)),
    ],
    ids=repr,
)
def test_what_cannot_be_read_closes_its_connection(server, data):
    with connect(server.kafka) as connection:
        send_all(connection, data)
        assert read_to_end(connection) == b""


def test_an_unknown_version_of_api_versions_is_answered(server):
    with connect(server.kafka) as connection:
        connection.sendall(request(API_VERSIONS, 99, correlation=7))
        correlation, error, count = struct.unpack_from(">ihi", read_frame(connection))
        assert (correlation, error) == (7, 35) and count > 20
        connection.sendall(request(API_VERSIONS, 0, correlation=8))
        assert struct.unpack_from(">ih", read_frame(connection)) == (8, 0)


def test_random_bytes(server):
    generator = random.Random(1)
    for _ in range(200):
        with connect(server.kafka) as connection:
            send_all(connection, generator.randbytes(generator.randrange(1, 2000)))


@pytest.mark.parametrize("seed", range(4))
def test_random_bodies_of_every_api(server, seed):
    generator = random.Random(seed)
    for api in range(0, 75):
        for version in range(0, 18, 3):
            body = generator.randbytes(generator.randrange(0, 200))
            with connect(server.kafka) as connection:
                send_all(connection, request(api, version, body) + request(API_VERSIONS, 0))
                connection.shutdown(socket.SHUT_WR)
                read_to_end(connection)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_requests(server, seed):
    generator = random.Random(seed)
    good = [
        produce_request("damaged", b"x" * 100),
        fetch_request("damaged"),
        request(METADATA, 1, struct.pack(">i", 1) + kafka_string("damaged")),
        request(API_VERSIONS, 3, b"\x02a\x02b\0"),
    ]
    for _ in range(300):
        data = bytearray(generator.choice(good))
        for _ in range(generator.randrange(1, 4)):
            data[generator.randrange(4, len(data))] = generator.randrange(256)
        with connect(server.kafka) as connection:
            send_all(connection, data + b"\0" * 8)  # what it became may be a long poll: no answer is waited for


def test_requests_byte_by_byte_and_many_at_once(server):
    with connect(server.kafka) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(API_VERSIONS, 0):
            connection.sendall(bytes([byte]))
        read_frame(connection)
        connection.sendall(b"".join(request(API_VERSIONS, 0, correlation=number) for number in range(1000)))
        assert [struct.unpack_from(">i", read_frame(connection))[0] for _ in range(1000)] == list(range(1000))


def test_connections_that_leave_in_the_middle(server):
    data = request(API_VERSIONS, 0)
    for size in range(1, len(data)):
        with connect(server.kafka) as connection:
            connection.sendall(data[:size])
    with connect(server.kafka) as connection:
        connection.sendall(struct.pack(">i", 50_000_000) + b"x" * 100_000)


def test_who_never_reads_is_heard_no_more(server):
    with connect(server.kafka, receive_buffer=4096) as connection:
        piece = request(API_VERSIONS, 0) * 1000
        assert not send_until_refused(connection, piece, 10_000), "the server reads on although nobody takes its answers"


def test_the_server_stops_in_time_with_clients_connected(start_server):
    server = start_server()
    connections = [connect(server.kafka) for _ in range(20)]
    connections[0].sendall(request(API_VERSIONS, 0))
    read_frame(connections[0])
    connections[1].sendall(request(API_VERSIONS, 0)[:7])
    assert server.stop() == 0
    assert read_to_end(connections[0]) == b""
    server.assert_no_fault()
