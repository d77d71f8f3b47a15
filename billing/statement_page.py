"""Statements as a page to print, or to make a PDF of. Pure: whole HTML, no script, nothing from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from billing.statement import AMOUNTS, Figures, Language, OwnerStatement, Statement, yuan
from billing.statement_csv import local
from billing.statement_words import said

STYLE: Final = """
body { font: 10pt/1.4 "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  margin: 12mm auto; max-width: 277mm; color: #111; }
h1 { font-size: 16pt; margin: 0 0 4mm; } h2 { font-size: 12pt; margin: 6mm 0 2mm; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 0; }
dt { color: #555; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; }
th, td { border-bottom: .3pt solid #999; padding: 1mm 2mm; text-align: left; vertical-align: top; }
th { border-bottom: 1pt solid #111; font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tfoot td { border-top: 1pt solid #111; font-weight: 600; } tr { break-inside: avoid; }
code { font-size: 8pt; overflow-wrap: anywhere; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { margin: 0; max-width: none; } }
"""
LANG: Final = {Language.ZH: "zh-CN", Language.EN: "en"}
_COUNTS: Final = ("payments", "refunds")
_ITEM: Final = ("charge", "kind", "car_park", "vehicle", "begins", "ends", "channel")
_SHARE: Final = ("charge", "kind", "car_park", "begins", "ends")
_SHARE_AMOUNTS: Final = ("gross", "refunded", "owner")


def statement_page(statement: Statement, language: Language) -> bytes:
    """Who, which day, what it comes to by car park and channel, and every charge."""
    zone = ZoneInfo(statement.zone)
    facts = {
        "operator": f"{statement.operator_name} ({statement.operator})",
        "settlement": statement.settlement,
        "day": statement.day,
        "state": said(language, statement.state),
        "paid": "" if statement.paid is None else yuan(statement.paid),
        "time_zone": statement.zone,
        "made_at": local(statement.made_at, zone),
    }
    places = [[place.car_park, place.channel] for place in statement.places]
    counted = [[*_counts(place.figures), *_amounts(place.figures)] for place in statement.places]
    items = [
        [
            item.charge,
            said(language, item.kind),
            item.car_park,
            item.vehicle,
            local(item.begins, zone),
            local(item.ends, zone),
            item.channel,
        ]
        for item in statement.items
    ]
    total = statement.total
    body = (
        _facts(facts, language)
        + _heading("places", language)
        + _table(
            language,
            ("car_park", "channel"),
            (*_COUNTS, *AMOUNTS),
            zip(places, counted, strict=True),
            [*_counts(total), *_amounts(total)],
        )
        + _heading("items", language)
        + _table(
            language,
            _ITEM,
            AMOUNTS,
            zip(items, [_amounts(item.figures) for item in statement.items], strict=True),
            _amounts(total),
        )
    )
    return _page(language, f"{said(language, 'title')} {statement.day}", body)


def owner_statement_page(statement: OwnerStatement, language: Language) -> bytes:
    """What each stay brought, and when it is the owner's."""
    zone = ZoneInfo(statement.zone)
    facts = {
        "month": statement.month,
        **{standing: yuan(statement.sum_of(standing)) for standing in ("expected", "waiting", "available")},
        "time_zone": statement.zone,
        "made_at": local(statement.made_at, zone),
    }
    rows = [
        (
            [
                share.charge,
                said(language, share.kind),
                share.car_park,
                local(share.begins, zone),
                local(share.ends, zone),
                said(language, share.standing),
                local(share.available_at, zone),
            ],
            [yuan(share.paid), yuan(share.refunded), yuan(share.owner)],
        )
        for share in statement.shares
    ]
    total = [yuan(sum(amounts)) for amounts in (
        [share.paid for share in statement.shares],
        [share.refunded for share in statement.shares],
        [share.owner for share in statement.shares],
    )]  # fmt: skip
    body = (
        _facts(facts, language)
        + f"<p>{escape(said(language, 'owner_note'))}</p>"
        + _table(language, (*_SHARE, "standing", "available_at"), _SHARE_AMOUNTS, rows, total)
    )
    return _page(language, f"{said(language, 'owner_title')} {statement.month}", body)


def _counts(figures: Figures) -> list[str]:
    return [str(getattr(figures, name)) for name in _COUNTS]


def _amounts(figures: Figures) -> list[str]:
    return [yuan(getattr(figures, name)) for name in AMOUNTS]


def _heading(word: str, language: Language) -> str:
    return f"<h2>{escape(said(language, word))}</h2>"


def _facts(facts: dict[str, str], language: Language) -> str:
    told = "".join(
        f"<dt>{escape(said(language, name))}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items() if fact
    )
    return f"<dl>{told}</dl><p>{escape(said(language, 'in_yuan'))}</p>"


def _table(
    language: Language,
    names: Sequence[str],
    numbers: Sequence[str],
    rows: Iterable[tuple[Sequence[str], Sequence[str]]],
    total: Sequence[str],
) -> str:
    titles = "".join(f"<th>{escape(said(language, name))}</th>" for name in names)
    titles += "".join(f'<th class="number">{escape(said(language, name))}</th>' for name in numbers)
    body = "".join(f"<tr>{_texts(texts)}{_numbers(figures)}</tr>" for texts, figures in rows)
    foot = f'<td colspan="{len(names)}">{escape(said(language, "total"))}</td>{_numbers(total)}'
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody><tfoot><tr>{foot}</tr></tfoot></table>"


def _texts(texts: Sequence[str]) -> str:
    return "".join(f"<td>{escape(text)}</td>" for text in texts)


def _numbers(figures: Sequence[str]) -> str:
    return "".join(f'<td class="number">{figure}</td>' for figure in figures)


def _page(language: Language, title: str, body: str) -> bytes:
    return (
        f'<!doctype html><html lang="{LANG[language]}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    ).encode()
