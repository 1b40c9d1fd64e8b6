import pandas as pd

from flights.utils.nycflights import data_file

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    """The planes that flew, by tail number, with the year they were built."""
    return pd.read_csv(data_file('planes.csv'))


@test
def test_tail_numbers_are_unique(planes, *args):
    assert len(planes) == 3_322
    assert planes['tailnum'].is_unique
