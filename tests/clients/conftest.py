"""One server for all tests here, each with topics and groups of its own; and what runs clients in other processes."""

import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys

import penstock_server
import pytest
from confluent_kafka.admin import AdminClient
from proxy import Proxy

HERE = pathlib.Path(__file__).parent


class Server(penstock_server.Server):
    """Topics have several partitions, unless a test says otherwise."""

    def __init__(self, data_dir, *flags):
        super().__init__(data_dir, "--kafka-default-partitions=4", *flags)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("penstock") / "data")
    yield running
    assert running.stop() == 0
    running.assert_no_fault()


@pytest.fixture(scope="session")
def bootstrap(server):
    return server.kafka


@pytest.fixture(scope="session")
def admin(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap})


@pytest.fixture
def start_server(tmp_path):
    """Starts servers of the test's own, by default on one data directory."""
    started = []

    def start(*flags, data_dir=tmp_path / "data"):
        started.append(Server(data_dir, *flags))
        return started[-1]

    yield start
    for running in started:
        running.assert_no_fault()
        if running.process.poll() is None:
            running.stop(signal.SIGKILL)


names = itertools.count(1)


@pytest.fixture
def topic(request):
    return f"{request.node.originalname.removeprefix('test_')}-{next(names)}"


@pytest.fixture
def group(topic):
    return f"group-of-{topic}"


@pytest.fixture
def proxy(start_server):
    """A proxy in front of a server of the test's own, which sends its clients to the proxy."""
    running = Proxy()
    server = start_server(f"--kafka-advertise={running.address}")
    running.forward_to(server.kafka)
    yield running
    running.close()


def older_python():
    path = os.environ.get("PENSTOCK_PY_KAFKA23")
    if not path:
        pytest.skip("PENSTOCK_PY_KAFKA23 names no Python with kafka-python 2.3")
    return path


@pytest.fixture(params=[3, 2], ids=["kafka-python-3", "kafka-python-2.3"])
def run_program(request):
    """Runs a file of programs/ and gives what it printed, JSON by line."""
    python = sys.executable if request.param == 3 else older_python()

    def run(name, *arguments):
        done = subprocess.run(
            [python, str(HERE / "programs" / name), *map(str, arguments)], capture_output=True, timeout=60, text=True
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture(scope="session")
def java():
    """Runs a class of tests/clients/java and gives the lines that it printed."""
    class_path = os.environ.get("PENSTOCK_JAVA_CLASSPATH")
    if not class_path:
        pytest.skip("PENSTOCK_JAVA_CLASSPATH is not set: run ./dev test clients")

    def run(name, *arguments):
        # The JVM is short-lived: compiling its code well takes longer than running it badly.
        command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", class_path, f"penstock.{name}"]
        done = subprocess.run([*command, *map(str, arguments)], capture_output=True, timeout=60, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run
