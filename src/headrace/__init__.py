"""headrace runs data pipelines; its heart is the pipeline run."""

from headrace.version import __version__

__all__ = ["__version__"]
