"""One worker's part: the same units, the same pieces, done once; photos that fail are told."""

import sys

import pytest

from regard.cluster.pieces import Job, Piece, PieceMaker, Unit, plan, unit_size
from regard.cluster.places import Location
from regard.errors import CheckpointError, StoreError
from regard.regions import pipeline

pytest.importorskip("pyarrow", reason="Arrow is not installed (pip install 'regard[ray]')")


@pytest.fixture
def job(tmp_path, photos, model):
    places = Location.of(str(photos)), Location.of(str(tmp_path / "incoming"))
    return Job(*places, "statistics", model.source, model.identity, False)


def files_there(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "incoming").iterdir()}


def test_units_have_names_that_follow_from_what_they_are(job):
    files = job.photos.scan().files
    units = plan(job, files, (), 10)
    assert [len(unit.files) for unit in units] == [10, 10, 10, 10, 2]
    assert plan(job, files[20:], (), 10) == units[2:]  # as when the rest is left to do
    assert {u.name for u in plan(job._replace(identity="x"), files, (), 10)}.isdisjoint(
        {u.name for u in units}
    )
    changed = [files[0]._replace(mtime_ns=1), *files[1:]]
    assert plan(job, changed, (), 10)[0].name != units[0].name
    assert [Unit.from_json(unit.to_json()) for unit in units] == units
    assert (unit_size(10), unit_size(20_000), unit_size(10**8)) == (64, 312, 1280)


def test_what_is_done_is_not_done_again(job, tmp_path, monkeypatch):
    (unit,) = plan(job, job.photos.scan().files, (), 100)
    text = PieceMaker(job)(unit.to_json())
    written = files_there(tmp_path)
    shard = Piece.from_json(text).file(unit)
    assert set(written) == {f"{unit.name}.begun", f"{unit.name}.json", shard}
    monkeypatch.setattr("regard.cluster.pieces.extract_one", None)  # would fail if called
    monkeypatch.setattr("regard.cluster.pieces.extract_stream", None)
    assert PieceMaker(job)(unit.to_json()) == text
    assert files_there(tmp_path) == written


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["json", "safetensors"])
def test_a_piece_that_is_not_whole_is_made_again(job, tmp_path, lost):
    (unit,) = plan(job, job.photos.scan().files[:6], (), 100)
    text = PieceMaker(job)(unit.to_json())
    written = files_there(tmp_path)
    (file,) = (tmp_path / "incoming").glob(f"*.{lost}")
    file.unlink()
    assert PieceMaker(job)(unit.to_json()) == text  # carefully, as someone was at it before
    assert files_there(tmp_path) == written


def test_copies_share_rows_and_failures_are_told(job, photos):
    (photos / "a/zz.png").write_bytes(b"no photo")
    (photos / "c/gone.png").symlink_to(photos / "nowhere.png")
    scan = job.photos.scan()
    assert len(scan.files) == 43  # the link that leads nowhere is named by the scan
    (photos / "a/00.png").unlink()
    (unit,) = plan(job, scan.files, (), 100)
    by_path = dict(zip((f.path for f in unit.files), _piece(job, unit).photos, strict=True))
    assert sum(outcome.rows for outcome in by_path.values()) == 39 * 36
    gone, copy = by_path[str(photos / "a/00.png")], by_path[str(photos / "c/copy.png")]
    assert (gone.key, gone.passing) == ("", True)
    assert "cannot be opened" in gone.reason
    assert (copy.rows, copy.reason) == (0, "")
    assert copy.key == by_path[str(photos / "b/07.png")].key
    for name in ("a/broken.png", "a/zz.png"):
        outcome = by_path[str(photos / name)]
        assert outcome.reason.startswith(f"{photos / name} is not a photo")
        assert (outcome.rows, outcome.passing) == (0, False)
    assert by_path[str(photos / "b/07.png")].date().year == 2019


def _piece(job, unit):
    return Piece.from_json(PieceMaker(job)(unit.to_json()))


def test_a_unit_without_photos_has_no_shard(job, tmp_path, photos):
    files = [file for file in job.photos.scan().files if "broken" in file.path]
    (unit,) = plan(job, files, ("name",), 100)
    piece = _piece(job, unit)
    assert piece.sha256 == ""
    assert [outcome.key for outcome in piece.photos] == ["name"]
    assert not list((tmp_path / "incoming").glob("*.safetensors"))


DEADLY = """
import os, signal
from regard.regions import pipeline

def work(key, path):
    if key == os.environ["DEADLY"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return pipeline._work(key, path)
"""


@pytest.mark.slow
def test_a_photo_that_ends_its_process_costs_one_worker_only(job, tmp_path, monkeypatch):
    """The first to take the unit dies and leaves a mark; the next is careful."""
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "deadly", raising=False)  # another test's
    import deadly

    (unit,) = plan(job, job.photos.scan().files[:5], tuple("abcde"), 100)
    whole = _piece(job, unit)
    job.incoming.clear()
    job.incoming.put(f"{unit.name}.begun", b"")
    monkeypatch.setenv("DEADLY", "c")
    monkeypatch.setattr(pipeline, "_work", deadly.work)
    monkeypatch.setattr(pipeline, "_LOOK_AHEAD", 1)
    piece = _piece(job, unit)
    assert [outcome.rows for outcome in piece.photos] == [36, 36, 0, 36, 36]
    assert f"{unit.files[2].path} ended the process" in piece.photos[2].reason
    assert [t for t in piece.photos if t.rows] == [t for t in whole.photos if t.key != "c"]


def test_workers_that_are_not_like_the_one_that_asks(job, tmp_path):
    with pytest.raises(CheckpointError, match="on this machine of the cluster"):
        PieceMaker(job._replace(identity="regard-model-other"))
    elsewhere = Location.of(str(tmp_path / "not mounted"))
    with pytest.raises(StoreError, match="on every machine"):
        PieceMaker(job._replace(photos=elsewhere))
