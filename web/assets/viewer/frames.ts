// Fetches frames: a small picture at once, the samples after it. What was fetched is kept up to a number of bytes.
import type { Slice } from "./stack";
import { type Frame, type FrameDescription, frameOf, type Level } from "./windowing";

const KEPT_BYTES = 128_000_000;

/** The server has the frame and cannot show it; the message says why, in the reader's words. */
export class NotShown extends Error {}

/** Keeps what was used last, up to a number of bytes. */
export class ByteCache<T> {
  readonly #kept = new Map<string, { value: T; size: number }>();
  #bytes = 0;

  constructor(private readonly limit: number) {}

  get(key: string): T | undefined {
    const found = this.#kept.get(key);
    if (found) {
      this.#kept.delete(key);
      this.#kept.set(key, found);
    }
    return found?.value;
  }

  put(key: string, value: T, size: number): void {
    this.#bytes += size - (this.#kept.get(key)?.size ?? 0);
    this.#kept.delete(key);
    this.#kept.set(key, { value, size });
    for (const [oldest, { size: freed }] of this.#kept) {
      if (this.#bytes <= this.limit || oldest === key) break;
      this.#kept.delete(oldest);
      this.#bytes -= freed;
    }
  }
}

export class Frames {
  readonly #frames = new ByteCache<Frame>(KEPT_BYTES);

  /** `id` says which establishment's study is meant, where two hold the same UID. */
  constructor(
    private readonly id: string,
    private readonly fetcher: typeof fetch = (...request) => fetch(...request),
  ) {}

  /** The samples, if they are here already. */
  held(slice: Slice): Frame | undefined {
    return this.#frames.get(slice.path);
  }

  /** A picture under a window, or under the frame's own. Throws NotShown, or what the network throws. */
  async picture(slice: Slice, level: Level | null, signal: AbortSignal): Promise<Blob> {
    const query = new URLSearchParams({ id: this.id });
    if (level) query.set("window", `${level.center.toFixed(2)},${level.width.toFixed(2)}`);
    return (await this.#get(`${slice.path}/rendered?${query}`, signal)).blob();
  }

  /** The samples. Throws as `picture` does. */
  async samples(slice: Slice, signal: AbortSignal): Promise<Frame> {
    const held = this.held(slice);
    if (held) return held;
    const response = await this.#get(`${slice.path}/pixels?${new URLSearchParams({ id: this.id })}`, signal);
    const description = JSON.parse(response.headers.get("Pixel-Description") ?? "") as FrameDescription;
    const frame = frameOf(description, await response.arrayBuffer());
    this.#frames.put(slice.path, frame, frame.samples.byteLength);
    return frame;
  }

  async #get(path: string, signal: AbortSignal): Promise<Response> {
    const response = await this.fetcher(path, { signal, headers: { Accept: "image/webp, application/json" } });
    if (response.status === 406) throw new NotShown(((await response.json()) as { error: string }).error);
    if (!response.ok) throw new Error(String(response.status));
    return response;
  }
}
