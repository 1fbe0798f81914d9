"""Consumer groups: partitions are divided, and divided anew when members come and go."""

import threading
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

PARTITIONS = 4
DEADLINE_S = 30


def consumer_of(bootstrap, group, **settings):
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "heartbeat.interval.ms": 300,
            **{name.replace("_", "."): value for name, value in settings.items()},
        }
    )


@pytest.fixture
def filled(admin, bootstrap, topic):
    """The topic, with 25 records in each of 4 partitions."""
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(100):
        producer.produce(topic, str(number), partition=number % PARTITIONS)
    assert producer.flush(DEADLINE_S) == 0
    return topic


def poll_until(consumers, condition):
    """Polls all in turn until the condition holds; gives every value seen."""
    values = []
    until = time.monotonic() + DEADLINE_S
    while not condition(values):
        assert time.monotonic() < until, f"not in time; {len(values)} values"
        for consumer in consumers:
            message = consumer.poll(0.05)
            if message is not None:
                assert message.error() is None, message.error()
                values.append(int(message.value()))
    return values


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_two_consumers_share_and_one_takes_over(bootstrap, filled, group, strategy):
    one = consumer_of(bootstrap, group, partition_assignment_strategy=strategy)
    two = consumer_of(bootstrap, group, partition_assignment_strategy=strategy)
    for consumer in (one, two):
        consumer.subscribe([filled])

    def divided(_):
        parts = [{p.partition for p in consumer.assignment()} for consumer in (one, two)]
        return all(len(part) == 2 for part in parts) and not parts[0] & parts[1]

    seen = poll_until([one, two], divided)
    seen += poll_until([one, two], lambda values: set(seen + values) == set(range(100)))
    for consumer in (one, two):
        consumer.commit(asynchronous=False)
    two.close()
    poll_until([one], lambda _: {p.partition for p in one.assignment()} == set(range(PARTITIONS)))

    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(100, 108):
        producer.produce(filled, str(number), partition=number % PARTITIONS)
    producer.flush(DEADLINE_S)
    after = poll_until([one], lambda values: set(range(100, 108)) <= set(values))
    assert sorted(after) == list(range(100, 108))  # nothing that was committed comes again
    one.close()


def test_a_member_that_goes_silent_is_replaced_after_its_session(bootstrap, filled, group):
    # A static member does not say that it leaves: only its session tells.
    silent = consumer_of(bootstrap, group, session_timeout_ms=2000, group_instance_id="silent")
    silent.subscribe([filled])
    survivor = consumer_of(bootstrap, group, session_timeout_ms=2000)
    survivor.subscribe([filled])
    poll_until([silent, survivor], lambda _: len(silent.assignment()) == len(survivor.assignment()) == 2)
    silent.close()
    poll_until([survivor], lambda _: len(survivor.assignment()) == PARTITIONS)
    survivor.close()


def test_a_static_member_comes_back_without_a_rebalance(bootstrap, filled, group):
    revoked = []
    one = consumer_of(bootstrap, group, group_instance_id="one")
    two = consumer_of(bootstrap, group, group_instance_id="two")
    one.subscribe([filled], on_revoke=lambda _, partitions: revoked.append(partitions))
    two.subscribe([filled])
    poll_until([one, two], lambda _: len(one.assignment()) == 2 and len(two.assignment()) == 2)
    kept = two.assignment()
    revoked.clear()
    two.close()
    two = consumer_of(bootstrap, group, group_instance_id="two")
    two.subscribe([filled])
    poll_until([one, two], lambda _: len(two.assignment()) == 2)
    assert {p.partition for p in two.assignment()} == {p.partition for p in kept}
    assert revoked == []
    one.close()
    two.close()


def test_many_members_join_at_once(bootstrap, filled, group):
    members = [consumer_of(bootstrap, group) for _ in range(6)]
    seen = []
    lock = threading.Lock()
    stop = threading.Event()

    def run(member):
        member.subscribe([filled])
        while not stop.is_set():
            message = member.poll(0.1)
            if message is not None and message.error() is None:
                with lock:
                    seen.append(int(message.value()))
        member.close()

    threads = [threading.Thread(target=run, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    until = time.monotonic() + DEADLINE_S
    while set(seen) != set(range(100)) and time.monotonic() < until:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert set(seen) == set(range(100))


def test_a_stale_member_cannot_commit(bootstrap, filled, group):
    one = consumer_of(bootstrap, group)
    one.subscribe([filled])
    poll_until([one], lambda values: len(values) >= 1)
    outsider = consumer_of(bootstrap, group)
    with pytest.raises(KafkaException):
        outsider.commit(offsets=[TopicPartition(filled, 0, 5)], asynchronous=False)
    one.close()
    # The group is empty now: anyone may commit.
    outsider.commit(offsets=[TopicPartition(filled, 0, 5)], asynchronous=False)
    assert outsider.committed([TopicPartition(filled, 0)])[0].offset == 5
    outsider.close()
