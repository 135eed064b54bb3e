"""Which source files make a stage: its module and all that it imports of its own distribution and of this one."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bongsu.domain.ids import Digest

# Imports are read as text, also those inside of functions: importing them would bring torch into a planner.
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([\w.]+))", re.M
)
_NAME = re.compile(r"\w+")
_OURS = "bongsu_stages"


@cache
def code_digest(module: str) -> Digest:
    """Digest of every source file that ``module`` reaches by imports: changed code, changed cache key.

    Followed are imports of the module's own top-level package and of ``bongsu_stages``; installed libraries are not.
    """
    found: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if name in found or file is None:
            continue
        found[name] = file.read_bytes()
        waiting += _imports(found[name].decode(errors="replace"), {module.partition(".")[0], _OURS})
    total = hashlib.sha256(module.encode())
    for name in sorted(found):
        total.update(name.encode() + b"\0" + hashlib.sha256(found[name]).digest())
    return Digest("sha256-" + total.hexdigest())


def _imports(source: str, packages: set[str]) -> Iterator[str]:
    for start, names, plain in _IMPORT.findall(source):
        module = start or plain
        if module.partition(".")[0] in packages:
            yield module
            # What is imported from a package may be a module of it.
            yield from (f"{module}.{name}" for name in _NAME.findall(names))


@cache
def _file(module: str) -> Path | None:
    top, _, rest = module.partition(".")
    package = sys.modules.get(top)
    for root in getattr(package, "__path__", ()):
        place = Path(root, *rest.split(".")) if rest else Path(root)
        for file in (place.with_suffix(".py") if rest else place / "__init__.py", place / "__init__.py"):
            if file.is_file():
                return file
    # A module that is no package, as a script or a test has.
    own = getattr(sys.modules.get(module), "__file__", None)
    return Path(own) if own else None
