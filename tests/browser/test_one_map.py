"""The one-map page as people use it: what is drawn, found, chosen, linked to and told."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.conftest import CAR_PARKS, Visit
from tests.browser.devices import OwnCarPark
from tests.browser.looking import PHONE, WALL
from tests.e2e.outside import City

WHOLE_CITY = "/?at=42.1,123.1,7.7"


def count_of(page: Page) -> int:
    """How many car parks the list says it has."""
    return int(page.locator("#list").get_attribute("data-count") or "0")


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_every_car_park_and_district_is_drawn(visit: Visit) -> None:
    page = visit().open_map(WHOLE_CITY)
    drawn = page.locator("[data-map]")
    expect(drawn).to_have_attribute("data-rendered-districts", "13")
    expect(page.locator("#list")).to_have_attribute("data-count", re.compile(r"\d\d"))
    expect(drawn).to_have_attribute("data-rendered", str(count_of(page)))
    assert count_of(page) >= CAR_PARKS


def test_the_list_shows_what_the_map_shows(visit: Visit) -> None:
    page = visit().open_map("/?at=41.8,123.43,7.7")
    everything = count_of(page)
    for _ in range(4):
        page.get_by_role("button", name="放大").click()
    expect(page.locator("#list")).not_to_have_attribute("data-count", str(everything))
    assert 0 < count_of(page) < everything
    assert float(query(page)["at"][0].split(",")[2]) > 10
    page.get_by_role("button", name="显示全部").click()
    expect(page.locator("#list")).to_have_attribute("data-count", str(everything))


def test_numbers_and_names_are_drawn_on_the_map(visit: Visit) -> None:
    page = visit().open_map("/?at=41.79,123.42,13.5")
    expect(page.locator("[data-map]")).to_have_attribute("data-labels", re.compile(r"[1-9]"))


def test_search_finds_by_name_in_both_languages_and_by_id(visit: Visit, shown_city: City) -> None:
    card = shown_city.get("/v1/car-parks?limit=1")["items"][0]
    page = visit().open("/")
    for sought in (card["name"]["zh"], card["name"]["en"].upper(), card["id"]):
        page.get_by_role("searchbox").fill(sought)
        expect(page.locator(f'.row[data-id="{card["id"]}"]')).to_be_visible()
        assert query(page)["q"] == [sought]
    page.get_by_role("searchbox").fill("没有这样的停车场")
    expect(page.get_by_text("没有符合条件的停车场")).to_be_visible()
    page.locator(".nothing").get_by_role("button", name="清除筛选").click()
    expect(page.locator(".row").first).to_be_visible()


def test_a_name_is_looked_for_in_the_whole_city_wherever_the_map_is(visit: Visit, shown_city: City) -> None:
    card = shown_city.get("/v1/car-parks?limit=1")["items"][0]
    page = visit().open_map("/?at=30.0,110.0,12")
    expect(page.locator(".row")).to_have_count(0)
    page.get_by_role("searchbox").fill(card["name"]["zh"])
    expect(page.locator(f'.row[data-id="{card["id"]}"]')).to_be_visible()


def test_filters_live_in_the_link_and_survive_a_reload_and_going_back(visit: Visit) -> None:
    page = visit().open("/")
    everything = count_of(page)
    page.get_by_label("行政区").select_option("heping")
    expect(page.locator("#list")).not_to_have_attribute("data-count", str(everything))
    page.get_by_label("类型").select_option("office")
    page.get_by_label("至少空余").select_option("10")
    page.get_by_label("隐藏未知").check()
    assert {key: query(page)[key] for key in ("district", "kind", "min_free", "known")} == {
        "district": ["heping"], "kind": ["office"], "min_free": ["10"], "known": ["1"],
    }  # fmt: skip
    page.reload()
    expect(page.get_by_label("行政区")).to_have_value("heping")
    expect(page.get_by_label("类型")).to_have_value("office")
    expect(page.get_by_label("至少空余")).to_have_value("10")
    expect(page.get_by_label("隐藏未知")).to_be_checked()
    for where in page.locator(".row .where").all_inner_texts():
        assert where == "和平区"
    page.go_back()
    expect(page.get_by_label("隐藏未知")).not_to_be_checked()
    expect(page.get_by_label("至少空余")).to_have_value("10")


def test_a_row_and_its_mark_light_up_together_and_open_the_same_panel(visit: Visit) -> None:
    page = visit().open_map("/")
    row = page.locator(".row").first
    name = row.locator(".name").inner_text()
    row.hover()
    expect(row).to_have_attribute("data-lit", "true")
    row.click()
    expect(row).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("heading", level=2, name=name)).to_be_focused()
    assert query(page)["park"] == [row.get_attribute("data-id")]
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    expect(row).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", level=2, name=name)).to_be_visible()


def is_always_open(card: Any) -> bool:
    """Others are closed at night, and tell no number then."""
    return card["opening_hours"] in {None, "24/7"}


def test_the_panel_tells_all_about_a_car_park(visit: Visit, shown_city: City) -> None:
    cards = shown_city.get("/v1/car-parks?limit=1000")["items"]
    card = next(card for card in cards if card["measured_by"] == "spaces" and is_always_open(card))
    page = visit().open(f"/?park={card['id']}")
    panel = page.locator(".panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text(card["name"]["zh"])
    expect(panel.locator(".other-name")).to_have_text(card["name"]["en"])
    expect(panel.locator("[data-free]")).to_have_text(re.compile(r"^[\d,]+$"))
    expect(panel.get_by_text("车位检测器")).to_be_visible()
    expect(panel.get_by_text(re.compile("秒前|分钟前|刚刚")).first).to_be_visible()
    expect(panel.locator(".chart canvas")).to_be_visible()
    expect(panel.locator(".chart")).to_have_attribute("data-points", re.compile(r"[1-9]"))
    expect(panel.locator(".zones li").first).to_be_visible()
    expect(panel.get_by_text(card["id"], exact=True)).to_be_visible()


RATED = """async (path) => {
    while (typeof (await (await fetch(path)).json()).quality !== "number") {
        await new Promise((later) => setTimeout(later, 1000));
    }
}"""
"""Scores are given once a minute, and read by the API twice."""


def test_the_panel_says_how_good_the_data_is_and_why(visit: Visit, shown_city: City) -> None:
    seen = visit()
    page = seen.open("/")
    expect(page.locator(".row .free b").first).to_have_text(re.compile(r"\d"))  # who is simulated has been settled
    OwnCarPark(shown_city, "browser-drifted", zh="漂移停车场", en="Drifted car park", capacity=10).overcount(by=3)
    page.evaluate(RATED, "/v1/car-parks/browser-drifted")
    seen.open("/?park=browser-drifted")
    quality = page.locator(".panel .quality")
    expect(quality).to_have_attribute("data-quality", "85")
    expect(quality.get_by_role("heading")).to_have_text("数据质量 85 分（满分 100）")
    expect(quality.locator('[data-code="overfull"]')).to_have_text("100% 的时间计数超过总车位−15")
    page.get_by_role("button", name="English").click()
    expect(quality.get_by_role("heading")).to_have_text("Data quality 85 of 100")
    expect(quality.locator("li")).to_have_text("More cars than spaces counted for 100 % of the time−15")


def test_a_link_to_no_car_park_says_so(visit: Visit) -> None:
    page = visit().open("/?park=nowhere-001")
    expect(page.get_by_role("heading", name="没有找到这个停车场")).to_be_visible()


def test_a_message_of_a_device_reaches_the_page(visit: Visit, shown_city: City) -> None:
    page = visit().open("/?q=实时测试")
    own = OwnCarPark(shown_city, "browser-live", zh="实时测试停车场", en="Live test car park", capacity=100)
    row = page.locator('.row[data-id="browser-live"]')
    own.report(free=42)
    expect(row.locator(".free b")).to_have_text("42")
    expect(row.locator(".state")).to_have_text("有空位")
    own.report(free=0)
    expect(row.locator(".free b")).to_have_text("0")
    expect(row.locator(".state")).to_have_text("已满")
    expect(row).to_have_attribute("data-state", "full")


def test_what_is_taken_out_of_the_city_leaves_the_map_the_list_and_the_panel(visit: Visit, shown_city: City) -> None:
    own = OwnCarPark(shown_city, "browser-gone", zh="拆除停车场", en="Gone car park", capacity=10)
    seen = visit()
    seen.watch.forgiven.append("404")  # what the panel was just asking for
    page = seen.open_map("/?q=拆除停车场&at=41.79,123.43,14")
    drawn = page.locator("[data-map]")
    expect(page.locator('.row[data-id="browser-gone"]')).to_be_visible()
    expect(drawn).to_have_attribute("data-rendered", "1")
    page.locator(".row").first.click()
    expect(page.locator(".panel").get_by_role("heading", level=2)).to_have_text("拆除停车场")
    own.remove()
    expect(page.get_by_role("heading", name="没有找到这个停车场")).to_be_visible()
    expect(page.locator(".row")).to_have_count(0)
    expect(drawn).to_have_attribute("data-rendered", "0")


def test_what_never_reported_is_no_number(visit: Visit, shown_city: City) -> None:
    OwnCarPark(shown_city, "browser-silent", zh="沉默停车场", en="Silent car park", capacity=77)
    page = visit().open("/?q=沉默停车场")
    row = page.locator('.row[data-id="browser-silent"]')
    expect(row.locator(".free b")).to_have_text("—")
    expect(row.locator(".state")).to_have_text("无数据")
    row.click()
    expect(page.locator(".panel [data-free]")).to_have_text("—")
    expect(page.get_by_text("这个停车场还没有上报过数据。")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("隐藏未知").check()
    expect(row).to_have_count(0)


def test_english_is_asked_for_once_and_remembered(visit: Visit) -> None:
    seen = visit()
    page = seen.open("/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Parking map Shenyang")
    assert query(page)["lang"] == ["en"]
    seen.open("/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("searchbox")).to_have_attribute("placeholder", "Name or id")


def test_light_and_dark_follow_the_system_until_chosen(visit: Visit) -> None:
    seen = visit(dark=True)
    page = seen.open("/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="外观").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert query(page)["theme"] == ["light"]
    seen.open("/")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_the_age_of_the_data_counts_on(visit: Visit, shown_city: City) -> None:
    own = OwnCarPark(shown_city, "browser-ages", zh="时龄停车场", en="Ageing car park", capacity=10)
    own.report(free=5)
    page = visit().open("/?q=时龄停车场")
    expect(page.locator(".row .age")).to_have_text(re.compile("^[3-9] 秒前$"))
    expect(page.locator(".newest")).to_have_text(re.compile("最新数据"))


def test_on_a_phone_the_list_comes_first_and_the_map_on_request(visit: Visit) -> None:
    page = visit(PHONE).open("/")
    expect(page.locator("[data-map]")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.get_by_role("button", name="地图", exact=True).click()
    expect(page.locator("[data-map]")).to_have_attribute("data-rendered", re.compile(r"[1-9]"))
    page.get_by_role("button", name="列表", exact=True).click()
    page.locator(".row").first.click()
    expect(page.locator(".panel .chart canvas, .panel .day .quiet").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_the_wall_is_dark_without_controls_and_goes_round(visit: Visit) -> None:
    page = visit(WALL).open_map("/?kiosk=1")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("button, select, input, a")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("停车一张图 沈阳")
    page.wait_for_function("""() => {
        const form = {timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit"};
        const told = new Date().toLocaleTimeString("zh-CN", form);
        return document.querySelector(".wall-clock b").textContent.startsWith(told);
    }""")
    expect(page.locator(".wall-districts li")).not_to_have_count(0)
    expect(page.locator(".wall-top li")).to_have_count(10)
    expect(page.locator('.wall-districts li[data-lit="true"]')).to_have_count(1)


def test_the_figures_of_the_city_are_those_of_its_car_parks(visit: Visit, shown_city: City) -> None:
    page = visit().open("/")
    total = len(shown_city.get("/v1/car-parks?limit=1000")["items"])
    expect(page.locator('[data-figure="live"]')).to_contain_text(str(total))
    expect(page.locator('[data-figure="free"] b')).to_have_text(re.compile(r"^[\d,]+$"))
    expect(page.locator('[data-figure="index"] b')).to_have_text(re.compile(r"^\d+%$"))
