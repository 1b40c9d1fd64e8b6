import polars as pl

from utils.folders import orders_folder

if 'data_exporter' not in globals():
    from mage_ai.data_preparation.decorators import data_exporter
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_exporter
def save(orders, *args, **kwargs):
    """Writes this part as Parquet and returns what it sold, by month and product."""
    file = part_file(kwargs)
    file.parent.mkdir(parents=True, exist_ok=True)
    orders.write_parquet(file)
    return (
        orders.group_by('product', month=pl.col('ordered_at').dt.month())
        .agg(orders=pl.len(), cents=(pl.col('quantity') * pl.col('price')).sum())
        .sort('month', 'product')
    )


def part_file(variables):
    return orders_folder(variables) / f'part={variables["configuration"]["part"]}' / 'orders.parquet'


@test
def test_the_file_holds_what_was_sold(sales, *args, **kwargs):
    written = pl.scan_parquet(part_file(kwargs)).select(pl.len()).collect().item()
    assert written == sales['orders'].sum()
