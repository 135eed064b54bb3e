"""Bundles of models: whose signature counts, and where one may be taken in."""

from __future__ import annotations

from collections.abc import Iterable

from bongsu.domain.codes import bundle as codes
from bongsu.domain.messages import N_
from bongsu.domain.model_bundles import House, target_parts
from bongsu.domain.signed_notes import SignatureKind, SignedNote, VerifierKey
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule

SIGNED = Rule(
    "bundle.signed",
    N_(
        "A bundle counts only if a key has signed it that whoever takes it in has named, and no signature in it is"
        " wrong."
    ),
    (N_("keys that were named"), N_("signatures of the bundle"), N_("digest of its document")),
    "C2SP signed-note, OpenSSF model-signing specification",
    N_("before anything that a bundle says is read"),
)
TARGET = Rule(
    "bundle.target",
    N_(
        "A bundle is taken in only where it was approved for: by that ministry, in that installation if it names one."
    ),
    (N_("target that was approved"), N_("ministry that takes it in"), N_("name of the installation")),
    "JSP 936 Part 1 (approval of use), N2SF 1.0",
    N_("when a bundle is taken in"),
)


def signed(file: str, note: SignedNote, origin: str, keys: Iterable[VerifierKey]) -> Decision:
    """Whether one of these keys has signed.

    Args:
        file: what the bundle is called, for messages.
        note: what is signed, with its signatures.
        origin: of the log in whose name it is signed.
        keys: that were named.
    """
    facts = {"file": file, "origin": origin}
    mine = [key for key in keys if key.kind is SignatureKind.LOG and key.name == origin]
    lines = [(key, line) for key in mine for line in note.of(key)]
    for key, line in lines:
        if not key.signed(note.text, line.signature):
            return SIGNED.deny(codes.WRONG_SIGNATURE.at(file=file, key=str(key)), **facts)
    if not lines:
        return SIGNED.deny(codes.UNSIGNED.at(file=file, origin=origin), **facts)
    return SIGNED.allow(**facts)


def meant_for(file: str, target: str, here: House | None) -> Decision:
    """Whether it may be taken in here.

    Args:
        file: what the bundle is called, for messages.
        target: that it names.
        here: who takes it in; None if nobody said.
    """
    if here is None:
        return TARGET.deny(codes.TARGET_UNSTATED.at(file=file, target=target), target=target)
    wanted = target_parts(target)
    if wanted is None or wanted[0] != here.ministry or wanted[1] not in ("", here.site):
        problem = codes.OTHER_TARGET.at(file=file, target=target, here=str(here))
        return TARGET.deny(problem, target=target, here=str(here))
    return TARGET.allow(target=target, here=str(here))
