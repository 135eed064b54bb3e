"""Lines of a JSON Lines file."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.stage import StageError


def json_lines(tree: TreeReader, path: str) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, with its number in the file, from 1. Raises StageError if it is not UTF-8.

    Only a line feed ends a line: JSON strings may hold U+2028, U+0085 and others at which ``str.splitlines`` cuts.
    """
    with tree.open(path) as file:
        data = file.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StageError(
            phrase(N_("{path}, line {line} is not UTF-8."), path=path, line=line), N_("Save the file as UTF-8.")
        ) from None
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
