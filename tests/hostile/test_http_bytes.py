"""What is no request of an HTTP client is answered with an error or ends its connection."""

import json
import random
import socket

import pytest
from wire import connect, http_exchange, http_status, read_exactly, send_all

HEAD = b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = json.dumps({"sql": "SELECT 1"}).encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


BAD_REQUESTS = {
    "garbage": b"\x00\xff\xfe garbage\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no version": b"GET /\r\n\r\n",
    "version 9.9": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "path of 1 MB": b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "header of 1 MB": GET + b"X: " + b"x" * (1 << 20) + b"\r\n\r\n",
    "100,000 headers": GET + b"X: x\r\n" * 100_000 + b"\r\n",
    "header without a colon": GET + b"nonsense\r\n\r\n",
    "header with a space": GET + b"X : x\r\n\r\n",
    "NUL in a header": GET + b"X: \0\r\n\r\n",
    "length 10^20": HEAD + b"Content-Length: 100000000000000000000\r\n\r\n",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "length that is none": HEAD + b"Content-Length: 0x10\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(BODY) + b"0\r\n\r\n",
    "chunk size that is none": CHUNKED + b"zz\r\n" + BODY,
    "negative chunk": CHUNKED + b"-5\r\n" + BODY,
    "chunk of 2^64": CHUNKED + b"ffffffffffffffff\r\n" + BODY,
    "chunk of 2^68": CHUNKED + b"fffffffffffffffff\r\n" + BODY,
    "chunk without its end": CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
    "chunk extension of 1 MB": CHUNKED + b"5;" + b"x" * (1 << 20) + b"\r\nabcde\r\n0\r\n\r\n",
    "body of 17 MB": HEAD + b"Content-Length: %d\r\n\r\n" % (17 << 20) + b"x" * (17 << 20),
    "body of 17 MB in chunks": CHUNKED + chunk(b"x" * (1 << 20)) * 17 + b"0\r\n\r\n",
    "unknown encoding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("data", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_bad_request_is_refused(server, data):
    answer = http_exchange(server.http, data)
    status = http_status(answer)
    assert status is None or 400 <= status < 500 or status == 501, answer[:200]
    assert answer.count(b"HTTP/1.1 ") <= 1, "nothing of it was taken for a second request"


def test_the_answer_to_a_body_that_is_too_large_arrives(server):
    """Although the client goes on sending when it has been given."""
    assert http_status(http_exchange(server.http, BAD_REQUESTS["body of 17 MB"])) == 413
    assert http_status(http_exchange(server.http, BAD_REQUESTS["body of 17 MB in chunks"])) == 413


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_chunks_of_any_size_are_a_body(server, size):
    data = CHUNKED + b"".join(chunk(BODY[at : at + size]) for at in range(0, len(BODY), size)) + b"0\r\n\r\n"
    answer = http_exchange(server.http, data)
    assert http_status(answer) == 200 and b'"rows":[[1]]' in answer


def test_random_bytes(server):
    generator = random.Random(3)
    for _ in range(200):
        with connect(server.http) as connection:
            send_all(connection, generator.randbytes(generator.randrange(1, 2000)))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_requests(server, seed):
    generator = random.Random(seed)
    good = [GET + b"\r\n", HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY, CHUNKED + chunk(BODY) + b"0\r\n\r\n"]
    for _ in range(200):
        data = bytearray(generator.choice(good))
        for _ in range(generator.randrange(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        http_exchange(server.http, bytes(data))


def test_connections_that_leave_in_the_middle(server):
    data = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    for size in range(1, len(data)):
        with connect(server.http) as connection:
            connection.sendall(data[:size])


def test_who_never_reads_is_heard_no_more(server):
    with connect(server.http, receive_buffer=4096) as connection:
        connection.setblocking(False)
        piece = (GET + b"\r\n") * 1000
        with pytest.raises((BlockingIOError, ConnectionError)):
            for _ in range(10_000):
                connection.send(piece)


def test_one_that_sends_a_byte_at_a_time(server):
    with connect(server.http) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GET + b"\r\n":
            connection.sendall(bytes([byte]))
        assert http_status(read_exactly(connection, 15)) == 200
