"""The training loop: every kind of training runs through it, on one worker or on many."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from bongsu_stages.models.device import autocast, compute_dtype
from bongsu_stages.models.sharding import is_sharded
from bongsu_stages.train.balance import RouterBalance
from bongsu_stages.train.batches import Batch, TrainingData
from bongsu_stages.train.divergence import DivergenceGuard, check_model, check_weights
from bongsu_stages.train.evaluation import held_out_losses
from bongsu_stages.train.loss import logits_of
from bongsu_stages.train.objective import CrossEntropy, Objective
from bongsu_stages.train.optimizer import make_optimizer
from bongsu_stages.train.pace import CheckpointPace
from bongsu_stages.train.parallel import average_replicated, bare, exchange_gradients
from bongsu_stages.train.params import TrainingParams
from bongsu_stages.train.schedule import learning_rate
from bongsu_stages.train.shuffle import fold
from bongsu_stages.train.sink import Sink
from bongsu_stages.train.workers import WorkerGroup

_NOMINAL_LENGTH = 1024
_SMALL = 1e-6
POINTS = 500
"""Progress events over a whole run, at most (about)."""


@dataclass
class Meter:
    """What came together since the last event.

    ``loss`` is that of all workers, summed over ``targets``; ``paused`` are seconds of other work.
    """

    loss: float = 0.0
    targets: int = 0
    tokens: int = 0
    paused: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started - self.paused


@dataclass(frozen=True)
class StepFigures:
    """Of one step of all workers together. ``norm`` is that of the gradient of the mean loss, before clipping."""

    loss: float
    targets: int
    norm: float
    is_save_due: bool


class TrainingLoop:
    """Trains a model in place.

    Args:
        model: as the recipe built it, in its data-parallel wrapper if there are several workers.
        data: the same on every worker.
        params: schedule and sizes.
        workers: the gang, as this worker sees it.
        sink: receives figures of the whole gang.
        objective: what is minimised; the likelihood of the next token if left out.
    """

    def __init__(
        self,
        model: nn.Module,
        data: TrainingData,
        params: TrainingParams,
        workers: WorkerGroup,
        sink: Sink,
        objective: Objective | None = None,
    ) -> None:
        self.model = bare(model)
        self.params = params
        self._forward = model
        self._data = data
        self._workers = workers
        self._sink = sink
        self._objective = objective or CrossEntropy()
        self._dtype = compute_dtype(workers.device, params.precision)
        self.optimizer = make_optimizer(self.model, params)
        self.scaler = torch.amp.GradScaler(workers.device.type, enabled=self._dtype == torch.float16)
        self._guard = DivergenceGuard(scaled=self.scaler.is_enabled())
        self._balance = RouterBalance(self.model, params.balance_rate)
        self._log_every = max(1, params.steps // POINTS)
        self._pace = CheckpointPace(params)

    def run(self, start: int, save: Callable[[int], None]) -> dict[str, float]:
        """Train from step ``start`` to the last.

        Args:
            start: finished steps, 0 for a new run.
            save: called on every worker with the number of finished steps when a checkpoint is due.

        Returns:
            Final held-out losses and perplexities; ``loss`` and ``tokens_per_second`` (of all workers, without
            evaluation and checkpoints) if there was a step left to do.

        Raises:
            StageError: the loss, the gradient or a weight is not a number any more; no such weight is saved.
        """
        params, figures = self.params, dict[str, float]()
        check_model(self.model, start)
        self._pace.begin()
        self.model.train()
        meter, tokens, seconds = Meter(), 0, 0.0
        for step in range(start, params.steps):
            figures_of_step = self._step(step, meter)
            done = step + 1
            if done % self._log_every == 0 or done == params.steps:
                loss = self._log(done, meter, figures_of_step.norm)
                tokens, seconds = tokens + meter.tokens, seconds + meter.seconds
                figures = {"loss": loss, "tokens_per_second": tokens / seconds}
                meter = Meter()
            if done < params.steps:
                meter.paused += self._between(done, figures_of_step.is_save_due, save)
        check_weights(self._weights, params.steps)
        self._sink.phase("evaluating")
        figures |= self.evaluate()
        self._balance.close()
        self._sink.progress(params.steps, params.steps, **figures)
        return figures

    def evaluate(self) -> dict[str, float]:
        """Held-out loss (nats per token) and perplexity of each part of the data."""
        parts = self._data.held_out
        return held_out_losses(self._forward, parts, self.params.micro_batch, self._dtype, self._workers)

    def _between(self, done: int, is_save_due: bool, save: Callable[[int], None]) -> float:
        """Evaluate and save where it is due; returns the seconds it took."""
        began = time.perf_counter()
        if self.params.evaluate_every and done % self.params.evaluate_every == 0:
            self._sink.progress(done, self.params.steps, **self.evaluate())
            self.model.train()
        if is_save_due:
            check_weights(self._weights, done)
            with self._pace.saving():
                save(done)
            self._sink.checkpointed(done)
        return time.perf_counter() - began

    @property
    def _weights(self) -> list[torch.Tensor]:
        return [weight for group in self.optimizer.param_groups for weight in group["params"]]

    def _step(self, step: int, meter: Meter) -> StepFigures:
        """One optimizer step."""
        batches = self._micro_batches(step)
        # Before they are moved: a GPU would be waited for.
        targets = sum(batch.targets for batch in batches)
        *others, last = [batch.to(self._workers.device) for batch in batches]
        # Dropout and whatever else is random depends on the step and the worker, not on what ran before.
        torch.manual_seed(fold(self.params.seed, step, self._workers.rank) >> 1)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.params, step)
        loss = torch.zeros((), dtype=torch.float64, device=self._workers.device)
        for batch in others:
            part = self._loss(batch, is_last=False)
            loss += part.detach()
            self._backward(part)
        part = self._loss(last, is_last=True)
        loss += part.detach()
        exchanged = self._exchange(step + 1, targets, loss)
        self._backward(part)
        if is_sharded(self.model):
            average_replicated(self.model, self._workers)
        figures, load = exchanged(self._gradient_norm())
        self._guard.check(step + 1, figures.loss, figures.norm)
        meter.loss += figures.loss
        meter.targets += figures.targets
        meter.tokens += sum(batch.input_ids.numel() for batch in batches) * self._workers.size
        self._update(figures)
        self._balance.step(load)
        return figures

    @property
    def _divisor(self) -> float:
        """Near the targets of a step, and the same on every worker before they know how many they are."""
        return float(self.params.sequences_per_worker * self._workers.size * _NOMINAL_LENGTH)

    def _exchange(
        self, done: int, targets: int, loss: torch.Tensor
    ) -> Callable[[torch.Tensor], tuple[StepFigures, torch.Tensor]]:
        """Begin to sum targets, loss and expert load over all workers, in one exchange and while the last backward pass
        runs: a wait of its own costs as much as the slowest worker is behind.

        What is returned waits for it, and for the norm of the accumulated gradient, which it is given: the one moment
        of a step at which a GPU is waited for. It gives the figures, and the load as :meth:`RouterBalance.step` wants
        it.
        """
        # One clock decides for all: a checkpoint is written by the workers together.
        is_due = self._workers.rank == 0 and self._pace.is_due(done)
        counts = torch.tensor([targets, is_due]).to(loss, non_blocking=True)
        summed = self._workers.sum_later(torch.cat([loss[None], counts, self._balance.take().to(loss)]))

        def read(norm: torch.Tensor) -> tuple[StepFigures, torch.Tensor]:
            sums = summed()
            total, counted, due, accumulated = torch.cat([sums[:3], norm.to(sums)[None]]).tolist()
            mean_norm = accumulated * self._correction(counted)
            return StepFigures(total, int(counted), mean_norm, due > 0), sums[3:]

        return read

    def _correction(self, targets: float) -> float:
        """Makes of the accumulated gradient that of the mean loss."""
        return self._divisor / max(1.0, targets)

    def _micro_batches(self, step: int) -> list[Batch]:
        """This worker's rows of the step, the same rows whatever ran before, in the memory of the host."""
        size, gang = self.params.micro_batch, self._workers.size
        first = step * self.params.sequences_per_worker * gang + self._workers.rank * size
        starts = range(first, first + self.params.sequences_per_worker * gang, size * gang)
        return [self._data.rows(start, size) for start in starts]

    def _loss(self, batch: Batch, is_last: bool) -> torch.Tensor:
        """The loss, summed over the targets of ``batch``."""
        exchange_gradients(self._forward, is_last)
        with autocast(self._workers.device, self._dtype), self._balance.counting():
            logits = logits_of(self._forward, batch)
        return self._objective.summed(logits, batch)

    def _backward(self, total: torch.Tensor) -> None:
        """Add the gradient of the loss to what is there; workers exchange gradients at the last batch of a step."""
        # Data parallelism averages gradients over the workers.
        share = total * (self._workers.size / self._divisor)
        self.scaler.scale(share).backward()  # type: ignore[no-untyped-call]

    def _gradient_norm(self) -> torch.Tensor:
        """Of what has been accumulated, without the scale of fp16."""
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.get_total_norm([weight.grad for weight in self._weights if weight.grad is not None])
        full: torch.Tensor = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
        return full

    def _update(self, figures: StepFigures) -> None:
        """Step along the gradient of the mean loss, clipped."""
        limit = self.params.clip_norm or math.inf
        factor = min(limit / (figures.norm + _SMALL), 1.0) * self._correction(figures.targets)
        torch._foreach_mul_([weight.grad for weight in self._weights if weight.grad is not None], factor)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)

    def _log(self, done: int, meter: Meter, gradient_norm: float) -> float:
        loss = meter.loss / max(1, meter.targets)
        self._sink.progress(
            done,
            self.params.steps,
            loss=loss,
            tokens_per_second=meter.tokens / meter.seconds,
            learning_rate=learning_rate(self.params, done - 1),
            gradient_norm=gradient_norm,
            busiest_expert=float(self._balance.busiest),
        )
        return loss
