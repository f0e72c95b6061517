"""A consult in words: for the page that is printed, and for the sections of a FHIR document."""

from collections.abc import Mapping
from datetime import datetime

from teleconsult.accounts import Actor
from teleconsult.consents.models import ConsentBasis
from teleconsult.documents.printout import Item, Part, Printout
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.excerpts.choosing import by_kind
from teleconsult.exports.asking import Wish
from teleconsult.exports.consult_documents import content_of
from teleconsult.exports.consults import LeavingConsult
from teleconsult.notes.models import Composition
from web.consult_words import act_in_words, next_step
from web.i18n import gettext as _
from web.i18n import ngettext
from web.printouts.words import dated, frozen_item, moment_in_words, numbers_in_words, of_kind, printout
from web.words import label


def consult_printout(leaving: LeavingConsult, actor: Actor, *, wish: Wish, at: datetime) -> Printout:
    """The question, what was shared, what was answered, and who did what when."""
    consult, patient = leaving.consult, leaving.patient
    name = _("Identity unknown") if patient.is_temporary else patient.name
    parts = consult_parts(leaving, actor.time_zone)
    numbers = numbers_in_words(leaving.identifiers)
    return printout(
        actor,
        title=_("Consult No. %(number)s", number=consult.number),
        subtitle=next_step(consult, actor),
        foot=" · ".join(
            (name, dated(patient.birth_date, patient.birth_year), _("No. %(number)s", number=patient.local_number))
        ),
        wish=wish,
        at=at,
        identity=(
            (_("Name"), name),
            (_("Birth date"), f"{dated(patient.birth_date, patient.birth_year)} · {label(patient.gender)}"),
            (_("File number"), f"{patient.local_number} ({patient.organization.name})"),
            *(((_("Insurance number"), numbers),) if numbers else ()),
        ),
        parts=tuple(parts.values()),
    )


def consult_parts(leaving: LeavingConsult, zone: str) -> Mapping[str, Part]:
    """What a consult says, by what it is: `request`, `consent`, `excerpt`, `images`, `notes`, `history`."""
    return {
        "request": _request(leaving, zone),
        "consent": _consent(leaving, zone),
        "excerpt": _excerpt(leaving, zone),
        "images": _images(leaving, zone),
        "notes": _notes(leaving, zone),
        "history": _history(leaving, zone),
    }


def _request(leaving: LeavingConsult, zone: str) -> Part:
    consult = leaving.consult
    service, task = consult.service, consult.task
    owner = task.owner.practitioner.name if task and task.owner else _("Nobody yet")
    asked_on = moment_in_words(consult.submitted_at, zone) if consult.submitted_at else ""
    rows = (
        (_("Urgency"), label(consult.priority)),
        (_("Referring doctor"), f"{consult.requester.practitioner.name}, {consult.requester_organization.name}"),
        (_("Service"), f"{label(service.specialty)}, {service.organization.name}" if service else ""),
        (_("Specialist"), owner),
        (_("Submitted on"), asked_on),
        (_("Reason"), consult.status_reason),
    )
    return Part(_("Question"), lines=tuple((name, text) for name, text in rows if text), text=consult.question)


def _consent(leaving: LeavingConsult, zone: str) -> Part:
    consent = leaving.consent
    if consent is None:
        return Part(_("Consent"), empty=_("No consent is recorded."))
    said = {
        ConsentBasis.PATIENT: _("The patient agreed."),
        ConsentBasis.REPRESENTATIVE: _(
            "%(name)s (%(what)s) agreed for the patient.", name=consent.given_by, what=consent.relationship_to_patient
        ),
        ConsentBasis.NECESSITY: _("Nobody could be asked and it could not wait: %(reason)s", reason=consent.given_by),
    }[consent.basis]
    lines = [(_("Recorded on"), moment_in_words(consent.recorded_at, zone))]
    if consent.incapacity is not None:
        lines.append((_("Reason"), label(consent.incapacity)))
    if consent.withdrawn_at is not None:
        lines.append((_("Withdrawn on"), moment_in_words(consent.withdrawn_at, zone)))
    return Part(_("Consent"), lines=tuple(lines), text=said)


def _excerpt(leaving: LeavingConsult, zone: str) -> Part:
    heading, excerpt = _("From the patient's file"), leaving.excerpt
    if excerpt is None:
        said = _("What was shared of the file is not, or no longer, shown to whoever made this copy.")
        return Part(heading, empty=said)
    frozen = moment_in_words(excerpt.frozen_at, zone)
    remarks = [
        _("As the file stood on %(frozen)s.", frozen=frozen)
        if excerpt.version == 1
        else _("Version %(number)s of %(frozen)s", number=excerpt.version, frozen=frozen),
        _("Digest of what was shared (SHA-256): %(digest)s", digest=excerpt.digest.hex()),
    ]
    if excerpt.revoked_at is not None:
        remarks.append(_("Not shared since %(date)s.", date=moment_in_words(excerpt.revoked_at, zone)))
    return Part(
        heading,
        remarks=tuple(remarks),
        items=tuple(
            of_kind(frozen_item(item, zone), item.resource_type)
            for group in by_kind(excerpt.items).values()
            for item in group
        ),
        empty=_("No entry of the file was shared with this request."),
    )


def _images(leaving: LeavingConsult, zone: str) -> Part:
    def item(description: str, at: datetime | None, modalities: list[str], images: int, uid: str) -> Item:
        return Item(
            title=description or _("Study without a title"),
            when=moment_in_words(at, zone) if at else "",
            lines=(
                (_("Modality"), ", ".join(modalities)),
                (_("Images"), ngettext("%(num)s image", "%(num)s images", images)),
                (_("Study"), uid),
            ),
        )

    cards = leaving.studies
    return Part(
        _("Images"),
        remarks=(_("What is said of the images. The images themselves are not part of this."),) if cards else (),
        items=tuple(
            item(
                card.study.description,
                card.study.started_at,
                card.study.modalities,
                card.instances,
                card.study.study_instance_uid,
            )
            for card in cards
        ),
        empty=_("No images are shown to whoever made this copy."),
    )


def _notes(leaving: LeavingConsult, zone: str) -> Part:
    items = tuple(_note(note, zone) for note in leaving.notes)
    addresses = dict.fromkeys(content_of(note).verify_at for note in leaving.notes)
    remarks = tuple(
        _("This is the text of the note. The signed file is the original; check it at %(address)s.", address=address)
        for address in addresses
    )
    return Part(_("Consult notes"), remarks=remarks, items=items, empty=_("No note is signed."))


def _note(note: Composition, zone: str) -> Item:
    content = content_of(note)
    words = NOTE_WORDS[content.language]
    said = [(getattr(words, name), text) for name, text in content.written_sections()]
    return Item(
        title=words.title,
        when=moment_in_words(content.written_at, zone),
        text="\n\n".join(f"{heading}\n{text}" for heading, text in said),
        source=_(
            "Signed by %(name)s, %(establishment)s", name=content.author.name, establishment=content.author.organization
        ),
        lines=((_("Document"), content.id),),
    )


def _history(leaving: LeavingConsult, zone: str) -> Part:
    acts = tuple((moment_in_words(event.recorded_at, zone), act_in_words(event)) for event in leaving.history)
    return Part(_("What has happened"), lines=tuple(reversed(acts)))
