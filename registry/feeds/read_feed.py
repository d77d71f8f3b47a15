"""Any feed that is known, recognised by its content: `read_feed(bytes)` never raises, it refuses."""

from collections.abc import Iterable
from itertools import islice
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml
import defusedxml.ElementTree
import orjson

from registry.feeds import csv_table, datex2, geojson, json_lists
from registry.feeds.interpret import interpret
from registry.feeds.records import Feed, FeedOptions, FormatName, Refused, Row

RECORDS_MAX = 50_000
"""Five times the largest national feed."""

TAGS_MAX = 2_000_000
"""Of an XML feed, opening and closing: a tree of as many elements as this allows takes about 150 MB."""


def read_feed(content: bytes, options: FeedOptions) -> Feed:
    """What is in `content`. A feed that is nothing known is a single refusal with the index -1."""
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"":
        return _refused_whole("empty", "the feed is empty")
    if start == b"<":
        return _xml(content, options)
    if start in (b"{", b"["):
        return _json(content, options)
    text = csv_table.decoded(content)
    if text is None or not csv_table.is_table(text):
        return _unknown("neither XML, JSON nor CSV with a header that names an id and a position or a number of spaces")
    return _feed("csv", None, csv_table.csv_rows(text), options)


def _xml(content: bytes, options: FeedOptions) -> Feed:
    if content.count(b"<") > TAGS_MAX:
        return _refused_whole("too_large", f"the XML has more than {TAGS_MAX} tags")
    try:
        root: Element = defusedxml.ElementTree.fromstring(content.strip(), forbid_dtd=True)
    except defusedxml.DefusedXmlException:
        return _refused_whole("forbidden_xml", "the XML declares entities or a document type, which are not read")
    except (ParseError, ValueError, LookupError) as error:
        return _refused_whole("malformed_xml", f"not well-formed XML: {error}")
    rows = list(datex2.datex2_rows(root))
    if not rows:
        return _unknown("XML without parking facilities, parking records or their status")
    is_static = any(isinstance(row, Row) and row.is_static for row in rows)
    return _feed("datex2-static" if is_static else "datex2-status", datex2.operator_of(root), rows, options)


def _json(content: bytes, options: FeedOptions) -> Feed:
    try:
        document: Any = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        return _refused_whole("malformed_json", f"not valid JSON: {error}")
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        if geojson.is_freiburg(document):
            return _feed("freiburg", "freiburg", geojson.geojson_rows(document), options)
        return _feed("geojson", None, geojson.geojson_rows(document), options)
    if isinstance(document, dict) and isinstance(document.get("lots"), list):
        return _feed("parkapi-lots", None, json_lists.lots_rows(document), options)
    records = json_lists.opendatasoft_records(document)
    if records is not None:
        return _feed("basel", _basel(records), json_lists.opendatasoft_rows(records), options)
    items = json_lists.parkapi_items(document)
    if items is not None:
        return _feed("parkapi", None, json_lists.parkapi_rows(items), options)
    return _unknown("JSON, but no FeatureCollection, ParkAPI answer, Opendatasoft export or list of car parks")


def _basel(records: list[Any]) -> str | None:
    """Whose export it is: Basel's records link to Basel's parking guidance."""
    links = [str(record.get("link")) for record in records[:5] if isinstance(record, dict)]
    return "basel" if any("basel" in link for link in links) else None


def _feed(format_name: FormatName, operator: str | None, rows: Iterable[Row | Refused], options: FeedOptions) -> Feed:
    read = list(islice(rows, RECORDS_MAX + 1))
    records = list(interpret(read[:RECORDS_MAX], options))
    if len(read) > RECORDS_MAX:
        records.append(Refused(-1, None, "", "too_many_records", f"only the first {RECORDS_MAX} records were read"))
    return Feed(format_name, operator, records)


def _unknown(detail: str) -> Feed:
    return _refused_whole("unrecognised_format", detail)


def _refused_whole(reason: str, detail: str) -> Feed:
    return Feed(None, None, [Refused(-1, None, "", reason, detail[:300])])
