"""What people write with kafka-python, under its newest and an older version."""

import json

from confluent_kafka.admin import NewTopic
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata


def test_orders_sent_one_by_one_are_flagged(run_program, bootstrap, topic, group):
    sent = run_program("send_orders.py", bootstrap, topic, 10)
    assert len(sent) == 10 and len({tuple(place) for place in sent}) == 10
    flagged = run_program("flag_amounts.py", bootstrap, topic, group, 10)
    assert sorted(order["order"] for order in flagged) == [5, 6, 7, 8, 9]


def test_a_partitioner_of_their_own(run_program, admin, bootstrap, topic):
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result()
    placed = dict(run_program("send_partitioned.py", bootstrap, topic))
    assert placed == {"eu-1": 0, "us-1": 1, "asia-1": 2, "eu-2": 0, "us-2": 1, "asia-2": 2}


def test_a_group_goes_on_where_it_stopped(run_program, bootstrap, topic, group):
    run_program("send_orders.py", bootstrap, topic, 6)
    run_program("flag_amounts.py", bootstrap, topic, group, 6)  # commits when it closes
    run_program("send_orders.py", bootstrap, topic, 5)
    flagged = run_program("flag_amounts.py", bootstrap, topic, group, 5)
    assert flagged == []  # amounts 0 to 10,000 of the second run only


def test_keys_values_headers_and_timestamps_come_back(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    sent = producer.send(topic, key=b"k", value=b"v", headers=[("h", b"1"), ("h", b"2")], timestamp_ms=1_700_000_000_123)
    metadata = sent.get(timeout=10)
    producer.send(topic, key=b"k", value=None, partition=metadata.partition).get(timeout=10)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000)
    consumer.assign([TopicPartition(topic, metadata.partition)])
    first, second = next(consumer), next(consumer)
    assert (first.key, first.value, first.timestamp) == (b"k", b"v", 1_700_000_000_123)
    assert list(first.headers) == [("h", b"1"), ("h", b"2")]
    assert (second.key, second.value) == (b"k", None)
    consumer.close()


def test_seek_position_commit_and_offsets(bootstrap, topic, group):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for number in range(10):
        producer.send(topic, partition=0, value=b"%d" % number, timestamp_ms=1000 + number)
    producer.flush()
    producer.close()
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    consumer.assign([partition])
    assert consumer.beginning_offsets([partition])[partition] == 0
    assert consumer.end_offsets([partition])[partition] == 10
    assert consumer.offsets_for_times({partition: 1004})[partition].offset == 4
    assert consumer.offsets_for_times({partition: 9999})[partition] is None
    consumer.seek(partition, 7)
    assert next(consumer).value == b"7"
    assert consumer.position(partition) == 8
    consumer.commit({partition: OffsetAndMetadata(8, "half way", -1)})
    assert consumer.committed(partition) == 8
    consumer.seek_to_beginning(partition)
    assert next(consumer).value == b"0"
    consumer.close()

    again = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    again.assign([partition])
    assert next(again).value == b"8"
    assert again.committed(partition, metadata=True).metadata == "half way"
    again.close()


def test_an_offset_out_of_range_starts_over(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send(topic, partition=0, value=b"only").get(timeout=10)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek(TopicPartition(topic, 0), 1000)
    assert next(consumer).value == b"only"
    consumer.close()


def test_json_through_serializers(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap, value_serializer=lambda v: json.dumps(v).encode())
    producer.send(topic, {"a": [1, 2, {"b": "ü"}]})
    producer.close()
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", value_deserializer=json.loads
    )
    assert next(consumer).value == {"a": [1, 2, {"b": "ü"}]}
    consumer.close()
