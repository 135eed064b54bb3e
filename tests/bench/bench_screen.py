"""How much the screen of purposes catches of what it was not tuned with, and what it takes for something else:
``python tests/bench/bench_screen.py``.

No target: it is a tripwire beside the register of uses, and docs/governance.md states what is printed here. The
baseline of the same run is the screen without the rules over acts in plain words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bongsu.policy.acts import ACTS
from bongsu.policy.forbidden import FORBIDDEN, Forbidden
from bongsu.policy.harmless import without_harmless
from bongsu.policy.pairs import PAIRS
from bongsu.policy.purpose import screen
from bongsu.policy.reading import readings

CORPUS = Path(__file__).parents[1] / "unit" / "policy" / "corpus"
KINDS = ("tuned with", "held out")
FILES = {"tuned with": ("refused.txt", "allowed.txt"), "held out": ("held-out-refused.txt", "held-out-allowed.txt")}


def sentences(name: str) -> list[str]:
    lines = (CORPUS / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_refused(text: str) -> bool:
    return screen(text) is not None


def by(rules: Sequence[Forbidden]) -> Callable[[str], bool]:
    """Whether one of these refuses a text."""

    def refuses(text: str) -> bool:
        lefts = list(map(without_harmless, readings(text)))
        return any(rule.search(left) for rule in rules for left in lefts)

    return refuses


def rates(kind: str, refuses: Callable[[str], bool]) -> tuple[int, int, int, int]:
    """Of a kind of texts: how many are refused of those that should be, and how many of those that should not."""
    bad, good = map(sentences, FILES[kind])
    return sum(map(refuses, bad)), len(bad), sum(map(refuses, good)), len(good)


def main() -> None:
    screens = {"the screen": is_refused, "without acts": by((*FORBIDDEN, *PAIRS)), "acts alone": by(ACTS)}
    for kind in KINDS:
        for name, refuses in screens.items():
            began = time.process_time()
            caught, bad, alarms, good = rates(kind, refuses)
            each = (time.process_time() - began) / (bad + good) * 1000
            print(
                f"{kind}, {name}: {caught} of {bad} forbidden wordings refused ({caught / bad:.0%}),"
                f" {alarms} of {good} permitted ones ({alarms / good:.1%}); {each:.2f} ms each"
            )


if __name__ == "__main__":
    main()
