"""What the tests of many or slow clients share: a topic with much in it, and what a metric was at most."""

import json
import threading

import requests
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from wire import TIMEOUT_S


class Peak(threading.Thread):
    """Watches metrics of a server until stopped, each for its largest value."""

    def __init__(self, server, *names):
        super().__init__(daemon=True)
        self.server = server
        self.most = dict.fromkeys(names, 0)
        self.samples = 0
        self.stopping = threading.Event()
        self.session = requests.Session()
        self.start()

    def run(self):
        while not self.stopping.wait(0.01):
            now = self.server.metrics(self.session)
            self.most = {name: max(value, now[name]) for name, value in self.most.items()}
            self.samples += 1

    def stop(self):
        self.stopping.set()
        self.join()
        self.session.close()
        assert self.samples > 0
        return self.most


def make_topic(server, name, **config):
    admin = AdminClient({"bootstrap.servers": server.kafka})
    for made in admin.create_topics([NewTopic(name, num_partitions=1, config=config)]).values():
        made.result(TIMEOUT_S)


def fill_topic(server, topic, records, record_bytes):
    """Each record is a batch of its own: {"id": its number, "payload": so many bytes}."""
    make_topic(server, topic)
    producer = Producer(
        {"bootstrap.servers": server.kafka, "batch.num.messages": 1, "enable.idempotence": True, "log_level": 0}
    )
    for number in range(records):
        producer.produce(topic, json.dumps({"id": number, "payload": "x" * record_bytes}), partition=0)
    assert producer.flush(TIMEOUT_S) == 0


def make_table(sql, topic):
    """A table over such a topic; `sql` runs a statement."""
    sql(
        f"CREATE TABLE {topic} (id BIGINT, payload STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', "
        "'format' = 'json', 'scan.startup.mode' = 'earliest-offset')"
    )
