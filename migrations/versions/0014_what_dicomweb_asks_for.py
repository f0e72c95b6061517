"""What DICOMweb asks for: keys to search studies by, each object's header as DICOM JSON, and where its frames lie.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import description_walls, walls
from teleconsult.patients.names import fold

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEYS = ("folded_name", "other_names", "folded_referrer", "study_date", "study_time", "study_identifier")

STUDIES_BEFORE = """
update imaging_study study set
  study_date = coalesce(to_char(study.started_at at time zone house.time_zone, 'YYYYMMDD'), ''),
  study_time = coalesce(to_char(study.started_at at time zone house.time_zone, 'HH24MISS'), ''),
  attributes = jsonb_strip_nulls(jsonb_build_object(
    '00080005', '{"vr": "CS", "Value": ["ISO_IR 192"]}'::jsonb,
    '00080020', case when study.started_at is not null then jsonb_build_object('vr', 'DA', 'Value',
      jsonb_build_array(to_char(study.started_at at time zone house.time_zone, 'YYYYMMDD'))) end,
    '00080050', jsonb_build_object('vr', 'SH', 'Value', jsonb_build_array(study.accession_number)),
    '00081030', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array(study.description)),
    '00100010', jsonb_build_object('vr', 'PN', 'Value', jsonb_build_array(
      jsonb_build_object('Alphabetic', split_part(study.header_patient_name, '=', 1)))),
    '00100020', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array(study.header_patient_id))))
from organization house where house.id = study.organization_id
"""
SERIES_BEFORE = """
update imaging_series set attributes = jsonb_build_object(
  '0008103E', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array(description)),
  '00180015', jsonb_build_object('vr', 'CS', 'Value', jsonb_build_array(body_part)),
  '00200011', jsonb_build_object('vr', 'IS', 'Value', jsonb_build_array(number)))
"""
"""What came in before says of itself what the rows know; the rest is read from the file when it is asked for."""


def upgrade() -> None:
    for name in KEYS:
        op.add_column("imaging_study", sa.Column(name, sa.Text(collation="C"), server_default="", nullable=False))
    for table in ("imaging_study", "imaging_series"):
        op.add_column(table, sa.Column("attributes", JSONB(), server_default="{}", nullable=False))
        op.add_column(table, sa.Column("number_of_instances", sa.Integer(), server_default="0", nullable=False))
    op.add_column("imaging_study", sa.Column("number_of_series", sa.Integer(), server_default="0", nullable=False))
    op.add_column("imaging_instance", sa.Column("dicom_json", sa.LargeBinary(), nullable=True))
    op.add_column("imaging_instance", sa.Column("frame_index", sa.LargeBinary(), nullable=True))
    for name in ("pixels_at", "pixels_length", "frame_bits"):
        op.add_column("imaging_instance", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("ix_imaging_study_latest", "imaging_study", ["study_date", "study_time", "study_instance_uid"])
    for name in ("folded_name", "header_patient_id", "accession_number"):
        op.create_index(op.f(f"ix_imaging_study_{name}"), "imaging_study", [name])
    op.create_index(op.f("ix_imaging_series_series_instance_uid"), "imaging_series", ["series_instance_uid"])
    op.create_index(op.f("ix_imaging_instance_sop_instance_uid"), "imaging_instance", ["sop_instance_uid"])
    op.execute(
        "update imaging_series series set number_of_instances = counted.number from"
        " (select imaging_series_id, count(*) number from imaging_instance group by imaging_series_id) counted"
        " where counted.imaging_series_id = series.id"
    )
    op.execute(
        "update imaging_study study set number_of_series = counted.series, number_of_instances = counted.instances"
        " from (select imaging_study_id, count(*) series, sum(number_of_instances) instances from imaging_series"
        " group by imaging_study_id) counted where counted.imaging_study_id = study.id"
    )
    for statement in (STUDIES_BEFORE, SERIES_BEFORE):
        op.execute(statement)
    _fold_names()
    owner = op.get_bind().exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for table, wall in description_walls.WALLS.items():
        for statement in (*walls.lowered(table), *walls.raised(table, wall, owner=owner)):
            op.execute(statement)


def _fold_names() -> None:
    """As new studies have them: without case and accents."""
    connection = op.get_bind()
    names = connection.exec_driver_sql("select distinct header_patient_name from imaging_study").scalars().all()
    update = sa.text("update imaging_study set folded_name = :folded where header_patient_name = :name")
    for name in names:
        connection.execute(update, {"name": name, "folded": fold(name.split("=")[0])})
