// Sends files in small lots: one request a file would wait for the line each time, one for all would lose all.
import { ownHeaders } from "./requests";

const LOT_FILES = 20;
const LOT_BYTES = 32_000_000;

/** What the server says of a lot: files it could not take, and why, in the reader's words. */
export interface Receipt {
  refused?: { name: string; reason: string }[];
  error?: string;
}

/** Where files go, and whom to tell on the way. */
export interface Destination {
  url: string;
  name: string;
  signal: AbortSignal;
  onProgress: (files: number, of: number, ratio: number) => void;
  onReceipt: (receipt: Receipt) => void;
}

/** Cut a list into lots of at most 20 files and, but for a single large file, 32 MB. */
export function lots(files: readonly File[]): File[][] {
  const result: File[][] = [];
  let lot: File[] = [];
  let bytes = 0;
  for (const file of files) {
    if (lot.length > 0 && (lot.length >= LOT_FILES || bytes + file.size > LOT_BYTES)) {
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

/** One lot on its way. XMLHttpRequest, because fetch tells nothing of what has been sent. Rejects when aborted or failed. */
export function sendLot(
  lot: readonly File[],
  to: { url: string; name: string; signal: AbortSignal; onBytes: (sent: number) => void },
): Promise<Receipt> {
  const body = new FormData();
  for (const file of lot) body.append(to.name, file, file.webkitRelativePath || file.name);
  const request = new XMLHttpRequest();
  const abort = (): void => request.abort();
  to.signal.addEventListener("abort", abort);
  return new Promise<Receipt>((resolve, reject) => {
    request.open("POST", to.url);
    for (const [header, value] of Object.entries(ownHeaders())) request.setRequestHeader(header, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => to.onBytes(event.loaded);
    request.onload = () => {
      const receipt = (request.response ?? {}) as Receipt;
      if (request.status < 300) resolve(receipt);
      else reject(new Error(receipt.error ?? ""));
    };
    request.onerror = () => reject(new Error(""));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    request.send(body);
  }).finally(() => to.signal.removeEventListener("abort", abort));
}

/** Send a queue lot by lot until it is empty; what is added meanwhile goes too. Returns how many files were sent. */
export async function sendAll(queue: File[], to: Destination): Promise<number> {
  const sizeOf = (files: readonly File[]): number => files.reduce((sum, file) => sum + file.size, 0);
  let files = 0;
  let bytes = 0;
  for (let lot = lots(queue)[0]; lot; lot = lots(queue)[0]) {
    const total = bytes + sizeOf(queue);
    const onBytes = (sent: number): void =>
      to.onProgress(files, files + queue.length, Math.min((bytes + sent) / total, 1));
    onBytes(0);
    const receipt = await sendLot(lot, { url: to.url, name: to.name, signal: to.signal, onBytes });
    queue.splice(0, lot.length);
    files += lot.length;
    bytes += sizeOf(lot);
    to.onReceipt(receipt);
  }
  to.onProgress(files, files, 1);
  return files;
}
