"""INSERT jobs that read tables without a connector over kills: each change of a table is written once."""

import collections
import json
import threading

import pytest
import requests
from confluent_kafka.admin import AdminClient, NewTopic
from crashing import at_length
from producing import LogReader

KILLS = at_length(25, 400)
ITEMS = 10
DEADLINE_S = 90

JOBS = """
CREATE TABLE prices (item BIGINT PRIMARY KEY, price BIGINT);
CREATE TABLE orders (id BIGINT, item BIGINT) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
CREATE TABLE copies (item BIGINT, price BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'copies', 'format' = 'debezium-json');
CREATE TABLE priced (id BIGINT, price BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'priced', 'format' = 'debezium-json');
CREATE TABLE looked (id BIGINT, price BIGINT) WITH ('connector' = 'kafka', 'topic' = 'looked', 'format' = 'json');
INSERT INTO copies SELECT item, price FROM prices;
INSERT INTO priced SELECT o.id, p.price FROM orders AS o JOIN prices AS p ON o.item = p.item;
INSERT INTO looked SELECT o.id, p.price FROM orders AS o
LEFT JOIN prices FOR SYSTEM_TIME AS OF PROCTIME() AS p ON o.item = p.item;
"""


def sql(server, text):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": text}, timeout=DEADLINE_S).json()
    assert "error" not in answer, answer["error"]
    return answer["results"][-1].get("rows", [])


class Statements:
    """Sent one after the other from a thread of its own, until the server is gone."""

    def __init__(self, server):
        self.server, self.random = server, server.random
        self.next_id = 0

    def _statement(self):
        item = self.random.randrange(ITEMS)
        kind = self.random.randrange(4)
        if kind == 0:
            return f"UPDATE prices SET price = price + 1 WHERE MOD(item, 3) = {item % 3}"
        if kind == 1:
            return f"DELETE FROM prices WHERE item = {item}"
        if kind == 2:
            return f"INSERT INTO prices VALUES ({item}, 1) ON CONFLICT DO NOTHING"
        self.next_id += 1
        return f"INSERT INTO orders VALUES ({self.next_id}, {item})"

    def run_until(self, stopping):
        while not stopping.is_set():
            try:
                sql(self.server, self._statement())
            except requests.RequestException:
                return


def folded(values):
    """The rows that the events leave; an event that was written twice, or not at all, does not fit those before it."""
    rows = set()
    for value in values:
        event = json.loads(value)
        row = tuple((event["after"] if event["op"] == "c" else event["before"]).values())
        assert (row in rows) == (event["op"] == "d"), event
        rows.symmetric_difference_update([row])
    return rows


@pytest.mark.timeout(at_length(600, 3600))
@pytest.mark.parametrize("seed", range(at_length(1, 3)))
def test_each_change_of_a_table_is_written_once(crashing, seed):
    server = crashing(seed)
    admin = AdminClient({"bootstrap.servers": server.kafka})
    topics = ("orders", "copies", "priced", "looked")
    for created in admin.create_topics([NewTopic(topic, 1) for topic in topics]).values():
        created.result(30)
    sql(server, JOBS)
    readers = {topic: LogReader(server.kafka, topic, 1) for topic in topics[1:]}
    written = lambda topic: readers[topic].read()[0]
    statements = Statements(server)
    while server.kills < KILLS:
        stopping = threading.Event()
        thread = threading.Thread(target=statements.run_until, args=(stopping,))
        thread.start()
        stopping.wait(server.random.uniform(0.05, 0.5))  # it is killed anywhere
        server.kill()
        stopping.set()
        thread.join()
        server.restart()
        sql(server, "FLUSH")
        prices = {item: price for item, price in sql(server, "SELECT item, price FROM prices")}
        orders = [tuple(row) for row in sql(server, "SELECT id, item FROM orders")]
        assert folded(written("copies")) == set(prices.items())
        assert folded(written("priced")) == {(id, prices[item]) for id, item in orders if item in prices}
        looked = collections.Counter(json.loads(value)["id"] for value in written("looked"))
        assert looked == collections.Counter(id for id, _ in orders)
    for reader in readers.values():
        reader.close()
