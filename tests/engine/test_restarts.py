"""Where jobs go on after kill -9: what they had read, where they begin and end, and what time it was for them."""

import sqlite3
import time


def orders_table(name, topic="orders", **options):
    more = "".join(f", '{key.replace('_', '.')}' = '{value}'" for key, value in options.items())
    return f"""CREATE TABLE {name} (item STRING, price DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
               WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'json'{more});"""


def test_each_scan_of_a_topic_goes_on_where_it_was(server):
    """One of the two ends before the other, so that what both have read is less than what the other has."""
    server.sql(orders_table("orders"))
    server.sql("""CREATE TABLE begun (item STRING) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json',
                  'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:1');
                  CREATE TABLE out (item STRING) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');
                  INSERT INTO out SELECT item FROM orders UNION ALL SELECT item || '!' FROM begun;""")
    for item in ("pen", "ink", "cap"):
        server.sql(f"INSERT INTO orders VALUES ('{item}', 1, TIMESTAMP '2026-01-01 00:00:00'); FLUSH")
    for _ in range(3):
        server.restart()
        server.sql("FLUSH")
        assert server.sql("SELECT item FROM out ORDER BY item") == [["cap"], ["ink"], ["pen"], ["pen!"]]


def test_a_scan_joined_with_itself_writes_nothing_again(server):
    server.sql(orders_table("orders") + """
        CREATE TABLE pairs (a STRING, b STRING) WITH ('connector' = 'kafka', 'topic' = 'pairs', 'format' = 'json');
        INSERT INTO pairs SELECT a.item, b.item FROM orders AS a JOIN orders AS b ON a.price = b.price;""")
    for turn in range(3):
        server.sql(f"INSERT INTO orders VALUES ('{turn}', 1, TIMESTAMP '2026-01-01 00:00:00'); FLUSH")
        server.restart()
    server.sql("FLUSH")
    assert server.sql("SELECT a, b FROM pairs ORDER BY a, b") == [[str(a), str(b)] for a in range(3) for b in range(3)]


def test_each_scan_reads_a_topic_that_was_made_anew_from_its_beginning(server):
    """Both after a restart: what runs while its topic is deleted fails."""
    tables = orders_table("orders") + orders_table("again")
    server.sql(tables + """
        CREATE TABLE both (item STRING) WITH ('connector' = 'kafka', 'topic' = 'both', 'format' = 'json');
        CREATE TABLE pairs (a STRING, b STRING) WITH ('connector' = 'kafka', 'topic' = 'pairs', 'format' = 'json');
        CREATE TABLE hours (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'hours', 'format' = 'json');
        INSERT INTO both SELECT item FROM orders UNION ALL SELECT item || '!' FROM again;
        INSERT INTO pairs SELECT a.item, b.item FROM orders AS a JOIN again AS b ON a.price = b.price;
        INSERT INTO hours SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' HOUR))
        GROUP BY window_start, window_end;
        INSERT INTO orders VALUES ('old', 1, TIMESTAMP '2026-01-01 00:00:00'), ('old', 2, TIMESTAMP '2026-01-01 03:00:00');
        FLUSH; DROP TOPIC orders""")
    server.sql(tables.replace("TABLE ", "TEMPORARY TABLE new_"))
    server.restart()
    server.sql("INSERT INTO orders VALUES ('new', 3, TIMESTAMP '2025-01-01 00:00:00'); FLUSH")
    assert server.sql("SELECT item FROM both WHERE item LIKE 'new%' ORDER BY item") == [["new"], ["new!"]]
    assert server.sql("SELECT a, b FROM pairs WHERE a = 'new'") == [["new", "new"]]
    server.sql("INSERT INTO orders VALUES ('new', 4, TIMESTAMP '2025-01-01 01:00:00'); FLUSH")
    assert server.sql("SELECT n FROM hours") == [[1], [1]]


def test_what_was_the_latest_offset_when_a_job_was_made_stays_its_beginning(server):
    server.sql(orders_table("orders") + orders_table("news", scan_startup_mode="latest-offset") + """
        CREATE TABLE hours (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'hours', 'format' = 'json');
        INSERT INTO orders VALUES ('old', 1, TIMESTAMP '2026-01-01 00:00:00');
        CREATE MATERIALIZED VIEW counts AS SELECT COUNT(*) AS n FROM news;
        INSERT INTO hours SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE news, DESCRIPTOR(ts), INTERVAL '1' HOUR))
        GROUP BY window_start, window_end;
        INSERT INTO orders VALUES ('new', 1, TIMESTAMP '2026-01-01 00:10:00'), ('new', 1, TIMESTAMP '2026-01-01 00:20:00');
        FLUSH""")
    for _ in range(2):
        assert server.sql("SELECT n FROM counts") == [[2]]
        server.restart()
        server.sql("FLUSH")
    server.sql("INSERT INTO orders VALUES ('new', 1, TIMESTAMP '2026-01-01 01:00:00'); FLUSH")
    assert server.sql("SELECT n FROM counts") == [[3]]
    assert server.sql("SELECT n FROM hours") == [[2]], "the window that was open has both its rows"


def test_what_was_the_latest_offset_when_a_job_was_made_stays_its_end(server):
    server.sql(orders_table("orders") + orders_table("past", scan_bounded_mode="latest-offset") + """
        INSERT INTO orders VALUES ('old', 1, TIMESTAMP '2026-01-01 00:00:00');
        CREATE MATERIALIZED VIEW counts AS SELECT COUNT(*) AS n FROM past;
        INSERT INTO orders VALUES ('new', 1, TIMESTAMP '2026-01-01 00:10:00'); FLUSH""")
    assert server.sql("SELECT n FROM counts") == [[1]]
    server.restart()
    server.sql("FLUSH")
    assert server.sql("SELECT n FROM counts") == [[1]]


def test_windows_that_an_idle_partition_let_close_are_not_written_again(start_server):
    server = start_server("--kafka-default-partitions=2")
    options = "'connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', 'key.fields' = 'item'"
    server.sql(f"""
        CREATE TABLE orders (item STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
        WITH ({options}, 'scan.watermark.idle-timeout' = '300 ms');
        CREATE TABLE out (item STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');
        INSERT INTO out SELECT item, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
        GROUP BY window_start, window_end, item;
        INSERT INTO orders VALUES ('pen', TIMESTAMP '2026-01-01 00:00:00'), ('pen', TIMESTAMP '2026-01-01 00:01:00')""")
    server.wait_for("SELECT item, n FROM out", [["pen", 1]])
    server.restart()
    server.sql("INSERT INTO orders VALUES ('pen', TIMESTAMP '2026-01-01 00:02:00')")
    server.wait_for("SELECT COUNT(*) > 1 FROM out", [[True]])
    time.sleep(0.5)  # the other partition is idle again: nothing comes of that
    assert server.sql("SELECT item, n FROM out") == [["pen", 1], ["pen", 1]]


def test_a_key_is_written_once_within_its_interval_also_by_what_is_read_at_once_after_a_restart(server):
    server.sql(orders_table("orders") + """
        CREATE TABLE once (item STRING, price DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'once', 'format' = 'json');
        INSERT INTO once SELECT item, price
        FROM TABLE(DEDUPLICATE(TABLE orders PARTITION BY item, DESCRIPTOR(ts), INTERVAL '24' HOUR));""")
    for row in ("'pen', 1, TIMESTAMP '2026-01-01 00:00:00'", "'ink', 2, TIMESTAMP '2026-01-02 00:00:00'",
                "'pen', 3, TIMESTAMP '2026-01-02 00:00:01'"):
        server.sql(f"INSERT INTO orders VALUES ({row}); FLUSH")
    server.restart()
    server.sql("INSERT INTO orders VALUES ('pen', 4, TIMESTAMP '2026-01-02 00:00:02'); FLUSH")
    assert server.sql("SELECT price FROM once ORDER BY price") == [[1], [2], [3]]
    # The watermark has not passed the pen by the interval yet, and then the cup has moved it there.
    server.sql("INSERT INTO orders VALUES ('pen', 5, TIMESTAMP '2026-01-03 00:00:01'); FLUSH")
    server.restart()
    server.sql("INSERT INTO orders VALUES ('cup', 6, TIMESTAMP '2026-01-03 00:00:02'); FLUSH")
    server.sql("INSERT INTO orders VALUES ('pen', 7, TIMESTAMP '2026-01-03 00:00:03'); FLUSH")
    server.restart()
    server.sql("FLUSH")
    assert server.sql("SELECT price FROM once ORDER BY price") == [[1], [2], [3], [6], [7]]


def test_a_look_up_waits_for_no_interval_after_a_restart(server):
    """The view that it looks up is ready when it has been computed again."""
    server.sql(orders_table("sales", topic="sales") + orders_table("orders") + """
        CREATE MATERIALIZED VIEW sold AS SELECT item, COUNT(*) AS n FROM sales GROUP BY item EMIT EVERY INTERVAL '1' HOUR;
        CREATE MATERIALIZED VIEW looked AS SELECT o.item, s.n FROM orders AS o
        LEFT JOIN sold FOR SYSTEM_TIME AS OF PROCTIME() AS s ON s.item = o.item;
        INSERT INTO sales VALUES ('pen', 1, TIMESTAMP '2026-01-01 00:00:00'), ('pen', 1, TIMESTAMP '2026-01-01 00:00:00');
        FLUSH;
        INSERT INTO orders VALUES ('pen', 1, TIMESTAMP '2026-01-01 00:00:00');
        FLUSH""")
    assert server.sql("SELECT item, n FROM looked") == [["pen", 2]]
    server.restart()
    server.wait_for("SELECT item, n FROM looked", [["pen", 2]])


def test_a_view_forgets_after_the_time_that_was_set_when_it_was_made(server):
    server.sql("""SET 'table.exec.state.ttl' = '1 s';
        CREATE TABLE t (k STRING, v BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
        CREATE MATERIALIZED VIEW totals AS SELECT k, COUNT(*) AS n, MAX(v) AS m FROM t GROUP BY k;""")
    server.restart()
    server.sql("INSERT INTO t VALUES ('a', 5), ('b', 5); FLUSH")
    assert server.sql("SELECT k, n, m FROM totals ORDER BY k") == [["a", 1, 5], ["b", 1, 5]]
    time.sleep(1.5)  # what has been updated is kept for a second, and no longer
    server.sql("INSERT INTO t VALUES ('a', 3); FLUSH")
    assert server.sql("SELECT k, n, m FROM totals ORDER BY k") == [["a", 1, 3], ["b", 1, 5]]


def test_a_change_that_is_refused_is_at_no_time_in_the_catalog(server):
    """Or a kill in the middle of it would leave views that cannot be read."""
    server.sql(orders_table("orders") + "CREATE VIEW pens AS SELECT price FROM orders WHERE item = 'pen'")
    catalog = sqlite3.connect(f"file:{server.data_dir}/catalog.sqlite?mode=ro", uri=True)

    def version():
        return catalog.execute("PRAGMA data_version").fetchone()

    before = version()
    for change in ("DROP item", "MODIFY price STRING", "RENAME price TO cost"):
        assert "view pens could not go on with it" in server.error(f"ALTER TABLE orders {change}")
    assert version() == before
    server.sql("ALTER TABLE orders ADD note STRING")
    assert version() != before
    catalog.close()


def test_what_came_and_went_by_the_clock_while_the_program_was_down_is_written_once(server):
    server.sql("""
        CREATE TABLE offers (id BIGINT, valid_from TIMESTAMP_LTZ(3), valid_to TIMESTAMP_LTZ(3))
        WITH ('connector' = 'kafka', 'topic' = 'offers', 'format' = 'json');
        CREATE TABLE valid (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'valid', 'format' = 'debezium-json');
        CREATE TABLE events (event STRING) WITH ('connector' = 'kafka', 'topic' = 'valid', 'format' = 'raw');
        INSERT INTO valid SELECT id FROM offers WHERE NOW() BETWEEN valid_from AND valid_to;
        INSERT INTO offers VALUES (1, NOW() - INTERVAL '1' HOUR, NOW() + INTERVAL '3' SECOND),
        (2, NOW() + INTERVAL '3' SECOND, NOW() + INTERVAL '1' HOUR), (3, NOW() - INTERVAL '1' HOUR, NOW() + INTERVAL '1' HOUR);
        FLUSH""")
    server.kill()
    time.sleep(3)  # their times pass; were it later, they would have passed before
    for _ in range(3):
        server.restart()
        server.wait_for("SELECT id FROM valid ORDER BY id", [[2], [3]])
        counts = "SELECT JSON_VALUE(event, '$.op'), COUNT(*) FROM events GROUP BY 1 ORDER BY 1"
        server.wait_for(counts, [["c", 3], ["d", 1]])
