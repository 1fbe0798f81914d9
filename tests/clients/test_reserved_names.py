"""Topics and groups named `penstock.*` are the program's own: clients read them, and change nothing."""

import pytest
import requests
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic
from kafka import KafkaAdminClient
from test_admin import code_of

LETTERS = "penstock.dead_letters"


def sql(server, text):
    answer = requests.post(f"http://{server.addresses['http']}/api/v1/sql", json={"sql": text}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"][-1]["rows"]


@pytest.fixture(scope="module")
def table_topic(server):
    """The topic of a native table with two rows."""
    sql(server, "CREATE TABLE kept (id BIGINT PRIMARY KEY, v STRING); INSERT INTO kept VALUES (1, 'a'), (2, 'b')")
    [name] = [row[0] for row in sql(server, "SHOW TOPICS") if row[0].startswith("penstock.table.kept.")]
    return name


def test_they_can_be_read(bootstrap, group, table_topic):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([table_topic])
    records = [consumer.poll(20), consumer.poll(20)]
    assert [record.key() for record in records] == [b'{"id":1}', b'{"id":2}']
    consumer.commit(asynchronous=False)
    consumer.close()


def test_they_are_internal_topics(bootstrap, table_topic, topic, admin):
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    python = KafkaAdminClient(bootstrap_servers=bootstrap)
    described = {found["name"]: found["is_internal"] for found in python.describe_topics([table_topic, LETTERS, topic])}
    python.close()
    assert described == {table_topic: True, LETTERS: True, topic: False}


@pytest.mark.parametrize("idempotent", [False, True])
def test_nothing_is_produced_to_them(server, bootstrap, table_topic, idempotent):
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": idempotent})
    for name in (table_topic, LETTERS):
        producer.produce(name, "x", on_delivery=lambda error, _: failures.append(error and error.code()))
    producer.flush(20)
    assert failures == [KafkaError.TOPIC_EXCEPTION] * 2
    assert sql(server, "SELECT id, v FROM kept ORDER BY id") == [[1, "a"], [2, "b"]]


def test_they_are_not_made_changed_or_deleted(server, admin, table_topic):
    refused = KafkaError.TOPIC_EXCEPTION
    mine = "penstock.table.mine.999999"
    assert code_of(admin.create_topics([NewTopic(mine, 1, 1)])[mine]) == refused
    assert code_of(admin.create_partitions([NewPartitions(table_topic, 2)])[table_topic]) == refused
    assert code_of(admin.delete_records([TopicPartition(table_topic, 0, 1)])[TopicPartition(table_topic, 0)]) == refused
    resource = ConfigResource(
        ConfigResource.Type.TOPIC,
        table_topic,
        incremental_configs=[ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET)],
    )
    assert code_of(admin.incremental_alter_configs([resource])[resource]) == refused
    replaced = ConfigResource(ConfigResource.Type.TOPIC, table_topic, set_config={"retention.ms": "1"})
    assert code_of(admin.alter_configs([replaced])[replaced]) == refused
    with pytest.raises(KafkaException) as failure:
        admin.delete_topics([table_topic])[table_topic].result(10)
    assert failure.value.args[0].code() == refused
    # What is readable stays so.
    assert admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, table_topic)])
    assert sql(server, "SELECT id, v FROM kept ORDER BY id") == [[1, "a"], [2, "b"]]


def test_they_are_not_made_by_their_first_use(bootstrap, admin):
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce("penstock.job.7", "x", on_delivery=lambda error, _: failures.append(error and error.code()))
    producer.flush(20)
    assert failures == [KafkaError.TOPIC_EXCEPTION]
    assert "penstock.job.7" not in admin.list_topics(timeout=10).topics


def test_the_positions_of_a_job_are_not_the_clients(server, bootstrap, admin, topic):
    sql(server, f"CREATE TABLE `in-{topic}` (a INT) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'json')")
    sql(server, f"CREATE TABLE `out-{topic}` (a INT) WITH ('connector' = 'kafka', 'topic' = '{topic}-out', 'format' = 'json')")
    sql(server, f"INSERT INTO `out-{topic}` SELECT a FROM `in-{topic}`")
    sql(server, f"INSERT INTO `in-{topic}` VALUES (1), (2); FLUSH")
    [job] = [row[0] for row in sql(server, "SELECT id, name FROM sys.jobs") if row[1] == f"insert_out-{topic}"]
    group = f"penstock.job.{job}"

    def offsets():
        wanted = [ConsumerGroupTopicPartitions(group)]
        found = admin.list_consumer_group_offsets(wanted)[group].result().topic_partitions
        return {(place.topic, place.partition): place.offset for place in found}

    before = offsets()
    assert before and set(before.values()) > {0}
    moved = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 0)])]
    with pytest.raises(KafkaException):
        for place in admin.alter_consumer_group_offsets(moved)[group].result().topic_partitions:
            if place.error:
                raise KafkaException(place.error)
    assert code_of(admin.delete_consumer_groups([group])[group]) == KafkaError.GROUP_AUTHORIZATION_FAILED
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    with pytest.raises(KafkaException) as failure:
        for _ in range(20):
            message = consumer.poll(1)
            if message is not None and message.error():
                raise KafkaException(message.error())
    assert failure.value.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    consumer.close()
    assert offsets() == before


def test_sql_does_not_make_write_or_drop_them(server):
    def error_of(text):
        answer = requests.post(f"http://{server.addresses['http']}/api/v1/sql", json={"sql": text}, timeout=60)
        assert answer.status_code >= 400, answer.text
        return answer.json()["error"]["message"]

    table = "CREATE TABLE {} (a STRING) WITH ('connector' = 'kafka', 'topic' = '{}', 'format' = 'raw')"
    assert "reserved" in error_of(table.format("mine", "penstock.table.mine.999999"))
    sql(server, table.format("letters", LETTERS))
    before = sql(server, "SELECT COUNT(*) FROM letters")
    assert "reserved" in error_of("INSERT INTO letters VALUES ('x')")
    assert sql(server, "SELECT COUNT(*) FROM letters") == before
    assert "reserved" in error_of(f"DROP TOPIC `{LETTERS}`")
    sql(server, "DROP TABLE letters")
