"""A thousand bundles that somebody did something to: none is taken in, and nothing of one is left."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from bundle_mutations import MUTATIONS, Mutation, Whole
from bundle_places import Giver, named, standing, take
from governed_places import GovernedPlace

from bongsu.artifacts.bundle_form import BLOCK, END
from bongsu.domain.problems import BongsuError, Problem
from bongsu.service.model_bundles.reading import inspect_bundle


def mutated(mutation: Mutation, number: int, good: Whole) -> bytes:
    """Another file than the good one."""
    chance = random.Random(f"{mutation.__name__}/{number}")
    while (found := mutation(chance, good)) == good.data():
        pass
    return found


def refusal(house: GovernedPlace, file: Path) -> tuple[Problem, ...]:
    """Why it is not taken in; nothing if it is."""
    try:
        take(house, file, clearance="C/logistics")
    except BongsuError as error:
        return tuple(error.problems)
    return ()


def test_of_a_thousand_corrupted_bundles_none_is_taken_in(
    giver: Giver, house: GovernedPlace, tmp_path: Path
) -> None:
    data = giver.bundle(tmp_path / "good").read_bytes()
    good = Whole.of(data)
    assert good.data() == data, "the parts are what they are made of"
    file, before, taken = tmp_path / "mutated", standing(house), []
    for mutation, times in MUTATIONS.items():
        for number in range(times):
            file.write_bytes(mutated(mutation, number, good))
            problems = refusal(house, file)
            if not problems:
                taken.append((mutation.__name__, number))
            assert all(one.code.name.startswith("bundle.") for one in problems), problems
            assert all(one.what() and one.fix() for one in problems)
        assert standing(house) == before, mutation
    assert taken == []
    assert sum(MUTATIONS.values()) == 1000
    assert take(house, tmp_path / "good", clearance="C/logistics").created, "the good one is"


@pytest.mark.parametrize("place", ["the header", "the content", "what fills the last block"])
def test_one_byte_of_each_member_is_enough_to_have_it_refused(
    giver: Giver, house: GovernedPlace, tmp_path: Path, place: str
) -> None:
    """Document, note and every file, one after the other, and the end."""
    data = giver.bundle(tmp_path / "good").read_bytes()
    good, file, before = Whole.of(data), tmp_path / "changed", standing(house)
    contents = [len(good.raw), len(good.note), *(len(content) for _name, content in good.files)]
    begin = 0
    for member, length in zip([*good.members(), b""], [*contents, 0], strict=True):
        behind = len(member) - length - -length % BLOCK
        offset = {"the header": 0, "the content": behind, "what fills the last block": len(member) - 1}[place]
        at = begin + max(offset, 0)
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        problems = refusal(house, file)
        assert problems, (begin, place)
        assert all(one.code.name.startswith("bundle.") for one in problems), problems
        begin += len(member)
    assert begin == len(data) - len(END)
    assert standing(house) == before


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_who_looks_at_one_offline_is_told_as_well(giver: Giver, tmp_path: Path, mutation: Mutation) -> None:
    good = Whole.of(giver.bundle(tmp_path / "good").read_bytes())
    file = tmp_path / "mutated"
    file.write_bytes(mutated(mutation, 0, good))
    with pytest.raises(BongsuError, match=r"bundle\."):
        inspect_bundle(file, named())


@pytest.mark.parametrize("what", ["nothing", "a folder", "a pipe that nobody writes to"])
def test_what_is_no_file_is_told_without_waiting(tmp_path: Path, what: str) -> None:
    path = tmp_path / "bundle"
    if what == "a folder":
        path.mkdir()
    elif what != "nothing":
        os.mkfifo(path)
    code = "missing" if what == "nothing" else "unreadable"
    with pytest.raises(BongsuError, match=rf"bundle\.{code}"):
        inspect_bundle(path, named())
