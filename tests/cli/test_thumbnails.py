"""Pictures in terminals, as the terminals' protocols want them."""

import base64
import io
import re

import pytest
from PIL import Image
from small import draw as draw_photo

from regard.cli import thumbnails
from regard.cli.thumbnails import draw, protocol, show


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM_PROGRAM": "iTerm.app", "TMUX": "/tmp/tmux"}, None),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, None),
    ],
)
def test_what_the_terminal_understands(environment, wanted):
    assert protocol(environment) == wanted


@pytest.fixture
def photo(tmp_path):
    return draw_photo(tmp_path / "photo.png", 1, size=(900, 600))


def picture(data):
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return image.size


def test_iterm(photo):
    matched = re.fullmatch(
        r"\x1b\]1337;File=inline=1;size=(\d+);height=6;.*:(.*)\a\n", draw(photo, "iterm")
    )
    assert picture(matched[2]) == (240, 160)
    assert int(matched[1]) == len(base64.b64decode(matched[2]))


def test_kitty_in_chunks(photo, monkeypatch):
    monkeypatch.setattr(thumbnails, "_CHUNK", 100)
    text = draw(photo, "kitty")
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert "".join(f"\x1b_G{head};{data}\x1b\\" for head, data in parts) + "\n" == text
    assert [head for head, _ in parts] == [
        "a=T,f=100,r=6,m=1",
        *["m=1"] * (len(parts) - 2),
        "m=0",
    ]
    assert max(len(data) for _, data in parts) == 100
    assert picture("".join(data for _, data in parts)) == (240, 160)


def test_a_photo_that_has_gone_is_told_and_left_out(photo, capsys):
    show(photo, "iterm")
    photo.unlink()
    show(photo, "iterm")
    printed = capsys.readouterr()
    assert printed.out.count("1337") == 1
    assert "does not exist" in printed.err
