import pandas as pd

from flights.utils.nycflights import data_file

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    """The names behind the two letters of a carrier."""
    return pd.read_csv(data_file('airlines.csv'))


@test
def test_every_carrier_has_a_name(airlines, *args):
    assert len(airlines) == 16
    assert airlines['carrier'].is_unique
    assert airlines['name'].notna().all()
