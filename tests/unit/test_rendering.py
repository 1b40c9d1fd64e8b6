"""Secrets in templates come from whoever renders, and only if he gives any."""

import pytest

from headrace import errors
from headrace.project import rendering


def test_a_secret_is_what_the_renderer_gives() -> None:
    known = {"K": "va{{ lue"}
    text = "{{ mage_secret_var('K') }} {{ mage_secret_var('NOPE') }} {{ env_var('E') }}"
    assert rendering.render(text, {"E": "e"}, known.get) == "va{{ lue  e"


def test_without_a_giver_there_are_none() -> None:
    assert rendering.render("a{{ mage_secret_var('K') }}b{{ aws_secret_var('K') }}c", {}) == "abc"


def test_why_a_secret_cannot_be_given_is_told_as_it_is() -> None:
    def give(name: str) -> str:
        raise errors.SecretUnreadable(name=name, why="no key.")

    with pytest.raises(errors.SecretUnreadable, match=r"The secret K cannot be read: no key\."):
        rendering.render("{{ mage_secret_var('K') }}", {}, give)
