"""The API as its users see it."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from web.conftest import client_of, get, refused

TEXT = "a red dog on the grass"


# ---- search


def test_a_search_ranks_all_and_pages(client, index):
    whole = get(client, "search", q=TEXT, limit=100)
    expected = index.search(TEXT, 100)
    assert [hit["photo"]["id"] for hit in whole["hits"]] == [hit.photo.id for hit in expected.hits]
    assert whole["total"] == 11
    pages = [
        get(client, "search", q=TEXT, limit=4, offset=offset)["hits"] for offset in (0, 4, 8, 12)
    ]
    assert [hit for page in pages for hit in page] == whole["hits"]
    assert pages[3] == []


def test_hits_are_explained_on_request(client):
    plain = get(client, "search", q=TEXT)["hits"][0]
    assert plain["maps"] is None
    answer = get(client, "search", q=TEXT, maps="true")
    hit = answer["hits"][0]
    shares = [word["share"] for word in hit["maps"]["words"]]
    assert sum(shares) == pytest.approx(hit["similarity"], abs=1e-4)
    assert len(hit["maps"]["attention"]) == len(answer["words"]) == 8


def test_photos_are_explained_apart_from_the_search(client, placed):
    answer = get(client, "search", q="a grasss dog", maps="true")["hits"]
    maps = {hit["photo"]["id"]: hit["maps"] for hit in answer}
    some = [*sorted(maps)[:3], "0" * 16]
    explained = get(client, "search/maps", q="a grasss dog", ids=",".join(some))["photos"]
    assert {one["id"]: one["maps"] for one in explained} == {one: maps[one] for one in some[:3]}
    both = {"q": "a dog", "like": placed, "box": "0,0,0.5,0.5"}
    wanted = get(client, "search", **both, maps="true", limit=1)["hits"][0]
    [told] = get(client, "search/maps", **both, ids=wanted["photo"]["id"])["photos"]
    assert told["maps"] == wanted["maps"]
    assert get(client, "search/maps", like=placed, ids=placed)["photos"] == []
    refused(client.get("/api/v1/search/maps", params={"q": TEXT, "ids": "../../etc"}), 422)
    refused(client.get("/api/v1/search/maps", params={"ids": placed}), 422)


def test_words_may_be_weighted(client):
    weights = "1,0,3,1,0,0,2.5,1"
    answer = get(client, "search", q=TEXT, weights=weights, maps="true")
    numbers = [float(part) for part in weights.split(",")]
    for hit in answer["hits"]:
        relevances = [word["relevance"] for word in hit["maps"]["words"]]
        expected = np.average(relevances, weights=numbers)
        assert hit["similarity"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("weights", ["1,2", "a,b", "1,1,1,1,1,1,1,11", "nan,1,1,1,1,1,1,1", "-1"])
def test_wrong_weights_are_told(client, weights):
    refused(client.get("/api/v1/search", params={"q": TEXT, "weights": weights}), 422)


def test_filters_and_order(client):
    params = {"since": "2020-01-02", "until": "2020-01-04", "sort": "date"}
    answer = get(client, "search", q=TEXT, **params)
    days = [hit["photo"]["taken"][:10] for hit in answer["hits"]]
    assert days == ["2020-01-04", "2020-01-03", "2020-01-02"]
    assert answer["total"] == 3
    assert get(client, "search", q=TEXT, folder="trip [1]")["total"] == 4
    assert get(client, "search", q=TEXT, shape="portrait")["total"] == 4
    refused(client.get("/api/v1/search", params={"q": TEXT, "folder": "/etc"}), 422)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"q": ""},
        {"q": "; ;"},
        {"q": "-dog"},
        {"q": "x" * 501},
        {"q": "dog", "limit": 0},
        {"q": "dog", "limit": 101},
        {"q": "dog", "offset": -1},
        {"q": "dog", "since": "yesterday"},
        {"q": "dog", "sort": "size"},
        {"q": "dog", "shape": "round"},
    ],
)
def test_wrong_searches_are_told(client, params):
    refused(client.get("/api/v1/search", params=params), 422)


def test_unknown_words_are_marked(client):
    words = get(client, "search", q='"a grasss dog"')["words"]
    assert [word["text"] for word in words if not word["known"]] == ["grasss"]
    assert words[2]["nearest"] == ["grass"]


def test_long_lists_come_as_a_stream(client):
    with client.stream("GET", "/api/v1/search/stream", params={"q": TEXT, "limit": 7}) as response:
        assert response.headers["content-type"].startswith("application/x-ndjson")
        assert "content-length" not in response.headers
        lines = [json.loads(line) for line in response.iter_lines()]
    expected = get(client, "search", q=TEXT, limit=7)
    assert lines[0]["total"] == 11
    assert lines[1:] == expected["hits"]


def test_all_photos_newest_first(client):
    answer = get(client, "photos", limit=8)
    taken = [hit["photo"]["taken"] for hit in answer["hits"]]
    assert taken == [*sorted(filter(None, taken), reverse=True), None]
    rest = get(client, "photos", limit=8, offset=8)["hits"]
    assert len(rest) == 3
    assert get(client, "photos", shape="landscape", until="2020-01-02")["total"] == 2


# ---- one photo


def test_a_photo_is_described(client, placed):
    assert get(client, f"photos/{placed}") == {
        "id": placed,
        "name": "placed.jpg",
        "folder": "",
        "width": 700,
        "height": 500,
        "taken": "2021-05-12T10:11:12",
        "favourite": False,
    }


def test_an_explanation_is_the_sum_of_its_words(client, placed, index):
    answer = get(client, f"photos/{placed}/explain", q=TEXT)
    result = next(hit for hit in index.search(TEXT, 11).hits if hit.photo.id == placed)
    assert answer["similarity"] == pytest.approx(result.similarity, abs=1e-4)
    assert sum(word["share"] for word in answer["maps"]["words"]) == pytest.approx(
        answer["similarity"], abs=1e-4
    )
    assert answer["is_default"]
    assert (answer["direction"], answer["temperature"]) == ("t2i", 9.0)


def test_direction_and_temperature_can_be_turned(client, placed):
    path = f"photos/{placed}/explain"
    plain = get(client, path, q=TEXT)
    sharp = get(client, path, q=TEXT, temperature=50)
    other = get(client, path, q=TEXT, direction="i2t")
    assert not sharp["is_default"]
    assert not other["is_default"]
    most = [max(row) for row in plain["maps"]["attention"]]
    assert [max(row) for row in sharp["maps"]["attention"]] > most
    assert other["direction"] == "i2t"
    assert sum(word["share"] for word in other["maps"]["words"]) == pytest.approx(
        other["similarity"], abs=1e-4
    )
    refused(client.get(f"/api/v1/{path}", params={"q": TEXT, "temperature": 0}), 422)


def test_figures_are_drawn(client, placed):
    address = f"/api/v1/photos/{placed}/figure"
    png = client.get(f"{address}.png", params={"q": TEXT})
    assert png.headers["content-disposition"] == f'attachment; filename="regard-{placed}.png"'
    with Image.open(io.BytesIO(png.content)) as image:
        assert image.width > 600
    svg = client.get(f"{address}.svg", params={"q": "a <b>dog</b> & cat", "direction": "i2t"})
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "<svg" in svg.text
    assert not re.search(r"<b>|<script|Date", svg.text)
    refused(client.get(f"{address}.gif", params={"q": TEXT}), 422)


def test_sentences_are_ranked(client, placed):
    own = ["a red cat", "the beach", "", "a leash"]
    answer = client.post(f"/api/v1/photos/{placed}/captions", json={"sentences": own, "limit": 2})
    assert answer.json()["total"] == 3
    assert len(answer.json()["captions"]) == 2
    assert get(client, f"photos/{placed}/captions", limit=1)["total"] == 4


@pytest.mark.parametrize("body", [{}, {"sentences": []}, {"sentences": ["x" * 501]}, [], "text"])
def test_wrong_sentences_are_told(client, placed, body):
    refused(client.post(f"/api/v1/photos/{placed}/captions", json=body), 422)
    refused(client.post(f"/api/v1/photos/{placed}/captions", json={"sentences": ["a"] * 1001}), 422)


def test_photos_like_one(client, placed, index):
    answer = get(client, f"photos/{placed}/similar", limit=5)["hits"]
    assert [hit["photo"]["id"] for hit in answer] == [
        hit.photo.id for hit in index.similar(placed, 5).hits
    ]


@pytest.mark.parametrize(
    "kind", ["", "/thumbnail", "/explain?q=dog", "/figure.png?q=dog", "/captions", "/similar"]
)
@pytest.mark.parametrize("photo_id", ["0" * 16, "u" + "0" * 32])
def test_photos_that_are_not_there(client, kind, photo_id):
    refused(client.get(f"/api/v1/photos/{photo_id}{kind}"), 404)


# ---- the server


def test_suggestions_are_of_the_servers_sentences_each_for_another_photo(client):
    offered = get(client, "suggestions")["suggestions"]
    photos = [one["photo"]["id"] for one in offered]
    assert 1 <= len(offered) <= 6
    assert len(set(photos)) == len(photos)
    for one in offered:
        answer = get(client, f"photos/{one['photo']['id']}/captions", limit=100)
        assert one["sentence"] in [caption["sentence"] for caption in answer["captions"]]
    assert get(client, "suggestions")["suggestions"] == offered


def test_stats(client):
    answer = get(client, "stats")
    assert answer["photos"] == 11
    assert answer["folders"] == [{"name": "", "photos": 7}, {"name": "trip [1]", "photos": 4}]
    assert answer["last_taken"] == "2021-05-12T10:11:12"
    assert (answer["direction"], answer["temperature"], answer["sentences"]) == ("t2i", 9.0, 4)


def test_measures_are_counted_by_route(index, placed):
    with client_of(index) as client:
        get(client, "search", q="dog")
        client.get(f"/api/v1/photos/{placed}/thumbnail")
        client.get("/api/v1/search")
        client.get("/no/such/place")
        response = client.get("/api/v1/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    lines = response.text.splitlines()
    assert 'regard_http_requests_total{route="search",status="200"} 1.0' in lines
    assert 'regard_http_requests_total{route="search",status="422"} 1.0' in lines
    assert 'regard_http_requests_total{route="thumbnail",status="200"} 1.0' in lines
    assert 'regard_http_requests_total{route="other",status="404"} 1.0' in lines
    assert "regard_index_photos 11.0" in lines
    assert 'regard_jobs_waiting{gate="search"} 0.0' in lines
    assert placed not in response.text


def test_a_full_server_says_so_and_goes_on(index):
    with client_of(index, per_client=0) as client:
        response = client.get("/api/v1/search", params={"q": "dog"})
        refused(response, 429)
        assert int(response.headers["retry-after"]) > 0
        assert client.get("/api/v1/health").status_code == 200


def test_text_is_compressed_and_pictures_are_not(client, placed):
    headers = {"Accept-Encoding": "gzip"}
    answer = client.get("/api/v1/search", params={"q": TEXT, "maps": "true"}, headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    picture = client.get(f"/api/v1/photos/{placed}/thumbnail", headers=headers)
    assert "content-encoding" not in picture.headers


# ---- like a photo, or a part of one


def test_a_photo_is_searched_for_and_a_part_of_it(client, placed):
    whole = get(client, "search", like=placed, maps=True)
    assert whole["hits"][0]["photo"]["id"] == placed
    assert whole["words"] == []
    assert whole["hits"][0]["maps"] is None
    part = get(client, "search", like=placed, box="0.5,0,0.5,1")
    similarities = [[hit["similarity"] for hit in one["hits"]] for one in (whole, part)]
    assert similarities[0] != similarities[1]


def test_words_count_beside_a_part_of_a_photo(client, placed):
    asked = {"q": "a dog", "like": placed, "box": "0,0,0.5,0.5", "maps": True}
    both = get(client, "search", **asked)
    assert [word["text"] for word in both["words"]][1:-1] == ["a", "dog"]
    equal = get(client, "search", **asked, weights="1,1,1,1")
    for ours, theirs in zip(both["hits"], equal["hits"], strict=True):
        assert ours["photo"]["id"] == theirs["photo"]["id"]
        assert ours["similarity"] == pytest.approx(theirs["similarity"], abs=1e-4)
    off = get(client, "search", **asked, weights="1,1,0,1")
    assert off["hits"][0]["similarity"] != both["hits"][0]["similarity"]


def test_an_upload_is_searched_by(client, world):
    sent = client.post("/api/v1/uploads", content=(world.photos / "placed.jpg").read_bytes()).json()
    found = get(client, "search", like=sent["photo"]["id"], box="0,0,1,1")
    assert found["hits"][0]["photo"]["name"] == "placed.jpg"


def test_what_photos_cannot_be_like_is_told(client, placed):
    refused(client.get("/api/v1/search", params={"like": "0" * 16}), 404)
    refused(client.get("/api/v1/search", params={"like": placed, "box": "0,0,2,2"}), 422)
    refused(client.get("/api/v1/search"), 422)


def test_how_many_photos_there_were_is_told(client):
    total = get(client, "stats")["photos"]
    assert get(client, "search", q="a dog", shape="portrait")["indexed"] == total
    assert get(client, "photos", limit=1)["indexed"] == total


# ---- what a query means beside what it says


def test_a_misspelt_word_is_put_right_and_told(client):
    answer = get(client, "search", q="a grasss dog")
    assert (answer["query"], answer["read_as"]) == ("a grasss dog", "a grass dog")
    assert answer["hits"] == get(client, "search", q="a grass dog")["hits"]
    kept = get(client, "search", q='"a grasss dog"')
    assert kept["read_as"] == '"a grasss dog"'
    with client.stream("GET", "/api/v1/search/stream", params={"q": "a grasss dog"}) as lines:
        assert json.loads(next(lines.iter_lines()))["read_as"] == "a grass dog"
    dated = get(client, "search", q="januray 2020")
    assert (dated["query"], dated["read_as"]) == ("januray 2020", "january 2020")
    assert dated["time"]["since"] == "2020-01-01"


def test_a_colour_of_whole_photos_is_a_filter(client):
    answer = get(client, "search", q="a dog in black and white")
    assert answer["tone"] == {
        "name": "black and white",
        "said": "in black and white",
        "rest": "a dog",
    }
    assert [word["text"] for word in answer["words"]][1:-1] == ["a", "dog"]
    assert answer["total"] < get(client, "stats")["photos"]
    alone = get(client, "search", q="mostly blue")
    assert (alone["words"], alone["tone"]["rest"]) == ([], "")
    assert get(client, "search", q="a black and white dog")["tone"] is None


def test_a_language_that_is_not_read_is_told(client):
    answer = get(client, "search", q="ein roter hund")
    assert (answer["language"], answer["read_as"]) == ("German", "ein roter hund")
    assert get(client, "search", q="a red dog")["language"] == ""


def test_a_time_in_a_query_is_a_filter(client):
    answer = get(client, "search", q="a dog in january 2020", maps=True)
    assert answer["total"] == 6
    assert [word["text"] for word in answer["words"]][1:-1] == ["a", "dog"]
    assert answer["time"] == {
        "said": "in january 2020",
        "rest": "a dog",
        "since": "2020-01-01",
        "until": "2020-01-31",
    }
    assert get(client, "search", q="a dog in january 2020", until="2020-01-02")["total"] == 2
    photo = answer["hits"][0]["photo"]["id"]
    explained = get(client, f"photos/{photo}/explain", q="a dog in january 2020")
    assert explained["similarity"] == pytest.approx(answer["hits"][0]["similarity"], abs=1e-4)


def test_a_time_alone_lists_its_photos_newest_first(client):
    answer = get(client, "search", q="january 2020")
    assert [hit["photo"]["name"] for hit in answer["hits"]] == [
        f"{n}.png" for n in range(5, -1, -1)
    ]
    assert (answer["total"], answer["words"]) == (6, [])


def test_without_is_unwanted(client):
    words = get(client, "search", q="a dog without a leash")["words"]
    assert [word["weight"] for word in words if word["text"] == "leash"] == [-1]
    assert get(client, "search", q="a dog")["time"] is None


def test_months_tell_how_many_photos_and_where_they_begin(client):
    months = get(client, "months")["months"]
    assert months == [
        {"month": "2021-05", "photos": 1, "offset": 0},
        {"month": "2020-01", "photos": 6, "offset": 1},
        {"month": None, "photos": 4, "offset": 7},
    ]
    begin = get(client, "photos", offset=1, limit=1)["hits"][0]["photo"]
    assert begin["taken"].startswith("2020-01")
    assert get(client, "months", since="2021-01-01")["months"] == months[:1]


def test_words_tell_whether_they_name_something(client):
    words = get(client, "search", q="a dog on the beach")["words"]
    assert [word["text"] for word in words if word["names"]] == ["dog", "beach"]
