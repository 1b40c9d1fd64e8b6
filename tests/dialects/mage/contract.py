"""The contract: an object has exactly the keys of its shape, and each value is of its type."""

from typing import Any

from pydantic import TypeAdapter


def like(value: Any, shape: Any) -> None:
    """Fails unless the value is as the TypedDict says, at every depth of it."""
    schema = TypeAdapter(shape).json_schema()
    _closed(value, schema, schema.get("$defs", {}), "")
    TypeAdapter(shape).validate_python(value, strict=True)


def _closed(value: Any, schema: dict[str, Any], known: dict[str, Any], place: str) -> None:
    """No object of a shape has a key that the shape has not."""
    schema = known[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            _closed(each, schema["items"], known, f"{place}[{number}]")
    if isinstance(value, dict) and "properties" in schema:
        assert {*schema.get("required", ())} <= {*value} <= {*schema["properties"]}, place or "the whole"
        for name, inner in value.items():
            _closed(inner, schema["properties"][name], known, f"{place}.{name}")
