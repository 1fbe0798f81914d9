"""Alerts over kills: what fires is what the log says, and a webhook is told of each incident, under one key."""

import collections
import http.server
import json
import threading

import pytest
import requests
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from crashing import at_length, wait_for
from producing import FAST_RECONNECT, LogReader

KILLS = at_length(12, 150)
KEYS = 6
DEADLINE_S = 90


class Receiver:
    """Keeps what is posted to it by its key; one in five posts is taken and not answered."""

    def __init__(self, random):
        self.told = {}  # by key, in the order in which they came first
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                incident = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                known = receiver.told.setdefault(self.headers["Idempotency-Key"], incident)
                assert (known["id"], known["state"]) == (incident["id"], incident["state"])
                if random.random() < 0.2:
                    self.close_connection = True
                    return
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def sql(server, text):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": text}, timeout=DEADLINE_S).json()
    assert "error" not in answer, answer["error"]
    return answer["results"][-1].get("rows", [])


def check_alerts(server, source):
    """Firing is who has to, each since one incident; gives these by key."""
    totals = collections.Counter()
    for values in source.read():
        for event in map(json.loads, values):
            totals[event["k"]] += event["v"]
    over = {f"k={key}" for key, total in totals.items() if total > 0}

    def firing():
        rows = sql(server, "SELECT key, id FROM sys.alerts WHERE state = 'firing'")
        assert len(rows) == len({key for key, _ in rows}), rows
        return dict(rows)

    sql(server, "FLUSH")
    wait_for(lambda: set(firing()) == over, f"{over} to fire", server.server)
    return firing()


@pytest.mark.timeout(at_length(400, 3600))
def test_no_incident_is_forgotten_or_told_twice(crashing):
    server = crashing(7)
    receiver = Receiver(server.random)
    admin = AdminClient({"bootstrap.servers": server.kafka})  # it must outlive the answer
    admin.create_topics([NewTopic("events", 1)])["events"].result(30)
    sql(
        server,
        "CREATE TABLE events (k STRING, v BIGINT) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');"
        "CREATE MATERIALIZED VIEW totals AS SELECT k, SUM(v) AS total FROM events GROUP BY k;"
        f"CREATE ALERT positive NOTIFY webhook '{receiver.url}' AS SELECT k, total FROM totals WHERE total > 0",
    )
    producer = Producer(
        {"bootstrap.servers": server.kafka, "enable.idempotence": True, "message.timeout.ms": 0, "linger.ms": 1, **FAST_RECONNECT}
    )
    source = LogReader(server.kafka, "events", 1)
    while server.kills < KILLS:
        for _ in range(server.random.randrange(1, 60)):
            event = {"k": f"k{server.random.randrange(KEYS)}", "v": server.random.randrange(-100, 101)}
            producer.produce("events", json.dumps(event), partition=0)
            producer.poll(0.002)
        server.kill()
        server.restart()
        assert producer.flush(DEADLINE_S) == 0
        firing = check_alerts(server, source)
    # In the end everything has been told: of each incident that it fires, and of each but those that fire that it does not.
    told = receiver.told
    wait_for(
        lambda: {f"{id}-firing" for id in firing.values()} <= set(told)
        and all(key.replace("-firing", "-resolved") in told for key in list(told) if key[:-7] not in firing.values()),
        "all notifications",
        server.server,
    )
    order = list(told)
    for key, incident in told.items():
        id, state = key.rsplit("-", 1)
        assert (incident["id"], incident["state"]) == (id, state)
        if state == "resolved":
            assert id not in firing.values()
            assert order.index(f"{id}-firing") < order.index(key), "resolved before it fired"
    # No two incidents of a key at one time.
    by_key = collections.defaultdict(list)
    for key, incident in told.items():
        if incident["state"] == "resolved":
            by_key[incident["key"]].append((incident["fired_at"], incident["resolved_at"]))
    for spans in by_key.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:])), spans
    source.close()
