"""Where the files of a run go."""

from pathlib import Path

from mage_ai.settings.repo import get_repo_path


def orders_folder(variables: dict) -> Path:
    """The folder of the parts, below the pipeline variable `output_dir`; a relative one lies in the project."""
    return Path(get_repo_path(), variables.get('output_dir') or 'output', 'orders')
