// Each encoded frame on its way out and in, with the keys at hand. What a forwarder must read of a frame stays clear.
import { type FrameKey, headerOf, joined } from "./sframe";

/** Whether frames must be sealed; `open` where somebody's browser cannot, or the session is recorded. */
export type Policy = "sealed" | "open";
export type FrameKind = "audio" | "key" | "delta" | "still";
type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes that stay clear: Opus' table of contents (RFC 6716 §3.1), VP8's frame header (RFC 6386 §9.1). */
const CLEAR: Record<FrameKind, number> = { audio: 1, key: 10, delta: 3, still: 0 };
/** Frames remembered, so that none is shown twice. */
const REMEMBERED = 1024;
/** A key that was changed still opens what was on its way. */
const KEYS_KEPT = 3;

/** Seals what this page sends. One for all its tracks: a count never comes twice under one key. */
export class Sealer {
  #key: FrameKey | null = null;
  #count = 0;

  use(key: FrameKey): void {
    this.#key = key;
    this.#count = 0;
  }

  /** The frame as it may go out; null where it must not. */
  async out(data: Bytes, kind: FrameKind, policy: Policy): Promise<Bytes | null> {
    if (policy === "open") return data;
    const clear = CLEAR[kind];
    if (!this.#key || data.length < clear) return null;
    const head = data.subarray(0, clear);
    return joined(head, await this.#key.seal(this.#count++, data.subarray(clear), head));
  }
}

/** Opens what one other member sends. */
export class Opener {
  readonly #keys = new Map<number, FrameKey>();
  readonly #seen = new Set<string>();

  add(key: FrameKey): void {
    this.#keys.delete(key.kid);
    this.#keys.set(key.kid, key);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > KEYS_KEPT && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** The frame as the decoder wants it; null where it is not theirs, or came before. */
  async in(data: Bytes, kind: FrameKind, policy: Policy): Promise<Bytes | null> {
    const clear = CLEAR[kind];
    const sealed = data.subarray(clear);
    const header = headerOf(sealed);
    const key = header && this.#keys.get(header.kid);
    if (header && key) {
      const name = `${header.kid}/${header.ctr}`;
      try {
        const head = data.subarray(0, clear);
        const plain = await key.open(header, sealed, head);
        if (this.#seen.has(name)) return null;
        this.#remember(name);
        return joined(head, plain);
      } catch {
        // Not sealed by them, or not sealed at all.
      }
    }
    return policy === "open" ? data : null;
  }

  #remember(name: string): void {
    this.#seen.add(name);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
  }
}
