"""Finding mailboxes, and showing what about them is doubtful: each question is answered by a person, once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import mailboxes_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.mailboxes.addresses import PUBLIC_DOMAINS
from teleconsult.directory.mailboxes.models import WORDS, WRITABLE, ChoiceKind, Mailbox, MailboxChoice
from teleconsult.errors import Invalid, NotFound
from teleconsult.patients.names import fold

PAGE: Final = 50
MOST_WORDS: Final = 6
LONGEST: Final = 200
MOST_GROUPS: Final = 30
MOST_IN_GROUP: Final = 10

_GROUPS: Final = {
    ChoiceKind.SAME_ADDRESS: """
select address as subject from mailbox
where organization_id = :house and is_active and registration_number <> ''
group by address having count(distinct registration_number) > 1
""",
    ChoiceKind.SEVERAL_BOXES: """
select registration_number || '@' || structure_number as subject from mailbox
where organization_id = :house and is_active and is_secure and not is_red_listed
group by registration_number, structure_number having count(distinct address) > 1
""",
    # One family name and the same first letters of the given one, under two numbers.
    ChoiceKind.NEAR_NAMES: """
select min(registration_number) || ' ' || max(registration_number) as subject from mailbox
where organization_id = :house and is_active and registration_number <> '' and family <> ''
group by lower(family), left(lower(given), 3), structure_number having count(distinct registration_number) = 2
""",
}
_OPEN: Final = """
select subject from ({groups}) found
where not exists (
  select from mailbox_choice made
  where made.organization_id = :house and made.kind = :kind and made.subject = found.subject)
order by subject limit :most
"""


@dataclass(frozen=True, slots=True)
class MailboxPage:
    """One page; `next` is the page after it."""

    shown: Sequence[Mailbox]
    next: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """Mailboxes that raise a question, and what it is about."""

    kind: ChoiceKind
    subject: str
    mailboxes: Sequence[Mailbox]


async def find_mailboxes(session: AsyncSession, actor: Actor, *, typed: str, page: int = 1) -> MailboxPage:
    """The establishment's mailboxes whom every word typed fits, by name. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    wanted = matching(typed).where(mailboxes_of_house(actor)).offset((page - 1) * PAGE).limit(PAGE + 1)
    found = (await session.scalars(wanted)).all()
    return MailboxPage(found[:PAGE], page + 1 if len(found) > PAGE else None)


async def offered_mailboxes(
    session: AsyncSession, actor: Actor, *, organization_id: uuid.UUID, typed: str, most: int = 10
) -> Sequence[Mailbox]:
    """Mailboxes that may be written to, of the directory of the establishment that writes."""
    require(actor, Permission.CONSULTS_SEE)
    if not fold(typed):
        return []
    here = (Mailbox.organization_id == organization_id, WRITABLE, Mailbox.type.is_not(None))
    found = await session.scalars(matching(typed).where(*here).limit(most))
    return found.all()


def matching(typed: str) -> Select[Mailbox]:
    """Those whom each word fits from its first letter."""
    words = fold(typed[:LONGEST]).split()[:MOST_WORDS]
    wanted = select(Mailbox).order_by(Mailbox.words, Mailbox.id)
    if not words:
        return wanted
    asked = " & ".join(f"{word}:*" for word in words)
    return wanted.where(literal_column(WORDS).op("@@")(func.to_tsquery("simple", asked)))


async def counts_here(session: AsyncSession, actor: Actor) -> dict[str, int]:
    """How many mailboxes there are: active and secure, ordinary, on the red list, gone. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    (row,) = await session.execute(
        select(
            func.count().filter(WRITABLE),
            func.count().filter(Mailbox.is_active, ~Mailbox.is_secure),
            func.count().filter(Mailbox.is_active, Mailbox.is_red_listed),
            func.count().filter(~Mailbox.is_active),
        ).where(mailboxes_of_house(actor))
    )
    return dict(zip(("usable", "ordinary", "red", "gone"), row, strict=True))


async def questions_here(session: AsyncSession, actor: Actor, *, kind: ChoiceKind) -> list[Question]:
    """What nobody decided yet, 30 at most. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    subjects = (
        await session.scalars(
            text(_OPEN.format(groups=_GROUPS[kind])),
            {"house": actor.organization_id, "kind": kind.value, "most": MOST_GROUPS},
        )
    ).all()
    if not subjects:
        return []
    wanted = select(Mailbox).where(mailboxes_of_house(actor), Mailbox.is_active)
    if kind is ChoiceKind.SAME_ADDRESS:
        wanted = wanted.where(Mailbox.address.in_(subjects))
    else:
        numbers = {number.partition("@")[0] for subject in subjects for number in subject.split()}
        structures = {subject.partition("@")[2] for subject in subjects}
        wanted = wanted.where(
            Mailbox.registration_number.in_(numbers)
            if numbers != {""}
            else Mailbox.structure_number.in_(structures) & (Mailbox.registration_number == "")
        )
    found = (await session.scalars(wanted.order_by(Mailbox.address, Mailbox.id).limit(2000))).all()
    return [Question(kind, subject, [one for one in found if _is_of(one, kind, subject)][:MOST_IN_GROUP])
            for subject in subjects]  # fmt: skip


async def unsafe_here(session: AsyncSession, actor: Actor) -> Sequence[Mailbox]:
    """Active addresses where anybody gets a mailbox, marked as secure or not, 50 at most. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    domain = func.split_part(Mailbox.address, "@", 2)
    found = await session.scalars(
        select(Mailbox)
        .where(mailboxes_of_house(actor), Mailbox.is_active, domain.in_(PUBLIC_DOMAINS))
        .order_by(Mailbox.is_secure.desc(), Mailbox.words, Mailbox.id)
        .limit(PAGE)
    )
    return found.all()


async def decide_question(
    session: AsyncSession, actor: Actor, *, kind: ChoiceKind, subject: str, address: str = ""
) -> MailboxChoice:
    """Say which address is the one, or (with none) that all is right as it is; who decides again overrules.

    Raises NotFound where there is no such thing, Invalid on `address` for one that is not among them.
    """
    require(actor, Permission.ADMINISTRATION)
    mailboxes = await _about(session, actor, kind, subject)
    if not mailboxes:
        raise NotFound
    if address and address not in {one.address for one in mailboxes}:
        raise Invalid({"address": "Choose one of these addresses."})
    return await remember_choice(session, actor, kind=kind, subject=subject, address=address)


async def remember_choice(
    session: AsyncSession, actor: Actor, *, kind: ChoiceKind, subject: str, address: str
) -> MailboxChoice:
    """Keep what the caller has looked at. One choice a subject; the last one counts."""
    values = {
        "organization_id": actor.organization_id,
        "kind": kind,
        "subject": subject,
        "address": address,
        "decided_by_id": actor.role_id,
        "decided_at": now(),
    }
    made = insert(MailboxChoice).values(id=uuid.uuid4(), **values)
    kept = {name: made.excluded[name] for name in ("address", "decided_by_id", "decided_at")}
    choice = (
        await session.scalars(
            made.on_conflict_do_update(index_elements=["organization_id", "kind", "subject"], set_=kept).returning(
                MailboxChoice
            ),
            execution_options={"populate_existing": True},
        )
    ).one()
    audit.record(session, actor, "mailbox-chosen", choice, kind=kind.value, address=address)
    return choice


async def _about(session: AsyncSession, actor: Actor, kind: ChoiceKind, subject: str) -> Sequence[Mailbox]:
    wanted = select(Mailbox).where(mailboxes_of_house(actor), Mailbox.is_active)
    if kind is ChoiceKind.SAME_ADDRESS:
        wanted = wanted.where(Mailbox.address == subject)
    elif kind is ChoiceKind.SEVERAL_BOXES:
        number, _at, structure = subject.partition("@")
        wanted = wanted.where(Mailbox.registration_number == number, Mailbox.structure_number == structure)
    else:
        wanted = wanted.where(Mailbox.registration_number.in_(subject.split()[:2]))
    return (await session.scalars(wanted.limit(MOST_IN_GROUP))).all()


def _is_of(mailbox: Mailbox, kind: ChoiceKind, subject: str) -> bool:
    if kind is ChoiceKind.SAME_ADDRESS:
        return mailbox.address == subject
    if kind is ChoiceKind.SEVERAL_BOXES:
        return f"{mailbox.registration_number}@{mailbox.structure_number}" == subject
    return mailbox.registration_number in subject.split()
