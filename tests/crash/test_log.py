"""Records, offsets, order and committed group offsets over many kills under load."""

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from crashing import at_length, wait_for
from producing import OFFSET_UNKNOWN, LogReader, NumberedProducer, OffsetCommitter

TOPIC = "numbers"
PARTITIONS = 3
KILLS = at_length(50, 500)


def split(value):
    name, number = value.split(":")
    return name, int(number)


def check_order(partitions):
    """Per producer and partition the numbers rise, so nothing is there twice either."""
    for partition, values in enumerate(partitions):
        last = {}
        for offset, value in enumerate(values):
            name, number = split(value)
            assert number > last.get(name, -1), f"{value} at {partition}/{offset} comes after {last[name]}"
            assert number % PARTITIONS == partition
            last[name] = number


def check_acknowledged(partitions, name, acknowledged):
    """`acknowledged`, taken before `partitions` were read, is all there, at the offsets that were told."""
    present = [{v for v in values if v.startswith(f"{name}:")} for values in partitions]
    for number, (partition, offset) in acknowledged.items():
        value = f"{name}:{number}"
        assert value in present[partition], f"{value} was acknowledged and is lost"
        if offset >= 0:
            assert partitions[partition][offset] == value, f"{value} was at {partition}/{offset}"
        else:
            assert offset == OFFSET_UNKNOWN


def committed_offset(bootstrap, group):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0})
    offset = consumer.committed([TopicPartition(TOPIC, 0)], timeout=30)[0].offset
    consumer.close()
    return offset


@pytest.mark.timeout(at_length(400, 3600))
@pytest.mark.parametrize("seed", range(at_length(1, 3)))
def test_nothing_acknowledged_is_lost_doubled_or_moved(crashing, seed):
    server = crashing(seed)
    admin = AdminClient({"bootstrap.servers": server.kafka})
    admin.create_topics([NewTopic(TOPIC, PARTITIONS)])[TOPIC].result(30)
    idempotent = NumberedProducer(server.kafka, TOPIC, PARTITIONS, "i", idempotent=True)
    once = NumberedProducer(server.kafka, TOPIC, PARTITIONS, "o", idempotent=False)
    committer = OffsetCommitter(server.kafka, TOPIC, "group")
    reader = LogReader(server.kafka, TOPIC, PARTITIONS)
    seen = [[] for _ in range(PARTITIONS)]
    try:
        while server.kills < KILLS:
            target = len(idempotent.acknowledged) + server.random.randrange(1, 100)
            wait_for(lambda: len(idempotent.acknowledged) >= target, "acknowledgements", server.server)
            server.kill()
            told = [(p.name, dict(p.acknowledged)) for p in (idempotent, once)]
            committed = committer.committed
            server.restart()
            partitions = reader.read()
            for before, now in zip(seen, partitions):
                assert now[: len(before)] == before, "what a consumer had read has changed"
            seen = partitions
            check_order(partitions)
            for name, acknowledged in told:
                check_acknowledged(partitions, name, acknowledged)
            if committed > 0:
                assert committed <= committed_offset(server.kafka, "group") <= committer.tried
    finally:
        for part in (idempotent, once, committer):
            part.stop()
    partitions = reader.read()
    reader.close()
    check_order(partitions)
    assert idempotent.failed == {}
    sent_by_idempotent = sorted(split(v)[1] for values in partitions for v in values if v.startswith("i:"))
    assert sent_by_idempotent == list(range(idempotent.sent))
    for producer in (idempotent, once):
        check_acknowledged(partitions, producer.name, producer.acknowledged)
    assert len(once.acknowledged) + len(once.failed) == once.sent
    assert len(once.failed) > 0, "no kill met a request in flight: the test has become blind"
    assert committer.committed > 0
    print(
        f"{server.kills} kills, {idempotent.sent} idempotent records, {once.sent} others of which "
        f"{len(once.failed)} without an answer, {committer.committed} commits"
    )
