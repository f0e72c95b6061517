"""What one signs notes with: the certificates of one's own, getting one, and taking one out of use."""

from typing import Any, Final

from aiohttp import web
from cryptography import x509

from teleconsult.clock import now
from teleconsult.directory.models import Practitioner
from teleconsult.errors import Invalid, Refused, TooMany
from teleconsult.notes.authority import has_authority
from teleconsult.notes.enrolling import enrol_own, register_own
from teleconsult.notes.keys import expires_soon, is_lost, keys_of
from teleconsult.notes.models import KeyStore, RevocationReason, SigningKey
from teleconsult.notes.revoking import revoke_key_here, revoke_own_key
from web.bodies import Form, read_form
from web.cookies import own_path
from web.flash import flash
from web.i18n import gettext as _
from web.rendering import render
from web.requests import (
    actor_of,
    address_of,
    db,
    id_in,
    opened_transaction,
    own_transactions,
    see_other,
    settings_of,
    to_page,
)
from web.views.notes import signing_of
from web.words import label, options

PAGE: Final = "/account/signing-keys"


@own_transactions
async def index(request: web.Request) -> web.StreamResponse:
    """One's keys, and how to get another; `next` says where a new one leads."""
    return await _page(request, next=own_path(request.query.get("next", PAGE)))


@own_transactions
async def create(request: web.Request) -> web.StreamResponse:
    """Get a key from the authority of this installation."""
    form = await read_form(request)
    after = own_path(form.get("next") or PAGE)
    try:
        await enrol_own(
            signing_of(request),
            actor_of(request),
            password=form.get("password", ""),
            address=address_of(request),
        )
    except (Invalid, Refused, TooMany) as error:
        return await _page(request, errors=error, status=error.status, next=after)
    flash(request, _("You can sign notes with your new key from now on."))
    return see_other(after)


@own_transactions
async def register(request: web.Request) -> web.StreamResponse:
    """Sign with a key that a token or a service keeps."""
    form = await read_form(request)
    try:
        await register_own(
            signing_of(request),
            actor_of(request),
            store=_store(form),
            reference=form.get("reference", ""),
            certificate=form.get("certificate", ""),
        )
    except (Invalid, Refused) as error:
        return await _page(request, errors=error, values=form, status=error.status, next=PAGE)
    flash(request, _("You can sign notes with your new key from now on."))
    return to_page(request, "signing_keys.index")


async def revoke(request: web.Request) -> web.StreamResponse:
    """Take one's own key out of use."""
    form = await read_form(request)
    await revoke_own_key(db(request), actor_of(request), key_id=id_in(request), reason=form.get("reason", ""))
    flash(request, _("The certificate is out of use. Nothing can be signed with it any more."))
    return to_page(request, "signing_keys.index")


async def revoke_here(request: web.Request) -> web.StreamResponse:
    """An administrator takes a colleague's key out of use."""
    form = await read_form(request)
    key = await revoke_key_here(db(request), actor_of(request), key_id=id_in(request), reason=form.get("reason", ""))
    flash(request, _("The certificate is out of use. Nothing can be signed with it any more."))
    return to_page(request, "admin_people.show", id=key.practitioner_id)


def certificate_words(key: SigningKey) -> dict[str, Any]:
    """What a certificate says, for a row of a list."""
    own = x509.load_pem_x509_certificate(key.certificate.encode())
    return {
        "key": key,
        "name": _named(own, x509.NameOID.COMMON_NAME),
        "number": _named(own, x509.NameOID.SERIAL_NUMBER),
        "authority": _named(own, x509.NameOID.COMMON_NAME, of_issuer=True),
        "reason": label(RevocationReason(key.revocation_reason)) if key.revocation_reason else "",
        "is_over": key.not_after <= now(),
        "expires_soon": key.revoked_at is None and expires_soon(key, now()),
    }


def _named(own: x509.Certificate, what: x509.ObjectIdentifier, *, of_issuer: bool = False) -> str:
    found = (own.issuer if of_issuer else own.subject).get_attributes_for_oid(what)
    return str(found[0].value) if found else ""


def _store(form: Form) -> KeyStore:
    kinds = {each.value: each for each in (KeyStore.TOKEN, KeyStore.REMOTE)}
    if form.get("store") not in kinds:
        raise Invalid({"store": "Say where the key is."})
    return kinds[form["store"]]


async def _page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    settings, actor = settings_of(request), actor_of(request)
    async with opened_transaction(request) as session:
        assert actor.practitioner_id is not None, "who may write notes is a practitioner"
        keys = list(await keys_of(session, actor.practitioner_id))
        practitioner = await session.get_one(Practitioner, actor.practitioner_id)
        standing = [key for key in keys if key.revoked_at is None and key.not_after > now()]
        lost = {key.id for key in standing if await is_lost(session, actor, key)}
    elsewhere = [
        (KeyStore.TOKEN, _("In a token (PKCS#11)"), settings.pkcs11_module),
        (KeyStore.REMOTE, _("With a signature service"), settings.remote_signing_url),
    ]
    return render(
        request,
        "accounts/signing_keys.html.jinja",
        status=status,
        certificates=[certificate_words(key) for key in keys],
        lost=lost,
        number=practitioner.registration_number,
        has_authority=has_authority(settings.data),
        stores=[(store.value, words) for store, words, is_set in elsewhere if is_set],
        reasons=options(RevocationReason),
        **context,
    )
