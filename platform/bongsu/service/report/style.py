"""One look for every chart: calm, and distinct without colour (Okabe and Ito palette, line styles, markers)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import Any

# Colours that survive the common forms of colour blindness (Okabe and Ito, 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
# Without any, there is no RDF block, which names addresses of its vocabularies.
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@contextmanager
def figure(width: float, height: float, panels: int = 1, fonts: Sequence[str] = ()) -> Iterator[tuple[Any, Any]]:
    """A matplotlib figure of ``width`` by ``height`` inches and its axes (a list of them for several panels, two in a
    row). ``fonts`` are asked for glyphs that the built-in one lacks.

    Works without a display and without pyplot's global state. Text stays text in SVG, so the reader's browser
    supplies Korean fonts.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "bongsu",
        # A dollar sign in a name is a dollar sign, not the beginning of a formula.
        "text.parse_math": False,
        # SVG text is set by the reader's browser; this family is only measured with.
        "font.family": ["DejaVu Sans", *fonts],
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "axes.axisbelow": True,
    }
    with mpl.rc_context(settings):
        drawn = Figure(figsize=(width, height), layout="constrained")
        columns = min(2, panels)
        axes = list(drawn.subplots(-(-panels // columns), columns, squeeze=False).flat)
        for empty in axes[panels:]:
            empty.set_axis_off()
        yield drawn, axes[:panels] if panels > 1 else axes[0]


def as_svg(drawn: Any) -> str:
    """The figure as an ``<svg>`` element, without a time stamp, so that equal data gives equal text."""
    text = StringIO()
    with warnings.catch_warnings():
        # Korean is only measured with the built-in font here; the browser draws it with its own.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn.savefig(text, format="svg", metadata=_NO_METADATA)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def as_png(drawn: Any, dots_per_inch: int = 150) -> bytes:
    data = BytesIO()
    drawn.savefig(data, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return data.getvalue()
