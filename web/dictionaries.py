"""What our pages have in common, kept by browsers: a page is then sent as what differs from it.

Compression Dictionary Transport (RFC 9842) with Zstandard (RFC 8878): the page of a call that took 15 KB takes 4, which
is what counts at 60 kbit/s. Browsers that do not know it get Zstandard or deflate. A dictionary holds templates only,
rendered for nobody, so it tells nothing of anyone; it is the same in every process of a version.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, Final

import jinja2
from aiohttp import hdrs, web
from backports import zstd
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.filters import FILTERS

from web import i18n

PREFIX: Final = "/dictionaries/"
PAGES: Final = (
    "home/requester.html.jinja",
    "consults/draft.html.jinja",
    "consults/show.html.jinja",
    "rooms/show.html.jinja",
)
"""Those on a doctor's way into a call; the one that counts most comes last, where the codes are shortest."""
LEVEL: Final = 9
"""A page of 90 KB in 1 ms of processor, with a dictionary; deflate takes 2."""
TOO_SMALL: Final = 1024  # bytes
_MAGIC: Final = b"\x5e\x2a\x4d\x18\x20\x00\x00\x00"  # RFC 9842 §5: a frame to skip, of 32 bytes: the digest
_KEPT: Final = frozenset({*DEFAULT_NAMESPACE, "_", "gettext", "ngettext", "pgettext", "npgettext", "asset", "modules"})


class _Nobody(jinja2.Undefined):
    """Whatever a page is asked to show, where there is nobody to show it of: empty, false, none."""

    def _is_false(self, *_others: object) -> bool:
        return False

    def _is_itself(self, *_arguments: object, **_more: object) -> "_Nobody":
        return self

    __call__ = __getitem__ = __add__ = __radd__ = __sub__ = __rsub__ = __mod__ = _is_itself  # type: ignore[assignment]
    __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __contains__ = _is_false  # type: ignore[assignment]

    def __getattr__(self, name: str) -> "_Nobody":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __str__(self) -> str:
        return ""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The words and marks of our pages in one language."""

    content: bytes
    digest: bytes
    """Its SHA-256: what a browser that has it says."""
    address: str
    packed: zstd.ZstdDict

    def difference(self, page: bytes) -> bytes:
        """`page`, in the coding `dcz`."""
        return _MAGIC + self.digest + zstd.compress(page, LEVEL, zstd_dict=self.packed.as_digested_dict)


@cache
def dictionary_in(environment: jinja2.Environment, locale: str) -> Dictionary:
    """That of a language, made once a process of the pages as they stand for nobody."""
    nobodys = _nobodys(environment)
    with i18n.using_locale(locale):
        pages = [nobodys.get_template(name).render(locale=locale) for name in PAGES]
    content = "".join(pages).encode()
    digest = sha256(content).digest()
    return Dictionary(content, digest, f"{PREFIX}{locale}-{digest.hex()[:16]}", zstd.ZstdDict(content, is_raw=True))


@cache
def _nobodys(environment: jinja2.Environment) -> jinja2.Environment:
    """The same templates, which ask nobody anything."""
    nobodys = environment.overlay(undefined=_Nobody)
    nobodys.cache = {}
    nobodys.filters = {
        name: found if name in FILTERS or name == "attributes" else _nothing
        for name, found in environment.filters.items()
    }
    nobodys.globals = {
        name: found if name in _KEPT or not callable(found) else _Nobody()
        for name, found in environment.globals.items()
    }
    return nobodys


def compress(request: web.Request, response: web.Response, dictionary: Dictionary) -> None:
    """Send a page in as few bytes as this browser can read; `dictionary` is that of the page's language.

    The tokens on a page are masked anew each time (`csrf`), so its length tells nothing of them (BREACH).
    """
    response.headers.add(hdrs.VARY, "Accept-Encoding, Available-Dictionary")
    body = response.body
    if not isinstance(body, bytes) or len(body) < TOO_SMALL:
        return
    taken = {coding.partition(";")[0].strip() for coding in request.headers.get(hdrs.ACCEPT_ENCODING, "").split(",")}
    if "dcz" in taken and request.headers.get("Available-Dictionary") == _as_structured(dictionary.digest):
        response.body = dictionary.difference(body)
        response.headers[hdrs.CONTENT_ENCODING] = "dcz"
    elif "zstd" in taken:
        response.body = zstd.compress(body, LEVEL)
        response.headers[hdrs.CONTENT_ENCODING] = "zstd"
    else:
        response.enable_compression()


def _as_structured(digest: bytes) -> str:
    """A sequence of bytes in a header (RFC 9651 §3.3.5)."""
    return f":{base64.b64encode(digest).decode()}:"


def _nothing(*_arguments: object, **_more: object) -> str:
    return ""
