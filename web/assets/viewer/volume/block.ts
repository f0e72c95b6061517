// The block of values that Cornerstone3D cuts, and what it has to know of it; vectors in the patient's coordinates.
import { cache, Enums, metaData, type Types, utilities, volumeLoader } from "@cornerstonejs/core";
import { utilities as toolUtilities } from "@cornerstonejs/tools";
import type { Manifest, Plan, Three } from "./plan";

/** No address: nothing is to be fetched for it. */
export const VOLUME = "volume";
/** Before what Cornerstone knows by itself. */
const HIGH = 20_000;
/** Of a side's letter, a cosine. */
const SLANT = 0.3;

/** Hands the values over; they are not copied. */
export function lay(manifest: Manifest, plan: Plan, content: Int16Array | Float32Array): void {
  cache.setMaxCacheSize(2 * plan.memory + 1);
  const volume = volumeLoader.createLocalVolume(VOLUME, {
    scalarData: content,
    metadata: metadataOf(manifest, plan),
    dimensions: plan.size,
    spacing: plan.spacing,
    origin: manifest.origin,
    direction: manifest.direction as Types.Mat3,
  });
  volume.modified(); // else nothing goes to the graphics
  metaData.addProvider(placesOf(volume), HIGH);
}

function metadataOf({ modality, direction }: Manifest, { size, spacing }: Plan): Types.Metadata {
  return {
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Modality: modality,
    ImageOrientationPatient: direction.slice(0, 6),
    PixelSpacing: [spacing[1], spacing[0]],
    FrameOfReferenceUID: VOLUME,
    Columns: size[0],
    Rows: size[1],
    voiLut: [],
    VOILUTFunction: "LINEAR",
  };
}

/** Where each slice lies: a local volume gives all of them the place of the first. */
function placesOf({ imageIds, origin, direction, spacing }: Types.IImageVolume) {
  const along = direction.slice(6);
  const places = new Map(
    imageIds.map((id, at) => [id, origin.map((one, axis) => one + at * spacing[2] * (along[axis] ?? 0))]),
  );
  return (type: string, id: unknown): unknown => {
    const position = places.get(String(id));
    if (type !== Enums.MetadataModules.IMAGE_PLANE || !position) return undefined;
    const plane = utilities.genericMetadataProvider.get(type, String(id)) as object;
    return { ...plane, frameOfReferenceUID: VOLUME, imagePositionPatient: position };
  };
}

/** Towards which sides of the patient this leads, the nearest first (PS3.3 C.7.6.1.1.1). */
export function letters(vector: ArrayLike<number>): string {
  const slanted = Array.from(vector, (one) => (Math.abs(one) > SLANT ? one : 0)) as Three;
  return toolUtilities.orientation.getOrientationStringLPS(slanted);
}

export function opposite(vector: ArrayLike<number>): Three {
  return Array.from(vector, (one) => -one) as Three;
}

export function cross([a, b, c]: Types.Point3, [d, e, f]: Types.Point3): Three {
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

export function dot([a, b, c]: Types.Point3, [d, e, f]: Types.Point3): number {
  return a * d + b * e + c * f;
}
