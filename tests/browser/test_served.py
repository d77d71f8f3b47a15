"""How the pages are served: under a strict policy, cached well, and the API's reader beside them."""

import urllib.request

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.e2e.outside import City


def test_the_page_runs_under_a_policy_without_anything_inline_or_foreign(shown_city: City) -> None:
    with urllib.request.urlopen(shown_city.ready.http + "/", timeout=10) as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = answer.read().decode()
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert "<style" not in page
    assert "style=" not in page


def test_the_api_is_readable_at_docs(visit: Visit) -> None:
    seen = visit()
    seen.page.goto(seen.watch.origin + "/docs")
    expect(seen.page.locator(".swagger-ui .opblock").first).to_be_visible()
