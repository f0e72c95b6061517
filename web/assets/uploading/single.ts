// One file on its way, for as long as it takes: sent in pieces, gone on with after a break or a reload.
import { printOfFile } from "./prints";
import { Remembered } from "./remembering";
import { deliver, type Receipt, type Watcher } from "./sending";

/** Rejects with the server's words (Undelivered), or with an AbortError. */
export async function deliverFile(
  file: File,
  to: { door: string; told?: Record<string, string>; signal: AbortSignal } & Watcher,
): Promise<Receipt> {
  const print = await printOfFile(file);
  const remembered = new Remembered(to.door);
  const receipt = await deliver({ name: file.name, content: file, print }, { told: {}, ...to, remembered });
  remembered.forget(print); // sent once more on purpose, it goes once more
  return receipt;
}
