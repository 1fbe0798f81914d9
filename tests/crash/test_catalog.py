"""Topics, tables and views that were made or dropped stay so over kills; what was under way is there wholly or not at all."""

import threading

import pytest
import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from crashing import at_length, wait_for
from producing import FAST_RECONNECT

KILLS = at_length(25, 200)
SETTLED = {"made": True, "dropped": False}


class Changer:
    """Makes things and drops every second one, from a thread of its own; knows what became of each."""

    def __init__(self, make, drop):
        self.make, self.drop = make, drop
        self.states = {}  # name: made, dropped, or "unknown" while nobody can tell
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _try(self, name, change, state):
        self.states[name] = "unknown"
        try:
            change(name)
            self.states[name] = state
            return True
        except (KafkaException, requests.RequestException):
            self.stopping.wait(0.02)
            return False

    @staticmethod
    def drops(name):
        return int(name.removeprefix("thing")) % 2 == 1

    def _run(self):
        number = 0
        while not self.stopping.wait(0.01):
            name = f"thing{number}"
            number += 1
            if self._try(name, self.make, "made") and self.drops(name):
                self._try(name, self.drop, "dropped")

    def settled(self):
        return {name: state for name, state in list(self.states.items()) if state in SETTLED}

    def stop(self):
        self.stopping.set()
        self.thread.join()


def run_sql(server, text):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": text}, timeout=30)
    assert answer.ok, answer.text


def view_names(server):
    return {view["name"] for view in requests.get(f"http://{server.http}/api/v1/views", timeout=30).json()["views"]}


@pytest.mark.timeout(at_length(400, 3600))
def test_topics_and_views_stay_made_or_dropped(crashing):
    server = crashing(seed=1)
    admin = AdminClient({"bootstrap.servers": server.kafka, "socket.timeout.ms": 3000, **FAST_RECONNECT})
    run_sql(server, "CREATE TABLE t (k STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json')")
    topics = Changer(
        lambda name: admin.create_topics([NewTopic(name, 3)], request_timeout=3)[name].result(),
        lambda name: admin.delete_topics([name], request_timeout=3)[name].result(),
    )
    views = Changer(
        lambda name: run_sql(server, f"CREATE MATERIALIZED VIEW {name} AS SELECT k, COUNT(*) AS n FROM t GROUP BY k"),
        lambda name: run_sql(server, f"DROP MATERIALIZED VIEW {name}"),
    )
    try:
        while server.kills < KILLS:
            for changer in (topics, views):
                target = len(changer.settled()) + server.random.randrange(1, 8)
                wait_for(lambda: len(changer.settled()) >= target, "changes", server.server)
            server.kill()
            expected_topics, expected_views = topics.settled(), views.settled()
            server.restart()
            metadata = admin.list_topics(timeout=30).topics
            for name, state in expected_topics.items():
                assert (name in metadata) == SETTLED[state] or topics.states[name] != state, (name, state)
            for name in metadata.keys() & expected_topics.keys():
                assert len(metadata[name].partitions) == 3
            names = view_names(server)
            for name, state in expected_views.items():
                assert (name in names) == SETTLED[state] or views.states[name] != state, (name, state)
    finally:
        topics.stop()
        views.stop()
    for changer in (topics, views):
        assert "dropped" in changer.settled().values() and "made" in changer.settled().values()


@pytest.mark.timeout(at_length(400, 3600))
def test_a_table_has_all_rows_of_its_query_or_is_not_there(crashing):
    server = crashing(seed=2)

    def rows(text):
        answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": text}, timeout=30)
        assert answer.ok, answer.text
        return answer.json()["results"][-1]["rows"]

    values = ", ".join(f"({n})" for n in range(500))
    run_sql(server, f"CREATE TABLE source (n BIGINT); INSERT INTO source VALUES {values}; CREATE TABLE latest (n BIGINT)")
    tables = Changer(
        lambda name: run_sql(
            server,
            f"""CREATE TABLE {name} AS SELECT n FROM source;
                CREATE OR REPLACE TABLE latest AS SELECT n, '{name}' AS name FROM source""",
        ),
        lambda name: run_sql(server, f"DROP TABLE {name}"),
    )
    try:
        while server.kills < KILLS:
            target = len(tables.settled()) + server.random.randrange(1, 8)
            wait_for(lambda: len(tables.settled()) >= target, "changes", server.server)
            server.kill()
            expected = tables.settled()
            # Nobody touches these again: what the kill interrupted is there with all rows, or not at all.
            interrupted = {name for name, state in list(tables.states.items()) if state == "unknown"}
            server.restart()
            names = {row[0] for row in rows("SHOW TABLES LIKE 'thing%'")}
            for name, state in expected.items():
                assert (name in names) == SETTLED[state] or tables.states[name] != state, (name, state)
            kept = {name for name in expected if not tables.drops(name)}
            for name in names & (interrupted | kept):
                assert rows(f"SELECT COUNT(*) FROM {name}") == [[500]], name
            assert rows("SELECT COUNT(*), COUNT(DISTINCT name) FROM latest") == [[500, 1]]
    finally:
        tables.stop()
