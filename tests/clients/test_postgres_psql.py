"""psql, the client that everybody has."""

import os
import shutil
import signal
import subprocess

import pytest

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")


@pytest.fixture
def psql(server):
    host, port = server.addresses["pg"].rsplit(":", 1)
    environment = os.environ | {"PGHOST": host, "PGPORT": port, "PGUSER": "me", "PGDATABASE": "d", "PGCONNECT_TIMEOUT": "10"}

    def run(*arguments, text=None):
        return subprocess.run(
            ["psql", "-X", "-q", *arguments], input=text, env=environment, capture_output=True, text=True, timeout=60
        )

    run.environment = environment
    return run


def test_tables_of_rows(psql):
    done = psql("-A", "-F", "|", "-c", "SELECT 1 AS a, 'x' AS b, CAST(NULL AS INT) AS c")
    assert done.stdout == "a|b|c\n1|x|\n(1 row)\n"


def test_a_script_of_several_statements(psql):
    done = psql("-A", "-t", text="SELECT 1; SELECT 2;\nSELECT version();\n\\echo done\n")
    assert done.stdout.splitlines()[:2] == ["1", "2"]
    assert done.stdout.splitlines()[2].startswith("PostgreSQL 15.0 (Penstock")
    assert done.stdout.endswith("done\n")


def test_an_error_shows_its_place(psql):
    done = psql("-c", "SELECT 'é', nothing")
    assert done.returncode == 1
    assert "LINE 1: SELECT 'é', nothing\n                    ^" in done.stderr


def test_stop_on_error(psql):
    done = psql("-v", "ON_ERROR_STOP=1", "-A", "-t", text="SELECT 1;\nSELECT nothing;\nSELECT 2;\n")
    assert (done.returncode, done.stdout) == (3, "1\n")


def test_control_c_cancels(psql, connection_of_view):
    process = subprocess.Popen(
        ["psql", "-X", "-A", "-t", "-c", f"SUBSCRIBE {connection_of_view}"],
        env=psql.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)  # it waits for changes
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert "ancel" in error


@pytest.fixture
def connection_of_view(psql, topic):
    name = topic.replace("-", "_")
    done = psql(
        "-c",
        f"CREATE TABLE {name} (id BIGINT) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'json')",
        "-c",
        f"CREATE MATERIALIZED VIEW {name}_view AS SELECT id FROM {name}",
    )
    assert done.returncode == 0, done.stderr
    return f"{name}_view"
