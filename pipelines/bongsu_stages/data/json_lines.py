"""Lines of a JSON Lines file."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.stage import StageError

LARGEST_LINE = 64 * 1024 * 1024


def json_lines(tree: TreeReader, path: str) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, with its number in the file, from 1. Raises StageError if it is not UTF-8, or if a
    line has more than LARGEST_LINE bytes, which is not read to its end.

    Only a line feed ends a line: JSON strings may hold U+2028, U+0085 and others at which ``str.splitlines`` cuts.
    """
    number = 0
    with tree.open(path) as file:
        while data := file.readline(LARGEST_LINE + 1):
            number += 1
            if len(data) > LARGEST_LINE:
                raise StageError(
                    phrase(
                        N_("{path}, line {line} has more than {limit} MiB."),
                        path=path,
                        line=number,
                        limit=LARGEST_LINE // 2**20,
                    ),
                    N_("Take the line out, or divide its text into several lines."),
                )
            text = _decoded(data, path, number)
            if text.strip():
                yield number, text


def _decoded(data: bytes, path: str, number: int) -> str:
    try:
        return data.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise StageError(
            phrase(N_("{path}, line {line} is not UTF-8."), path=path, line=number), N_("Save the file as UTF-8.")
        ) from None
