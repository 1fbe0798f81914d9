"""The three protocols as bytes, so that they can be written wrong."""

import os
import socket
import struct
import time

TIMEOUT_S = 60  # of anything that a client waits for


def connect(address, receive_buffer=None):
    """A TCP connection; with `receive_buffer`, what is not read soon waits at the server."""
    host, port = address.rsplit(":", 1)
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(TIMEOUT_S)
    connection.connect((host, int(port)))
    return connection


def widen(connection):
    """Makes the receive buffer large, so that what waits at the server comes fast."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)


def read_exactly(connection, size):
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError(f"the connection was closed after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def read_to_end(connection):
    """All that comes until the server closes the connection."""
    data = bytearray()
    try:
        while piece := connection.recv(1 << 16):
            data += piece
    except ConnectionResetError:
        pass
    return bytes(data)


def send_all(connection, data):
    """Sends what the server takes; it may close the connection at any byte."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def send_until_refused(connection, piece, times):
    """Sends `piece` up to `times`; False when the server stopped reading."""
    connection.setblocking(False)
    try:
        for _ in range(times):
            connection.send(piece)
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(TIMEOUT_S)
    return True


def wait_until(condition, what):
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, f"not within {TIMEOUT_S} s: {what}"
        time.sleep(0.02)


# --- Kafka ---

PRODUCE, FETCH, METADATA, API_VERSIONS = 0, 1, 3, 18


def kafka_string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def framed(body):
    return struct.pack(">i", len(body)) + body


def request(api, version, body=b"", correlation=1):
    return framed(struct.pack(">hhih", api, version, correlation, -1) + body)


def read_frame(connection):
    return read_exactly(connection, struct.unpack(">i", read_exactly(connection, 4))[0])


def produce_request(topic, records, partition=0, acks=-1):
    body = struct.pack(">hhii", -1, acks, 30_000, 1) + kafka_string(topic)
    body += struct.pack(">iii", 1, partition, len(records)) + records
    return request(PRODUCE, 3, body)


def produce(connection, topic, records, partition=0):
    """The error code of a produce request with these bytes as its batches, and the offset."""
    connection.sendall(produce_request(topic, records, partition))
    answer = read_frame(connection)
    at = 4 + 4 + 2 + len(topic.encode()) + 4 + 4
    return struct.unpack_from(">hq", answer, at)


def fetch_request(topic, offset=0, max_bytes=1 << 30, partition=0, max_wait_ms=0):
    body = struct.pack(">iiiibi", -1, max_wait_ms, 1, max_bytes, 0, 1) + kafka_string(topic)
    return request(FETCH, 4, body + struct.pack(">iiqi", 1, partition, offset, max_bytes))


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 ^ value >> 63  # zigzag
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def record(value, offset_delta=0):
    body = b"\0" + varint(0) + varint(offset_delta) + varint(-1) + varint(len(value)) + value + varint(0)
    return varint(len(body)) + body


def batch(records, *, count=1, last_delta=None, codec=0, attributes=0, length=None, magic=2, crc=None, timestamp=1000):
    """A record batch v2; every field can be made to lie."""
    last_delta = count - 1 if last_delta is None else last_delta
    covered = struct.pack(">hiqqqhii", codec | attributes, last_delta, timestamp, timestamp, -1, -1, -1, count) + records
    crc = crc32c(covered) if crc is None else crc
    rest = struct.pack(">ibI", -1, magic, crc) + covered
    return struct.pack(">qi", 0, len(rest) if length is None else length) + rest


# --- PostgreSQL ---


def pg_startup(user="someone", protocol=196608, **parameters):
    fields = b"".join(f"{name}\0{value}\0".encode() for name, value in {"user": user, **parameters}.items())
    body = struct.pack(">i", protocol) + fields + b"\0"
    return struct.pack(">i", len(body) + 4) + body


def pg_message(kind, payload=b"", length=None):
    return kind.encode() + struct.pack(">i", len(payload) + 4 if length is None else length) + payload


def pg_query(sql):
    return pg_message("Q", sql.encode() + b"\0")


def read_pg_message(connection):
    kind, length = struct.unpack(">ci", read_exactly(connection, 5))
    return kind.decode(), read_exactly(connection, length - 4)


def read_pg_until(connection, *kinds):
    """The messages up to the first of one of these kinds."""
    messages = []
    while not messages or messages[-1][0] not in kinds:
        messages.append(read_pg_message(connection))
    return messages


def pg_errors(messages):
    """The texts of all errors, as {field: text}."""
    return [
        {field[:1]: field[1:] for field in payload.decode().split("\0") if field}
        for kind, payload in messages
        if kind == "E"
    ]


def pg_connect(address, **options):
    connection = connect(address, **options)
    connection.sendall(pg_startup())
    read_pg_until(connection, "Z")
    return connection


# --- HTTP and WebSocket ---


def http_status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else None


def http_exchange(address, data):
    """Sends bytes and gives all that comes back until the connection is closed."""
    with connect(address) as connection:
        send_all(connection, data)
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_to_end(connection)


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def websocket_frame(payload, opcode=TEXT, *, final=True, masked=True, reserved=0, length=None):
    length = len(payload) if length is None else length
    first = final << 7 | reserved << 4 | opcode
    if length < 126:
        head = struct.pack(">BB", first, masked << 7 | length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", first, masked << 7 | 126, length)
    else:
        head = struct.pack(">BBQ", first, masked << 7 | 127, length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def websocket_connect(address, **options):
    connection = connect(address, **options)
    connection.sendall(
        b"GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(connection, 1)
    assert http_status(head) == 101, head
    return connection


def read_websocket_frame(connection):
    """Opcode and payload of a frame of the server."""
    first, length = read_exactly(connection, 2)
    if length == 126:
        (length,) = struct.unpack(">H", read_exactly(connection, 2))
    elif length == 127:
        (length,) = struct.unpack(">Q", read_exactly(connection, 8))
    return first & 0x0F, read_exactly(connection, length)
