"""Checks the text of every file in the tree: what would embarrass us, what only works on one machine, what is too long."""

import re
import subprocess
import sys

import sources

# Ours to keep tidy; other files (goldens, corpora, built assets, licences) are only checked for size and for hosts.
TIDY_SUFFIXES = {".cc", ".h", ".py", ".sh", ".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".java", ".md", ".cmake",
                 ".json", ".toml", ".txt", ".sql", ".test", ".yml", ".xml", ""}
SOURCE_SUFFIXES = {".cc", ".h", ".py", ".sh", ".ts", ".tsx", ".mjs", ".java"}
NOT_OURS = re.compile(r"(^|/)(dist|corpus|goldens?|fonts|data)/|package-lock\.json$|^LICENSE$")
FILE_BYTES_MAX = 1 << 20
LARGE = re.compile(r"^tests/sql/nexmark/\w+\.ndjson\.zst$")  # recorded inputs
SOURCE_LINES_MAX = 800

# Written so that this file does not match itself.
EVERYWHERE = [
    (re.compile(r"(registry\.npmjs|registry\.yarnpkg|pypi|pythonhosted|repo\d?\.maven|deb\.debian|crates|proxy\.golang)[.]"
                r"(org|com|io|apache)"), "names a registry's host"),
    (re.compile(r"(?<![\w.$}*-])/(work|root|home/\w+|Users/\w+)/"), "names a path of one machine"),
    (re.compile(r"^(<{7}|>{7}) ", re.MULTILINE), "holds a merge conflict"),
]
IN_OURS = [
    (re.compile(r"[ \t]+$", re.MULTILINE), "ends a line in white space"),
    (re.compile(r"\t"), "holds a tab"),
    (re.compile(r"\r"), "holds a carriage return"),
]
IN_SOURCES = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "leaves something undone: do it, or say in prose what is not done and why"),
]
# What clang-tidy finds, too, by walking all of the standard library in every source.
UNNAMED_LOCK = re.compile(r"^\s*std::(lock_guard|scoped_lock|unique_lock|shared_lock)(<[^;]*>)?[({]", re.MULTILINE)
USING = re.compile(r"^\s*using (?:\w+::)+(\w+);$", re.MULTILINE)


def tracked_files():
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=sources.ROOT,
                             capture_output=True, text=True, check=True)
    return sorted(name for name in listing.stdout.split("\0") if name and (sources.ROOT / name).is_file())


def check_file(name):
    path = sources.ROOT / name
    if path.stat().st_size > FILE_BYTES_MAX and not LARGE.search(name):
        yield f"{name}: is larger than {FILE_BYTES_MAX} bytes"
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return
    rules = list(EVERYWHERE)
    if not NOT_OURS.search(name):
        rules += IN_OURS if path.suffix in TIDY_SUFFIXES else []
        rules += IN_SOURCES if path.suffix in SOURCE_SUFFIXES else []
        if path.suffix in SOURCE_SUFFIXES and text.count("\n") > SOURCE_LINES_MAX:
            yield f"{name}: has more than {SOURCE_LINES_MAX} lines; find the seam"
        if text and not text.endswith("\n") and path.suffix in TIDY_SUFFIXES:
            yield f"{name}: does not end its last line"
    for pattern, what in rules:
        if match := pattern.search(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: {what}"


def check_cpp(name):
    text = (sources.ROOT / name).read_text()
    line = lambda match: text.count("\n", 0, match.end()) + 1
    for match in UNNAMED_LOCK.finditer(text):
        yield f"{name}:{line(match)}: locks for no longer than the statement: name the lock"
    for match in USING.finditer(text):
        if len(re.findall(rf"\b{match[1]}\b", text)) < 2:
            yield f"{name}:{line(match)}: {match[1]} is not used"


def check_readmes():
    """Every module has a README.md."""
    for line in (sources.ROOT / "layers.txt").read_text().splitlines():
        module = line.partition(":")[0]
        folder = sources.SRC / module
        if line and not line.startswith("#") and folder.is_dir() and not (folder / "README.md").is_file():
            yield f"src/{module}: has no README.md"


def main():
    names = tracked_files()
    errors = [error for name in names for error in check_file(name)]
    errors += [error for name in names if name.endswith(".cc") for error in check_cpp(name)]
    errors += check_readmes()
    print("\n".join(errors))
    print(f"{0 if errors else 1} passed, {len(errors)} failed")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
