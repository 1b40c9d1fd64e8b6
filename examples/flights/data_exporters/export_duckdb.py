import duckdb

from flights.utils.folders import output_folder

if 'data_exporter' not in globals():
    from mage_ai.data_preparation.decorators import data_exporter
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


NAMES = ['flights', 'delays_by_carrier', 'delays_by_hour', 'delays_by_plane_age', 'delays_by_weather']


@data_exporter
def export(flights, carriers, hours, ages, weather, *args, **kwargs):
    """The flights and every summary as tables of one DuckDB file, made anew by each run."""
    folder = output_folder(kwargs)
    for old in folder.glob('nyc_2013.duckdb*'):
        old.unlink()
    tables = dict(zip(NAMES, [flights, carriers, hours, ages, weather], strict=True))
    with duckdb.connect(folder / 'nyc_2013.duckdb') as db:
        for name, frame in tables.items():
            db.execute(f'create table {name} as from frame')  # DuckDB sees the variable `frame`
    return {name: len(frame) for name, frame in tables.items()}


@test
def test_the_tables_hold_every_row(rows, *args, **kwargs):
    with duckdb.connect(output_folder(kwargs) / 'nyc_2013.duckdb', read_only=True) as db:
        for name, count in rows.items():
            assert db.execute(f'select count(*) from {name}').fetchone() == (count,)
