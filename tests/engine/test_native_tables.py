"""Tables without a connector: INSERT, UPDATE and DELETE, views over them, and what a kill leaves of them."""

ACCOUNTS = """
CREATE TABLE accounts (id BIGINT PRIMARY KEY, owner STRING NOT NULL, balance DECIMAL(12, 2) DEFAULT 0,
                       opened TIMESTAMP(3) DEFAULT TIMESTAMP '2026-01-01 00:00:00', doubled AS balance * 2);
"""


def error_of(server, sql):
    answer = server.post(sql)
    assert answer.status_code >= 400, answer.text
    return answer.json()["error"]["message"]


def test_insert_update_delete(server):
    server.sql(ACCOUNTS)
    server.sql("INSERT INTO accounts (id, owner) VALUES (1, 'ann'), (2, 'bob')")
    server.sql("INSERT INTO accounts VALUES (3, 'cid', 7.25, TIMESTAMP '2026-02-03 04:05:06.789')")
    server.sql("UPDATE accounts SET balance = balance + id WHERE id < 3")
    assert server.sql("SELECT id, owner, balance, doubled, opened FROM accounts ORDER BY id") == [
        [1, "ann", 1.0, 2.0, "2026-01-01T00:00:00.000Z"],
        [2, "bob", 2.0, 4.0, "2026-01-01T00:00:00.000Z"],
        [3, "cid", 7.25, 14.5, "2026-02-03T04:05:06.789Z"],
    ]
    server.sql("DELETE FROM accounts WHERE doubled > 10")
    assert server.sql("SELECT id FROM accounts ORDER BY id") == [[1], [2]]
    server.sql("DELETE FROM accounts")
    assert server.sql("SELECT COUNT(*) FROM accounts") == [[0]]


def test_keys_can_move_in_one_statement(server):
    server.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v STRING); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    server.sql("UPDATE t SET id = id + 1")
    assert server.sql("SELECT id, v FROM t ORDER BY id") == [[2, "a"], [3, "b"], [4, "c"]]
    assert "primary key (2)" in error_of(server, "UPDATE t SET id = 2")
    assert server.sql("SELECT id, v FROM t ORDER BY id") == [[2, "a"], [3, "b"], [4, "c"]], "nothing was changed"


def test_what_is_refused_changes_nothing(server):
    server.sql(ACCOUNTS + "INSERT INTO accounts (id, owner) VALUES (1, 'ann')")
    assert "primary key (1)" in error_of(server, "INSERT INTO accounts (id, owner) VALUES (2, 'bob'), (1, 'eve')")
    assert "primary key (3)" in error_of(server, "INSERT INTO accounts (id, owner) VALUES (3, 'bob'), (3, 'eve')")
    assert "NOT NULL" in error_of(server, "UPDATE accounts SET owner = CAST(NULL AS STRING)")
    assert "NOT NULL" in error_of(server, "INSERT INTO accounts (id) VALUES (4)")
    assert "without a connector" in error_of(
        server, "CREATE TABLE k (a INT) WITH ('connector' = 'kafka', 'topic' = 'k', 'format' = 'json'); DELETE FROM k")
    assert server.sql("SELECT id, owner FROM accounts") == [[1, "ann"]]


def test_on_conflict(server):
    server.sql("CREATE TABLE counts (word STRING PRIMARY KEY, n BIGINT); INSERT INTO counts VALUES ('a', 1)")
    server.sql("INSERT INTO counts VALUES ('a', 10), ('b', 1), ('b', 2) ON CONFLICT DO NOTHING")
    assert server.sql("SELECT word, n FROM counts ORDER BY word") == [["a", 1], ["b", 1]]
    returned = server.sql(
        "INSERT INTO counts VALUES ('a', 5), ('c', 5) ON CONFLICT (word) DO UPDATE SET n = counts.n + EXCLUDED.n RETURNING word, n")
    assert sorted(returned) == [["a", 6], ["c", 5]]
    assert "a second time" in error_of(server, "INSERT INTO counts VALUES ('d', 1), ('d', 2) ON CONFLICT DO UPDATE SET n = 0")
    assert server.sql("SELECT word, n FROM counts ORDER BY word") == [["a", 6], ["b", 1], ["c", 5]]


def test_returning(server):
    server.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT)")
    assert server.sql("INSERT INTO t VALUES (1, 10), (2, 20) RETURNING id, v + 1 AS next") == [[1, 11], [2, 21]]
    assert server.sql("UPDATE t SET v = 0 WHERE id = 2 RETURNING *") == [[2, 0]]
    assert server.sql("DELETE FROM t WHERE id = 1 RETURNING v") == [[10]]


def test_rows_without_a_key_may_be_equal(server):
    server.sql("CREATE TABLE t (v STRING); INSERT INTO t VALUES ('x'), ('x'), ('x'), ('y')")
    server.sql("UPDATE t SET v = 'z' WHERE v = 'x'")
    assert server.sql("SELECT v, COUNT(*) FROM t GROUP BY v ORDER BY v") == [["y", 1], ["z", 3]]
    server.sql("DELETE FROM t WHERE v = 'z'")
    assert server.sql("SELECT v FROM t") == [["y"]]


def test_views_follow_every_change(server):
    server.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, k STRING, v BIGINT)")
    server.sql("INSERT INTO t VALUES (1, 'a', 1)")
    server.sql("CREATE MATERIALIZED VIEW sums AS SELECT k, SUM(v) AS total FROM t GROUP BY k")
    server.sql("CREATE MATERIALIZED VIEW large AS SELECT k FROM sums WHERE total > 5")
    check = lambda: server.sql("FLUSH; SELECT k, total FROM sums ORDER BY k")
    assert check() == [["a", 1]]
    server.sql("INSERT INTO t VALUES (2, 'a', 5), (3, 'b', 7)")
    assert check() == [["a", 6], ["b", 7]]
    assert server.sql("SELECT k FROM large ORDER BY k") == [["a"], ["b"]]
    server.sql("UPDATE t SET k = 'b' WHERE id = 2")
    assert check() == [["a", 1], ["b", 12]]
    server.sql("DELETE FROM t WHERE k = 'b'")
    assert check() == [["a", 1]]
    assert server.sql("SELECT k FROM large") == []


def test_create_table_as(server):
    server.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT); INSERT INTO t VALUES (1, 10), (2, 20)")
    server.sql("CREATE TABLE copy AS SELECT v, v * 2 AS twice FROM t WHERE id > 0")
    assert server.sql("SELECT v, twice FROM copy ORDER BY v") == [[10, 20], [20, 40]]


def test_a_dropped_table_is_gone_and_its_name_is_free(server):
    server.sql("CREATE TABLE t (a BIGINT); INSERT INTO t VALUES (1); DROP TABLE t; CREATE TABLE t (a STRING)")
    assert server.sql("SELECT a FROM t") == []
    assert len([row for row in server.sql("SHOW TOPICS") if row[0].startswith("penstock.table.")]) == 1
    server.sql("INSERT INTO t VALUES ('x'); CREATE OR REPLACE TABLE t (b BIGINT)")
    assert server.sql("SELECT b FROM t") == []


def test_changes_are_durable_and_whole(server):
    server.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v DOUBLE, b BYTES, s STRING)")
    server.sql("CREATE MATERIALIZED VIEW n AS SELECT COUNT(*) AS n, SUM(v) AS v FROM t")
    for number in range(20):
        server.sql(f"INSERT INTO t VALUES ({number}, {number}.1, X'00ff', 'é''\"\\'), ({number + 100}, 0.1e0, NULL, NULL)")
        server.sql(f"UPDATE t SET v = v + 0.1e0 WHERE id <= {number}")
    server.sql("UPDATE t SET v = CAST('NaN' AS DOUBLE) WHERE id = 118; DELETE FROM t WHERE id = 119")
    before = server.sql("SELECT id, v, s FROM t ORDER BY id")
    assert len(before) == 39
    for _ in range(2):
        server.restart()
        assert server.sql("SELECT id, v, s FROM t ORDER BY id") == before
        assert server.sql("FLUSH; SELECT n FROM n") == [[39]]
    server.sql("INSERT INTO t (id) VALUES (119)")
    assert server.sql("FLUSH; SELECT n FROM n") == [[40]]


def test_top_rows_follow_changes(server):
    server.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, k STRING, v BIGINT)")
    server.sql(
        "CREATE MATERIALIZED VIEW top2 AS SELECT k, id, place FROM ("
        "SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id) AS place FROM t) WHERE place <= 2;"
        "CREATE MATERIALIZED VIEW first3 AS SELECT id FROM t ORDER BY v DESC, id LIMIT 3;"
    )
    check = lambda: server.sql("FLUSH; SELECT k, place, id FROM top2 ORDER BY k, place")
    server.sql("INSERT INTO t VALUES (1, 'a', 5), (2, 'a', 7), (3, 'a', 6), (4, 'b', 1)")
    assert check() == [["a", 1, 2], ["a", 2, 3], ["b", 1, 4]]
    server.sql("DELETE FROM t WHERE id = 2; UPDATE t SET k = 'a', v = 9 WHERE id = 4")
    assert check() == [["a", 1, 4], ["a", 2, 3]]
    assert sorted(server.sql("SELECT id FROM first3")) == [[1], [3], [4]]


def test_what_an_insert_has_read_of_a_table_is_written_once(server):
    topic = lambda name, columns, format: f"""
        CREATE TABLE {name} ({columns}) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = '{format}');
        CREATE TABLE {name}_events (event STRING) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'raw');"""
    server.sql(
        topic("orders", "id BIGINT, item STRING", "json")
        + topic("copies", "item STRING, price BIGINT", "debezium-json")
        + topic("priced", "id BIGINT, price BIGINT", "debezium-json")
        + topic("looked", "id BIGINT, price BIGINT", "json")
        + """
        CREATE TABLE items (item STRING PRIMARY KEY, price BIGINT);
        INSERT INTO items VALUES ('pen', 1), ('ink', 2);
        INSERT INTO copies SELECT item, price FROM items;
        INSERT INTO priced SELECT o.id, i.price FROM orders AS o JOIN items AS i ON o.item = i.item;
        INSERT INTO looked SELECT o.id, i.price FROM orders AS o
        LEFT JOIN items FOR SYSTEM_TIME AS OF PROCTIME() AS i ON o.item = i.item;
        FLUSH"""
    )

    def events(name):
        return {op: n for op, n in server.sql(f"SELECT JSON_VALUE(event, '$.op'), COUNT(*) FROM {name}_events GROUP BY 1")}

    def check(copies, priced, looked):
        for _ in range(2):
            server.restart()  # also before anything is flushed
            server.sql("FLUSH")
            assert server.sql("SELECT id, price FROM looked ORDER BY id") == looked
            assert events("copies") == copies
            assert events("priced") == priced

    server.sql("INSERT INTO orders VALUES (1, 'pen'), (2, 'cap')")
    check({"c": 2}, {"c": 1}, [[1, 1], [2, None]])
    server.sql("UPDATE items SET price = 10 WHERE item = 'pen'")
    check({"c": 3, "d": 1}, {"c": 2, "d": 1}, [[1, 1], [2, None]])
    server.sql("INSERT INTO orders VALUES (3, 'pen')")
    check({"c": 3, "d": 1}, {"c": 3, "d": 1}, [[1, 1], [2, None], [3, 10]])
    server.sql("DELETE FROM items WHERE item = 'pen'; INSERT INTO items VALUES ('cap', 7); FLUSH; INSERT INTO orders VALUES (4, 'cap')")
    check({"c": 4, "d": 2}, {"c": 5, "d": 3}, [[1, 1], [2, None], [3, 10], [4, 7]])
    assert server.sql("SELECT item, price FROM copies ORDER BY item") == [["cap", 7], ["ink", 2]]
    assert server.sql("SELECT id, price FROM priced ORDER BY id") == [[2, 7], [4, 7]]


def test_an_insert_never_writes_half_of_a_statement(server):
    """What goes out of some accounts goes into others, so the sum of all stays as it is."""
    server.sql("""
        CREATE TABLE accounts (id BIGINT PRIMARY KEY, balance BIGINT);
        CREATE TABLE n (n BIGINT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1',
                                        'fields.n.end' = '6000');
        INSERT INTO accounts SELECT n, 100 FROM n;
        CREATE TABLE sums (total BIGINT) WITH ('connector' = 'kafka', 'topic' = 'sums', 'format' = 'debezium-json');
        CREATE TABLE events (event STRING) WITH ('connector' = 'kafka', 'topic' = 'sums', 'format' = 'raw');
        INSERT INTO sums SELECT SUM(balance) FROM accounts;""")
    for turn in range(6):
        for _ in range(3):
            server.sql("UPDATE accounts SET balance = balance + CASE WHEN MOD(id, 2) = 0 THEN 1 ELSE -1 END")
        if turn % 2 == 0:
            server.restart()
        else:
            server.sql("FLUSH")
    server.sql("FLUSH")
    assert server.sql("SELECT total FROM sums") == [[600000]]
    written = server.sql("SELECT DISTINCT JSON_VALUE(event, '$.after.total') FROM events WHERE JSON_VALUE(event, '$.op') = 'c'")
    assert {total for (total,) in written} <= {"600000", None}, "None is the sum of no rows"


def test_changed_columns_are_there_after_a_kill(server):
    server.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v STRING); INSERT INTO t VALUES (1, '10'), (2, '20')")
    topics = lambda: [row[0] for row in server.sql("SHOW TOPICS") if row[0].startswith("penstock.table.")]
    first = topics()
    server.sql("ALTER TABLE t ADD (n BIGINT, word STRING DEFAULT 'none'); UPDATE t SET n = id + 5 WHERE id = 2")
    server.sql("ALTER TABLE t MODIFY v BIGINT")
    server.sql("ALTER TABLE t RENAME word TO w; INSERT INTO t VALUES (3, 30, NULL, 'x')")
    before = [[1, 10, None, "none"], [2, 20, 7, "none"], [3, 30, None, "x"]]
    for _ in range(2):
        assert server.sql("SELECT * FROM t ORDER BY id") == before
        assert len(topics()) == 1 and topics() != first
        server.restart()
    server.sql("ALTER TABLE t DROP v; ALTER TABLE t ADD v STRING; CREATE MATERIALIZED VIEW n AS SELECT COUNT(v) AS n FROM t")
    server.restart()
    assert server.sql("SELECT id, v, n, w FROM t ORDER BY id") == [[1, None, None, "none"], [2, None, 7, "none"], [3, None, None, "x"]]
    server.sql("UPDATE t SET v = 'x' WHERE id = 1")
    assert server.sql("FLUSH; SELECT n FROM n") == [[1]]
    server.sql("DROP TABLE t CASCADE")
    assert topics() == []
