// The keys of a call. Each member draws one for its own frames and gives it, wrapped, to everyone who is in the room;
// whoever leaves makes the others change theirs. Cards are committed to before they are shown, so that the words
// people compare cannot be made to fit (as in ZRTP, RFC 6189 §4.4.1).
import type { CommitmentOf, Commitments, KeyFor, KeyOf, Peer, PeerChanged, Reveal, RevealOf } from "../../protocol.gen";
import type { Policy } from "./frames";
import { base64, bytesOf, Card, type Identity, wordNumbers } from "./identity";
import type { Told } from "./worker";

export const WORDS = 7;
/** How long those who stay have a changed key before it is used, ms. */
const SPREAD = 400;
const BASE_BYTES = 32;

/** What a ring needs of the line to the server. */
export interface RingClient {
  commit(commitment: string): Promise<Commitments | null>;
  reveal(reveal: Reveal): void;
  key(key: KeyFor): void;
}

export interface Standing {
  /** Whether anybody else is in the room. */
  hasOthers: boolean;
  policy: Policy;
  /** Numbers below 64, one for each word; null until everyone's card is known. */
  words: readonly number[] | null;
  /** Somebody in between has changed what was sent. */
  alarm: boolean;
}

interface Member {
  seals: boolean;
  /** Null until they have told; empty where they make no keys. */
  commitment: string | null;
  card: Card | null;
}

export class Ring {
  readonly #members = new Map<string, Member>();
  #me = "";
  #number = 0;
  #base = crypto.getRandomValues(new Uint8Array(BASE_BYTES));
  #isRecorded = false;
  #alarm = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly identity: Identity,
    private readonly client: RingClient,
    private readonly tell: (told: Told) => void,
    private readonly changed: (standing: Standing) => void,
  ) {
    this.#useOwn();
  }

  /** We are in, or in again: say who we are to those who are there. */
  joined(me: string, peers: readonly Peer[]): void {
    this.#do(async () => {
      this.#me = me;
      const present = new Set(peers.filter((peer) => peer.present).map((peer) => peer.pid));
      const gone = [...this.#members.keys()].filter((pid) => !present.has(pid));
      for (const pid of present) this.#members.set(pid, this.#members.get(pid) ?? unknown());
      if (gone.length > 0) await this.#drop(gone);
      const answer = await this.client.commit(await this.identity.card.commitment());
      for (const one of answer?.of ?? []) await this.#commit(one);
      await this.#tellStanding();
    });
  }

  peer({ peer, change }: PeerChanged): void {
    this.#do(async () => {
      if (change === "joined" && !this.#members.has(peer.pid)) {
        this.#members.set(peer.pid, unknown());
      }
      if (change === "left") await this.#drop([peer.pid]);
      await this.#tellStanding();
    });
  }

  commitment(told: CommitmentOf): void {
    this.#do(async () => {
      await this.#commit(told);
      await this.#tellStanding();
    });
  }

  revealed({ sender, card }: RevealOf): void {
    this.#do(async () => {
      const member = this.#members.get(sender);
      const shown = Card.of(bytesOf(card) ?? new Uint8Array());
      if (!member?.commitment) return;
      if (!shown || (await shown.commitment()) !== member.commitment) this.#alarm = true;
      else {
        member.card = shown;
        await this.#give(sender, shown);
      }
      await this.#tellStanding();
    });
  }

  key({ sender, number, sealed }: KeyOf): void {
    this.#do(async () => {
      const card = this.#members.get(sender)?.card;
      const bytes = bytesOf(sealed);
      if (!card || !bytes) return;
      const key = await this.identity.wrappingKey(card, `${sender} ${this.#me} ${number}`);
      try {
        const base = new Uint8Array(await crypto.subtle.decrypt(NONCE, key, bytes));
        this.tell({ tell: "key", pid: sender, kid: number, base });
      } catch {
        this.#alarm = true;
        await this.#tellStanding();
      }
    });
  }

  /** Recording needs frames that the server can read. */
  record(on: boolean): void {
    this.#do(async () => {
      this.#isRecorded = on;
      await this.#tellStanding();
    });
  }

  /** The fingerprint a direct connection to them must have; null while unknown. */
  fingerprintOf(pid: string): string | null {
    return this.#members.get(pid)?.card?.fingerprint ?? null;
  }

  /** A connection had another fingerprint than its owner's card. */
  distrust(): void {
    this.#do(async () => {
      this.#alarm = true;
      await this.#tellStanding();
    });
  }

  /** All that was begun is done; for tests. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #commit({ sender: pid, seals, commitment: told }: CommitmentOf): Promise<void> {
    const commitment = told ?? "";
    const member = this.#members.get(pid) ?? unknown();
    this.#members.set(pid, member);
    member.seals = seals;
    if (member.commitment !== commitment) {
      member.card = null;
      member.commitment = commitment;
      this.tell({ tell: "forget", pid });
    }
    if (!commitment) return;
    this.client.reveal({ to: pid, card: base64(this.identity.card.bytes) });
    if (member.card) await this.#give(pid, member.card);
  }

  async #give(pid: string, card: Card): Promise<void> {
    const key = await this.identity.wrappingKey(card, `${this.#me} ${pid} ${this.#number}`);
    const sealed = new Uint8Array(await crypto.subtle.encrypt(NONCE, key, this.#base));
    this.client.key({ to: pid, number: this.#number, sealed: base64(sealed) });
  }

  async #drop(pids: readonly string[]): Promise<void> {
    const knew = pids.filter((pid) => this.#members.get(pid)?.card);
    for (const pid of pids) {
      this.#members.delete(pid);
      this.tell({ tell: "forget", pid });
    }
    if (knew.length === 0) return;
    this.#number += 1;
    this.#base = crypto.getRandomValues(new Uint8Array(BASE_BYTES));
    for (const [pid, { card }] of this.#members) if (card) await this.#give(pid, card);
    setTimeout(() => this.#useOwn(), SPREAD);
  }

  #useOwn(): void {
    this.tell({ tell: "key", kid: this.#number, base: this.#base.slice() });
  }

  async #tellStanding(): Promise<void> {
    const members = [...this.#members.values()];
    const cards = members.map(({ card }) => card).filter((card) => card !== null);
    const policy =
      this.#isRecorded || members.some(({ seals, commitment }) => !seals || commitment === "") ? "open" : "sealed";
    const all = members.length > 0 && cards.length === members.length;
    const words = all && !this.#alarm ? await wordNumbers([this.identity.card, ...cards], WORDS) : null;
    this.tell({ tell: "policy", policy });
    this.changed({ hasOthers: members.length > 0, policy, words, alarm: this.#alarm });
  }

  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => console.warn("Keys:", error));
  }
}

/** Somebody who has told nothing yet: they can open nothing either. */
function unknown(): Member {
  return { seals: true, commitment: null, card: null };
}

/** Each wrapping key wraps one base and no more: its nonce need not change (RFC 5116 §3.2). */
const NONCE: AesGcmParams = { name: "AES-GCM", iv: new Uint8Array(12) };
