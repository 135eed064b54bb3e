"""The signatures that a file uses, out of a catalogue that may load them one by one."""

from __future__ import annotations

from contextlib import suppress

from bongsu.domain.codes import spec as graph_codes
from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import Finding, shown
from bongsu.domain.stages import Catalogue, StageSignature
from bongsu.domain.suggest import all_but_certain, closest
from bongsu.specfile.draft import Draft


def load_signatures(draft: Draft, catalogue: Catalogue) -> tuple[dict[str, StageSignature], list[Finding]]:
    """Signatures by the name in ``uses``; a stage that is not installed or cannot be loaded is a finding at each use.

    A name that is all but certainly a misspelt one gets the signature of the one that was meant, so that the rest of
    the stage, and what refers to it, is checked in the same run.
    """
    loaded: dict[str, StageSignature] = {}
    failed: dict[str, str] = {}
    findings = []
    for index, stage in enumerate(draft.spec.spec.stages):
        path = ("spec", "stages", index, "uses")
        name = stage.uses
        if draft.is_broken(path):
            continue
        if name not in loaded.keys() | failed.keys():
            try:
                loaded[name] = catalogue[name]
            except LookupError:
                failed[name] = ""
                meant = all_but_certain(name, catalogue)
                if meant is not None:
                    with suppress(Exception):  # it has a finding only where it is used by its own name
                        loaded[name] = catalogue[meant]
            except Exception as error:  # whatever a package raises while it is imported
                failed[name] = shown(f"{type(error).__name__}: {error}", 300)
        if failed.get(name):
            args = {"name": name, "detail": failed[name].rstrip(".")}
            findings.append(Finding(codes.STAGE_NOT_LOADED, path, args))
        elif name in failed:
            suggestion = closest(name, catalogue)
            findings.append(Finding(graph_codes.UNKNOWN_USES, path, {"name": name, "suggestion": suggestion}))
    return loaded, findings
