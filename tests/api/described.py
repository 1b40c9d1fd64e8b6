"""Answers are compared with what the description of the API says of them: field by field, and nothing else."""

import re
from functools import cached_property
from typing import Any

import httpx
import jsonschema_rs


class Described:
    """The description, as the server gives it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def check(self, answer: httpx.Response) -> None:
        """Fails for an answer of the API that is not as it is described."""
        told = self._operation(answer.request.method, answer.request.url.path)
        if told is None or answer.headers.get("content-type") not in ("application/json", "application/problem+json"):
            return
        responses = told["responses"]
        said = responses.get(str(answer.status_code)) or responses[f"{answer.status_code // 100}XX"]
        schema = said["content"][answer.headers["content-type"]]["schema"]
        jsonschema_rs.validate({**schema, "components": self.document["components"]}, answer.json())

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, methods in self._paths:
            if pattern.fullmatch(path) and method.lower() in methods:
                return methods[method.lower()]
        return None

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        """Those first that say the most outside of their gaps: a gap for a block takes what follows it too."""
        found = sorted(self.document["paths"].items(), key=lambda each: -len(re.sub(r"{\w+}", "", each[0])))
        return [(re.compile("/v1" + _pattern(path)), methods) for path, methods in found]


def _pattern(path: str) -> str:
    return re.sub(r"\\{(\w+)\\}", lambda name: ".+" if name[1] == "block" else "[^/]+", re.escape(path))
