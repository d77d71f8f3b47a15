"""Papers: to the fen, in both languages, and nothing in them is run by whoever opens them."""

import csv
import io
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from billing.statement import Figures, Item, Language, OwnerStatement, Place, Share, Statement, yuan
from billing.statement_csv import cell, owner_statement_csv, statement_csv
from billing.statement_page import owner_statement_page, statement_page
from billing.statement_words import WORDS

AT = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
EVIL = '=HYPERLINK("http://x","<script>alert(1)</script>")'
FIGURES = Figures(payments=1, gross=1_000, refunded=333, platform=33, fees=6)


def statement(vehicle: str = "辽A12345", car_park: str = "sy-1") -> Statement:
    item = Item(
        charge="chg_1",
        kind="parking",
        car_park=car_park,
        vehicle=vehicle,
        begins=AT,
        ends=AT,
        channel="wechat",
        figures=FIGURES,
    )
    return Statement(
        settlement="stl_1",
        operator="mira",
        operator_name="米拉 <Mira>",
        day="2026-11-23",
        state="reconciled",
        zone="Asia/Shanghai",
        made_at=AT,
        paid=None,
        places=[Place(car_park, "wechat", FIGURES), Place(car_park, "alipay", Figures(payments=2, gross=5))],
        items=[item],
    )


def rows(paper: bytes) -> list[list[str]]:
    assert paper.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(paper.decode("utf-8-sig"))))


@pytest.mark.parametrize(("fen", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (1230, "12.30"), (-100, "-1.00")])
def test_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text


def test_a_row_a_charge_and_the_total() -> None:
    titles, item, total = rows(statement_csv(statement(), Language.EN))
    assert dict(zip(titles, item, strict=True)) == {
        "Charge": "chg_1",
        "Kind": "parking",
        "Car park": "sy-1",
        "Plate or ticket": "辽A12345",
        "From": "2026-11-23 09:02:03",
        "Until": "2026-11-23 09:02:03",
        "Channel": "wechat",
        "Gross": "10.00",
        "Refunded": "3.33",
        "Owners": "0.00",
        "Platform": "0.33",
        "Channel fees": "0.06",
        "Losses": "0.00",
        "Net to the operator": "6.28",
    }
    assert total[0] == "Total"
    assert total[-7:] == ["10.05", "3.33", "0.00", "0.33", "0.06", "0.00", "6.33"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "＝1", "|x", EVIL])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")
    _, item, _ = rows(statement_csv(statement(vehicle=text, car_park=text), Language.ZH))
    assert not any(one.startswith(("=", "+", "@", "\t", "\r")) for one in item)


@pytest.mark.parametrize("text", ["辽A12345", "sy-1", "#7", "T-0001", ""])
def test_what_is_no_formula_is_left_alone(text: str) -> None:
    assert cell(text) == text


class Tags(HTMLParser):
    """Which tags a page has, and what it says."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.said: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.mark.parametrize("language", Language)
def test_the_page_says_what_is_written_and_runs_nothing(language: Language) -> None:
    page = Tags(statement_page(statement(vehicle=EVIL, car_park=EVIL), language))
    assert "script" not in page.tags
    assert page.said.count(EVIL) == 4  # two places, and the item's car park and vehicle
    assert "米拉 <Mira> (mira)" in page.said
    assert WORDS[language]["net"] in page.said
    assert page.said.count("6.33") == 2


def test_both_languages_have_the_same_words() -> None:
    zh, en = WORDS[Language.ZH], WORDS[Language.EN]
    assert zh.keys() == en.keys()
    assert all(zh.values())
    assert all(en.values())


@pytest.mark.parametrize("language", Language)
def test_an_owner_sees_what_is_theirs_and_when(language: Language) -> None:
    def share(charge: str, owner: int, standing: str) -> Share:
        return Share(
            charge=charge,
            kind="reservation",
            car_park="sy-1",
            begins=AT,
            ends=AT,
            paid=1_000,
            refunded=0,
            owner=owner,
            standing=standing,
            available_at=AT,
        )

    shares = [share("chg_1", 700, "available"), share("chg_2", 650, "waiting"), share("chg_3", 1, "waiting")]
    made = OwnerStatement(month="2026-11", zone="Asia/Shanghai", made_at=AT, shares=shares)
    page = Tags(owner_statement_page(made, language))
    assert {"7.00", "6.51", "13.51"} <= set(page.said)
    assert [row[7] for row in rows(owner_statement_csv(made, language))[1:]] == ["7.00", "6.50", "0.01"]
