"""regard doctor: tells what is installed and whether it is whole."""

import json

import torch

from tests.cli.conftest import invoke


def test_report_for_machines():
    told = json.loads(invoke("doctor", "--json").stdout)
    assert told["versions"]["torch"] == torch.__version__
    assert told["machine"]["cores"] >= 1
    assert "sha256" in told["weights"]["backbone"]
    assert {"scores", "search"} <= told["precision"].keys()


def test_report_for_people():
    done = invoke("doctor")
    assert done.exit_code == 0
    assert "instructions" in done.stdout
    assert "times as long" in done.stdout


def test_missing_weights_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr("regard.regions.pyramid.SHIPPED", tmp_path / "backbone.onnx")
    done = invoke("doctor")
    assert "missing" in done.stdout
    assert "Not whole" in done.stderr
