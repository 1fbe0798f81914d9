"""What is no message of a PostgreSQL client is a clear error; what cannot be read ends its connection."""

import random
import struct

import pytest
from wire import (
    connect,
    pg_connect,
    pg_errors,
    pg_message,
    pg_query,
    pg_startup,
    read_pg_until,
    read_to_end,
    send_all,
    send_until_refused,
)

PROTOCOL_VIOLATION = "08P01"


def messages_of(data):
    """Whole messages in what came until the end."""
    messages = []
    while len(data) >= 5:
        length = struct.unpack_from(">i", data, 1)[0]
        messages.append((data[:1].decode(), data[5 : 1 + length]))
        data = data[1 + length :]
    return messages


def cut_off(address, data):
    """The errors that come before the server closes the connection."""
    with connect(address) as connection:
        send_all(connection, data)
        return pg_errors(messages_of(read_to_end(connection)))


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">ii", 2**31 - 1, 196608),
        struct.pack(">ii", -1, 196608),
        struct.pack(">ii", 0, 196608),
        struct.pack(">ii", 7, 196608),
        struct.pack(">ii", 10_001, 196608),
        struct.pack(">ii", 8, 2 << 16),  # protocol 2
        struct.pack(">ii", 8, 99 << 16),
        struct.pack(">ii", 12, 196608) + b"user",  # not ended
        struct.pack(">ii", 9, 196608) + b"\0",  # no user
        pg_startup(replication="true"),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600,
        pg_query("SELECT 1"),  # before the startup
    ],
    ids=lambda data: data[:24].hex(),
)
def test_a_bad_startup_is_refused(server, data):
    errors = cut_off(server.pg, data)
    assert [error["S"] for error in errors] == ["FATAL"] and errors[0]["M"]


def test_cancel_requests_with_wrong_keys_do_nothing(server):
    with pg_connect(server.pg) as connection:
        for process in range(-5, 50):
            with connect(server.pg) as other:
                other.sendall(struct.pack(">iiii", 16, 1234 << 16 | 5678, process, 4711))
                assert read_to_end(other) == b""
        connection.sendall(pg_query("SELECT 1"))
        assert not pg_errors(read_pg_until(connection, "Z"))


def test_encryption_asked_for_again_and_again(server):
    with connect(server.pg) as connection:
        connection.sendall(struct.pack(">ii", 8, 1234 << 16 | 5679) * 1000)
        connection.sendall(struct.pack(">ii", 8, 1234 << 16 | 5680) * 1000)
        connection.sendall(pg_startup())
        answer = b""
        while len(answer) < 2000:
            answer += connection.recv(2000 - len(answer))
        assert answer == b"N" * 2000
        read_pg_until(connection, "Z")


@pytest.mark.parametrize(
    "data",
    [
        pg_message("Q", length=2**31 - 1),
        pg_message("Q", length=-1),
        pg_message("Q", length=3),
        pg_message("Q", length=(16 << 20) + 1),
        pg_message("Q", b"SELECT 1"),  # not ended
        pg_message("?", b"what"),
        pg_message("\x01", b""),
        pg_message("p", b"password\0"),
        pg_message("S", b"more than nothing"),
        pg_startup(),  # once more
        b"\xff" * 100,
    ],
    ids=lambda data: data[:24].hex(),
)
def test_a_message_that_cannot_be_read_ends_the_connection(server, data):
    with pg_connect(server.pg) as connection:
        send_all(connection, data)
        errors = pg_errors(messages_of(read_to_end(connection)))
        assert [error["S"] for error in errors] == ["FATAL"] and errors[0]["C"] == PROTOCOL_VIOLATION


PARSE = pg_message("P", b"\0SELECT $1\0" + struct.pack(">h", 0))


@pytest.mark.parametrize(
    "data",
    [
        pg_message("P", b"\0SELECT 1\0" + struct.pack(">h", -1)),
        pg_message("P", b"\0SELECT 1\0" + struct.pack(">h", 30_000)),
        pg_message("P", b"\0SELECT 1"),
        pg_message("P", b""),
        pg_message("B", b""),
        pg_message("B", b"\0no such statement\0" + struct.pack(">hhh", 0, 0, 0)),
        PARSE + pg_message("B", b"\0\0" + struct.pack(">hhi", 0, 1, 2**31 - 1)),
        PARSE + pg_message("B", b"\0\0" + struct.pack(">hhi", 0, 1, -7)),
        PARSE + pg_message("B", b"\0\0" + struct.pack(">hh", 0, -1)),
        PARSE + pg_message("B", b"\0\0" + struct.pack(">hhhh", 1, 9, 0, 0)),  # no such format
        PARSE + pg_message("B", b"\0\0" + struct.pack(">hhh", 0, 0, 0)),  # a parameter is missing
        PARSE + pg_message("B", b"\0\0" + struct.pack(">h", 0) + struct.pack(">h", 2) + struct.pack(">ii", -1, -1) + b"\0\0"),
        pg_message("D", b"X\0"),
        pg_message("D", b"S"),
        pg_message("D", b"Sno such statement\0"),
        pg_message("E", b"no such portal\0" + struct.pack(">i", 0)),
        pg_message("E", b""),
        pg_message("C", b"X\0"),
        pg_message("P", b"\0SELECT 1; SELECT 2\0\0\0"),
    ],
    ids=lambda data: data[:40].hex(),
)
def test_a_bad_extended_query_is_an_error_up_to_sync(server, data):
    with pg_connect(server.pg) as connection:
        connection.sendall(data + pg_message("E", b"\0" + struct.pack(">i", 0)) + pg_message("S"))
        errors = pg_errors(read_pg_until(connection, "Z"))
        assert len(errors) == 1 and errors[0]["S"] == "ERROR", "one error, and what follows it is skipped"
        connection.sendall(pg_query("SELECT 1"))
        assert not pg_errors(read_pg_until(connection, "Z"))


def test_messages_out_of_order(server):
    with pg_connect(server.pg) as connection:
        for kind in "dcf":
            connection.sendall(pg_message(kind, b"copy data of no copy"))
        connection.sendall(pg_message("H") * 100 + pg_message("S") * 100)
        for _ in range(100):
            read_pg_until(connection, "Z")
        connection.sendall(pg_message("F", b"\0" * 20))
        assert pg_errors(read_pg_until(connection, "Z"))
        connection.sendall(pg_message("X") + pg_query("SELECT 1"))
        assert read_to_end(connection) == b""


@pytest.mark.parametrize("seed", range(4))
def test_random_messages(server, seed):
    generator = random.Random(seed)
    for _ in range(60):
        with pg_connect(server.pg) as connection:
            for _ in range(20):
                kind = generator.choice("QPBDECSHXdcfFp?\xe9")
                payload = generator.randbytes(generator.randrange(0, 60))
                send_all(connection, kind.encode("latin-1") + struct.pack(">i", len(payload) + 4) + payload)
            send_all(connection, pg_message("X"))
            read_to_end(connection)


def test_connections_that_leave_in_the_middle(server):
    data = pg_startup() + pg_query("SELECT 1")
    for size in range(1, len(data)):
        with connect(server.pg) as connection:
            connection.sendall(data[:size])


def test_who_never_reads_is_heard_no_more(server):
    with connect(server.pg, receive_buffer=4096) as connection:
        connection.sendall(pg_startup())
        piece = pg_query("SELECT 'a text that is a little longer than nothing'") * 1000
        assert not send_until_refused(connection, piece, 10_000), "the server reads on although nobody takes its answers"


def test_prepared_statements_and_portals_are_bounded(server):
    with pg_connect(server.pg) as connection:
        for number in range(2000):
            connection.sendall(pg_message("P", b"s%d\0SELECT 1\0\0\0" % number) + pg_message("S"))
            if errors := pg_errors(read_pg_until(connection, "Z")):
                assert errors[0]["C"] == "53000" or "statements" in errors[0]["M"], errors
                break
        else:
            pytest.fail("2,000 prepared statements and no end")
        connection.sendall(pg_query("SELECT 1"))
        assert not pg_errors(read_pg_until(connection, "Z"))
