"""Settings are read strictly, and every mistake is named."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from regard.config import apply_settings, build, read_toml, to_tree
from regard.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.5
    mode: Literal["slow", "fast"] = "slow"


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = "plain"
    count: int = 3
    on: bool = False
    sizes: tuple[int, ...] = ()
    inner: Inner = field(default_factory=Inner)


def test_values_are_laid_over_defaults():
    outer = build(Outer, {"count": 5, "sizes": [1, 2], "inner": {"rate": 2}})
    assert outer == Outer(count=5, sizes=(1, 2), inner=Inner(rate=2.0))
    assert isinstance(outer.inner.rate, float)


def test_what_is_written_is_read_back():
    outer = Outer(name="x", sizes=(4,), inner=Inner(mode="fast"))
    assert build(Outer, to_tree(outer)) == outer


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"cuont": 5}, "Did you mean 'count'"),
        ({"inner": {"rat": 1.0}}, "'inner.rat' is unknown.*'rate'"),
        ({"zzz": 1}, "Known: name, count"),
        ({"count": "5"}, "count is '5'; it must be of type int"),
        ({"count": True}, "must be of type int"),
        ({"on": 1}, "must be of type bool"),
        ({"inner": 3}, "must be a section"),
        ({"inner": {"mode": "medium"}}, "one of slow, fast"),
    ],
)
def test_mistakes_are_named(tree, message):
    with pytest.raises(ConfigError, match=message):
        build(Outer, tree)


def test_settings_reach_into_sections():
    tree = {"inner": {"rate": 1.0}}
    settings = apply_settings(tree, ["inner.rate=0.25", "inner.mode=fast", "on=true", "name=a b"])
    assert settings == {"inner": {"rate": 0.25, "mode": "fast"}, "on": True, "name": "a b"}
    assert tree == {"inner": {"rate": 1.0}}


@pytest.mark.parametrize(
    ("setting", "message"), [("count", "must look like"), ("count.more=1", "which is a value")]
)
def test_malformed_settings_are_named(setting, message):
    with pytest.raises(ConfigError, match=message):
        apply_settings({"count": 1}, [setting])


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match="must be a file that exists"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = [")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_toml(tmp_path / "bad.toml")


@pytest.mark.parametrize("contents", [b"a = \xff", b"a = " + b"[" * 100_000, b"\x00"])
def test_a_file_that_is_no_toml_is_refused_whatever_it_holds(tmp_path, contents):
    (tmp_path / "bad.toml").write_bytes(contents)
    with pytest.raises(ConfigError, match=r"bad\.toml is not valid TOML"):
        read_toml(tmp_path / "bad.toml")
    with pytest.raises(ConfigError, match="must be a file that exists"):
        read_toml(tmp_path)


def test_values_toml_knows_and_settings_do_not_are_refused(tmp_path):
    (tmp_path / "odd.toml").write_text("\ufeff[training]\nseed = 2026-01-01\n", encoding="utf-8")
    tree = apply_settings(read_toml(tmp_path / "odd.toml"), ["training.epochs=" + "9" * 5000])
    assert tree["training"]["epochs"] == "9" * 5000  # too long for a number: a text
    assert str(tree["training"]["seed"]) == "2026-01-01"
