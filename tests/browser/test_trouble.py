"""What the page says when the server does not answer: never an old number as a new one, never an empty city."""

from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit


def test_without_the_stream_the_page_says_so_and_asks_by_itself(visit: Visit) -> None:
    seen = visit()
    seen.watch.forgiven.append("net::ERR_FAILED")
    seen.page.route("**/v1/live", lambda route: route.abort())
    page = seen.open("/")
    expect(page.locator(".feed")).to_have_text("定时刷新")
    expect(page.get_by_text("实时推送暂时中断")).to_be_visible()
    with page.expect_response("**/v1/car-parks?**") as answer:
        pass
    assert answer.value.ok
    page.unroute("**/v1/live")
    expect(page.locator(".feed")).to_have_text("实时")


def test_a_city_that_does_not_answer_is_an_error_and_not_an_empty_city(visit: Visit) -> None:
    seen = visit()
    seen.watch.forgiven.append("503")

    def away(route: Route) -> None:
        route.fulfill(status=503, body="{}")

    seen.page.route("**/v1/car-parks?**", away)
    page = seen.open("/")
    expect(page.get_by_role("alert")).to_contain_text("暂时读不到停车场数据")
    expect(page.locator('[data-figure="free"] b')).to_have_text("—")
    page.unroute("**/v1/car-parks?**")
    expect(page.locator(".row").first).to_be_visible()


def test_an_empty_registry_is_said_to_be_empty(visit: Visit) -> None:
    seen = visit()
    seen.page.route("**/v1/car-parks?**", lambda route: route.fulfill(json={"items": [], "next": None}))
    seen.page.route(
        "**/v1/live", lambda route: route.fulfill(content_type="text/event-stream", body="retry: 60000\n\n")
    )
    page = seen.open("/")
    expect(page.get_by_text("还没有登记停车场")).to_be_visible()
    expect(page.locator('[data-figure="free"] b')).to_have_text("—")


def test_without_districts_the_marks_are_still_drawn(visit: Visit) -> None:
    seen = visit()
    seen.watch.forgiven.append("404")
    seen.page.route("**/v1/districts", lambda route: route.fulfill(status=404, body="{}"))
    page = seen.open_map("/")
    expect(page.locator("[data-map]")).not_to_have_attribute("data-rendered", "0")
