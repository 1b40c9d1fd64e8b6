import pandas as pd

from flights.utils.nycflights import data_file

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    """The weather at the three airports, hour by hour."""
    return pd.read_csv(data_file('weather.csv'))


@test
def test_each_airport_has_each_hour_once(weather, *args):
    assert len(weather) == 26_115
    assert not weather.duplicated(['origin', 'time_hour']).any()
