"""A disk that fills up: producers are told, readers are served, and with room again, with a restart or without, all is there that was acknowledged."""

import json
import os
import shutil
import signal
import subprocess
import time

import psycopg
import pytest
import requests
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from innocents import assert_log_holds
from wire import TIMEOUT_S, batch, connect, produce, record

from penstock_server import READY, Server

DISK_MB = 96
RESERVE_MB = 32  # taken by a file that goes when room is wanted
KAFKA_STORAGE_ERROR = 56


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", str(path)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a file system of a test's own needs the right to mount")
    (path / "reserve").write_bytes(bytes(RESERVE_MB << 20))
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def start_on_disk(disk):
    started = []

    def start(**options):
        started.append(Server(disk / "data", "--journal-segment-bytes=1MiB", "--workers=1", **options))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)
        server.assert_no_fault()


def sql(server, script):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": script}, timeout=TIMEOUT_S).json()
    assert "error" not in answer, answer
    return answer["results"]


def fill(server):
    """Produces until the log refuses; gives what was acknowledged as (offset, id), and the error."""
    acknowledged, errors = [], []
    producer = Producer(
        {
            "bootstrap.servers": server.kafka,
            "enable.idempotence": True,
            "message.timeout.ms": 5000,
            "queue.buffering.max.messages": 100,
            "log_level": 0,
        }
    )
    for number in range(100 * DISK_MB):
        if errors:
            break

        def delivered(error, message, number=number):
            errors.append(error) if error else acknowledged.append((message.offset(), number))

        value = json.dumps({"id": number, "padding": os.urandom(10_000).hex()})
        while True:
            try:
                producer.produce("filling", value, partition=0, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(TIMEOUT_S) == 0
    assert errors, "the disk did not fill up"
    return acknowledged, errors[0]


def test_a_full_disk(disk, start_on_disk):
    server = start_on_disk()
    sql(
        server,
        "CREATE TABLE filling (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'filling', 'format' = 'json', "
        "'scan.startup.mode' = 'earliest-offset'); CREATE MATERIALIZED VIEW filled AS SELECT COUNT(*) AS n FROM filling",
    )
    acknowledged, error = fill(server)
    assert error.code() in (KafkaError._MSG_TIMED_OUT, KafkaError.KAFKA_STORAGE_ERROR), error

    # A producer is told at once, and everybody else why nothing is taken.
    with connect(server.kafka) as connection:
        assert produce(connection, "filling", batch(record(b'{"id": -1}'))) == (KAFKA_STORAGE_ERROR, -1)
    ready = requests.get(f"http://{server.http}/readyz", timeout=TIMEOUT_S)
    assert ready.status_code == 503 and "No space left" in ready.text, ready.text
    with psycopg.connect(f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=x", autocommit=True) as pg:
        with pytest.raises(psycopg.Error, match="No space left"):
            pg.execute("INSERT INTO filling VALUES (-1)")
        # Reading goes on.
        assert pg.execute("SELECT n FROM filled").fetchall()
    assert requests.get(f"http://{server.http}/livez", timeout=TIMEOUT_S).status_code == 200
    assert_log_holds(server.kafka, "filling", acknowledged)
    server.assert_sound()

    # Without room it does not start, says why, and loses nothing.
    server.stop()
    server.assert_no_fault()
    starting = start_on_disk(wait=False)
    if not starting.process.stdout.readline().decode().startswith(READY):
        assert starting.process.wait(TIMEOUT_S) == 1
        assert "No space left" in starting.log_tail()
    else:
        starting.stop(signal.SIGKILL)

    (disk / "reserve").unlink()
    server = start_on_disk()
    assert_log_holds(server.kafka, "filling", acknowledged)
    sql(server, "INSERT INTO filling VALUES (1000000); FLUSH")
    with connect(server.kafka) as connection:
        assert produce(connection, "filling", batch(record(b'{"id": 1000001}')))[0] == 0
    sql(server, "FLUSH")
    assert sql(server, "SELECT n FROM filled")[0]["rows"][0][0] >= len(acknowledged) + 2


def is_ready(server):
    return requests.get(f"http://{server.http}/readyz", timeout=TIMEOUT_S).status_code == 200


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def numbers_in(server, topic, count):
    consumer = Consumer({"bootstrap.servers": server.kafka, "group.id": "reader", "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    numbers = []
    while len(numbers) < count:
        message = consumer.poll(TIMEOUT_S)
        assert message is not None and message.error() is None, f"{len(numbers)} of {count} records"
        numbers.append(json.loads(message.value())["id"])
    consumer.close()
    return numbers


def test_a_full_disk_that_gets_room(disk, start_on_disk):
    """The log goes on by itself, and so do a producer that kept trying and an INSERT: each record once, in order."""
    server = start_on_disk()
    sql(
        server,
        "CREATE TABLE filling (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'filling', 'format' = 'json', "
        "'scan.startup.mode' = 'earliest-offset'); CREATE MATERIALIZED VIEW filled AS SELECT COUNT(*) AS n FROM filling; "
        "CREATE TABLE copied (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'copied', 'format' = 'json'); "
        "INSERT INTO copied SELECT id FROM filling",
    )
    producer = Producer(
        {
            "bootstrap.servers": server.kafka,
            "enable.idempotence": True,
            "message.timeout.ms": 1000 * TIMEOUT_S,
            "queue.buffering.max.messages": 100,
            "log_level": 0,
        }
    )
    sent, errors, acknowledged = 0, [], []

    def delivered(error, message):
        errors.append(error) if error else acknowledged.append(message.offset())

    # It may find a little room by itself a few times: what is in segments need not be in the journal.
    full_since = None
    while full_since is None or time.monotonic() - full_since < 2:
        for _ in range(20):
            try:
                producer.produce(
                    "filling",
                    json.dumps({"id": sent, "padding": os.urandom(10_000).hex()}),
                    partition=0,
                    on_delivery=delivered,
                )
                sent += 1
            except BufferError:
                producer.poll(0.02)
        assert sent < 100 * DISK_MB, "the disk did not fill up"
        full_since = None if is_ready(server) else full_since or time.monotonic()
    (disk / "reserve").unlink()
    wait_until(lambda: is_ready(server), "the log did not go on")
    assert producer.flush(TIMEOUT_S) == 0
    assert not errors
    assert acknowledged == list(range(sent))
    assert numbers_in(server, "filling", sent) == list(range(sent))
    sql(server, "FLUSH")
    assert sql(server, "SELECT n FROM filled")[0]["rows"] == [[sent]]
    # So did the INSERT, without a restart.
    assert numbers_in(server, "copied", sent) == list(range(sent))
    assert sql(server, "SELECT COUNT(*) FROM copied")[0]["rows"] == [[sent]]
    [job] = sql(server, "SELECT state, rows_out FROM sys.jobs WHERE name = 'insert_copied'")[0]["rows"]
    assert job == ["running", sent]
    server.assert_sound()
    # So does what a restart finds.
    server.stop(signal.SIGKILL)
    server = start_on_disk()
    assert numbers_in(server, "filling", sent) == list(range(sent))


def test_killed_on_a_full_disk(disk, start_on_disk):
    server = start_on_disk()
    sql(server, "CREATE TABLE filling (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'filling', 'format' = 'json')")
    acknowledged, _ = fill(server)
    server.stop(signal.SIGKILL)
    (disk / "reserve").unlink()
    server = start_on_disk()
    assert_log_holds(server.kafka, "filling", acknowledged)
    with connect(server.kafka) as connection:
        assert produce(connection, "filling", batch(record(b'{"id": 1000000}')))[0] == 0


def test_a_view_and_an_alert_on_a_full_disk(disk, start_on_disk):
    """What is not the log's fails with an error, too: nothing is half made."""
    server = start_on_disk()
    sql(server, "CREATE TABLE filling (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'filling', 'format' = 'json')")
    fill(server)
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(1 << 16))
    for statement in (
        "CREATE MATERIALIZED VIEW made_full AS SELECT COUNT(*) AS n FROM filling",
        "CREATE TABLE made_full_too (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'made-full', 'format' = 'json')",
    ):
        answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": statement}, timeout=TIMEOUT_S)
        assert answer.status_code >= 400 and answer.json()["error"]["message"], answer.text
    server.assert_sound()
    server.stop(signal.SIGKILL)
    filler.unlink()
    (disk / "reserve").unlink()
    server = start_on_disk()
    names = [row[0] for row in sql(server, "SHOW TABLES")[0]["rows"]]
    assert "filling" in names and not {"made_full", "made_full_too"} & set(names)
