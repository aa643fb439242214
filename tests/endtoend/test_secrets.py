"""A secret in an environment variable and in a log line is found nowhere we keep or show."""

import asyncio
import base64
import re
import sqlite3
from pathlib import Path

import httpx
import pytest

from endtoend.house import ANA_TOKEN, POLICY, House, temporal_of
from sandbox.scenario import (
    DATABASE_URL,
    break_shop,
    create_shop,
    wait_until_crashing,
    wait_until_healthy,
)
from sandbox.scenario_file import seed
from workflows.connection import connect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

SECRET = "hunter2-secret"
SERVICE = """
[[services]]
name = "user-auth"
matchers = ['deployment="user-auth"']
target = { cluster = "default", namespace = "shop", kind = "Deployment", name = "user-auth" }
"""


@pytest.fixture(scope="module", name="policy")
def _policy() -> str:
    return POLICY + SERVICE


async def histories(house: House) -> str:
    """Every history of the server as JSON, its payloads decoded."""
    client = await connect(temporal_of(house))
    text = ""
    async for run in client.list_workflows():
        history = client.get_workflow_handle(run.id, run_id=run.run_id)
        text += (await history.fetch_history()).to_json()
    found = re.findall(r'"data": "([^"]+)"', text)
    return text + "".join(base64.b64decode(data).decode(errors="replace") for data in found)


def books(folder: Path) -> str:
    """Every row of every table."""
    with sqlite3.connect(folder / "books.db") as database:
        tables = database.execute("select name from sqlite_master where type = 'table'")
        names = [name for (name,) in tables]
        rows = [database.execute(f'select * from "{name}"').fetchall() for name in names]  # noqa: S608 - names of the schema
    database.close()
    return repr(rows)


async def pages(house: House, incident: str, approval: str) -> str:
    """The pages that show the case, and the evidence behind them."""
    wanted = [f"/incidents/{incident}", f"/approvals/{approval}", "/incidents", "/approvals"]
    text = ""
    for accept in ("text/html", "application/json"):
        headers = {"Authorization": f"Bearer {ANA_TOKEN}", "Accept": accept}
        for path in wanted:
            answer = await house.http.get(path, headers=headers)
            assert answer.status_code == httpx.codes.OK
            text += answer.text
            links = set(re.findall(rf'href="(/incidents/{incident}/[^"]+)"', answer.text))
            for link in links:
                text += (await house.http.get(link, headers=headers)).text
    return text


async def test_a_planted_secret_is_kept_and_shown_nowhere(house: House) -> None:
    """The evidence is there; the password in it is not."""
    assert SECRET in DATABASE_URL
    assert SECRET in str(seed().bad)
    await asyncio.to_thread(create_shop, house.cluster)
    await asyncio.to_thread(wait_until_healthy, house.cluster)
    await asyncio.to_thread(break_shop, house.cluster)
    await asyncio.to_thread(wait_until_crashing, house.cluster)
    worker = house.worker()
    await house.alert("shop", name="user-auth")
    approval = await house.open_approval("shop")

    seen = {
        "history": await histories(house),
        "database": books(house.folder),
        "pages": await pages(house, approval["incident"], approval["id"]),
        "logs": "".join(log.read_text() for log in house.folder.glob("*.log")),
    }

    assert "MigrationMissing" in seen["database"]
    assert "MigrationMissing" in seen["pages"]
    assert [place for place, text in seen.items() if SECRET in text] == []
    house.end(worker)
