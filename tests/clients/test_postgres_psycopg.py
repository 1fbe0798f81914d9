"""psycopg 3: text and binary, prepared statements, pipelines, cancel, transactions, SUBSCRIBE."""

import datetime
import decimal
import threading
import uuid

import psycopg
import pytest
from psycopg import errors, sql


@pytest.fixture
def connect(server):
    opened = []

    def connect(**options):
        host, port = server.addresses["pg"].rsplit(":", 1)
        options = {"autocommit": True, "user": "me", "dbname": "d", "connect_timeout": 10} | options
        opened.append(psycopg.connect(host=host, port=port, **options))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def table(connection, topic):
    """A table of numbers and words over a topic of its own."""
    name = topic.replace("-", "_")
    connection.execute(
        f"CREATE TABLE {name} (id BIGINT, word STRING, amount DECIMAL(10, 2)) "
        f"WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset')"
    )
    return name


def insert(connection, table, rows):
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)", rows)


ROWS = [(1, "one", decimal.Decimal("1.50")), (2, "two", decimal.Decimal("-2.25")), (3, None, None)]

TYPES = {
    "CAST(1 AS TINYINT)": 1,
    "CAST(-32768 AS SMALLINT)": -32768,
    "CAST(2147483647 AS INT)": 2147483647,
    "CAST(-9223372036854775807 AS BIGINT)": -9223372036854775807,
    "CAST(1.5 AS FLOAT)": 1.5,
    "CAST(1E300 AS DOUBLE)": 1e300,
    "CAST(-1234567.89 AS DECIMAL(12, 4))": decimal.Decimal("-1234567.8900"),
    "CAST(0.0001 AS DECIMAL(20, 10))": decimal.Decimal("0.0001000000"),
    "'hé \U0001f600'": "hé \U0001f600",
    "x'00ff'": b"\x00\xff",
    "DATE '1969-12-31'": datetime.date(1969, 12, 31),
    "TIME '03:04:05'": datetime.time(3, 4, 5),
    "TIMESTAMP '2026-01-02 03:04:05.678'": datetime.datetime(2026, 1, 2, 3, 4, 5, 678000),
    "CAST(TIMESTAMP '2026-01-02 03:04:05.678' AS TIMESTAMP_LTZ(3))": datetime.datetime(
        2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc
    ),
    "TRUE": True,
    "INTERVAL '90' MINUTE": datetime.timedelta(minutes=90),
    "CAST(NULL AS STRING)": None,
    "ARRAY[1, NULL, -3]": [1, None, -3],
    "ARRAY['a', 'b c', '', 'NULL', '\"\\,{}']": ["a", "b c", "", "NULL", '"\\,{}'],
    "ARRAY[CAST(1.5 AS DECIMAL(5, 2))]": [decimal.Decimal("1.50")],
    "ARRAY[DATE '2026-01-02']": [datetime.date(2026, 1, 2)],
    "CAST(ARRAY[] AS ARRAY<BIGINT>)": [],
    "ARRAY[ARRAY[1], ARRAY[2, 3]]": [[1], [2, 3]],
    "MAP['a', 1.5, 'b', NULL]": {"a": 1.5, "b": None},
    "CAST(ROW(1, 'x', ARRAY[TRUE]) AS ROW<a INT, b STRING, c ARRAY<BOOLEAN>>)": {"a": 1, "b": "x", "c": [True]},
}


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_every_type(connection, binary):
    row = connection.execute("SELECT " + ", ".join(TYPES), binary=binary).fetchone()
    for expression, (value, expected) in zip(TYPES, zip(row, TYPES.values())):
        assert value == expected and type(value) is type(expected), expression


def test_times_as_postgresql_writes_them(connection):
    for written in ["10:11:12", "10:11:12.5", "00:00:00"]:
        row = connection.execute(f"SELECT TIME '{written}'", binary=False)
        assert row.pgresult.get_value(0, 0).decode() == written


def test_options_of_flink_that_change_nothing(connection):
    connection.execute("SET 'pipeline.name' = 'x'")
    assert connection.execute("SHOW 'pipeline.name'").fetchone() == ("x",)
    assert ("pipeline.name", "x", "Taken for Flink's sake, without effect.") in connection.execute("SHOW ALL").fetchall()
    connection.execute("RESET 'pipeline.name'")
    with pytest.raises(psycopg.Error, match="unknown setting"):
        connection.execute("SHOW 'pipeline.name'")
    with pytest.raises(psycopg.Error, match="unknown setting"):
        connection.execute("SET 'execution.state-recovery.path' = 'x'")


@pytest.mark.parametrize("placeholder", ["%t", "%b"], ids=["text", "binary"])
@pytest.mark.parametrize(
    "value, type_name",
    [
        (41, "INT"),
        (2**40, "BIGINT"),
        (1.5, "DOUBLE"),
        (decimal.Decimal("-12.50"), "DECIMAL(10, 2)"),
        ("it's", "STRING"),
        (b"\x00\xff\\", "BYTES"),
        (True, "BOOLEAN"),
        (datetime.date(2026, 1, 2), "DATE"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), "TIMESTAMP(3)"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "TIMESTAMP_LTZ(3)"),
        (None, "INT"),
        ([1, None, 3], "ARRAY<INT>"),
        (["a", 'b "c" \\', "", None], "ARRAY<STRING>"),
        ([1.5, -2.0], "ARRAY<DOUBLE>"),
        ([2**40], "ARRAY<BIGINT>"),
    ],
)
def test_parameters(connection, value, type_name, placeholder):
    row = connection.execute(f"SELECT CAST({placeholder} AS {type_name})", (value,)).fetchone()
    assert row == (value,)


def test_a_uuid_is_text(connection):
    value = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    assert connection.execute("SELECT CAST(%b AS STRING)", (value,)).fetchone() == (str(value),)


def test_a_decimal_keeps_its_digits_where_nothing_tells_its_type(connection):
    value = decimal.Decimal("12345678901.123456789")
    assert connection.execute("SELECT %b", (value,)).fetchone() == (value,)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_rows_of_a_table(connection, table, binary):
    insert(connection, table, ROWS)
    cursor = connection.execute(f"SELECT * FROM {table}", binary=binary)
    assert [column.name for column in cursor.description] == ["id", "word", "amount"]
    assert (cursor.description[2].precision, cursor.description[2].scale) == (10, 2)
    assert sorted(cursor.fetchall()) == ROWS
    assert connection.execute(f"SELECT id FROM {table} WHERE word = %s", ("two",)).fetchall() == [(2,)]
    assert connection.execute(f"SELECT id FROM {table} WHERE amount > %s", (decimal.Decimal(1),)).fetchall() == [(1,)]


def test_prepared_statements(connection):
    for number in range(20):
        assert connection.execute("SELECT %s + 1", (number,), prepare=True).fetchone() == (number + 1,)
    connection.execute("DEALLOCATE ALL")


def test_many_prepared_statements_are_bounded_by_the_client(connection):
    connection.prepare_threshold = 0
    connection.prepared_max = 10
    for number in range(50):
        assert connection.execute(f"SELECT {number} + %s", (1,)).fetchone() == (number + 1,)


def test_pipeline(connection):
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s * 2", (number,)) for number in range(50)]
    assert [cursor.fetchone() for cursor in cursors] == [(2 * number,) for number in range(50)]


def test_an_error_in_a_pipeline_ends_it_alone(connection):
    with pytest.raises(errors.UndefinedColumn):
        with connection.pipeline():
            connection.execute("SELECT 1")
            connection.execute("SELECT nothing")
            connection.execute("SELECT 2")
    assert connection.execute("SELECT 3").fetchone() == (3,)


@pytest.mark.parametrize(
    "statement, error, position",
    [
        ("SELECT nothing", errors.UndefinedColumn, 8),
        ("SELECT 'é', nothing", errors.UndefinedColumn, 13),
        ("SELECT * FROM nothing", errors.UndefinedTable, 15),
        ("SELECT nothing(1)", errors.UndefinedFunction, 8),
        ("SELECT 1 FROM", errors.SyntaxError, None),
        ("SELECT 'x", errors.SyntaxError, 8),
        ("SELECT CAST('x' AS INT)", errors.InvalidTextRepresentation, None),
        ("SELECT 1 / 0", errors.DivisionByZero, None),
        ("COPY t FROM STDIN", errors.FeatureNotSupported, None),
    ],
)
def test_errors(connection, statement, error, position):
    with pytest.raises(error) as raised:
        connection.execute(statement)
    if position is not None:
        assert int(raised.value.diag.statement_position) == position
    assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def keyed(connection, table):
    """A native table of numbers and words, which have to be there."""
    name = f"{table}_keyed"
    connection.execute(f"CREATE TABLE {name} (id INT PRIMARY KEY, amount DECIMAL(5, 2), word STRING NOT NULL)")
    yield name
    connection.execute(f"DROP TABLE {name} CASCADE")


def test_parameters_of_columns_that_are_not_null(connection, keyed):
    connection.execute(f"INSERT INTO {keyed} VALUES (%s, %s, %s)", (1, 5, "one"))
    connection.execute(f"INSERT INTO {keyed} (word, id) VALUES (%s, 2)", ("two",))
    connection.execute(f"INSERT INTO {keyed} SELECT %s, 1, 'three'", (3,))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {keyed} VALUES (%s::int, 1, %s)", [(4, "four"), (5, "five")])
    connection.execute(f"UPDATE {keyed} SET word = %s WHERE id = %s", ("zwei", 2))
    connection.execute("FLUSH")
    rows = connection.execute(f"SELECT id, word FROM {keyed} ORDER BY id").fetchall()
    assert rows == [(1, "one"), (2, "zwei"), (3, "three"), (4, "four"), (5, "five")]


def test_parameters_in_every_place_of_a_change(connection, keyed):
    connection.execute(f"INSERT INTO {keyed} VALUES (1, 1, 'one'), (2, 2, 'two')")
    changed = connection.execute(
        f"INSERT INTO {keyed} AS k VALUES (%s, 9, 'new') ON CONFLICT (id) DO UPDATE SET word = k.word || %s "
        "WHERE k.amount < %s RETURNING id || '-' || %s, id + %s",
        (1, "!", 5, "x", 10),
    )
    assert changed.fetchall() == [("1-x", 11)]
    changed = connection.execute(
        f"UPDATE {keyed} AS k SET (word, amount) = (v.word || %s, %s) FROM (VALUES (%s, %s)) AS v(id, word) "
        "WHERE v.id = k.id AND k.id = ANY(%s) RETURNING k.word, k.amount + %s",
        ("?", decimal.Decimal("2.50"), 2, "zwei", [2, 3], 1),
    )
    assert changed.fetchall() == [("zwei?", decimal.Decimal("3.50"))]
    connection.execute(
        f"MERGE INTO {keyed} AS k USING (VALUES (1), (%s), (5)) AS v(id) ON v.id = k.id AND k.word <> %s "
        "WHEN MATCHED AND k.id < %s THEN UPDATE SET word = %s WHEN NOT MATCHED AND v.id = %s THEN DO NOTHING "
        "WHEN NOT MATCHED THEN INSERT (id, word) VALUES (v.id + %s, %s)",
        (3, "none", 2, "eins", 5, 1, "four"),
    )
    changed = connection.execute(
        f"DELETE FROM {keyed} AS k USING (VALUES (%s)) AS v(id) WHERE k.id = v.id RETURNING k.word || %s", (2, "."))
    assert changed.fetchall() == [("zwei?.",)]
    rows = connection.execute(f"SELECT id, word FROM {keyed} ORDER BY id").fetchall()
    assert rows == [(1, "eins"), (4, "four")]


def test_errors_that_drivers_look_for(connection, keyed):
    connection.execute(f"INSERT INTO {keyed} VALUES (1, 1, 'one')")
    for statement, parameters, error in [
        (f"INSERT INTO {keyed} VALUES (1, 1, 'again')", (), errors.UniqueViolation),
        (f"INSERT INTO {keyed} VALUES (2, 1, NULL)", (), errors.NotNullViolation),
        (f"INSERT INTO {keyed} VALUES (2, 1, %s)", (None,), errors.NotNullViolation),
        (f"INSERT INTO {keyed} SELECT 2, 1, NULLIF('a', 'a')", (), errors.NotNullViolation),
        (f"UPDATE {keyed} SET word = %s", (None,), errors.NotNullViolation),
        (f"INSERT INTO {keyed} VALUES (3000000000, 1, 'large')", (), errors.NumericValueOutOfRange),
        (f"INSERT INTO {keyed} VALUES (2, 1234.5, 'large')", (), errors.NumericValueOutOfRange),
        (f"MERGE INTO {keyed} AS k USING (VALUES (1), (1)) AS v(id) ON v.id = k.id WHEN MATCHED THEN DELETE", (),
         errors.CardinalityViolation),
        (f"SELECT id, COUNT(*) FROM {keyed}", (), errors.GroupingError),
        (f"SELECT id FROM {keyed} WHERE COUNT(*) > 1", (), errors.GroupingError),
        (f"SELECT UPPER(1, 2) FROM {keyed}", (), errors.UndefinedFunction),
        ("SELECT 1 UNION SELECT ROW(1)", (), errors.DatatypeMismatch),
    ]:
        with pytest.raises(error):
            connection.execute(statement, parameters)
    connection.execute(f"CREATE VIEW {keyed}_view AS SELECT * FROM {keyed}")
    with pytest.raises(errors.DependentObjectsStillExist):
        connection.execute(f"DROP TABLE {keyed}")


@pytest.mark.parametrize("value", ["five", "1.5", "99999999999"])
def test_a_parameter_that_is_no_value_of_its_type(connection, value):
    with pytest.raises(errors.InvalidTextRepresentation, match=r"\$1"):
        connection.execute("SELECT %t + CAST(1 AS INT)", (value,))


def test_transactions_are_accepted(connect):
    connection = connect(autocommit=False)
    assert connection.execute("SELECT 1").fetchone() == (1,)
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    with pytest.raises(errors.UndefinedColumn):
        connection.execute("SELECT nothing")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    with pytest.raises(errors.InFailedSqlTransaction):
        connection.execute("SELECT 1")
    connection.rollback()
    with connection.transaction():
        with pytest.raises(errors.UndefinedColumn), connection.transaction():
            connection.execute("SELECT nothing")
        assert connection.execute("SELECT 2").fetchone() == (2,)
    connection.commit()
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_rollback_says_that_rows_stay(connect, table):
    connection = connect(autocommit=False)
    notices = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    connection.execute(f"INSERT INTO {table} VALUES (1, 'x', 1)")
    connection.rollback()
    assert len(notices) == 1 and "taken effect" in notices[0]
    assert connection.execute(f"SELECT id FROM {table}").fetchall() == [(1,)]


def test_settings(connect):
    connection = connect(application_name="tests", options="-c statement_timeout=30s")
    assert connection.info.parameter_status("application_name") == "tests"
    assert connection.info.parameter_status("integer_datetimes") == "on"
    assert connection.info.server_version == 150000
    assert connection.execute("SHOW statement_timeout").fetchone() == ("30s",)
    connection.execute("SET TIME ZONE 'Europe/Berlin'")
    assert connection.info.timezone.key == "Europe/Berlin"
    with pytest.raises(psycopg.Error, match="Nowhere"):
        connection.execute("SET TIME ZONE 'Nowhere'")
    with pytest.raises(errors.FeatureNotSupported):
        connection.execute("SET client_encoding TO 'LATIN1'")
    user, database = connection.execute("SELECT current_user, current_database()").fetchone()
    assert (user, database) == ("me", "d")


@pytest.fixture
def view(connection, table):
    name = f"{table}_view"
    connection.execute(f"CREATE MATERIALIZED VIEW {name} AS SELECT word, COUNT(*) AS n FROM {table} GROUP BY word")
    return name


def test_a_view_after_flush(connection, table, view):
    insert(connection, table, [(1, "a", None), (2, "a", None), (3, "b", None)])
    connection.execute("FLUSH")
    assert sorted(connection.execute(f"SELECT * FROM {view}").fetchall()) == [("a", 2), ("b", 1)]


def test_subscribe_gives_rows_then_changes(connect, connection, table, view):
    insert(connection, table, [(1, "a", None)])
    connection.execute("FLUSH")
    follower = connect()
    changes = follower.cursor().stream(f"SUBSCRIBE {view}")
    assert next(changes)[1:] == ("+I", "a", 1)
    insert(connection, table, [(2, "b", None)])
    assert next(changes)[1:] == ("+I", "b", 1)
    follower.cancel_safe()
    with pytest.raises(errors.QueryCanceled):
        next(changes)
    changes.close()
    assert follower.execute("SELECT 1").fetchone() == (1,)


def test_statement_timeout(connection, view):
    connection.execute("SET statement_timeout = 50")
    with pytest.raises(errors.QueryCanceled, match="statement timeout"):
        connection.execute(f"SUBSCRIBE {view}")
    connection.execute("SET statement_timeout = 0")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_step_of_a_recursive_query_is_canceled(connection, table):
    """Its one step would look at eight billion pairs."""
    insert(connection, table, [(number, "x", None) for number in range(2000)])
    connection.execute("SET statement_timeout = 200")
    with pytest.raises(errors.QueryCanceled, match="statement timeout"):
        connection.execute(f"""WITH RECURSIVE n (i) AS (SELECT id FROM {table} UNION ALL
                               SELECT b.id FROM n JOIN {table} AS a ON n.i + a.id >= 0 JOIN {table} AS b
                               ON n.i + a.id + b.id < 0) SELECT COUNT(*) FROM n""")
    connection.execute("SET statement_timeout = 0")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_planning_is_canceled(connection, table):
    """It would take seconds to plan."""
    connection.execute("SET statement_timeout = 5")
    with pytest.raises(errors.QueryCanceled, match="statement timeout"):
        connection.execute(f"SELECT word FROM {table} WHERE id IN ({', '.join(map(str, range(100_000)))})")
    connection.execute("SET statement_timeout = 0")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_many_clients_wait_at_once(connect, connection, view):
    followers = [connect() for _ in range(10)]
    canceled = []

    def follow(follower):
        try:
            follower.execute(f"SUBSCRIBE {view}")
        except errors.QueryCanceled:
            canceled.append(follower)

    threads = [threading.Thread(target=follow, args=[follower]) for follower in followers]
    for thread in threads:
        thread.start()
    assert connection.execute("SELECT 1").fetchone() == (1,)
    # A request that comes before the statement has started is lost, as with PostgreSQL.
    while any(thread.is_alive() for thread in threads):
        for follower in followers:
            follower.cancel_safe()
        threads[0].join(0.05)
    assert len(canceled) == 10


def test_fetching_in_pieces(connect, connection, table):
    insert(connection, table, [(number, "x", None) for number in range(500)])
    reader = connect()
    rows = list(reader.cursor().stream(f"SELECT id FROM {table}", size=7))
    assert sorted(rows) == [(number,) for number in range(500)]


def test_identifiers_and_strings_are_quoted_as_psycopg_does(connection):
    query = sql.SQL("SELECT {} AS {}").format(sql.Literal("it's \"x\""), sql.Identifier("a b"))
    cursor = connection.execute(query)
    assert cursor.description[0].name == "a b"
    assert cursor.fetchone() == ("it's \"x\"",)


def test_a_prepared_statement_of_an_altered_table_is_prepared_again(connect, connection, table):
    insert(connection, table, ROWS)
    query = f"SELECT * FROM {table}"
    assert len(connection.execute(query, prepare=True).fetchone()) == 3
    connect().execute(f"ALTER TABLE {table} ADD extra INT")
    with pytest.raises(errors.FeatureNotSupported, match="cached plan must not change result type"):
        connection.execute(query, prepare=True)
    connection.execute("DEALLOCATE ALL")
    assert len(connect().execute(query, prepare=True).fetchone()) == 4
