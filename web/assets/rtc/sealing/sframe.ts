// Media frames sealed from end to end: SFrame (RFC 9605), cipher suite AES_128_GCM_SHA256_128. Runs in the worker.

const SUITE = 0x0004;
const KEY_BYTES = 16;
const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** What stands before each ciphertext (§4.3): which key, and the how-manieth frame under it. */
export interface Header {
  kid: number;
  ctr: number;
  /** Bytes of it. */
  length: number;
}

/** One sender's key, ready for use: made of the base key that travels between the members (§4.4.2). */
export class FrameKey {
  private constructor(
    readonly kid: number,
    private readonly key: CryptoKey,
    private readonly salt: Uint8Array,
  ) {}

  /** `base`: at least 16 random bytes. Never use one base twice under the same `kid`. */
  static async of(base: Uint8Array<ArrayBuffer>, kid: number): Promise<FrameKey> {
    const secret = await crypto.subtle.importKey("raw", base, "HKDF", false, ["deriveBits"]);
    const derived = async (label: string, bytes: number) => {
      const info = labelled(label, kid);
      const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
      return new Uint8Array(await crypto.subtle.deriveBits(hkdf, secret, bytes * 8));
    };
    const raw = await derived("SFrame 1.0 Secret key ", KEY_BYTES);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new FrameKey(kid, key, await derived("SFrame 1.0 Secret salt ", NONCE_BYTES));
  }

  /** Header and ciphertext; `clear` travels beside it and is vouched for too. */
  async seal(ctr: number, plain: Uint8Array<ArrayBuffer>, clear: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const head = written(this.kid, ctr);
    const sealed = await crypto.subtle.encrypt(this.#with(ctr, head, clear), this.key, plain);
    return joined(head, new Uint8Array(sealed));
  }

  /** What was sealed. Rejects where a bit of it, of the header or of `clear` is another. */
  async open(header: Header, sealed: Uint8Array<ArrayBuffer>, clear: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const head = sealed.subarray(0, header.length);
    const body = sealed.subarray(header.length);
    return new Uint8Array(await crypto.subtle.decrypt(this.#with(header.ctr, head, clear), this.key, body));
  }

  #with(ctr: number, head: Uint8Array, clear: Uint8Array): AesGcmParams {
    const iv = new Uint8Array(this.salt);
    const count = bytesOf(ctr, 8);
    for (let at = 0; at < 8; at++) iv[NONCE_BYTES - 8 + at] = (iv[NONCE_BYTES - 8 + at] ?? 0) ^ (count[at] ?? 0);
    return { name: "AES-GCM", iv, additionalData: joined(head, clear), tagLength: TAG_BYTES * 8 };
  }
}

/** The header of a sealed frame; null where there is none. Numbers beyond 2^53 are none of ours. */
export function headerOf(sealed: Uint8Array): Header | null {
  const config = sealed[0];
  if (config === undefined) return null;
  const kidBytes = config & 0x80 ? ((config >> 4) & 7) + 1 : 0;
  const ctrBytes = config & 0x08 ? (config & 7) + 1 : 0;
  const length = 1 + kidBytes + ctrBytes;
  if (sealed.length < length + TAG_BYTES) return null;
  const kid = kidBytes ? numberOf(sealed.subarray(1, 1 + kidBytes)) : (config >> 4) & 7;
  const ctr = ctrBytes ? numberOf(sealed.subarray(1 + kidBytes, length)) : config & 7;
  return Number.isSafeInteger(kid) && Number.isSafeInteger(ctr) ? { kid, ctr, length } : null;
}

/** The header's bytes: numbers below eight stand in its first one. */
export function written(kid: number, ctr: number): Uint8Array<ArrayBuffer> {
  const [k, c] = [shortest(kid), shortest(ctr)];
  const first = (kid < 8 ? kid << 4 : 0x80 | ((k.length - 1) << 4)) | (ctr < 8 ? ctr : 0x08 | (c.length - 1));
  return joined(Uint8Array.of(first), kid < 8 ? new Uint8Array() : k, ctr < 8 ? new Uint8Array() : c);
}

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function labelled(label: string, kid: number): Uint8Array<ArrayBuffer> {
  return joined(new TextEncoder().encode(label), bytesOf(kid, 8), bytesOf(SUITE, 2));
}

function bytesOf(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
  return bytes;
}

function shortest(value: number): Uint8Array {
  let length = 1;
  while (value >= 256 ** length) length++;
  return bytesOf(value, length);
}

function numberOf(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}
