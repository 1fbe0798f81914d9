"""Topics of upserts and of Debezium's events, with Kafka's clients on the other side."""

import json
import time

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

DEADLINE_S = 30
PARTITIONS = 4


@pytest.fixture
def sql(server):
    def run(script):
        answer = requests.post(f"http://{server.addresses['http']}/api/v1/sql", json={"sql": script}, timeout=DEADLINE_S)
        assert answer.status_code == 200, answer.json()
        return answer.json()["results"][-1].get("rows")

    return run


@pytest.fixture
def make_topic(admin, topic):
    made = []

    def make():
        name = f"{topic}-{len(made)}"
        admin.create_topics([NewTopic(name, PARTITIONS)])[name].result(DEADLINE_S)
        made.append(name)
        return name

    return make


def read_topic(bootstrap, topic):
    """All records of a topic: (partition, key, value), each partition in its order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False, "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    records, ends = [], 0
    while ends < PARTITIONS:
        message = consumer.poll(DEADLINE_S)
        assert message is not None, "nothing came"
        if message.error():
            ends += 1
        else:
            records.append((message.partition(), message.key(), message.value()))
    consumer.close()
    return records


def produce(bootstrap, topic, records):
    # The partitioner of Kafka's Java client; librdkafka's own default is another one.
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for key, value in records:
        producer.produce(topic, key=key, value=value)
    assert producer.flush(DEADLINE_S) == 0


def upsert_table(name, topic, columns):
    return (
        f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'upsert-kafka', 'topic' = '{topic}', "
        "'key.format' = 'json', 'value.format' = 'json');"
    )


def test_what_a_client_produces_is_a_table(sql, bootstrap, make_topic):
    topic = make_topic()
    sql(
        upsert_table("prices", topic, "item STRING, price BIGINT, PRIMARY KEY (item) NOT ENFORCED")
        + "CREATE MATERIALIZED VIEW prices_total AS SELECT COUNT(*) AS n, SUM(price) AS total FROM prices;"
    )
    item = {name: json.dumps({"item": name}) for name in ("pen", "ink", "cap")}
    produce(bootstrap, topic, [(item["pen"], '{"price": 1}'), (item["ink"], '{"price": 2}'), (item["pen"], '{"price": 3}')])
    sql("FLUSH")
    assert sql("SELECT n, total FROM prices_total") == [[2, 5]]
    produce(bootstrap, topic, [(item["ink"], None), (item["cap"], None), (item["pen"], '{"price": null}')])
    sql("FLUSH")
    assert sql("SELECT n, total FROM prices_total") == [[1, None]]
    assert sql("SELECT item, price FROM prices") == [["pen", None]]
    sql("DROP MATERIALIZED VIEW prices_total; DROP TABLE prices")


def test_clients_see_upserts_and_tombstones_where_they_would_put_them(sql, bootstrap, make_topic):
    orders, totals, copy = make_topic(), make_topic(), make_topic()
    sql(
        f"CREATE TABLE orders (item STRING, price BIGINT) WITH ('connector' = 'kafka', 'topic' = '{orders}', 'format' = 'json');"
        + upsert_table("totals", totals, "item STRING, n BIGINT, PRIMARY KEY (item) NOT ENFORCED")
        + "INSERT INTO totals SELECT item, COUNT(*) FROM orders GROUP BY item HAVING COUNT(*) < 3;"
    )
    items = [f"item {i}" for i in range(40)]
    for number in range(3):
        produce(bootstrap, orders, [(None, json.dumps({"item": item, "price": number})) for item in items])
        sql("FLUSH")
    records = read_topic(bootstrap, totals)
    values = {}
    for _, key, value in records:
        values.setdefault(json.loads(key)["item"], []).append(None if value is None else json.loads(value)["n"])
    assert sorted(values) == sorted(items)
    # An epoch may have ended between two of a key's orders or not.
    for item, changes in values.items():
        assert changes[-1] is None and sorted(changes[:-1]) == changes[:-1] and set(changes[:-1]) <= {1, 2}, (item, changes)
    assert sql("SELECT COUNT(*) FROM totals") == [[0]]
    # The same keys, put where a client puts them.
    keys = sorted({key for _, key, _ in records})
    produce(bootstrap, copy, [(key, b"x") for key in keys])
    assert {(p, key) for p, key, _ in read_topic(bootstrap, copy)} == {(p, key) for p, key, _ in records}
    sql("DROP JOB insert_totals; DROP TABLE totals; DROP TABLE orders")


def test_events_of_debezium_are_a_table_and_are_written(sql, bootstrap, make_topic):
    products, counts = make_topic(), make_topic()
    table = "WITH ('connector' = 'kafka', 'topic' = '{}', 'format' = 'debezium-json');"
    sql(
        f"CREATE TABLE products (id BIGINT, shop STRING, PRIMARY KEY (id) NOT ENFORCED) {table.format(products)}"
        f"CREATE TABLE counts (shop STRING, n BIGINT, PRIMARY KEY (shop) NOT ENFORCED) {table.format(counts)}"
        "INSERT INTO counts SELECT shop, COUNT(*) FROM products GROUP BY shop;"
    )

    def event(op, before=None, after=None):
        row = [{"id": r[0], "shop": r[1]} if r else None for r in (before, after)]
        return (str((before or after)[0]), json.dumps({"before": row[0], "after": row[1], "op": op, "source": {"db": "x"}}))

    produce(bootstrap, products, [event("r", None, (i, f"shop {i % 3}")) for i in range(9)])
    sql("FLUSH")
    produce(bootstrap, products, [event("u", (0, "shop 0"), (0, "shop 1")), event("d", (2, "shop 2")), ("2", None), ("3", "{}")])
    sql("FLUSH")
    wanted = [["shop 0", 2], ["shop 1", 4], ["shop 2", 2]]
    assert sorted(sql("SELECT shop, n FROM counts")) == wanted
    # What a reader without a key of its own makes of the events.
    there, partitions = [], {}
    for partition, key, value in read_topic(bootstrap, counts):
        change = json.loads(value)
        assert key is None and list(change) == ["before", "after", "op"]
        row = change["after"] if change["op"] == "c" else change["before"]
        partitions.setdefault(row["shop"], set()).add(partition)
        if change["op"] == "c":
            assert change["before"] is None
            there.append(row)
        else:
            assert change["op"] == "d" and change["after"] is None
            there.remove(row)
    assert sorted([row["shop"], row["n"]] for row in there) == wanted
    assert all(len(one) == 1 for one in partitions.values()), "the events of a row are in one partition"
    letters = sql(f"SELECT error FROM penstock.dead_letters WHERE topic = '{products}'")
    assert letters == [["not an event of Debezium: it has no op"]]
    sql("DROP JOB insert_counts; DROP TABLE counts; DROP TABLE products")


def test_emit_every_waits_for_its_interval_and_not_longer(sql, bootstrap, make_topic):
    orders = make_topic()
    view = "CREATE MATERIALIZED VIEW {} AS SELECT COUNT(*) AS n FROM every_orders {};"
    sql(
        f"CREATE TABLE every_orders (n BIGINT) WITH ('connector' = 'kafka', 'topic' = '{orders}', 'format' = 'json');"
        + view.format("at_once", "")
        + view.format("each_second", "EMIT EVERY INTERVAL '1' SECOND")
        + view.format("each_day", "EMIT EVERY INTERVAL '1' DAY")
        + "FLUSH;"
    )
    produce(bootstrap, orders, [(None, '{"n": 1}')] * 5)
    sql("FLUSH")
    produce(bootstrap, orders, [(None, '{"n": 2}')] * 5)
    deadline = time.monotonic() + DEADLINE_S
    while sql("SELECT n FROM at_once") != [[10]] or sql("SELECT n FROM each_second") != [[10]]:
        assert time.monotonic() < deadline
    assert sql("SELECT n FROM each_day") == [[5]]
    sql("FLUSH")
    assert sql("SELECT n FROM each_day") == [[10]]
    sql("".join(f"DROP MATERIALIZED VIEW {name};" for name in ("at_once", "each_second", "each_day")) + "DROP TABLE every_orders")
