"""The application as a whole: its description, every answer against it, changes while it runs."""

import asyncio
import json
import time

from hypothesis import HealthCheck, given, settings
from search.conftest import draw
from tests.threads import product_threads
from threadpoolctl import threadpool_limits
from web.conftest import SENTENCES, client_of, get
from web.server import running

from regard.indexing import update_index
from regard.search import Index
from regard.web.app import create_app
from regard.web.config import ServeConfig
from regard.words import spelling


def test_the_dictionary_is_read_before_somebody_misspells_a_word(index):
    spelling._english.cache_clear()
    with client_of(index):
        while not spelling._english.cache_info().currsize:
            time.sleep(0.005)


def test_every_answer_multiplies_on_its_own_thread(index):
    """Asked for in the main thread, where a server runs: OpenBLAS may heed no other."""

    async def answering():
        app = create_app(index, ServeConfig(), SENTENCES)
        async with app.router.lifespan_context(app):
            return product_threads()

    with threadpool_limits(2, "blas"):
        assert asyncio.run(answering()) == {1}
        assert product_threads() == {2}


def test_the_description_is_whole(client):
    answer = get(client, "openapi.json")
    assert answer["info"]["title"] == "Regard"
    assert all(path.startswith("/api/v1/") for path in answer["paths"])
    text = json.dumps(answer)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in answer["components"]["schemas"], name
    assert "HTTPValidationError" not in text
    for path, methods in answer["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            problem = operation["responses"]["422"]["content"]
            assert list(problem) == ["application/problem+json"]


def test_no_documentation_page_loads_scripts_from_elsewhere(client):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


def test_every_answer_is_as_described(client):
    """Schemathesis makes up requests, right and wrong ones; none may break the description.

    A request may fit the description and still be refused: weights must be as many as words.
    """
    import schemathesis  # here, since it takes a second of every process that only collects
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    described = schemathesis.openapi.from_url(f"{client.base_url}/api/v1/openapi.json")
    tried = 0
    for operation in described.get_all_operations():

        @given(case=operation.ok().as_strategy())
        @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
        def check(case):
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        check()
        tried += 1
    assert tried == 29


def test_changes_appear_while_it_runs(fresh_world):
    with (
        Index.open(fresh_world.index, fresh_world.model) as index,
        client_of(index, refresh=0.05) as client,
    ):
        assert get(client, "stats")["photos"] == 11
        draw(fresh_world.photos / "new.png", 77)
        update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
        until = time.monotonic() + 60
        while get(client, "search", q="dog")["total"] != 12:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_refresh_that_fails_is_logged_and_tried_again(index, caplog, monkeypatch):
    tries = []

    def fail():
        tries.append(1)
        raise OSError("the disk is away")

    app = create_app(index, ServeConfig(refresh=0.01), SENTENCES)
    monkeypatch.setattr(app.state.context.library, "follow", fail)
    with running(app):
        until = time.monotonic() + 60
        while len(tries) < 3:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert "the disk is away" in caplog.text
