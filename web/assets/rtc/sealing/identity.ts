// Who a page is to the others: a key pair drawn when it opens, and the fingerprint of its connections (RFC 8122).
import { joined } from "./sframe";

type Bytes = Uint8Array<ArrayBuffer>;
const ECDH = { name: "ECDH", namedCurve: "P-256" } as const;
const PUBLIC_BYTES = 65;
const FINGERPRINT_BYTES = 32; // SHA-256
export const CARD_BYTES = PUBLIC_BYTES + FINGERPRINT_BYTES;

/** What the others learn of a page: its public key and its fingerprint. */
export class Card {
  private constructor(readonly bytes: Bytes) {}

  static of(bytes: Bytes): Card | null {
    return bytes.length === CARD_BYTES ? new Card(bytes) : null;
  }

  get publicKey(): Bytes {
    return this.bytes.slice(0, PUBLIC_BYTES);
  }

  /** As SDP writes it: `AB:CD:…`. */
  get fingerprint(): string {
    return [...this.bytes.subarray(PUBLIC_BYTES)]
      .map((byte) => byte.toString(16).padStart(2, "0").toUpperCase())
      .join(":");
  }

  /** What is told before the card itself: nobody can choose a card to fit another's any more. */
  async commitment(): Promise<string> {
    return base64(await digest(this.bytes));
  }
}

export class Identity {
  private constructor(
    readonly card: Card,
    readonly certificate: RTCCertificate,
    private readonly privateKey: CryptoKey,
  ) {}

  static async draw(): Promise<Identity> {
    const pair = (await crypto.subtle.generateKey(ECDH, false, ["deriveBits"])) as CryptoKeyPair;
    const certificate = await RTCPeerConnection.generateCertificate({
      name: "ECDSA",
      namedCurve: "P-256",
    } as EcKeyGenParams);
    const printed = certificate.getFingerprints().find((one) => one.algorithm === "sha-256")?.value ?? "";
    const fingerprint = Uint8Array.from(printed.split(":"), (byte) => Number.parseInt(byte, 16));
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const card = Card.of(joined(raw, fingerprint));
    if (!card) throw new Error("a certificate without a SHA-256 fingerprint");
    return new Identity(card, certificate, pair.privateKey);
  }

  /** A key only this page and the other can make, for one thing sent in one direction. */
  async wrappingKey(theirs: Card, about: string): Promise<CryptoKey> {
    const publicKey = await crypto.subtle.importKey("raw", theirs.publicKey, ECDH, false, []);
    const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: publicKey }, this.privateKey, 256);
    const secret = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
    const info = new TextEncoder().encode(`teleconsult frame key ${about}`);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
    return crypto.subtle.deriveKey(hkdf, secret, { name: "AES-GCM", length: 128 }, false, ["encrypt", "decrypt"]);
  }
}

/** Bits that people compare: as many numbers below 64 as asked for, out of all cards whatever their order. */
export async function wordNumbers(cards: readonly Card[], count: number): Promise<number[]> {
  const sorted = cards.map((card) => base64(card.bytes)).sort();
  const bytes = await digest(new TextEncoder().encode(sorted.join(" ")));
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: count }, (_, at) => Number.parseInt(bits.slice(at * 6, at * 6 + 6), 2));
}

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Null where the text is no base64. */
export function bytesOf(text: string): Bytes | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

async function digest(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
