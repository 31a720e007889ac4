"""Errors as problem+json, in the form of all messages."""

from typing import Annotated

import pytest
from fastapi import FastAPI, Query
from web.conftest import refused
from web.server import asked

from regard.errors import DataError, PhotoError, StoreError
from regard.web import problems
from regard.web.problems import ProblemError, split_message

ERRORS = {
    "data": (DataError("k is 0; it must be at least 1. Ask for one."), 422),
    "photo": (PhotoError("x is damaged (a; b); it must be whole. Restore it."), 415),
    "store": (StoreError("shard is gone; it must be there. Index again."), 503),
    "mine": (ProblemError(409, "x is y", "it must be z", "Do it."), 409),
    "bug": (KeyError("secret detail"), 500),
}


@pytest.fixture
def client():
    app = FastAPI()
    problems.install(app)

    @app.get("/fail/{kind}")
    def fail(kind: str, number: int = 0) -> None:
        raise ERRORS[kind][0]

    @app.get("/say")
    def say(q: Annotated[str, Query(min_length=1, max_length=20)]) -> None:
        pass

    with asked(app) as opened:
        yield opened


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_become_problems(client, kind):
    answer = refused(client.get(f"/fail/{kind}"), ERRORS[kind][1])
    assert "secret" not in str(answer)


def test_wrong_parameters_are_named(client):
    answer = refused(client.get("/fail/data", params={"number": "many"}), 422)
    assert answer["what"] == "number is 'many'"
    assert "integer" in answer["must"]


def test_texts_that_are_too_long_or_empty_are_told_without_quoting_them(client):
    answer = refused(client.get("/say", params={"q": "dog " * 9}), 422)
    assert answer["detail"] == "the sentence has 36 characters; at most 20 can be read. Shorten it."
    answer = refused(client.get("/say", params={"q": ""}), 422)
    assert answer["detail"].startswith("the sentence is empty; it must have a word.")


def test_a_browser_gets_a_page_where_there_is_none(client):
    answer = client.get("/elsewhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is no such page." in answer.text
    assert 'href="/"' in answer.text


def test_unknown_addresses_and_methods(client):
    refused(client.get("/elsewhere"), 404)
    refused(client.post("/fail/data"), 405)


def test_messages_are_taken_apart():
    assert split_message("a is 1; it must be 2 or 3. Change it.") == (
        "a is 1",
        "it must be 2 or 3",
        "Change it.",
    )
    assert split_message("it broke") == ("it broke", "", "")
