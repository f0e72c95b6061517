// Single pictures, where a link carries no moving ones: small, one every few seconds, and in pieces that let the sound pass.

import type { Sound } from "../protocol.gen";
import { sounding } from "./ladder";
import type { Link } from "./link";
import type { RoomClient } from "./room_client";
import { base64, bytesOf } from "./sealing/identity";
import type { StillSeal } from "./sealing/still_seal";

/** A piece of a picture; `count` of them, from 0 on, make it whole. */
export interface StillPiece {
  index: number;
  count: number;
  bytes: Uint8Array<ArrayBuffer>;
}

const PIECE = 1024; // bytes; signaling/protocol_net.py PIECE_LENGTH in base64
const MOST = 15 * PIECE;
const LEAST = 5 * PIECE;
/** What a piece weighs on its way, in bits: itself, its base64 or its SCTP, DTLS, UDP. */
const WEIGHT = 1.35 * PIECE * 8;
/** Seconds from one picture to the next: as many as it takes, within these. */
const SOONEST = 5;
const LATEST = 8;
/** What of the uplink we dare to fill. */
const FILLED = 0.85;
const WIDTHS = [480, 320, 240];
const QUALITIES = [0.7, 0.5, 0.35, 0.2];

/** How large a picture may be on such an uplink (bit/s), in bytes, and how long to wait after each piece, in ms. */
export function allowance(uplink: number | null, sound: Sound): { size: number; gap: number } {
  const left = Math.max(0, FILLED * (uplink ?? 0) - sounding(sound));
  const pieces = Math.floor((left * SOONEST) / WEIGHT);
  const size = Math.min(MOST, Math.max(LEAST, pieces * PIECE));
  const seconds = Math.min(LATEST, Math.max(SOONEST, ((size / PIECE) * WEIGHT) / Math.max(1, left)));
  return { size, gap: (seconds * 1000) / Math.ceil(size / PIECE) };
}

export function pieces(picture: Uint8Array<ArrayBuffer>): StillPiece[] {
  const count = Math.ceil(picture.length / PIECE);
  return Array.from({ length: count }, (_, index) => ({
    index,
    count,
    bytes: picture.slice(index * PIECE, (index + 1) * PIECE),
  }));
}

/** Puts one sender's pieces together. A picture that lacks one is dropped. */
export class Assembly {
  #parts: Uint8Array<ArrayBuffer>[] = [];

  /** The whole picture (JPEG) with its last piece; else null. */
  take({ index, count, bytes }: StillPiece): Blob | null {
    if (index === 0) this.#parts = [];
    if (index !== this.#parts.length || count > MOST / PIECE + 1) return null;
    this.#parts.push(bytes);
    return this.#parts.length === count ? new Blob(this.#parts, { type: "image/jpeg" }) : null;
  }
}

/** As it travels from person to person: a byte `index`, a byte `count`, the bytes. */
export function packed({ index, count, bytes }: StillPiece): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(bytes.length + 2);
  message.set([index, count]);
  message.set(bytes, 2);
  return message;
}

/** Null where it is no piece of a picture. */
export function unpacked(message: unknown): StillPiece | null {
  if (!(message instanceof ArrayBuffer) || message.byteLength < 3 || message.byteLength > PIECE + 2) return null;
  const all = new Uint8Array(message);
  const [index = 0, count = 0] = all;
  return index < count ? { index, count, bytes: all.slice(2) } : null;
}

/** How pieces go and come: from person to person where that stands, else by the room's own messages. */
export class Stills {
  readonly #assemblies = new Map<string, Assembly>();

  constructor(
    private readonly client: Pick<RoomClient, "ask" | "hear">,
    private readonly shown: (pid: string, picture: Blob) => void,
    /** Without one the server may see what passes through it. */
    private readonly seal: Pick<StillSeal, "out" | "in"> | null = null,
  ) {
    client.hear("still", async ({ sender, index, count, bytes }) => {
      const decoded = bytesOf(bytes);
      const opened = decoded && this.seal ? await this.seal.in(sender, decoded) : decoded;
      if (opened) this.#assemble(sender, { index, count, bytes: opened });
    });
  }

  /** From person to person, else through the server. */
  async send(piece: StillPiece, links: readonly Pick<Link, "still">[]): Promise<void> {
    const message = packed(piece);
    if (links.filter((link) => link.still?.(message)).length > 0) return;
    const bytes = this.seal ? await this.seal.out(piece.bytes) : piece.bytes;
    if (bytes) void this.client.ask("still", { index: piece.index, count: piece.count, bytes: base64(bytes) });
  }

  /** What came from person to person. */
  take(pid: string, message: unknown): void {
    const piece = unpacked(message);
    if (piece) this.#assemble(pid, piece);
  }

  #assemble(pid: string, piece: StillPiece): void {
    const assembly = this.#assemblies.get(pid) ?? new Assembly();
    this.#assemblies.set(pid, assembly);
    const picture = assembly.take(piece);
    if (picture) this.shown(pid, picture);
  }
}

/** What the camera sees now, as a JPEG of at most `size` bytes; null while it sees nothing, or nothing so small. */
export async function photographed(video: HTMLVideoElement, size: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0) return null;
  for (const most of WIDTHS) {
    const width = Math.min(most, videoWidth);
    const canvas = new OffscreenCanvas(width, Math.round((videoHeight * width) / videoWidth));
    canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const jpeg = await canvas.convertToBlob({ type: "image/jpeg", quality });
      if (jpeg.size <= size) return new Uint8Array(await jpeg.arrayBuffer());
    }
  }
  return null;
}

/** Takes picture after picture while it is on, and hands them out piece by piece. */
export class Shutter {
  #isOn = false;
  #turn = 0;

  constructor(
    private readonly photograph: (size: number) => Promise<Uint8Array<ArrayBuffer> | null>,
    private readonly send: (piece: StillPiece) => void,
    private readonly terms: () => { size: number; gap: number },
  ) {}

  set(on: boolean): void {
    if (on === this.#isOn) return;
    this.#isOn = on;
    this.#turn += 1;
    if (on) void this.#run(this.#turn);
  }

  async #run(turn: number): Promise<void> {
    while (turn === this.#turn) {
      const { size, gap } = this.terms();
      const picture = await this.photograph(size);
      const all = picture ? pieces(picture) : [];
      for (const piece of all) {
        if (turn !== this.#turn) return;
        this.send(piece);
        await pause(gap);
      }
      await pause(Math.max(0, SOONEST * 1000 - all.length * gap));
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
