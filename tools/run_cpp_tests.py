"""Runs the GoogleTest programs that CTest knows, two at a time, and counts their tests, not the programs.

usage: run_cpp_tests.py BUILD_DIR RESULTS_DIR
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

from count_tests import count

PROGRAM_SECONDS_MAX = 300


def programs(build):
    listing = subprocess.run(
        ["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True
    )
    return {test["name"]: test["command"] for test in json.loads(listing.stdout)["tests"]}


def run(name, command, results):
    """Returns (passed, failed, skipped, seconds, what to show when something failed)."""
    xml = results / f"{name}.xml"
    started = time.monotonic()
    try:
        done = subprocess.run(
            [*command, f"--gtest_output=xml:{xml}", "--gtest_brief=1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PROGRAM_SECONDS_MAX,
        )
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = (late.stdout or b"") + b"\n(took too long)", -1
    passed, failed, skipped = count([xml])
    if status != 0 and failed == 0:  # a leak, or a crash after the last test
        failed = 1
    return passed, failed, skipped, time.monotonic() - started, output.decode(errors="replace")[-6000:]


def main():
    build, results = sys.argv[1], pathlib.Path(sys.argv[2])
    results.mkdir(parents=True, exist_ok=True)
    total = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(run, name, command, results): name for name, command in programs(build).items()}
        for done in concurrent.futures.as_completed(running):
            *counts, seconds, output = done.result()
            total = [a + b for a, b in zip(total, counts)]
            if counts[1] > 0:
                print(f"==== {running[done]}\n{output}")
            print(f"{running[done]}: {counts[0]} passed, {counts[1]} failed in {seconds:.1f} s")
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
