"""Steps of SQL as they are run and asked about: versions that a run reads, rows, pages of them, lineage, what fails."""

import re
from typing import Any

import pytest
from tests.api.conftest import WAIT, Served, refused

METADATA = """
type: python
blocks:
- uuid: clean
  type: transformer
  language: sql
  configuration: {output_datasets: [clean_orders]}
- uuid: totals
  type: transformer
  language: sql
  configuration: {output_datasets: [totals], input_datasets: [Clean_Orders, items]}
- uuid: count
  type: custom
  language: python
  upstream_blocks: [totals]
"""
CLEAN = "select order_id, item, price * 2 as doubled from orders where price > 0 -- some are nothing"
TOTALS = "select name, sum(doubled) as total\nfrom clean_orders join items using (item) group by name order by name"
COUNT = "@custom\ndef count(totals, *args, **kwargs):\n    return {type(totals).__name__: totals['total'].tolist()}\n"


class Sales:
    """A pipeline of the shared server over datasets of its own: the names of all begin with the same letters."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.client = served.client()
        self.own = served.name("sales").replace("-", "_")
        self.write()
        self.send("orders", *({"order_id": n, "item": "ab"[n % 2], "price": float(n)} for n in range(5)))
        self.send("items", {"item": "a", "name": "ale"}, {"item": "b", "name": "bread"})

    def named(self, text: str) -> str:
        """The text, with the datasets and files in it under names of their own."""
        return re.sub(r"\b(orders|items|clean_orders|Clean_Orders|totals|clean|count)\b", rf"{self.own}_\1", text)

    def write(self, **texts: str) -> None:
        files = {
            f"pipelines/{self.own}/metadata.yaml": METADATA,
            "transformers/clean.sql": texts.get("clean", CLEAN),
            "transformers/totals.sql": texts.get("totals", TOTALS),
            "custom/count.py": COUNT,
        }
        for file, text in files.items():
            path = self.served.folder / self.named(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if file.endswith(".py") else self.named(text))

    def send(self, name: str, *rows: dict[str, Any]) -> None:
        body = {"identifier": next(iter(rows[0])), "rows": rows}
        answer = self.client.put(f"/v1/datasets/{self.own}_{name}/rows", json=body)
        assert answer.status_code in (200, 201), answer.text

    def ask(self, *only: str) -> Any:
        body = {"pipeline": self.own, "only": [self.named(each) for each in only]}
        return self.client.post("/v1/runs", json=body, headers=WAIT)

    def run(self, *only: str) -> dict[str, Any]:
        answer = self.ask(*only)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def output(self, run: dict[str, Any], block: str, name: str | None = None) -> dict[str, Any]:
        name = name or self.named(block)
        return self.client.get(f"/v1/runs/{run['id']}/blocks/{self.named(block)}/outputs/{name}").json()

    def blocks(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        return self.client.get(f"/v1/runs/{run['id']}").json()["blocks"]

    def failure(self, run: dict[str, Any], block: str) -> dict[str, Any]:
        (found,) = [each for each in self.blocks(run) if each["block"] == self.named(block)]
        return found["attempts"][0]["failure"]


@pytest.fixture
def sales(served: Served) -> Sales:
    return Sales(served)


def test_a_pipeline_of_steps_from_rows_to_rows(sales: Sales) -> None:
    made = sales.run()
    assert made["status"] == "completed", made
    page = sales.output(made, "totals")
    assert (page["kind"], page["columns"], page["total"]) == ("dataset", ["name", "total"], 2)
    assert page["rows"] == [["ale", 12.0], ["bread", 8.0]]
    assert sales.output(made, "count", "output_0")["value"] == {"DataFrame": [12.0, 8.0]}
    assert sales.client.get(f"/v1/datasets/{sales.own}_totals/rows").json()["rows"] == page["rows"]
    mages = sales.client.get(f"/api/pipeline_runs/{made['id']}").json()["pipeline_run"]["block_runs"]
    (totals,) = [each["id"] for each in mages if each["block_uuid"] == f"{sales.own}_totals"]
    (told,) = sales.client.get(f"/api/block_runs/{totals}/outputs").json()["outputs"]
    assert (told["type"], told["shape"], told["sample_data"]["rows"]) == ("table", [2, 2], page["rows"])
    (version,) = sales.client.get(f"/v1/datasets/{sales.own}_totals/versions").json()["versions"]
    assert (version["run_id"], version["block"], version["rows"]) == (made["id"], f"{sales.own}_totals", 2)


def test_some_steps_read_what_is_there_and_a_block_of_python_needs_what_was_left(sales: Sales) -> None:
    first = sales.run("totals")
    assert first["status"] == "failed"  # nobody has written clean_orders yet
    assert sales.failure(first, "totals")["message"] == f"There is no dataset {sales.own}_clean_orders."
    refused(sales.ask("count"), 409)
    whole = sales.run()
    sales.send("items", {"item": "a", "name": "apples"}, {"item": "c", "name": "cheese"})
    again = sales.run("totals")
    assert [each["block"] for each in sales.blocks(again)] == [f"{sales.own}_totals"]
    assert sales.output(again, "totals")["rows"] == [["apples", 12.0], ["bread", 8.0]]
    assert sales.output(whole, "totals")["rows"] == [["ale", 12.0], ["bread", 8.0]]
    assert sales.output(sales.run("count"), "count", "output_0")["value"] == {"DataFrame": [12.0, 8.0]}


def test_what_fails_says_where_in_the_query(sales: Sales) -> None:
    sales.write(totals=TOTALS.replace("sum(doubled)", "sum(nosuch)"))
    made = sales.run()
    assert made["status"] == "failed"
    failure = sales.failure(made, "totals")
    assert failure["message"].startswith('Binder error in line 1, column 18: Referenced column "nosuch" not found')
    assert (failure["line"], failure["code"]) == (1, "select name, sum(nosuch) as total")
    assert failure["file"] == str(sales.served.folder / f"transformers/{sales.own}_totals.sql")
    assert sales.client.get(f"/v1/datasets/{sales.own}_clean_orders").status_code == 200
    refused(sales.client.get(f"/v1/datasets/{sales.own}_totals"), 404)


def test_what_is_no_step_is_refused_when_it_is_to_run(sales: Sales) -> None:
    sales.write(clean="select * from orders where")
    assert f"transformers/{sales.own}_clean.sql line 1" in refused(sales.ask(), 422)["detail"]
    sales.write(clean="select * from totals")
    said = refused(sales.ask(), 422)["detail"]
    assert sales.named("totals reads clean_orders, which clean writes") in said


def test_lineage_of_a_version(sales: Sales) -> None:
    sales.run()
    at = f"/v1/projects/{sales.served.folder.name}/pipelines/{sales.own}/versions"
    (version,) = sales.client.get(at).json()["versions"]
    told = sales.client.get(f"{at}/{version['hash']}/lineage").json()
    steps = [(step["block"], *step["reads"], *step["writes"]) for step in told["steps"]]
    assert [" ".join(each) for each in steps] == [
        sales.named("clean orders clean_orders"),
        sales.named("totals clean_orders items totals"),
    ]
    columns = told["steps"][1]["columns"]
    assert columns == [
        {"name": "name", "from": [{"dataset": f"{sales.own}_items", "column": "name"}]},
        {"name": "total", "from": [{"dataset": f"{sales.own}_clean_orders", "column": "doubled"}]},
    ]
    for place in (f"{at}/{version['hash']}", at.removesuffix("/versions")):
        assert sales.client.get(f"{place}/lineage").json() == told
    assert sales.served.app.store.lineages.find(version["id"]) == told
    refused(sales.client.get(f"{at}/{'0' * 32}/lineage"), 404)
    refused(sales.client.get(f"{at.removesuffix('/versions')}-2/lineage"), 404)
