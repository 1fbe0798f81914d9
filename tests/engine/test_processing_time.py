"""Windows of the clock, with a real clock: they close when nothing else happens, and an INSERT writes none twice."""

TABLES = """
CREATE TABLE clicks (page STRING, seen AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');
CREATE TABLE out (page STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');
"""
COUNTS = """
SELECT page, COUNT(*) AS n FROM TABLE({window}(TABLE clicks {keys}, DESCRIPTOR(seen), INTERVAL '1' SECOND))
GROUP BY page, window_start, window_end"""


def test_a_window_closes_when_its_time_has_come(server):
    """No row comes behind those that are in it."""
    server.sql(TABLES)
    for window, keys in (("TUMBLE", ""), ("SESSION", "PARTITION BY page")):
        server.sql(f"CREATE MATERIALIZED VIEW {window}s AS {COUNTS.format(window=window, keys=keys)}")
    server.sql("INSERT INTO clicks VALUES ('a'), ('b'), ('a')")
    for window in ("TUMBLE", "SESSION"):
        server.wait_for(f"SELECT page, SUM(n) FROM {window}s GROUP BY page ORDER BY page", [["a", 2], ["b", 1]])


def test_an_insert_counts_nothing_again_after_a_restart(server):
    server.sql(TABLES + "INSERT INTO out " + COUNTS.format(window="TUMBLE", keys=""))
    total = 0
    for page in ("a", "b", "c"):
        server.sql(f"INSERT INTO clicks VALUES ('{page}'), ('{page}')")
        total += 2
        # What was read again would be in the same window, or an earlier one.
        server.wait_for(f"SELECT COALESCE(SUM(n), 0) FROM out WHERE page = '{page}'", [[2]])
        assert server.sql("SELECT SUM(n) FROM out") == [[total]]
        server.restart()


def test_a_row_comes_into_a_view_when_its_time_has_come(server):
    """Nothing else happens then."""
    server.sql("""CREATE TABLE t (k STRING, at TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
        CREATE MATERIALIZED VIEW come AS SELECT k FROM t WHERE at <= NOW();
        CREATE MATERIALIZED VIEW counts AS SELECT COUNT(*) AS n FROM t WHERE at > NOW();
        INSERT INTO t SELECT 'a', NOW() + INTERVAL '1' SECOND""")
    server.wait_for("SELECT k FROM come", [["a"]])
    server.wait_for("SELECT n FROM counts", [[0]])
