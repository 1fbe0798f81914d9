"""Producers that know what has been acknowledged, and the log as a consumer sees it."""

import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

DEADLINE_S = 60
FAST_RECONNECT = {
    "reconnect.backoff.ms": 5,
    "reconnect.backoff.max.ms": 50,
    "retry.backoff.ms": 10,
    "log_level": 0,  # that connections break is no news here
}
OFFSET_UNKNOWN = -1001  # librdkafka's, of a batch that the server had already


class NumberedProducer:
    """Sends `name:0`, `name:1`, ... round robin over the partitions, from a thread of its own, until stopped.

    Idempotent: everything must be acknowledged in the end, whatever happens in between. Otherwise each value is sent
    once and never again, so that one without acknowledgement may be in the log at most once.
    """

    def __init__(self, bootstrap, topic, partitions, name, idempotent, queued_max=200):
        config = {"acks": "all", "linger.ms": 1, "batch.num.messages": 20, **FAST_RECONNECT}
        if idempotent:
            config |= {"enable.idempotence": True, "message.timeout.ms": 0}
        else:
            config |= {"message.send.max.retries": 0, "message.timeout.ms": 5000, "request.timeout.ms": 3000}
        self.producer = Producer({"bootstrap.servers": bootstrap, **config})
        self.topic, self.partitions, self.name = topic, partitions, name
        self.queued_max = queued_max
        self.sent = 0
        self.acknowledged = {}  # number: (partition, offset)
        self.failed = {}  # number: error
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _on_delivery(self, number):
        def told(error, message):
            if error is None:
                self.acknowledged[number] = (message.partition(), message.offset())
            else:
                self.failed[number] = error

        return told

    def _run(self):
        while not self.stopping.is_set():
            self.producer.poll(0)
            self.stopping.wait(0.005)
            if len(self.producer) >= self.queued_max:
                continue
            for _ in range(5):  # at most 1,000 a second, so that the whole log can be read after each kill
                number = self.sent
                self.sent += 1
                self.producer.produce(
                    self.topic,
                    f"{self.name}:{number}",
                    partition=number % self.partitions,
                    on_delivery=self._on_delivery(number),
                )

    def stop(self):
        self.stopping.set()
        self.thread.join()
        assert self.producer.flush(DEADLINE_S) == 0


class OffsetCommitter:
    """Commits 1, 2, 3, ... for a group on partition 0, from a thread of its own."""

    def __init__(self, bootstrap, topic, group):
        self.consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, **FAST_RECONNECT}
        )
        self.topic = topic
        self.tried = 0
        self.committed = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            self.tried += 1
            try:
                self.consumer.commit(offsets=[TopicPartition(self.topic, 0, self.tried)], asynchronous=False)
                self.committed = self.tried
            except KafkaException:
                self.stopping.wait(0.01)

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.consumer.close()


class LogReader:
    """Reads whole partitions, over and over."""

    def __init__(self, bootstrap, topic, partitions):
        self.consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
                **FAST_RECONNECT,
            }
        )
        self.topic, self.partitions = topic, partitions

    def read(self):
        """The values of each partition in order; asserts that offsets count up from 0."""
        self.consumer.assign([TopicPartition(self.topic, p, 0) for p in range(self.partitions)])
        values = [[] for _ in range(self.partitions)]
        ended = set()
        deadline = time.monotonic() + DEADLINE_S
        while len(ended) < self.partitions:
            assert time.monotonic() < deadline, f"no end of {self.topic}: {[len(v) for v in values]}"
            # It gives what there is only once the time is over, or as many as it was asked for.
            for message in self.consumer.consume(1000, timeout=0.02):
                if message.error() is None:
                    partition = values[message.partition()]
                    assert message.offset() == len(partition), (message.partition(), message.offset(), len(partition))
                    partition.append(message.value().decode())
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
                elif not message.error().retriable() and message.error().code() not in (
                    KafkaError._TRANSPORT,
                    KafkaError._ALL_BROKERS_DOWN,
                    KafkaError._RESOLVE,
                ):
                    raise AssertionError(message.error())
        self.consumer.unassign()
        return values

    def close(self):
        self.consumer.close()
