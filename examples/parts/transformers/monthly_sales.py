import polars as pl

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def merge(*parts, **kwargs):
    """Adds up the parts: what was sold, by month and product."""
    return pl.concat(parts).group_by('month', 'product').agg(pl.col('orders', 'cents').sum()).sort('month', 'product')


@test
def test_a_month_has_each_product_once(sales, *args):
    assert not sales.select('month', 'product').is_duplicated().any()
    assert sales['month'].is_between(1, 12).all()


@test
def test_the_totals_of_the_default_seed(sales, *args, **kwargs):
    if (int(kwargs['rows']), int(kwargs['seed'])) == (3_000_000, 2024):
        assert sales['orders'].sum() == 2_699_592
        assert sales['cents'].sum() == 26_755_379_655
