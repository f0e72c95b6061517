"""The entries of a patient's file: one by one, changed, marked as an error, and written anew."""

import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from aiohttp import web

from teleconsult.access import Permission, may
from teleconsult.clock import now
from teleconsult.errors import Conflict, Invalid, Refused
from teleconsult.patients.care import open_file
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import file_of, treated_patient
from teleconsult.records.cataloguing import DocumentKind
from teleconsult.records.changing import refusal, replace_entry, retract_entry
from teleconsult.records.models import RecordEntry
from teleconsult.records.queries import entry_of, versions_of
from teleconsult.records.reading import read
from teleconsult.records.standing import standing_already
from teleconsult.records.statements import (
    AllergyCategory,
    AllergyStatus,
    Certainty,
    Criticality,
    MedicineStatus,
    ProblemStatus,
)
from teleconsult.records.vitals import PARTS_OF, SCALES
from teleconsult.records.writing import write_entries
from teleconsult.scheduling.local_times import local_from_moment
from web.bodies import Form, read_form
from web.flash import flash
from web.forms.numbers import read_number
from web.forms.writing import Sheet, fields_of, parts_of, read_key, read_written, sheet_in, sheet_of
from web.i18n import gettext as _
from web.i18n import ngettext
from web.rendering import render
from web.requests import actor_of, begin_again, db, id_in, to_page
from web.words import options

CHOICES: Final[Mapping[Sheet, Mapping[str, type[StrEnum]]]] = {
    Sheet.VITALS: {},
    Sheet.PROBLEM: {"status": ProblemStatus, "certainty": Certainty},
    Sheet.ALLERGY: {
        "category": AllergyCategory,
        "criticality": Criticality,
        "status": AllergyStatus,
        "certainty": Certainty,
    },
    Sheet.MEDICINE: {"status": MedicineStatus},
    Sheet.DOCUMENT: {"kind": DocumentKind},
}


async def show(request: web.Request) -> web.StreamResponse:
    """One entry, what it said before, and what can be done with it."""
    return await _entry_page(request)


async def new(request: web.Request) -> web.StreamResponse:
    """The form for something to be added to the file."""
    session, actor = db(request), actor_of(request)
    patient = await treated_patient(session, actor, id_in(request))
    values = {"key": str(uuid.uuid4()), "time": local_from_moment(now(), actor.time_zone)}
    sheet = sheet_in(request.query.get("what", Sheet.VITALS))
    return _form_page(request, patient, sheet, values=values)


async def create(request: web.Request) -> web.StreamResponse:
    """Add what was written; ask first where it stands in the file already. The same form sent twice adds it once."""
    form, session, actor, patient_id = await read_form(request), db(request), actor_of(request), id_in(request)
    sheet = sheet_in(form.get("what", ""))
    patient = await treated_patient(session, actor, patient_id)
    try:
        written = read_written(form, sheet, actor.time_zone)
        key = read_key(form)
        if written and form.get("is_another") != "yes":
            file = await file_of(session, actor, patient_id)
            if stands := await standing_already(session, actor, file, written=written[0], key=key):
                await open_file(session, actor, patient_id=patient_id)  # what it says is shown
                return _form_page(request, patient, sheet, status=409, values=form, stands=stands)
        entries = await write_entries(session, actor, patient_id=patient_id, written=written, key=key)
    except Invalid as error:
        return _form_page(request, patient, sheet, status=422, values=form, errors=error)
    said = ngettext("One entry added to the file.", "%(num)s entries added to the file.", len(entries))
    flash(request, said, tone="ok")
    return to_page(request, "patients.show", id=patient_id)


async def edit(request: web.Request) -> web.StreamResponse:
    """The form that changes an entry."""
    entry, sheet = await _entry_to_change(request)
    values = {**fields_of(entry, actor_of(request).time_zone), "version": str(entry.version)}
    return await _change_page(request, entry, sheet, values=values)


async def change(request: web.Request) -> web.StreamResponse:
    """Make what was written the entry's next version."""
    form, session, actor = await read_form(request), db(request), actor_of(request)
    entry, sheet = await _entry_to_change(request)
    try:
        [written] = read_written(form, sheet, actor.time_zone, was=entry)
        await replace_entry(
            session,
            actor,
            entry_id=entry.id,
            resource=written.resource,
            title=written.title,
            effective_at=written.effective_at,
            version=read_number(form.get("version", ""), digits=6) or 0,
        )
    except (Invalid, Conflict) as error:
        await begin_again(request)
        entry, sheet = await _entry_to_change(request)
        return await _change_page(request, entry, sheet, status=error.status, values=form, errors=error)
    flash(request, _("The entry is changed. What it said before is kept."), tone="ok")
    return to_page(request, "entries.show", id=id_in(request), entry=entry.id)


async def retract(request: web.Request) -> web.StreamResponse:
    """Mark an entry as an error, with the reason."""
    form, session, actor = await read_form(request), db(request), actor_of(request)
    entry = await entry_of(session, actor, id_in(request), entry_id=id_in(request, "entry"))
    version = read_number(form.get("version", ""), digits=6) or 0
    try:
        await retract_entry(session, actor, entry_id=entry.id, reason=form.get("reason", ""), version=version)
    except (Invalid, Conflict) as error:
        await begin_again(request)
        return await _entry_page(request, status=error.status, values=form, errors=error)
    flash(request, _("Marked as an error. The entry stays to be seen, with your reason."), tone="ok")
    return to_page(request, "entries.show", id=id_in(request), entry=entry.id)


async def _entry_page(request: web.Request, *, status: int = 200, **context: Any) -> web.StreamResponse:
    session, actor, patient_id = db(request), actor_of(request), id_in(request)
    file = await open_file(session, actor, patient_id=patient_id)
    entry = await entry_of(session, actor, patient_id, entry_id=id_in(request, "entry"))
    can_write = not file.is_read_only and may(actor, Permission.FILE_WRITE) and refusal(entry, actor) is None
    return render(
        request,
        "records/entry.html.jinja",
        status=status,
        patient=file.patient,
        opening=file.opening,
        entry=entry,
        versions=await versions_of(session, actor, entry_id=entry.id),
        read=read,
        can_retract=can_write,
        can_change=can_write and sheet_of(entry) is not None,
        **context,
    )


async def _entry_to_change(request: web.Request) -> tuple[RecordEntry, Sheet]:
    """The entry and the form that changes it. Raises as `entry_of` and `treated_patient` do, and Refused."""
    session, actor, patient_id = db(request), actor_of(request), id_in(request)
    await treated_patient(session, actor, patient_id)
    entry = await entry_of(session, actor, patient_id, entry_id=id_in(request, "entry"))
    if refused := refusal(entry, actor):
        raise refused
    sheet = sheet_of(entry)
    if sheet is None:
        raise Refused("This entry cannot be changed by hand. Say that it was an error, and write a new one.")
    return entry, sheet


async def _change_page(
    request: web.Request, entry: RecordEntry, sheet: Sheet, *, values: Form | dict[str, str], **context: Any
) -> web.StreamResponse:
    file = await open_file(db(request), actor_of(request), patient_id=id_in(request))
    return _form_page(request, file.patient, sheet, entry=entry, parts=parts_of(entry), values=values, **context)


def _form_page(
    request: web.Request,
    patient: Patient,
    sheet: Sheet,
    *,
    entry: RecordEntry | None = None,
    parts: tuple[str, ...] = (),
    stands: RecordEntry | None = None,
    **context: Any,
) -> web.StreamResponse:
    shown = [names for names in PARTS_OF.values() if not parts or names == parts]
    choices = {name: options(kind) for name, kind in CHOICES[sheet].items()}
    return render(
        request,
        "records/write.html.jinja",
        patient=patient,
        sheet=sheet,
        entry=entry,
        stands=stands,
        signs=shown,
        scales=SCALES,
        choices=choices,
        **context,
    )
