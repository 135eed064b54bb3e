"""Models that leave the house as one file, and come in from one: ``models export``, ``inspect``, ``import``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import completion
from bongsu.cli.commands.shared import AsJson, Ministry, either
from bongsu.cli.files import new_bytes
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.object_names import object_name

if TYPE_CHECKING:
    from bongsu.client.http import Server
    from bongsu.service.planes.bundles import BundlePlane
    from bongsu.service.platform import Platform

File = Annotated[Path, typer.Argument(metavar="FILE", help=_("As `models export` wrote it."))]


def add_to(models: typer.Typer) -> None:
    models.command("export", help=_("Write a model into one signed file for where its transfer was approved for."))(
        export
    )
    models.command("inspect", help=_("Check a bundle and say what it is, anywhere and offline."))(inspect)
    models.command("import", help=_("Take in the model of a bundle that a key has signed which you name."))(import_)


@contextmanager
def _bundles(context: typer.Context, ministry: str | None) -> Iterator[BundlePlane]:
    def here(opened: Platform) -> BundlePlane:
        from bongsu.service.planes.bundles import BundlesHere

        return BundlesHere(opened, ministry)

    def there(server: Server, usual: str | None) -> BundlePlane:
        from bongsu.client.remote_bundles import RemoteBundles

        return RemoteBundles(server, ministry or usual)

    with either(context, here, there) as found:
        yield found


def export(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(help=_("The model, as model:NAME/VERSION."), autocompletion=completion.models),
    ],
    target: Annotated[
        str, typer.Option("--to", metavar="TARGET", help=_("The ministry that gets it, as it was approved."))
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help=_("The new file."))],
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    model = object_name(model).removeprefix("model:")
    # The file first: where it cannot be made nothing is given, and the log does not say that it was.
    with _bundles(context, ministry) as plane, new_bytes(output) as file, plane.exported(model, target) as given:
        file.writelines(given.pieces)
    if as_json:
        say_json({"file": str(output), "size": given.size, "document": given.document})
        return
    words = _("{model} is in {file}: {size} bytes, signed document {document}.")
    say(words.format(model=model, file=output, size=f"{given.size:,}", document=given.document))


def inspect(
    file: File,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help=_("Public key of the giver's log, or a file of keys; repeatable.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.audit.verifying import read_keys
    from bongsu.service.model_bundles.reading import inspect_bundle
    from bongsu.service.model_bundles.showing import shown

    keys = read_keys(key) if key else None
    found = shown(inspect_bundle(file, keys), keys)
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.bundles import bundle_view

    out().print(bundle_view(found))


def import_(
    context: typer.Context,
    file: File,
    key: Annotated[
        list[str],
        typer.Option(metavar="KEY", help=_("Public key of the giver's log, or a file of keys; repeatable.")),
    ],
    ministry: Annotated[
        str | None, typer.Option(help=_("The ministry that takes it in; in a home, whose the home is."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.audit.verifying import read_keys

    keys = read_keys(key)
    with _bundles(context, ministry) as plane:
        taken = plane.take_in(file, keys)
    if as_json:
        say_json(taken)
        return
    words = (
        _("{model} of {origin} is here, with the label {label}: take it as artifact:{digest}.")
        if taken.created
        else _("{model} of {origin} was here before, with the label {label}: take it as artifact:{digest}.")
    )
    say(words.format(model=taken.model, origin=taken.origin, label=taken.label, digest=taken.digest))
