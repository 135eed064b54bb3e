"""What the rules over acts are made of: words for a concept, and concepts that meet in one sentence."""

from __future__ import annotations

EDGE = r"(?<![a-z])"
"""Where an English word begins."""
EDGE_AFTER = r"(?![a-z])"
"""Where it ends."""
STEM = r"\w*"
"""Any ending."""


class Words(tuple[str, ...]):
    """Words and short phrases for one concept, each a fragment of a regular expression.

    As text it is a pattern that any of them matches, between ``before`` and ``after``; taken apart (``*PEOPLE``) it
    lends its words to a wider concept.
    """

    before: str
    after: str

    def __new__(cls, *words: str, before: str = "", after: str = "") -> Words:
        made = super().__new__(cls, words)
        made.before, made.after = before, after
        return made

    def __str__(self) -> str:
        return f"{self.before}(?:{'|'.join(self)}){self.after}"

    __format__ = object.__format__

    @property
    def whole(self) -> str:
        """Any of them as a whole English word."""
        return f"{EDGE}{self}{EDGE_AFTER}"


class Act:
    """An act, and behind it what it is done to or with, each in reach of the one before.

    Attributes:
        act: what is done.
        objects: to whom, or with what: how many characters may lie between, none a full stop, and the concept.
        either_order: the object may stand before the act; for one object.
    """

    def __init__(self, act: Words | str, *objects: tuple[int, Words | str], either_order: bool = False) -> None:
        if either_order and len(objects) != 1:
            raise ValueError("an act in either order has one object")
        self.act, self.objects, self.either_order = act, objects, either_order

    def __str__(self) -> str:
        forward = str(self.act) + "".join(f"[^.]{{0,{gap}}}?{concept}" for gap, concept in self.objects)
        if not self.either_order:
            return forward
        ((gap, concept),) = self.objects
        return f"{forward}|{concept}[^.]{{0,{gap}}}?{self.act}"
