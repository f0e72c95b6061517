"""What is written to standard error: names of things and ids, never what a patient's file says."""

import logging
import sys
import warnings

import structlog
from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web
from aiohttp.http import HttpProcessingError

from teleconsult.settings import Settings


def set_up_logs(settings: Settings) -> None:
    """JSON lines on standard error; what libraries say as plain lines, with only the warnings of the talkative ones."""
    logging.basicConfig(level=settings.log_level, format="%(message)s", stream=sys.stderr)
    for noisy in ("aioice", "aiortc", "fontTools", "weasyprint", "procrastinate", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for quoting in ("pydicom", "pynetdicom"):  # values that they find strange, and those are a patient's
        logging.getLogger(quoting).setLevel(logging.CRITICAL)
    logging.getLogger("aiohttp.server").addFilter(without_content)
    quote_no_file_names()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def without_content(record: logging.LogRecord) -> bool:
    """A filter: says only what was wrong with a malformed request, whose lines (cookies too) would be quoted."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        record.msg, record.args, record.exc_info = "Refused a malformed request: %s", (type(error).__name__,), None
    return True


def quote_no_file_names() -> None:
    """Of an upload with a malformed header nothing is said: the library's warning quotes the name of its file."""
    for kind in (BadContentDispositionHeader, BadContentDispositionParam):
        warnings.filterwarnings("ignore", category=kind)
