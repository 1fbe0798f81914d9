"""`penstock bench` runs, with few events, and finds every result right."""

import json
import os
import subprocess

import pytest

EVENTS = {"start": 0, "idle": 0, "ingest": 20_000, "windows": 50_000, "latency": 4_000}


@pytest.mark.parametrize("case", EVENTS)
def test_a_case(tmp_path, case):
    flags = ["--case", case, "--data-dir", str(tmp_path / "bench"), "--rate", "2000", "--json"]
    if EVENTS[case]:
        flags += ["--events", str(EVENTS[case])]
    done = subprocess.run([os.environ["PENSTOCK_BIN"], "bench", *flags], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    measured = json.loads(line)
    assert measured["case"] == case and measured["result_ok"] is True, measured
    assert not any((tmp_path / "bench").iterdir()), "it leaves nothing behind"


def test_wrong_flags_are_told():
    done = subprocess.run([os.environ["PENSTOCK_BIN"], "bench", "--case", "nothing"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "nothing" in done.stderr
