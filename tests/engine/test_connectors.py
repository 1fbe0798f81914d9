"""Connectors over HTTP: datagen, print, blackhole, files, and what is refused when a table or a job is created."""

import pathlib
import re

import pytest
import requests

ORDERS = """
CREATE TABLE orders (item STRING, price DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
"""


def test_print_shows_every_change(server):
    server.sql(ORDERS + "CREATE TABLE p (item STRING, n BIGINT) WITH ('connector' = 'print', 'print-identifier' = 'p');")
    server.sql("INSERT INTO p VALUES ('ink', 1), (NULL, 2)")
    assert server.printed(2) == ["p> +I[ink, 1]", "p> +I[null, 2]"]
    server.sql("INSERT INTO p SELECT item, COUNT(*) FROM orders GROUP BY item")
    server.sql("INSERT INTO orders VALUES ('pen', 1); FLUSH")
    server.sql("INSERT INTO orders VALUES ('pen', 2); FLUSH")
    lines = [line.split("> ")[1] for line in server.printed(3)]
    assert lines[0] == "+I[pen, 1]" and sorted(lines[1:]) == ["+U[pen, 2]", "-U[pen, 1]"]


def test_a_table_with_an_end_is_written_by_the_statement(server):
    server.sql(ORDERS + """
        CREATE TABLE numbers (n BIGINT, x DOUBLE) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence',
          'fields.n.start' = '1', 'fields.n.end' = '100000', 'rows-per-second' = '100000000', 'fields.x.min' = '0', 'fields.x.max' = '1');
        CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');""")
    assert server.run("INSERT INTO b SELECT n FROM numbers WHERE n > 10")["tag"] == "INSERT 0 99990"
    server.sql("INSERT INTO orders SELECT CAST(n AS STRING), x FROM numbers")
    assert server.sql("SELECT COUNT(*), COUNT(DISTINCT item), MIN(price) >= 0, MAX(price) <= 1 FROM orders") == [
        [100_000, 100_000, True, True]]
    # An aggregate over a table with an end is final when it is written.
    assert server.run("INSERT INTO orders SELECT 'sum', SUM(n) FROM numbers")["tag"] == "INSERT 0 1"
    assert server.sql("SELECT price FROM orders WHERE item = 'sum'") == [[5_000_050_000.0]]
    assert server.sql("SHOW JOBS") == []


def test_a_view_of_a_table_with_an_end_is_finished_and_stays(server):
    server.sql("""
        CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000',
          'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '5000');
        CREATE MATERIALIZED VIEW sums AS SELECT n % 2 AS odd, SUM(n) AS total FROM numbers GROUP BY n % 2; FLUSH""")
    expected = [[0, 6_252_500], [1, 6_250_000]]
    assert server.sql("SELECT odd, total FROM sums ORDER BY odd") == expected
    server.restart()
    server.sql("FLUSH")
    assert server.sql("SELECT odd, total FROM sums ORDER BY odd") == expected


def test_an_insert_from_datagen_goes_on_where_it_was(server):
    """Rows are a function of their number, so after a kill neither one is missing nor one is there twice."""
    server.sql(ORDERS + """
        CREATE TABLE ticks (n BIGINT, x DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'seed' = '7');
        INSERT INTO orders SELECT CAST(n AS STRING), x FROM ticks""")
    for _ in range(3):
        before = server.sql("SELECT COUNT(*) FROM orders")[0][0]
        while server.sql("SELECT COUNT(*) FROM orders")[0][0] < before + 500:
            pass
        server.restart()
    server.sql("DROP JOB insert_orders")
    written = [row[0] for row in server.sql("SELECT item FROM orders")]
    assert len(written) > 1500 and len(set(written)) == len(written)
    server.sql("""CREATE TABLE again (n BIGINT, x DOUBLE) WITH ('connector' = 'datagen', 'seed' = '7', 'number-of-rows' = '""" +
               f"{len(written)}')")
    assert sorted(row[0] for row in server.sql("SELECT CAST(n AS STRING) FROM again")) == sorted(written)


def test_a_long_insert_ends_when_its_client_goes(server):
    server.sql("""
        CREATE TABLE slow (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1', 'number-of-rows' = '1000000');
        CREATE TABLE b (n INT) WITH ('connector' = 'blackhole');""")
    with pytest.raises(requests.exceptions.ReadTimeout):
        server.post("INSERT INTO b SELECT n FROM slow", timeout=1)


def test_what_a_connector_cannot_do_is_refused_at_creation(server):
    server.sql(ORDERS + "CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');")
    assert "takes only inserts" in server.error("INSERT INTO orders SELECT item, SUM(price) FROM orders GROUP BY item")
    assert server.sql("SHOW JOBS") == []
    assert "cannot be read" in server.error("SELECT * FROM b")
    assert "cannot be written" in server.error(
        "CREATE TABLE g (n INT) WITH ('connector' = 'datagen'); INSERT INTO g VALUES (1)")
    kafka = "WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json')"
    assert 'did you mean "offset"' in server.error(f"CREATE TABLE m (o BIGINT METADATA FROM 'ofset' VIRTUAL) {kafka}")
    assert "cannot be read as INT" in server.error(f"CREATE TABLE m (o INT METADATA FROM 'offset' VIRTUAL) {kafka}")
    assert "declare the column VIRTUAL" in server.error(
        f"CREATE TABLE m (item STRING, o BIGINT METADATA FROM 'offset') {kafka}; INSERT INTO m VALUES ('a', 1)")
    assert 'did you mean "kafka"' in server.error("CREATE TABLE m (a INT) WITH ('connector' = 'kafak')")


def test_the_timestamp_of_a_record_is_metadata_both_ways(server):
    server.sql("""CREATE TABLE events (item STRING, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', o BIGINT METADATA FROM 'offset' VIRTUAL)
                  WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
                  INSERT INTO events VALUES ('pen', TO_TIMESTAMP_LTZ(1234, 3))""")
    assert server.sql("SELECT item, CAST(at AS STRING), o FROM events") == [["pen", "1970-01-01 00:00:01.234", 0]]


def test_the_examples_of_the_documentation_work(server):
    page = (pathlib.Path(__file__).parents[2] / "docs/connectors.md").read_text()
    examples = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        server.sql(example)


def test_a_table_that_comes_at_a_rate_is_looked_up_when_it_is_whole(server):
    """It has an end, so it is there when that has come, and not when it waits for the first time."""
    server.sql("""
        CREATE TABLE names (id BIGINT, name AS 'n' || CAST(id AS STRING))
          WITH ('connector' = 'datagen', 'rows-per-second' = '2000', 'fields.id.kind' = 'sequence',
                'fields.id.start' = '0', 'fields.id.end' = '999');
        CREATE TABLE visits (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json');
        INSERT INTO visits VALUES (0), (500), (999);
        CREATE MATERIALIZED VIEW named AS SELECT v.id, n.name FROM (SELECT *, PROCTIME() AS now FROM visits) AS v
          JOIN names FOR SYSTEM_TIME AS OF v.now AS n ON n.id = v.id;
        FLUSH""")
    assert server.sql("SELECT name FROM named ORDER BY id") == [["n0"], ["n500"], ["n999"]]
