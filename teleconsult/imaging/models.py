"""DICOM studies, series and instances as they came (PS3.3 A.1): rows to find them by, bytes in the object store."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from teleconsult.db import Base

_KEY: Final = Text(collation="C")
"""Compared byte by byte: dates in order, and names of which only the beginning is known, come from an index."""


class ImagingStudy(Base):
    """A study of one establishment. Another establishment may hold the same UID without either knowing."""

    __tablename__ = "imaging_study"
    __table_args__ = (
        UniqueConstraint("study_instance_uid", "organization_id"),
        CheckConstraint("patient_id is not null or service_request_id is null", name="consult_has_patient"),
        Index(
            "ix_imaging_study_waiting",
            "organization_id",
            "created_at",
            "id",
            postgresql_where="patient_id is null",
        ),
        Index("ix_imaging_study_latest", "study_date", "study_time", "study_instance_uid"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("patient.id"), index=True)
    """Nobody's until somebody matched what a machine sent (`imaging.matching`); then one patient's for good."""
    service_request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("service_request.id"), index=True)
    """The consult it was brought in for; None for what a machine sent."""
    study_instance_uid: Mapped[str]
    accession_number: Mapped[str] = mapped_column(default="", index=True)
    description: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None]
    modalities: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    header_patient_name: Mapped[str] = mapped_column(default="")
    header_patient_id: Mapped[str] = mapped_column(default="", index=True)
    header_issuer: Mapped[str] = mapped_column(default="", server_default="")
    """Whose number that is, where the images say it (0010,0021)."""
    header_birth_date: Mapped[date | None]
    header_sex: Mapped[str] = mapped_column(default="", server_default="")
    """Patient's Sex (0010,0040): M or F; empty where the images say neither."""
    source: Mapped[str] = mapped_column(default="", server_default="")
    """What the system, or who, is called that sent it; empty for what was brought in for a consult."""
    identity_differs: Mapped[bool] = mapped_column(default=False)
    """The images tell of somebody else (`identity.py`); someone must say it is right before it is filed."""
    reconciled_at: Mapped[datetime | None]
    reconciled_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner_role.id"))
    created_at: Mapped[datetime]
    folded_name: Mapped[str] = mapped_column(_KEY, default="", server_default="", index=True)
    """The name in the images, as names are compared; `other_names` its ideographic and phonetic forms."""
    other_names: Mapped[str] = mapped_column(_KEY, default="", server_default="")
    folded_referrer: Mapped[str] = mapped_column(_KEY, default="", server_default="")
    study_date: Mapped[str] = mapped_column(_KEY, default="", server_default="")
    """As DICOM writes it, `20260301`, where the study was made; `study_time` likewise, `101500`."""
    study_time: Mapped[str] = mapped_column(_KEY, default="", server_default="")
    study_identifier: Mapped[str] = mapped_column(_KEY, default="", server_default="")
    """Study ID (0020,0010)."""
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}", deferred=True)
    """What the first instance says of patient and study, in the DICOM JSON Model (PS3.18 Annex F)."""
    number_of_series: Mapped[int] = mapped_column(default=0, server_default="0")
    number_of_instances: Mapped[int] = mapped_column(default=0, server_default="0")

    series: Mapped[list["ImagingSeries"]] = relationship(lazy="raise", order_by="ImagingSeries.number")


class ImagingSeries(Base):
    """A series of a study."""

    __tablename__ = "imaging_series"
    __table_args__ = (UniqueConstraint("imaging_study_id", "series_instance_uid"),)

    imaging_study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imaging_study.id"))
    series_instance_uid: Mapped[str] = mapped_column(index=True)
    modality: Mapped[str]
    number: Mapped[int] = mapped_column(default=0)
    description: Mapped[str] = mapped_column(default="")
    body_part: Mapped[str] = mapped_column(default="")
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}", deferred=True)
    """What the first instance says of the series, in the DICOM JSON Model."""
    number_of_instances: Mapped[int] = mapped_column(default=0, server_default="0")

    instances: Mapped[list["ImagingInstance"]] = relationship(
        lazy="raise", order_by="ImagingInstance.number, ImagingInstance.sop_instance_uid"
    )


class ImagingInstance(Base):
    """One SOP instance; its original bytes are kept identical under `object_key`."""

    __tablename__ = "imaging_instance"
    __table_args__ = (
        UniqueConstraint("organization_id", "sop_instance_uid"),
        Index(None, "imaging_series_id", "number"),
        Index("ix_imaging_instance_unprepared", "created_at", postgresql_where="prepared_at is null"),
    )

    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    imaging_series_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imaging_series.id"))
    sop_instance_uid: Mapped[str] = mapped_column(index=True)
    sop_class_uid: Mapped[str]
    transfer_syntax_uid: Mapped[str]
    number: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    columns: Mapped[int] = mapped_column(default=0)
    frames: Mapped[int] = mapped_column(default=0)
    """0 where there is nothing to display."""
    window_center: Mapped[float | None] = mapped_column(Double)
    window_width: Mapped[float | None] = mapped_column(Double)
    not_displayable_because: Mapped[str] = mapped_column(default="")
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the file. What stands before its data set is the sender's, or the door's."""
    data_set_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of all that follows the file meta information (PS3.10 §7.1), as it is coded: of what came while that was noted.
    None of the others; it is read from the file when it is asked for."""
    object_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    dicom_json: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """All of the header, ready-made (`describing.py`), compressed by zlib; None for what came before there was any."""
    frame_index: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """Where each frame of encapsulated pixels lies (`frame_index.py`)."""
    pixels_at: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Where native pixels begin in the stored file, in bytes; 0 where frames cannot be cut out of it."""
    pixels_length: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    frame_bits: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Of one native frame, in bits: a frame need not begin on a byte (PS3.5 §8.1.1)."""
    prepared_at: Mapped[datetime | None]
    """When what thin links need was made of it, or refused (`imaging.preparing`); None while it waits for that."""


class RenditionKind(StrEnum):
    """What is made of an instance beforehand."""

    PREVIEW = "preview"
    """A small picture of each frame (`rendering.preview`)."""
    THUMBNAIL = "thumbnail"
    """One of the middle frame, smaller still."""
    CODESTREAM = "codestream"
    """Each frame as HTJ2K (`codestreams.codestream_of`)."""
    CINE = "cine"
    """All frames as a video (`cine.video_of`)."""
    PICTURE = "picture"
    """The first frame as DICOMweb draws it unless told otherwise, where that takes long (`making.made_of`)."""


class ImagingRendition(Base):
    """What was made of an instance, packed with that of others of its study into one object; or why it was not."""

    __tablename__ = "imaging_rendition"
    __table_args__ = (
        UniqueConstraint("imaging_instance_id", "kind"),
        CheckConstraint("(object_key = '') <> (refusal = '')", name="made_or_refused"),
    )

    imaging_instance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imaging_instance.id"))
    kind: Mapped[RenditionKind]
    object_key: Mapped[str] = mapped_column(default="")
    entries: Mapped[bytes] = mapped_column(LargeBinary, default=b"", deferred=True)
    """Where each frame's lies in the object (`packs.ENTRY`)."""
    refusal: Mapped[str] = mapped_column(default="")
    source_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the stored file it was made of."""
    created_at: Mapped[datetime]
