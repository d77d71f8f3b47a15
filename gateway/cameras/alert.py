"""An `EventNotificationAlert`, in XML or in JSON, as one shape: members by their names, without namespaces. Pure.

No document type and no entities (they are how a few bytes become gigabytes or somebody else's file), nothing deep,
nothing long. Of members with one name the first counts.
"""

import codecs
import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import defusedxml
import defusedxml.ElementTree
import msgspec

from gateway.events import Refused
from gateway.refusals import Reason, explain

ROOT: Final = "EventNotificationAlert"
ALERT_BYTES_MAX: Final = 64 * 1024
"""A camera's is about 4 KiB; what a dead letter holds, so that every one can be replayed."""
DEPTH_MAX: Final = 16
ELEMENTS_MAX: Final = 5_000

UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Alert = Mapping[str, Any]

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]{1,20})["'][^>]*\?>""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_CHINESE: Final = frozenset({"gb2312", "gbk", "gb18030"})


def read_alert(payload: bytes) -> Alert | Refused:
    """The members of the alert. Looks at the length first."""
    if not payload.strip(b"\0\r\n\t "):
        return Refused(Reason.EMPTY, "the request holds no event")
    if len(payload) > ALERT_BYTES_MAX:
        return Refused(Reason.OVERSIZED, f"{len(payload)} bytes; an event has at most {ALERT_BYTES_MAX}")
    if payload.startswith(UTF_16):
        try:
            payload = payload.decode("utf-16").encode()
        except (UnicodeDecodeError, UnicodeEncodeError):
            return Refused(Reason.NOT_UTF8, "the event begins like UTF-16 and is none")
        if not payload:
            return Refused(Reason.NOT_UTF8, "the event has a byte order mark and no character")
    bare = payload.removeprefix(b"\xef\xbb\xbf").strip(b"\0\r\n\t ")
    return _from_json(bare) if bare[:1] in (b"{", b"[") else _from_xml(bare)


def _from_json(payload: bytes) -> Alert | Refused:
    try:
        said = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(*explain(error))
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    alert = said.get(ROOT, said) if isinstance(said, dict) else None
    if not isinstance(alert, dict):
        return Refused(Reason.WRONG_SHAPE, f"not an object with an {ROOT}")
    return alert


def _from_xml(payload: bytes) -> Alert | Refused:
    text = _decoded(payload)
    if text is None:
        return Refused(Reason.NOT_UTF8, "the event is neither UTF-8 nor GBK")
    try:
        root: Element = defusedxml.ElementTree.fromstring(text, forbid_dtd=True)
    except defusedxml.DefusedXmlException:
        return Refused(Reason.MALFORMED_XML, "a document type and entities are not read")
    except (ParseError, ValueError, RecursionError) as error:
        return Refused(Reason.MALFORMED_XML, str(error))
    if _local(root) != ROOT:
        return Refused(Reason.WRONG_SHAPE, f"the root is not {ROOT}")
    budget = [ELEMENTS_MAX]
    members = _members(root, 0, budget)
    if members is None:
        return Refused(Reason.WRONG_SHAPE, f"more than {ELEMENTS_MAX} elements or {DEPTH_MAX} levels")
    return members


def _decoded(payload: bytes) -> str | None:
    """The text without its declaration; GBK where that is declared, or where it is not the UTF-8 it claims to be."""
    declared = _DECLARED.match(payload)
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    for encoding in ("gb18030",) if name in _CHINESE else ("utf-8", "gb18030"):
        try:
            return _DECLARATION.sub("", payload.decode(encoding), count=1)
        except UnicodeDecodeError:
            continue
    return None


def _members(element: Element, depth: int, budget: list[int]) -> dict[str, Any] | None:
    """Children by name, text where there are none; None when there is too much of it."""
    if depth > DEPTH_MAX:
        return None
    found: dict[str, Any] = {}
    for child in element:
        budget[0] -= 1
        if budget[0] < 0:
            return None
        inside: dict[str, Any] | str | None = _members(child, depth + 1, budget) if len(child) else child.text or ""
        if inside is None:
            return None
        found.setdefault(_local(child), inside)
    return found


def _local(element: Element) -> str:
    return str(element.tag).rsplit("}", 1)[-1]
