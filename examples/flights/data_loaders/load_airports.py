import pandas as pd

from flights.utils.nycflights import data_file

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    """The airports of the United States, by their three letters."""
    return pd.read_csv(data_file('airports.csv'))


@test
def test_codes_are_three_characters(airports, *args):
    assert len(airports) == 1_458
    assert airports['faa'].is_unique
    assert (airports['faa'].str.len() == 3).all()
