"""Runs clang-tidy over the sources (not the tests), two at a time.

What was found is remembered by the content of the source, of all of ours that it includes, of .clang-tidy and of the
compile command, so a second run looks only at what changed.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

import sources

CACHE = sources.CACHE / "tidy"
BUILD = sources.ROOT / "build" / "asan"
TIDY = "clang-tidy-19"
FINDING = re.compile(r"^(?=\S+:\d+:\d+: (?:error|warning): )", re.MULTILINE)


def commands():
    """{source relative to src: compile command} of what is no test, benchmark or fuzzer."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    found = {}
    for entry in entries:
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(sources.SRC) and not re.search(r"_(test|bench|fuzz)$", path.stem):
            found[path.relative_to(sources.SRC)] = entry["command"].replace(str(sources.ROOT), "")
    return found


def tidy(path, command, version):
    """Returns the findings in one source as text."""
    config = (sources.ROOT / ".clang-tidy").read_text()
    stamp = CACHE / sources.closure_digest(path, config, command, version)
    if stamp.exists():
        return stamp.read_text()
    done = subprocess.run(
        [TIDY, "-p", BUILD, "--quiet", "--warnings-as-errors=*", f"src/{path}"],
        cwd=sources.ROOT, capture_output=True, text=True,
    )
    found = done.stdout.replace(f"{sources.ROOT}/", "") if done.returncode != 0 else ""
    if done.returncode != 0 and not FINDING.search(found):  # not about the source: it was stopped, or is not there
        return f"src/{path}: {TIDY} ended with {done.returncode}: {done.stderr}\n"
    writing = stamp.with_suffix(f".{os.getpid()}")
    writing.write_text(found)
    writing.rename(stamp)
    return found


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    todo = commands()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda item: tidy(*item, version), todo.items()))
    # A header's finding comes once from each source that includes it.
    findings = {finding: None for result in results if result for finding in FINDING.split(result) if finding.strip()}
    print("".join(findings))
    errors = sum(1 for result in results if result)
    print(f"{0 if errors else 1} passed, {errors} failed")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
