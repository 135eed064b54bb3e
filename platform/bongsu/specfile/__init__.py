"""Pipeline files: YAML text to a ``PipelineSpec`` that holds, or every error with its place."""

from bongsu.specfile.grades import is_of_grade
from bongsu.specfile.loading import FaultyPipeline, LoadedPipeline, load, loads
from bongsu.specfile.places import Places

__all__ = ["FaultyPipeline", "LoadedPipeline", "Places", "is_of_grade", "load", "loads"]
