"""Every URL of the site, on one page, and what one needs to be allowed for it.

A state change is a noun under the thing it changes. A route that does not say what it needs answers nobody.
"""

from collections.abc import Callable

from aiohttp import web

from teleconsult.access import Permission as P
from web.agenda_routes import add_agenda_routes
from web.api.routes import add_machine_routes
from web.consult_routes import add_consult_routes
from web.delivery_routes import add_delivery_routes
from web.emergency_routes import add_emergency_routes
from web.image_routes import add_image_routes
from web.mailbox_routes import add_mailbox_routes
from web.meeting_routes import add_meeting_routes
from web.note_routes import add_note_routes
from web.notice_routes import add_notice_routes
from web.open_routes import add_open_routes
from web.pacs_routes import add_pacs_routes
from web.requests import ANYONE, NEEDS, Need, View
from web.room_routes import add_landing, add_room_routes
from web.signing_key_routes import add_signing_key_routes
from web.views import (
    accounts,
    admin,
    admin_dicom,
    admin_endpoints,
    admin_fhir_clients,
    admin_hl7,
    admin_imports,
    admin_people,
    admin_retention,
    admin_services,
    admin_sessions,
    audit,
    audit_check,
    break_glass,
    consents,
    consults,
    dictionaries,
    documents,
    drafting,
    excerpt_versions,
    exports,
    federation,
    figures,
    files,
    glass_review,
    home,
    identity,
    identity_cases,
    identity_links,
    invitations,
    key_images,
    mailed_codes,
    network,
    note_editor,
    note_versions,
    notes,
    own_account,
    own_factors,
    passkey_sign_in,
    passkeys,
    patients,
    records,
    registering,
    resetting,
    roles,
    roster,
    second_factor,
    sessions,
    sharing,
    step_up,
    tokens,
    triage,
    uploads,
)


def add_routes(app: web.Application) -> None:
    """Give the router its table."""
    app[NEEDS] = {}

    def route(method: str, path: str, view: View, needs: Need, *, name: str | None = None) -> None:
        app[NEEDS][app.router.add_route(method, path, view, name=name)] = needs

    _add_doors(route)
    route("POST", "/language", accounts.choose_language, ANYONE, name="language.choose")
    route("GET", "/dictionaries/{name}", dictionaries.show, ANYONE)

    _add_own_account(route)
    add_signing_key_routes(route)

    # Home, by role
    route("GET", "/", home.show, P.HOME, name="home.show")
    add_agenda_routes(route)
    add_meeting_routes(route)
    route("GET", "/figures", figures.index, P.SESSIONS_OVERVIEW, name="figures.index")
    route("GET", "/figures.csv", figures.table, P.SESSIONS_OVERVIEW, name="figures.table")
    route("GET", "/sessions", sessions.index, P.SESSIONS_OVERVIEW, name="sessions.index")
    route("GET", "/sessions.csv", sessions.table, P.SESSIONS_OVERVIEW, name="sessions.table")

    _add_patients(route)

    _add_consults(route)
    add_consult_routes(route)
    add_emergency_routes(route)
    add_notice_routes(route)

    add_image_routes(route)
    add_pacs_routes(route)
    _add_uploads(route)
    add_room_routes(route)
    _add_notes(route)
    add_open_routes(route)
    add_note_routes(route)
    add_mailbox_routes(route)

    # Administration
    _add_administration(route)
    add_delivery_routes(route)
    _add_services(route)
    _add_roster_and_network(route)
    _add_audit(route)

    # Machines
    add_machine_routes(route)


def _add_consults(route: Callable[..., object]) -> None:
    """Consults, what they share, and what leaves of them."""
    route("GET", "/consults", consults.index, P.CONSULTS_SEE, name="consults.index")
    route("POST", "/consults", consults.create, P.CONSULT_REQUEST)
    route("GET", "/consults/{id}", consults.show, P.CONSULTS_SEE, name="consults.show")
    route("PATCH", "/consults/{id}/draft", drafting.save, P.CONSULT_REQUEST, name="consults.draft")
    route("POST", "/consults/{id}/draft", drafting.save, P.CONSULT_REQUEST)
    route("POST", "/consults/{id}/discarding", drafting.discard, P.CONSULT_REQUEST, name="consults.discard")
    route("GET", "/consults/{id}/preview", drafting.preview, P.CONSULT_REQUEST, name="consults.preview")
    route("POST", "/consults/{id}/submission", drafting.submit, P.CONSULT_REQUEST, name="consults.submit")
    route("POST", "/consults/{id}/acceptance", triage.accept, P.CONSULT_ANSWER, name="consults.accept")
    route("POST", "/consults/{id}/refusal", triage.decline, P.CONSULT_ANSWER, name="consults.decline")
    route("POST", "/consults/{id}/cancellation", triage.cancel, P.CONSULT_CANCEL, name="consults.cancel")
    route("POST", "/consults/{id}/writing", triage.ask_in_writing, P.SESSION_JOIN, name="consults.ask_in_writing")
    route("POST", "/consults/{id}/proposal", triage.propose, P.CONSULT_TRIAGE, name="consults.propose")
    versions = "/consults/{id}/excerpt-versions"
    route("GET", "/consults/{id}/excerpt", excerpt_versions.show, P.CONSULTS_SEE, name="excerpts.show")
    route("GET", versions, excerpt_versions.new, P.CONSULT_REQUEST, name="excerpts.new")
    route("POST", versions, excerpt_versions.create, P.CONSULT_REQUEST, name="excerpts.create")
    route("POST", "/consults/{id}/excerpt-revocation", sharing.revoke, P.EXCERPT_REVOKE, name="sharing.revoke")
    consent = "/consults/{id}/consent"
    route("POST", f"{consent}-withdrawal", consents.withdraw, P.EXCERPT_REVOKE, name="consents.withdraw")
    route("POST", f"{consent}-confirmation", consents.confirm, P.EXCERPT_REVOKE, name="consents.confirm")
    route("GET", "/consults/{id}/documents/{entry}", documents.shared, P.CONSULTS_SEE, name="documents.shared")
    route("GET", "/consults/{id}/readings", sharing.readings, P.EXCERPT_REVOKE, name="sharing.readings")
    route("GET", "/consults/{id}/export", exports.consult_form, P.FILE_READ, name="exports.consult")
    route("POST", "/consults/{id}/export", exports.take_consult, P.FILE_READ)
    route("POST", "/consults/{id}/booking", triage.book, P.CONSULT_TRIAGE, name="consults.book")
    route("POST", "/consults/{id}/non-attendance", triage.miss, P.CONSULT_TRIAGE, name="consults.mark_missed")


def _add_patients(route: Callable[..., object]) -> None:
    """Patients and their files."""
    route("GET", "/patients", patients.index, P.PATIENTS_FIND, name="patients.index")
    route("POST", "/patients", registering.create, P.PATIENT_REGISTER, name="patients.create")
    route("GET", "/patients/new", registering.new, P.PATIENT_REGISTER, name="patients.new")
    route("POST", "/patients/new", registering.scan, P.PATIENT_REGISTER, name="patients.scan")
    unknown = "/patients/unknown"
    route("POST", unknown, registering.create_unknown, P.PATIENT_REGISTER, name="patients.create_unknown")
    route("GET", "/patients/{id}", patients.show, P.PATIENTS_FIND, name="patients.show")
    route("POST", "/patients/{id}/care-relation", patients.open_care, P.FILE_READ, name="patients.open_care")
    route("POST", "/patients/{id}/care-relation-end", patients.end_care, P.FILE_READ, name="patients.end_care")
    route("GET", "/patients/{id}/identity", patients.identity, P.PATIENT_REGISTER, name="patients.identity")
    route("POST", "/patients/{id}/identity", patients.resolve, P.PATIENT_REGISTER, name="patients.resolve")

    # The entries of a file
    entry = "/patients/{id}/entries/{entry}"
    route("GET", "/patients/{id}/measures", files.measures, P.FILE_READ, name="files.measures")
    route("GET", "/patients/{id}/consents", consents.show, P.FILE_READ, name="consents.show")
    route("GET", "/patients/{id}/visits", files.visits, P.FILE_READ, name="files.visits")
    route("GET", "/patients/{id}/export", exports.file_form, P.FILE_READ, name="exports.file")
    route("POST", "/patients/{id}/export", exports.take_file, P.FILE_READ)
    route("GET", "/patients/{id}/entries/new", records.new, P.FILE_WRITE, name="entries.new")
    route("POST", "/patients/{id}/entries", records.create, P.FILE_WRITE, name="entries.create")
    route("GET", "/patients/{id}/documents/new", documents.new, P.FILE_WRITE, name="documents.new")
    route("POST", "/patients/{id}/documents", documents.create, P.FILE_WRITE, name="documents.create")
    route("GET", entry, records.show, P.FILE_READ, name="entries.show")
    route("GET", f"{entry}/document", documents.show, P.FILE_READ, name="documents.show")
    route("GET", f"{entry}/change", records.edit, P.FILE_WRITE, name="entries.change")
    route("POST", f"{entry}/change", records.change, P.FILE_WRITE)
    route("POST", f"{entry}/retraction", records.retract, P.FILE_WRITE, name="entries.retract")

    _add_identity(route)

    # Files opened without a care relation
    route("GET", "/break-glass", break_glass.show, P.BREAK_GLASS, name="break_glass.show")
    route("POST", "/break-glass", break_glass.seek, P.BREAK_GLASS)
    route("POST", "/break-glass/opening", break_glass.open_file, P.BREAK_GLASS, name="break_glass.open")
    route("POST", "/break-glass/{id}/end", break_glass.close_file, P.BREAK_GLASS, name="break_glass.close")
    route("GET", "/audit/break-glass", glass_review.show, P.AUDIT_READ, name="glass_review.show")
    route("POST", "/audit/break-glass/{id}/decision", glass_review.decide, P.AUDIT_READ, name="glass_review.decide")


def _add_identity(route: Callable[..., object]) -> None:
    """Who is whom: numbers, links, merges, and the pairs to compare."""
    needs = P.PATIENT_REGISTER
    route("GET", "/patients/{id}/links", identity.show, needs, name="identity.show")
    route("POST", "/patients/{id}/links", identity.link, needs, name="identity.link")
    route("GET", "/patients/{id}/merge", identity.merge_form, needs, name="identity.merge")
    route("POST", "/patients/{id}/merge", identity.merge, needs)
    route("GET", "/patients/{id}/label", identity.label, P.PATIENTS_FIND, name="identity.label")
    route("POST", "/patient-numbers/{id}/check", identity.qualify, needs, name="identity.qualify")
    route("POST", "/patient-numbers/{id}/withdrawal", identity.withdraw, needs, name="identity.withdraw")
    route("GET", "/patient-links/{id}", identity_links.show, needs, name="identity_links.show")
    route("POST", "/patient-links/{id}/undoing", identity_links.undo, needs, name="identity_links.undo")
    cases = "/identity-cases"
    route("GET", cases, identity_cases.index, P.IDENTITY_DECIDE, name="identity_cases.index")
    route("GET", f"{cases}/{{id}}", identity_cases.show, P.IDENTITY_DECIDE, name="identity_cases.show")
    route("POST", f"{cases}/{{id}}/decision", identity_cases.decide, P.IDENTITY_DECIDE, name="identity_cases.decide")


def _add_services(route: Callable[..., object]) -> None:
    """What an establishment offers to others."""
    needs = P.ADMINISTRATION
    route("GET", "/admin/services", admin_services.index, needs, name="admin_services.index")
    route("POST", "/admin/services", admin_services.create, needs)
    route("POST", "/admin/services/{id}/opening", admin_services.open, needs, name="admin_services.open")
    route("POST", "/admin/services/{id}/closing", admin_services.close, needs, name="admin_services.close")
    route("POST", "/admin/services/{id}/next", admin_services.next_hospitals, needs, name="admin_services.next")
    route("POST", "/admin/services/{id}/pace", admin_services.pace, needs, name="admin_services.pace")
    route("POST", "/admin/services/{id}/promise", admin_services.promise, needs, name="admin_services.promise")
    route("POST", "/admin/services/{id}/telephone", admin_services.phone, needs, name="admin_services.phone")


def _add_administration(route: Callable[..., object]) -> None:
    """The console of one establishment: its people, other systems, sign-ins, rules, directory."""
    needs = P.ADMINISTRATION
    route("GET", "/admin", admin.show, needs, name="admin.show")
    route("GET", "/admin/people", admin_people.index, needs, name="admin_people.index")
    route("POST", "/admin/people", admin_people.create, needs)
    route("GET", "/admin/people/new", admin_people.new, needs, name="admin_people.new")
    person = "/admin/people/{id}"
    route("GET", person, admin_people.show, needs, name="admin_people.show")
    route("POST", f"{person}/invitation", admin_people.resend, needs, name="admin_people.resend")
    route("POST", f"{person}/roles", admin_people.give_role, needs, name="admin_people.give_role")
    route("POST", f"{person}/disabling", admin_people.disable, needs, name="admin_people.disable")
    route("POST", f"{person}/enabling", admin_people.enable, needs, name="admin_people.enable")
    route("POST", f"{person}/sessions-end", admin_people.end_sessions, needs, name="admin_people.end_sessions")
    route("POST", f"{person}/factor-reset", admin_people.reset_factor, needs, name="admin_people.reset_factor")
    route("POST", "/admin/roles/{id}/ending", admin_people.take_role, needs, name="admin_roles.end")
    route("GET", "/admin/dicom", admin_dicom.index, needs, name="admin_dicom.index")
    route("POST", "/admin/dicom", admin_dicom.create, needs)
    route("POST", "/admin/dicom/{id}/status", admin_dicom.switch, needs, name="admin_dicom.switch")
    route("POST", "/admin/dicom-trial", admin_dicom.trial, needs, name="admin_dicom.trial")
    route("GET", "/admin/dicom/{id}", admin_dicom.show, needs, name="admin_dicom.show")
    route("POST", "/admin/dicom/{id}", admin_dicom.change, needs)
    route("POST", "/admin/dicom/{id}/trial", admin_dicom.trial, needs, name="admin_dicom.trial_of")
    route("GET", "/admin/hl7", admin_hl7.index, needs, name="admin_hl7.index")
    route("POST", "/admin/hl7", admin_hl7.create, needs)
    route("POST", "/admin/hl7/{id}/status", admin_hl7.switch, needs, name="admin_hl7.switch")
    route("GET", "/admin/hl7-messages/{id}", admin_hl7.show, needs, name="admin_hl7.show")
    route("POST", "/admin/hl7-messages/{id}/seen", admin_hl7.seen, needs, name="admin_hl7.seen")
    client = "/admin/fhir-clients"
    route("GET", client, admin_fhir_clients.index, needs, name="admin_fhir_clients.index")
    route("POST", client, admin_fhir_clients.create, needs)
    route("GET", f"{client}/{{id}}", admin_fhir_clients.show, needs, name="admin_fhir_clients.show")
    route("POST", f"{client}/{{id}}", admin_fhir_clients.change, needs)
    route("POST", f"{client}/{{id}}/status", admin_fhir_clients.switch, needs, name="admin_fhir_clients.switch")
    route("GET", "/admin/endpoints", admin_endpoints.index, needs, name="admin_endpoints.index")
    route("POST", "/admin/endpoints", admin_endpoints.create, needs)
    route("POST", "/admin/endpoints/{id}/status", admin_endpoints.change, needs, name="admin_endpoints.change")
    route("GET", "/admin/sessions", admin_sessions.index, needs, name="admin_sessions.index")
    route("POST", "/admin/sessions/{id}/ending", admin_sessions.end, needs, name="admin_sessions.end")
    route("GET", "/admin/tokens", admin_sessions.tokens, needs, name="admin_tokens.index")
    route("POST", "/admin/tokens/{id}/revocation", admin_sessions.revoke, needs, name="admin_tokens.revoke")
    route("GET", "/admin/retention", admin_retention.index, needs, name="admin_retention.index")
    route("POST", "/admin/retention", admin_retention.change, needs)
    route("GET", "/admin/imports", admin_imports.index, needs, name="admin_imports.index")
    route("POST", "/admin/imports", admin_imports.create, needs)
    route("GET", "/admin/imports/{id}", admin_imports.show, needs, name="admin_imports.show")
    route("POST", "/admin/imports/{id}/decisions", admin_imports.decide, needs, name="admin_imports.decide")


def _add_roster_and_network(route: Callable[..., object]) -> None:
    """Who is on duty, and the console of the whole network."""
    route("GET", "/roster", roster.show, P.ROSTER, name="roster.show")
    route("POST", "/roster/shifts", roster.create, P.ROSTER, name="roster.add")
    route("POST", "/roster/shifts/{id}/removal", roster.remove, P.ROSTER, name="roster.remove")
    route("POST", "/roster/shifts/{id}/handover", roster.give, P.ROSTER, name="roster.give")
    route("GET", "/network", network.show, P.NETWORK, name="network.show")
    route("GET", "/network/establishments", network.index, P.NETWORK, name="network.establishments")
    route("POST", "/network/establishments", network.create, P.NETWORK)
    route("GET", "/network/establishments/new", network.new, P.NETWORK, name="network.new")
    place = "/network/establishments/{id}"
    route("GET", place, network.edit, P.NETWORK, name="network.establishment")
    route("POST", place, network.change, P.NETWORK)
    route("POST", f"{place}/administrator", network.invite, P.NETWORK, name="network.invite")
    route("GET", "/network/keys", network.keys, P.NETWORK, name="network.keys")
    route("POST", "/network/keys/rotation", network.rotate, P.NETWORK, name="network.rotate")


def _add_audit(route: Callable[..., object]) -> None:
    """The audit log: who read what, and whether it is whole."""
    route("GET", "/audit", audit.index, P.AUDIT_READ, name="audit.index")
    route("GET", "/audit/unusual", audit.unusual, P.AUDIT_READ, name="audit.unusual")
    route("POST", "/audit/export", audit.export, P.AUDIT_READ, name="audit.export")
    route("GET", "/admin/audit-check", audit_check.show, P.AUDIT_CHECK, name="audit_check.show")
    route("POST", "/admin/audit-check", audit_check.create, P.AUDIT_CHECK)
    route("POST", "/admin/audit-check/{id}/stop", audit_check.stop, P.AUDIT_CHECK, name="audit_check.stop")


def _add_doors(route: Callable[..., object]) -> None:
    """Signing in, step by step, and out."""
    route("GET", "/sign-in", accounts.sign_in_form, ANYONE, name="accounts.sign_in")
    route("POST", "/sign-in", accounts.sign_in, ANYONE)
    route("POST", "/sign-out", accounts.sign_out, P.OWN_ACCOUNT, name="accounts.sign_out")
    route("GET", "/sign-in/second-factor", second_factor.form, ANYONE, name="second_factor.form")
    route("POST", "/sign-in/second-factor", second_factor.show, ANYONE)
    route("GET", "/sign-in/code", mailed_codes.form, ANYONE, name="mailed_code.form")
    route("POST", "/sign-in/code", mailed_codes.ask, ANYONE)
    route("GET", "/sign-in/code/entry", mailed_codes.entry_form, ANYONE, name="mailed_code.entry")
    route("POST", "/sign-in/code/entry", mailed_codes.take, ANYONE)
    route("GET", "/sign-in/reset", resetting.form, ANYONE, name="reset.form")
    route("POST", "/sign-in/reset", resetting.ask, ANYONE)
    route("GET", "/sign-in/reset-mail", resetting.asked, ANYONE, name="reset.asked")
    route("GET", "/sign-in/reset/{token}", resetting.choose_form, ANYONE, name="reset.choose")
    route("POST", "/sign-in/reset/{token}", resetting.choose, ANYONE)
    route("GET", "/invitation/{token}", invitations.show, ANYONE, name="invitation.show")
    route("POST", "/invitation/{token}", invitations.accept, ANYONE)
    route("POST", "/invitation/{token}/opening", invitations.begin, ANYONE, name="invitation.begin")


def _add_own_account(route: Callable[..., object]) -> None:
    """One's own account: its passkeys, its sessions, the role in force, and who one is, once more."""
    route("POST", "/sign-in/passkey", passkey_sign_in.sign_in, ANYONE, name="passkey_sign_in.sign_in")
    route("POST", "/sign-in/passkey/options", passkey_sign_in.ask, ANYONE, name="passkey_sign_in.ask")
    route("GET", "/sign-in/federated", federation.start, ANYONE, name="federation.start")
    route("GET", "/sign-in/federated/callback", federation.come_back, ANYONE, name="federation.come_back")
    unknown = "/sign-in/federated/unknown"
    route("GET", unknown, federation.not_known_here, ANYONE, name="federation.not_known_here")
    route("GET", "/step-up/federated", federation.step_up, P.OWN_ACCOUNT, name="federation.step_up")
    route("POST", "/account/identities", federation.link, P.OWN_ACCOUNT, name="federation.link")
    route("POST", "/account/identities/{id}/removal", federation.unlink, P.OWN_ACCOUNT, name="federation.unlink")
    route("GET", "/step-up", step_up.show, P.OWN_ACCOUNT, name="step_up.show")
    route("POST", "/step-up", step_up.confirm, P.OWN_ACCOUNT)
    route("POST", "/step-up/passkey/options", passkeys.ask_to_step_up, P.OWN_ACCOUNT, name="step_up.ask")
    route("GET", "/roles", roles.index, P.OWN_ACCOUNT, name="roles.index")
    route("POST", "/role", roles.switch, P.OWN_ACCOUNT, name="roles.switch")
    route("GET", "/account", own_account.show, P.OWN_ACCOUNT, name="own_account.show")
    route("POST", "/account/sessions/ending", own_account.end_others, P.OWN_ACCOUNT, name="own_account.end_others")
    ending = "/account/sessions/{id}/ending"
    route("POST", ending, own_account.end_session, P.OWN_ACCOUNT, name="own_account.end_session")
    route("GET", "/account/password", own_factors.password_form, P.OWN_ACCOUNT, name="own_factors.password")
    route("POST", "/account/password", own_factors.choose_password, P.OWN_ACCOUNT)
    route("GET", "/account/application", own_factors.begin, P.OWN_ACCOUNT, name="own_factors.application")
    route("POST", "/account/application", own_factors.confirm, P.OWN_ACCOUNT)
    route("GET", "/account/application/removal", own_factors.removal_form, P.OWN_ACCOUNT, name="own_factors.remove")
    route("POST", "/account/application/removal", own_factors.remove, P.OWN_ACCOUNT)
    route("POST", "/account/recovery-codes", own_factors.draw_codes, P.OWN_ACCOUNT, name="own_factors.draw_codes")
    route("GET", "/account/tokens", tokens.index, P.OWN_ACCOUNT, name="tokens.index")
    route("POST", "/account/tokens", tokens.create, P.OWN_ACCOUNT)
    route("POST", "/account/tokens/{id}/revocation", tokens.revoke, P.OWN_ACCOUNT, name="tokens.revoke")
    route("GET", "/account/passkeys/new", passkeys.new, P.OWN_ACCOUNT, name="passkeys.new")
    route("POST", "/account/passkeys/options", passkeys.ask_for_new, P.OWN_ACCOUNT, name="passkeys.ask_for_new")
    route("POST", "/account/passkeys", passkeys.create, P.OWN_ACCOUNT, name="passkeys.create")
    route("POST", "/account/passkeys/{id}/removal", passkeys.remove, P.OWN_ACCOUNT, name="passkeys.remove")


def _add_uploads(route: Callable[..., object]) -> None:
    """Files that arrive in several requests (tus 1.0.0)."""
    add_landing(route, "/consults/{id}/uploads", uploads.IMAGES, P.IMAGES_ADD, name="uploads")


def _add_notes(route: Callable[..., object]) -> None:
    """Notes."""
    route("POST", "/consults/{id}/note", notes.create, P.NOTE_WRITE, name="notes.create")
    route("POST", "/consults/{id}/note/key-images", key_images.create, P.NOTE_WRITE, name="key_images.create")
    route("GET", "/notes/{id}/key-images", key_images.index, P.NOTE_WRITE, name="key_images.index")
    route("POST", "/notes/{id}/key-images/order", key_images.order, P.NOTE_WRITE, name="key_images.order")
    route("POST", "/notes/{id}/key-images/removal", key_images.remove, P.NOTE_WRITE, name="key_images.remove")
    route("GET", "/notes/{id}", notes.show, P.NOTE_READ, name="notes.show")
    route("PATCH", "/notes/{id}/draft", note_editor.save, P.NOTE_WRITE, name="notes.draft")
    route("POST", "/notes/{id}/draft", note_editor.save, P.NOTE_WRITE)
    route("GET", "/notes/{id}/preview", notes.preview, P.NOTE_WRITE, name="notes.preview")
    route("GET", "/notes/{id}/signature", notes.signature, P.NOTE_WRITE, name="notes.signature")
    route("POST", "/notes/{id}/signature", notes.sign, P.NOTE_WRITE)
    route("GET", "/notes/{id}/pdf", notes.pdf, P.NOTE_READ, name="notes.pdf")
    route("GET", "/notes/{id}/bundle", note_versions.bundle, P.NOTE_READ, name="notes.bundle")
    route("POST", "/notes/{id}/addendum", note_versions.add, P.NOTE_WRITE, name="notes.addendum")
    route("POST", "/notes/{id}/amendment", note_versions.amend, P.NOTE_WRITE, name="notes.amendment")
    route("GET", "/notes/{id}/retraction", note_versions.retraction, P.NOTE_WRITE, name="notes.retraction")
    route("POST", "/notes/{id}/retraction", note_versions.retract, P.NOTE_WRITE)
    route("GET", "/audit/notes/{id}/pdf", note_versions.withdrawn_pdf, P.AUDIT_READ, name="audit.withdrawn_note")
    route("POST", "/consults/{id}/acknowledgement", notes.acknowledge, P.CONSULT_REQUEST, name="notes.acknowledge")
