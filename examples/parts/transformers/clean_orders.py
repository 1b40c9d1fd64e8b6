import polars as pl

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def clean(orders, *args, **kwargs):
    """Each order once, and only those that say how much was sold."""
    return orders.unique('order_id', keep='first', maintain_order=True).filter(pl.col('quantity') > 0)


@test
def test_each_order_is_there_once(orders, *args):
    assert orders['order_id'].is_unique().all()


@test
def test_something_was_sold(orders, *args):
    assert orders['quantity'].is_between(1, 9).all()
