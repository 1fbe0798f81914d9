"""Holds the includes of src against layers.txt.

A module includes its own headers and those of the modules on its line; a line names only earlier lines, so there are
no cycles; every folder with sources is on a line; a line names nothing that its module does not include.
"""

import collections
import sys

import sources


def read_layers(errors):
    """Returns {module: [dependencies]} in the order of layers.txt."""
    layers = {}
    for number, line in enumerate((sources.ROOT / "layers.txt").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        module, colon, rest = line.partition(":")
        if not colon or module in layers:
            errors.append(f"layers.txt:{number}: expected one 'module: dependencies' line per module")
            continue
        for dependency in rest.split():
            if dependency not in layers:
                errors.append(f"layers.txt:{number}: {module} names {dependency}, which is on no earlier line")
        layers[module] = rest.split()
    return layers


def module_of(path, layers):
    """The module with the longest name that is a folder of `path`; None when there is none."""
    parents = [parent.as_posix() for parent in path.parents]
    return next((parent for parent in parents if parent in layers), None)


def check(errors):
    layers = read_layers(errors)
    used = collections.defaultdict(set)
    for path in sources.files(".h", ".cc"):
        module = module_of(path, layers)
        if module is None:
            errors.append(f"src/{path}: is in no module of layers.txt")
            continue
        used[module].add(module)
        for include in sources.includes(path):
            target = module_of(include, layers)
            if target is None or not (sources.SRC / include).is_file():
                errors.append(f'src/{path}: "{include}" is no header of src (includes are written "module/file.h")')
                continue
            used[module].add(target)
            if target != module and target not in layers[module]:
                errors.append(f"src/{path}: {module} may not include {include}: {target} is not on its line in layers.txt")
    for module, dependencies in layers.items():
        if module not in used:
            continue
        for dependency in dependencies:
            if dependency not in used[module]:
                errors.append(f"layers.txt: {module} names {dependency} but includes nothing of it")


def main():
    errors = []
    check(errors)
    print("\n".join(errors))
    print(f"{0 if errors else 1} passed, {len(errors)} failed")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
