"""The command line against a server: it prints what it prints of a home, and says what goes wrong with servers.

The commands run in this process, as `headrace` does, and the server as well unless it has to be killed.
"""

import contextlib
import io
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, Said, until
from tests.api.conftest import Served, serving
from tests.api.sockets import Site, listening_at

from headrace import Client, cli
from headrace.cli import exits
from headrace.model.access import Grant, Role
from headrace.operations import applying, definitions, sessions, users

TOKEN = "sixteen-characters-or-more"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("remote")) as made:
        yield made


@pytest.fixture(scope="module")
def site(here: Served) -> Iterator[Site]:
    with listening_at(here) as made:
        yield Site(made.url, here.said[Role.OWNER])


@dataclass
class Typed:
    """What is typed, in an environment."""

    patch: pytest.MonkeyPatch
    output: pytest.CaptureFixture[str]

    def __call__(self, *words: object, **environ: str) -> Said:
        self.output.readouterr()
        with self.patch.context() as patch:
            patch.setattr("sys.argv", ["headrace", *map(str, words)])
            for name, value in environ.items():
                patch.setenv(name, value)
            code = exits.outcome(cli.headrace)
        return Said(code, *self.output.readouterr())


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Served) -> Typed:
    for name in ("HEADRACE_URL", "HEADRACE_TOKEN", "HEADRACE_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADRACE_HOME", str(here.app.settings.home))
    return Typed(monkeypatch, capsys)


@pytest.fixture
def locally(typed: Typed) -> Callable[..., Said]:
    return typed


@pytest.fixture
def remotely(typed: Typed, site: Site) -> Callable[..., Said]:
    return lambda *words, **more: typed(*words, **{"HEADRACE_URL": site.url, "HEADRACE_TOKEN": site.token, **more})


@pytest.fixture(scope="module")
def full(here: Served) -> dict[str, Any]:
    """Something of everything, and the numbers of it."""
    with listening_at(here) as made, Client(made.url, here.said[Role.OWNER]) as client:
        ground = client.runs.create(
            "grind", variables={"day": "2026-01-31", "api_key": "a-key-of-nobody"}, wait=PATIENCE
        )
        cracked = client.runs.create("crack", wait=PATIENCE)
        sieved = client.runs.create("grind", only=["sieve"], wait=PATIENCE)
        nightly = client.triggers.create(
            "grind",
            {
                "name": "nightly",
                "type": "time",
                "interval": "30 2 * * *",
                "zone": "Europe/Berlin",
                "variables": {"password": "a-word-of-nobody", "region": "eu"},
                "settings": {"pipeline_run_limit": 3},
                "tags": ["corn"],
            },
        )
        client.triggers.run(nightly.id, wait=PATIENCE)
        client.triggers.create("grind", {"name": "on call", "type": "api"}, active=False)
        client.triggers.create(
            "turn", {"name": "on rye", "type": "event", "rules": [{"kind": "payload"}]}, active=False
        )
        days = [client.runs.get(ground.id).created_at.replace(2026, 1, day, 0, 0, 0, 0) for day in (1, 20)]
        client.backfills.create("grind", *days, name="January")
        begun = client.backfills.create("crack", days[0], days[0], name="a day")
        client.backfills.start(begun.id)
        client.events.post({"kind": "order", "password": "hush-hush"})
        client.secrets.set("MILL_KEY", "hush", project="mill")
        client.tokens.create("visitor", "viewer", days=3)
        client.users.create("visitor", "a long password", [Grant(Role.VIEWER, "corn")], email="visitor@mill.example")
        here.app.store.auditor.close()
        return {"ground": ground.id, "cracked": cracked.id, "sieved": sieved.id}


SAME = [
    "runs list",
    "runs list -n 2",
    "runs list -o json",
    "runs list --status failed --pipeline crack",
    "runs list --var day=2026-01-31 --trigger nightly",
    "runs list --trigger nightly --since 2026-01-01",
    "runs list --project nowhere",
    "runs list --after nonsense",
    "runs show {ground}",
    "runs show {ground} -o json",
    "runs show {cracked}",
    "runs show {sieved}",
    "runs show {sieved} -o json",
    "runs show 9999",
    "runs why {ground}",
    "runs why {cracked} -o json",
    "runs logs {ground}",
    "runs logs {ground} -o json",
    "runs logs {ground} load --tail 1",
    "runs logs {ground} --grep LOADING --level INFO",
    "runs logs {cracked} --follow",
    "runs logs {ground} nowhere",
    "runs logs {ground} load --attempt 7",
    "runs output {ground} load",
    "runs output {ground} load -o json",
    "runs output {ground} sieve --rows 1",
    "runs output {sieved} load",
    "runs output {ground} sieve no_such",
    "runs output {cracked} crack",
    "runs cancel {ground}",
    "triggers list",
    "triggers list -n 1",
    "triggers list -o json",
    "triggers list --project nowhere",
    "triggers show nightly",
    "triggers show grind/nightly -o json",
    "triggers show nightly --token",
    "triggers show nobody",
    "triggers next nightly",
    "triggers next nightly -o json",
    "triggers next --cron '0 4 * * *' -n 2",
    "triggers edit nightly --limit 3",
    "backfill list",
    "backfill list -n 1",
    "backfill list -o json",
    "backfill show 1",
    "backfill show 1 -o json",
    "backfill show 2",
    "backfill show 77",
    "backfill start 1 --plan 0000",
    "backfill pause 1",
    "events list",
    "events list -n 1",
    "events list -o json",
    "token list -o json",
    "token revoke 99",
    "secrets list",
    "secrets list -o json",
    "secrets delete NOBODY",
    "users list",
    "users list -o json",
    "users edit nobody --inactive",
    "users delete 77",
    "users edit visitor --role king",
    "audit list --deed secrets.set",
    "audit list --deed secrets.set -n 1",
    "audit list --deed secrets.set -o json",
    "audit list --who nobody --since 2026-01-01 --run 1 --outcome refused --before 9",
    "clean --dry-run",
    "clean --dry-run -o json",
]


def _without_moments(said: Said) -> tuple[int, str, str]:
    """When a token was used last and when the server is asked is another moment each time."""
    gone = r'("used_at": "[^"]*"|http://[^/]*(?=/v1))'
    return said.code, re.sub(gone, "", said.out), re.sub(gone, "", said.err)


@pytest.mark.parametrize("words", SAME)
def test_a_server_tells_what_a_home_tells(
    words: str, full: dict[str, Any], locally: Callable[..., Said], remotely: Callable[..., Said]
) -> None:
    typed = [each.strip("'") for each in re.findall(r"'[^']*'|\S+", words.format(**full))]
    one, other = locally(*typed), remotely(*typed)
    assert one.out + one.err
    assert _without_moments(one) == _without_moments(other)


@pytest.mark.parametrize(
    "words", ["list", "list -o json", "show grind", "show grind -o json", "show broken", "show no"]
)
def test_pipelines_of_a_server_are_those_of_the_folder(
    words: str, here: Served, locally: Callable[..., Said], remotely: Callable[..., Said]
) -> None:
    verb, *rest = words.split()
    one, other = locally("pipelines", verb, here.folder, *rest), remotely("pipelines", verb, "mill", *rest)
    assert one.out + one.err
    assert (one.code, one.out, one.err) == (other.code, other.out, other.err)


SALES = {
    "name": "Sales by item",
    "steps": [
        {
            "name": "clean",
            "query": "select item, price * pieces as amount from sold where price > 0",
            "output_datasets": ["clean_sold"],
        },
        {
            "name": "totals",
            "query": "select item, sum(amount) as amount from clean_sold group by item",
            "output_datasets": ["sold_totals"],
        },
        {
            "name": "day",
            "query": "select * from sold_totals where day = '{{ ds }}'",
            "input_datasets": ["sold_totals"],
            "output_datasets": ["sold_of_day"],
        },
    ],
}
LINEAGE = """\
step    reads        writes
clean   sold         clean_sold
totals  clean_sold   sold_totals
day     sold_totals  sold_of_day
"""
COLUMNS = """\
column              is made of               by
clean_sold.item     sold.item                clean
clean_sold.amount   sold.pieces, sold.price  clean
sold_totals.item    clean_sold.item          totals
sold_totals.amount  clean_sold.amount        totals
! day: its columns cannot be told: the query is known only when it runs: it has variables
"""


@pytest.fixture(scope="module")
def sales(here: Served) -> str:
    """A pipeline of steps in headrace's own project."""
    return applying.apply(here.app, definitions.new(SALES)).pipeline


@pytest.mark.parametrize(("words", "told"), [((), LINEAGE), (("--columns",), COLUMNS)])
def test_lineage_is_told_of_a_server_as_of_a_home(
    words: tuple[str, ...], told: str, sales: str, locally: Callable[..., Said], remotely: Callable[..., Said]
) -> None:
    for typed in (locally, remotely):
        said = typed("pipelines", "lineage", "authored", sales, *words)
        assert (said.code, said.out, said.err) == (0, told, "")


def test_lineage_for_programs_and_of_what_has_none(
    sales: str, here: Served, locally: Callable[..., Said], remotely: Callable[..., Said]
) -> None:
    one, other = (each("pipelines", "lineage", "authored", sales, "-o", "json") for each in (locally, remotely))
    assert one.json == other.json
    assert [each["block"] for each in one.json["steps"]] == ["clean", "totals", "day"]
    assert one.json["steps"][1]["columns"][1] == {
        "name": "amount",
        "from": [{"dataset": "clean_sold", "column": "amount"}],
    }
    for name, code in (("grind", 0), ("broken", 2), ("no", 2)):
        one, other = locally("pipelines", "lineage", here.folder, name), remotely("pipelines", "lineage", "mill", name)
        assert (one.code, one.out, one.err) == (other.code, other.out, other.err)
        assert one.code == code
    here.app.store.auditor.close()
    assert "lineage" not in locally("audit", "list", "-o", "json").out


def _steps(said: Said) -> str:
    """What it says, without how long it took and the number of the run."""
    return re.sub(r"[\d.]+ m?s\b|run \d+|Run \d+|output \d+|resume \d+|[0-9a-f-]{36}| {2,}", "", said.out)


@pytest.mark.parametrize(
    ("words", "code"), [(["grind", "--var", "day=1"], 0), (["crack"], 1), (["grind", "--only", "sieve", "-q"], 0)]
)
def test_a_run_is_followed_as_here(
    words: list[str], code: int, here: Served, locally: Callable[..., Said], remotely: Callable[..., Said]
) -> None:
    other = remotely("run", "mill", *words)
    one = locally("run", here.folder, *words)
    assert (one.code, one.err) == (other.code, other.err) == (code, "")
    assert _steps(one).replace(str(here.folder), "mill") == _steps(other).replace(str(here.folder), "mill")


def test_a_run_that_is_refused(remotely: Callable[..., Said], here: Served) -> None:
    assert remotely("run", "mill", "grind", "--from", "no_such").err.startswith(
        "error: The pipeline grind has no block"
    )
    assert remotely("run", here.folder, "grind").err.startswith(
        f"error: There is no project {here.folder}; there are mill"
    )
    assert remotely("run", "mill", "grind", "--var", "=1").code == 2
    assert remotely("run", "--resume", 9999).code == 2


def test_a_run_is_left_to_the_server_and_is_the_same_under_its_key(remotely: Callable[..., Said]) -> None:
    one = remotely("run", "mill", "grind", "--detach", "--key", "once")
    other = remotely("run", "mill", "grind", "--detach", "--key", "once")
    assert (one.code, one.out, one.err) == (0, other.out, "")
    assert other.err == f"Run {one.out.strip()} was started before, with this key.\n"


def test_a_run_goes_on_and_is_followed(remotely: Callable[..., Said]) -> None:
    number = int(re.findall(r"Run (\d+)", remotely("run", "mill", "crack").out)[0])
    again = remotely("runs", "retry", number)
    assert again.code == 1
    assert f"Run {number} of crack goes on; 1 block to run\nrun again  crack" in again.out
    assert "crack  started, attempt 2" in again.out
    assert "attempt 1" not in again.out
    assert remotely("run", "--resume", number, "-q").code == 1
    left = remotely("runs", "retry", number, "--all", "--detach")
    assert (left.code, "goes on; 1 block to run" in left.out) == (0, True)


def test_ctrl_c_cancels_the_run_at_the_server(remotely: Callable[..., Said], tmp_path: Path, site: Site) -> None:
    main = threading.main_thread().ident or 0

    def interrupt() -> None:
        with Client(site.url, site.token) as client:
            for change in client.changes(pipeline="turn", after=0):
                if change.kind == "block.start" and client.runs.get(change.run_id).status == "running":
                    signal.pthread_kill(main, signal.SIGINT)
                    return

    thread = threading.Thread(target=interrupt)
    thread.start()
    said = remotely("run", "mill", "turn", "--var", f"until={tmp_path / 'never'}")
    thread.join()
    assert said.code == exits.INTERRUPTED
    assert "Cancelling: blocks that run are being stopped." in said.err
    assert "cancelled after" in said.out


def test_triggers_and_backfills_are_made_and_changed(remotely: Callable[..., Said], here: Served) -> None:
    known = here.app.store
    made = remotely(
        "triggers",
        "create",
        "mill",
        "grind",
        "hourly",
        "--every",
        "@hourly",
        "--var",
        "token=hush-hush",
        "--var",
        "region=eu",
    )
    assert made.out.startswith("Made trigger ")
    remotely("triggers", "edit", "hourly", "--var", "region=us", "--timeout", "1h", "--name", "each hour")
    (placed,) = known.triggers.list(name="each hour")
    definition = placed.trigger.definition
    assert definition.variables == {"token": "hush-hush", "region": "us"}
    assert (definition.interval, definition.settings.timeout, definition.settings.catch_up) == ("@hourly", 3600, "last")
    assert "is so already; nothing was changed" in remotely("triggers", "edit", "each hour", "--timeout", "1h").out
    assert remotely("triggers", "pause", "each hour").out.startswith("Paused trigger")
    assert remotely("triggers", "run", "each hour", "--date", "2026-01-31").out.strip().isdigit()
    assert remotely("triggers", "resume", "each hour", "-o", "json").json["active"] is True
    token = remotely("triggers", "rotate", "each hour").out.strip()
    assert remotely("triggers", "show", "each hour", "--token", "-o", "json").json["token"] == token
    assert remotely("triggers", "delete", "each hour").code == 0
    assert known.triggers.list(name="each hour") == []
    assert remotely("triggers", "create", "mill", "grind", "odd", "--cron", "61 * * * *").code == 2
    days = ("--start", "2026-02-01", "--end", "2026-02-02")
    assert "It makes 2 runs" in remotely("backfill", "plan", "mill", "grind", *days, "--dry-run").out
    plan = remotely("backfill", "plan", "mill", "grind", *days, "--limit", "1", "-o", "json").json
    for verb, status in (("start", "running"), ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert remotely("backfill", verb, plan["id"], "-o", "json").json["status"] == status


def test_events_tokens_and_secrets(remotely: Callable[..., Said], here: Served, tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    order.write_text('{"kind": "order", "n": 17}')
    posted = remotely("events", "post", order, "--key", "order 17")
    assert posted.out == remotely("events", "post", order, "--key", "order 17").out
    order.write_text("[]")
    assert remotely("events", "post", order).code == 2
    said = remotely("token", "create", "ci", "--role", "viewer")
    assert remotely("runs", "list", HEADRACE_TOKEN=said.out.strip()).code == 0
    refused = remotely("run", "mill", "grind", HEADRACE_TOKEN=said.out.strip())
    assert (refused.code, refused.err) == (2, "error: The role viewer may not do that; it takes editor.\n")
    order.write_text("hush")
    assert remotely("secrets", "set", "MILLSTONE", "--value-file", order).code == 0
    assert "MILLSTONE" in remotely("secrets", "list").out
    assert remotely("secrets", "delete", "MILLSTONE").code == 0


def test_users_and_what_has_become_old(
    remotely: Callable[..., Said], here: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*words: str, password: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        told = remotely("users", *words)
        assert told.code == 0, told.err
        return told.out

    made = said("create", "ada", "--role", "editor:corn", "--email", "ada@mill.example", password="a long password")
    assert made.startswith("Made the user ada, number ")
    assert said("edit", "ADA@mill.example", "--role", "viewer", "--last-name", "Byron") == "Changed the user ada.\n"
    assert "another password" in said("password", "ada", password="another long password")
    user = users.get(here.app, "ada")
    assert (user.last_name, user.grants) == ("Byron", (Grant(Role.VIEWER),))
    assert sessions.login(here.app, "ada", "another long password", "here").user == users.get(here.app, "ada")
    assert said("delete", str(user.id)) == "Deleted the user ada.\n"
    assert remotely("users", "list", HEADRACE_TOKEN=here.said[Role.EDITOR]).code == 2
    assert remotely("clean", "-o", "json").json["dry_run"] is False


def test_who_is_not_known_is_told_how_to_be(
    remotely: Callable[..., Said], locally: Callable[..., Said], site: Site, tmp_path: Path
) -> None:
    wrong = remotely("runs", "list", HEADRACE_TOKEN="not one of yours")
    assert (wrong.code, "HEADRACE_TOKEN says the token" in wrong.err) == (2, True)
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(site.token)
    assert locally("runs", "list", HEADRACE_URL=site.url, HEADRACE_TOKEN_FILE=str(file)).code == 0
    file.chmod(0o644)
    assert "chmod 600" in locally("runs", "list", HEADRACE_URL=site.url, HEADRACE_TOKEN_FILE=str(file)).err


def test_a_server_that_is_not_there(locally: Callable[..., Said]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    for words in (["runs", "list"], ["run", "mill", "grind"]):
        said = locally("--url", f"http://127.0.0.1:{port}", *words)
        assert said.code == 1
        assert (
            said.err
            == f"error: The server http://127.0.0.1:{port} cannot be reached: [Errno 111] Connection refused.\n"
        )
    assert locally("--url", "mill:1", "runs", "list").code == 2


@pytest.mark.parametrize(
    "words",
    ["init there", "serve", "engine", "db status", "db upgrade", "triggers diff .", "secrets rotate-key"],
)
def test_what_is_about_this_machine_says_so(words: str, locally: Callable[..., Said], tmp_path: Path) -> None:
    said = locally("--url", "http://127.0.0.1:1", *words.split(), HEADRACE_HOME=str(tmp_path / "none"))
    assert said.code == 2
    assert "works in a home on this machine and not on a server (http://127.0.0.1:1)" in said.err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["serve", "engine", "init", "db", "run"])
def test_help_is_told_of_whatever_a_server_is_named(command: str, locally: Callable[..., Said]) -> None:
    assert locally(command, "--help", HEADRACE_URL="http://127.0.0.1:1").out.startswith(f"Usage: headrace {command}")


def test_the_server_that_was_typed_is_typed_again(
    locally: Callable[..., Said], site: Site, full: dict[str, Any]
) -> None:
    more = locally("--url", site.url, "runs", "list", "-n", 1, HEADRACE_TOKEN=site.token)
    assert f"older ones: headrace --url {site.url} runs list --limit 1 --after" in more.out


def test_a_run_is_followed_while_its_server_restarts(headrace: Command, mill: Folder, meeting: Meeting) -> None:
    mill.block("reap", Meeting.BODY)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    serve = ("serve", mill.path, "--port", port)
    environ = {"HEADRACE_BOOTSTRAP_TOKEN": TOKEN}
    first = headrace.start(*serve, **environ)
    until(first, "listens at")
    run = headrace.start("run", "mill", "grind", HEADRACE_URL=f"http://127.0.0.1:{port}", HEADRACE_TOKEN=TOKEN)
    meeting.wait()
    first.kill()
    first.wait(PATIENCE)
    with contextlib.closing(headrace):
        until(headrace.start(*serve, **environ), "listens at")
        meeting.wait()
        meeting.let_go()
        out, err = run.communicate(timeout=PATIENCE)
        assert (run.returncode, err) == (0, "")
        assert "reap  started, attempt 2" in out
        assert "Run 1 of grind completed in" in out
