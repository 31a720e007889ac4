"""regard evaluate --gallery: one page that needs nothing beside it."""

import json
import re
from html.parser import HTMLParser

import pytest

from regard.errors import ConfigError, DataError
from tests.cli.conftest import invoke

_VOID = {"meta", "img", "link", "br"}


class Outline(HTMLParser):
    """Checks that tags nest, and counts what a reader sees."""

    def __init__(self, text):
        super().__init__()
        self.open, self.classes, self.images = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        by_name = dict(attributes)
        self.classes.append(by_name.get("class") or "")
        if tag == "img":
            self.images.append(by_name)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def gallery(world, out, *more):
    data = ("--data", world.captions, "--regions", world.regions, "--split", "all")
    return invoke("evaluate", "--model", world.model, *data, "--gallery", out, *more)


@pytest.fixture(scope="module")
def written(world, tmp_path_factory):
    """A page, and what was reported of it."""
    out = tmp_path_factory.mktemp("gallery") / "page"
    done = gallery(world, out, "--images", world.photos, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return (out / "index.html").read_text(), json.loads(done.stdout)


def test_page_is_whole_and_shows_right_and_wrong(written):
    text, report = written
    page = Outline(text)
    assert f"rSum {report['rsum']:.1f}" in text
    assert page.classes.count("card of-photo") == page.classes.count("card of-sentence") == 8
    assert page.classes.count("card mistake") == page.classes.count("card pair") == 16
    assert page.classes.count("why wrong") == page.classes.count("why right") == 32
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in page.images)
    assert all(image["alt"] for image in page.images)
    assert not re.search(r'(href|src)="(?!#|data:)', text)  # nothing to load
    assert "$" not in re.sub(r"base64,[^\"]*", "", text)  # every place of the template is filled


def test_each_sentence_query_shows_its_true_photo_framed(written):
    text, _ = written
    for card in re.findall(r'<article class="card of-sentence">.*?</article>', text, re.S):
        assert card.count('<figure class="right">') == 1


def test_refusals(world, tmp_path):
    done = gallery(world, tmp_path / "page", "--images", tmp_path / "nowhere")
    assert isinstance(done.exception, DataError)
    done = gallery(world, tmp_path / "page", "--protocol", "1k")
    assert isinstance(done.exception, ConfigError)
    assert "whole split" in str(done.exception)
    assert not (tmp_path / "page").exists()


def test_of_an_ensemble_the_first_model_explains(world, tmp_path):
    done = gallery(world, tmp_path / "p", "--images", world.photos, "--model", world.model)
    assert done.exit_code == 0
    text = (tmp_path / "p/index.html").read_text()
    assert "and 1 more" in text
