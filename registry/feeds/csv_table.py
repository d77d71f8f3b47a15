"""CSV with a header line: any usual delimiter, UTF-8 or (as Excel in China writes it) GB 18030."""

import csv
import io
from collections.abc import Iterator

from registry.feeds.records import Refused, Row
from registry.feeds.table import neutral_names, row_of

DELIMITERS = ",;\t|"
COLUMNS_MAX = 500


def decoded(content: bytes) -> str | None:
    """The text in `content`; None when it is none."""
    if b"\0" in content:
        return None
    for encoding in ("utf-8-sig", "gb18030", "latin-1"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def is_table(text: str) -> bool:
    """Whether the first line names an id and something to say about it."""
    names = neutral_names(_header(text))
    return "uid" in names and not names.keys().isdisjoint({"lat", "capacity", "free", "occupied", "state"})


def csv_rows(text: str) -> Iterator[Row | Refused]:
    """A row for every line below the header."""
    header = _header(text)
    names = neutral_names(header)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    index = -1
    try:
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            if index >= 0:
                values = {column: cell.strip() for column, cell in zip(header, line, strict=False)}
                yield row_of(index, values, names)
            index += 1
    except csv.Error as error:
        yield Refused(index, None, "", "malformed_csv", f"reading stopped at line {reader.line_num}: {error}")


def _header(text: str) -> list[str]:
    first = text[:10_000].splitlines()[:1]
    if not first:
        return []
    try:
        return [column.strip() for column in next(csv.reader(first, delimiter=_delimiter(text)), [])][:COLUMNS_MAX]
    except csv.Error:
        return []


def _delimiter(text: str) -> str:
    first = (text[:10_000].splitlines() or [""])[0]
    return max(DELIMITERS, key=first.count)
