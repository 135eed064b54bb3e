"""What is signed of a log: ``audit checkpoint``, ``keys``, ``witness`` and ``accept``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli.commands.shared import AsJson, audit_plane
from bongsu.cli.failures import print_warnings
from bongsu.cli.files import write_file
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _

Ministry = Annotated[
    str | None, typer.Option(help=_("Whose log on a server; your ministry's, if you are in one alone."))
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help=_("Write it to this file instead of printing it.")),
]


def add_to(audit: typer.Typer) -> None:
    audit.command("checkpoint", help=_("Sign what the log is now."))(checkpoint)
    audit.command("keys", help=_("Print the public keys by which others verify this log."))(keys)
    audit.command("witness", help=_("Sign another log's checkpoint, if the log only grew; works offline."))(witness)
    audit.command("site-key", help=_("Draw or change the key by which a server signs; for its operator."))(site_key)
    audit.command("accept", help=_("Keep what a witness signed, so that exports hold it."))(accept)


def checkpoint(
    context: typer.Context,
    since: Annotated[
        int | None,
        typer.Option(min=0, help=_("Make a request for a witness that saw so many entries last; 0 for a new one.")),
    ] = None,
    rotate_key: Annotated[
        bool, typer.Option("--rotate-key", help=_("Draw a new key; this checkpoint is signed by both."))
    ] = False,
    ministry: Ministry = None,
    output: Target = None,
    as_json: AsJson = False,
) -> None:
    with audit_plane(context, ministry) as log:
        request = log.request(since or 0, rotate_key=rotate_key)
    text = str(request.signed.note if since is None else request)
    signed = request.signed.checkpoint
    if output is not None:
        write_file(output, text)
    if as_json:
        document = {"origin": signed.origin, "size": signed.size, "root": signed.root.hex(), "since": since}
        say_json(document | {"text": text, "file": output})
    elif output is None:
        say(text, end="", exact=True)
    else:
        told = (
            _("{size} entries of {origin} are signed; the checkpoint is in {file}.")
            if since is None
            else _("{size} entries of {origin} are signed; the request for a witness is in {file}.")
        )
        say(told.format(size=signed.size, origin=signed.origin, file=output))


def keys(context: typer.Context, ministry: Ministry = None) -> None:
    with audit_plane(context, ministry) as log:
        for key in log.public_keys():
            say(str(key))


def witness(
    request: Annotated[Path, typer.Argument(help=_("What `audit checkpoint --since` wrote."))],
    state: Annotated[Path, typer.Option(metavar="FILE", help=_("Where this witness remembers what it signed."))],
    key: Annotated[Path, typer.Option(metavar="FILE", help=_("The key of this witness."))],
    name: Annotated[str, typer.Option(help=_("Name of a new witness, for which a key is drawn."))] = "",
    log_key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help=_("Public key of the log, the first time; or a file of keys; repeatable.")
        ),
    ] = None,
    output: Target = None,
) -> None:
    from bongsu.domain.checkpoints import WitnessRequest
    from bongsu.domain.signed_notes import SignatureKind
    from bongsu.service.audit.verifying import malformed, read_keys, read_small
    from bongsu.service.audit.witness_memory import WitnessMemory
    from bongsu.service.audit.witnessing import cosign, witness_key

    try:
        asked = WitnessRequest.parse(read_small(request))
    except ValueError as error:
        raise malformed(str(request), 1, str(error)) from None
    signing = witness_key(key, name)
    memory = WitnessMemory(state)
    signed = cosign(asked, memory, signing, time.time(), read_keys(log_key or ()))
    print_warnings(out(error=True, markup=True), memory.damaged())
    public = signing.public(SignatureKind.WITNESS)
    # One thing alone on standard output, for `> FILE`: what was signed, or, once that is in a file, the key.
    if output is None:
        say(str(signed.note), end="", exact=True)
    else:
        write_file(output, str(signed.note))
        say(str(public))
    told = _("Signed {size} entries of {origin}; others verify it with {key}")
    say(told.format(size=signed.checkpoint.size, origin=signed.checkpoint.origin, key=public), error=True)


def site_key(
    file: Annotated[Path, typer.Argument(help=_("The file, as `serve --audit-key` takes it."))],
    name: Annotated[str, typer.Option(help=_("Name of the site, for which a first key is drawn."))] = "",
    begin: Annotated[
        bool, typer.Option("--begin-rotation", help=_("Put a new key on top; from now on both sign."))
    ] = False,
    end: Annotated[bool, typer.Option("--end-rotation", help=_("Take the former keys away."))] = False,
) -> None:
    from bongsu.service.audit.keys import begin_rotation, draw_site_key, end_rotation, keys_in

    if name:
        draw_site_key(file, name)
    found = keys_in(file)
    if begin:
        found = begin_rotation(file)
    if end:
        found = end_rotation(file)
    told = _("Keys of {site} in {file}: {count}. `bongsu audit keys` prints their public halves for each ministry.")
    say(told.format(site=found.site, file=file, count=len(found.keys)))


def accept(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help=_("The checkpoint as the witness gave it back."))],
    witness: Annotated[str, typer.Option(metavar="KEY", help=_("Public key of the witness, or a file with it."))],
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.audit.verifying import read_checkpoint, read_keys

    cosigned, keys = read_checkpoint(file), read_keys([witness])
    kept = []
    with audit_plane(context, ministry) as log:
        for key in keys:
            is_new = log.accept(cosigned, key)
            kept.append({"witness": key.name, "isNew": is_new})
            if not as_json:
                told = (
                    _("Kept the signature of {name} under {size} entries.")
                    if is_new
                    else _("The signature of {name} under {size} entries was there before.")
                )
                say(told.format(name=key.name, size=cosigned.checkpoint.size))
    if as_json:
        checkpoint = cosigned.checkpoint
        say_json({"origin": checkpoint.origin, "size": checkpoint.size, "signatures": kept})
