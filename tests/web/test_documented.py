"""docs/api.md says everything that OpenAPI says: routes, parameters, schemas, their fields."""

import re
from pathlib import Path

import pytest
from web.conftest import get

from regard.web.problems import TITLES

PAGE = Path(__file__).parents[2] / "docs/api.md"


@pytest.fixture(scope="module")
def named():
    """Everything that stands between backticks."""
    text = PAGE.read_text(encoding="utf-8")
    return set(re.findall(r"`([^`\n]+)`", text))


def test_every_route_and_parameter_is_documented(client, named):
    for path, methods in get(client, "openapi.json")["paths"].items():
        for method, route in methods.items():
            assert f"{method.upper()} {path}" in named
            parameters = {part["name"] for part in route.get("parameters", ())} - {"kind"}
            assert parameters <= named, path


def test_every_schema_and_field_is_documented(client, named):
    for name, schema in get(client, "openapi.json")["components"]["schemas"].items():
        if "properties" in schema:
            assert name in named
            assert set(schema["properties"]) <= named, name


def test_every_status_is_documented():
    listed = {int(code) for code in re.findall(r"^\| (\d{3}) \|", PAGE.read_text(), re.M)}
    assert set(TITLES) - {400, 500} == listed
