"""Series as large as real ones: noise as of a scanner in a body, so that they compress no better than real ones do."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import DigitalXRayImageStorageForPresentation

from tests.teleconsult.imaging.files import dicom_bytes

CT_SIDE: Final = 512
_NOISE: Final = 5
"""Standard deviation in HU: of a head scanned for its brain."""
_DETECTOR_NOISE: Final = 110


def ct_slices(count: int, **values: Any) -> Iterator[bytes]:
    """A head in axial slices, 512 × 512 of 16 bits; `values` are DICOM keywords."""
    drawn = np.random.default_rng(1)
    for number in range(1, count + 1):
        pixels = _head(number / (count + 1), CT_SIDE, drawn)
        yield dicom_bytes(
            side=CT_SIDE,
            InstanceNumber=number,
            SOPInstanceUID=f"{values.get('SeriesInstanceUID', '1.2.3')}.{number}",
            RescaleIntercept=0,
            PixelData=pixels.astype("<i2").tobytes(),
            **values,
        )


def radiograph(rows: int = 1955, columns: int = 1841, **values: Any) -> bytes:
    """A chest of 12 bits, as noisy as a detector."""
    drawn = np.random.default_rng(2)
    y, x = np.mgrid[0:rows, 0:columns].astype("f4")
    lungs = sum(_ellipse(x / columns, y / rows, middle, 0.45, 0.16, 0.3) for middle in (0.3, 0.7))
    ribs = np.sin(y / rows * 60 + np.abs(x / columns - 0.5) * 8) * 120
    signal = 1400 + 1500 * lungs + ribs * (lungs > 0)
    pixels = (signal + drawn.normal(0, _DETECTOR_NOISE, signal.shape)).clip(0, 4095)
    return dicom_bytes(
        SOPClassUID=DigitalXRayImageStorageForPresentation,
        Modality="DX",
        Rows=rows,
        Columns=columns,
        BitsStored=12,
        HighBit=11,
        PixelRepresentation=0,
        RescaleIntercept=0,
        WindowCenter=2048,
        WindowWidth=4096,
        PixelData=pixels.astype("<u2").tobytes(),
        **values,
    )


def _head(height: float, side: int, drawn: np.random.Generator) -> NDArray[np.floating]:
    """Skull, brain and ventricles in HU, at a height from 0 to 1."""
    y, x = np.mgrid[0:side, 0:side].astype("f4") / side
    size = 0.42 * np.sqrt(1 - (2 * height - 1) ** 2 * 0.8)
    skull = _ellipse(x, y, 0.5, 0.5, size * 0.82, size) > 0
    brain = _ellipse(x, y, 0.5, 0.5, size * 0.76, size * 0.94) > 0
    ventricles = sum(_ellipse(x, y, middle, 0.48, size * 0.1, size * 0.3) for middle in (0.46, 0.54)) > 0
    folds = np.sin(x * 90 + height * 20) * np.sin(y * 80) * 4
    hu = np.where(skull, np.where(brain, np.where(ventricles, 8, 34 + folds), 1100), -1000)
    noise = drawn.normal(0, _NOISE, hu.shape) + drawn.normal(0, 1, hu.shape)
    return np.where(skull, hu + noise, hu + noise * 0.8)


def _ellipse(
    x: NDArray[np.floating], y: NDArray[np.floating], middle: float, centre: float, width: float, height: float
) -> NDArray[np.floating]:
    """1 in its middle, 0 at its edge and outside."""
    distance: NDArray[np.floating] = 1 - ((x - middle) / width) ** 2 - ((y - centre) / height) ** 2
    return distance.clip(0, 1)
