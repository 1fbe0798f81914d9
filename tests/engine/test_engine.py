"""The program as a whole over HTTP: statements, views, dead letters, jobs that survive kill -9, and the demo."""

import os
import pathlib
import re
import subprocess
import time

import penstock_server
import requests

BIN = penstock_server.binary()
STOP_SECONDS = 30

ORDERS = """
CREATE TABLE orders (item STRING, price DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
"""
TOTALS = "CREATE MATERIALIZED VIEW totals AS SELECT item, COUNT(*) AS n, SUM(price) AS total FROM orders GROUP BY item;"
ROWS = """
INSERT INTO orders VALUES ('pen', 2.5, TIMESTAMP '2026-01-01 00:00:01'), ('ink', 8.0, TIMESTAMP '2026-01-01 00:00:03'),
                          ('pen', 3.5, TIMESTAMP '2026-01-01 00:01:30');
"""


def test_statements_and_views(server):
    server.sql(ORDERS + TOTALS + ROWS + "FLUSH")
    assert server.sql("SELECT item, n, total FROM totals ORDER BY item") == [["ink", 1, 8.0], ["pen", 2, 6.0]]
    assert server.sql("SELECT COUNT(*) FROM orders WHERE price > 3") == [[2]]
    assert server.sql("SELECT item FROM orders ORDER BY price DESC LIMIT 1") == [["ink"]]
    view = requests.get(server.url + "/api/v1/views/totals", timeout=10).json()
    assert view["view"]["key"] == ["item"] and len(view["rows"]) == 2
    assert any("ScanTable" in row[0] for row in server.sql("EXPLAIN SELECT item FROM orders"))
    assert [row[0] for row in server.sql("SHOW MATERIALIZED VIEWS")] == ["totals"]


def test_flush_waits_for_views_of_views(server):
    """Every view of a chain shows what was written before the FLUSH, however short the time since."""
    server.sql(ORDERS + TOTALS)
    for depth in range(5):
        server.sql(f"CREATE MATERIALIZED VIEW level{depth} AS SELECT item, n, total FROM {f'level{depth - 1}' if depth else 'totals'}")
    for number in range(1, 30):
        server.sql("INSERT INTO orders VALUES ('pen', 1, TIMESTAMP '2026-01-01 00:00:01'); FLUSH")
        assert server.sql("SELECT n FROM level4") == [[number]]


def test_a_view_reads_all_that_was_there_before_it(server):
    """More than one fetch of it, with nothing appended afterwards that would wake the reader."""
    server.sql(ORDERS)
    for _ in range(8):
        server.sql("INSERT INTO orders VALUES ('" + "x" * 500_000 + "', 1, TIMESTAMP '2026-01-01 00:00:01')")
    server.sql("CREATE MATERIALIZED VIEW counts AS SELECT COUNT(*) AS n FROM orders; FLUSH")
    assert server.sql("SELECT n FROM counts") == [[8]]


def test_windows_close_with_the_watermark(server):
    server.sql(ORDERS + """
        CREATE MATERIALIZED VIEW minutes AS
        SELECT window_start, item, SUM(price) AS total
        FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
        GROUP BY window_start, window_end, item;""" + ROWS + "FLUSH")
    assert server.sql("SELECT item, total FROM minutes ORDER BY item") == [["ink", 8.0], ["pen", 2.5]]
    late = "INSERT INTO orders VALUES ('pen', 100, TIMESTAMP '2026-01-01 00:00:10'); FLUSH"
    server.sql(late)
    assert server.sql("SELECT item, total FROM minutes ORDER BY item") == [["ink", 8.0], ["pen", 2.5]]
    assert server.sql("SELECT late_dropped FROM sys.jobs WHERE name = 'minutes'") == [[1]]


def test_the_row_patterns_of_the_documentation_work(server):
    page = (pathlib.Path(__file__).parents[2] / "docs/sql/match-recognize.md").read_text()
    falls, fraud = re.search(r"```sql\n(.*?)```", page, re.DOTALL)[1].split(";\n\n")
    for table, columns in (("ticker", "symbol STRING, price BIGINT"), ("payments", "card STRING, amount DOUBLE")):
        server.sql(f"""CREATE TABLE {table} ({columns}, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
                       WITH ('connector' = 'kafka', 'topic' = '{table}', 'format' = 'json')""")
    prices = [12, 17, 19, 21, 25, 18, 15, 14, 24, 25, 19]
    server.sql("INSERT INTO ticker VALUES " + ", ".join(
        f"('ACME', {price}, TIMESTAMP '2026-01-01 10:00:{second:02}')" for second, price in enumerate(prices)))
    server.sql("""INSERT INTO payments VALUES
                  ('c1', 0.5, TIMESTAMP '2026-01-01 10:00:00'), ('c2', 0.5, TIMESTAMP '2026-01-01 10:00:00'),
                  ('c1', 501, TIMESTAMP '2026-01-01 10:00:59'), ('c2', 501, TIMESTAMP '2026-01-01 10:01:00')""")
    at = "2026-01-01T10:00:{}.000Z".format
    assert server.sql(falls) == [["ACME", at("04"), at("07"), at("08")]]
    assert server.sql(fraud) == [["c1", 0.5, 501.0, at("59")]]


def test_temporary_objects_end_with_their_session(server):
    made = """CREATE TEMPORARY TABLE notes (id BIGINT);
              CREATE TEMPORARY VIEW twice AS SELECT id * 2 AS id FROM notes;
              CREATE TEMPORARY FUNCTION half(a BIGINT) AS a / 2;
              INSERT INTO notes VALUES (4); SELECT half(id) FROM twice"""
    assert server.sql(made) == [[4]]
    assert server.sql("SHOW TABLES") == []
    assert server.sql("SHOW USER FUNCTIONS") == []
    assert server.sql("SHOW TOPICS LIKE 'penstock.table.%'") == []
    assert server.sql(made) == [[4]]  # the names are free again


def test_inserts_that_use_temporary_objects_end_with_their_session(server):
    tables = """CREATE TABLE orders (item STRING) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
                CREATE TABLE out (item STRING) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');"""
    server.sql(tables)
    made = """CREATE TEMPORARY VIEW pens AS SELECT item FROM orders WHERE item LIKE '%pen';
              INSERT INTO out SELECT item FROM pens;
              INSERT INTO orders VALUES ('pen'), ('cap'); FLUSH; SELECT name, state FROM sys.jobs"""
    assert server.sql(made) == [["insert_out", "running"]]
    assert server.sql("SELECT item FROM out") == [["pen"]]
    assert server.sql("SELECT name FROM sys.jobs") == []
    assert server.sql(made) == [["insert_out", "running"]]
    server.restart()
    assert server.sql("SELECT name FROM sys.jobs") == []
    assert server.sql("SELECT item FROM out") == [["pen"]] * 3, "each begins with what is there"
    assert server.sql("SHOW TOPICS LIKE 'penstock.job.%'") == []


def test_a_statement_set_is_one_statement_of_a_script(server):
    server.sql(ORDERS + """
        CREATE TABLE cheap (item STRING) WITH ('connector' = 'kafka', 'topic' = 'cheap', 'format' = 'json');
        CREATE TABLE dear (item STRING) WITH ('connector' = 'kafka', 'topic' = 'dear', 'format' = 'json');
        EXECUTE STATEMENT SET BEGIN
          INSERT INTO cheap SELECT CASE WHEN price > 0 THEN item END FROM orders WHERE price < 5;
          INSERT INTO dear SELECT item FROM orders WHERE price >= 5;
        END;""" + ROWS + "FLUSH")
    assert server.sql("SELECT name FROM sys.jobs WHERE kind = 'insert' ORDER BY name") == [["insert_cheap"], ["insert_dear"]]
    assert server.sql("SELECT COUNT(*) FROM (SELECT * FROM cheap UNION ALL SELECT * FROM dear)") == server.sql(
        "SELECT COUNT(*) FROM orders")


def test_errors_say_where_and_what(server):
    server.sql(ORDERS)
    answer = server.post("SELECT prise FROM orders")
    assert answer.status_code == 400 or answer.status_code == 404
    error = answer.json()["error"]
    assert error["position"] == 8 and "price" in error.get("hint", "") + error["message"]
    assert server.post("SELEC 1").json()["error"]["position"] == 1
    assert server.post("CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topik' = 'x', 'format' = 'json')").status_code == 400
    assert server.post("DROP TABLE nothing").status_code == 404
    deep = server.post("SELECT " + "(" * 100_000)
    assert deep.status_code == 413 and "nest" in deep.json()["error"]["message"]


def test_malformed_events_become_dead_letters(server):
    server.sql(ORDERS + """
        CREATE TABLE raw (line STRING) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'raw');""" + TOTALS)
    server.sql("INSERT INTO raw VALUES ('not json'), ('{\"item\": \"pen\", \"price\": \"much\"}');" + ROWS + "FLUSH")
    assert server.sql("SELECT n FROM totals ORDER BY item") == [[1], [2]]
    letters = server.sql("SELECT topic, \"offset\", error FROM penstock.dead_letters ORDER BY \"offset\"")
    assert [letter[:2] for letter in letters] == [["orders", 0], ["orders", 1]]
    assert all(letter[2] for letter in letters)


def test_views_and_jobs_survive_kill_9(server):
    server.sql(ORDERS + TOTALS + """
        CREATE TABLE dear (item STRING, price DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'dear', 'format' = 'json');
        INSERT INTO dear SELECT item, price FROM orders WHERE price > 3;
        CREATE TABLE per_minute (item STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'per_minute', 'format' = 'json');
        INSERT INTO per_minute SELECT item, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
        GROUP BY window_start, window_end, item;""")
    for round_number in range(4):
        server.sql(f"INSERT INTO orders VALUES ('pen', 4.0, TIMESTAMP '2026-01-01 00:0{round_number}:00'); FLUSH")
        server.restart()
    server.sql("FLUSH")
    assert server.sql("SELECT n, total FROM totals") == [[4, 16.0]]
    assert server.sql("SELECT COUNT(*) FROM dear") == [[4]]
    # The watermark is two seconds behind 00:03:00, so two windows are closed, each written once.
    assert server.sql("SELECT item, n FROM per_minute") == [["pen", 1]] * 2


def test_alerts_fire_and_resolve(server):
    server.sql(ORDERS + TOTALS + "CREATE ALERT big SEVERITY 'HIGH' NOTIFY log AS SELECT item, total FROM totals WHERE total > 7;")

    def states():
        alerts = requests.get(server.url + "/api/v1/alerts", timeout=10).json()["alerts"]
        return [(alert["state"], alert["values"]["item"]) for alert in alerts]

    def wait_for(expected):
        deadline = time.monotonic() + STOP_SECONDS
        while states() != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert states() == expected

    server.sql(ROWS)
    wait_for([("firing", "ink")])
    server.sql("INSERT INTO orders VALUES ('ink', -5, TIMESTAMP '2026-01-01 00:02:00')")
    wait_for([("resolved", "ink")])
    assert server.sql("SELECT alert, state FROM sys.alerts") == [["big", "resolved"]]


def test_the_demo_checks_itself(tmp_path):
    done = subprocess.run(
        [BIN, "demo", "--kafka", "127.0.0.1:0", "--pg", "127.0.0.1:0", "--http", "127.0.0.1:0", "--duration", "5s", "--check"],
        capture_output=True, text=True, timeout=180, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert "check passed" in done.stdout
    assert not list(tmp_path.iterdir()), "the demo leaves nothing behind"


def test_one_server_per_data_directory(server):
    second = subprocess.run([BIN, "serve", "--data-dir", str(server.data_dir), "--kafka", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and "in use" in second.stderr


def test_metrics_follow_a_view_to_its_new_name(server):
    server.sql("CREATE TABLE t (a INT); CREATE MATERIALIZED VIEW before AS SELECT COUNT(*) AS n FROM t")
    server.sql("ALTER MATERIALIZED VIEW before RENAME TO after")
    metrics = requests.get(f"{server.url}/metrics", timeout=30).text
    assert 'penstock_engine_state_bytes{job="after",kind="view"}' in metrics
    assert 'job="before"' not in metrics
    server.sql("DROP MATERIALIZED VIEW after")
    assert 'job="after"' not in requests.get(f"{server.url}/metrics", timeout=30).text
