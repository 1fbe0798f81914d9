"""Checks that every header compiles alone.

A header with a source of the same name is proved by the build, because that source includes it first: only this order
is checked. The others are compiled, and what has compiled is remembered by the content of all that it includes.
"""

import concurrent.futures
import os
import subprocess
import sys

import sources

CACHE = sources.CACHE / "headers"
FLAGS = ["-std=gnu++2b", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-pragma-once-outside-header",
         "-DPENSTOCK_CHECKED=1", "-Isrc", "-x", "c++"]
COMPILER = "clang++-19"


def check_order(header, source):
    """Returns an error when `source` does not include its header before anything else."""
    lines = (sources.SRC / source).read_text(encoding="utf-8").splitlines()
    first = next((line for line in lines if line.startswith("#include")), "")
    if first != f'#include "{header.as_posix()}"':
        return f'src/{source}: the first include must be "{header}", which proves that it compiles alone'
    return None


def compile_alone(header):
    stamp = CACHE / sources.closure_digest(header, *FLAGS)
    if stamp.exists():
        return None
    done = subprocess.run([COMPILER, *FLAGS, f"src/{header}"], cwd=sources.ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        return f"src/{header} does not compile alone:\n{done.stderr}"
    stamp.touch()
    return None


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    headers = sources.files(".h")
    alone, errors = [], []
    for header in headers:
        source = header.with_suffix(".cc")
        if (sources.SRC / source).is_file():
            errors.append(check_order(header, source))
        else:
            alone.append(header)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        errors += pool.map(compile_alone, alone)
    errors = [error for error in errors if error]
    print("\n".join(errors))
    print(f"{0 if errors else 1} passed, {len(errors)} failed")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
