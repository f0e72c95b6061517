// What a chosen file is, by its first bytes: a disc full of programs must not travel over a thin link to be refused.

export type Kind = "image" | "archive" | "index" | "other";

const PREFIX = 128;

/** Rejects where the file can no longer be read: the disc was taken out, the file was moved. */
export async function kindOf(file: File): Promise<Kind> {
  const head = new Uint8Array(await file.slice(0, PREFIX + 4).arrayBuffer());
  // The index of a disc (PS3.10 §8) names files; it is never followed, since the files themselves are here.
  if (file.name.toUpperCase() === "DICOMDIR") return "index";
  if (says(head, PREFIX, "DICM")) return "image";
  return says(head, 0, "PK\x03\x04") || says(head, 0, "PK\x05\x06") ? "archive" : "other";
}

/** How a person may recognise the file: with its folders where a folder was chosen. */
export function pathOf(file: File): string {
  return file.webkitRelativePath || file.name;
}

function says(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((letter, place) => bytes[at + place] === letter.charCodeAt(0));
}
