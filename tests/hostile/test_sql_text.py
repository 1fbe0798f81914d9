"""SQL that is too much: a clear error over both ports that take it, in memory that is bounded."""

import psycopg
import pytest
import requests
from wire import TIMEOUT_S

MANY = 100_000
TOO_MUCH = {
    "name of 1 MB": "SELECT " + "x" * (1 << 20),
    "quoted name of 1 MB": f'SELECT 1 AS "{"é" * (1 << 19)}"',
    "parentheses": "SELECT " + "(" * MANY + "1" + ")" * MANY,
    "open parentheses": "SELECT " + "(" * MANY,
    "subqueries": "SELECT * FROM " + "(SELECT * FROM " * MANY + "t" + ")" * MANY,
    "NOT": "SELECT " + "NOT " * MANY + "TRUE",
    "minus": "SELECT " + "- " * MANY + "1",
    "plus and minus": "SELECT 1" + " + 1 - 1" * MANY,
    "CASE": "SELECT " + "CASE WHEN TRUE THEN " * MANY + "1" + " END" * MANY,
    "CAST": "SELECT " + "CAST(" * MANY + "1" + " AS INT)" * MANY,
    "functions": "SELECT " + "ABS(" * MANY + "1" + ")" * MANY,
    "array types": "SELECT CAST(NULL AS " + "ARRAY<" * MANY + "INT" + ">" * MANY + ")",
    "open text": "SELECT '" + "x" * (1 << 20),
    "open comment": "SELECT 1 /*" + "*" * (1 << 20),
    "statement of 5 MB": "SELECT '" + "x" * (5 << 20) + "'",
    "names of a path": "SELECT a" + ".a" * MANY,
    "number": "SELECT " + "9" * (1 << 20),
    "joins": "SELECT * FROM (VALUES (1)) AS t0" + "".join(f" CROSS JOIN (VALUES (1)) AS t{n}" for n in range(1, 3000)),
    "unknown bytes": "SELECT \x01\x02\x7f" * 1000,
}


def test_a_sum_of_many_is_a_result(server):
    sql = "SELECT 1" + " + 1" * MANY + " AS n"
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": sql}, timeout=TIMEOUT_S)
    assert answer.status_code == 200 and answer.json()["results"][0]["rows"] == [[MANY + 1]], answer.text[:300]
    with psycopg.connect(f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=x", autocommit=True) as pg:
        assert pg.execute(sql).fetchall() == [(MANY + 1,)]


@pytest.mark.parametrize("sql", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_it_is_an_error_that_says_why(server, sql):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": sql}, timeout=TIMEOUT_S)
    error = answer.json()["error"]
    assert answer.status_code in (400, 404, 413) and 0 < len(error["message"]) < 2000, answer.text[:300]
    with psycopg.connect(f"host=127.0.0.1 port={server.pg.rsplit(':', 1)[1]} user=x", autocommit=True) as pg:
        with pytest.raises(psycopg.Error) as refused:
            pg.execute(sql)
        assert not pg.broken
        assert 0 < len(str(refused.value)) < 3000
        assert pg.execute("SELECT 1").fetchall() == [(1,)]


LARGE = {
    "list": "SELECT 1 IN (" + "1, " * MANY + "1)",
    "AND": "SELECT TRUE" + " AND TRUE" * 10_000,
    "columns": "SELECT " + ", ".join(f"{n} AS c{n}" for n in range(1600)),
    "rows": "SELECT COUNT(*) FROM (VALUES " + ", ".join("(1)" for _ in range(50_000)) + ") AS t(a)",
    "empty statements": ";" * MANY,
    "comments": "/* a comment */ " * MANY + "SELECT 1",
    "pattern of SHOW": "SHOW FUNCTIONS LIKE '" + "%" * (1 << 20) + "'",
    "pattern of SHOW with many ways to match": "SHOW FUNCTIONS LIKE '" + "%_" * 15 + "%!'",
}


@pytest.mark.parametrize("sql", LARGE.values(), ids=LARGE.keys())
def test_what_is_large_works_or_is_an_error(server, sql):
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": sql}, timeout=TIMEOUT_S)
    assert answer.status_code == 200 or answer.json()["error"]["message"], answer.text[:300]


def test_a_script_of_many_statements_stops_at_its_error(server):
    script = "SELECT 1;" * 2000 + "SELECT nothing"
    answer = requests.post(f"http://{server.http}/api/v1/sql", json={"sql": script}, timeout=TIMEOUT_S)
    assert answer.json()["error"]["position"] == len(script) - len("nothing") + 1
    assert len(answer.json()["results"]) == 2000
