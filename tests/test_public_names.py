"""Every public name says what it is: shapes of arrays, units, errors; fields and members, too."""

import ast
import dataclasses
import inspect
import re
import textwrap
from functools import cached_property
from pathlib import Path

import pytest

import regard
from regard import errors
from tests.test_docs import generator

CLASSES = {n: getattr(regard, n) for n in regard.__all__ if inspect.isclass(getattr(regard, n))}
ARRAYS = re.compile(r"\b(Array|Lengths|ndarray)\b")
SHAPED = re.compile(r"\b(Float|Int|Bool)\[|Vectors\b")


def members():
    """Names with the functions behind them: public functions, and methods of public classes."""
    for name in regard.__all__:
        if name not in CLASSES:
            yield name, getattr(regard, name)
            continue
        for kind in CLASSES[name].__mro__:
            for member, what in vars(kind).items():
                what = getattr(what, "fget", None) or getattr(what, "func", what)
                what = getattr(what, "__func__", what)
                is_public = kind.__module__.startswith("regard") and not member.startswith("_")
                if is_public and inspect.isfunction(what):
                    yield f"{name}.{member}", what


def fields():
    """Public classes whose fields are part of what they are, with the fields' annotations."""
    for name, kind in CLASSES.items():
        if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
            said = dict(generator().docstrings_of_fields(kind))
            for line in ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body:
                if isinstance(line, ast.AnnAssign):
                    yield f"{name}.{line.target.id}", ast.unparse(line.annotation), said


MEMBERS, FIELDS = dict(members()), list(fields())


def tree(function):
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]


@pytest.mark.parametrize("name", [*CLASSES, *MEMBERS])
def test_it_has_a_docstring(name):
    assert inspect.getdoc(CLASSES.get(name) or MEMBERS[name])


@pytest.mark.parametrize("name", MEMBERS)
def test_arrays_have_shapes_and_boxes_units(name):
    function, said = tree(MEMBERS[name]), inspect.getdoc(MEMBERS[name])
    arguments = [*function.args.args, *function.args.kwonlyargs]
    for argument in arguments:
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        if ARRAYS.search(kind) and not SHAPED.search(kind):
            assert re.search(rf"{argument.arg}:? \(", said), f"{argument.arg} has no shape"
        if kind.endswith(" 4']") or " 4'] |" in kind:
            assert "pixels" in said, f"{argument.arg} has no unit"
    kind = ast.unparse(function.returns) if function.returns else ""
    if ARRAYS.search(kind) and not SHAPED.search(kind):
        assert re.search(r"Returns:\n +\(", said)


@pytest.mark.parametrize("name", MEMBERS)
def test_errors_that_it_raises_are_told(name):
    said = inspect.getdoc(MEMBERS[name])
    told = set(re.findall(r"\b(\w+Error)\b", said.partition("Raises:")[2]))
    assert told <= set(vars(errors)), name
    for line in ast.walk(tree(MEMBERS[name])):
        if isinstance(line, ast.Raise) and isinstance(line.exc, ast.Call):
            assert ast.unparse(line.exc.func) in told


@pytest.mark.parametrize(("name", "kind", "said"), FIELDS, ids=[name for name, *_ in FIELDS])
def test_a_field_says_what_it_is(name, kind, said):
    text = said.get(name.partition(".")[2], "")
    assert text
    if ARRAYS.search(kind):
        assert SHAPED.search(kind) or text.startswith("(")
    if " 4'" in kind:
        assert "pixels" in text


def test_errors_are_documented_where_they_stand():
    for kind in vars(errors).values():
        if inspect.isclass(kind):
            assert kind.__doc__
            assert kind.__name__ in (Path(errors.__file__).read_text().split('"""')[1])


def test_what_is_called_and_kept_is_seen_by_these_tests():
    assert isinstance(vars(regard.Model)["identity"], cached_property)
    assert {"Model.similarity", "Model.identity", "Model.push_to_hub", "Index.open"} <= set(MEMBERS)
    assert {"Scoring.pooling", "Regions.boxes"} <= {name for name, *_ in FIELDS}
