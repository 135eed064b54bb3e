"""What the lean trainer leaves out is called as it thinks, in the Ray that is installed: else it leaves out nothing."""

from __future__ import annotations

import inspect

from ray.train.torch import TorchTrainer
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.execution.controller.controller import TrainController
from ray.train.v2._internal.execution.scaling_policy import FixedScalingPolicy, ScalingPolicy
from ray.train.v2._internal.execution.worker_group.worker_group import WorkerGroup

from bongsu_stages.train import lean_trainer
from bongsu_stages.train.gang_controller import StaticGang


def test_helpers_have_the_names_that_are_left_out() -> None:
    names = {DatasetsCallback.__name__, PlacementGroupCleanerCallback.__name__}
    assert names == lean_trainer._NEEDLESS


def test_the_trainer_is_asked_where_it_thinks() -> None:
    for name in ("_create_default_callbacks", "_initialize_and_run_controller"):
        assert inspect.isfunction(getattr(TorchTrainer, name))
        assert name in vars(lean_trainer.LeanTorchTrainer)


def test_a_static_gang_overrides_what_joins_the_coordinator() -> None:
    assert StaticGang.__base__ is FixedScalingPolicy
    for name in ("after_controller_start", "_maybe_send_resource_request"):
        assert name in vars(ScalingPolicy)
        assert name in vars(StaticGang)


def test_the_controller_here_does_what_the_actor_would() -> None:
    made_by_ray = inspect.getsource(TorchTrainer._initialize_and_run_controller)
    for said in ("(TrainController)", "controller.run", "controller.get_result"):
        assert said in made_by_ray
    assert TrainController.worker_group_cls is WorkerGroup
    assert "self.worker_group_cls.create(" in inspect.getsource(TrainController)


def test_places_and_contexts_are_made_where_they_are_overridden() -> None:
    place = inspect.getsource(WorkerGroup._create_placement_group)
    assert list(inspect.signature(WorkerGroup._create_placement_group).parameters) == [
        "self",
        "scaling_config",
        "worker_group_context",
    ]
    for said in ("resources_per_worker", "num_workers", "placement_strategy", "label_selector"):
        assert f"worker_group_context.{said}" in place
    assert "current_actor" in inspect.getsource(WorkerGroup._init_train_context_on_workers)
