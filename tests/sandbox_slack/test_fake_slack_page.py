"""The page in a real browser: it shows what Slack would, and what people do there is delivered."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from endtoend.programs import program
from playwright.async_api import Browser, Page, async_playwright, expect
from sandbox_slack.bolt_app import App, until
from sandbox_slack.calling import JSON, Caller, Clock, actions, button, words

from sandbox.slack import SlackServer

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, DESK = (390, 844), (1280, 900)
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="browser")
async def _browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; Playwright only drives it."""
    path = os.fspath(program("chromium"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session", name="page")
async def _page(browser: Browser, slack: SlackServer) -> AsyncIterator[Page]:
    """A fresh profile on a desk; an error in a script, or a refused resource, fails the test."""
    assert slack.url, "the page is closed before its server ends"
    size = {"width": DESK[0], "height": DESK[1]}
    context = await browser.new_context(viewport=size)  # type: ignore[arg-type]  # its TypedDict
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    yield page
    await context.close()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session", name="app")
async def _app(slack: SlackServer) -> AsyncIterator[App]:
    app = App(slack)
    async with app.on_a_socket():
        yield app


async def open_page(page: Page, slack: SlackServer, user: str = "U0ANA") -> None:
    """As one person, in #ops."""
    await page.goto(f"{slack.url}/?as={user}&in=C0OPS")
    await expect(page.locator("#title")).to_have_text("# ops")


def mrkdwn(text: str, **more: object) -> JSON:
    """A section of text that Slack parses."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text} | more}


async def test_a_message_is_shown_as_slack_shows_it(
    page: Page, slack: SlackServer, call: Caller, clock: Clock
) -> None:
    """Mentions have names, dates are in the reader's zone, formatting is where Slack puts it."""
    seconds = int(clock.now.timestamp()) + 1_800
    text = (
        f"*bold* _it_ ~no~ `a*b*c` <@U0BEN> <#C0OPS> <!subteam^S0ONCALL> snake_case_name 2*3*4 "
        "<https://example.com/x|the page> until "
        f"<!date^{seconds}^{{date_short_pretty}} at {{time}}|x>"
    )
    call.post("fallback", blocks=[{"type": "header", "text": words("Approve?")}, mrkdwn(text)])
    await open_page(page, slack)
    said = page.locator(".said")
    await expect(said.locator("h3")).to_have_text("Approve?")
    shown = "bold it no a*b*c @ben #ops @oncall snake_case_name 2*3*4 the page until today at 13:30"
    await expect(said.locator(".text")).to_have_text(shown)
    for tag, inside in (("strong", "bold"), ("em", "it"), ("s", "no"), ("code", "a*b*c")):
        assert await said.locator(f".text {tag}").all_inner_texts() == [inside]
    link = said.get_by_role("link", name="the page")
    assert await link.get_attribute("rel") == "noopener noreferrer"
    await expect(page.get_by_text("fallback")).to_have_count(0)


async def test_what_others_wrote_never_becomes_a_program(
    page: Page, slack: SlackServer, call: Caller
) -> None:
    """Not in text, in blocks, in names, nor behind a link; Slack's own escapes are undone."""
    escaped = EVIL.replace("<", "&lt;").replace(">", "&gt;")
    rich = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": EVIL}]}
    call.post(
        "x",
        blocks=[
            mrkdwn(escaped),
            mrkdwn(EVIL),
            {"type": "section", "text": words(f"plain {EVIL} *not bold* <@U0BEN>")},
            {"type": "rich_text", "elements": [rich]},
            mrkdwn("<javascript:document.title='owned'|click me>"),
            actions(button(text=words("<b>Go</b>"))),
        ],
    )
    slack.say("U0BEN", "C0OPS", EVIL)
    await open_page(page, slack)
    await expect(page.locator("pre")).to_have_text(EVIL)
    await expect(page.locator(".said .text").first).to_have_text(EVIL)
    await expect(page.get_by_text("*not bold* <@U0BEN>")).to_be_visible()
    await expect(page.get_by_role("button", name="<b>Go</b>")).to_be_visible()
    assert await page.locator(".said img, .said script, .said b, .said a").count() == 0
    assert "owned" not in await page.title()


async def test_a_click_in_the_browser_is_a_click_of_that_person(
    page: Page, app: App, call: Caller
) -> None:
    """After the question; and what the app changes shows up by itself."""
    asked = {"title": words("Sure?"), "text": words("Roll back"), "confirm": words("Yes, do")}
    call.post(blocks=[actions(button(value="apr-1", confirm=asked | {"deny": words("No")}))])
    await open_page(page, app.slack, "U0BEN")
    await page.get_by_role("button", name="Go", exact=True).click()
    await page.locator("#confirm").get_by_role("button", name="No").click()
    await page.get_by_role("button", name="Go", exact=True).click()
    await page.get_by_role("button", name="Yes, do").click()
    await until(lambda: len(app.heard) == 1)
    body = app.heard[0][1]
    assert (body["user"]["id"], body["actions"][0]["value"]) == ("U0BEN", "apr-1")
    change = {"channel": "C0OPS", "ts": body["message"]["ts"], "text": "Approved by Ben"}
    assert call.error("chat.update", **change) == ""
    await expect(page.get_by_text("Approved by Ben")).to_be_visible()
    await expect(page.get_by_role("button", name="Go", exact=True)).to_have_count(0)


async def test_a_click_that_nobody_takes_shows_a_warning(
    page: Page, slack: SlackServer, call: Caller
) -> None:
    """And the button stays."""
    call.post(blocks=[actions(button())])
    await open_page(page, slack)
    await page.get_by_role("button", name="Go").click()
    await expect(page.get_by_role("alert")).to_contain_text("did not work")
    await expect(page.locator("button.failed")).to_have_text("Go")


async def test_a_modal_is_filled_in_refused_and_sent(page: Page, app: App, call: Caller) -> None:
    """What was typed survives the refusal; the words of it stand beside the input."""
    call.post(blocks=[actions(button("open"))])
    await open_page(page, app.slack)
    await page.get_by_role("button", name="Go").click()
    modal = page.locator("#modal")
    await expect(modal.get_by_role("heading")).to_have_text("Deny")
    await modal.get_by_role("button", name="Send").click()
    await expect(page.locator("#toast")).to_contain_text("must be filled in")
    await modal.get_by_label("Why").fill("short")
    await modal.get_by_role("button", name="Send").click()
    await expect(modal.get_by_role("alert")).to_have_text("say more")
    assert await modal.get_by_label("Why").input_value() == "short"
    await modal.get_by_label("Why").fill("because of the freeze")
    await modal.get_by_role("button", name="Send").click()
    await expect(modal).to_be_hidden()
    assert app.slack.views_of("U0ANA") == []


async def test_threads_menus_and_ephemerals(page: Page, app: App, call: Caller) -> None:
    """An answer is in the thread pane; what is for Ben alone is shown to nobody else."""
    overflow = {
        "type": "overflow",
        "action_id": "pick",
        "options": [{"text": words("Take over"), "value": "take_over|inc-1"}],
    }
    root = call.post("root", blocks=[mrkdwn("root"), actions(overflow)])
    call.post("in the thread", thread_ts=root)
    call("chat.postEphemeral", channel="C0OPS", user="U0BEN", text="for Ben")
    await open_page(page, app.slack)
    await page.locator(".actions summary").click()
    await page.get_by_role("menuitem", name="Take over").click()
    await until(lambda: len(app.heard) == 1)
    await page.get_by_role("button", name="1 reply").click()
    thread = page.locator("#thread")
    await expect(thread.get_by_text("in the thread")).to_be_visible()
    await thread.get_by_label("Reply").fill("on it")
    await thread.get_by_label("Reply").press("Enter")
    await expect(thread.get_by_text("on it")).to_be_visible()
    assert app.slack.messages("C0OPS")[-1]["thread_ts"] == root
    await expect(page.get_by_text("for Ben")).to_have_count(0)
    await page.get_by_label("You are").select_option("U0BEN")
    await expect(page.get_by_text("for Ben")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_be_visible()


async def test_a_command_and_a_shortcut_reach_the_app(page: Page, app: App, call: Caller) -> None:
    """A command that the app has not is told, and kept to be mended."""
    call.post("I restarted web")
    await open_page(page, app.slack)
    text = page.get_by_label("Message or /command")
    await text.fill("/tool 5m x")
    await text.press("Enter")
    await expect(page.locator("#toast")).to_contain_text("/tool is not a valid command")
    await text.fill("/toil 25m restarted web @ben")
    await text.press("Enter")
    await expect(page.get_by_text("logged 25m restarted web @ben")).to_be_visible()
    await page.locator(".message").first.hover()
    await page.get_by_label("Message menu").click()
    await page.get_by_role("menuitem", name="Log as toil").click()
    await until(lambda: len(app.heard) == 2)
    assert app.heard[1][1]["message"]["text"] == "I restarted web"


async def test_what_answers_me_is_scrolled_to_and_what_others_say_is_not(
    page: Page, slack: SlackServer, call: Caller
) -> None:
    """A newcomer who reads further up would otherwise see nothing happen."""
    for number in range(40):
        slack.say("U0BEN", "C0OPS", f"line {number}")
    await open_page(page, slack)
    await expect(page.get_by_text("line 39")).to_be_in_viewport()
    await page.locator("#messages").evaluate("list => { list.scrollTop = 0; }")
    slack.say("U0BEN", "C0OPS", "and one more")
    await expect(page.get_by_text("and one more")).to_be_attached()
    await expect(page.get_by_text("line 0", exact=True)).to_be_in_viewport()
    call("chat.postEphemeral", channel="C0OPS", user="U0ANA", text="nothing waits")
    await expect(page.get_by_text("nothing waits")).to_be_in_viewport()


async def test_the_buttons_of_a_question_are_one_row_in_a_thread(
    page: Page, slack: SlackServer, call: Caller
) -> None:
    """At a desk: Approve, Deny, Details and the menu."""
    menu = {
        "type": "overflow",
        "action_id": "more",
        "options": [{"text": words("Take over"), "value": "x|inc-1"}],
    }
    named = [button(word, text=words(word)) for word in ("Approve", "Deny…", "Details")]
    root = call.post("root")
    call.post(blocks=[actions(*named, menu)], thread_ts=root)
    await open_page(page, slack)
    await page.get_by_role("button", name="1 reply").click()
    row = page.locator("#thread .block.actions")
    await expect(row).to_be_visible()
    tops = "row => [...row.children].map((one) => Math.round(one.getBoundingClientRect().top))"
    assert max(found := await row.evaluate(tops)) - min(found) < 10


async def test_home_and_direct_messages_are_beside_each_other(
    page: Page, app: App, call: Caller
) -> None:
    """Opening Home asks the app for it; a new message shows as a dot meanwhile."""
    await open_page(page, app.slack)
    call("chat.postMessage", channel="U0ANA", text="you are asked")
    await expect(page.get_by_label("new messages")).to_be_visible()
    await page.get_by_role("button", name="firebreak").click()
    await until(lambda: app.slack.home_of("U0ANA") is not None)
    home = {"type": "home", "blocks": [mrkdwn("*My week*")]}
    call("views.publish", user_id="U0ANA", view=home)
    await expect(page.get_by_text("My week")).to_be_visible()
    await page.get_by_role("button", name="Messages").click()
    await expect(page.get_by_text("you are asked")).to_be_visible()
    await expect(page.get_by_label("new messages")).to_have_count(0)


@pytest.mark.parametrize("size", [PHONE, DESK])
async def test_it_fits_a_phone_and_a_desk(
    page: Page, slack: SlackServer, call: Caller, size: tuple[int, int]
) -> None:
    """Nothing scrolls sideways, not even with a word that never ends; a thread can be closed."""
    root = call.post(blocks=[mrkdwn("x" * 500), actions(*(button(f"a{n}") for n in range(9)))])
    call.post("`" + "y" * 500 + "`", thread_ts=root)
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await open_page(page, slack)
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.locator("#thread code")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == size[0]
    await page.locator("#thread").get_by_role("button", name="Close").click()
    await expect(page.locator("#thread")).to_be_hidden()


async def test_a_permalink_leads_to_its_message(page: Page, call: Caller) -> None:
    """Also to one in a thread."""
    root = call.post("root")
    answer = call.post("the answer", thread_ts=root)
    asked = {"channel": "C0OPS", "message_ts": answer}
    await page.goto(call.raw("chat.getPermalink", data=asked).json()["permalink"])
    await expect(page.locator("#thread .asked")).to_contain_text("the answer")


async def test_only_this_page_may_act(slack: SlackServer, call: Caller) -> None:
    """Not a form of a foreign page, not a foreign name for this address, not an unknown act."""
    url = f"{slack.url}/page/act"
    say = {"act": "say", "user": "U0ANA", "channel_id": "C0OPS", "text": "hi"}

    def status(**request: object) -> int:
        return call.http.post(url, **request).status_code  # type: ignore[arg-type]  # httpx's own

    assert status(data=say) == 415
    assert status(content="{", headers={"Content-Type": "application/json"}) == 400
    assert status(json=say, headers={"Host": "evil.example:80"}) == 403
    assert status(json=say | {"act": "delete"}) == 400
    assert status(json=say | {"more": 1}) == 400
    assert slack.messages("C0OPS") == []
    assert status(json=say) == 200
    foreign = call.http.get(f"{slack.url}/page/state", headers={"Host": "evil.example"})
    assert foreign.status_code == 403
    assert call.http.get(f"{slack.url}/static/..%2fserver.py").status_code == 404
    assert "default-src 'none'" in call.http.get(slack.url).headers["content-security-policy"]


async def test_the_page_says_when_the_server_is_away(browser: Browser, slack: SlackServer) -> None:
    """And goes on by itself when it is back."""
    page = await browser.new_page()
    await open_page(page, slack)
    await asyncio.to_thread(slack.go_away)
    await expect(page.get_by_text("The server is away")).to_be_visible()
    await asyncio.to_thread(slack.come_back)
    slack.say("U0BEN", "C0OPS", "back again")
    await expect(page.get_by_text("back again")).to_be_visible()
    await expect(page.get_by_text("The server is away")).to_be_hidden()
    await page.close()
