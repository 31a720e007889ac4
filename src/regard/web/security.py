"""Who may ask: the right host name, no other site's page, and the token where there is one.

A page of another site must not read or steer a server on this machine. Three checks see to it.
The Host header must name this machine, or a proxy in front of it that the configuration names,
which a name that was rebound to 127.0.0.1 does not. An Origin, where a browser sends one, must be
this server's own or that proxy's, whatever Host the proxy sends on. And a browser that says a
request comes from another site (Sec-Fetch-Site) is refused unless the reader followed a link.
"""

import hmac
import ipaddress
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.web.config import ServeConfig, is_loopback
from regard.web.problems import problem

COOKIE = "regard_token"
OPEN_PATHS = ("/api/v1/health",)  # answered without a token: says nothing but that it runs
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types lit-html"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PROXY = " Behind a proxy, start it with `regard serve --allow-host NAME`."
_YEAR = 365 * 24 * 3600


class Guard:
    """ASGI middleware: refuses who may not ask, and sets the security headers of every answer."""

    def __init__(self, app: ASGIApp, config: ServeConfig) -> None:
        self._app = app
        self._token = config.token
        self._local = is_loopback(config.host)
        name = socket.gethostname().lower()
        self._names = {"localhost", config.host.lower()}
        if not self._local:
            self._names |= {name, f"{name}.local", socket.getfqdn().lower()}
        self._proxies = {proxy.lower() for proxy in config.allow_hosts}
        self._names |= {_name_of(proxy) for proxy in self._proxies}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._foreign(scope, headers) or self._unknown(scope, headers)
        await (refusal or self._app)(scope, receive, send_guarded)

    # ---- other sites

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a request another site has made, None for one of ours."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return problem(403, _parts("host", host, "this machine's name or address", _PROXY))
        origin = headers.get("origin")
        if origin is not None:
            asking = urlsplit(origin).netloc.lower()
            if asking != host.lower() and asking not in self._proxies:
                return problem(403, _parts("origin", origin, "this server", _PROXY))
        site = headers.get("sec-fetch-site", "none")
        followed = (
            headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
            and scope["method"] == "GET"
        )
        if site not in ("none", "same-origin") and not followed:
            return problem(403, _parts("the asking site", site, "this server's own page"))
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header names this machine; a rebound name is never a bare address."""
        name = _name_of(host)
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._local

    # ---- token

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a request without the token, None where it is there or not needed."""
        if self._token is None or scope["path"] in OPEN_PATHS:
            return None
        if scope["path"] == "/" and scope["method"] == "GET":
            arrival = self._arrive(scope)
            if arrival is not None:
                return arrival
        scheme, _, given = headers.get("authorization", "").partition(" ")
        bearer = given.strip() if scheme.lower() == "bearer" else ""
        if self._fits(bearer) or self._fits(_cookie(headers)):
            return None
        if scope["path"] == "/":
            return PlainTextResponse(
                "This server asks for a token. Open the address it printed when it started.", 401
            )
        parts = (
            "the token is missing or wrong",
            "it must be the one the server printed when it started",
            "Send it as `Authorization: Bearer TOKEN`.",
        )
        return problem(401, parts, {"WWW-Authenticate": "Bearer"})

    def _arrive(self, scope: Scope) -> Response | None:
        """Turn the token of the address that was printed into a cookie, and hide it again."""
        values = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(values).get("token", "")
        if not self._fits(given):
            return None
        rest = urlencode([(name, value) for name, value in values if name != "token"])
        response = RedirectResponse(f"/?{rest}" if rest else "/", 303)
        response.set_cookie(
            COOKIE,
            given,
            max_age=_YEAR,
            secure=scope["scheme"] == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    def _fits(self, given: str) -> bool:
        """Compare in constant time."""
        assert self._token is not None
        return hmac.compare_digest(given.encode(), self._token.encode())


def _cookie(headers: Headers) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie is not None else ""


def _name_of(host: str) -> str:
    """The name in a Host header, without the port; empty where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _parts(what: str, value: str, must: str, hint: str = "") -> tuple[str, str, str]:
    return (
        f"{what} is {value!r}",
        f"it must be {must}",
        f"Open the page by the address the server printed.{hint}",
    )
