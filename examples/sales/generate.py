"""A shop's star schema from a seed: `python generate.py FOLDER [--sales 3000000] [--seed 7]` writes five Parquet files.

The same seed and number of sales give the same rows. One sale in a hundred is spoilt on purpose (no customer, a quantity
below one, or sold twice), as real ones are.
"""

import argparse
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST, DAYS = date(2024, 1, 1), 731
CUSTOMERS, PRODUCTS, STORES = 50_000, 2_000, 120
REGIONS = ("North", "South", "East", "West")
CATEGORIES = ("Garden", "Kitchen", "Lighting", "Office", "Outdoor", "Toys")
CHANNELS = ("newspaper", "friend", "search", "passing by")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--sales", type=int, default=3_000_000)
    asked.add_argument("--seed", type=int, default=7)
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables(given.sales, given.seed):
        pq.write_table(table, given.folder / f"{name}.parquet")
        print(f"{name}: {table.num_rows:,} rows")


def tables(sales, seed):
    """The tables, by name: four of dimensions, and the sales."""
    random = np.random.default_rng(seed)
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    yield "days", pa.table({
        "day": pa.array(days, pa.date32()),
        "weekday": [day.strftime("%A") for day in days],
        "quarter": [f"{day.year} Q{(day.month + 2) // 3}" for day in days],
    })
    yield "stores", pa.table({
        "store_id": np.arange(1, STORES + 1),
        "store": [f"Store {number:03}" for number in range(1, STORES + 1)],
        "region": [REGIONS[number] for number in random.integers(0, len(REGIONS), STORES)],
        "square_metres": random.integers(80, 2_400, STORES),
    })
    costs = np.round(random.gamma(2.0, 9.0, PRODUCTS) + 1, 2)
    categories = random.integers(0, len(CATEGORIES), PRODUCTS)
    yield "products", pa.table({
        "product_id": np.arange(1, PRODUCTS + 1),
        "product": [f"Product {number:04}" for number in range(1, PRODUCTS + 1)],
        "category": [CATEGORIES[number] for number in categories],
        "unit_cost": _money(costs),
    })
    joined = random.integers(0, DAYS, CUSTOMERS)
    yield "customers", pa.table({
        "customer_id": np.arange(1, CUSTOMERS + 1),
        "joined": pa.array([days[number] for number in joined], pa.date32()),
        "channel": [CHANNELS[number] for number in random.integers(0, len(CHANNELS), CUSTOMERS)],
    })
    yield "sales", _sales(random, sales, costs * (1.25 + 0.08 * categories))


def _sales(random, count, prices):
    by_rank = 1 / np.arange(1, PRODUCTS + 1) ** 0.8
    products = random.choice(np.arange(1, PRODUCTS + 1), count, p=by_rank / by_rank.sum())
    quantities = random.integers(1, 6, count)
    loyalty = random.lognormal(0.0, 1.1, CUSTOMERS)
    customers = random.choice(np.arange(1, CUSTOMERS + 1), count, p=loyalty / loyalty.sum())
    ids = np.arange(1, count + 1)
    spoilt = random.random(count)
    quantities[spoilt < 0.004] = 0
    ids[1:][spoilt[1:] > 0.997] = ids[:-1][spoilt[1:] > 0.997]
    number = np.arange(DAYS)
    busy = (1 + 0.4 * np.sin(number * 2 * np.pi / 365.25 - 2.0)) * np.where(number % 7 >= 5, 1.6, 1.0)
    chosen = np.sort(random.choice(DAYS, count, p=busy / busy.sum()))
    epoch = (FIRST - date(1970, 1, 1)).days
    return pa.table({
        "sale_id": ids,
        "day": pa.array((chosen + epoch).astype("int32"), pa.int32()).cast(pa.date32()),
        "store_id": random.integers(1, STORES + 1, count),
        "product_id": products,
        "customer_id": pa.array(customers, mask=(spoilt >= 0.004) & (spoilt < 0.007)),
        "quantity": quantities,
        "unit_price": _money(prices[products - 1] * random.uniform(0.95, 1.05, count)),
        "discount": _money(np.where(random.random(count) < 0.15, 0.1, 0.0)),
    })


def _money(values):
    """Exact hundredths; a decimal is 128 bits, the lower half first."""
    cents = np.round(np.asarray(values) * 100).astype("int64")
    halves = np.column_stack((cents, cents >> 63))
    return pa.Array.from_buffers(pa.decimal128(12, 2), len(cents), [None, pa.py_buffer(halves.tobytes())])


if __name__ == "__main__":
    main()
