"""Names as MLflow takes them for metrics, parameters and tags, and the tag that labels stand in.

It refuses characters other than letters, digits and ``_ . - : / `` or space, names that are no plain relative path, and
more than 250 characters (mlflow.utils.validation). Whoever names a figure need not know that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LABEL_TAG = "bongsu.label"
"""What a run, a model, a version or the edge to a data set is labelled."""
DIGEST_TAG, USE_TAG, SUSPENDED_TAG = "bongsu.digest", "bongsu.useClass", "bongsu.suspended"
SHARED_TAGS = (LABEL_TAG, DIGEST_TAG, USE_TAG, SUSPENDED_TAG)
"""Of a version, for people of another ministry that it is shared with: what it is, and nothing of its past."""
MAX_LENGTH = 250
_REFUSED = re.compile(r"[^\w.\- :/]")
_DIGITS = 8


def allowed_name(name: str) -> str:
    """``name`` with what MLflow refuses replaced by ``_``; one that is too long ends in a part of its hash."""
    parts = _REFUSED.sub("_", name).split("/")
    allowed = "/".join("_" if part in ("", ".", "..") else part for part in parts)
    if allowed.startswith(".."):
        allowed = f"_{allowed[1:]}"
    if len(allowed) <= MAX_LENGTH:
        return allowed
    return f"{allowed[: MAX_LENGTH - _DIGITS - 1]}_{_mark(name)}"


def allowed_names(names: Iterable[str]) -> dict[str, str]:
    """The same for several names that are to stay apart: where two would become one, a changed one is marked with a
    part of its hash."""
    wanted = list(dict.fromkeys(names))
    found = {name: name for name in wanted if allowed_name(name) == name}
    taken = set(found)
    for name in wanted:
        if name in found:
            continue
        allowed = allowed_name(name)
        if allowed in taken:
            allowed = allowed_name(f"{allowed[: MAX_LENGTH - _DIGITS - 1]}_{_mark(name)}")
        found[name] = allowed
        taken.add(allowed)
    return found


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
