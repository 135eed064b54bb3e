"""Carrying out the gate over several models: what was reloaded in another process, against references made here."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu_stages.data.tokens import TokenTree, evenly, take_evenly
from bongsu_stages.models.activations import knows_rounding, rounds_activations
from bongsu_stages.models.configuration import read_config
from bongsu_stages.models.fingerprints import FINGERPRINTS, read_fingerprints
from bongsu_stages.models.loading import load_tokenizer
from bongsu_stages.models.mlmodel import ADAPTER, tokenizer_component
from bongsu_stages.models.plain import PlainFacts, plain_facts, write_plain
from bongsu_stages.models.weight_header import read_header
from bongsu_stages.runtime.context import NamedTree, StageContext
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.verify import checks
from bongsu_stages.verify.attribution import is_of_the_machine
from bongsu_stages.verify.checks import Check
from bongsu_stages.verify.outputs import Outputs, outputs_of
from bongsu_stages.verify.params import ReloadParams
from bongsu_stages.verify.reloading import check_room, reload_all, room_of


def examine(ctx: StageContext, params: ReloadParams) -> list[dict[str, Any]]:
    """One entry of ``verification.json`` for each model."""
    trees = [TokenTree(tree.reader, tree.title) for tree in ctx.inputs("tokens")]
    sequences = sequences_of(trees, params.sequences)
    made_with = {digest for tree in trees if (digest := tree.tokenizer_digest)}
    models = ctx.inputs("models")
    given = ctx.inputs("baseline")
    check_room(ctx, [*models, *given])
    reloaded = reload_all(ctx, [*models, *given], sequences)
    baseline = reloaded.get(len(models)) if given else None
    entries = []
    for number, model in enumerate(models):
        found = _checks(ctx, params, model, number, sequences, reloaded[number])
        found += tokenizer_checks(model.reader, made_with)
        if given:
            found.append(checks.fields_kept(read_config(model.reader), read_config(given[0].reader)))
        again = reloaded[number]
        if isinstance(baseline, str):
            found.append(Check("the baseline loads", False, baseline, "no error"))
        elif baseline is not None and isinstance(again, Outputs):
            found.append(checks.not_worse(baseline, again, params.max_loss_increase))
        entries.append(
            {
                "title": model.title,
                "modelDigest": model.ref.digest,
                "passed": all(check.passed for check in found),
                "checks": [check.as_dict() for check in found],
            }
        )
        ctx.progress(number + 1, len(models))
    return entries


def _checks(
    ctx: StageContext,
    params: ReloadParams,
    model: NamedTree,
    number: int,
    sequences: np.ndarray[Any, Any],
    reloaded: Outputs | str,
) -> list[Check]:
    # What is damaged is no verdict on the model: the attempt fails for it, and the tree is set aside.
    model.reader.verify()
    config = read_config(model.reader)
    found = [Check("bytes as in the manifest", True, "every hash equal", "every hash equal")]
    try:
        found += checks.expert_count(config, _entry_names(model))
    except StageError as error:
        return [*found, Check("weight files are whole", False, str(error), "no error")]
    if isinstance(reloaded, str):
        return [*found, Check("loads in a new process", False, reloaded, "no error")]
    found += [Check("loads in a new process", True, "no error", "no error"), checks.keys_known(reloaded)]
    plain = ctx.scratch / f"plain-{number}"
    try:
        write_plain(model.reader.local(), plain)
        facts = plain_facts(plain)
        adapter = plain_facts(plain / ADAPTER) if (plain / ADAPTER).is_dir() else None
        found.append(checks.finite_weights([*facts.not_finite, *(adapter.not_finite if adapter else ())]))
        found += _as_in_memory(params, model, facts, adapter, reloaded)
        rounding = config if rounds_activations(config) and knows_rounding(config) else None
        reference = outputs_of(plain, sequences, room_of(ctx), rounding=rounding)
    except Exception as error:  # whatever of the model keeps it from being read independently is a finding
        if is_of_the_machine(error):
            raise
        text = f"{type(error).__name__}: {error}"[:500]
        return [*found, Check("weights can be unpacked independently", False, text, "no error")]
    finally:
        shutil.rmtree(plain, ignore_errors=True)
    is_approximate = rounds_activations(config) and rounding is None
    return [*found, *_agreement(params, reference, reloaded, is_approximate=is_approximate)]


def _agreement(params: ReloadParams, reference: Outputs, reloaded: Outputs, *, is_approximate: bool) -> list[Check]:
    """What the reloaded model answers, against the same weights read independently.

    Args:
        is_approximate: the model rounds activations, and the reference does not know how.
    """
    if is_approximate:
        return [
            checks.logits_agree(reference, reloaded, params.activation_logit_tolerance),
            checks.perplexity_agrees(reference, reloaded, params.activation_perplexity_tolerance),
        ]
    return [
        checks.logits_agree(reference, reloaded, params.logit_tolerance),
        checks.perplexity_agrees(reference, reloaded, params.perplexity_tolerance),
        checks.generation_agrees(reference, reloaded),
    ]


def _as_in_memory(
    params: ReloadParams, model: NamedTree, plain: PlainFacts, adapter: PlainFacts | None, reloaded: Outputs
) -> list[Check]:
    """The weights that were reloaded, and those that lie on disk, against the record of the stage that wrote them.

    Raises ValueError if the record cannot be read.
    """
    recorded = read_fingerprints(model.reader)
    if recorded is None or not (recorded.state or recorded.entries):
        text = f"no record: {FINGERPRINTS} is missing"
        return [Check("weights as in memory when written", params.fingerprints == "optional", text, "all the same")]
    found = []
    if recorded.state:
        found.append(checks.as_in_memory(recorded.state, reloaded.state, "reloaded weights"))
    if recorded.entries:
        found.append(checks.as_in_memory(recorded.entries, plain.fingerprints, "weights on disk"))
    if recorded.adapter or adapter:
        on_disk = adapter.fingerprints if adapter else {}
        found.append(checks.as_in_memory(recorded.adapter, on_disk, "the adapter's weights"))
    return found


def tokenizer_checks(model: TreeReader, made_with: Collection[str]) -> Iterator[Check]:
    """A model is of use with the tokenizer that it was trained with, for MLflow's clients too.

    Args:
        model: the tree.
        made_with: SHA-256 of the ``tokenizer.json`` that the text was tokenised with, as far as it is known.
    """
    stored = {entry.path: entry.sha256 for entry in model.manifest.files}
    try:
        load_tokenizer(model)
    except Exception as error:  # the libraries raise anything for hostile files, and all of it is a finding
        if is_of_the_machine(error):
            raise
        yield Check("tokenizer loads", False, f"{type(error).__name__}: {error}"[:500], "no error")
        return
    yield Check("tokenizer loads", True, "no error", "no error")
    of_mlflow = tokenizer_component(stored) if "MLmodel" in stored else {}
    other = [name for name, place in of_mlflow.items() if stored.get(place) != stored[name]]
    yield Check("MLflow's copy of the tokenizer", not other, ", ".join(other) or "the same", "the same")
    if made_with:
        is_its_own = made_with == {stored["tokenizer.json"]}
        yield Check("tokenizer of the text", is_its_own, "the same" if is_its_own else "another", "the same")


def sequences_of(trees: Sequence[TokenTree], count: int) -> np.ndarray[Any, Any]:
    """Evenly spaced held-out sequences of every tokens input."""
    sequences = take_evenly(trees, "heldout", count, lambda _number, available, share: evenly(available, share))
    if not len(sequences):
        raise StageError(N_("The tokens have no held-out sequence."), N_("Raise heldoutFraction, or add text."))
    return sequences


def _entry_names(model: NamedTree) -> list[str]:
    """Names of all weights, from the headers of the files."""
    paths = [entry.path for entry in model.reader.manifest.files if entry.path.endswith(".safetensors")]
    return [name for path in paths for name in read_header(model.reader, path)[0]]
