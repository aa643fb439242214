"""What leaves a text before it is kept, what stays readable, and that hostile text is cheap."""

import logging
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.redact import BLANK, TEXT_CHARS_MAX, RedactingFilter, env_values, redact

SECRET = "h7Gk29xQpLm41ZtY"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END RSA PRIVATE KEY-----"

PLANTED = [
    f"password={SECRET}",
    f"DB_PASSWORD={SECRET}",
    f"db.password: {SECRET}",
    f"PGPASSWORD='{SECRET}'",
    f"pwd={SECRET};Server=db",
    f'{{"password": "{SECRET}"}}',
    f'{{"apiKey":"{SECRET} with a space"}}',
    f'{{\\"client_secret\\": \\"{SECRET}\\"}}',
    f"secret => {SECRET}",
    f"<password>{SECRET}</password>",
    f"password=ab\\{SECRET}",
    f'password="ab\\"{SECRET}"',
    f"X-Api-Key: {SECRET}",
    f"aws_secret_access_key = {SECRET}",
    f"AccountKey={SECRET}==;EndpointSuffix=x",
    f"https://x.blob/y?sig=1&access_token={SECRET}&z=2",
    f"mysqld --user=app --password {SECRET}",
    f"redis-cli --auth-token={SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"authorization: Basic {SECRET}=",
    f"'Authorization': '{SECRET}'",
    f"sent bearer {SECRET}",
    f"Cookie: session={SECRET}; other={SECRET}",
    f"postgresql://app:{SECRET}@db:5432/shop",
    f"amqp://app:p@{SECRET}@queue",
    f"redis://:{SECRET}@cache",
    f"https://hooks.slack.com/services/T0/B0/{SECRET}",
    JWT,
    f"jwt={JWT}",
    PEM,
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-123456789012-abcdefghijkl",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_abcdefghijklmnopqrstuvwxyz",
    "glpat-abcdefghijklmnopqrst",
    "sk_live_abcdefghijkl",
]


@pytest.mark.parametrize("text", PLANTED)
def test_a_planted_secret_is_blanked(text: str) -> None:
    """Every shape in which secrets come, alone and in the middle of a log line."""
    core = next(s for s in (SECRET, JWT, text) if s in text)
    line = f"2026-11-20 ERROR connect failed: {text}\nretrying"
    assert core not in redact(text)
    assert core not in redact(line)
    assert BLANK in redact(line)
    assert redact(line).startswith("2026-11-20 ERROR connect failed: ")


@pytest.mark.parametrize(
    "text",
    [
        "Back-off restarting failed container app in pod user-auth-7d4",
        "GET /login 500 in 12 ms",
        "http://payments:8080/health answered 503",
        "secret not found",
        'MountVolume.SetUp failed for volume "db" : secret "db" not found',
        "user ana@example.com signed in",
        "image registry.example/shop/user-auth:1.4.2@sha256:0123abcd",
        "author: Ana",
        "password required",
    ],
)
def test_ordinary_log_lines_stay_as_they_are(text: str) -> None:
    """Evidence that is blanked beyond recognition helps nobody."""
    assert redact(text) == text


def test_what_precedes_a_secret_stays_readable() -> None:
    """A reader sees what kind of secret was there, and where it was used."""
    assert redact(f"postgresql://app:{SECRET}@db/shop") == f"postgresql://app:{BLANK}@db/shop"
    assert redact(f"password={SECRET} host=db") == f"password={BLANK} host=db"


def test_given_values_are_blanked_the_longest_first() -> None:
    """A value that contains another leaves no tail of itself behind."""
    assert redact("using swordfish-9 now", {"sword", "swordfish-9"}) == f"using {BLANK} now"


@pytest.mark.parametrize("text", PLANTED)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """Text may pass several nets."""
    assert redact(redact(text)) == redact(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text("abcXYZ789", min_size=12, max_size=40), st.text(max_size=60))
def test_a_named_value_never_survives_its_surroundings(before: str, value: str, after: str) -> None:
    """Whatever stands around them, exact values are gone."""
    assert value not in redact(f"{before}{value}{after}", {value})


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * TEXT_CHARS_MAX,
        "password" * 30_000,
        "eyJ" * 80_000,
        "-----BEGIN A-----" * 15_000,
        "https://" * 30_000,
        "token:" * 40_000,
        'password="\\' * 20_000,
        "--" * 120_000,
        'password="' + "\\" * 200_000,
        "a://b:" + "c" * 200_000,
        "authorization: " * 17_000,
        "bearer " * 37_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_costs_little(hostile: str) -> None:
    """The largest text of the worst shape is done in seconds, far from a worker's timeout."""
    begun = time.perf_counter()
    redact(hostile)
    assert time.perf_counter() - begun < 5


def test_long_text_is_cut_between_words_and_says_so() -> None:
    """A token at the edge is dropped whole: half of it would match no shape."""
    tail = f"password={SECRET}"
    text = "x " * ((TEXT_CHARS_MAX - len(tail) + 6) // 2) + tail + " y" * 100
    cut = redact(text)
    assert SECRET[:6] not in cut
    assert cut.endswith(" characters cut]")
    assert len(cut) < TEXT_CHARS_MAX + 100


def template(**env: str) -> dict[str, Any]:
    """A pod template whose one container has these variables."""
    variables = [{"name": name, "value": value} for name, value in env.items()]
    return {"spec": {"containers": [{"name": "app", "env": variables}]}}


def test_values_of_secret_sounding_variables_count_even_when_short() -> None:
    """`DB_PASSWORD=hunter2` is a secret of 7 characters; `LOG_LEVEL=info` is a word."""
    found = env_values(template(DB_PASSWORD="hunter2", LOG_LEVEL="info", PORT="8080"))
    assert found == {"hunter2"}


def test_long_values_count_whatever_their_variable_is_called() -> None:
    """Nobody names variables after what an outsider should not see."""
    assert env_values(template(PEPPER="a-long-pepper")) == {"a-long-pepper"}


def test_each_line_of_a_value_counts() -> None:
    """Logs show a multi-line value line by line."""
    found = env_values(template(CONFIG="first-long-line\nsecond-long-line\nx"))
    assert found == {"first-long-line", "second-long-line"}


def test_references_and_odd_templates_give_nothing() -> None:
    """A reference holds no value, and a template may lack every part."""
    reference = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    assert env_values({"spec": {"containers": [{"env": [reference]}, {"env": None}]}}) == set()
    assert env_values({}) == env_values({"spec": None}) == set()


def test_init_containers_count_too() -> None:
    """A migration's password is printed by the init container's log."""
    container = {"env": [{"name": "TOKEN", "value": "abcd"}]}
    assert env_values({"spec": {"initContainers": [container], "containers": []}}) == {"abcd"}


def test_a_log_record_is_redacted_everywhere() -> None:
    """The message, its arguments, the keys and the traceback hold no secret any more."""
    record = logging.makeLogRecord(
        {"msg": "failed: %s", "args": (f"token={SECRET}",), "url": f"http://a:{SECRET}@b"}
    )
    err = ValueError(f"password={SECRET}")
    record.exc_info = (type(err), err, err.__traceback__)
    assert RedactingFilter().filter(record)
    text = logging.Formatter("%(message)s %(url)s").format(record)
    assert SECRET not in text
    assert "ValueError" in text
