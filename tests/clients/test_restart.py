"""What clients see when the server is killed and comes back on the same data and port."""

import signal
import threading
import time

import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition
from test_delivery import read_all

DEADLINE_S = 60


def test_clients_go_on_after_a_kill(start_server, topic, group):
    server = start_server()
    address = server.kafka
    settings = {"bootstrap.servers": address, "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 50}
    acknowledged = []
    stop = threading.Event()

    def produce():
        producer = Producer({**settings, "enable.idempotence": True, "linger.ms": 1})
        number = 0
        while not stop.is_set():
            producer.produce(
                topic, str(number), partition=0, on_delivery=lambda error, message: acknowledged.append((error, message))
            )
            producer.poll(0.001)
            number += 1
        assert producer.flush(DEADLINE_S) == 0

    def wait_for_acknowledged(count):
        until = time.monotonic() + DEADLINE_S
        while len(acknowledged) < count:
            assert time.monotonic() < until, f"{len(acknowledged)} acknowledged"
            time.sleep(0.01)

    producing = threading.Thread(target=produce)
    producing.start()
    for kills in range(1, 3):
        wait_for_acknowledged(300 * kills)
        server.stop(signal.SIGKILL)
        server = start_server(f"--kafka-listen={address}")
    wait_for_acknowledged(len(acknowledged) + 100)
    stop.set()
    producing.join()

    assert [error for error, _ in acknowledged if error] == []
    values = read_all(address, topic, len(acknowledged))
    assert values == [b"%d" % number for number in range(len(acknowledged))]  # nothing lost, doubled or out of order

    consumer = Consumer({**settings, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([topic])
    assert consumer.poll(DEADLINE_S).value() == b"0"
    consumer.commit(asynchronous=False)
    server.stop(signal.SIGKILL)
    server = start_server(f"--kafka-listen={address}")
    assert consumer.committed([TopicPartition(topic, 0)], timeout=DEADLINE_S)[0].offset == 1
    # The member is not known any more: it joins again and goes on from what it committed.
    consumer.seek(TopicPartition(topic, 0, 1))
    assert consumer.poll(DEADLINE_S).value() == b"1"
    consumer.close()


def test_nested_values_come_back_after_a_kill(start_server, topic):
    table = topic.replace("-", "_")

    def connect(server):
        host, port = server.addresses["pg"].rsplit(":", 1)
        return psycopg.connect(host=host, port=port, user="me", dbname="d", autocommit=True, connect_timeout=10)

    def read(connection):
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
        return rows, connection.execute(f"SELECT * FROM {table}_by_owner ORDER BY n").fetchall()

    server = start_server()
    with connect(server) as connection:
        connection.execute(
            f"CREATE TABLE {table} (id INT PRIMARY KEY, tags ARRAY<STRING>, props MAP<INT, DOUBLE>, "
            "owner ROW<name STRING, born DATE>)"
        )
        connection.execute(
            f"CREATE MATERIALIZED VIEW {table}_by_owner AS SELECT owner, COUNT(*) AS n FROM {table} GROUP BY owner"
        )
        connection.execute(
            f"INSERT INTO {table} VALUES (1, ARRAY['a', NULL], MAP[2, 0.5, 1, NULL], ROW('Ada', DATE '1815-12-10')), "
            "(2, NULL, NULL, NULL), (3, ARRAY['b'], MAP[7, 1.0], ROW('Ada', DATE '1815-12-10'))"
        )
        connection.execute(f"UPDATE {table} SET tags = ARRAY_APPEND(tags, 'c') WHERE id = 3")
        before = read(connection)
    ada = {"name": "Ada", "born": "1815-12-10"}
    assert before[0] == [(1, ["a", None], {"1": None, "2": 0.5}, ada), (2, None, None, None), (3, ["b", "c"], {"7": 1}, ada)]
    assert before[1] == [(None, 1), (ada, 2)]
    server.stop(signal.SIGKILL)
    with connect(start_server()) as connection:
        assert read(connection) == before
