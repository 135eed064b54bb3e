from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu_stages.data.heldout import Overlap, Side, Wanted, assign, mark_leaks
from bongsu_stages.data.minhash import PERMUTATIONS, band_keys, clusters, earlier_duplicates, signatures
from bongsu_stages.data.passages import passages
from bongsu_stages.data.shingles import shingle_hashes


def words(seed: int, count: int = 120) -> str:
    source = random.Random(seed)
    return " ".join("".join(source.choices("가나다라마바사아자차카타파하", k=4)) for _ in range(count))


def test_signatures_estimate_the_jaccard_similarity_of_texts() -> None:
    one, other = words(1, 200), words(1, 200)[:700] + words(2, 60)
    first, second = (set(shingle_hashes(text, 8).tolist()) for text in (one, other))
    true = len(first & second) / len(first | second)
    rows = signatures([one, other])
    assert rows.shape == (2, PERMUTATIONS)
    assert float(np.mean(rows[0] == rows[1])) == pytest.approx(true, abs=0.15)


def test_line_breaks_do_not_hide_a_copy() -> None:
    text = words(3)
    rows = signatures([text, text.replace(" ", "\n")])
    assert np.array_equal(rows[0], rows[1])


def test_empty_and_short_texts_have_signatures() -> None:
    assert signatures([]).shape == (0, PERMUTATIONS)
    assert signatures(["", "가", "가나다라마바사아자차"]).shape == (3, PERMUTATIONS)


def test_later_near_duplicates_name_the_text_that_stays() -> None:
    base = words(4, 300)
    texts = [base, words(5, 300), base + " 끝", words(6, 300), base[:-9], words(5, 300)]
    assert earlier_duplicates(signatures(texts), 0.8).tolist() == [-1, -1, 0, -1, 0, 1]


def test_unlike_texts_are_no_duplicates() -> None:
    texts = [words(seed) for seed in range(10, 60)]
    assert set(earlier_duplicates(signatures(texts), 0.8).tolist()) == {-1}
    assert earlier_duplicates(signatures([]), 0.8).tolist() == []


def test_clusters_join_what_shares_a_band_transitively() -> None:
    keys = np.array([[1, 10], [2, 11], [1, 12], [3, 12], [4, 13], [5, 11]], dtype=np.uint64)
    assert clusters(keys).tolist() == [0, 1, 0, 0, 4, 1]


@given(st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), max_size=40))
def test_clusters_are_the_connected_components(rows: list[list[int]]) -> None:
    keys = np.array(rows, dtype=np.uint64).reshape(-1, 3)
    expected = list(range(len(rows)))
    for _ in rows:
        for i, one in enumerate(rows):
            for j, other in enumerate(rows):
                if any(a == b for a, b in zip(one, other, strict=True)):
                    expected[i] = expected[j] = min(expected[i], expected[j])
    assert clusters(keys).tolist() == expected


def test_a_cluster_goes_to_one_side_and_the_share_is_met() -> None:
    texts = [words(seed // 2) + (" 꼬리" if seed % 2 else "") for seed in range(200)]
    keys = band_keys(signatures(texts))
    lengths = np.array([len(text) for text in texts])
    contents = keys.sum(axis=1, dtype=np.uint64)
    sides, groups = assign(keys, contents, lengths, Wanted(0.1, 10**9, 7))
    assert groups == 100
    assert np.array_equal(sides[::2], sides[1::2])
    assert lengths[sides == Side.HELDOUT].sum() / lengths.sum() == pytest.approx(0.1, abs=0.02)
    other, _ = assign(keys, contents, lengths, Wanted(0.1, 10**9, 8))
    assert not np.array_equal(sides, other)
    capped, _ = assign(keys, contents, lengths, Wanted(0.1, 2500, 7))
    assert 0 < lengths[capped == Side.HELDOUT].sum() <= 2500
    none, _ = assign(keys, contents, lengths, Wanted(0.0, 10**9, 7))
    assert not none.any()


def test_a_small_corpus_still_holds_something_out() -> None:
    texts = [words(1, 400), words(2, 100)]
    keys = band_keys(signatures(texts))
    sides, _ = assign(keys, keys.sum(axis=1), np.array([2000, 500]), Wanted(0.05, 10**9, 0))
    assert sides.tolist() == [0, 1]


@pytest.mark.parametrize(("most", "sides"), [(499, [0, 0]), (500, [0, 1])])
def test_no_more_than_the_bound_is_held_out_even_of_a_small_corpus(most: int, sides: list[int]) -> None:
    keys = band_keys(signatures([words(1, 400), words(2, 100)]))
    found, _ = assign(keys, keys.sum(axis=1), np.array([2000, 500]), Wanted(0.05, most, 0))
    assert found.tolist() == sides


def test_most_of_the_heldout_part_stays_when_the_corpus_grows() -> None:
    texts = [words(seed, 60) for seed in range(300)]
    keys = band_keys(signatures(texts))
    contents, lengths = keys.sum(axis=1, dtype=np.uint64), np.array([len(text) for text in texts])
    small, _ = assign(keys[:200], contents[:200], lengths[:200], Wanted(0.1, 10**9, 0))
    large, _ = assign(keys, contents, lengths, Wanted(0.1, 10**9, 0))
    assert (large[:200][small == Side.HELDOUT] == Side.HELDOUT).mean() > 0.5


def test_a_heldout_passage_that_training_text_contains_is_found() -> None:
    copied, own = words(21), words(22)
    overlap = Overlap([copied, own])
    overlap.see(words(23, 500) + copied + words(24, 500))
    assert overlap.share(copied) == pytest.approx(1.0)
    assert overlap.share(own) == 0.0
    sides = np.array([Side.HELDOUT, Side.HELDOUT, Side.TRAIN], dtype=np.int8)
    assert mark_leaks(iter([copied, own, copied]), sides, overlap, 0.5) == 1
    assert sides.tolist() == [Side.LEAKING, Side.HELDOUT, Side.TRAIN]


@given(st.text(st.sampled_from("가나다 .\n"), max_size=400), st.integers(1, 60))
def test_passages_joined_are_the_text(text: str, characters: int) -> None:
    pieces = passages(text, characters)
    assert "".join(pieces) == text
    assert all(0 < len(piece) < 2 * characters for piece in pieces)


def test_the_same_text_in_two_documents_is_cut_alike() -> None:
    shared = "\n".join(words(seed, 8) for seed in range(100, 160)) + "\n"
    one = passages(words(1, 37) + "\n" + shared, 400)
    other = passages(words(2, 11) + "\n" + shared, 400)
    assert len(set(one) & set(other)) > 0.7 * len(one)
