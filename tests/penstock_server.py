"""A running `penstock serve`, for all tests that need one."""

import os
import pathlib
import re
import resource
import signal
import subprocess

import requests

ROOT = pathlib.Path(__file__).parent.parent
READY = "penstock ready "
STOP_S = 60
# What a sanitizer or a failed PENSTOCK_CHECK writes before the end.
FAULT = re.compile(r"ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|: runtime error:|check failed", re.IGNORECASE)


def binary():
    return os.environ.get("PENSTOCK_BIN", str(ROOT / "build/asan/penstock"))


class ServerDied(AssertionError):
    """The server ended before it was ready, or by itself."""


class Server:
    """Started by the constructor, on free ports unless `ports` (kafka, pg, http) says which.

    `open_files` is the process's limit of them.

    Its standard error goes to a file beside the data directory, to which each start on that directory appends.
    """

    def __init__(self, data_dir, *flags, ports=(0, 0, 0), wait=True, environment=None, open_files=None):
        self.log_path = pathlib.Path(data_dir).with_suffix(".log")
        listen = [f"--{name}-listen=127.0.0.1:{port}" for name, port in zip(("kafka", "pg", "http"), ports)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "serve", f"--data-dir={data_dir}", *listen, *flags],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **(environment or {})},
                preexec_fn=open_files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))),
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self):
        line = self.process.stdout.readline().decode()
        if not line.startswith(READY):
            self.process.kill()
            self.process.wait()
            raise ServerDied(f"the server did not start: {self.log_tail()}")
        self.addresses = dict(field.split("=", 1) for field in line[len(READY) :].split())
        self.kafka = self.addresses["kafka"]
        self.pg = self.addresses["pg"]
        self.http = self.addresses["http"]

    def stop(self, how=signal.SIGTERM):
        """Ends it and gives its exit status."""
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()

    def metrics(self, session=requests):
        """The values of /metrics by name, labels included."""
        text = session.get(f"http://{self.http}/metrics", timeout=STOP_S).text
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def cpu_s(self):
        """Processor time that it has used."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def log_tail(self, size=4000):
        return self.log_path.read_text(errors="replace")[-size:]

    def assert_no_fault(self):
        """No check or sanitizer has complained since the first start on its directory."""
        text = self.log_path.read_text(errors="replace")
        if fault := FAULT.search(text):
            raise ServerDied(text[fault.start() : fault.start() + 6000])

    def assert_sound(self):
        """The same, and it runs."""
        self.assert_no_fault()
        if self.process.poll() is not None:
            raise ServerDied(f"the server ended with {self.process.returncode}: {self.log_tail()}")
