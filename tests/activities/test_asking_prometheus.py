"""PromQL: what an answer becomes, and what bad answers are called."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from prometheus_fakes import Canned, canned_fixture, http_fixture, look
from pydantic import SecretStr

from activities.prometheus import Prometheus
from activities.promql import ANSWER_BYTES_MAX
from contracts.errors import Rejected, Unavailable
from contracts.step import BODY_BYTES_MAX, Evidence
from devserver import free_port

__all__ = ["canned_fixture", "http_fixture"]
Ask = Callable[..., tuple[Evidence, str]]


@pytest.fixture(name="ask")
def _ask(canned: Canned, http: httpx.Client) -> Ask:
    def ask(query: str = "up", **options: Any) -> tuple[Evidence, str]:
        return look(Prometheus({"lab": canned.url}, http), query, **options)

    return ask


def test_the_first_series_is_the_value_and_all_are_told(canned: Canned, ask: Ask) -> None:
    """In the server's order."""
    series = [({"__name__": "up", "job": "a"}, "1"), ({"__name__": "up", "job": "b"}, "0.25")]
    canned.will_say(series)
    evidence, body = ask("up")
    assert evidence.facts == {
        "served": True,
        "value": 1.0,
        "series": [
            {"labels": {"__name__": "up", "job": "a"}, "value": 1.0},
            {"labels": {"__name__": "up", "job": "b"}, "value": 0.25},
        ],
    }
    assert body.splitlines() == ["up", 'up{job="a"} 1', 'up{job="b"} 0.25']
    (path, form, headers) = canned.asked[0]
    assert path == "/prom/api/v1/query"
    assert form == {"query": ["up"], "timeout": ["10s"]}
    assert "Authorization" not in headers


def test_a_scalar_is_an_answer_too(canned: Canned, ask: Ask) -> None:
    """It has no labels."""
    data = {"resultType": "scalar", "result": [1.0, "42"]}
    canned.will_say(json.dumps({"status": "success", "data": data}).encode())
    facts = ask("scalar(x)")[0].facts
    assert (facts["value"], facts["series"]) == (42.0, [{"labels": {}, "value": 42.0}])


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "x"])
def test_what_is_no_number_is_null(canned: Canned, ask: Ask, value: str) -> None:
    """JSON has no word for it; people still see it."""
    canned.will_say([({}, value)])
    evidence, body = ask()
    assert evidence.facts["value"] is None
    assert value in body


def test_no_series_is_no_value(canned: Canned, ask: Ask) -> None:
    """And served all the same."""
    canned.will_say([])
    assert ask()[0].facts == {"served": True, "value": None, "series": []}


def test_a_cluster_without_prometheus_is_not_served(http: httpx.Client) -> None:
    """An empty address is none; nothing is asked."""
    for urls in ({}, {"lab": ""}, {"other": "http://127.0.0.1:1"}):
        evidence, body = look(Prometheus(urls, http))
        assert evidence.facts == {"served": False, "value": None, "series": []}
        assert "No Prometheus is configured" in body


def test_the_token_goes_along(canned: Canned, http: httpx.Client) -> None:
    """As a bearer token, and never into an error."""
    canned.will_say(b"", status=401)
    with pytest.raises(Rejected) as caught:
        look(Prometheus({"lab": canned.url}, http, SecretStr("t0ken-abc")))
    assert canned.asked[0][2]["Authorization"] == "Bearer t0ken-abc"
    assert "t0ken-abc" not in caught.value.message + caught.value.fix
    assert "token" in caught.value.fix


def test_facts_and_bodies_are_bounded(canned: Canned, ask: Ask) -> None:
    """History keeps the facts for ever."""
    labels = {f"label{n}": "x" * 500 for n in range(40)}
    canned.will_say([(labels | {"n": str(n)}, "1") for n in range(45)])
    evidence, body = ask(series_max=40)
    assert len(evidence.model_dump_json()) < 32_000
    assert len(body.encode()) <= BODY_BYTES_MAX
    canned.will_say([({"n": str(n)}, "1") for n in range(45)])
    assert len(ask(series_max=3)[0].facts["series"]) == 3


def test_secrets_in_labels_are_blanked(canned: Canned, ask: Ask) -> None:
    """Somebody puts everything into a label."""
    canned.will_say([({"url": "https://ana:hunter2-secret@db/x"}, "1")])
    evidence, body = ask()
    assert "hunter2" not in evidence.model_dump_json() + body


def test_an_answer_that_is_too_large_is_given_up(canned: Canned, ask: Ask) -> None:
    """Before it fills the worker's memory."""
    canned.will_say(b"[" + b" " * (ANSWER_BYTES_MAX + 1))
    with pytest.raises(Rejected, match="larger than") as caught:
        ask()
    assert "Aggregate" in caught.value.fix


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_query_stops_with_the_server_s_sentence(
    canned: Canned, ask: Ask, status: int
) -> None:
    """Nothing else helps its author."""
    said = {"status": "error", "errorType": "bad_data", "error": "1:4: parse error"}
    canned.will_say(json.dumps(said).encode(), status=status)
    with pytest.raises(Rejected, match="1:4: parse error"):
        ask("up{")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_tried_again(canned: Canned, ask: Ask, status: int) -> None:
    """By Temporal, not here."""
    canned.will_say(b"busy", status=status)
    with pytest.raises(Unavailable, match=str(status)):
        ask()
    assert len(canned.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>sign in</html>"),
        (200, b"[]"),
        (200, b'{"status": "success"}'),
        (200, b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'),
        (200, b'{"status": "success", "data": {"resultType": "vector", "result": 7}}'),
        (200, b'{"status": "error", "data": {"resultType": "vector", "result": []}}'),
        (404, b"page not found"),
        (302, b""),
    ],
)
def test_what_is_no_answer_of_a_prometheus_stops(
    canned: Canned, ask: Ask, status: int, body: bytes
) -> None:
    """A sign-in page is not a value, and a redirect is not followed."""
    canned.headers = {"Location": canned.url} if status == 302 else {}
    canned.will_say(body, status=status)
    with pytest.raises(Rejected):
        ask()
    assert len(canned.asked) == 1


def test_odd_series_are_without_a_number(canned: Canned, ask: Ask) -> None:
    """A histogram has no value; a list of something else has no series."""
    result = [{"metric": {"a": "b"}, "histogram": [1, {}]}, "x", {"metric": 7, "value": [1]}]
    data = {"resultType": "vector", "result": result}
    canned.will_say(json.dumps({"status": "success", "data": data}).encode())
    facts = ask()[0].facts
    assert [one["value"] for one in facts["series"]] == [None, None]


def test_nobody_there_is_tried_again(http: httpx.Client) -> None:
    """Only the host shows: an address may hold a password."""
    prometheus = Prometheus({"lab": f"http://ana:pa55word@127.0.0.1:{free_port()}"}, http)
    with pytest.raises(Unavailable) as caught:
        look(prometheus)
    assert "pa55word" not in caught.value.message
