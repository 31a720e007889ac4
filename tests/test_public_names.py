"""Every public name says what it is: shapes of arrays, units, errors; fields and members, too."""

import ast
import dataclasses
import inspect
import re
import textwrap

import pytest

import regard
from regard import errors
from tests.test_docs import generator

ARRAYS = re.compile(r"\b(Array|Lengths|ndarray)\b")
SHAPED = re.compile(r"\b(Float|Int|Bool)\[|Vectors\b")


@pytest.fixture(scope="module")
def classes():
    public = {name: getattr(regard, name) for name in regard.__all__}
    return {name: kind for name, kind in public.items() if inspect.isclass(kind)}


@pytest.fixture(scope="module")
def members(classes):
    """Names with the functions behind them: public functions, and methods of public classes."""
    found = {name: getattr(regard, name) for name in regard.__all__ if name not in classes}
    for name, whole in classes.items():
        for kind in whole.__mro__:
            for member, what in vars(kind).items():
                what = getattr(what, "fget", None) or getattr(what, "func", what)
                what = getattr(what, "__func__", what)
                is_public = kind.__module__.startswith("regard") and not member.startswith("_")
                if is_public and inspect.isfunction(what):
                    found[f"{name}.{member}"] = what
    assert {"Model.similarity", "Model.identity", "Model.push_to_hub", "Index.open"} <= set(found)
    return found


@pytest.fixture(scope="module")
def fields(classes):
    """Fields of public classes that consist of them: annotation, and what is said of each."""
    found, said_of = {}, generator().docstrings_of_fields
    for name, kind in classes.items():
        if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
            said = dict(said_of(kind))
            for line in tree(kind).body:
                if isinstance(line, ast.AnnAssign):
                    field = ast.unparse(line.target)
                    found[f"{name}.{field}"] = ast.unparse(line.annotation), said.get(field, "")
    assert {"Scoring.pooling", "Regions.boxes"} <= set(found)
    return found


def tree(what):
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(what)))).body[0]


def unshaped(kind):
    return bool(ARRAYS.search(kind)) and not SHAPED.search(kind)


def test_all_have_docstrings(classes, members):
    assert [name for name, what in {**classes, **members}.items() if not inspect.getdoc(what)] == []


def test_arrays_have_shapes_and_boxes_units(members):
    for name, what in members.items():
        function, said = tree(what), inspect.getdoc(what)
        for argument in [*function.args.args, *function.args.kwonlyargs]:
            kind = ast.unparse(argument.annotation) if argument.annotation else ""
            if unshaped(kind):
                assert re.search(rf"{argument.arg}:? \(", said), (name, argument.arg)
            if " 4'" in kind:
                assert "pixels" in said, (name, argument.arg)
        if function.returns and unshaped(ast.unparse(function.returns)):
            assert re.search(r"Returns:\n +\(", said), name


def test_errors_that_are_raised_are_told(members):
    for name, what in members.items():
        told = set(re.findall(r"\b(\w+Error)\b", inspect.getdoc(what).partition("Raises:")[2]))
        assert told <= set(vars(errors)), name
        for line in ast.walk(tree(what)):
            if isinstance(line, ast.Raise) and isinstance(line.exc, ast.Call):
                assert ast.unparse(line.exc.func) in told, name


def test_fields_say_what_they_are(fields):
    for name, (kind, said) in fields.items():
        assert said, name
        assert not unshaped(kind) or said.startswith("("), name
        assert " 4'" not in kind or "pixels" in said, name


def test_errors_are_documented_where_they_stand():
    top = errors.__doc__
    for kind in filter(inspect.isclass, vars(errors).values()):
        assert kind.__doc__
        assert kind.__name__ in top
