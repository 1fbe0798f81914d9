"""The HTTP API as docs/http-api.md describes it, and what a hostile page or client may try."""

import gzip
import json
import re
import socket

import pytest
import requests


@pytest.fixture
def url(server):
    return f"http://{server.addresses['http']}"


@pytest.fixture
def sql(url):
    def run(script):
        answer = requests.post(f"{url}/api/v1/sql", json={"sql": script}, timeout=30)
        return answer.status_code, answer.json()

    return run


@pytest.fixture
def view(sql, topic):
    """A table and a keyed view over it; gives the table's name."""
    name = topic.replace("-", "_")
    status, answer = sql(
        f"CREATE TABLE {name} (id BIGINT, word STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', "
        f"'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
        f"CREATE MATERIALIZED VIEW {name}_view AS SELECT word, COUNT(*) AS n FROM {name} GROUP BY word;"
        f"INSERT INTO {name} VALUES (1, 'a'), (2, 'a'), (3, 'b'); FLUSH"
    )
    assert status == 200, answer
    return name


def test_sql_gives_one_result_per_statement(sql):
    status, answer = sql("SELECT 1 AS a, 'x' AS b; SHOW TABLES LIKE 'no such table'")
    assert status == 200
    first, second = answer["results"]
    assert first == {
        "tag": "SELECT 1",
        "columns": [{"name": "a", "type": "INT"}, {"name": "b", "type": "STRING"}],
        "rows": [[1, "x"]],
    }
    assert second["rows"] == []


def test_values(sql):
    status, answer = sql(
        "SELECT CAST(9007199254740992 AS BIGINT), CAST(9007199254740993 AS BIGINT), CAST(1.50 AS DECIMAL(10, 2)), "
        "CAST(12345678901234567.89 AS DECIMAL(20, 2)), TIMESTAMP '2026-01-02 03:04:05.678', DATE '2026-01-02', TRUE, "
        "CAST(NULL AS INT), CAST(0.1 AS DOUBLE), U&'x', '\"\\é\n'".replace("U&'x', ", "")
    )
    assert status == 200, answer
    assert answer["results"][0]["rows"] == [
        [
            9007199254740992,
            "9007199254740993",
            1.5,
            "12345678901234567.89",
            "2026-01-02T03:04:05.678Z",
            "2026-01-02",
            True,
            None,
            0.1,
            '"\\é\n',
        ]
    ]


def test_nested_values(sql):
    status, answer = sql(
        "SELECT ARRAY[1, NULL] AS a, MAP['k', ARRAY[1.5]] AS m, "
        "CAST(ROW(9007199254740993, 'x\"') AS ROW<id BIGINT, name STRING>) AS r, CAST(NULL AS ARRAY<INT>) AS n"
    )
    assert status == 200, answer
    result = answer["results"][0]
    assert result["rows"] == [[[1, None], {"k": [1.5]}, {"id": "9007199254740993", "name": 'x"'}, None]]
    assert [column["type"] for column in result["columns"]] == [
        "ARRAY<INT>",
        "MAP<STRING NOT NULL, ARRAY<DECIMAL(2, 1) NOT NULL> NOT NULL>",
        "ROW<`id` BIGINT, `name` STRING>",
        "ARRAY<INT>",
    ]


def test_sql_stops_at_the_first_error_and_says_where(sql):
    status, answer = sql("SELECT 1 AS a;\nSELECT 'é', nothing; SELECT 2 AS b")
    assert (status, answer["error"]["code"]) == (404, "not_found")
    assert [result["rows"] for result in answer["results"]] == [[[1]]]
    assert answer["error"]["position"] == len("SELECT 1 AS a;\nSELECT 'é', ") + 1
    status, answer = sql("SELECT 1 +")
    assert (status, answer["error"]["code"]) == (400, "invalid_argument")


def test_views(url, view):
    views = requests.get(f"{url}/api/v1/views", timeout=10).json()["views"]
    listed = next(v for v in views if v["name"] == f"{view}_view")
    answer = requests.get(f"{url}/api/v1/views/{view}_view", timeout=10).json()
    assert sorted(answer["rows"]) == [["a", 2], ["b", 1]]
    assert answer["truncated"] is False
    assert answer["view"].keys() == listed.keys()
    assert listed["sql"].startswith("CREATE MATERIALIZED VIEW")
    assert listed["columns"] == [{"name": "word", "type": "STRING"}, {"name": "n", "type": "BIGINT"}]
    assert (listed["key"], listed["metric"], listed["time_column"], listed["rows"]) == (["word"], False, None, 2)
    assert answer["epoch"] == listed["epoch"] > 0


def test_a_view_in_part(url, view):
    answer = requests.get(f"{url}/api/v1/views/{view}_view?limit=1", timeout=10).json()
    assert len(answer["rows"]) == 1 and answer["truncated"] is True
    for bad in ("limit=-1", "limit=x", "limit=99999999", "other=1"):
        assert requests.get(f"{url}/api/v1/views/{view}_view?{bad}", timeout=10).status_code == 400


def test_metrics_of_views(url, sql, view):
    status, answer = sql(
        f"CREATE MATERIALIZED VIEW {view}_rate WITH ('metric' = 'true') AS SELECT COUNT(*) AS n FROM {view}; FLUSH"
    )
    assert status == 200, answer
    assert requests.get(f"{url}/api/metrics", timeout=10).json()[f"{view}_rate"] == 3


def test_status(url, view):
    status = requests.get(f"{url}/api/v1/status", timeout=10).json()
    for name in ("uptime_ms", "events_in_total", "events_out_total", "lag_events", "dead_letters_total", "memory_bytes"):
        assert isinstance(status[name], int), name
    for name in ("events_in_per_s", "events_out_per_s"):
        assert isinstance(status[name], (int, float)), name
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", status["time"])
    job = next(job for job in status["jobs"] if job["name"] == f"{view}_view")
    assert (job["kind"], job["state"], job["error"], job["lag_events"]) == ("view", "running", None, 0)
    assert job["events_in_total"] == 3


def test_alerts_and_probes(url):
    assert isinstance(requests.get(f"{url}/api/v1/alerts", timeout=10).json()["alerts"], list)
    for probe in ("livez", "readyz"):
        answer = requests.get(f"{url}/{probe}", timeout=10)
        assert (answer.status_code, answer.text.strip()) == (200, "ok")


def test_prometheus(url):
    answer = requests.get(f"{url}/metrics", timeout=10)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert re.search(r"^# TYPE penstock_http_connections gauge\npenstock_http_connections \d+$", answer.text, re.M)


# --- the console ---


def test_the_console(url):
    page = requests.get(f"{url}/", timeout=10)
    assert page.status_code == 200 and "text/html" in page.headers["content-type"]
    assert page.headers["cache-control"] == "no-cache"
    script = re.search(r'src="\./(assets/[^"]+\.js)"', page.text)[1]
    answer = requests.get(f"{url}/{script}", timeout=10)
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    plain = requests.get(f"{url}/{script}", headers={"Accept-Encoding": "identity"}, timeout=10)
    assert "content-encoding" not in plain.headers and plain.content == answer.content
    again = requests.get(f"{url}/{script}", headers={"If-None-Match": answer.headers["etag"]}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/nothing", "/metrics"])
def test_security_headers_are_everywhere(url, path):
    headers = requests.get(f"{url}{path}", timeout=10).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/assets/../../etc/passwd", "/%2e%2e/etc/passwd", "/assets/", "/index.html/x", "//", "/\\"]
)
def test_nothing_outside_the_console_is_served(server, path):
    assert exchange(server, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")[0] in (400, 404)


# --- pages of other origins ---


def exchange(server, request):
    """Sends raw bytes; gives the status and the whole answer."""
    host, port = server.addresses["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request if isinstance(request, bytes) else request.encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else None, answer


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:7480", ""])
def test_other_host_names_are_refused(server, host):
    status, answer = exchange(server, f"GET /api/v1/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert status in (400, 403, 421)
    assert b"uptime" not in answer


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:7480"])
def test_local_host_names_are_taken(server, host):
    assert exchange(server, f"GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")[0] == 200


def test_a_host_name_of_the_configuration_is_taken(start_server):
    server = start_server("--http-allowed-hosts=penstock.example,other.example")
    for host in ("penstock.example", "Penstock.Example:7480", "other.example"):
        assert exchange(server, f"GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")[0] == 200
    for host in ("evil.example", "evil.penstock.example", "penstock.example.evil"):
        assert exchange(server, f"GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")[0] == 421


def test_pages_of_other_origins_cannot_run_sql(url):
    body = json.dumps({"sql": "SELECT 1"})
    headers = {"Content-Type": "application/json", "Origin": "http://evil.example"}
    assert requests.post(f"{url}/api/v1/sql", data=body, headers=headers, timeout=10).status_code == 403
    assert requests.post(f"{url}/api/v1/sql", data=body, headers=headers | {"Origin": "null"}, timeout=10).status_code == 403
    assert requests.post(f"{url}/api/v1/sql", data=body, headers=headers | {"Origin": url}, timeout=10).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_forms_cannot_run_sql(url, content_type):
    answer = requests.post(f"{url}/api/v1/sql", data='{"sql": "SELECT 1"}', headers={"Content-Type": content_type}, timeout=10)
    assert answer.status_code == 415


# --- hostile clients ---


def test_a_statement_ends_with_its_client(server, url, view):
    """More clients than there are threads for statements ask for what does not end, and go."""
    body = json.dumps({"sql": f"SUBSCRIBE {view}_view"})
    head = f"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    host, port = server.addresses["http"].rsplit(":", 1)
    for _ in range(12):
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall((head + body).encode())
    answer = requests.post(f"{url}/api/v1/sql", json={"sql": "SELECT 1"}, timeout=30)
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"sql": 1}', b'{"sql"', b"\xff\xfe", b"[" * 100_000])
def test_bodies_that_are_no_request(url, body):
    answer = requests.post(f"{url}/api/v1/sql", data=body, headers={"Content-Type": "application/json"}, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_argument"


def test_an_empty_script_has_no_results(sql):
    assert sql("") == (200, {"results": []})
    assert sql(" ; -- nothing") == (200, {"results": []})


def test_methods(url):
    answer = requests.get(f"{url}/api/v1/sql", timeout=10)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert requests.delete(f"{url}/api/v1/views", timeout=10).status_code == 405
    head = requests.head(f"{url}/api/v1/status", timeout=10)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api/v1/views/nothing", "/api/v1/views/%zz"])
def test_what_there_is_not(url, path):
    answer = requests.get(f"{url}{path}", timeout=10)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_malformed_requests_are_refused(server, url, request_bytes):
    status, _ = exchange(server, request_bytes + b"\r\n\r\n")
    assert status is None or 400 <= status < 500
    assert requests.get(f"{url}/livez", timeout=10).status_code == 200


def test_a_connection_takes_many_requests(server):
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    _, answer = exchange(server, request * 50 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 51


def test_gzip_is_only_for_those_who_want_it(server):
    _, answer = exchange(server, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"<!doctype html>" in answer
    _, answer = exchange(server, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"gzip" in head.lower() and gzip.decompress(body).startswith(b"<!doctype html>")
