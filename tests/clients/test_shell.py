"""`penstock sql`: statements from flags, files and pipes, and a person at a terminal."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
BINARY = os.environ.get("PENSTOCK_BIN", str(ROOT / "build/asan/penstock"))
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\x07]")


@pytest.fixture
def environment(tmp_path):
    return {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_STATE_HOME", "INPUTRC")} | {
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def shell(server, environment):
    def run(*arguments, text=""):
        return subprocess.run(
            [BINARY, "sql", f"postgres://me@{server.addresses['pg']}/d", *arguments],
            input=text,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


class Terminal:
    """The shell at a terminal of 24 lines and 80 columns."""

    def __init__(self, arguments, environment):
        self.process_id, self.file = pty.fork()
        if self.process_id == 0:
            os.execve(arguments[0], arguments, environment)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.seen = ""

    def type(self, text):
        os.write(self.file, text.encode())

    def wait_for(self, pattern, seconds=30):
        """Reads until what came after the last match matches; gives the match."""
        deadline = time.monotonic() + seconds
        while True:
            text = ESCAPES.sub("", self.seen)
            match = re.search(pattern, text)
            if match:
                self.seen = text[match.end() :]
                return match
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.file], [], [], left)[0]:
                try:
                    self.seen += os.read(self.file, 65536).decode(errors="replace")
                except OSError:  # the shell has gone
                    assert re.search(pattern, ESCAPES.sub("", self.seen)), f"no {pattern!r} in {self.seen!r}"

    def exit_status(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.process_id, 0)[1])


@pytest.fixture
def terminal(server, environment):
    opened = []

    def start():
        opened.append(Terminal([BINARY, "sql", f"postgres://me@{server.addresses['pg']}/d"], environment))
        opened[-1].wait_for("penstock=> ")
        return opened[-1]

    yield start
    for running in opened:
        os.close(running.file)


@pytest.fixture
def table(shell, topic):
    name = topic.replace("-", "_")
    made = shell(
        "-c",
        f"CREATE TABLE {name} (id BIGINT, word STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', "
        f"'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
        f"CREATE MATERIALIZED VIEW {name}_view AS SELECT word, COUNT(*) AS n FROM {name} GROUP BY word",
    )
    assert made.stdout == "CREATE TABLE\nCREATE MATERIALIZED VIEW\n", made.stderr
    return name


# --- not interactive ---


def test_a_command(shell):
    done = shell("-c", "SELECT 1 AS a, 'x' AS b; SELECT 2 AS c")
    assert done.stdout == " a | b \n---+---\n 1 | x\n(1 row)\n\n c \n---\n 2\n(1 row)\n\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_and_a_pipe(shell, tmp_path):
    script = "-- a script\nSELECT 1 AS a;\n\\format json\nSELECT ';' AS b\n"
    path = tmp_path / "script.sql"
    path.write_text(script)
    expected = ' a \n---\n 1\n(1 row)\n\n{"b": ";"}\n'
    assert shell("-f", str(path)).stdout == expected
    assert shell(text=script).stdout == expected
    assert shell("-f", "-", text=script).stdout == expected


def test_formats(shell):
    query = "SELECT 1 AS n, 'a,b' AS s, CAST(NULL AS INT) AS e, TRUE AS t"
    assert shell("--format", "csv", "-c", query).stdout == 'n,s,e,t\n1,"a,b",,t\n'
    assert json.loads(shell("--format", "json", "-c", query).stdout) == {"n": 1, "s": "a,b", "e": None, "t": True}
    assert "s | a,b\n" in shell("--format", "expanded", "-c", query).stdout
    wrong = shell("--format", "xml", "-c", query)
    assert wrong.returncode == 2 and "xml" in wrong.stderr


def test_the_first_error_ends_it(shell):
    done = shell(text="SELECT 1 AS a;\nSELECT\n  nothing;\nSELECT 2 AS b;\n")
    assert done.returncode == 1
    assert "b" not in done.stdout
    assert done.stderr == "ERROR: there is no column nothing\nLINE 2:   nothing;\n          ^\n"


def test_no_server(environment):
    done = subprocess.run([BINARY, "sql", "--port", "1", "-c", "SELECT 1"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "127.0.0.1:1: Connection refused" in done.stderr and "penstock serve" in done.stderr


def test_lists_and_describes(shell, table):
    assert re.search(rf"{table} +\| table\n", shell("-c", "\\dt").stdout)
    assert f"{table}_view" not in shell("-c", "\\dt").stdout
    assert f"{table}_view" in shell("-c", "\\dv").stdout
    assert re.search(r"word +\| STRING", shell("-c", f"\\d {table}").stdout)
    assert shell("-c", "\\d nothing_here").returncode == 1
    assert shell("-c", "\\nonsense").returncode == 1


def test_subscribe_into_a_pipe_is_a_stream_of_changes(server, shell, environment, table):
    shell("-c", f"INSERT INTO {table} VALUES (1, 'a'); FLUSH")
    process = subprocess.Popen(
        [BINARY, "sql", f"postgres://{server.addresses['pg']}", "--format", "json", "-c", f"SUBSCRIBE {table}_view"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    first = json.loads(process.stdout.readline())
    assert (first["op"], first["word"], first["n"]) == ("+I", "a", 1)
    shell("-c", f"INSERT INTO {table} VALUES (2, 'b')")
    second = json.loads(process.stdout.readline())
    assert (second["op"], second["word"], second["n"]) == ("+I", "b", 1)
    process.send_signal(2)
    assert process.wait(timeout=30) == 0
    process.stdout.close()


# --- at a terminal ---


def test_a_conversation(terminal):
    person = terminal()
    person.type("select 1 as one\r")
    person.wait_for("-> ")
    person.type("+ 41 as two;\r")
    person.wait_for("ERROR: ")
    person.wait_for("=> ")
    person.type("select 42 as answer;\r")
    person.wait_for(r"answer \n-+\n +42\n\(1 row\)")
    person.type("\\timing\rselect 1;\r")
    person.wait_for(r"Time: [0-9.]+ ms")
    person.type("\\q\r")
    assert person.exit_status() == 0


def test_control_c_gives_up_a_line_and_control_d_leaves(terminal):
    person = terminal()
    person.type("select nonsense\r")
    person.wait_for("-> ")
    person.type("more\x03")
    person.wait_for("=> ")
    person.type("select 7 as seven;\r")
    person.wait_for(r"seven \n-+\n +7\n")
    person.wait_for("=> ")
    person.type("\x04")
    assert person.exit_status() == 0


def test_tab_completes_names(terminal, table):
    person = terminal()
    person.type(f"select count(*) as rows_of from {table[:-1]}\t")
    person.wait_for(re.escape(table))
    person.type("_v\t;\r")
    person.wait_for(r"rows_of \n-+\n +0\n")
    person.type("\\q\r")
    assert person.exit_status() == 0


def test_history_survives(terminal, environment):
    person = terminal()
    person.type("select 'remember me' as x;\r")
    person.wait_for("1 row")
    person.type("\\q\r")
    assert person.exit_status() == 0
    history = pathlib.Path(environment["HOME"]) / ".local/state/penstock/history"
    assert "select 'remember me' as x;" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0
    person = terminal()
    person.type("\x1b[A\x1b[A\r")
    person.wait_for(r"remember me\n\(1 row\)")


def test_subscribe_draws_in_place(terminal, shell, table):
    shell("-c", f"INSERT INTO {table} VALUES (1, 'apple'); FLUSH")
    person = terminal()
    person.type(f"SUBSCRIBE {table}_view;\r")
    person.wait_for(r"apple \| +1 \n\(1 rows, epoch \d+; Ctrl-C ends\)")
    shell("-c", f"INSERT INTO {table} VALUES (2, 'apple'), (3, 'pear')")
    person.wait_for(r"apple \| +2 \n pear +\| +1 \n\(2 rows, epoch")
    person.type("\x03")
    person.wait_for("=> ")
    person.type("select 5 as still_here;\r")
    person.wait_for(r"still_here \n-+\n +5\n")


def test_watch_runs_again_until_control_c(terminal, shell, table):
    person = terminal()
    person.type(f"select count(*) as rows_now from {table};\r")
    person.wait_for(r"rows_now \n-+\n +0\n")
    person.type("\\watch 0.2\r")
    person.wait_for(r"Ctrl-C ends\n\n rows_now \n-+\n +0\n")
    shell("-c", f"INSERT INTO {table} VALUES (1, 'a')")
    person.wait_for(r"rows_now \n-+\n +1\n")
    person.type("\x03")
    person.wait_for("=> ")
    person.type("\\q\r")
    assert person.exit_status() == 0


def test_a_connection_that_was_lost_is_made_again(start_server, environment, tmp_path):
    server = start_server("--pg-listen=127.0.0.1:0")
    address = server.addresses["pg"]
    person = Terminal([BINARY, "sql", f"postgres://{address}"], environment)
    person.wait_for("=> ")
    assert server.stop() == 0
    person.type("select 1;\r")
    person.wait_for("(shutting down|closed the connection|refused|Broken pipe)")
    person.wait_for("=> ")
    start_server(f"--pg-listen={address}")
    person.type("select 6 as again;\r")
    person.wait_for(r"again \n-+\n +6\n")
    os.close(person.file)
