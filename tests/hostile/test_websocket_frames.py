"""WebSocket frames that lie: the connection is closed, with the code that says why where there is one."""

import json
import random
import struct

import pytest
from wire import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    read_to_end,
    read_websocket_frame,
    send_all,
    send_until_refused,
    websocket_connect,
    websocket_frame,
)

PROTOCOL_ERROR, BAD_TEXT, TOO_LARGE = 1002, 1007, 1009

LYING = {
    "not masked": (websocket_frame(b"{}", masked=False), PROTOCOL_ERROR),
    "reserved bits": (websocket_frame(b"{}", reserved=4), PROTOCOL_ERROR),
    "reserved opcode": (websocket_frame(b"{}", opcode=3), PROTOCOL_ERROR),
    "reserved control opcode": (websocket_frame(b"{}", opcode=11), PROTOCOL_ERROR),
    "ping in parts": (websocket_frame(b"x", PING, final=False), PROTOCOL_ERROR),
    "ping of 126 bytes": (websocket_frame(b"x" * 126, PING), PROTOCOL_ERROR),
    "goes on with nothing": (websocket_frame(b"x", opcode=0), PROTOCOL_ERROR),
    "begins twice": (websocket_frame(b"{", final=False) + websocket_frame(b"}"), PROTOCOL_ERROR),
    "length 2^63": (websocket_frame(b"x", length=1 << 63), None),
    "length 2^62": (websocket_frame(b"x", length=1 << 62), None),
    "length 2^32": (websocket_frame(b"x", length=1 << 32), None),
    "message of 65 KiB": (websocket_frame(b"x" * (65 << 10)), TOO_LARGE),
    "message of 65 KiB in parts": (
        websocket_frame(b"x" * 1000, final=False) + websocket_frame(b"x" * 1000, opcode=0, final=False) * 65,
        TOO_LARGE,
    ),
    "text that is not UTF-8": (websocket_frame(b"\xff\xfe"), BAD_TEXT),
    "close code 1": (websocket_frame(struct.pack(">H", 1), CLOSE), None),
    "close of one byte": (websocket_frame(b"x", CLOSE), None),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", None),
}


@pytest.mark.parametrize("data, code", LYING.values(), ids=LYING.keys())
def test_a_frame_that_lies_closes_its_connection(server, data, code):
    with websocket_connect(server.http) as connection:
        send_all(connection, data)
        answer = read_to_end(connection)
    if code is not None and answer:
        assert answer[0] == 0x80 | CLOSE and struct.unpack_from(">H", answer, 2) == (code,)


def test_a_message_in_any_parts_is_a_message(server):
    message = json.dumps({"type": "subscribe", "id": 1, "channel": "alerts"}).encode()
    with websocket_connect(server.http) as connection:
        connection.sendall(websocket_frame(message[:1], final=False))
        connection.sendall(websocket_frame(b"in between", PING))
        for byte in message[1:-1]:
            connection.sendall(websocket_frame(bytes([byte]), opcode=0, final=False))
        connection.sendall(websocket_frame(b"", opcode=0, final=False))
        connection.sendall(websocket_frame(message[-1:], opcode=0))
        frames = [read_websocket_frame(connection), read_websocket_frame(connection)]
    assert (PONG, b"in between") in frames
    assert any(opcode == TEXT and json.loads(payload)["type"] == "alerts" for opcode, payload in frames)


def test_bytes_are_answered_as_text_is(server):
    with websocket_connect(server.http) as connection:
        connection.sendall(websocket_frame(b"\x00\xff", BINARY))
        opcode, payload = read_websocket_frame(connection)
        assert opcode == TEXT and json.loads(payload)["type"] == "error"


def test_a_flood_of_pings_is_heard_no_more_when_nobody_reads_the_answers(server):
    with websocket_connect(server.http, receive_buffer=4096) as connection:
        piece = websocket_frame(b"x" * 100, PING) * 1000
        assert not send_until_refused(connection, piece, 10_000)


@pytest.mark.parametrize("seed", range(4))
def test_random_frames(server, seed):
    generator = random.Random(seed)
    for _ in range(100):
        with websocket_connect(server.http) as connection:
            for _ in range(5):
                payload = generator.randbytes(generator.randrange(0, 300))
                send_all(
                    connection,
                    websocket_frame(
                        payload,
                        generator.randrange(16),
                        final=generator.random() < 0.7,
                        masked=generator.random() < 0.9,
                        reserved=generator.choice([0, 0, 0, generator.randrange(8)]),
                    ),
                )


def test_connections_that_leave_in_the_middle(server):
    data = websocket_frame(json.dumps({"type": "subscribe", "id": 1, "view": "innocent_count"}).encode())
    for size in range(1, len(data)):
        with websocket_connect(server.http) as connection:
            connection.sendall(data[:size])
