"""The WebSocket: a client that applies what it is sent holds exactly the view, however slow it is."""

import collections
import contextlib
import json
import random
import socket
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


class View:
    """The rows of a view, as docs/http-api.md says a client must keep them."""

    def __init__(self):
        self.epoch = 0
        self.rows = collections.Counter()
        self.snapshots = 0
        self.changes = 0
        self.complete = False

    def apply(self, message):
        assert message["epoch"] >= self.epoch
        if message["type"] == "snapshot":
            if message["first"]:
                self.rows.clear()
                self.snapshots += 1
            for row in message["rows"]:
                self.rows[tuple(row)] += 1
            self.complete = message["last"]
        else:
            assert message["type"] == "changes", message
            assert self.complete and message["epoch"] > self.epoch
            self.changes += 1
            for weight, *row in sorted(message["rows"], key=lambda r: r[0]):
                self.rows[tuple(row)] += weight
                assert self.rows[tuple(row)] >= 0, row
        self.epoch = message["epoch"]

    def held(self):
        return sorted(self.rows.elements(), key=str)


@pytest.fixture
def url(server):
    return f"http://{server.addresses['http']}"


@pytest.fixture
def sql(url):
    def run(script):
        answer = requests.post(f"{url}/api/v1/sql", json={"sql": script}, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    return run


@pytest.fixture
def open_socket(server):
    with contextlib.ExitStack() as opened:

        def open_socket(**options):
            url = f"ws://{server.addresses['http']}/api/v1/ws"
            return opened.enter_context(connect(url, open_timeout=30, **options))

        yield open_socket


@pytest.fixture
def table(sql, topic):
    name = topic.replace("-", "_")
    sql(
        f"CREATE TABLE {name} (id BIGINT, word STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', "
        f"'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
        f"CREATE MATERIALIZED VIEW {name}_view AS SELECT word, COUNT(*) AS n, MAX(id) AS last FROM {name} GROUP BY word;"
    )
    return name


def insert(sql, table, rows):
    sql(f"INSERT INTO {table} VALUES " + ", ".join(f"({number}, '{word}')" for number, word in rows))


def subscribe(websocket, number, **topic):
    websocket.send(json.dumps({"type": "subscribe", "id": number, **topic}))


def receive(websocket):
    return json.loads(websocket.recv(timeout=60))


def truth(url, table):
    answer = requests.get(f"{url}/api/v1/views/{table}_view?limit=100000", timeout=60).json()
    return answer["epoch"], sorted(map(tuple, answer["rows"]), key=str)


def follow_to(websocket, view, epoch):
    while not (view.complete and view.epoch >= epoch):
        view.apply(receive(websocket))


def test_a_snapshot_comes_first(open_socket, sql, table):
    insert(sql, table, [(1, "a"), (2, "b"), (3, "b")])
    sql("FLUSH")
    websocket = open_socket()
    subscribe(websocket, 7, view=f"{table}_view")
    message = receive(websocket)
    assert message["type"] == "snapshot" and message["id"] == 7
    assert message["columns"] == [
        {"name": "word", "type": "STRING"},
        {"name": "n", "type": "BIGINT"},
        {"name": "last", "type": "BIGINT"},
    ]
    assert message["key"] == ["word"]
    assert (message["first"], message["last"]) == (True, True)
    assert sorted(message["rows"]) == [["a", 1, 1], ["b", 2, 3]]


def test_changes_make_the_view(open_socket, url, sql, table):
    random.seed(5)
    view = View()
    websocket = open_socket()
    subscribe(websocket, 1, view=f"{table}_view")
    for round_number in range(20):
        insert(sql, table, [(round_number * 100 + i, random.choice("abcdefgh")) for i in range(random.randint(1, 50))])
        sql("FLUSH")
        epoch, rows = truth(url, table)
        follow_to(websocket, view, epoch)
        assert view.held() == rows
    assert view.changes > 0 and view.snapshots == 1


def test_a_large_snapshot_comes_in_parts(open_socket, url, sql, table):
    insert(sql, table, [(number, f"word{number}") for number in range(10_000)])
    sql("FLUSH")
    view = View()
    websocket = open_socket(max_size=None)
    subscribe(websocket, 1, view=f"{table}_view")
    messages = 0
    while not view.complete:
        view.apply(receive(websocket))
        messages += 1
    assert messages > 1
    assert view.held() == truth(url, table)[1]


def metric(url, name):
    lines = requests.get(f"{url}/metrics", timeout=60).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def impatient_socket(address):
    """A connection with a receive buffer so small that what its owner does not read waits at the server."""
    host, port = address.rsplit(":", 1)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((host, int(port)))
    return raw


def test_a_slow_reader_is_right_in_the_end_and_what_waits_is_bounded(start_server):
    limit = 1 << 20
    server = start_server(f"--http-subscription-bytes-max={limit}")
    url = f"http://{server.addresses['http']}"
    post = lambda script: requests.post(f"{url}/api/v1/sql", json={"sql": script}, timeout=60).raise_for_status()
    post(
        "CREATE TABLE t (id BIGINT, word STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', "
        "'scan.startup.mode' = 'earliest-offset');"
        "CREATE MATERIALIZED VIEW t_view AS SELECT word, COUNT(*) AS n, MAX(id) AS last FROM t GROUP BY word;"
    )
    words = [f"'word-{number:050}'" for number in range(500)]
    held = lambda: metric(url, "penstock_http_subscription_bytes")
    address = server.addresses["http"]
    with connect(f"ws://{address}/api/v1/ws", sock=impatient_socket(address), max_queue=1, max_size=None) as websocket:
        subscribe(websocket, 1, view="t_view")
        turns = held_max = turns_behind = 0
        while turns_behind < 20:  # each turn changes every row, which is about a tenth of the limit
            post(f"INSERT INTO t VALUES {', '.join(f'({turns}, {word})' for word in words)}; FLUSH")
            turns += 1
            held_max = max(held_max, held())
            turns_behind += held_max > limit / 2  # far more than a message on its way to one who reads
        # What waits is bounded, and the message on its way is made of what has waited.
        assert held_max <= 2 * limit
        view = View()
        epoch, rows = truth(url, "t")
        follow_to(websocket, view, epoch)
        assert view.held() == rows
        assert view.snapshots > 1, "a snapshot came in place of the changes that did not fit"
        assert held() <= limit


def test_after_a_reconnect_the_snapshot_makes_it_right(open_socket, url, sql, table):
    insert(sql, table, [(1, "a")])
    sql("FLUSH")
    view = View()
    websocket = open_socket()
    subscribe(websocket, 1, view=f"{table}_view")
    follow_to(websocket, view, truth(url, table)[0])
    websocket.close()
    insert(sql, table, [(2, "a"), (3, "b")])
    sql("FLUSH")
    websocket = open_socket()
    subscribe(websocket, 1, view=f"{table}_view")
    again = View()
    epoch, rows = truth(url, table)
    follow_to(websocket, again, epoch)
    assert again.held() == rows


def test_several_subscriptions_of_one_connection(open_socket, url, sql, table):
    insert(sql, table, [(1, "a")])
    sql("FLUSH")
    websocket = open_socket()
    views = {1: View(), 2: View()}
    for number in views:
        subscribe(websocket, number, view=f"{table}_view")
    while not all(view.complete for view in views.values()):
        message = receive(websocket)
        views[message["id"]].apply(message)
    websocket.send(json.dumps({"type": "unsubscribe", "id": 1}))
    subscribe(websocket, 3, channel="views")
    assert receive(websocket)["type"] == "views"  # the unsubscription has been taken when this comes
    insert(sql, table, [(2, "b")])
    sql("FLUSH")
    message = receive(websocket)
    assert message["id"] == 2
    views[2].apply(message)
    assert views[2].held() == truth(url, table)[1]


def test_channels(open_socket, sql, table):
    websocket = open_socket()
    subscribe(websocket, 1, channel="views")
    message = receive(websocket)
    assert f"{table}_view" in [view["name"] for view in message["views"]]
    sql(f"CREATE MATERIALIZED VIEW {table}_other AS SELECT id FROM {table}")
    while f"{table}_other" not in [view["name"] for view in message["views"]]:
        message = receive(websocket)
    websocket.send(json.dumps({"type": "unsubscribe", "id": 1}))
    subscribe(websocket, 2, channel="alerts")
    while message["id"] != 2:
        message = receive(websocket)
    assert isinstance(message["alerts"], list)


def test_status_comes_every_second(open_socket):
    websocket = open_socket()
    subscribe(websocket, 1, channel="status")
    begin = time.monotonic()
    uptimes = [receive(websocket)["status"]["uptime_ms"] for _ in range(4)]
    assert time.monotonic() - begin >= 2
    assert uptimes == sorted(set(uptimes))


def test_a_dropped_view_ends_its_subscription(open_socket, sql, table):
    websocket = open_socket()
    subscribe(websocket, 1, view=f"{table}_view")
    assert receive(websocket)["type"] == "snapshot"
    sql(f"DROP MATERIALIZED VIEW {table}_view")
    assert receive(websocket) == {"type": "dropped", "id": 1}
    subscribe(websocket, 2, view=f"{table}_view")
    message = receive(websocket)
    assert (message["type"], message["id"], message["error"]["code"]) == ("error", 2, "not_found")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"subscribe"',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1}',
        '{"type": "subscribe", "id": "1", "view": "x"}',
        '{"type": "subscribe", "id": 1, "channel": "nothing"}',
        '{"type": "subscribe", "id": 99999999999999999999, "channel": "status"}',
        '{"type": "nothing", "id": 1}',
        '{"type": 1, "id": 1}',
        "[" * 60_000,
    ],
)
def test_bad_messages_are_answered(open_socket, text):
    websocket = open_socket()
    websocket.send(text)
    assert receive(websocket)["type"] == "error"
    subscribe(websocket, 5, channel="alerts")
    assert receive(websocket)["id"] == 5


def test_an_id_is_taken_once(open_socket, table):
    websocket = open_socket()
    subscribe(websocket, 1, channel="alerts")
    assert receive(websocket)["type"] == "alerts"
    subscribe(websocket, 1, view=f"{table}_view")
    assert receive(websocket)["type"] == "error"


def test_subscriptions_are_bounded(open_socket, table):
    websocket = open_socket()
    for number in range(2000):
        subscribe(websocket, number, channel="alerts")
        if (message := receive(websocket))["type"] == "error":
            assert message["error"]["code"] == "resource_exhausted"
            return
    pytest.fail("2,000 subscriptions and no end")


def test_who_reads_no_answers_is_heard_no_more(start_server):
    """So that a flood of bad messages does not become a flood of answers that wait."""
    server = start_server()
    address = server.addresses["http"]
    bad = json.dumps({"type": "subscribe", "id": 1, "view": "x" * 30_000})
    with connect(f"ws://{address}/api/v1/ws", sock=impatient_socket(address), max_queue=1, max_size=None) as websocket:
        websocket.socket.settimeout(5)
        with pytest.raises((OSError, TimeoutError, ConnectionClosed)):
            for _ in range(10_000):  # far more than the sockets' buffers hold
                websocket.send(bad)
        websocket.socket.close()
    assert requests.get(f"http://{address}/livez", timeout=30).status_code == 200


def test_messages_that_are_too_large_end_the_connection(open_socket):
    websocket = open_socket()
    with pytest.raises(ConnectionClosed):
        websocket.send("x" * 1_000_000)
        websocket.recv(timeout=30)


def test_pages_of_other_origins_are_refused(open_socket):
    with pytest.raises(InvalidStatus) as refused:
        open_socket(origin="http://evil.example")
    assert refused.value.response.status_code == 403
