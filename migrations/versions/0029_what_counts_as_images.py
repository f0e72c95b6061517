"""What a note says was shared counts images: reports, selections and ways of showing (SR, KO, PR) are none.

A migration adds first and removes one release later, so that two versions can run side by side.
It never edits rows that are signed, audited or frozen. Grants for new tables are in the same file.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

CONSULT_IMAGES = """
create or replace function consult_images(consult uuid)
returns table (study_instance_uid text, description text, modalities text[], started_at timestamptz, images bigint)
language sql stable security definer
  begin atomic
    select study.study_instance_uid, study.description,
      array(select one from unnest(study.modalities) one where one not in ('KO', 'PR', 'SR')), study.started_at,
      count(distinct instance.id) filter (where series.modality not in ('KO', 'PR', 'SR'))
    from excerpt join excerpt_study shared on shared.excerpt_id = excerpt.id
      join imaging_study study on study.id = shared.imaging_study_id
      left join imaging_series series on series.imaging_study_id = study.id
      left join imaging_instance instance on instance.imaging_series_id = series.id
    where excerpt.service_request_id = consult_images.consult
      and (acts_as_system() or sees_consult(consult_images.consult))
    group by study.id order by study.started_at, study.study_instance_uid;
  end;
"""


def upgrade() -> None:
    op.execute(CONSULT_IMAGES)
