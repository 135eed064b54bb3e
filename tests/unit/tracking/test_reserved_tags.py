"""Which tags are the control plane's own, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException

from bongsu.tracking.governed.tags import check_is_free

TAKEN = [
    "bongsu.label",
    "Bongsu.label",
    "BONGSU.LABEL",
    "ｂｏｎｇｓｕ．label",
    "bоngsu.label",  # a Cyrillic o
    "bong\u200bsu.label",
    "bongsu\u2024label",
    "𝐛𝐨𝐧𝐠𝐬𝐮.label",
    " bongsu.label",
    "bóngsu.label",
    "Ꮟongsu.label",
    "ƅongsu.label",
    "ßongsu.label",
    "b0ngsu.label",
    "60n95u.label",
    "bongsu .label",
    "_bong-su_.label",
    "bonqsv.label",
    "ᑲоոɡѕմ.label",  # no two of one alphabet
    "bongsu\u00b7label",
    "bongsu\u3002label",
    "bongsu\u02b9.label",
    "..bongsu.label",
]


@pytest.mark.parametrize("key", TAKEN)
def test_what_reads_like_a_tag_of_the_control_plane_is_nobody_elses(key: str) -> None:
    with pytest.raises(MlflowException, match="are Bongsu's"):
        check_is_free(key)


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.text(max_size=10))
def test_capitals_make_no_other_tag(capitals: list[bool], rest: str) -> None:
    key = "".join(one.upper() if large else one for one, large in zip("bongsu", capitals, strict=True))
    with pytest.raises(MlflowException):
        check_is_free(f"{key}.{rest}")


@pytest.mark.parametrize(
    "key",
    [
        *(
            None,
            "",
            "bongsu",
            "bongsulabel",
            "mlflow.note",
            "my.bongsu.label",
            "라벨",
            "라벨.하나",
            "한국어모델군.하나",
        ),
        *(
            "gongsu.hours",
            "hongsu.level",
            "bongsa.people",
            "bongsus.x",
            "bngsu.x",
            "b.ongsu.x",
            "123456.x",
            "модель.x",
        ),
        *("b0ngsu", "국방모델검증.봉수", "データセット.x", "run_id.1", "env12.x", "bong.su"),
    ],
)
def test_other_tags_are_free(key: str | None) -> None:
    check_is_free(key)
