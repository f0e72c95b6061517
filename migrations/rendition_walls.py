"""The wall round what was made of images beforehand: who sees the image sees it, who takes the image back removes it.

The system makes it (`teleconsult.imaging.preparing`).
"""

from typing import Final

from migrations.acting import ME
from migrations.walls import Wall, shown

_BRINGS: Final = f"""exists (
    select from imaging_instance kept
    where kept.id = imaging_rendition.imaging_instance_id and brings_to_series({ME}, kept.imaging_series_id))"""

WALLS: Final = {
    "imaging_rendition": Wall(
        read=shown("imaging_instance", "kept", by="imaging_rendition.imaging_instance_id"), remove=_BRINGS
    ),
}

WRITTEN_ONCE: Final = {"imaging_rendition": ("imaging_instance_id", "kind", "source_sha256")}
