"""Where the files of a run go."""

from pathlib import Path

from mage_ai.settings.repo import get_repo_path


def output_folder(variables: dict) -> Path:
    """The folder named by the pipeline variable `output_dir`; a relative one lies in the project."""
    folder = Path(get_repo_path(), variables.get('output_dir') or 'output')
    folder.mkdir(parents=True, exist_ok=True)
    return folder
