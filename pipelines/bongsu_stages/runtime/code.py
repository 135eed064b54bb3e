"""Which source files make a stage: its module and all that it imports of its own package and of this one."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from bongsu.domain.ids import Digest

_OURS = "bongsu_stages"
# Where statements stand within others; ``handlers`` and ``cases`` hold them in turn.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@cache
def code_digest(module: str) -> Digest:
    """Digest of every source file that ``module`` reaches by imports, as they were when this process first asked:
    changed code, changed cache key."""
    return digest_of_sources(module, sources_of(module, _found))


def digest_of_sources(module: str, sources: Mapping[str, bytes]) -> Digest:
    """Of a module and what it reaches, by names and contents alone."""
    total = hashlib.sha256(module.encode())
    for name in sorted(sources):
        total.update(name.encode() + b"\0" + hashlib.sha256(sources[name]).digest())
    return Digest("sha256-" + total.hexdigest())


def sources_of(module: str, find: Callable[[str], Path | None]) -> dict[str, bytes]:
    """Sources by the names of the modules that ``module`` reaches by imports, itself among them.

    Followed are imports of the module's own top-level package and of ``bongsu_stages``, with the packages that they
    lie in; installed libraries are not. It does not depend on where the files lie or what this process has imported
    before.

    Args:
        find: the source file of a module, as :func:`find_source` gives it.
    """
    found: dict[str, bytes] = {}
    packages = {module.partition(".")[0], _OURS}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = find(name) if name not in found and name.partition(".")[0] in packages else None
        if file is None:
            continue
        found[name] = file.read_bytes()
        waiting += _imports(found[name], name if file.name == "__init__.py" else name.rpartition(".")[0])
        # Python runs the packages around a module before it.
        waiting.append(name.rpartition(".")[0])
    return found


@cache  # stages share most of their modules
def _imports(source: bytes, package: str) -> frozenset[str]:
    """Modules that a source may import, also inside of functions; ``package`` is what its relative names start at.

    The source is parsed and not run: importing it would bring torch into a planner.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # it imports nothing that could run
        return frozenset()
    found: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            # What is imported from a package may be a module of it.
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Every statement at every depth; expressions, of which there are many more, hold no imports."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in _BLOCKS:
            waiting += getattr(node, field, ())


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """``a.b.c`` for ``from ..c import x`` in the package ``a.b.d``; empty if it climbs out of its top package."""
    parts = package.split(".")
    if not node.level:
        return node.module or ""
    if node.level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def find_source(module: str) -> Path | None:
    """The source file of a module that is installed or imported; None if it has none, as what is no module."""
    top, _, rest = module.partition(".")
    roots, own = _origin(top)
    for root in roots:
        place = Path(root, *rest.split(".")) if rest else Path(root)
        # As Python does: a package goes before a module of the same name.
        for file in (place / "__init__.py", *([place.with_suffix(".py")] if rest else [])):
            if file.is_file():
                return file
    # A module that is no package, as a script or a test has.
    return Path(own) if own and not rest and not roots and Path(own).is_file() else None


# Stages share most of their modules.
_found = cache(find_source)


def _origin(top: str) -> tuple[list[str], str | None]:
    """Directories of a top-level package, or the file of a module that is none; nothing is imported."""
    if (known := sys.modules.get(top)) is not None:
        return list(getattr(known, "__path__", ())), getattr(known, "__file__", None)
    spec = importlib.util.find_spec(top) if top else None
    return (list(spec.submodule_search_locations or ()), spec.origin) if spec else ([], None)
