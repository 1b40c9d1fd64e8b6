import polars as pl

from flights.utils.folders import output_folder

if 'data_exporter' not in globals():
    from mage_ai.data_preparation.decorators import data_exporter
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_exporter
def export(flights, *args, **kwargs):
    """The joined flights, one row each, as Parquet."""
    flights.write_parquet(output_folder(kwargs) / 'flights.parquet')
    return {'flights.parquet': flights.height}


@test
def test_the_file_holds_every_flight(rows, *args, **kwargs):
    written = pl.scan_parquet(output_folder(kwargs) / 'flights.parquet')
    assert written.select(pl.len()).collect().item() == rows['flights.parquet'] == 336_776
