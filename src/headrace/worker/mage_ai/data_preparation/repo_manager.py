"""The older address of `mage_ai.settings.repo`."""

from headrace.worker.mage_ai.settings.repo import get_repo_path, get_variables_dir

__all__ = ["get_repo_path", "get_variables_dir"]
