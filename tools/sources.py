"""The C++ sources as the checks see them: files, modules, and what includes what."""

import functools
import hashlib
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
# What a check has found out about some content; shared by all clones on a machine, as ccache's.
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "penstock"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def files(*suffixes):
    """All files under src with one of the suffixes, as paths relative to src."""
    return sorted(p.relative_to(SRC) for p in SRC.rglob("*") if p.suffix in suffixes and p.is_file())


@functools.cache
def includes(path):
    """What the file at `path` (relative to src) includes with quotes, in order, as paths relative to src."""
    return [pathlib.Path(name) for name in INCLUDE.findall((SRC / path).read_text(encoding="utf-8"))]


@functools.cache
def digest(path):
    return hashlib.sha256((SRC / path).read_bytes()).hexdigest()


def closure(path):
    """`path` and every file of src that it includes, directly or not."""
    seen, waiting = set(), [path]
    while waiting:
        file = waiting.pop()
        if file not in seen and (SRC / file).is_file():
            seen.add(file)
            waiting.extend(includes(file))
    return sorted(seen)


def closure_digest(path, *more):
    """Changes when the file, anything of ours that it includes, or one of the strings `more` changes."""
    lines = [f"{file} {digest(file)}" for file in closure(path)] + list(more)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
