"""Pages: the Jinja environment and what every template may call.

Templates are given `request`, `actor` (None before sign-in), `locale`, `errors` and `values`, and the functions and
filters registered in `make_environment`. Both are empty unless the view passes them: `errors` may be the error itself,
`values` are what was typed before somebody had to prove who they are (`kept_forms`).
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jinja2
from aiohttp import web
from babel import dates, numbers, units
from markupsafe import Markup, escape

from teleconsult.access import Permission, may
from teleconsult.accounts.relying_party import relying_party
from teleconsult.clock import now, on_clock
from teleconsult.directory.telephones import dialled
from teleconsult.errors import Invalid, TeleconsultError
from teleconsult.imaging.cutting import may_allow_planes
from teleconsult.imaging.enclosures import enclosures_of
from teleconsult.imaging.identity import identity_differences, told_gender
from teleconsult.imaging.reconciling import unsettled
from teleconsult.patients.birth_dates import AgeUnit, age_on
from web import i18n
from web.audit_words import act_name
from web.captures import ACCEPTED, likely_subject
from web.dictionaries import compress, dictionary_in
from web.flash import take
from web.kept_forms import forget_form, kept_fields
from web.modalities import modality_names
from web.note_words import NOTE_HEADINGS
from web.record_words import came_by, dates_in_words, followed, line_text, part_name
from web.requests import CSRF_TOKEN, SETTINGS, visitor_of
from web.safety_words import SAFETY_WORDS
from web.study_words import contents_in_words, written
from web.window_presets import window_presets
from web.words import activities_in_words, label

STATIC: Final = Path(__file__).parent / "static"
MANIFEST: Final = STATIC / ".vite" / "manifest.json"
ENVIRONMENT: Final = web.AppKey("environment", jinja2.Environment)
_READ_AS_DIGITS: Final = (1e-6, 1e15)
THEME_COOKIE: Final = "theme"
THEMES: Final = frozenset({"light", "dark"})

DateLength = Literal["short", "medium", "long", "full", "day", "month"]

_request: ContextVar[web.Request] = ContextVar("rendered_request")


def setup_rendering(app: web.Application) -> None:
    """Give the application its template environment, under `ENVIRONMENT`, and its flash messages."""
    app[ENVIRONMENT] = make_environment()
    for locale in i18n.LOCALES:
        dictionary_in(app[ENVIRONMENT], locale)  # now, where nobody waits for it


@cache
def make_environment() -> jinja2.Environment:
    """Autoescaped, strict about unknown names, in the reader’s language. One a process: templates compile once."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Added by the i18n extension, which the type of Environment cannot know.
    install: Callable[..., None] = vars(environment)["install_gettext_callables"]
    install(i18n.message_text, i18n.plural_text, newstyle=True)
    environment.globals |= {
        "asset": asset,
        "modules": modules,
        "dictionary": lambda: dictionary_in(environment, i18n.current_locale()).address,
        "csrf_token": csrf_token,
        "url": url,
        "is_current": is_current,
        "allowed": is_allowed,
        "passkey_site": passkey_site,
        "provider_name": provider_name,
        "recording_days": recording_days,
        "activities_in_words": activities_in_words,
        "locale_tag": lambda: i18n.babel_locale().language,
        "now": now,
        "locales": i18n.LOCALES,
        "likely_subject": likely_subject,
        "window_presets": window_presets,
        "allows_planes": may_allow_planes,
        "enclosures_of": enclosures_of,
        "unsettled": unsettled,
        "identity_differences": identity_differences,
        "told_gender": told_gender,
        "capture_types": ACCEPTED,
        "safety_words": SAFETY_WORDS,
        "note_headings": NOTE_HEADINGS,
    }
    filters: dict[str, Callable[..., Any]] = {
        "attributes": attributes,
        "datetime": format_datetime,
        "date": format_date,
        "time": format_time,
        "ago": ago,
        "percent": lambda ratio: numbers.format_percent(ratio, locale=i18n.babel_locale()),
        "number": format_number,
        "filesize": format_bytes,
        "dialled": dialled,
        "initials": initials,
        "label": label,
        "act_name": act_name,
        "age": format_age,
        "line_text": line_text,
        "came_by": came_by,
        "followed": followed,
        "part_name": part_name,
        "dates_in_words": dates_in_words,
        "city": city,
        "modality_names": modality_names,
        "written": written,
        "contents_in_words": contents_in_words,
    }
    environment.filters |= filters
    return environment


def is_allowed(permission: str) -> bool:
    """Whether who reads this page may do such a thing at all: `allowed("administration")`, by the permission's code."""
    actor = visitor_of(_request.get())
    return actor is not None and may(actor, Permission(permission))


def render(request: web.Request, template: str, /, status: int = 200, **context: Any) -> web.Response:
    """Answer with a page. Use status 422 when a form is shown again, so that Turbo takes the answer as it is."""
    kept = kept_fields(request)
    text = render_text(request, template, **{"values": kept, **context})
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    if kept:
        forget_form(request, response)
    response.headers["Cache-Control"] = "no-store" if visitor_of(request) else "no-cache"
    response.headers["Vary"] = "Cookie, Accept-Language"
    compress(request, response, dictionary_in(request.app[ENVIRONMENT], i18n.current_locale()))
    return response


def render_text(request: web.Request, template: str, /, **context: Any) -> str:
    """The page as text, for views that answer with a part of one."""
    token = _request.set(request)
    theme = request.cookies.get(THEME_COOKIE)
    try:
        return (
            request.app[ENVIRONMENT]
            .get_template(template)
            .render(
                {
                    "request": request,
                    "actor": visitor_of(request),
                    "locale": i18n.current_locale(),
                    "theme": theme if theme in THEMES else None,
                    "flashes": lambda: take(request),
                    "values": {},
                    **context,
                    "errors": _sentences(context.get("errors", {})),
                }
            )
        )
    finally:
        _request.reset(token)


def _sentences(errors: TeleconsultError | Mapping[str, str]) -> dict[str, str]:
    """One sentence a field in the reader's language: errors speak in msgids until they reach a page."""
    if not isinstance(errors, TeleconsultError):
        return {name: i18n.gettext(sentence) for name, sentence in errors.items()}
    fields = errors.fields if isinstance(errors, Invalid) else {"": errors.message}
    return {name: i18n.gettext(sentence, **errors.values) for name, sentence in fields.items()}


def manifest() -> Mapping[str, Any]:
    """Vite's list of what it built. Empty where the front end was not built: pages then have no script and no style."""
    try:
        built_at = MANIFEST.stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    return _read_manifest(MANIFEST, built_at)


@lru_cache(maxsize=1)
def _read_manifest(path: Path, _built_at: int) -> Mapping[str, Any]:
    """Read anew after each build, so that a build beside a running server is noticed."""
    loaded: Mapping[str, Any] = json.loads(path.read_bytes())
    return loaded


def asset(name: str) -> str:
    """The address of a built file, by its name under `web/assets`. It holds a hash: browsers may keep it for ever."""
    entry = manifest().get(name)
    return f"/static/{entry['file']}" if entry else f"/static/{name}"


def modules(name: str) -> list[str]:
    """The addresses of a built script and of the pieces it imports: a page that will need them asks for all at once."""
    built = manifest()
    if name not in built:
        return []
    pieces = [name]
    for piece in pieces:  # grows as it is read
        imports = built[piece].get("imports", ())
        pieces += [one for one in imports if one not in pieces and not built[one].get("isEntry")]
    return [asset(piece) for piece in pieces]


def csrf_token() -> str:
    """The token that every POST of this browser must carry."""
    return str(_request.get().get(CSRF_TOKEN, ""))


def url(name: str, /, query: Mapping[str, object] | None = None, **parts: object) -> str:
    """The path of a named route. Raises KeyError for a name that `web/routes.py` does not know."""
    route = _request.get().app.router[name]
    path = route.url_for(**{key: str(value) for key, value in parts.items()})
    return str(path.with_query({key: str(value) for key, value in (query or {}).items() if value is not None}))


def is_current(path: str) -> bool:
    """Whether the page shown stands under this path: for navigation."""
    here = _request.get().path
    return here == path or (path != "/" and here.startswith(f"{path}/"))


def passkey_site() -> str:
    """The domain our passkeys are bound to; nothing where there can be none."""
    party = relying_party(_request.get().app[SETTINGS])
    return party.id if party else ""


def recording_days() -> int:
    """How many days a recording of a session is kept."""
    return _request.get().app[SETTINGS].recording_days


def provider_name() -> str:
    """What the OpenID Provider of the settings is called; nothing where there is none."""
    settings = _request.get().app[SETTINGS]
    return settings.oidc_name if settings.oidc_issuer else ""


def attributes(pairs: Mapping[str, object]) -> Markup:
    """HTML attributes: `data_testid` becomes `data-testid`, True stands bare, None and False are left out."""
    parts = []
    for name, value in pairs.items():
        if value is None or value is False:
            continue
        key = name.rstrip("_").replace("_", "-")
        parts.append(f" {escape(key)}" if value is True else f' {escape(key)}="{escape(value)}"')
    return Markup("".join(parts))  # noqa: S704  # every part is escaped above


def zone_of(name: str | None = None) -> tzinfo:
    """The time zone of that IANA name, or the reader's own; UTC where neither is known."""
    if name is None:
        actor = visitor_of(_request.get())
        name = actor.time_zone if actor else "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def format_datetime(moment: datetime, format: DateLength = "medium", zone: str | None = None) -> str:
    """A moment in the reader's zone; in a named one, whose city is then said. To the minute."""
    locale = i18n.babel_locale()
    pattern = str(dates.get_datetime_format("medium", locale)).replace("'", "")
    text = pattern.format(format_time(moment, zone=zone), format_date(moment, format, zone=zone))
    return f"{text} ({city(zone)})" if zone else text


def format_date(day: date, format: DateLength = "medium", zone: str | None = None) -> str:
    """A day, or the day a moment falls on. `day` has the weekday and no year, `month` no day."""
    locale = i18n.babel_locale()
    if isinstance(day, datetime):
        day = on_clock(day, zone_of(zone)).date()
    if format in ("day", "month"):
        return str(dates.format_skeleton("MMMEd" if format == "day" else "yMMMM", day, locale=locale))
    return dates.format_date(day, format, locale=locale)


def format_time(moment: datetime, zone: str | None = None) -> str:
    """The hour and minute in the reader's zone, or in a named one."""
    return str(dates.format_skeleton("Hm", on_clock(moment, zone_of(zone)), locale=i18n.babel_locale()))


def city(zone: str) -> str:
    """The city a time zone is named for, in the reader's language."""
    return dates.get_timezone_location(zone, locale=i18n.babel_locale(), return_city=True)


def ago(moment: datetime) -> str:
    """How long ago, or in how long: one unit, roughly."""
    if timedelta() <= now() - moment < timedelta(minutes=1):
        return i18n.gettext("less than a minute ago")
    return dates.format_timedelta(moment - now(), add_direction=True, format="short", locale=i18n.babel_locale())


def format_age(birth_date: date | None, estimated_birth_year: int | None = None) -> str:
    """How old somebody is today, in years (months or days for the youngest); nothing where that is not known."""
    age = age_on(now().date(), birth_date, estimated_birth_year)
    if age is None:
        return ""
    words = {
        AgeUnit.YEARS: i18n.ngettext("%(num)s year", "%(num)s years", age.value),
        AgeUnit.MONTHS: i18n.ngettext("%(num)s month", "%(num)s months", age.value),
        AgeUnit.DAYS: i18n.ngettext("%(num)s day", "%(num)s days", age.value),
    }[age.unit]
    return i18n.gettext("about %(age)s", age=words) if age.is_estimated else words


def format_number(value: float) -> str:
    """A number with all its digits, in groups; one of more digits than anybody reads, by its power of ten.

    None is rounded away: 0.0004 is another result than 0.
    """
    smallest, largest = _READ_AS_DIGITS
    write = numbers.format_decimal if not value or smallest <= abs(value) < largest else numbers.format_scientific
    return str(write(value, locale=i18n.babel_locale(), decimal_quantization=False))


def format_bytes(size: int) -> str:
    """A size in bytes as people say it, in steps of 1,000."""
    value, unit = float(size), "byte"
    for larger in ("kilobyte", "megabyte", "gigabyte"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    digits = "#,##0" if unit == "byte" or value >= 100 else "#,##0.#"
    return str(units.format_unit(value, f"digital-{unit}", "short", digits, locale=i18n.babel_locale()))


def initials(name: str) -> str:
    """The first letters of the last two words of a name that is longer than a title."""
    letters = [word[0].upper() for word in name.split() if word[0].isalpha() and not word.endswith(".")]
    return "".join(letters[-2:])
