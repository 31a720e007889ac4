"""Favourites through the API: marked, filtered by, exported."""

from web.conftest import client_of, get, refused

from regard.search import Index

ELSEWHERE = {"allow_hosts": ("photos.example.org",), "token": "0123456789abcdef"}


def test_a_favourite_is_told_filtered_by_and_exported(fresh_world):
    with Index.open(fresh_world.index, fresh_world.model) as index, client_of(index) as client:
        photos = [hit["photo"] for hit in get(client, "photos")["hits"]]
        assert not any(photo["favourite"] for photo in photos)
        chosen = photos[2]["id"]
        assert client.put(f"/api/v1/favourites/{chosen}").status_code == 204
        assert get(client, f"photos/{chosen}")["favourite"] is True
        for path, more in (("photos", {}), ("search", {"q": "a dog"})):
            found = get(client, path, favourites=True, **more)
            assert [hit["photo"]["id"] for hit in found["hits"]] == [chosen]
            assert found["total"] == 1
        here = client.get("/api/v1/favourites.txt")
        assert here.text == f"{index.photo(chosen).path}\n"
        with client_of(index, **ELSEWHERE) as far:
            far.headers["Authorization"] = f"Bearer {ELSEWHERE['token']}"
            assert far.get("/api/v1/favourites.txt").text == f"{photos[2]['name']}\n"
        assert client.delete(f"/api/v1/favourites/{chosen}").status_code == 204
        assert get(client, "photos", favourites=True)["total"] == 0


def test_what_is_no_photo_of_the_index_is_no_favourite(client):
    refused(client.put(f"/api/v1/favourites/{'0' * 16}"), 404)
