import duckdb

from utils.folders import orders_folder

if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


MERGED_BESIDE_STORED = """
    with merged as (
        select product, sum(orders)::bigint as orders, sum(cents)::bigint as cents
        from monthly group by product
    ), stored as (
        select product, count(*) as orders_stored, sum(quantity * price)::bigint as cents_stored
        from read_parquet($files) group by product
    )
    select * from merged full join stored using (product) order by cents desc
"""


@custom
def compare(monthly, *args, **kwargs):
    """What was added up, beside what a fresh look at the Parquet files says."""
    with duckdb.connect() as db:
        files = f'{orders_folder(kwargs)}/*/*.parquet'
        return db.sql(MERGED_BESIDE_STORED, params={'files': files}).pl()


@test
def test_the_files_hold_what_was_added_up(products, *args):
    assert products['orders'].equals(products['orders_stored'])
    assert products['cents'].equals(products['cents_stored'])
