import pandas as pd

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def clean(weather, *args, **kwargs):
    """Sorts the hours into bands. One wind of 1,048 mph is a broken instrument: it falls in no band."""
    return pd.DataFrame(
        {
            'origin': weather['origin'],
            'time_hour': pd.to_datetime(weather['time_hour']),
            # inches an hour, miles of sight, miles an hour
            'rain': bands(weather['precip'], {'dry': 0, 'light': 0.1, 'steady': 0.3, 'heavy': 9}),
            'visibility': bands(weather['visib'], {'fog': 1, 'poor': 3, 'hazy': 9, 'clear': 10}),
            'wind': bands(weather['wind_speed'], {'calm': 5, 'breeze': 12, 'fresh': 20, 'strong': 74}),
        }
    )


def bands(values, upper_edges):
    """An ordered category: each band reaches up to its edge and includes it."""
    return pd.cut(values, [-1, *upper_edges.values()], labels=list(upper_edges))


@test
def test_every_hour_has_a_band(weather, *args):
    assert len(weather) == 26_115
    assert weather[['rain', 'visibility']].notna().all().all()
    assert weather['wind'].isna().sum() == 5


@test
def test_bands_keep_their_order(weather, *args):
    assert weather['wind'].cat.ordered
    assert list(weather['wind'].cat.categories) == ['calm', 'breeze', 'fresh', 'strong']
