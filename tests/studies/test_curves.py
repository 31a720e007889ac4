"""Learning curves are drawn from a run's log, whatever interrupted it."""

import json

import pytest
from matplotlib.axes import Axes
from PIL import Image

from regard.errors import DataError
from regard.store.run_folders import models_in, runs_in
from regard.studies.curves import draw_curves, read_log


def write_log(run, *epochs):
    run.mkdir(parents=True)
    rows = [{"epoch": n, "loss": 1 / n, "rsum": rsum, "seconds": 1} for n, rsum in epochs]
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_an_epoch_done_twice_counts_once(tmp_path):
    write_log(tmp_path / "run", (1, 10.0), (2, 20.0), (2, 21.0), (3, 15.0))
    found = read_log(tmp_path / "run")
    assert [line["epoch"] for line in found] == [1, 2, 3]
    assert found[1]["rsum"] == 21


def test_runs_are_drawn_together_with_their_best_epoch(tmp_path, monkeypatch):
    for seed, rsum in ((0, 20.0), (1, 30.0)):
        write_log(tmp_path / f"three/seed-{seed}", (1, 10.0), (2, rsum), (3, 15.0))
    drawn, plot = [], Axes.plot

    def watched(self, *given, **named):
        drawn.append(given)
        return plot(self, *given, **named)

    monkeypatch.setattr(Axes, "plot", watched)
    runs = runs_in(tmp_path / "three")
    assert [run.name for run in runs] == ["seed-0", "seed-1"]
    draw_curves(runs, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 1000
    assert ([1, 2, 3], [10.0, 30.0, 15.0]) in drawn
    assert (2, 30.0) in drawn  # the best


@pytest.mark.parametrize("text", [None, "{", '{"epoch": 1}'])
def test_a_log_that_cannot_be_read_is_named(tmp_path, text):
    if text is not None:
        (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(DataError, match="it must be the log of a run"):
        read_log(tmp_path)


def test_a_name_is_a_model_a_run_or_runs_of_seeds(tmp_path):
    assert models_in("flickr8k") == ["flickr8k"]
    for run in ("one", "many/seed-3", "many/seed-4"):
        (tmp_path / run / "best").mkdir(parents=True)
    assert models_in(str(tmp_path / "one")) == [str(tmp_path / "one/best")]
    assert models_in(str(tmp_path / "one/best")) == [str(tmp_path / "one/best")]
    many = [str(tmp_path / f"many/seed-{seed}/best") for seed in (3, 4)]
    assert models_in(str(tmp_path / "many")) == many
