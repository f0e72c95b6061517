"""Windows a radiologist sets a CT to, those for the parts of the body in a study first."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from teleconsult.imaging.models import ImagingSeries
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

_TRUNK: Final = frozenset({"CHEST", "THORAX", "ABDOMEN", "PELVIS"})
_SPINE: Final = frozenset({"SPINE", "CSPINE", "TSPINE", "LSPINE", "LSSPINE"})


@dataclass(frozen=True, slots=True)
class Preset:
    """Centre and width in Hounsfield units, and the parts of the body it is for (PS3.16 CID 4031, as in 0018,0015)."""

    name: LazyString
    center: int
    width: int
    parts: frozenset[str]


PRESETS: Final = (
    Preset(_("Brain"), 40, 80, frozenset({"HEAD", "BRAIN", "SKULL"})),
    Preset(_("Stroke"), 35, 40, frozenset({"HEAD", "BRAIN"})),
    Preset(_("Bleeding around the brain"), 75, 215, frozenset({"HEAD", "BRAIN"})),
    Preset(_("Lung"), -600, 1500, frozenset({"CHEST", "THORAX", "LUNG"})),
    Preset(_("Chest without lungs"), 50, 350, frozenset({"CHEST", "THORAX", "HEART"})),
    Preset(_("Vessels with contrast"), 300, 600, frozenset({"HEAD", "NECK"}) | _TRUNK),
    Preset(_("Soft tissue"), 40, 400, frozenset({"NECK"}) | _TRUNK),
    Preset(_("Liver"), 60, 160, frozenset({"ABDOMEN", "LIVER"})),
    Preset(_("Spine"), 50, 250, _SPINE),
    Preset(_("Bone"), 480, 2500, _SPINE | {"SKULL", "PELVIS", "HIP", "KNEE", "EXTREMITY", "SHOULDER"}),
)


def window_presets(series: Iterable[ImagingSeries]) -> tuple[list[Preset], list[Preset]]:
    """Those for a part of the body that one of the series shows, and the others."""
    parts = {one.body_part.upper() for one in series}
    return [one for one in PRESETS if one.parts & parts], [one for one in PRESETS if not one.parts & parts]
