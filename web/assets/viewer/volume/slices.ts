// Fetches the slices of a volume, a few at a time, each once: as codestreams, or as plain samples where there are none.
import type { FrameDescription } from "../windowing";
import type { Manifest, Plan } from "./plan";
import type { Slice } from "./values";

export interface Decoder {
  /** Rejects where it cannot decode at all, or not this one. */
  decode(codestream: Uint8Array<ArrayBuffer>, halvings: number): Promise<ArrayBuffer>;
}

/** The server has the slice and cannot show it; the message says why, in the reader's words. */
export class NotShown extends Error {}

type Described = FrameDescription & { levels: [width: number, height: number, bytes: number][] };

const AT_ONCE = 4;
const WAITS_MS = [1000, 2000, 4000, 8000, 16_000];

export class Slices {
  #decodes = true;

  constructor(
    private readonly manifest: Manifest,
    private readonly plan: Plan,
    private readonly decoder: Decoder,
    private readonly fetcher: typeof fetch = (...request) => fetch(...request),
    private readonly waits: readonly number[] = WAITS_MS,
  ) {}

  /** Hands each slice over with its place, in no order. Throws NotShown, or what the network threw last, after a while. */
  async fetch(take: (place: number, slice: Slice) => void, signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const ended = AbortSignal.any([signal, failed.signal]);
    const left = this.manifest.slices.entries();
    const some = async (): Promise<void> => {
      for (const [place, [sop, frame]] of left) {
        const path = `${this.manifest.path}/instances/${sop}/frames/${frame}`;
        take(place, await this.#patiently(path, ended));
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, some));
    } finally {
      failed.abort();
    }
  }

  async #patiently(path: string, signal: AbortSignal): Promise<Slice> {
    for (const wait of this.waits) {
      try {
        return await this.#one(path, signal);
      } catch (error) {
        if (error instanceof NotShown || signal.aborted) throw error;
        await resting(wait, signal);
      }
    }
    return this.#one(path, signal);
  }

  async #one(path: string, signal: AbortSignal): Promise<Slice> {
    if (this.#decodes) {
      try {
        return await this.#coded(path, signal);
      } catch (error) {
        if (!(error instanceof NotCoded)) throw error;
        this.#decodes = false;
      }
    }
    const response = await this.#get(`${path}/pixels`, signal);
    const description = described(response);
    const samples = samplesOf(description, await response.arrayBuffer());
    return { description, samples: this.plan.halvings ? halved(samples, description) : samples };
  }

  async #coded(path: string, signal: AbortSignal): Promise<Slice> {
    const response = await this.#get(`${path}/codestream`, signal).catch((error: unknown) => {
      throw error instanceof NotShown ? new NotCoded() : error;
    });
    const { levels, ...description } = described(response);
    const [columns, rows, bytes] = levels.at(-1 - this.plan.halvings) ?? [0, 0, 0];
    if (bytes === 0) throw new NotCoded();
    const codestream = this.plan.halvings ? await beginningOf(response, bytes) : await wholeOf(response, bytes);
    try {
      const samples = await this.decoder.decode(codestream, this.plan.halvings);
      return { description, samples: samplesOf({ ...description, columns, rows }, samples) };
    } catch {
      signal.throwIfAborted();
      throw new NotCoded();
    }
  }

  async #get(address: string, signal: AbortSignal): Promise<Response> {
    const asked = `${address}?${new URLSearchParams({ id: this.manifest.id })}`;
    const response = await this.fetcher(asked, { signal, headers: { Accept: "*/*" } });
    if (response.status === 406) throw new NotShown(((await response.json()) as { error: string }).error);
    if (!response.ok) throw new Error(String(response.status));
    return response;
  }
}

/** There is no codestream of the slice, or it cannot be decoded here. */
class NotCoded extends Error {}

function described(response: Response): Described {
  return JSON.parse(response.headers.get("Pixel-Description") ?? "") as Described;
}

/** Throws where there are too few. */
function samplesOf({ type, rows, columns, samples }: FrameDescription, content: ArrayBuffer): Slice["samples"] {
  const kinds = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array };
  return new kinds[type](content, 0, rows * columns * samples);
}

/** Each second sample of each second row. */
export function halved(samples: Slice["samples"], { rows, columns }: { rows: number; columns: number }) {
  const [across, down] = [Math.ceil(columns / 2), Math.ceil(rows / 2)];
  return samples.slice(0, across * down).map((_sample, at) => {
    return samples[Math.floor(at / across) * 2 * columns + (at % across) * 2] ?? 0;
  });
}

async function wholeOf(response: Response, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(await response.arrayBuffer());
  if (content.length < bytes) throw new Error("cut off");
  return content;
}

/** So many bytes of a body; the rest is not fetched. */
async function beginningOf(response: Response, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(bytes);
  const reader = response.body?.getReader();
  let received = 0;
  while (received < bytes) {
    const { value } = (await reader?.read()) ?? {};
    if (!value) throw new Error("cut off");
    content.set(value.subarray(0, bytes - received), received);
    received += value.length;
  }
  await reader?.cancel();
  return content;
}

function resting(wait: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = setTimeout(resolve, wait);
    signal.addEventListener("abort", () => {
      clearTimeout(end);
      reject(signal.reason);
    });
  });
}
