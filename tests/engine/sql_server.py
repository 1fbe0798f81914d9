"""A server that is asked over HTTP, killed, and started again on its data."""

import queue
import signal
import threading
import time

import penstock_server
import requests

WAIT_S = 60


class SqlServer(penstock_server.Server):
    """Its standard output is read all the time, so that `print` is never held up."""

    def __init__(self, data_dir, *flags):
        self.data_dir, self.flags = data_dir, flags
        super().__init__(data_dir, *flags)

    def wait_until_ready(self):
        super().wait_until_ready()
        self.url = f"http://{self.http}"
        self.lines = queue.Queue()
        threading.Thread(target=self._read_lines, args=(self.process.stdout, self.lines), daemon=True).start()

    @staticmethod
    def _read_lines(stdout, lines):
        try:
            for line in stdout:
                lines.put(line.decode().rstrip("\n"))
        except ValueError:  # closed by stop()
            pass

    def kill(self):
        self.stop(signal.SIGKILL)

    def restart(self, how=signal.SIGKILL):
        self.stop(how)
        self.__init__(self.data_dir, *self.flags)

    def printed(self, count):
        return [self.lines.get(timeout=WAIT_S) for _ in range(count)]

    def post(self, sql, timeout=WAIT_S):
        return requests.post(f"{self.url}/api/v1/sql", json={"sql": sql}, timeout=timeout)

    def run(self, sql):
        answer = self.post(sql)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"][-1]

    def sql(self, sql):
        return self.run(sql)["rows"]

    def error(self, sql):
        answer = self.post(sql)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        return error["message"] + " " + error.get("hint", "")

    def wait_for(self, sql, expected):
        deadline = time.monotonic() + WAIT_S
        while (rows := self.sql(sql)) != expected:
            assert time.monotonic() < deadline, rows
            time.sleep(0.05)
