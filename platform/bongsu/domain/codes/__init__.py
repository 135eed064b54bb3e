"""Every error code, one module per area. ``docs/errors.md`` is generated from :func:`all_codes`.

Exit codes of the command line: 2 the input is wrong, 3 not found, 4 refused by policy, 5 the run failed,
6 the run was cancelled, 7 the environment lacks something, 8 stored data is damaged.
"""

from __future__ import annotations

import importlib
import pkgutil

from bongsu.domain.problems import Code


def all_codes() -> list[Code]:
    """Every declared code, by name. A name declared twice raises ValueError."""
    found: dict[str, Code] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, Code) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"error code {value.name} is declared twice")
    return [found[name] for name in sorted(found)]
