"""Pictures are drawn with a font that has Hangul, if there is one."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from bongsu.service.report.fonts import hangul_font

LATIN = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def test_a_font_without_hangul_and_a_file_that_is_no_font_are_passed_over(tmp_path: Path) -> None:
    latin, broken = tmp_path / "NanumGothic.ttf", tmp_path / "malgun.ttf"
    latin.write_bytes(LATIN.read_bytes())
    broken.write_bytes(b"no font")
    assert hangul_font([str(latin), str(broken), str(tmp_path / "NotoSansKR.ttf")]) is None
