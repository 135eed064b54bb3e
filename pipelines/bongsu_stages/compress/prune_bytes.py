"""Writing a model with fewer experts by copying byte ranges: kept experts are not decoded, only renumbered."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bongsu.artifacts.base import TreeWriter
from bongsu.artifacts.writing import write_bytes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.weights import INDEX
from bongsu_stages.models.fingerprints import FingerprintOf
from bongsu_stages.models.weight_header import encode_header, encode_index
from bongsu_stages.models.weight_index import DTYPES, Entry, WeightIndex, Written
from bongsu_stages.runtime.stage import StageError

_EXPERT = re.compile(r"^(model\.layers\.(\d+)\.mlp\.experts\.)(\d+)(\..+)$")
_ROUTER = re.compile(r"^model\.layers\.(\d+)\.mlp\.gate\.(?:weight|e_score_correction_bias)$")


@dataclass(frozen=True)
class Copied:
    """One tensor of the new file: name, shape, and the byte ranges (start, end) of the old one that make it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        return sum(end - start for start, end in self.ranges)


def check_layers(names: Iterable[str], layers: int) -> None:
    """Raise StageError if there are experts outside of the ``layers`` decoder layers, where none can be scored.

    They would stay as many as they were, and ``config.json`` has one number for all.
    """
    for name in names:
        expert = _EXPERT.match(name)
        if expert and int(expert[2]) >= layers:
            raise StageError(
                phrase(
                    N_("Layer {layer} has experts and is no decoder layer of the model's config.json."),
                    layer=expert[2],
                ),
                N_("Leave the layers for multi-token prediction out of the model tree."),
            )


def plan_file(entries: Sequence[Entry], kept: Mapping[int, Sequence[int]]) -> Iterator[Copied]:
    """What of one file is copied, in its order; ``kept`` maps every sparse layer to the experts that stay."""
    for entry in entries:
        expert, router = _EXPERT.match(entry.name), _ROUTER.match(entry.name)
        if expert and int(expert[2]) in kept:
            experts = list(kept[int(expert[2])])
            if int(expert[3]) in experts:
                name = f"{expert[1]}{experts.index(int(expert[3]))}{expert[4]}"
                yield Copied(name, entry.dtype, entry.shape, ((entry.start, entry.end),))
        elif router and int(router[1]) in kept:
            rows = kept[int(router[1])]
            width = entry.size // entry.shape[0]
            ranges = tuple((entry.start + row * width, entry.start + (row + 1) * width) for row in rows)
            yield Copied(entry.name, entry.dtype, (len(rows), *entry.shape[1:]), ranges)
        else:
            yield Copied(entry.name, entry.dtype, entry.shape, ((entry.start, entry.end),))


def write_pruned(weights: WeightIndex, writer: TreeWriter, kept: Mapping[int, Sequence[int]]) -> Written:
    """Write every weight file anew without the experts that go. Raises StageError if a file ends within them."""
    total = 0
    fingerprints: dict[str, str] = {}
    places: dict[str, str] = {}
    files = weights.files()
    for file in files:
        plan = list(plan_file(weights.in_file(file), kept))
        with writer.create(file) as target:
            target.write(encode_header({c.name: (c.dtype, c.shape, c.size) for c in plan}))
            passing = _Passing(plan)
            for start, end in _joined(plan):
                for part in weights.parts(file, start, end):
                    passing.see(part)
                    target.write(part)
            fingerprints |= passing.fingerprints
        places |= {copied.name: file for copied in plan}
        total += sum(copied.size for copied in plan)
    if len(files) > 1:
        write_bytes(writer, INDEX, encode_index(places, total))
    return Written(total, dict(sorted(fingerprints.items())))


class _Passing:
    """Takes the fingerprints of tensors while their bytes pass, one after another."""

    def __init__(self, plan: Sequence[Copied]) -> None:
        self._plan = deque(plan)
        self._hashed: FingerprintOf | None = None
        self._missing = 0
        self.fingerprints: dict[str, str] = {}
        self._close_whole()

    def see(self, part: bytes) -> None:
        view = memoryview(part)
        while view and self._hashed:
            own, view = view[: self._missing], view[self._missing :]
            self._hashed.update(own)
            self._missing -= len(own)
            self._close_whole()

    def _close_whole(self) -> None:
        """Finish the tensor of which nothing is missing any more, and every one behind it that has no bytes."""
        while not self._missing and (self._hashed or self._plan):
            if self._hashed:
                self.fingerprints[self._plan.popleft().name] = self._hashed.hexdigest()
                self._hashed = None
            if self._plan:
                self._hashed = FingerprintOf(DTYPES[self._plan[0].dtype], self._plan[0].shape)
                self._missing = self._plan[0].size


def _joined(plan: Sequence[Copied]) -> Iterator[tuple[int, int]]:
    """Byte ranges in order, neighbours joined into one."""
    current: tuple[int, int] | None = None
    for copied in plan:
        for start, end in copied.ranges:
            if current and current[1] == start:
                current = (current[0], end)
            else:
                if current:
                    yield current
                current = (start, end)
    if current:
        yield current
