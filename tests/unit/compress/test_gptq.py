"""GPTQ and rounding of one weight."""

from __future__ import annotations

import pytest
import torch

from bongsu_stages.compress.gptq import gptq_levels, second_moments
from bongsu_stages.compress.gptq_levels import MIN_TOKENS_PER_COLUMN
from bongsu_stages.compress.rounding import INT4_MAX, INT4_MIN, int4_scales, to_fp8, to_levels

GROUP = 32


def example(rows: int = 48, columns: int = 96, tokens: int = 512) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight, and inputs whose columns depend on each other as those of a model do."""
    torch.manual_seed(3)
    mixing = torch.randn(columns, columns) * 0.3 + torch.eye(columns)
    return torch.randn(rows, columns), torch.randn(tokens, columns) @ mixing


def restored(levels: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    return levels.float() * scales.repeat_interleave(GROUP, dim=1)


def test_gptq_keeps_outputs_closer_than_rounding() -> None:
    weight, inputs = example()
    rounded = restored(to_levels(weight, scales := int4_scales(weight, GROUP), GROUP), scales)
    better = restored(*gptq_levels(weight, second_moments(inputs), GROUP))
    error = [(inputs @ (weight - w).T).square().mean() for w in (rounded, better)]
    assert error[1] < 0.7 * error[0]


def error_on_other_text(tokens_per_column: float) -> float:
    """Of GPTQ, on inputs that it was not calibrated on, as a share of that of rounding."""
    weight, inputs = example(tokens=2048)
    seen, other = inputs[: int(tokens_per_column * weight.shape[1])], inputs[1024:]
    rounded = restored(to_levels(weight, scales := int4_scales(weight, GROUP), GROUP), scales)
    calibrated = restored(*gptq_levels(weight, second_moments(seen), GROUP))
    errors = [(other @ (weight - w).T).square().mean() for w in (calibrated, rounded)]
    return float(errors[0] / errors[1])


def test_gptq_is_left_where_so_few_tokens_would_make_it_worse_than_rounding() -> None:
    assert error_on_other_text(MIN_TOKENS_PER_COLUMN) < 1.05
    assert error_on_other_text(MIN_TOKENS_PER_COLUMN / 2) > 1.3


def test_gptq_of_independent_inputs_is_rounding() -> None:
    weight, _ = example()
    levels, scales = gptq_levels(weight, torch.eye(96), GROUP)
    expected = int4_scales(weight, GROUP)
    assert torch.equal(scales, expected)
    assert torch.equal(levels, to_levels(weight, expected, GROUP))


def test_rows_do_not_depend_on_each_other() -> None:
    """What lets one pass do two projections of the same input."""
    weight, inputs = example()
    moments = second_moments(inputs)
    both = gptq_levels(weight, moments, GROUP)
    halves = [gptq_levels(part, moments, GROUP) for part in weight.chunk(2)]
    assert torch.equal(both[0], torch.cat([levels for levels, _ in halves]))
    assert torch.equal(both[1], torch.cat([scales for _, scales in halves]))


def test_columns_that_no_input_uses_cost_nothing() -> None:
    weight, inputs = example()
    inputs[:, 5] = 0
    levels, _ = gptq_levels(weight, second_moments(inputs), GROUP)
    assert not levels[:, 5].any()


def test_levels_fit_four_bits_and_are_the_nearest() -> None:
    weight, _ = example()
    scales = int4_scales(weight, GROUP)
    levels = to_levels(weight, scales, GROUP)
    assert int(levels.min()) >= INT4_MIN
    assert int(levels.max()) <= INT4_MAX
    spread = scales.repeat_interleave(GROUP, dim=1)
    inside = (levels > INT4_MIN) & (levels < INT4_MAX)
    assert ((restored(levels, scales) - weight).abs() <= spread * 0.5 * 1.001)[inside].all()


def test_zero_weights_stay_zero() -> None:
    weight = torch.zeros(4, 64)
    scales = int4_scales(weight, GROUP)
    assert not to_levels(weight, scales, GROUP).any()
    pieces = to_fp8(weight).entries
    assert not (pieces["weight"].float() * pieces["weight_scale"].float()).any()


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_float8_is_within_its_precision(size: float) -> None:
    weight = example()[0] * size
    pieces = to_fp8(weight).entries
    back = pieces["weight"].float() * pieces["weight_scale"].float()
    # Three bits of mantissa: half a step is 1/16 of the value, and below 2^-6 of the scale steps are even.
    allowed = weight.abs() / 16 + pieces["weight_scale"].float() * 2**-9
    assert ((back - weight).abs() <= allowed * 1.01).all()
