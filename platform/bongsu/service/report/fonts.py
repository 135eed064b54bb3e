"""A font of this machine that has Hangul, for pictures that carry their glyphs with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Beginnings of file names of fonts that systems come with, the plainest first.
_KNOWN = (
    "notosanscjk-regular",
    "notosanskr-regular",
    "notosanskr",
    "nanumgothic",
    "malgun",
    "applesdgothic",
    "pretendard-regular",
    "undotum",
    "baekmuk",
)


def hangul_font(files: Iterable[str] | None = None) -> str | None:
    """Its name, known to matplotlib from now on; None if this machine has none.

    Fonts are looked for anew: matplotlib's own list is made once, and knows none that was installed later.

    Args:
        files: paths of font files; those of the system if not given.
    """
    from matplotlib import font_manager

    found = sorted(files if files is not None else font_manager.findSystemFonts())
    for beginning in _KNOWN:
        for file in found:
            if Path(file).name.lower().startswith(beginning):
                name = _added(file)
                if name:
                    return name
    return None


def _added(file: str) -> str | None:
    from matplotlib import font_manager

    try:
        font = font_manager.get_font(file)
        if not font.get_char_index(ord("한")):
            return None
        font_manager.fontManager.addfont(file)
    except (OSError, RuntimeError):  # no font, or one that FreeType cannot read
        return None
    return str(font.family_name)
