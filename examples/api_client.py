"""A typed Python client, written from the server's own description of its API.

    regard serve &
    python examples/api_client.py http://127.0.0.1:8471 > regard_client.py

    >>> from regard_client import Client
    >>> client = Client("http://127.0.0.1:8471", token="")  # the token where there is one
    >>> for hit in client.search(q="a dog on the beach", maps=True)["hits"]:
    ...     print(hit["similarity"], hit["photo"]["name"])

The written module needs nothing but Python. Its types are TypedDicts, one a schema; its methods
are one a route, and raise `Problem` with what was wrong, what it must be and what to do next.
"""

import json
import sys
import urllib.request
from typing import Any

BASE = '''"""A client of Regard's HTTP API, written by examples/api_client.py."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, TypedDict


class Problem(Exception):
    """Why a request was not answered."""

    def __init__(self, status: int, told: dict[str, Any]) -> None:
        super().__init__(told.get("detail", str(status)))
        self.status, self.told = status, told


class _Base:
    def __init__(self, address: str, token: str = "") -> None:
        self._address, self._token = address.rstrip("/"), token

    def _ask(
        self, method: str, path: str, query: dict[str, Any], data: bytes | None, kind: str
    ) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        plain = {k: str(v).lower() if isinstance(v, bool) else v for k, v in given.items()}
        request = urllib.request.Request(
            f"{self._address}{path}?{urllib.parse.urlencode(plain)}", data, method=method
        )
        if data is not None:
            request.add_header("Content-Type", kind)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
                return json.loads(body) if is_json else body
        except urllib.error.HTTPError as error:
            raise Problem(error.code, json.loads(error.read() or b"{}")) from None
'''
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def type_of(schema: dict[str, Any]) -> str:
    """A JSON schema as a Python annotation."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return f"Any  # {' | '.join(type_of(part) for part in schema['anyOf'])}"
    if schema.get("type") == "array":
        return f"list[{type_of(schema['items']).split('  #')[0]}]"
    return SCALARS.get(schema.get("type", ""), "Any")


def write_type(name: str, schema: dict[str, Any]) -> str:
    """A TypedDict of an object, a plain name of anything else."""
    if "properties" not in schema:
        return f"{name} = {type_of(schema)}\n"
    whole = set(schema.get("required", ())) == set(schema["properties"])
    lines = [f"class {name}(TypedDict{'' if whole else ', total=False'}):"]
    for key, part in schema["properties"].items():
        kind, _, note = type_of(part).partition("  # ")
        lines.append(f"    {key}: {kind}" + (f"  # {note}" if note else ""))
    return "\n".join(lines) + "\n"


def write_method(path: str, method: str, route: dict[str, Any]) -> str:
    """A method of the client for one route."""
    name = route["operationId"].split("_api_")[0]
    inside = [p["name"] for p in route.get("parameters", ()) if p["in"] == "path"]
    query = [p for p in route.get("parameters", ()) if p["in"] == "query"]
    query.sort(key=lambda p: not p.get("required"))
    content = route.get("requestBody", {}).get("content", {})
    arguments = [f"{part}: str" for part in inside]
    data, kind = "None", ""
    if "application/json" in content:
        arguments.append(f"body: {type_of(content['application/json']['schema'])}")
        data, kind = "json.dumps(body).encode()", "application/json"
    elif content:
        arguments.append("data: bytes")
        data, kind = "data", "application/octet-stream"
    arguments += ["*"] if query else []
    for part in query:
        annotation = type_of(part["schema"]).split("  #")[0]
        needed = part.get("required")
        arguments.append(f"{part['name']}: {annotation}" + ("" if needed else " | None = None"))
    answer = route["responses"].get("200", {}).get("content", {}).get("application/json", {})
    returns = type_of(answer["schema"]) if answer.get("schema") else "bytes"
    pairs = ", ".join(f'"{p["name"]}": {p["name"]}' for p in query)
    return (
        f"    def {name}(self, {', '.join(arguments)}) -> {returns}:\n"
        f'        """{route["description"]}"""\n'
        f'        return self._ask("{method.upper()}", f"{path}", {{{pairs}}}, {data}, "{kind}")\n'
    )


def write_client(description: dict[str, Any]) -> str:
    """The source of a client for an OpenAPI description."""
    schemas = description["components"]["schemas"]
    types = [write_type(name, schemas[name]) for name in sorted(schemas) if name != "Problem"]
    methods = [
        write_method(path, method, route)
        for path, methods in description["paths"].items()
        for method, route in methods.items()
    ]
    client = "class Client(_Base):\n" + '    """Every route of the API."""\n\n' + "\n".join(methods)
    return "\n\n".join([BASE, *types, client])


def main() -> None:
    """Write the client of the server whose address is given."""
    address = sys.argv[1].rstrip("/")
    with urllib.request.urlopen(f"{address}/api/v1/openapi.json") as answer:
        sys.stdout.write(write_client(json.load(answer)))


if __name__ == "__main__":
    main()
