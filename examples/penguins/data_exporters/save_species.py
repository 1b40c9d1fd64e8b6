from pathlib import Path

from mage_ai.settings.repo import get_repo_path

if 'data_exporter' not in globals():
    from mage_ai.data_preparation.decorators import data_exporter
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_exporter
def save(species, *args, **kwargs):
    """The table as CSV, in the folder named by `output_dir`."""
    folder = Path(get_repo_path(), kwargs.get('output_dir') or 'output')
    folder.mkdir(parents=True, exist_ok=True)
    species.to_csv(folder / 'species.csv', index=False)
    return species


@test
def test_no_figure_is_missing(species, *args):
    assert species.notna().all().all()
