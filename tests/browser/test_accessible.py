"""WCAG 2.2 AA by axe in both languages and both themes, and what axe cannot see: the keyboard."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.looking import DESKTOP, PHONE, WALL

AXE: Final = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe objects to, one line each with the first element it means."""
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("rules => axe.run({runOnly: rules}).then(r => r.violations)", RULES)
    return [f"{one['id']}: {one['help']} at {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(visit: Visit, lang: str, dark: bool) -> None:
    seen = visit(DESKTOP, dark=dark)
    page = seen.open_map(f"/?lang={lang}")
    assert violations(page) == []
    page.locator(".row").first.click()
    expect(page.locator(".panel .facts").last).to_be_visible()
    expect(page.locator(".panel .waiting")).to_have_count(0)
    assert violations(page) == []


@pytest.mark.parametrize("address", ["/", "/?lang=en&q=nothing-like-this"])
def test_axe_finds_nothing_on_a_phone(visit: Visit, address: str) -> None:
    page = visit(PHONE).open(address)
    assert violations(page) == []
    page.locator(".toggle").click()
    expect(page.locator("[data-map]")).to_have_attribute("data-ready", "true")
    assert violations(page) == []


def test_axe_finds_nothing_on_the_wall(visit: Visit) -> None:
    assert violations(visit(WALL).open_map("/?kiosk=1")) == []


def test_everything_is_reached_by_keyboard(visit: Visit) -> None:
    page = visit().open("/")
    expect(page.get_by_text("地图范围内")).to_be_visible()  # from now on the list holds what the map shows
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到停车场列表")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#list")).to_be_focused()
    page.keyboard.press("Tab")
    focused = page.locator(".row:focus")
    expect(focused).to_have_count(1)
    row = page.locator(
        f'.row[data-id="{focused.get_attribute("data-id")}"]'
    )  # the list goes on moving, the focus stays
    assert row.evaluate("row => getComputedStyle(row).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".panel h2")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.get_by_role("button", name="关闭详情").press("Enter")
    expect(row).to_be_focused()


def test_the_focus_goes_to_the_list_when_the_row_is_not_there_any_more(visit: Visit) -> None:
    page = visit().open("/")
    page.locator(".row").first.press("Enter")
    expect(page.locator(".panel h2")).to_be_focused()
    page.get_by_role("searchbox").fill("没有这样的停车场")
    expect(page.locator(".row")).to_have_count(0)
    page.get_by_role("button", name="关闭详情").press("Enter")
    expect(page.locator("#list")).to_be_focused()


def test_a_screen_reader_is_told_the_result_of_a_search(visit: Visit) -> None:
    page = visit().open("/")
    page.get_by_role("searchbox").fill("没有这样的停车场")
    expect(page.locator('[aria-live="polite"]')).to_have_text("0 个停车场")
