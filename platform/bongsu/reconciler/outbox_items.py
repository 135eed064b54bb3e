"""Items of the outbox as they are told: what was written with them may be old by then, and aliases, labels and
suspensions count as they are now."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.labels import OPEN, high_water_mark
from bongsu.domain.publication import (
    AliasChanged,
    LabelChanged,
    Publication,
    PublishedTree,
    RunClosed,
    RunOpened,
    RunRelabelled,
    StageFinished,
    SuspensionChanged,
    VersionRegistered,
)
from bongsu.store import label_telling as now
from bongsu.store.aliases import alias_target
from bongsu.store.suspensions import suspended_since


def as_it_is(connection: Connection, item: Publication) -> Publication:
    """The item with what is so now; the connection is of its tenant."""
    match item:
        case AliasChanged():
            return item.model_copy(update={"version": alias_target(connection, item.name, item.alias)})
        case LabelChanged():
            return item.model_copy(update={"label": now.version_label(connection, item.name, item.version)})
        case SuspensionChanged():
            since = suspended_since(connection, item.ministry, item.name, item.version)
            return item.model_copy(update={"suspended_at": since})
        case RunRelabelled():
            run = now.run_label(connection, item.run_id)
            own = now.stage_labels(connection, item.run_id)
            return item.model_copy(
                update={
                    "label": run,
                    "stages": {stage: label.join(run or OPEN) for stage, label in own.items()},
                    "trees": now.tree_labels(connection, now.trees_of(connection, item.run_id)),
                }
            )
        case RunOpened() | RunClosed():
            known = now.run_label(connection, item.run_id)
            said = [label for label in (item.label, known) if label is not None]
            return item.model_copy(update={"label": high_water_mark(said) if said else None})
        case VersionRegistered():
            label = now.version_label(connection, item.request.name, item.version)
            if label is None:
                return item
            model = item.request.model.model_copy(update={"label": label})
            return item.model_copy(update={"request": item.request.model_copy(update={"model": model})})
        case StageFinished():
            return _stage(connection, item)


def _stage(connection: Connection, item: StageFinished) -> StageFinished:
    """A stage is worth no less protection than what it took and gave, than it was said to be, and than its run, whose
    name it bears."""
    labels = now.tree_labels(connection, [tree.ref.digest for tree in (*item.inputs, *item.outputs)])

    def labelled(tree: PublishedTree) -> PublishedTree:
        label = labels.get(tree.ref.digest, tree.ref.label)
        return tree.model_copy(update={"ref": tree.ref.model_copy(update={"label": label})})

    own = now.stage_labels(connection, item.run_id).get(item.stage_id, OPEN)
    run = now.run_label(connection, item.run_id) or OPEN
    return item.model_copy(
        update={
            "label": high_water_mark([own, run, *labels.values()], item.label),
            "inputs": tuple(map(labelled, item.inputs)),
            "outputs": tuple(map(labelled, item.outputs)),
        }
    )
