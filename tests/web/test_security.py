"""Other sites' pages, rebound names and the token."""

import pytest
from web.conftest import client_of, get, refused

from regard.web.security import COOKIE, HEADERS

TOKEN = "a-token-long-enough-to-be-one"
ADDRESS = "/api/v1/stats"


@pytest.fixture
def guarded(index):
    with client_of(index, host="0.0.0.0", token=TOKEN) as opened:
        yield opened


def home(client):
    return str(client.base_url).rstrip("/")


# ---- host names


@pytest.mark.parametrize("host", ["127.0.0.1:8471", "localhost:9999", "[::1]:8471", "127.0.0.1"])
def test_own_names_are_answered(client, host):
    assert client.get(ADDRESS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8471",
        "127.0.0.1.evil.example",
        "192.168.0.7",
        "",
        "[::1",
        "a@b",
    ],
)
def test_rebound_names_are_not(client, host):
    refused(client.get(ADDRESS, headers={"Host": host}), 403)
    refused(client.get("/", headers={"Host": host}), 403)


def test_beyond_loopback_an_address_is_answered_and_a_foreign_name_is_not(guarded):
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get(ADDRESS, headers={"Host": "192.168.0.7:80", **bearer}).status_code == 200
    refused(guarded.get(ADDRESS, headers={"Host": "evil.example", **bearer}), 403)


# ---- other sites


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "x"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_other_origins_are_refused(client, origin, method):
    refused(client.request(method, "/api/v1/uploads", headers={"Origin": origin}), 403)


def test_its_own_origin_is_answered(client):
    assert client.get(ADDRESS, headers={"Origin": home(client)}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pictures_cannot_be_embedded_elsewhere(client, site, placed):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    refused(client.get(f"/api/v1/photos/{placed}/thumbnail", headers=headers), 403)


def test_a_link_may_be_followed_but_not_framed(client):
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers={**followed, "Sec-Fetch-Dest": "document"}).status_code == 200
    refused(client.get("/", headers={**followed, "Sec-Fetch-Dest": "iframe"}), 403)
    posted = {**followed, "Sec-Fetch-Dest": "document"}
    refused(client.post("/api/v1/uploads", headers=posted), 403)


def test_no_answer_lets_other_sites_read(client):
    response = client.get(ADDRESS, headers={"Origin": home(client)})
    assert not [name for name in response.headers if name.startswith("access-control")]


# ---- a proxy in front

PUBLIC = "photos.example.org"
PROXIES = {  # what each sends on of the address that people typed
    "keeps the name": {"Host": PUBLIC},
    "sends its own": {"Host": "127.0.0.1:8471"},
}


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def proxied(index, request):
    with client_of(index, host=request.param, token=TOKEN, allow_hosts=(PUBLIC,)) as opened:
        opened.headers["Authorization"] = f"Bearer {TOKEN}"
        yield opened


@pytest.mark.parametrize("sent", PROXIES.values(), ids=PROXIES)
def test_behind_a_proxy_the_page_reads_and_sends_photos(proxied, sent, world):
    page = {**sent, "Origin": f"https://{PUBLIC}", "Sec-Fetch-Site": "same-origin"}
    assert proxied.get(ADDRESS, headers=sent).status_code == 200
    photo = (world.photos / "placed.jpg").read_bytes()
    assert proxied.post("/api/v1/uploads", headers=page, content=photo).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", f"https://x.{PUBLIC}", "null"])
@pytest.mark.parametrize("sent", PROXIES.values(), ids=PROXIES)
def test_behind_a_proxy_other_sites_are_still_refused(proxied, sent, origin):
    refused(proxied.post("/api/v1/uploads", headers={**sent, "Origin": origin}), 403)
    refused(proxied.get(ADDRESS, headers={"Host": "evil.example"}), 403)


def test_a_proxy_that_was_not_named_is_told_how_to_be(client):
    answer = refused(client.get(ADDRESS, headers={"Host": PUBLIC}), 403)
    assert "--allow-host" in answer["next"]


def test_behind_a_proxy_the_token_is_asked_for(proxied):
    del proxied.headers["Authorization"]
    refused(proxied.get(ADDRESS, headers={"Host": PUBLIC}), 401)


# ---- headers


@pytest.mark.parametrize("path", ["/", "/static/app.js", ADDRESS, "/nothing", "/api/v1/search"])
def test_every_answer_has_the_security_headers(client, path):
    headers = client.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS


def test_the_policy_allows_nothing_inline_and_nothing_foreign():
    policy = dict(
        part.strip().partition(" ")[::2] for part in HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_answers_are_not_stored_but_pictures_are(client, placed):
    assert client.get(ADDRESS).headers["cache-control"] == "no-store"
    assert "immutable" in client.get(f"/api/v1/photos/{placed}/thumbnail").headers["cache-control"]


# ---- token


def test_without_the_token_only_health_is_answered(guarded, placed):
    for path in (
        ADDRESS,
        "/api/v1/metrics",
        f"/api/v1/photos/{placed}/thumbnail",
        "/static/app.js",
    ):
        problem = refused(guarded.get(path), 401)
        assert "token" in problem["what"]
    page = guarded.get("/")
    assert page.status_code == 401
    assert "asks for a token" in page.text
    assert guarded.get("/api/v1/health").json() == {"status": "ok"}


@pytest.mark.parametrize("given", [TOKEN[:-1], TOKEN + "x", "-", "ü" * 20])
def test_a_wrong_token_is_none(guarded, given):
    headers = {"Authorization": f"Bearer {given}".encode()}
    refused(guarded.get(ADDRESS, headers=headers), 401)
    refused(guarded.get(ADDRESS, headers={"Cookie": f"{COOKIE}=wrong"}), 401)
    assert guarded.get("/", params={"token": given}, follow_redirects=False).status_code == 401


def test_the_printed_address_lets_a_browser_in_and_hides_the_token(guarded):
    arrival = guarded.get("/", params={"q": "a dog", "token": TOKEN}, follow_redirects=False)
    assert arrival.status_code == 303
    assert arrival.headers["location"] == "/?q=a+dog"
    cookie = arrival.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert guarded.get(ADDRESS).status_code == 200  # the client kept the cookie


def test_a_program_sends_the_token_as_bearer(guarded):
    guarded.headers["Authorization"] = f"Bearer {TOKEN}"
    assert get(guarded, "stats")["photos"] == 11


def test_a_broken_cookie_is_no_error(guarded):
    refused(guarded.get(ADDRESS, headers={"Cookie": f'{COOKIE}="; =;;\x01'}), 401)
