"""The reading side of DICOMweb: every address of it (PS3.18 §10.4, §10.6)."""

from typing import Final

from web.api import qido, wado, wado_frames, wado_pictures
from web.requests import Handler

_STUDIES: Final = "/dicomweb/studies"
_STUDY: Final = f"{_STUDIES}/{{uid}}"
_SERIES: Final = f"{_STUDY}/series/{{series}}"
_INSTANCE: Final = f"{_SERIES}/instances/{{sop}}"
_FRAME: Final = rf"{_INSTANCE}/frames/{{frame:\d{{1,6}}}}"
_WHOLE: Final = (_STUDY, _SERIES, _INSTANCE)

READ: Final[tuple[tuple[str, Handler], ...]] = (
    (_STUDIES, qido.studies),
    ("/dicomweb/series", qido.series),
    ("/dicomweb/instances", qido.instances),
    (f"{_STUDY}/series", qido.series),
    (f"{_STUDY}/instances", qido.instances),
    (f"{_SERIES}/instances", qido.instances),
    *((path, wado.instances) for path in _WHOLE),
    *((f"{path}/metadata", wado.metadata) for path in _WHOLE),
    (rf"{_INSTANCE}/frames/{{frames:\d{{1,6}}(?:,\d{{1,6}})*}}", wado_frames.frames),
    (rf"{_INSTANCE}/bulkdata/{{path:[0-9A-Fa-f]{{8}}(?:/\d{{1,6}}/[0-9A-Fa-f]{{8}})*}}", wado_frames.bulk_data),
    *((f"{path}/rendered", wado_pictures.rendered) for path in (_INSTANCE, _FRAME)),
    *((f"{path}/rendered", wado_pictures.rendered_all) for path in (_STUDY, _SERIES)),
    *((f"{path}/thumbnail", wado_pictures.thumbnail) for path in (*_WHOLE, _FRAME)),
)
