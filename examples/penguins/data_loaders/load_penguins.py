from importlib.util import find_spec
from pathlib import Path

import pandas as pd

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    """344 penguins, measured near Palmer Station, Antarctica."""
    package = Path(find_spec('palmerpenguins').origin).parent
    return pd.read_csv(package / 'data' / 'penguins.csv')


@test
def test_all_penguins_are_here(penguins, *args):
    assert len(penguins) == 344
    assert set(penguins['species']) == {'Adelie', 'Chinstrap', 'Gentoo'}
