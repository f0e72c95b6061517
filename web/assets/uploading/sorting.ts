// What a chosen file is, by its first bytes: a disc full of programs must not travel over a thin link to be refused.

export type Kind = "image" | "archive" | "index" | "capture" | "heic" | "other";

const PREFIX = 128;
const HEIF = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis"];
const QUICKTIME = ["moov", "mdat", "wide", "free", "skip"];

/** Rejects where the file can no longer be read: the disc was taken out, the file was moved. */
export async function kindOf(file: File): Promise<Kind> {
  const head = new Uint8Array(await file.slice(0, PREFIX + 4).arrayBuffer());
  // The index of a disc (PS3.10 §8) names files; it is never followed, since the files themselves are here.
  if (file.name.toUpperCase() === "DICOMDIR") return "index";
  if (says(head, PREFIX, "DICM")) return "image";
  if (says(head, 0, "PK\x03\x04") || says(head, 0, "PK\x05\x06")) return "archive";
  return captured(head);
}

/** Photographs, videos and PDFs, as the server tells them apart (imaging/captures/kinds.py). */
function captured(head: Uint8Array): Kind {
  if (says(head, 4, "ftyp")) return HEIF.some((brand) => says(head, 8, brand)) ? "heic" : "capture";
  const isPicture = says(head, 0, "\xff\xd8\xff") || says(head, 0, "\x89PNG") || says(head, 8, "WEBP");
  const isVideo = says(head, 0, "\x1a\x45\xdf\xa3") || QUICKTIME.some((box) => says(head, 4, box));
  return isPicture || isVideo || says(head, 0, "%PDF-") ? "capture" : "other";
}

/** How a person may recognise the file: with its folders where a folder was chosen. */
export function pathOf(file: File): string {
  return file.webkitRelativePath || file.name;
}

function says(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((letter, place) => bytes[at + place] === letter.charCodeAt(0));
}
