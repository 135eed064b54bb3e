"""Conditions of stages (``when``): a small expression language.

    perplexity.metrics['perplexity.law'] < 120 and params.register
    matrix.keepFraction in [0.5, 0.75]
    heal-fast.state == 'succeeded' and heal[keepFraction=0.5].metrics.loss < 3

``and``, ``or``, ``not``, comparisons, ``in``, literals, lists of literals; names are ``params.x``, ``matrix.x``,
``STAGE.state`` and ``STAGE.metrics.x`` or ``STAGE.metrics['x.y']`` (``params['x']`` too, for names that are words of
Python); behind a stage, ``[axis=value]`` selects one point of its matrix. Nothing is called and nothing is computed.
"""

from bongsu.domain.conditions.condition import Condition, Facts
from bongsu.domain.conditions.doubts import doubts
from bongsu.domain.conditions.expression import Name
from bongsu.domain.conditions.reading import parse

__all__ = ["Condition", "Facts", "Name", "doubts", "parse"]
