"""PostgreSQL's JDBC driver."""


def test_jdbc(java, server, topic):
    lines = dict(line.split(": ", 1) for line in java("Jdbc", server.addresses["pg"], "jdbc_table", topic))
    row = "1 2 3 1.5 2.5 -12.50 hé [0, -1] true 2026-01-02 2026-01-02 03:04:05.678 null"
    values = "42 1099511627776 1.5 -12.50 it's! true 2026-01-02 2026-01-02 03:04:05.678 null"
    assert lines == {
        "product": "PostgreSQL 15",
        "valid": "true",
        "isolation": "true",
        "schema": "public",
        "catalog": "d",
        "types 0": row,
        "types 6": row,
        "local": "2026-01-02T03:04:05.678",
        "precision": "10 2",
        "parameters 0": values,
        "parameters 6": values,
        "prepared": "9900",
        "batch": "100",
        "fetched": "100 4950",
        "max rows": "3",
        "SELECT nothing": "42703",
        "SELECT * FROM nothing": "42P01",
        "SELECT": "42601",
        "SELECT 1 / 0": "22012",
        "after rollback": "2",
        "timeout": "57014",
        "valid again": "true",
        "simple mode": "42",
    }
