"""Pipeline files: YAML text to a ``PipelineSpec`` that holds, or every error with its place."""

from bongsu.specfile.loading import FaultyPipeline, LoadedPipeline, load, loads
from bongsu.specfile.places import Places

__all__ = ["FaultyPipeline", "LoadedPipeline", "Places", "load", "loads"]
