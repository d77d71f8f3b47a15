"""One chain for everything that is logged, ours and the libraries': redacted, then rendered, to standard error.

Plates, tokens and passwords never reach a log line, whoever wrote it: redaction is the last step before rendering and
looks at every string, the message and the traceback included. Standard output stays free for what a command prints.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Style = Literal["auto", "console", "json"]

_PROVINCE = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
_SPECIAL = "学挂警领港澳使"
# Wider than what is a valid plate: with separators, in lower case, mistyped by a character; a plate too many costs
# nothing, one too few is a leak.
_PLATE = re.compile(
    rf"[{_PROVINCE}使][·•\-. ]?[A-Za-z0-9][·•\-. ]?[A-Za-z0-9]{{4,6}}[{_SPECIAL}]?(?![A-Za-z0-9])", re.IGNORECASE
)
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"), "[token]"),
    (re.compile(r"\bbk_[A-Za-z0-9_-]{6,}"), "[key]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [token]"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), r"\1:[password]@"),
)
_SECRET_NAMES = re.compile(r"(?i)(password|secret|token|authorization|cookie|signature|api_?key|private_?key)")
_DEPTH_MAX = 6  # of nested values; deeper ones are not for a log


def configure(*, level: str = "INFO", style: Style = "auto", role: str = "") -> None:
    """Set up logging of this process, once. `auto`: coloured lines on a terminal, one JSON object a line otherwise."""
    on_terminal = sys.stderr.isatty() if style == "auto" else style == "console"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if on_terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("asyncio", "aiohttp.access", "pgqueuer"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    if role:
        structlog.contextvars.bind_contextvars(role=role)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor that hides plates, tokens and passwords in every value of `event`."""
    return {name: _redacted(name, value, 0) for name, value in event.items()}


def redacted(text: str) -> str:
    """`text` with its plates, tokens and passwords hidden."""
    text = _PLATE.sub("[plate]", text)
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _redacted(name: str, value: object, depth: int) -> object:
    if _SECRET_NAMES.search(name) and value is not None and not isinstance(value, bool | int | float):
        return "[secret]"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, bytes):
        return redacted(value.decode("utf-8", errors="replace"))
    if depth >= _DEPTH_MAX:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {redacted(str(key)): _redacted(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(name, inner, depth + 1) for inner in value]
    return redacted(str(value))
