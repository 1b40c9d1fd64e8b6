"""The orders of an imaginary stationer, made from a seed: the same seed and part give the same orders."""

import numpy as np
import polars as pl

PARTS = 8
PRICES = {'atlas': 3250, 'globe': 5900, 'ink': 890, 'notebook': 450, 'paper': 1275, 'pencil': 120}  # cents
YEAR = np.datetime64('2024-01-01', 'us')
SECONDS = 366 * 24 * 60 * 60


def make_orders(seed: int, part: int, rows: int) -> pl.DataFrame:
    """One part of the year's orders, as the till sends them: some twice, some without a quantity."""
    rng = np.random.default_rng([seed, part])
    count = rows * (part + 1) // PARTS - rows * part // PARTS
    product = rng.integers(len(PRICES), size=count)
    orders = pl.DataFrame(
        {
            'order_id': np.arange(count) * PARTS + part,
            'ordered_at': YEAR + np.sort(rng.integers(SECONDS, size=count)).astype('timedelta64[s]'),
            'product': pl.Series(list(PRICES)).gather(product),
            'quantity': rng.integers(10, size=count),
            'price': np.array(list(PRICES.values()))[product],
        }
    )
    sent_twice = rng.random(count) < 0.01
    return pl.concat([orders, orders.filter(sent_twice)])
