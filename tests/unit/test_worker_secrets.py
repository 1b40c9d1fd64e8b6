"""Blocks read secrets: by name, in code and in io_config.yaml, and get what there is, nothing, or the reason why not."""

import pytest
from tests.conftest import Outcome, Site

import headrace
from headrace import errors
from headrace.worker import wire

CODE = """
from mage_ai.data_preparation.shared.secrets import get_secret_value
from mage_ai.io.config import ConfigFileLoader, ConfigKey

@custom
def block(*args, **kwargs):
    {body}
"""
CONFIG = """
version: 0.1.1
default:
  POSTGRES_PASSWORD: "{{ mage_secret_var('PG') }}"
  POSTGRES_USER: "{{ env_var('PG_USER', 'mill') }}"
  POSTGRES_PORT: 5432
  OTHER: "{{ mage_secret_var('PG') }}"
dev:
  POSTGRES_PORT: 5433
"""


def _run(site: Site, body: str, *answers: str | wire.Declined | None, code: str = CODE) -> tuple[list[str], Outcome]:
    """The names that a block of that body asks for, with these answers; and the outcome."""
    worker = site.fork()
    worker.begin(site.task(code.format(body=body)))
    names: list[str] = []
    for found in answers:
        asked = worker.asked()
        assert isinstance(asked.request, wire.ReadSecret)
        names.append(asked.request.name)
        answer = found if isinstance(found, wire.Declined) else wire.Secret(found)
        worker.answer(wire.Answered(attempt=asked.attempt, number=asked.number, answer=answer))
    return names, worker.finish()


def test_a_secret_is_asked_for_by_its_name(site: Site) -> None:
    names, outcome = _run(site, "return get_secret_value('K')", "välue")
    assert (names, site.value(outcome), outcome.out) == (["K"], "välue", "")
    assert outcome.ready.retire is None


def test_one_that_is_not_there_is_none_and_said_so(site: Site) -> None:
    body = "return [get_secret_value('K'), get_secret_value('L', suppress_warning=True)]"
    _, outcome = _run(site, body, None, None)
    assert site.value(outcome) == [None, None]
    assert outcome.out == "WARNING: there is no secret K; `headrace secrets set K` makes one.\n"


def test_what_else_the_function_may_be_given_makes_no_difference(site: Site) -> None:
    body = "return get_secret_value('K', 'global', pipeline_uuid='grind', repo_name='mill')"
    assert site.value(_run(site, body, "x")[1]) == "x"


def test_headrace_itself_gives_it_and_says_nothing(site: Site) -> None:
    code = "import headrace\n\n@custom\ndef block(*args, **kwargs):\n    {body}\n"
    names, outcome = _run(site, "return [headrace.secret('K'), headrace.secret('L')]", "välue", None, code=code)
    assert (names, site.value(outcome), outcome.out) == (["K", "L"], ["välue", None], "")
    assert outcome.ready.retire is None


def test_who_asks_headrace_where_no_block_runs_is_told_so() -> None:
    with pytest.raises(errors.CannotAsk):
        headrace.secret("K")


def test_a_module_may_read_one_when_it_is_imported(site: Site) -> None:
    site.write("utils/__init__.py", "")
    site.write(
        "utils/keys.py",
        "from mage_ai.data_preparation.shared.secrets import get_secret_value\nKEY = get_secret_value('K')\n",
    )
    code = "from utils.keys import KEY\n\n@custom\ndef block(*args):\n    {body}\n"
    assert site.value(_run(site, "return KEY", "x", code=code)[1]) == "x"


def test_one_that_cannot_be_opened_is_an_error_that_names_it(site: Site) -> None:
    _, outcome = _run(site, "get_secret_value('K')", wire.Declined("it is not as it was sealed."))
    assert outcome.finished.failure
    assert outcome.finished.failure.type == "SecretUnreadable"
    assert outcome.finished.failure.message == "The secret K cannot be read: it is not as it was sealed."


def test_what_a_block_forks_cannot_ask(site: Site) -> None:
    body = """import os
    if os.fork() == 0:
        get_secret_value('K')
    return os.wait()[1] != 0"""
    _, outcome = _run(site, body)
    assert site.value(outcome)
    assert "CannotAsk: headrace can be asked only by the process of a block" in outcome.err


def test_settings_of_connections_have_secrets_in_them(site: Site) -> None:
    site.write("io_config.yaml", CONFIG)
    body = (
        "config = ConfigFileLoader(profile='default');"
        " return [config[ConfigKey.POSTGRES_PASSWORD], config['POSTGRES_USER'], config.get(ConfigKey.POSTGRES_PORT),"
        " config['NOPE'], 'OTHER' in config, 'NOPE' in config, config.config['OTHER']]"
    )
    _, outcome = _run(site, body, "p:w", "p:w")
    assert site.value(outcome) == ["p:w", "mill", 5432, None, True, False, "p:w"]


@pytest.mark.parametrize(
    ("config", "profile", "why"),
    [
        (CONFIG, "prod", "it has no profile prod; it has default, dev"),
        (CONFIG, "version", "it has no profile version"),
        ("default: [", "default", "io_config.yaml: "),
        ("default: {{ nope(", "default", "io_config.yaml: "),
        ("a: {{ mage_secret_var('PG') }}", "default", "it has no profile default; it has none"),
        (None, "default", "No such file or directory"),
    ],
)
def test_settings_that_cannot_be_read_say_why(site: Site, config: str | None, profile: str, why: str) -> None:
    if config is not None:
        site.write("io_config.yaml", config)
    asks = (config or "").count("mage_secret_var")
    _, outcome = _run(site, f"ConfigFileLoader(profile={profile!r})", *[None] * asks)
    assert outcome.finished.failure
    assert outcome.finished.failure.type == "BadProject"
    assert why in outcome.finished.failure.message


def test_settings_may_be_given_and_names_stand_for_themselves(site: Site) -> None:
    body = "return [ConfigFileLoader(config={'A_B': 1})[ConfigKey.A_B], hasattr(ConfigKey, 'lower')]"
    assert site.value(_run(site, body)[1]) == [1, False]


def test_a_secret_that_cannot_be_opened_is_the_error_of_the_settings(site: Site) -> None:
    site.write("io_config.yaml", "default: {A: '{{ mage_secret_var(\"PG\") }}'}")
    _, outcome = _run(site, "ConfigFileLoader()", wire.Declined("no key."))
    assert outcome.finished.failure
    assert outcome.finished.failure.type == "SecretUnreadable"
