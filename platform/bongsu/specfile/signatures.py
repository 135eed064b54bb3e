"""The signatures that a file uses, out of a catalogue that may load them one by one."""

from __future__ import annotations

from bongsu.domain.codes import spec as graph_codes
from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import Finding, shown
from bongsu.domain.stages import Catalogue, StageSignature
from bongsu.domain.suggest import closest
from bongsu.specfile.draft import Draft


def load_signatures(draft: Draft, catalogue: Catalogue) -> tuple[dict[str, StageSignature], list[Finding]]:
    """Signatures by name. A stage that is not installed or cannot be loaded is a finding at each use."""
    loaded: dict[str, StageSignature] = {}
    failed: dict[str, str] = {}
    findings = []
    for index, stage in enumerate(draft.spec.spec.stages):
        path = ("spec", "stages", index, "uses")
        name = stage.uses
        if draft.is_broken(path):
            continue
        if name not in loaded and name not in failed:
            try:
                loaded[name] = catalogue[name]
            except LookupError:
                failed[name] = ""
            except Exception as error:  # whatever a package raises while it is imported
                failed[name] = shown(f"{type(error).__name__}: {error}", 300)
        if failed.get(name):
            args = {"name": name, "detail": failed[name].rstrip(".")}
            findings.append(Finding(codes.STAGE_NOT_LOADED, path, args))
        elif name in failed:
            suggestion = closest(name, catalogue)
            findings.append(Finding(graph_codes.UNKNOWN_USES, path, {"name": name, "suggestion": suggestion}))
    return loaded, findings
