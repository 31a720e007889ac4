"""Photos in S3, and shards on their way through it: a local server that speaks its language."""

import logging

import pytest
from small import draw

from regard.cluster import building
from regard.cluster.places import Location
from regard.errors import DataError
from regard.indexing import update_index
from regard.search import Index
from tests.cluster.state import vectors

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def s3(photos, monkeypatch):
    """A bucket with the photos; yields a function that gives URIs in it."""
    boto3 = pytest.importorskip(
        "boto3", reason="boto3 is not installed (pip install 'regard[test]')"
    )
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys)
    client.create_bucket(Bucket="bucket")
    for path in photos.rglob("*.png"):
        client.put_object(
            Bucket="bucket", Key=f"photos/{path.relative_to(photos)}", Body=path.read_bytes()
        )

    def uri(prefix):
        return (
            f"s3://x:y@bucket/{prefix}?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        )

    uri.client = client
    yield uri
    server.stop()


def names(client):
    return {entry["Key"] for entry in client.list_objects_v2(Bucket="bucket")["Contents"]}


def test_an_index_of_photos_in_a_bucket(nodes, tmp_path, photos, model, s3, monkeypatch):
    monkeypatch.setattr(building, "unit_size", lambda _: 11)
    before = names(s3.client)
    place, staging = Location.of(s3("photos")), Location.of(s3("scratch"))
    assert place.name == "s3://bucket/photos"
    report = building.index_photos(tmp_path / "index", place, model, staging=staging, workers=2)
    alone = update_index(tmp_path / "alone", photos, model, workers=1)
    assert (report.added, len(report.skipped)) == (alone.added, 1) == (41, 1)
    assert vectors(tmp_path / "index") == vectors(tmp_path / "alone")
    assert names(s3.client) - {"scratch/"} == before  # nothing is left in the bucket
    with Index.open(tmp_path / "index", model) as ours, Index.open(tmp_path / "alone") as theirs:
        hits = ours.search("a dog", 100).hits
        assert [h.photo.id for h in hits] == [h.photo.id for h in theirs.search("a dog", 100).hits]
        assert all(str(hit.photo.path).startswith("s3:/bucket/photos/") for hit in hits)

    s3.client.copy_object(
        Bucket="bucket", Key="photos/moved.png", CopySource="bucket/photos/a/00.png"
    )
    s3.client.delete_object(Bucket="bucket", Key="photos/a/00.png")
    s3.client.put_object(
        Bucket="bucket", Key="photos/new.png", Body=draw(tmp_path / "n.png", 99).read_bytes()
    )
    report = building.index_photos(tmp_path / "index", place, model, staging=staging, workers=2)
    assert (report.added, report.moved, report.unchanged, report.removed) == (1, 1, 40, 0)


def test_prefixes_that_cannot_be_listed_are_refused(s3, tmp_path, model):
    with pytest.raises(DataError, match="cannot be listed"):
        building.index_photos(tmp_path / "index", Location.of(s3("nowhere")), model)
    with pytest.raises(DataError, match="cannot be listed"):
        Location.of(s3("x").replace("bucket", "nobucket")).scan()
