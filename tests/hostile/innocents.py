"""Clients that behave, one of each protocol, which must be served whatever others do."""

import json
import threading
import time

import psycopg
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from websockets.sync.client import connect as connect_websocket

from wire import TIMEOUT_S

TABLE = """
CREATE TABLE innocent (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'innocent', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset');
CREATE MATERIALIZED VIEW innocent_count AS SELECT COUNT(*) AS n FROM innocent;
"""


class Client(threading.Thread):
    """Takes a turn, again and again, until it is told to stop or one fails."""

    def __init__(self, name, turn):
        super().__init__(name=name, daemon=True)
        self.turn = turn
        self.turns = 0
        self.failure = None
        self.stopping = threading.Event()

    def run(self):
        try:
            while not self.stopping.wait(0.01):
                self.turn()
                self.turns += 1
        except Exception as failure:  # whatever it is, the test shall say it
            self.failure = failure


class Innocents:
    """Of one server. Each keeps its connection, so one that is cut off is seen.

    The producer's records are counted by a view, which the others read: over PostgreSQL, HTTP and a WebSocket.
    """

    def __init__(self, server):
        self.http = f"http://{server.http}"
        self.session = requests.Session()
        if requests.get(f"{self.http}/api/v1/views/innocent_count", timeout=TIMEOUT_S).status_code != 200:
            self._sql(TABLE)
        self.acknowledged = []  # (offset, id)
        self.bootstrap = server.kafka
        self.producer = Producer({"bootstrap.servers": server.kafka, "enable.idempotence": True, "log_level": 0})
        self.consumer = self._consume()
        self.pg = psycopg.connect(f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=innocent", autocommit=True)
        self.websocket = connect_websocket(f"ws://{server.http}/api/v1/ws", max_size=None, close_timeout=1)
        self.clients = [
            Client("producer", self._produce),
            Client("consumer", self._read),
            Client("pg", self._query),
            Client("http", lambda: self._sql("SELECT n FROM innocent_count")),
            Client("websocket", self._subscribe),
        ]
        for client in self.clients:
            client.start()

    def _sql(self, script):
        answer = self.session.post(f"{self.http}/api/v1/sql", json={"sql": script}, timeout=TIMEOUT_S)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    def _consume(self):
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "innocent",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        consumer.subscribe(["innocent"])
        return consumer

    def _produce(self):
        number = len(self.acknowledged)

        def delivered(error, message):
            assert error is None, error
            self.acknowledged.append((message.offset(), number))

        self.producer.produce("innocent", json.dumps({"id": number}), partition=0, on_delivery=delivered)
        assert self.producer.flush(TIMEOUT_S) == 0, "a record is not acknowledged"

    def _read(self):
        end = time.monotonic() + TIMEOUT_S
        while (message := self.consumer.poll(1)) is None:
            assert time.monotonic() < end, "the consumer gets nothing"
        assert message.error() is None, message.error()

    def _query(self):
        assert self.pg.execute("SELECT n FROM innocent_count").fetchall()

    def _subscribe(self):
        for number, topic in ((1, {"view": "innocent_count"}), (2, {"channel": "views"})):
            self.websocket.send(json.dumps({"type": "subscribe", "id": number, **topic}))
            while (message := json.loads(self.websocket.recv(timeout=TIMEOUT_S))).get("id") != number:
                pass
            assert message["type"] == ("snapshot" if number == 1 else "views"), message
            self.websocket.send(json.dumps({"type": "unsubscribe", "id": number}))

    def assert_served(self):
        """Each takes a whole turn that begins after now."""
        before = {client: client.turns for client in self.clients}
        end = time.monotonic() + 2 * TIMEOUT_S
        for client in self.clients:
            while client.turns < before[client] + 2:
                assert client.failure is None, f"{client.name}: {client.failure!r}"
                assert time.monotonic() < end, f"{client.name} is not served"
                time.sleep(0.01)

    def close(self):
        for client in self.clients:
            client.stopping.set()
        for client in self.clients:
            client.join(TIMEOUT_S)
        for client in self.clients:
            assert client.failure is None, f"{client.name}: {client.failure!r}"
        self.consumer.close()
        self.pg.close()
        self.websocket.close()
        self.session.close()

    def assert_nothing_lost(self, server):
        """After close(), on this server or one that was started again: the log holds what was acknowledged, once."""
        assert_log_holds(server.kafka, "innocent", self.acknowledged)


def assert_log_holds(bootstrap, topic, acknowledged):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "auditor", "log_level": 0})
    try:
        partition = TopicPartition(topic, 0)
        low, high = consumer.get_watermark_offsets(partition, timeout=TIMEOUT_S)
        partition.offset = low
        consumer.assign([partition])
        held = {}
        while len(held) < high - low:
            message = consumer.poll(TIMEOUT_S)
            assert message is not None and message.error() is None, message
            held[message.offset()] = json.loads(message.value())["id"]
    finally:
        consumer.close()
    assert {offset: number for offset, number in acknowledged if held.get(offset) != number} == {}
    numbers = list(held.values())
    assert len(numbers) == len(set(numbers)), "a record is there twice"
