"""Projects and pipelines over HTTP: what their folders say, and what runs have had of them."""

from pathlib import Path

from tests.api.conftest import SINGLE, Caller, Served, mill, refused

AT = "/v1/projects/mill/pipelines"


def test_projects_are_listed_and_shown(client: Caller, served: Served) -> None:
    listed = client.get("/v1/projects").json()["projects"]
    assert client.get("/v1/projects/mill").json() == listed[0]
    assert listed[0]["path"] == str(served.folder)
    refused(client.get("/v1/projects/nowhere"), 404)


def test_a_folder_becomes_known_once(alone: Served, tmp_path: Path) -> None:
    client, folder = alone.client(), mill(tmp_path / "other")
    made = client.post("/v1/projects", json={"path": str(folder)})
    assert made.status_code == 201
    assert client.get(made.headers["location"]).json() == made.json()
    assert client.post("/v1/projects", json={"path": str(folder)}).json() == made.json()
    assert len(client.get("/v1/projects").json()["projects"]) == 2
    assert refused(client.post("/v1/runs", json={"pipeline": "grind"}), 404)["kind"] == "project_unknown"


def test_what_is_no_project_is_refused_by_its_path(client: Caller, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in ("relative", str(tmp_path / "gone"), str(tmp_path / "file"), str(tmp_path), "/" + "n" * 300):
        refused(client.post("/v1/projects", json={"path": path}), 422, "path")
    for body in ({}, {"path": 3}, {"path": None}, {"path": ""}, {"path": "/a", "name": "b"}):
        refused(client.post("/v1/projects", json=body), 422)


def test_a_project_whose_folder_is_gone_says_so(alone: Served, tmp_path: Path) -> None:
    alone.folder.rename(tmp_path / "elsewhere")
    assert "no project folder" in alone.client().get("/v1/projects/mill").json()["fault"]


def test_pipelines_are_listed_the_broken_one_too(client: Caller) -> None:
    found = {each["name"]: each for each in client.get(AT).json()["pipelines"]}
    assert found["grind"]["blocks"] == 2
    assert found["grind"]["tags"] == ["corn"]
    assert found["broken"]["blocks"] is None
    assert "blocks" in found["broken"]["error"]


def test_a_pipeline_is_shown(client: Caller) -> None:
    shown = client.get(f"{AT}/grind").json()
    assert [(block["uuid"], block["upstream_blocks"]) for block in shown["blocks"]] == [
        ("load", []),
        ("sieve", ["load"]),
    ]
    refused(client.get(f"{AT}/broken"), 422)


def test_names_are_no_paths(client: Caller) -> None:
    for name in ("nowhere", "%2e%2e", "..%2f..%2fetc", ".hidden", "%00", "a%0ab"):
        refused(client.get(f"{AT}/{name}"), 404)
    for block in ("nowhere", "../load", "%2e%2e%2fload", "data_loaders/load.py", "%00"):
        refused(client.get(f"{AT}/grind/blocks/{block}/code"), 404)


def test_code_as_it_is_and_as_a_run_has_had_it(alone: Served) -> None:
    client, run = alone.client(), alone.run()
    version = client.get(f"/v1/runs/{run['id']}").json()["version"]
    file = alone.folder / "data_loaders" / "load.py"
    then = file.read_text()
    file.write_text(then + "\n# changed\n")
    now = client.get(f"{AT}/grind/blocks/load/code").json()
    assert now == {
        "block": "load",
        "language": "python",
        "path": "data_loaders/load.py",
        "text": then + "\n# changed\n",
        "version": None,
    }
    assert client.get(f"{AT}/grind/blocks/load/code", params={"version": version}).json()["text"] == then
    refused(client.get(f"{AT}/grind/blocks/load/code", params={"version": "0" * 32}), 404)


def test_code_that_no_run_has_is_not_kept(alone: Served) -> None:
    client = alone.client()
    new = {"pipeline": "grind", "name": "only pinned", "type": "api"}
    assert client.post("/v1/triggers", json=new).status_code == 201
    (version,) = client.get(f"{AT}/grind/versions").json()["versions"]
    answer = client.get(f"{AT}/grind/blocks/load/code", params={"version": version["hash"]})
    assert refused(answer, 410)["kind"] == "code_not_kept"


def test_code_that_cannot_be_read(alone: Served) -> None:
    (alone.folder / "data_loaders" / "load.py").write_bytes(b"\xff\xfe")
    refused(alone.client().get(f"{AT}/grind/blocks/load/code"), 422)


def test_versions_page_by_page(alone: Served) -> None:
    client, metadata = alone.client(), alone.folder / "pipelines" / "crack" / "metadata.yaml"
    assert client.get(f"{AT}/crack/versions").json() == {"versions": [], "next": None}
    for number in range(3):
        metadata.write_text(SINGLE.format(name="crack", block="crack") + f"description: the {number}.\n")
        alone.run("crack")
    newest = client.get(f"{AT}/crack/versions?limit=2")
    assert newest.links["next"]["url"] == f"{AT}/crack/versions?limit=2&cursor={newest.json()['next']}"
    rest = client.get(newest.links["next"]["url"]).json()
    found = [*newest.json()["versions"], *rest["versions"]]
    assert rest["next"] is None
    whole = [client.get(f"{AT}/crack/versions/{each['hash']}").json()["pipeline"]["description"] for each in found]
    assert whole == ["the 2.", "the 1.", "the 0."]
    refused(client.get(f"{AT}/crack/versions/{'0' * 32}"), 404)
    refused(client.get(f"{AT}/nowhere/versions"), 404)
    assert refused(client.get(f"{AT}/crack/versions?cursor=x"), 422)["kind"] == "bad_cursor"
    for limit in ("0", "1001", "x", str(2**70)):
        refused(client.get(f"{AT}/crack/versions?limit={limit}"), 422, "limit")


def test_the_next_page_is_found_whatever_letters_a_name_has(alone: Served) -> None:
    place = alone.folder / "pipelines" / "мельница"
    place.mkdir()
    (place / "metadata.yaml").write_text(SINGLE.format(name="мельница", block="crack"))
    alone.run("мельница")
    page = alone.client().get(f"{AT}/мельница/versions?limit=1")
    assert page.status_code == 200, page.text
    assert alone.client().get(page.links["next"]["url"]).json() == {"versions": [], "next": None}
