"""Who is let in, by token or by cookie, and what a cookie may not do."""

from collections.abc import Callable

import httpx
import pytest
from gateway_fakes import (
    APPROVAL,
    POLICY,
    FakeTemporal,
    agreed,
    approval,
    bearer,
    make_doors,
    open_incident,
)
from sqlalchemy import Engine

from gateway.app import build_app
from gateway.doors import Doors
from gateway.login import local_path

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
Html = Callable[[], dict[str, str]]
ROUTES = [
    "/incidents", "/incidents/x", "/approvals", "/approvals/x", "/pause", "/toil/me",
    "/reports/toil", "/reports/toil.json", "/reports/toil.csv", "/reports/toil.svg", "/metrics",
    "/openapi.json", "/runbooks", "/runbooks/x",
]  # fmt: skip


async def sign_in(http: Client, token: str = "token-ana") -> str:
    """Begin a session; returns the token of its forms."""
    answer = await http.post("/login", data={"token": token})
    assert answer.status_code == 303
    page = (await http.get("/pause", headers={"Accept": "text/html"})).text
    return page.partition('name="csrf" value="')[2].partition('"')[0]


@pytest.mark.parametrize("route", ROUTES)
async def test_every_route_needs_a_token(http: Client, route: str) -> None:
    """JSON gets 401 in the one shape."""
    answer = await http.get(route)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"


@pytest.mark.parametrize("route", ["/healthz", "/readyz", "/login", "/static/firebreak.css"])
async def test_a_few_routes_need_none(http: Client, route: str) -> None:
    """Probes, and what the sign-in page needs."""
    assert (await http.get(route)).status_code == 200


async def test_every_route_of_the_app_is_closed_or_known(here: Doors) -> None:
    """A new route without a check fails here."""
    schema = (
        await Client(
            transport=httpx.ASGITransport(build_app(here)), base_url="http://firebreak.test"
        ).get("/openapi.json", headers=bearer("token-ana"))
    ).json()
    for path, methods in schema["paths"].items():
        if path in ("/healthz", "/readyz", "/login"):
            continue
        for method in methods:
            url = (
                path.replace("{incident_id}", "x")
                .replace("{approval_id}", "x")
                .replace("{digest}", "x")
            )
            async with Client(
                transport=httpx.ASGITransport(build_app(here)), base_url="http://firebreak.test"
            ) as nobody:
                answer = await nobody.request(method, url, params={"scope": "all"})
            assert answer.status_code == 401, f"{method} {path}"


async def test_a_browser_is_led_to_sign_in_and_back(http: Client, as_html: Html) -> None:
    """With the whole address it came for."""
    answer = await http.get("/incidents?status=open", headers=as_html())
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/incidents%3Fstatus%3Dopen"
    form = {"token": "token-ana", "next": "/incidents?status=open"}
    answer = await http.post("/login", data=form)
    assert answer.headers["location"] == "/incidents?status=open"


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "evil", "", "javascript:x", "/a\nb"],
)
async def test_only_local_paths_are_followed(wanted: str) -> None:
    """Anything else leads to the start page."""
    assert local_path(wanted) == "/incidents"


async def test_the_cookie_is_closed_to_scripts_and_other_sites(http: Client) -> None:
    """Secure is for https only."""
    answer = await http.post("/login", data={"token": "token-ana"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert "token-ana" not in cookie


async def test_behind_https_the_cookie_is_secure(engine: Engine, fake: FakeTemporal) -> None:
    """It never travels in clear."""
    app = build_app(make_doors(engine, fake, public_url="https://firebreak.test"))
    async with Client(
        transport=httpx.ASGITransport(app), base_url="https://firebreak.test"
    ) as http:
        answer = await http.post("/login", data={"token": "token-ana"})
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_a_wrong_token_is_refused(http: Client, as_html: Html) -> None:
    """401 to both; a browser gets the page again."""
    assert (await http.post("/login", data={"token": "wrong"})).json()["error"]["fix"]
    answer = await http.post("/login", data={"token": "wrong"}, headers=as_html())
    assert answer.status_code == 401
    assert "No person has this token" in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_sender_of_alerts_is_no_person(http: Client) -> None:
    """Its token opens its door and the figures, nothing else."""
    assert (await http.get("/incidents", headers=bearer("token-alerts"))).status_code == 401
    assert (await http.get("/metrics", headers=bearer("token-alerts"))).status_code == 200
    assert (await http.post("/login", data={"token": "token-alerts"})).status_code == 401


async def test_a_session_ends_when_its_token_is_taken_away(
    http: Client, engine: Engine, fake: FakeTemporal
) -> None:
    """The policy file is the only list of who may."""
    await sign_in(http)
    cookie = dict(http.cookies)
    people = tuple(p.model_copy(update={"token_sha256": ()}) for p in POLICY.people)
    app = build_app(make_doors(engine, fake, policy=POLICY.model_copy(update={"people": people})))
    async with Client(
        transport=httpx.ASGITransport(app), base_url="http://firebreak.test", cookies=cookie
    ) as later:
        assert (await later.get("/incidents")).status_code == 401


async def test_a_tampered_cookie_is_nobody(http: Client) -> None:
    """The signature covers who it names."""
    await sign_in(http)
    name, value = next(iter(http.cookies.items()))
    http.cookies.set(name, "x" + value[1:], domain="firebreak.test")
    assert (await http.get("/incidents")).status_code == 401


async def test_a_cookie_alone_changes_nothing(http: Client, here: Doors) -> None:
    """Another site's page could make the browser send it."""
    token = await sign_in(http)
    form = {"scope": "all", "reason": "x"}
    for fields in (form, form | {"csrf": "wrong"}):
        answer = await http.post("/pause", data=fields)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "form_expired"
    assert here.pauses.all() == ()
    assert (await http.post("/pause", data=form | {"csrf": token})).status_code == 303
    assert len(here.pauses.all()) == 1


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_origin_is_refused_even_with_the_forms_token(
    http: Client, foreign: dict[str, str]
) -> None:
    """Also at the sign-in page."""
    token = await sign_in(http)
    fields = {"scope": "all", "reason": "x", "csrf": token}
    assert (await http.post("/pause", data=fields, headers=foreign)).status_code == 403
    assert (
        await http.post("/login", data={"token": "token-ana"}, headers=foreign)
    ).status_code == 403


async def test_a_bearer_token_needs_no_form(ana: Client) -> None:
    """No browser sends it by itself."""
    answer = await ana.put("/pause", json={"scope": "all", "reason": "deploy"})
    assert answer.status_code == 200


async def test_json_with_a_cookie_carries_the_token_in_a_header(
    http: Client, here: Doors, fake: FakeTemporal
) -> None:
    """For scripts of our own pages."""
    open_incident(here.journal, asked=approval())
    fake.running.add(approval().workflow)
    fake.answers["decide"] = agreed
    token = await sign_in(http)
    url, body = f"/approvals/{APPROVAL}/decision", {"decision": "approve"}
    assert (await http.post(url, json=body)).status_code == 403
    answer = await http.post(url, json=body, headers={"X-CSRF-Token": token})
    assert answer.status_code == 200


async def test_signing_out_ends_the_session(http: Client) -> None:
    """The cookie is cleared."""
    token = await sign_in(http)
    assert (await http.post("/logout", data={"csrf": token})).status_code == 303
    assert (await http.get("/incidents")).status_code == 401


async def test_the_page_asks_once_more_when_the_cookie_was_hidden(http: Client) -> None:
    """A link from a chat arrives without the strict cookie; the page's own request has it."""
    ask = {"HX-Request": "true"}
    assert (await http.get("/login?next=/pause", headers=ask)).status_code == 204
    await sign_in(http)
    answer = await http.get("/login?next=/pause", headers=ask)
    assert answer.headers["HX-Redirect"] == "/pause"
