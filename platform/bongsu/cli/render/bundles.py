"""A bundle of a model, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.domain.quantities import short
from bongsu.service.model_bundles.showing import BundleShown


def bundle_view(found: BundleShown) -> RenderableType:
    """What it is, whose it says that it is, what for, by whom it was approved, and what is not known."""
    return Group(*_lines(found))


def _lines(found: BundleShown) -> Iterator[Text]:
    yield Text(f"{found.model}  {found.label}", style="bold")
    if found.declassify_on is not None:
        yield _field(_("Label to be reviewed on"), found.declassify_on.isoformat())
    yield _field(_("From"), f"{found.ministry} · {found.origin}" if found.ministry else found.origin)
    yield _field(_("Given for"), found.target)
    yield _field(_("Use class"), found.use_class.value)
    if found.statement:
        yield _field(_("Purpose"), found.statement)
    files = _("files: {count}, bytes: {size}").format(count=found.files, size=f"{found.size:,}")
    yield _field(_("Model"), f"{found.digest} · {files}")
    yield _field(_("Exported"), f"{moment(found.exported_at)} · {found.exported_by}")
    for approval in found.approvals:
        people = ", ".join(one.person for one in approval.deciders)
        ends = _("evidence until {end}").format(end=moment(approval.evidence_ends_at))
        yield _field(_("Approved"), f"{approval.proposal} · {people} · {ends} · {approval.binding}")
    if not found.governed:
        yield _field(_("Approved"), _("by nobody: it comes from a home of one person"))
    for evidence in found.evidence:
        yield _field(_("Evidence"), f"{evidence.type.value} · {evidence.label} · {evidence.digest}")
    for source in found.sources:
        yield _field(_("Came from"), f"{source.name} · {source.label} · {short(source.digest)}")
    if found.left_out:
        yield _field(_("Came from"), _("{count} more that are not told").format(count=found.left_out))
    for signer in found.signers:
        words = _("with a key that you gave") if signer in found.named else _("with a key that came with the file")
        yield _field(_("Signed"), f"{signer} · {words}")
    yield _field(_("Signed document"), found.document)
    if not found.named:
        yield Text(
            _(
                "Nothing here says whose these keys are: get the giver's by another way and name it with --key"
                " (`bongsu audit keys` prints it there)."
            ),
            style="yellow",
        )


def _field(name: str, value: str) -> Text:
    """On one line: what a bundle says of itself adds no line that looks like one of these."""
    return Text(f"  {name}: {' ⏎ '.join(value.splitlines())}")
