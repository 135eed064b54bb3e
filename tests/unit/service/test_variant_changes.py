"""What variants are said to have gained or lost."""

from __future__ import annotations

from bongsu.service.variants import _alike, _change


def test_a_speed_changed_only_where_its_interval_is_apart() -> None:
    base = {"speed.tokensPerSecond": (7_400.0, 45_000.0), "perplexity.law": (18.0, 22.0)}
    mine = {"speed.tokensPerSecond": (8_100.0, 50_000.0), "perplexity.law": (18.5, 22.5)}
    alike = _alike(mine, base)
    figures = {"speed.tokensPerSecond": 40_838.0, "perplexity.law": 20.6}
    changed = _change(figures, {"speed.tokensPerSecond": 17_415.0, "perplexity.law": 20.0}, alike)
    assert changed.keys() == {"perplexity.law"}
    assert _alike({"speed.tokensPerSecond": (50.0, 60.0)}, {"speed.tokensPerSecond": (20.0, 30.0)}) == set()
    assert _alike({"speed.tokensPerSecond": (50.0, 60.0)}, {}) == set()
