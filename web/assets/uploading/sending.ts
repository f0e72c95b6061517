// One parcel on its way: sent by tus (https://tus.io) for as long as it takes, then taken in by the server.
import { type DetailedError, Upload } from "tus-js-client";
import { ownHeaders } from "../requests";
import type { Parcel } from "./parcels";
import type { Remembered } from "./remembering";

/** 14 s at 300 kbit/s; proxies that hold a request back until it is whole still let something through. */
const CHUNK_BYTES = 512 * 1024;
const WAITS = [500, 1000, 2000, 4000, 8000, 15_000, ...Array<number>(200).fill(30_000)];
/** A connection that died without a word is given up after this, and another one tried. */
const SILENT_MS = 45_000;
const PASSING = [0, 408, 423, 502, 503, 504];

export interface Refused {
  name: string;
  code: string;
  reason: string;
}

/** What a disc carries besides its images: nobody misses it. */
export const NOT_DICOM = "not-dicom";

/** What the server says of a parcel: files it could not take, and why, in the reader's words. */
export interface Receipt {
  received?: number;
  refused?: Refused[];
}

export interface Watcher {
  onProgress: (ratio: number) => void;
  /** The link is lost (true), or back. */
  onWaiting: (isWaiting: boolean) => void;
}

/** The file can no longer be read; to the browser that looks like a lost link. */
export class Unreadable extends Error {}

/** The server will not have it, or nobody answers any more: its words, where it gave any. */
export class Undelivered extends Error {
  override readonly name = "Undelivered";
}

/** What was called off. With `leave` as its reason, what arrived stays and may go on; otherwise it is thrown away. */
export const LEAVE = "leave";

/** Send a parcel, and what is `told` of it, and wait for what became of it. Rejects with the server's words, or with an AbortError. */
export async function deliver(
  parcel: Parcel,
  to: { door: string; told: Record<string, string>; remembered: Remembered; signal: AbortSignal } & Watcher,
): Promise<Receipt> {
  const url = await send(parcel, to);
  const receipt = await reception(url, to);
  to.remembered.finish(parcel.print);
  return receipt;
}

function send(parcel: Parcel, to: Parameters<typeof deliver>[1]): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    let silence = 0;
    const listen = (): void => {
      clearTimeout(silence);
      silence = window.setTimeout(again, SILENT_MS);
    };
    const upload = new Upload(parcel.content, {
      endpoint: to.door,
      uploadUrl: to.remembered.find(parcel.print),
      chunkSize: CHUNK_BYTES,
      metadata: { filename: parcel.name, ...to.told },
      storeFingerprintForResuming: false,
      retryDelays: WAITS,
      onBeforeRequest: (request) => {
        for (const [name, value] of Object.entries(ownHeaders())) request.setHeader(name, value);
      },
      onShouldRetry: (error) => {
        const passes = isPassing(error);
        if (passes) to.onWaiting(true);
        void parcel.content.slice(0, 1).arrayBuffer().catch(giveUp);
        return passes;
      },
      onUploadUrlAvailable: () => to.remembered.begin(parcel.print, upload.url ?? ""),
      onAfterResponse: (_request, response) => to.onWaiting(PASSING.includes(response.getStatus())),
      onProgress: (sent, of) => {
        listen();
        to.onProgress(of > 0 ? sent / of : 1);
      },
      onSuccess: () => end(() => resolve(upload.url ?? "")),
      onError: (error) => {
        end(() => reject(new Undelivered(wordsOf((error as Partial<DetailedError>).originalResponse?.getBody()))));
      },
    });
    const again = (): void => {
      to.onWaiting(true);
      void upload.abort();
      upload.start();
      listen();
    };
    const giveUp = (): void => {
      void upload.abort();
      end(() => reject(new Unreadable()));
    };
    const stop = (): void => {
      const isOver = to.signal.reason !== LEAVE;
      if (isOver) to.remembered.forget(parcel.print);
      upload.abort(isOver).catch(() => undefined);
      end(() => reject(new DOMException("", "AbortError")));
    };
    const end = (settle: () => void): void => {
      clearTimeout(silence);
      window.removeEventListener("online", again);
      to.signal.removeEventListener("abort", stop);
      settle();
    };
    window.addEventListener("online", again);
    to.signal.addEventListener("abort", stop);
    listen();
    if (to.signal.aborted) stop();
    else upload.start();
  });
}

/** Have the server open what is whole. It takes it in once, however often it is asked. */
async function reception(url: string, to: { signal: AbortSignal } & Pick<Watcher, "onWaiting">): Promise<Receipt> {
  for (const wait of WAITS) {
    const { signal } = to;
    const answer = await fetch(`${url}/reception`, { method: "POST", headers: ownHeaders(), signal }).catch((error) => {
      if (signal.aborted) throw new DOMException("", "AbortError");
      if (error instanceof TypeError) return null;
      throw error;
    });
    if (answer?.ok) return (await answer.json()) as Receipt;
    if (answer && !PASSING.includes(answer.status)) throw new Undelivered(wordsOf(await answer.text()));
    to.onWaiting(answer?.status !== 423);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  throw new Undelivered("");
}

function isPassing(error: DetailedError): boolean {
  const status = error.originalResponse?.getStatus() ?? 0;
  // Where a part was counted twice, the server is asked where to go on.
  return PASSING.includes(status) || (status === 409 && error.originalRequest.getMethod() === "PATCH");
}

function wordsOf(body: string | undefined): string {
  try {
    const { error, fields } = JSON.parse(body ?? "") as { error?: string; fields?: Record<string, string> };
    return Object.values(fields ?? {})[0] ?? error ?? "";
  } catch {
    return "";
  }
}
