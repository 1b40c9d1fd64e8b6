from utils.orders import PARTS, make_orders

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def generate(*args, **kwargs):
    """Eight blocks run this file; each is told its part by its configuration."""
    return make_orders(int(kwargs['seed']), kwargs['configuration']['part'], int(kwargs['rows']))


@test
def test_every_order_belongs_to_this_part(orders, *args, **kwargs):
    assert (orders['order_id'] % PARTS == kwargs['configuration']['part']).all()


@test
def test_every_order_is_of_2024(orders, *args):
    assert (orders['ordered_at'].dt.year() == 2024).all()
