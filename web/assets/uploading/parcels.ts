// Small files travel together: one upload each would wait for the line twice a slice.
import { Zip, ZipDeflate, ZipPassThrough } from "fflate";
import { printOf, printOfFile } from "./prints";
import { pathOf } from "./sorting";

const PARCEL_BYTES = 8_000_000;
const PARCEL_FILES = 200;
/** The server takes an archive that holds 200 times its size for a bomb; blank images come near. */
const MOST_RATIO = 100;
const LEVEL = 4;
/** The same files make the same bytes, whenever they are packed. */
const ANY_DAY = new Date(2000, 0, 1);

/** What is sent as one upload. `print` tells it from all others; the same files have the same one after a reload. */
export interface Parcel {
  name: string;
  content: Blob;
  print: string;
}

/** Cut a list into what travels together. What is large, or is an archive or a photograph, goes alone. */
export function together(files: readonly File[], isAlone: (file: File) => boolean): File[][] {
  const result: File[][] = [];
  let lot: File[] = [];
  let bytes = 0;
  for (const file of files) {
    if (goesAlone(file, isAlone)) {
      result.push([file]);
      continue;
    }
    if (lot.length > 0 && (lot.length >= PARCEL_FILES || bytes + file.size > PARCEL_BYTES)) {
      result.push(lot);
      lot = [];
      bytes = 0;
    }
    lot.push(file);
    bytes += file.size;
  }
  if (lot.length > 0) result.push(lot);
  return result;
}

/**
 * Make one upload of files that travel together: what goes alone as it is, others as a ZIP. What can no longer
 * be read is left out of it and told.
 */
export async function parcelOf(
  files: readonly File[],
  isAlone: (file: File) => boolean,
  onUnreadable: (file: File) => void,
): Promise<Parcel> {
  const [first] = files;
  if (first && goesAlone(first, isAlone)) {
    return { name: first.name, content: first, print: await printOfFile(first) };
  }
  const packed = await zipped(files, onUnreadable);
  return { name: "images.zip", content: new Blob(packed), print: await printOf(joined(packed)) };
}

function goesAlone(file: File, isAlone: (file: File) => boolean): boolean {
  return file.size > PARCEL_BYTES || isAlone(file) || file.name.toLowerCase().endsWith(".zip");
}

async function zipped(
  files: readonly File[],
  onUnreadable: (file: File) => void,
  level: 0 | typeof LEVEL = LEVEL,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const zip = new Zip((error, piece) => {
    if (error) throw error;
    pieces.push(piece as Uint8Array<ArrayBuffer>);
  });
  let bytes = 0;
  for (const file of files) {
    const content = await file.arrayBuffer().catch(() => null);
    if (!content) {
      onUnreadable(file);
      continue;
    }
    const entry = level === 0 ? new ZipPassThrough(pathOf(file)) : new ZipDeflate(pathOf(file), { level });
    entry.mtime = ANY_DAY;
    zip.add(entry);
    entry.push(new Uint8Array(content), true);
    bytes += file.size;
  }
  zip.end();
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return level !== 0 && bytes > size * MOST_RATIO ? zipped(files, () => undefined, 0) : pieces;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
