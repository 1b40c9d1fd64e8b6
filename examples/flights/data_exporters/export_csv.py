import pandas as pd
import polars as pl

from flights.utils.folders import output_folder

if 'data_exporter' not in globals():
    from mage_ai.data_preparation.decorators import data_exporter
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


NAMES = ['delays_by_carrier.csv', 'delays_by_hour.csv', 'delays_by_plane_age.csv', 'delays_by_weather.csv']


@data_exporter
def export(carriers, hours, ages, weather, *args, **kwargs):
    """Each summary as a CSV file."""
    summaries = dict(zip(NAMES, [carriers, hours, ages, pl.from_pandas(weather)], strict=True))
    for name, summary in summaries.items():
        summary.write_csv(output_folder(kwargs) / name)
    return {name: summary.height for name, summary in summaries.items()}


@test
def test_the_files_hold_every_row(rows, *args, **kwargs):
    assert list(rows) == NAMES
    for name, count in rows.items():
        assert len(pd.read_csv(output_folder(kwargs) / name)) == count
