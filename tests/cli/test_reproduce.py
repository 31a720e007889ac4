"""regard reproduce: what is missing is said exactly; recipes rehearse; three columns."""

import json
import re

import numpy as np
import pytest

from regard.cli import reproduce
from regard.official import files as official_files
from regard.official.files import OfficialSet, Split
from regard.official.published import PUBLISHED
from regard.studies.rehearsal import write_random_set
from regard.training.config import load_recipe, recipe_names
from tests.berts import save_bert
from tests.cli.conftest import invoke

SMALL = (
    *("--set", "model.embed_dim=16", "--set", "model.feature_dim=8"),
    *("--set", "training.batch_size=8", "--set", "model.word_dim=8"),
)


def test_every_recipe_of_a_paper_has_its_figures_and_every_figure_a_recipe():
    scan = [
        f"scan-{d}-{p}-{s}"
        for d in ("t2i", "i2t")
        for p in ("lse", "mean")
        for s in ("f30k", "coco")
    ]
    later = ("vsepp", "vseinf", "vseinf-bert", "sgr", "saf", "chan", "chan-bert")
    later = [f"{method}-{s}" for method in later for s in ("f30k", "coco")]
    assert set(PUBLISHED) == {*scan, *later, "official"}
    assert set(PUBLISHED) <= set(recipe_names())
    for name, paper in PUBLISHED.items():
        sides = paper.caption_retrieval, paper.image_retrieval
        recalls = [x for side in sides for x in side or ()]
        if len(recalls) == 6 and None not in recalls:
            assert sum(recalls) == pytest.approx(paper.rsum, abs=0.11), name
        allowed = [edge / paper.rsum for edge in paper.band]
        assert allowed == pytest.approx((0.985, 1.01), abs=0.011), name
    for name in scan:
        scoring = load_recipe(name).model.scoring
        assert name.split("-")[1:3] == [scoring.direction, scoring.pooling]
        assert load_recipe(name).training.epochs == (30 if name.endswith("f30k") else 20)


def test_a_recipe_whose_text_encoder_is_not_here_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    done = invoke("reproduce", "chan-bert-f30k", "--dry-run", *SMALL)
    assert "Run: regard models get google-bert/bert-base-uncased" in str(done.exception)


COCO = [name for name in sorted(PUBLISHED) if name.endswith("-coco")]
REHEARSED = [
    *(name for name in sorted(PUBLISHED) if name not in COCO[1:]),
    *(pytest.param(name, marks=pytest.mark.slow) for name in COCO[1:]),  # as of Flickr30K
]


@pytest.mark.parametrize("name", REHEARSED)
def test_every_recipe_trains_resumes_and_evaluates(name, tmp_path):
    read = ("--set", f"model.text.name={save_bert(tmp_path)}") if "bert" in name else ()
    done = invoke("reproduce", name, "--dry-run", "--json", *SMALL, *read)
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert tree["resumed_at"] == 2
    assert tree["steps_per_epoch"] == (566435 if "coco" in name else 145000) // 8
    assert 0 <= tree["rsum"] <= 600
    assert tree["seconds_per_epoch"] > tree["steps_per_epoch"] * tree["seconds_per_step"] > 0


def test_missing_data_is_listed_with_sizes_and_where_it_is(tmp_path):
    done = invoke("reproduce", "scan-i2t-mean-coco", "--data", tmp_path)
    message = str(done.exception)
    assert done.exit_code != 0
    assert "kuanghueilee/scan-features" in message
    assert "train_ims.npy: missing; 33.41 GB, float32 (113287, 36, 2048)" in message
    assert "testall_ims.npy: missing; 7.37 GB" in message
    assert "train_caps.txt: missing; 566435 lines" in message
    assert len(re.findall(": missing;", message)) == 6


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A data set in SCAN's layout, checked like the real one."""
    monkeypatch.setattr(official_files, "REGIONS", 3)
    monkeypatch.setattr(official_files, "FEATURES", 8)
    size = OfficialSet(
        "f30k_precomp",
        "Tiny",
        Split("train", 8, 40),
        Split("dev", 40, 40),
        Split("dev", 40, 40),
        "all",
    )
    monkeypatch.setattr(official_files, "F30K", size)
    write_random_set(tmp_path / "data/f30k_precomp", 8, 8, 3)
    return tmp_path / "data"


def run(tiny, *more):
    return invoke(
        "reproduce", "scan-i2t-mean-f30k", "--data", tiny, "--out", tiny / "runs",
        "--set", "training.epochs=1", *SMALL, *more,
    )  # fmt: skip


def test_paper_band_and_got_stand_side_by_side(tiny):
    done = run(tiny)
    assert done.exit_code == 0, done.output
    assert re.search(r"rSum\s+│\s+452\.2\s+│\s+445-452\s+│\s+\d", done.stdout)
    assert re.search(r"image→text R@1\s+│\s+67\.9\s+│\s+-\s+│\s+\d", done.stdout)
    assert "add --seeds 3" in done.stderr


def test_the_band_is_judged_on_the_mean_of_three_seeds(tiny):
    done = run(tiny, "--seeds", "3", "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert len(tree["runs"]) == 3
    assert tree["got"]["rsum"] == pytest.approx(np.mean(tree["runs"]))
    assert tree["within_band"] is (445 <= tree["got"]["rsum"] <= 452)
    assert tree["interval"][0] <= tree["got"]["rsum"] <= tree["interval"][1]
    runs = [f"scan-i2t-mean-f30k-{n}" for n in range(3)]
    kept = tiny / "runs/scan-i2t-mean-f30k.json"
    assert sorted(p.name for p in kept.parent.iterdir()) == [*runs, kept.name]
    assert json.loads(kept.read_text()) == tree
    shown = run(tiny, "--seeds", "3", "--table", "markdown")
    assert f"| {tree['got']['image_to_text']['R@1']:.1f} |" in shown.stdout
    assert shown.stdout.count("Regard, mean of 3 seeds") == 1


def test_a_table_of_another_form_is_refused_before_anything_is_trained(tiny):
    assert "must be markdown or latex" in str(run(tiny, "--table", "html").exception)
    assert not (tiny / "runs").exists()


def test_files_that_are_not_what_they_must_be_are_named(tiny):
    folder = tiny / "f30k_precomp"
    np.save(folder / "train_ims.npy", np.ones((8, 3, 9), np.float32))
    text = (folder / "dev_caps.txt").read_text()
    (folder / "dev_caps.txt").write_text(text[: text.rindex("\n", 0, -1) + 1])
    array = (folder / "dev_ims.npy").read_bytes()
    (folder / "dev_ims.npy").write_bytes(array[:-100])
    message = str(run(tiny).exception)
    assert "train_ims.npy: is float32 (8, 3, 9); it must be float32 (8, 3, 8)" in message
    assert "dev_caps.txt: has 39 lines; it must have 40" in message
    assert f"it has {len(array) - 100} bytes and must have {len(array)}" in message


def test_recipes_without_published_figures_are_refused():
    done = invoke("reproduce", "flickr8k")
    assert "recipe is 'flickr8k'; it must be one with published figures" in str(done.exception)


def test_summary_without_recalls_in_the_paper():
    run = {
        side: dict.fromkeys(("R@1", "R@5", "R@10"), 50.0)
        for side in ("image_to_text", "text_to_image")
    }
    tree = reproduce._summary("vsepp-coco", [{**run, "rsum": 300.0}])
    assert tree["paper"] == {"rsum": 490.5}
    assert (tree["within_band"], tree["got"]["rsum"]) == (None, 300.0)
