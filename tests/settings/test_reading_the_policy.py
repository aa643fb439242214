"""The policy file: what is read, and that nothing in it is silently not in force."""

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import InvalidInput
from contracts.policy import Policy
from settings import read_policy

ANA = '[[people]]\nid = "ana"\nname = "Ana"\n'
HASH = "a" * 64
SERVICE = "[[services]]\nname = 'x'\ntarget = "

Read = Callable[[str], Policy]


def test_an_empty_file_is_a_policy_that_allows_nothing(read: Read) -> None:
    """Defaults are the cautious ones: no namespace, nobody, nothing."""
    policy = read("")
    assert policy == Policy()
    assert policy.limits.namespaces == ()


def test_tables_become_values(read: Read) -> None:
    """People, a service with matchers and a target, a runbook's autonomy."""
    policy = read(
        ANA
        + """
        [[services]]
        name = "user-auth"
        matchers = ['service="user-auth"']
        target = { cluster = "default", namespace = "shop", kind = "Deployment", name = "u" }
        [runbooks.RestartCrashLoop]
        autonomy = "auto"
        """
    )
    assert policy.person("ana") is not None
    assert policy.services[0].matches({"service": "user-auth"})
    assert policy.services[0].target is not None
    assert policy.runbooks["RestartCrashLoop"].autonomy == "auto"


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """The path, the reason, and the example to copy."""
    with pytest.raises(InvalidInput, match=r"nowhere\.toml: cannot be read") as caught:
        read_policy(tmp_path / "nowhere.toml")
    assert "firebreak.example.toml" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limits", r"not TOML: Expected ']'"),
        ("[limits]\nnamespace = ['shop']", r"limits\.namespace: .*write namespaces"),
        ("[limit]\nattempts_max = 1", r"limit: .*write limits"),
        ("[slack]\nchannel = '#ops'", r"slack\.channel: write the channel's id, C… or G…, .*not"),
        ("[slack]\nteam = 'acme'", r"slack\.team: write the workspace's id, T…"),
        (
            "[[services]]\nname = 'x'\nmatchers = ['a=\"b\"']\nchannel = '#ops'",
            r"services\.x\.channel: write the channel's id",
        ),
        ("zzz = 1", r"zzz: there is no such key \(known: clusters, people"),
        (ANA + "role = ['admin']", r"people\.0\.role: .*write roles"),
        ("[runbooks.Restart]\nautonmy = 'auto'", r"runbooks\.Restart\.autonmy: .*write autonomy"),
        ("[runbooks.Restart]\nautonomy = 'always'", r"runbooks\.Restart\.autonomy: .*'observe'"),
        ("[limits]\nattempts_max = 0", r"limits\.attempts_max: .*greater"),
        ("[limits]\nnamespaces = 'shop'", r"limits\.namespaces: "),
        ("limits = 3", r"limits: "),
        ("[prometheus]\nother = 'http://x'", r"prometheus\.other: 'other' is not among clusters"),
        ("prometheus = { default = 'x:9090' }", r"prometheus\.default: begin the URL with https"),
        ("people = 3", r"people: "),
        ("[[people]]\nname = 'Ana'", r"people\.0\.id: Field required"),
        (ANA + ANA, "people: ana is defined twice"),
        (ANA + "token_sha256 = ['demo-ana']", r"people\.ana\.token_sha256: .*sha256sum"),
        (ANA + f"token_sha256 = ['{HASH.upper()}']", r"people\.ana\.token_sha256: .*sha256sum"),
        (ANA + "timezone = 'Berlin'", r"people\.ana\.timezone: 'Berlin' is no IANA"),
        ("[toil]\ntimezone = 'CEST'", r"toil\.timezone: 'CEST'"),
        ("[toil]\nmin_group = 2", r"toil\.min_group: "),
        ("[[services]]\nname = 'x'", r"services\.x: needs matchers or a target"),
        ("[[services]]\nname = 'x'\nmatchers = ['a=~\"(\"']", r"services\.0: .*regular expression"),
        (
            "[[services]]\nname = 'x'\nmatchers = ['a=\"b\"']\napprovers = ['ana']",
            r"services\.x\.approvers: there is no person 'ana'",
        ),
        (
            SERVICE + "{ cluster = 'eu', namespace = 'n', kind = 'Deployment', name = 'x' }",
            r"services\.x\.target\.cluster: 'eu' is not among clusters",
        ),
        (
            SERVICE + "{ cluster = 'default', ns = 'n', kind = 'Deployment', name = 'x' }",
            r"services\.0\.target\.ns: there is no such key",
        ),
        (
            "[[sources]]\nname = 'am'\nkind = 'alertmanager'\ncluster = 'eu'",
            r"sources\.am\.cluster: 'eu' is not among clusters",
        ),
        (
            "[[freezes]]\nname = 'f'\nbegins = 2026-12-20T00:00:00\nends = 2026-12-21T00:00:00Z",
            r"freezes\.f: a time needs a zone",
        ),
        (
            "[[freezes]]\nname = 'f'\nbegins = 2026-12-22T00:00:00Z\nends = 2026-12-21T00:00:00Z",
            r"freezes\.f: it ends before it begins",
        ),
        (
            ANA + f"token_sha256 = ['{HASH}']\n"
            f"[[sources]]\nname = 'am'\nkind = 'audit'\ntoken_sha256 = ['{HASH}']",
            r"people\.ana\.token_sha256: the same token stands twice",
        ),
    ],
)
def test_a_fault_is_refused_with_its_key(read: Read, text: str, words: str) -> None:
    """A rule that is not in force is worse than none; the text says file, key and remedy."""
    with pytest.raises(InvalidInput, match=words) as caught:
        read(text)
    assert "firebreak.toml: " in caught.value.message


def test_all_faults_are_told_at_once(read: Read) -> None:
    """Whoever repairs the file does not start five times."""
    with pytest.raises(InvalidInput) as caught:
        read("[limits]\nnamespace = []\nattempts_max = 0\n[toil]\nmin_grup = 3")
    assert all(key in caught.value.message for key in ("namespace", "attempts_max", "min_grup"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """UTF-16 from an editor, for instance."""
    path = tmp_path / "firebreak.toml"
    path.write_bytes("clusters = []".encode("utf-16"))
    with pytest.raises(InvalidInput, match="not TOML"):
        read_policy(path)
