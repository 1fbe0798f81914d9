"""Alerts by webhook: a real HTTP receiver gets each one, under a key that stays the same, whatever fails in between."""

import collections
import http.server
import json
import signal
import threading
import time

import pytest
import requests

DEADLINE_S = 60
SCHEMA = """
CREATE TABLE orders (item STRING, price BIGINT) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset');
CREATE MATERIALIZED VIEW totals AS SELECT item, SUM(price) AS total FROM orders GROUP BY item;
"""


def wait_for(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not (result := condition()):
        assert time.monotonic() < end, f"still waiting for {what}"
        time.sleep(0.02)
    return result


class Receiver:
    """Keeps what is posted to it; `answer(request, number)` says with which status, or None to hang up."""

    def __init__(self, port=0, answer=lambda request, number: 200):
        self.requests = []
        lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body)}
                with lock:
                    number = len(receiver.requests)
                    receiver.requests.append(request)
                status = answer(request, number)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def keys(self):
        return [request["headers"]["Idempotency-Key"] for request in self.requests]

    def states(self):
        return [(request["body"]["state"], request["body"]["key"]) for request in self.requests]


@pytest.fixture
def receivers():
    made = []

    def make(**options):
        made.append(Receiver(**options))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


class Alerts:
    """A server with an alert on orders above 10."""

    def __init__(self, server):
        self.server = server
        self.url = f"http://{server.addresses['http']}"

    def sql(self, script):
        answer = requests.post(f"{self.url}/api/v1/sql", json={"sql": script}, timeout=DEADLINE_S)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    def create(self, webhook):
        self.sql(SCHEMA)
        self.sql(f"CREATE ALERT big SEVERITY 'HIGH' NOTIFY webhook '{webhook}' AS SELECT item, total FROM totals WHERE total > 10")

    def order(self, *rows):
        self.sql("INSERT INTO orders VALUES " + ", ".join(f"('{item}', {price})" for item, price in rows) + "; FLUSH")

    def listed(self):
        return requests.get(f"{self.url}/api/v1/alerts", timeout=DEADLINE_S).json()["alerts"]

    def metric(self, name):
        lines = requests.get(f"{self.url}/metrics", timeout=DEADLINE_S).text.splitlines()
        return next((float(line.split()[1]) for line in lines if line.startswith(name + " ")), 0)


@pytest.fixture
def alerts(start_server):
    return lambda: Alerts(start_server())


def test_an_incident_is_told_when_it_begins_and_when_it_ends(alerts, receivers):
    receiver, server = receivers(), alerts()
    server.create(receiver.url)
    server.order(("ink", 20), ("pen", 3))
    wait_for(lambda: len(receiver.requests) == 1, "the first notification")
    request = receiver.requests[0]
    assert request["path"] == "/hook"
    assert request["headers"]["Content-Type"] == "application/json"
    body = request["body"]
    assert (body["alert"], body["severity"], body["state"], body["key"]) == ("big", "HIGH", "firing", "item=ink")
    assert body["values"] == {"item": "ink", "total": 20}
    assert body["fired_at"] and body["resolved_at"] is None
    assert server.listed() == [body], "the API shows what was sent"
    assert request["headers"]["Idempotency-Key"] == body["id"] + "-firing"

    server.order(("ink", 1))  # it goes on
    server.order(("ink", -15))
    wait_for(lambda: len(receiver.requests) == 2, "the second notification")
    ended = receiver.requests[1]
    assert (ended["body"]["state"], ended["body"]["id"]) == ("resolved", body["id"])
    assert ended["body"]["resolved_at"] >= ended["body"]["fired_at"]
    assert ended["headers"]["Idempotency-Key"] == body["id"] + "-resolved"


def test_it_is_sent_again_under_the_same_key_until_it_arrives(alerts, receivers):
    answers = [500, None, 503, 200]
    receiver, server = receivers(answer=lambda request, number: answers[number]), alerts()
    server.create(receiver.url)
    server.order(("ink", 20))
    wait_for(lambda: server.metric("penstock_alert_notifications_sent_total") == 1, "the notification to arrive")
    assert len(receiver.requests) == len(answers)
    assert len(set(receiver.keys())) == 1
    assert server.metric("penstock_alert_notifications_failed_total") == 0


def test_what_is_refused_is_given_up(alerts, receivers):
    receiver, server = receivers(answer=lambda request, number: 404), alerts()
    server.create(receiver.url)
    server.order(("ink", 20))
    wait_for(lambda: server.metric("penstock_alert_notifications_failed_total") == 1, "the notification to be given up")
    assert len(receiver.requests) == 1
    assert [alert["state"] for alert in server.listed()] == ["firing"], "the incident is there all the same"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restart_neither_repeats_nor_forgets(start_server, receivers, how):
    receiver, server = receivers(), Alerts(start_server())
    server.create(receiver.url)
    server.order(("ink", 20), ("pen", 30))
    wait_for(lambda: len(receiver.requests) == 2, "both notifications")
    server.server.stop(how)

    server = Alerts(start_server())
    server.order(("pen", -30), ("cup", 40))
    # A kill may repeat a delivery, under its key; it makes no new incident of what went on.
    wait_for(lambda: len(set(receiver.keys())) == 4, "what changed")
    assert collections.Counter(set(receiver.states())) == {
        ("firing", "item=ink"): 1,
        ("firing", "item=pen"): 1,
        ("resolved", "item=pen"): 1,
        ("firing", "item=cup"): 1,
    }
    assert len(set(receiver.keys())) == 4
    if how == signal.SIGTERM:
        assert len(receiver.requests) == 4
    assert sorted(alert["key"] for alert in server.listed() if alert["state"] == "firing") == ["item=cup", "item=ink"]


def test_what_did_not_arrive_before_a_restart_arrives_after_it(start_server, receivers):
    port = (gone := receivers()).port
    gone.close()
    server = Alerts(start_server())
    server.create(gone.url)
    server.order(("ink", 20))
    wait_for(lambda: server.metric("penstock_alert_notifications_waiting") == 1, "the notification to wait")
    incident = server.listed()[0]["id"]
    server.server.stop(signal.SIGKILL)
    receiver = receivers(port=port)
    Alerts(start_server())
    wait_for(lambda: receiver.requests, "the notification")
    assert receiver.keys()[0] == incident + "-firing"


def test_many_alerts_arrive_once_each_and_in_order(alerts, receivers):
    """One receiver fails now and then, another one is not there: neither loses the first anything."""
    items = [f"item{number}" for number in range(300)]
    receiver = receivers(answer=lambda request, number: 503 if number % 97 == 5 else 200)
    gone = Receiver()
    gone.close()
    server = alerts()
    server.create(receiver.url)
    server.sql(
        f"CREATE ALERT other SEVERITY 'LOW' NOTIFY webhook '{gone.url}' AS SELECT item, total FROM totals WHERE total > 10"
    )
    server.order(*((item, 20) for item in items))
    wait_for(lambda: len([alert for alert in server.listed() if alert["state"] == "firing"]) == 600, "the alerts to fire")
    server.order(*((item, -20) for item in items))
    expected = {(state, f"item={item}") for item in items for state in ("firing", "resolved")}
    wait_for(lambda: expected <= set(receiver.states()), "all notifications")
    first = {}
    for number, state in enumerate(receiver.states()):
        first.setdefault(state, number)
    for item in items:
        assert first["firing", f"item={item}"] < first["resolved", f"item={item}"]
    repeats = len(receiver.keys()) - len(set(receiver.keys()))
    assert repeats == sum(number % 97 == 5 for number in range(len(receiver.requests))), "only what failed came again"
