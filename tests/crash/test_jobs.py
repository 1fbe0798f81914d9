"""Views and INSERT jobs over kills: what they give equals a recomputation from the log."""

import collections
import json

import pytest
import requests
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from crashing import at_length, wait_for
from producing import FAST_RECONNECT, LogReader

KILLS = at_length(50, 500)
PARTITIONS = 2
KEYS = 20
WINDOW_MS = 1000
DELAY_MS = 100
DEADLINE_S = 90

TABLES = """
CREATE TABLE events (
  id BIGINT, k STRING, v BIGINT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '0.1' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json',
        'json.timestamp-format.standard' = 'ISO-8601', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE copies (id BIGINT, k STRING, v BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'copies', 'format' = 'json');
"""
JOBS = """
CREATE MATERIALIZED VIEW totals AS SELECT k, SUM(v) AS s, COUNT(*) AS n FROM events GROUP BY k;
CREATE MATERIALIZED VIEW windows AS
SELECT k, window_start, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO copies SELECT id, k, v FROM events WHERE MOD(v, 3) = 0;
"""


def sql(server, text):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": text}, timeout=DEADLINE_S).json()
    assert "error" not in answer, answer["error"]
    return answer["results"][-1].get("rows", [])


def time_text(ms):
    return f"2026-01-02T{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


class Events:
    """Events with times that rise in each partition, produced by one idempotent producer."""

    def __init__(self, server, random):
        self.random = random
        self.producer = Producer(
            {
                "bootstrap.servers": server.kafka,
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "linger.ms": 1,
                "batch.num.messages": 20,
                **FAST_RECONNECT,
            }
        )
        self.next_id = 0
        self.acknowledged = 0

    def _told(self, error, _):
        assert error is None
        self.acknowledged += 1

    def send(self, count):
        for _ in range(count):
            event = {
                "id": self.next_id,
                "k": f"k{self.random.randrange(KEYS)}",
                "v": self.random.randrange(1000),
                "ts": time_text(self.next_id * 10 + 5),  # never a whole window away from another
            }
            self.producer.produce("events", json.dumps(event), partition=self.next_id % 2, on_delivery=self._told)
            self.next_id += 1

    def flush(self):
        assert self.producer.flush(DEADLINE_S) == 0


def milliseconds(text):
    hours, minutes, seconds = text[11:23].split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


def recompute(partitions):
    """What the jobs must give for these partitions of `events`."""
    totals = collections.defaultdict(lambda: [0, 0])
    windows = collections.Counter()
    copies = collections.Counter()
    latest = []
    for values in partitions:
        events = [json.loads(value) for value in values]
        latest.append(max(milliseconds(event["ts"]) for event in events))
        for event in events:
            total = totals[event["k"]]
            total[0] += event["v"]
            total[1] += 1
            windows[event["k"], milliseconds(event["ts"]) // WINDOW_MS] += 1
            if event["v"] % 3 == 0:
                copies[event["id"], event["k"], event["v"]] += 1
    watermark = min(latest) - DELAY_MS
    closed = {key: n for key, n in windows.items() if (key[1] + 1) * WINDOW_MS <= watermark}
    return {k: tuple(total) for k, total in totals.items()}, closed, copies


def check_jobs(server, source, output):
    totals, windows, copies = recompute(source.read())
    count = sum(n for _, n in totals.values())
    wait_for(
        lambda: sum(int(n) for _, _, n in sql(server, "SELECT k, s, n FROM totals")) >= count,
        f"{count} events in the view",
        server.server,
    )
    assert {k: (int(s), int(n)) for k, s, n in sql(server, "SELECT k, s, n FROM totals")} == totals

    def window_rows():
        rows = sql(server, "SELECT k, window_start, n FROM windows")
        return {(k, milliseconds(start) // WINDOW_MS): int(n) for k, start, n in rows}

    wait_for(lambda: len(window_rows()) >= len(windows), f"{len(windows)} windows", server.server)
    assert window_rows() == windows

    def copied():
        values = [json.loads(value) for values in output.read() for value in values]
        return collections.Counter((row["id"], row["k"], row["v"]) for row in values)

    wait_for(lambda: copied().total() >= copies.total(), f"{copies.total()} copies", server.server)
    assert copied() == copies


@pytest.mark.timeout(at_length(600, 3600))
@pytest.mark.parametrize("seed", range(at_length(1, 3)))
def test_jobs_equal_a_recomputation(crashing, seed):
    server = crashing(seed)
    admin = AdminClient({"bootstrap.servers": server.kafka})
    for created in admin.create_topics([NewTopic("events", PARTITIONS), NewTopic("copies", 1)]).values():
        created.result(30)
    sql(server, TABLES + JOBS)
    events = Events(server, server.random)
    source = LogReader(server.kafka, "events", PARTITIONS)
    output = LogReader(server.kafka, "copies", 1)
    while server.kills < KILLS:
        events.send(server.random.randrange(100, 700))
        target = events.acknowledged + server.random.randrange(1, 100)
        wait_for(lambda: events.producer.poll(0.001) and events.acknowledged >= target, "acknowledgements", server.server)
        server.kill()
        server.restart()
        events.flush()
        check_jobs(server, source, output)
    # Once more from the start, after a clean stop.
    assert server.server.stop() == 0
    server.restart()
    check_jobs(server, source, output)
    source.close()
    output.close()
