"""The stage contract: declare a stage, run an attempt, report progress."""

from bongsu_stages.runtime.context import NamedTree, StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageDefinition, StageError, stage

__all__ = ["NamedTree", "StageContext", "StageDefinition", "StageError", "StageOutputs", "stage"]
