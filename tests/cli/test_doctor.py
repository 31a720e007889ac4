"""regard doctor: tells what is installed and whether it is whole."""

import json
from importlib.metadata import distributions, version

import regard
from tests.cli.conftest import invoke


def test_report_for_machines():
    report = json.loads(invoke("doctor", "--json").stdout)
    assert report["versions"]["onnxruntime"] == version("onnxruntime")
    is_installed = any(one.name == "torch" for one in distributions())
    assert ("pip install 'regard[train]'" in report["versions"]["torch"]) != is_installed
    assert int(report["machine"]["cores"]) >= 1
    assert report["weights"]["backbone.onnx"].startswith("sha256 ")


def test_report_for_people():
    done = invoke("doctor")
    assert done.exit_code == 0
    assert "instructions" in done.stdout
    assert "Not whole" not in done.stderr


def test_missing_weights_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(regard, "__file__", str(tmp_path / "__init__.py"))
    done = invoke("doctor")
    assert "backbone.onnx" in done.stderr
    assert "Not whole" in done.stderr
