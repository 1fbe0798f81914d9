"""Tables of files: what a real file system adds to tests/sql/files. Following, links, large lines, kill -9."""

import gzip
import json
import os
import pathlib
import threading
import time

import pytest

from sql_server import WAIT_S


@pytest.fixture
def files(tmp_path):
    directory = tmp_path / "files"
    directory.mkdir()
    return directory


@pytest.fixture
def server(start_server, files):
    return start_server(f"--files-dir={files}")


LOG = """
CREATE TABLE log (k STRING, v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'log', 'format' = 'json',
  'source.monitor-interval' = '50 ms');
CREATE MATERIALIZED VIEW totals AS SELECT COUNT(*) AS n, SUM(v) AS total FROM log;
"""


def test_a_growing_file_and_new_files_are_followed_by_themselves(server, files):
    (files / "log").mkdir()
    server.sql(LOG)
    with open(files / "log/a.json", "w") as file:
        for v in range(3):
            file.write(json.dumps({"k": "a", "v": v})[:5])
            file.flush()
            file.write(json.dumps({"k": "a", "v": v})[5:] + "\n")
            file.flush()
            server.wait_for("SELECT n, total FROM totals", [[v + 1, sum(range(v + 1))]])
    (files / "log/.writing").write_text('{"k": "b", "v": 10}\n')
    os.rename(files / "log/.writing", files / "log/b.json")
    server.wait_for("SELECT n, total FROM totals", [[4, 13]])


def test_flush_waits_for_what_is_in_the_files(server, files):
    (files / "log").mkdir()
    server.sql(LOG.replace("50 ms", "1 h"))
    for n in range(1, 20):
        with open(files / f"log/{n % 3}.json", "a") as file:
            file.write('{"k": "a", "v": 1}\n{"k": "unfin')
            file.flush()
            server.sql("FLUSH")
            assert server.sql("SELECT n FROM totals") == [[2 * n - 1]]
            file.write('ished", "v": 1}\n')
        server.sql("FLUSH")
        assert server.sql("SELECT n, total FROM totals") == [[2 * n, 2 * n]]


def test_a_rotated_and_a_truncated_file(server, files):
    path = files / "app.log"
    path.write_text("one\n")
    server.sql("""
        CREATE TABLE app (line STRING) WITH ('connector' = 'filesystem', 'path' = 'app.log', 'format' = 'raw',
          'source.monitor-interval' = '1 h');
        CREATE MATERIALIZED VIEW lines AS SELECT line FROM app; FLUSH""")
    with open(path, "a") as file:
        file.write("two\nthree")
    os.rename(path, files / "app.log.1")
    path.write_text("four\n")
    server.sql("FLUSH")
    seen = "SELECT line FROM lines ORDER BY line"
    server.wait_for(seen, [["four"], ["one"], ["three"], ["two"]])
    os.truncate(path, 0)
    server.sql("FLUSH")
    path.open("a").write("x\n")
    server.sql("FLUSH")
    server.wait_for(seen, [["four"], ["one"], ["three"], ["two"], ["x"]])
    assert "a file is read from its beginning again" in server.log_tail()


def test_links_and_what_is_no_file(server, files, tmp_path):
    (tmp_path / "secret.csv").write_text("secret\n")
    (files / "link.csv").symlink_to(tmp_path / "secret.csv")
    os.mkfifo(files / "pipe.csv")
    (files / "locked.csv").write_text("x\n")
    for name in ("link", "pipe", "locked"):
        server.sql(f"CREATE TABLE {name} (a STRING) WITH ('connector' = 'filesystem', 'path' = '{name}.csv', 'format' = 'csv')")
    assert "--files-dir" in server.error("SELECT * FROM link")
    assert "neither a file nor a directory" in server.error("SELECT * FROM pipe")
    if os.geteuid() != 0:
        (files / "locked.csv").chmod(0)
        assert "Permission denied" in server.error("SELECT * FROM locked")
    assert "--files-dir" in server.error(
        f"CREATE TABLE t (a STRING) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/data/catalog.sqlite', 'format' = 'raw')")


def test_a_huge_line_and_a_compressed_file_take_little_memory(server, files):
    with open(files / "big.json", "wb") as file:
        file.write(b'{"n": 1}\n{"n": "')
        for _ in range(200):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n{"n": 2}\n')
    with gzip.open(files / "big.csv.gz", "wb", compresslevel=1) as file:
        for n in range(300_000):
            file.write(b"%d\n" % n)
    server.sql("""
        CREATE TABLE j (n INT) WITH ('connector' = 'filesystem', 'path' = 'big.json', 'format' = 'json');
        CREATE TABLE z (n INT) WITH ('connector' = 'filesystem', 'path' = 'big.csv.gz', 'format' = 'csv');""")
    before_mb = server.rss_mb()
    assert server.sql("SELECT SUM(n), COUNT(*) FROM j") == [[3, 2]]
    assert server.sql("SELECT COUNT(*), MAX(n) FROM z") == [[300_000, 299_999]]
    assert server.rss_mb() - before_mb < 150
    assert server.sql("SELECT topic, `offset`, error FROM penstock.dead_letters") == [
        ["big.json", 9, "longer than 8388608 bytes"]]


def lines_of(directory):
    """Of all published files, which must be of whole lines."""
    lines = []
    for name in sorted(os.listdir(directory)):
        if name.startswith("."):
            continue
        text = (directory / name).read_text()
        assert text.endswith("\n"), name
        lines += text.splitlines()
    return lines


def test_what_is_written_is_published_whole_and_once_in_spite_of_kill_9(server, files):
    server.sql("""
        CREATE TABLE ticks (n BIGINT, x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5000', 'seed' = '7');
        CREATE TABLE out (n BIGINT, x INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json',
          'sink.rolling-policy.file-size' = '20 kb');
        INSERT INTO out SELECT n, x FROM ticks""")
    stop = threading.Event()
    broken = []

    def watch():
        while not stop.is_set():
            try:
                for line in lines_of(files / "out"):
                    json.loads(line)
            except (AssertionError, ValueError) as error:
                broken.append(error)
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(4):
            before = len(os.listdir(files / "out"))
            deadline = time.monotonic() + WAIT_S
            while len(os.listdir(files / "out")) < before + 4:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            server.restart()
        server.sql("DROP JOB insert_out")
    finally:
        stop.set()
        watcher.join()
    assert not broken
    assert not [name for name in os.listdir(files / "out") if name.startswith(".")]
    written = [json.loads(line)["n"] for line in lines_of(files / "out")]
    assert len(written) > 1000 and len(set(written)) == len(written)
    server.sql(f"CREATE TABLE again (n BIGINT, x INT) WITH ('connector' = 'datagen', 'seed' = '7', 'number-of-rows' = '{len(written)}')")
    assert sorted(written) == sorted(int(row[0]) for row in server.sql("SELECT n FROM again"))


def test_a_followed_file_is_written_on_once_in_spite_of_kill_9(server, files):
    """From file to topic: positions in files are kept with what was written."""
    (files / "in").mkdir()
    server.sql("""
        CREATE TABLE lines (line STRING) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'raw',
          'source.monitor-interval' = '20 ms');
        CREATE TABLE topic (line STRING) WITH ('connector' = 'kafka', 'topic' = 'topic', 'format' = 'raw');
        INSERT INTO topic SELECT line FROM lines""")
    expected = []
    for turn in range(4):
        for name in ("a", "b", f"new{turn}"):
            with open(files / "in" / name, "a") as file:
                for n in range(500):
                    expected.append(f"{name} {turn} {n}")
                    file.write(expected[-1] + "\n")
        if turn % 2 == 0:
            server.sql("FLUSH")
        server.restart()
    server.sql("FLUSH")
    assert sorted(row[0] for row in server.sql("SELECT line FROM topic")) == sorted(expected)


def test_the_directory_for_files_is_in_the_data_directory_by_default(start_server, tmp_path):
    server = start_server()
    server.sql("""CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'csv');
                  INSERT INTO t VALUES (1), (2)""")
    assert lines_of(pathlib.Path(tmp_path / "data/files/t")) == ["1", "2"]
    assert server.sql("SELECT a FROM t ORDER BY a") == [[1], [2]]
