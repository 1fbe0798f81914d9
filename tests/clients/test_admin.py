"""Topics, settings and groups through admin clients."""

import time

import pytest
from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)
from kafka import KafkaAdminClient, KafkaConsumer


def code_of(future):
    with pytest.raises(KafkaException) as failure:
        future.result(10)
    return failure.value.args[0].code()


def test_create_list_describe_grow_and_delete(admin, topic):
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result()
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 3
    assert code_of(admin.create_topics([NewTopic(topic, 3, 1)])[topic]) == KafkaError.TOPIC_ALREADY_EXISTS
    admin.create_partitions([NewPartitions(topic, 5)])[topic].result()
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 5
    assert code_of(admin.create_partitions([NewPartitions(topic, 2)])[topic]) == KafkaError.INVALID_PARTITIONS
    admin.delete_topics([topic])[topic].result()
    assert topic not in admin.list_topics(timeout=10).topics
    assert code_of(admin.delete_topics([topic])[topic]) == KafkaError.UNKNOWN_TOPIC_OR_PART


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ({"topic": "bad name"}, KafkaError.TOPIC_EXCEPTION),
        ({"topic": "x" * 250}, KafkaError.TOPIC_EXCEPTION),
        ({"num_partitions": 100_000}, KafkaError.INVALID_PARTITIONS),
        ({"replication_factor": 3}, KafkaError.INVALID_REPLICATION_FACTOR),
        ({"config": {"retention.ms": "soon"}}, KafkaError.INVALID_CONFIG),
        ({"config": {"no.such.setting": "1"}}, KafkaError.INVALID_CONFIG),
    ],
)
def test_topics_that_cannot_be_made(admin, topic, new, code):
    wanted = NewTopic(**{"topic": topic, "num_partitions": 1, "replication_factor": 1, **new})
    assert code_of(admin.create_topics([wanted])[wanted.topic]) == code
    assert wanted.topic not in admin.list_topics(timeout=10).topics


def test_validate_only_makes_nothing(admin, topic):
    admin.create_topics([NewTopic(topic, 2, 1)], validate_only=True)[topic].result()
    assert topic not in admin.list_topics(timeout=10).topics


def test_settings(admin, topic):
    admin.create_topics([NewTopic(topic, 1, 1, config={"retention.ms": "60000"})])[topic].result()
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)

    def settings():
        return {name: entry.value for name, entry in admin.describe_configs([resource])[resource].result().items()}

    assert settings()["retention.ms"] == "60000"
    assert settings()["cleanup.policy"] == "delete"
    changed = ConfigResource(
        ConfigResource.Type.TOPIC,
        topic,
        incremental_configs=[ConfigEntry("max.message.bytes", "1000", incremental_operation=AlterConfigOpType.SET)],
    )
    admin.incremental_alter_configs([changed])[changed].result()
    assert settings()["max.message.bytes"] == "1000" and settings()["retention.ms"] == "60000"
    wrong = ConfigResource(
        ConfigResource.Type.TOPIC,
        topic,
        incremental_configs=[ConfigEntry("max.message.bytes", "many", incremental_operation=AlterConfigOpType.SET)],
    )
    assert code_of(admin.incremental_alter_configs([wrong])[wrong]) == KafkaError.INVALID_CONFIG
    replaced = ConfigResource(ConfigResource.Type.TOPIC, topic, set_config={"retention.ms": "70000"})
    admin.alter_configs([replaced])[replaced].result()
    assert settings()["retention.ms"] == "70000" and settings()["max.message.bytes"] == "16777216"


def test_the_time_of_records_may_be_that_of_the_log(admin, bootstrap, topic):
    config = {"message.timestamp.type": "LogAppendTime"}
    admin.create_topics([NewTopic(topic, 1, 1, config=config)])[topic].result()
    before_ms = time.time_ns() // 1_000_000
    told = []
    for compression in ("none", "zstd"):
        producer = Producer({"bootstrap.servers": bootstrap, "compression.type": compression})
        producer.produce(topic, "x" * 500, timestamp=1000, on_delivery=lambda _, message: told.append(message.timestamp()))
        assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "check.crcs": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    read = [consumer.poll(20).timestamp() for _ in told]
    consumer.close()
    assert read == told
    for kind, time_ms in read:
        assert kind == TIMESTAMP_LOG_APPEND_TIME and before_ms <= time_ms <= time.time_ns() // 1_000_000
    wrong = ConfigResource(
        ConfigResource.Type.TOPIC,
        topic,
        incremental_configs=[ConfigEntry("message.timestamp.type", "Now", incremental_operation=AlterConfigOpType.SET)],
    )
    assert code_of(admin.incremental_alter_configs([wrong])[wrong]) == KafkaError.INVALID_CONFIG


def test_the_brokers_settings(admin):
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    settings = admin.describe_configs([resource])[resource].result()
    assert settings["node.id"].value == "1" and settings["node.id"].is_read_only


def test_groups_and_their_offsets(admin, bootstrap, topic, group):
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, "x", partition=0)
    producer.flush(10)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    assert consumer.poll(20).value() == b"x"
    description = admin.describe_consumer_groups([group])[group].result()
    assert (description.state.name, len(description.members)) == ("STABLE", 1)
    assert {p.topic for p in description.members[0].assignment.topic_partitions} == {topic}
    assert code_of(admin.delete_consumer_groups([group])[group]) == KafkaError.NON_EMPTY_GROUP
    consumer.close()

    assert group in {listed.group_id for listed in admin.list_consumer_groups().result().valid}
    wanted = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])]
    assert admin.list_consumer_group_offsets(wanted)[group].result().topic_partitions[0].offset == 1
    moved = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 0)])]
    admin.alter_consumer_group_offsets(moved)[group].result()
    assert admin.list_consumer_group_offsets(wanted)[group].result().topic_partitions[0].offset == 0
    admin.delete_consumer_groups([group])[group].result()
    assert group not in {listed.group_id for listed in admin.list_consumer_groups().result().valid}
    assert code_of(admin.delete_consumer_groups([group])[group]) == KafkaError.GROUP_ID_NOT_FOUND


def test_offsets_by_time_and_deleted_records(admin, bootstrap, topic):
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(10):
        producer.produce(topic, str(number), partition=0, timestamp=1000 + number)
    producer.flush(10)
    partition = TopicPartition(topic, 0)

    def offset(spec):
        return admin.list_offsets({partition: spec})[partition].result().offset

    assert (offset(OffsetSpec.earliest()), offset(OffsetSpec.latest())) == (0, 10)
    assert (offset(OffsetSpec.for_timestamp(1003)), offset(OffsetSpec.max_timestamp())) == (3, 9)
    assert admin.delete_records([TopicPartition(topic, 0, 4)])[partition].result().low_watermark == 4
    assert offset(OffsetSpec.earliest()) == 4
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    assert consumer.poll(20).value() == b"4"
    consumer.close()


def test_a_topic_is_made_by_its_first_use_or_not(admin, bootstrap, topic):
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, "x")
    assert producer.flush(20) == 0
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 4
    # Asking with allow.auto.create.topics=false, as consumers do, makes nothing.
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "g", "allow.auto.create.topics": False})
    missing = consumer.list_topics(topic + "-missing", timeout=10).topics[topic + "-missing"]
    assert missing.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    consumer.close()


def test_kafka_pythons_admin_client(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}})
    assert topic in admin.list_topics()
    described = admin.describe_topics([topic])
    assert len(described[0]["partitions"]) == 2
    assert len(admin.describe_cluster()["brokers"]) == 1
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()
    admin.close()


def test_a_deleted_topic_can_be_made_again(admin, bootstrap, topic):
    for round_number in range(3):
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
        producer = Producer({"bootstrap.servers": bootstrap})
        producer.produce(topic, str(round_number))
        assert producer.flush(20) == 0
        consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        assert next(consumer).value == b"%d" % round_number
        consumer.close()
        admin.delete_topics([topic])[topic].result()
