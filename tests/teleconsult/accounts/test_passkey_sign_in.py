"""Signing in with a passkey: two factors at once, and one answer for whatever is wrong."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, update

from teleconsult.accounts.entering import SignedIn
from teleconsult.accounts.limits import WRONG_PER_ACCOUNT
from teleconsult.accounts.models import Account, OneTimeSecret, Passkey, WebSession
from teleconsult.accounts.passkey_proofs import read_answer, sign_in_options
from teleconsult.accounts.passkey_sign_in import sign_in_with_passkey
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, TooMany
from teleconsult.settings import Settings
from tests.authenticator import SoftKey
from tests.passkey_steps import VISIT, with_key
from tests.people import Cast

BROWSER = "what the cookie of this browser holds"


async def asked(sessions: Sessions, settings: Settings, *, browser: str = BROWSER) -> str:
    async with transaction(sessions) as session:
        return sign_in_options(session, settings, browser=browser)


async def answer(sessions: Sessions, settings: Settings, text: str, *, browser: str = BROWSER) -> SignedIn:
    return await sign_in_with_passkey(sessions, settings, answer=text, browser=browser, visit=VISIT)


async def refused(sessions: Sessions, settings: Settings, text: str, *, browser: str = BROWSER) -> str:
    """The words are the same for all; the reason is in the log alone."""
    with pytest.raises(Invalid) as failure:
        await answer(sessions, settings, text, browser=browser)
    assert "This passkey is not accepted here" in failure.value.message
    async with transaction(sessions) as session:
        last = select(AuditEvent).where(AuditEvent.outcome == "denied").order_by(AuditEvent.recorded_at.desc())
        event = (await session.scalars(last.limit(1))).one()
    return str(event.detail.get("reason"))


async def test_it_says_who_one_is_and_is_two_factors(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    entry = await answer(sessions, settings, key.answer(await asked(sessions, settings)))
    assert entry.actor.role_id == cast.rural.role_id
    async with transaction(sessions) as session:
        kept = await session.get_one(WebSession, entry.actor.session_id)
        passkey = (await session.scalars(select(Passkey))).one()
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "signed-in"))).one()
    assert kept.methods == "hwk user"
    assert passkey.sign_count == 1
    assert passkey.last_used_at is not None
    assert event.detail["methods"] == "hwk user"


async def test_an_answer_counts_once(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    text = key.answer(await asked(sessions, settings))
    await answer(sessions, settings, text)
    assert await refused(sessions, settings, text) == "challenge"


async def test_a_challenge_is_for_one_browser_and_five_minutes(
    sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    key = await with_key(sessions, settings, cast)
    text = key.answer(await asked(sessions, settings))
    for browser in ("another browser", ""):
        assert await refused(sessions, settings, text, browser=browser) == "challenge"
    async with transaction(sessions) as session:
        await session.execute(update(OneTimeSecret).values(expires_at=now() - timedelta(seconds=1)))
    assert await refused(sessions, settings, text) == "challenge"


async def test_a_challenge_of_our_own_making_is_none(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    options = json.dumps({"challenge": "A" * 43, "rpId": "localhost"})
    assert await refused(sessions, settings, key.answer(options)) == "challenge"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost", "http://localhost:0.evil.example"])
async def test_from_another_origin_it_is_worth_nothing(
    sessions: Sessions, settings: Settings, cast: Cast, origin: str
) -> None:
    key = await with_key(sessions, settings, cast)
    key.origin = origin
    assert await refused(sessions, settings, key.answer(await asked(sessions, settings))) == "signature"


async def test_for_another_site_it_is_worth_nothing(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    options = json.loads(await asked(sessions, settings)) | {"rpId": "evil.example"}
    assert await refused(sessions, settings, key.answer(json.dumps(options))) == "signature"


async def test_the_user_must_have_been_verified(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    key.is_verified = False
    assert await refused(sessions, settings, key.answer(await asked(sessions, settings))) == "signature"


async def test_anothers_key_does_not_open_it(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key, other = await with_key(sessions, settings, cast), await with_key(sessions, settings, cast, "specialist")
    posing = replace(other, credential_id=key.credential_id, user=key.user)
    assert await refused(sessions, settings, posing.answer(await asked(sessions, settings))) == "signature"
    posing = replace(key, user=other.user)
    assert await refused(sessions, settings, posing.answer(await asked(sessions, settings))) == "unknown"
    assert await refused(sessions, settings, SoftKey().answer(await asked(sessions, settings))) == "unknown"


async def test_a_count_that_does_not_grow_betrays_a_copy(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    key.count = 7
    await answer(sessions, settings, key.answer(await asked(sessions, settings)))
    for count in (7, 3):
        key.count = count
        assert await refused(sessions, settings, key.answer(await asked(sessions, settings))) == "count"
    async with transaction(sessions) as session:
        copied = select(AuditEvent.detail).where(AuditEvent.action == "passkey-copied")
        assert [detail["reason"] for detail in await session.scalars(copied)] == ["count", "count"]
        assert (await session.scalars(select(Passkey.sign_count))).one() == 8


async def test_one_that_never_counts_is_no_copy(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    for _ in range(2):
        key.count = -1
        await answer(sessions, settings, key.answer(await asked(sessions, settings)))


async def test_a_disabled_account_and_an_ended_role_look_like_the_rest(
    sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    key, other = await with_key(sessions, settings, cast), await with_key(sessions, settings, cast, "specialist")
    async with transaction(sessions) as session:
        await session.execute(update(Account).where(Account.id == cast.rural.account_id).values(disabled_at=now()))
        ended = update(PractitionerRole).where(PractitionerRole.id == cast.specialist.role_id)
        await session.execute(ended.values(ended_at=now()))
    assert await refused(sessions, settings, key.answer(await asked(sessions, settings))) == "disabled"
    await refused(sessions, settings, other.answer(await asked(sessions, settings)))


async def test_a_removed_one_opens_nothing(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    async with transaction(sessions) as session:
        await session.execute(update(Passkey).values(revoked_at=now()))
    assert await refused(sessions, settings, key.answer(await asked(sessions, settings))) == "unknown"


async def test_wrong_answers_are_counted(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    key = await with_key(sessions, settings, cast)
    for _ in range(WRONG_PER_ACCOUNT):
        await refused(sessions, settings, key.answer(json.dumps({"challenge": "AAAA", "rpId": "localhost"})))
    with pytest.raises(TooMany):
        await answer(sessions, settings, key.answer(await asked(sessions, settings)))


@given(st.text() | st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner)).map(json.dumps))
@examples(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_sent_is_read_or_is_nothing(text: str) -> None:
    read_answer(text)


@given(
    st.fixed_dictionaries(
        {
            "id": st.text(),
            "rawId": st.text(alphabet="AQgw_-=é"),
            "type": st.just("public-key"),
            "response": st.fixed_dictionaries(
                {
                    "clientDataJSON": st.binary().map(lambda value: value.hex()) | st.just("e30"),
                    "authenticatorData": st.text(),
                    "signature": st.text(),
                    "userHandle": st.none() | st.text() | st.integers(),
                }
            ),
        }
    ).map(json.dumps)
)
def test_what_looks_like_an_answer_is_read_or_is_nothing(text: str) -> None:
    read_answer(text)
