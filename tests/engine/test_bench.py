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


def test_nexmark(tmp_path):
    """Queries of each kind of check, in the order of their numbers and not of the flag."""
    flags = ["--case", "cep-q1,q18,q5,q2", "--events", "20000", "--data-dir", str(tmp_path / "bench"), "--json"]
    done = subprocess.run(
        [os.environ["PENSTOCK_BIN"], "bench", "nexmark", *flags], capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(m["bench"], m["case"]) for m in measured] == [("nexmark", q) for q in ("q2", "q5", "q18", "cep-q1")]
    assert all(m["result_ok"] is True and m["events"] == 20000 and m["result_rows"] > 0 for m in measured), measured


def test_wrong_flags_are_told():
    done = subprocess.run([os.environ["PENSTOCK_BIN"], "bench", "--case", "nothing"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "nothing" in done.stderr
    done = subprocess.run(
        [os.environ["PENSTOCK_BIN"], "bench", "nexmark", "--case", "q0,q77"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "q77" in done.stderr and "cep-q3" in done.stderr
