"""Mails with a patient's documents as other software sends them (IHE XDM by e-mail)."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Final

INS: Final = "251034219900382"
NIR: Final = "1.2.250.1.213.1.4.8"
DOCUMENT: Final = "2.25.299695622471"
FOLDER: Final = "IHE_XDM/SUBSET01"
PDF: Final = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def letter(
    *, number: str = INS, root: str = NIR, oid: str = DOCUMENT, family: str = "BÉLANGER", born: str = "19510314"
) -> bytes:
    """A CDA R2 document whose body is a PDF."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <id root="{oid}"/><code code="11488-4" codeSystem="2.16.840.1.113883.6.1" displayName="Compte rendu"/>
  <title>Compte rendu de consultation</title><effectiveTime value="20261101101500+0100"/>
  <confidentialityCode code="N"/><languageCode code="fr-FR"/>
  <recordTarget><patientRole><id root="{root}" extension="{number}"/>
    <patient><name><family qualifier="BR">{family}</family><given>Rose</given></name>
      <administrativeGenderCode code="F"/><birthTime value="{born}"/></patient></patientRole></recordTarget>
  <author><time value="20261101"/><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="810003456789"/>
    <assignedPerson><name><prefix>DR</prefix><given>Jean</given><family>Dupont</family></name></assignedPerson>
  </assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.250.1.71.4.2.2" extension="1540002698"/>
    <name>CHRU</name></representedCustodianOrganization></assignedCustodian></custodian>
  <component><nonXMLBody><text mediaType="application/pdf" representation="B64">{base64.b64encode(PDF).decode()}</text>
  </nonXMLBody></component>
</ClinicalDocument>""".encode()


def metadata(documents: Mapping[str, bytes], *, number: str = INS, root: str = NIR) -> bytes:
    """METADATA.XML of these documents (ITI TF-3 §4.2)."""
    entries = "".join(_entry(name, content, number, root) for name, content in documents.items())
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
  xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><RegistryObjectList>{entries}</RegistryObjectList>
</lcm:SubmitObjectsRequest>""".encode()


def _entry(name: str, content: bytes, number: str, root: str) -> str:
    slots = {
        "URI": name,
        "size": str(len(content)),
        "hash": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "sourcePatientInfo": "PID-5|BÉLANGER^Rose^^^^^L",
    }
    said = "".join(
        f'<Slot name="{key}"><ValueList><Value>{value}</Value></ValueList></Slot>' for key, value in slots.items()
    )
    patient, unique = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427", "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
    return f"""<ExtrinsicObject id="urn:uuid:{name}" mimeType="text/xml">{said}
      <Name><LocalizedString value="Compte rendu"/></Name>
      <ExternalIdentifier identificationScheme="{patient}" value="{number}^^^&amp;{root}&amp;ISO^NH"/>
      <ExternalIdentifier identificationScheme="{unique}" value="{DOCUMENT}"/></ExtrinsicObject>"""


def archive(files: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> bytes:
    """A ZIP of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            opened.writestr(name, content)
    return out.getvalue()


def xdm(document: bytes | None = None, *, number: str = INS, root: str = NIR) -> bytes:
    """IHE_XDM.ZIP with one document."""
    documents = {"DOC00001.XML": document or letter(number=number, root=root)}
    return archive(
        {
            "INDEX.HTM": b"<html/>",
            "README.TXT": b"x",
            f"{FOLDER}/METADATA.XML": metadata(documents, number=number, root=root),
            **{f"{FOLDER}/{name}": content for name, content in documents.items()},
        }
    )


def mail(
    attached: bytes | None, *, number: int = 1, answer: bool = True, to: str = "us@a.mssante.test"
) -> EmailMessage:
    """A mail with it, or without."""
    message = EmailMessage()
    message["Return-Path"] = "<cabinet@hopital.mssante.test>"
    message["Message-ID"] = f"<{number}@other.mssante.test>"
    message["From"] = "Cabinet <cabinet@hopital.mssante.test>"
    message["To"] = to
    message["Subject"] = "XDM/1.0/DDM+Compte rendu BÉLANGER Rose"
    message["Disposition-Notification-To"] = "cabinet@hopital.mssante.test"
    message.set_content("Bonjour")
    if attached is not None:
        message.add_attachment(attached, maintype="application", subtype="zip", filename="IHE_XDM.ZIP")
        message.add_attachment(PDF, maintype="application", subtype="pdf", filename="cr.pdf")
    return message
