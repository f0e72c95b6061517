// What tells one upload from all others: the same files have the same print after a reload, and it names nobody.
import { pathOf } from "./sorting";

/** Of a file that goes alone, without reading it. */
export function printOfFile(file: File): Promise<string> {
  return printOf(new TextEncoder().encode([pathOf(file), file.size, file.lastModified].join("\n")));
}

/** SHA-256, so that no name of a patient stays in the browser. "" where the page may not compute it (plain http). */
export async function printOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!crypto.subtle) return "";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
