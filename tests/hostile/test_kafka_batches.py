"""Record batches that lie: refused with an error that says why, or harmless to whoever reads the topic."""

import gzip
import json
import struct

import lz4.frame
import psycopg
import pytest
import requests
import zstandard
from crowds import make_topic
from wire import TIMEOUT_S, batch, connect, framed, kafka_string, produce, produce_request, read_frame, record

CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, UNSUPPORTED_FORMAT, INVALID_RECORD = 2, 10, 43, 87
GZIP, LZ4, ZSTD = 1, 3, 4


@pytest.fixture(scope="module")
def topic(shared_server):
    make_topic(shared_server, "lying-batches")
    return "lying-batches"


GOOD = record(b"fine")


@pytest.mark.parametrize(
    "records, errors",
    [
        (b"", {INVALID_RECORD}),
        (b"\0", {CORRUPT_MESSAGE}),
        (batch(GOOD)[:-1], {CORRUPT_MESSAGE}),
        (batch(GOOD)[:60], {CORRUPT_MESSAGE}),
        (batch(GOOD) + b"\0", {CORRUPT_MESSAGE}),
        (batch(GOOD, crc=12345), {CORRUPT_MESSAGE}),
        (batch(GOOD, length=2**31 - 1), {CORRUPT_MESSAGE}),
        (batch(GOOD, length=-1), {CORRUPT_MESSAGE}),
        (batch(GOOD, length=0), {CORRUPT_MESSAGE}),
        (batch(GOOD, length=48), {CORRUPT_MESSAGE}),
        (batch(GOOD, count=-1), {CORRUPT_MESSAGE, INVALID_RECORD}),
        (batch(GOOD, count=0), {CORRUPT_MESSAGE, INVALID_RECORD}),
        (batch(GOOD, count=2**31 - 1), {CORRUPT_MESSAGE, INVALID_RECORD}),
        (batch(GOOD, count=1, last_delta=2**31 - 1), {CORRUPT_MESSAGE, INVALID_RECORD}),
        (batch(GOOD, count=1, last_delta=-1), {CORRUPT_MESSAGE, INVALID_RECORD}),
        (batch(GOOD, count=5), {CORRUPT_MESSAGE, INVALID_RECORD}),
        (batch(GOOD, magic=0), {UNSUPPORTED_FORMAT}),
        (batch(GOOD, magic=1), {UNSUPPORTED_FORMAT}),
        (batch(GOOD, magic=3), {UNSUPPORTED_FORMAT}),
        (batch(GOOD, attributes=0x10), {INVALID_RECORD}),  # of a transaction
        (batch(GOOD, attributes=0x20), {INVALID_RECORD}),  # a control batch
        (batch(GOOD, codec=7), {CORRUPT_MESSAGE, INVALID_RECORD}),
    ],
    ids=lambda value: value.hex()[:40] if isinstance(value, bytes) else None,
)
def test_a_batch_that_lies_is_refused(server, topic, records, errors):
    with connect(server.kafka) as connection:
        error, offset = produce(connection, topic, records)
        assert error in errors and offset == -1
        assert produce(connection, topic, batch(GOOD))[0] == 0, "the connection goes on"


def test_a_batch_above_the_topics_limit_is_refused(server):
    make_topic(server, "small-messages", **{"max.message.bytes": "10000"})
    with connect(server.kafka) as connection:
        assert produce(connection, "small-messages", batch(record(b"x" * 20_000)))[0] == MESSAGE_TOO_LARGE
        assert produce(connection, "small-messages", batch(GOOD))[0] == 0


def test_one_bad_partition_does_not_spoil_the_others(server, topic):
    bad, good = batch(GOOD, crc=1), batch(GOOD)
    body = struct.pack(">hhii", -1, -1, 30_000, 2)
    for name, records in ((topic, bad), ("innocent-neighbour", good)):
        body += kafka_string(name) + struct.pack(">iii", 1, 0, len(records)) + records
    make_topic(server, "innocent-neighbour")
    with connect(server.kafka) as connection:
        connection.sendall(framed(struct.pack(">hhih", 0, 3, 1, -1) + body))
        answer = read_frame(connection)
    size = 2 + 4 + 4 + 2 + 8 + 8  # of one topic's answer, beside its name
    assert struct.unpack_from(">h", answer, 8 + 2 + len(topic) + 8) == (CORRUPT_MESSAGE,)
    assert struct.unpack_from(">h", answer, 8 + size + len(topic) + 2 + len("innocent-neighbour") + 8) == (0,)


def dead_letters(server):
    return requests.get(f"http://{server.http}/api/v1/status", timeout=TIMEOUT_S).json()["dead_letters_total"]


BOMB_BYTES = 1 << 30  # far above what one batch may become


def bomb(codec, size):
    """A few bytes that are `size` zeros."""
    zeros = bytes(size)
    if codec == GZIP:
        return gzip.compress(zeros, 9)
    if codec == LZ4:
        return lz4.frame.compress(zeros)
    return zstandard.ZstdCompressor().compress(zeros)


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD], ids=["gzip", "lz4", "zstd"])
def test_a_decompression_bomb_hurts_nobody(start_server, innocents, codec):
    """Neither the broker, which looks into no batch, nor a view over the topic, which must."""
    server = start_server()
    innocents(server)
    make_topic(server, "bombs")
    with psycopg.connect(f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=x", autocommit=True) as pg:
        pg.execute(
            "CREATE TABLE bombs (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'bombs', 'format' = 'json', "
            "'scan.startup.mode' = 'earliest-offset')"
        )
        pg.execute("CREATE MATERIALIZED VIEW survivors AS SELECT id FROM bombs")
        data = batch(bomb(codec, BOMB_BYTES), codec=codec)
        before_mb = server.rss_mb()
        peak_mb = before_mb
        with connect(server.kafka) as connection:
            for number in range(5):
                error, _ = produce(connection, "bombs", data)
                assert error in (0, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_RECORD)
                assert produce(connection, "bombs", batch(record(json.dumps({"id": number}).encode())))[0] == 0
                pg.execute("FLUSH")
                peak_mb = max(peak_mb, server.rss_mb())
        assert sorted(pg.execute("SELECT id FROM survivors").fetchall()) == [(number,) for number in range(5)]
        # One batch may become 128 MiB, and a buffer that grows is there twice for a moment.
        assert peak_mb - before_mb < 400
        assert dead_letters(server) == 5


def test_records_that_lie_are_dead_letters_of_a_view(start_server, innocents):
    """The broker keeps what has a right checksum as it is; what reads it must not fall over it."""
    server = start_server()
    innocents(server)
    make_topic(server, "lies")
    with psycopg.connect(f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=x", autocommit=True) as pg:
        pg.execute(
            "CREATE TABLE lies (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'lies', 'format' = 'json', "
            "'scan.startup.mode' = 'earliest-offset')"
        )
        pg.execute("CREATE MATERIALIZED VIEW truths AS SELECT id FROM lies")
        with connect(server.kafka) as connection:
            for number, payload in enumerate(LYING_RECORDS):
                for lie in (
                    batch(payload, count=3),
                    batch(gzip.compress(payload), codec=GZIP, count=3),
                    batch(zstandard.ZstdCompressor().compress(payload), codec=ZSTD, count=3),
                    batch(payload, codec=LZ4, count=3),
                ):
                    assert produce(connection, "lies", lie)[0] in (0, CORRUPT_MESSAGE)
                good = batch(record(json.dumps({"id": number}).encode()))
                assert produce(connection, "lies", good)[0] == 0
        pg.execute("FLUSH")
        # What stands before the lie in a batch may have been read.
        held = {number for (number,) in pg.execute("SELECT id FROM truths").fetchall()} - {17, 18, 19}
        assert held == set(range(len(LYING_RECORDS)))
        assert dead_letters(server) >= 3 * len(LYING_RECORDS)


LYING_RECORDS = [
    b"",
    b"\xff" * 50,
    b"\x80" * 10_000,  # a number that does not end
    record(b'{"id": 1') * 3,  # no JSON
    record(b'{"id": 17}', offset_delta=7) * 3,  # offsets that are not the batch's
    record(b'{"id": 18}') + b"\x01" * 100,  # longer than it says
    record(b'{"id": 19}')[:-3] + b"\x7f" * 3,
]


def test_a_request_that_names_one_partition_many_times(server, topic):
    records = batch(GOOD)
    body = struct.pack(">hhii", -1, -1, 30_000, 1) + kafka_string(topic) + struct.pack(">i", 1000)
    body += b"".join(struct.pack(">ii", 0, len(records)) + records for _ in range(1000))
    with connect(server.kafka) as connection:
        connection.sendall(framed(struct.pack(">hhih", 0, 3, 1, -1) + body))
        read_frame(connection)
        connection.sendall(produce_request("no such topic \0 \xff", records))
        read_frame(connection)
