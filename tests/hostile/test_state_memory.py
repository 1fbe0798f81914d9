"""Jobs and queries whose state grows without bound: each fails alone and says why, and the memory stays bounded."""

import concurrent.futures
import threading

import psycopg
import pytest
import requests
from wire import TIMEOUT_S, wait_until

MIB = 1 << 20
JOB_LIMIT = 8 * MIB
LIMITS = ("--workers=2", "--memory-limit=400MiB")
JOB_LIMITS = (*LIMITS, f"--sql-job-state-bytes-max={JOB_LIMIT}")
RSS_MB_MAX = 700  # the program, a sanitizer, and what is on its way; the inputs would take far more

# Keys without end: some thirty bytes each, all different.
FLOOD = """
CREATE TABLE flood (n BIGINT, at AS CAST(n AS STRING) || ' is a key of its own, and its text is long')
WITH ('connector' = 'datagen', 'rows-per-second' = '200000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0',
  'fields.n.end' = '1000000000');
"""
# So many keys that a query would hold several times the limit.
MANY_ROWS = 1_000_000
MANY = f"""
CREATE TABLE many (n BIGINT)
WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{MANY_ROWS}');
"""


def sql(server, script):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": script}, timeout=TIMEOUT_S).json()
    assert "error" not in answer, answer
    return answer["results"][-1].get("rows")


def job(server, name):
    return sql(server, f"SELECT state, error, state_bytes FROM sys.jobs WHERE name = '{name}'")[0]


class RssPeak(threading.Thread):
    """Watches the memory of a server's process."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.most, self.stopping = server, 0, threading.Event()
        self.start()

    def run(self):
        while not self.stopping.wait(0.02):
            self.most = max(self.most, self.server.rss_mb())

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stopping.set()
        self.join()
        assert any(failure) or 0 < self.most < RSS_MB_MAX, self.most


def test_a_view_with_unbounded_keys_fails_alone(start_server, innocents):
    server = start_server(*JOB_LIMITS)
    clients = innocents(server)
    with RssPeak(server):
        sql(server, FLOOD)
        sql(server, "CREATE MATERIALIZED VIEW bounded AS SELECT MOD(n, 10) AS k, COUNT(*) AS c FROM flood GROUP BY MOD(n, 10)")
        for _ in range(2):  # made anew, it fails anew
            sql(server, "CREATE MATERIALIZED VIEW greedy AS SELECT COUNT(DISTINCT at) AS c FROM flood")
            wait_until(lambda: job(server, "greedy")[0] == "failed", "the view fails")
            state, error, state_bytes = job(server, "greedy")
            assert f"the limit sql.job_state_bytes_max of {JOB_LIMIT} bytes is reached: job greedy holds " in error, error
            assert "in Aggregate" in error and "raise sql.job_state_bytes_max" in error, error
            assert state_bytes == 0
            # What it held is for others, who go on.
            metrics = server.metrics()
            assert metrics['penstock_engine_state_bytes{job="greedy",kind="view"}'] == 0
            assert 0 < metrics['penstock_engine_state_bytes{job="bounded",kind="view"}'] < JOB_LIMIT
            before = sql(server, "SELECT SUM(c) FROM bounded")[0][0]
            wait_until(lambda: sql(server, "SELECT SUM(c) FROM bounded")[0][0] > before, "the other view goes on")
            assert job(server, "bounded")[0] == "running"
            clients.assert_served()
            sql(server, "DROP MATERIALIZED VIEW greedy")


GREEDY_QUERIES = [
    ("Aggregate", "SELECT COUNT(*) FROM (SELECT n, COUNT(*) AS c FROM many GROUP BY n) AS t WHERE c > 1"),
    ("Sort", "SELECT n FROM many ORDER BY n DESC"),
    ("Join", "SELECT COUNT(*) FROM many AS a JOIN many AS b ON a.n = b.n"),
    ("Over", "SELECT MAX(r) FROM (SELECT SUM(n) OVER (PARTITION BY MOD(n, 1000) ORDER BY n) AS r FROM many) AS t"),
    ("Aggregate", "SELECT ARRAY_AGG(n) FROM many"),
    ("Aggregate", "SELECT STRING_AGG(CAST(n AS STRING), ',') FROM many"),
    ("Aggregate", "SELECT COUNT(DISTINCT n) FROM many"),
    ("Aggregate", "SELECT MEDIAN(n) FROM many"),
]


def test_queries_that_keep_too_much_are_refused(start_server, innocents):
    server = start_server(*JOB_LIMITS)
    clients = innocents(server)
    sql(server, MANY)
    address = f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=greedy"
    with RssPeak(server), psycopg.connect(address, autocommit=True) as connection:
        for operator, text in GREEDY_QUERIES:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(text).fetchall()
            message = str(refused.value)
            assert refused.value.sqlstate == "53200", (text, message)
            assert f"the limit sql.job_state_bytes_max of {JOB_LIMIT} bytes is reached: job select holds " in message
            assert f"of them in {operator}" in message, (text, message)
            clients.assert_served()
        # The session goes on, and queries that keep little have their answers.
        assert connection.execute("SELECT COUNT(*) FROM many").fetchone() == (MANY_ROWS,)
        top = connection.execute("SELECT n FROM many ORDER BY n DESC LIMIT 3").fetchall()
        assert top == [(MANY_ROWS,), (MANY_ROWS - 1,), (MANY_ROWS - 2,)]
        # A session may allow itself less.
        connection.execute("SET job_state_bytes_max = '1MiB'")
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("SELECT n FROM many WHERE n < 100000 ORDER BY n").fetchall()
        assert refused.value.sqlstate == "53200"
        assert "the limit job_state_bytes_max of 1048576 bytes is reached" in str(refused.value)
        with pytest.raises(psycopg.Error):
            connection.execute("SET job_state_bytes_max = 'much'")


def test_queries_together_keep_to_the_limit_of_all(start_server):
    """Each within its own limit, but all at once more than all may hold: some are refused, and the others are answered."""
    server = start_server(*LIMITS, "--sql-state-bytes-max=48MiB", "--sql-job-state-bytes-max=40MiB")
    sql(server, MANY)
    address = f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=many"

    def count(_):
        with psycopg.connect(address, autocommit=True) as connection:
            try:
                return connection.execute("SELECT COUNT(DISTINCT n) FROM many WHERE n <= 250000").fetchone()[0]
            except psycopg.Error as error:
                assert error.sqlstate == "53200" and "the limit sql.state_bytes_max of" in str(error), error
                return "refused"

    with RssPeak(server):
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(count, range(10)))
        assert set(answers) <= {250000, "refused"} and "refused" in answers, answers
        # All of it has been given back.
        assert count(0) == 250000
        wait_until(lambda: server.metrics()["penstock_memory_bytes"] < 48 * MIB, "the state is given back")
