"""What an establishment's administrators look after: its people, services, roster, doors, rules and imports."""

from sqlalchemy import select

from teleconsult.access.rows.people import roles_of_house
from teleconsult.access.rows.seam import Filter, is_account, is_house, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import IssuedToken, WebSession
from teleconsult.directory.mailboxes.models import Mailbox, MailboxImport
from teleconsult.directory.models import (
    DirectoryImport,
    Endpoint,
    HealthcareService,
    Practitioner,
    PractitionerRole,
    RetentionRule,
)
from teleconsult.hl7v2.models import Hl7Message, Hl7Sender
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.pacs.models import Pacs, PacsFetch
from teleconsult.received.models import ReceivedMessage
from teleconsult.systems.models import FhirClient


@row_filter
def practitioners_of_house(actor: Actor) -> Filter:
    """Who has, or had, a role at the actor's establishment."""
    return Practitioner.id.in_(select(PractitionerRole.practitioner_id).where(roles_of_house(actor)))


@row_filter
def sessions_of_house(actor: Actor) -> Filter:
    """Browsers signed in to a role at the actor's establishment."""
    return WebSession.practitioner_role_id.in_(select(PractitionerRole.id).where(roles_of_house(actor)))


@row_filter
def own_sessions(actor: Actor) -> Filter:
    """Browsers signed in to the actor's account."""
    return is_account(WebSession.account_id, actor)


@row_filter
def own_tokens(actor: Actor) -> Filter:
    """Bearer tokens of the actor's account."""
    return is_account(IssuedToken.account_id, actor)


@row_filter
def tokens_of_house(actor: Actor) -> Filter:
    """Bearer tokens that act for the actor's establishment."""
    return is_house(IssuedToken.organization_id, actor)


@row_filter
def services_of_house(actor: Actor) -> Filter:
    """What the actor's establishment offers."""
    return is_house(HealthcareService.organization_id, actor)


@row_filter
def endpoints_of_house(actor: Actor) -> Filter:
    """Where the systems of the actor's establishment are reached."""
    return is_house(Endpoint.organization_id, actor)


@row_filter
def hl7_senders_of_house(actor: Actor) -> Filter:
    """Systems of the actor's establishment that send HL7 v2."""
    return is_house(Hl7Sender.organization_id, actor)


@row_filter
def hl7_messages_of_house(actor: Actor) -> Filter:
    """What they sent."""
    return is_house(Hl7Message.organization_id, actor)


@row_filter
def dicom_peers_of_house(actor: Actor) -> Filter:
    """Systems of the actor's establishment that send images by DIMSE."""
    return is_house(DicomPeer.organization_id, actor)


@row_filter
def pacs_of_house(actor: Actor) -> Filter:
    """Archives of images that the actor's establishment asks."""
    return is_house(Pacs.organization_id, actor)


@row_filter
def pacs_fetches(actor: Actor) -> Filter:
    """What the actor asked such archives for."""
    return is_role(PacsFetch.requester_role_id, actor)


@row_filter
def fhir_clients_of_house(actor: Actor) -> Filter:
    """Systems of the actor's establishment that come to the FHIR door by themselves."""
    return is_house(FhirClient.organization_id, actor)


@row_filter
def rules_of_house(actor: Actor) -> Filter:
    """How long the actor's establishment keeps things."""
    return is_house(RetentionRule.organization_id, actor)


@row_filter
def imports_of_house(actor: Actor) -> Filter:
    """Extracts that the actor's establishment held against the directory."""
    return is_house(DirectoryImport.organization_id, actor)


@row_filter
def mailboxes_of_house(actor: Actor) -> Filter:
    """The directory of mailboxes that the actor's establishment keeps."""
    return is_house(Mailbox.organization_id, actor)


@row_filter
def mailbox_imports_of_house(actor: Actor) -> Filter:
    """Files that the actor's establishment held against it."""
    return is_house(MailboxImport.organization_id, actor)


@row_filter
def received_messages(actor: Actor) -> Filter:
    """What others mailed to the actor's establishment."""
    return is_house(ReceivedMessage.organization_id, actor)
