"""The wall round series: who brings images to a study counts them there."""

from dataclasses import replace
from typing import Final

from migrations.acting import ME
from migrations.walls import IMAGING, Wall

_BRINGS: Final = f"brings_to({ME}, imaging_study_id)"

WALLS: Final[dict[str, Wall]] = {"imaging_series": replace(IMAGING["imaging_series"], change=_BRINGS)}
