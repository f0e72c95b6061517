// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CommitmentOf, KeyFor, Peer, Reveal } from "../../protocol.gen";
import { Identity } from "./identity";
import { Ring, type Standing } from "./ring";
import type { Told } from "./worker";

/** The world outside: a certificate, as a browser draws one. */
const certificates = {
  async generateCertificate() {
    const bytes = [...crypto.getRandomValues(new Uint8Array(32))];
    const value = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    return { getFingerprints: () => [{ algorithm: "sha-256", value }] };
  },
};

type Change = (kind: "commitment" | "card" | "key", text: string) => string;

/** A room: passes on what members send, as the server does; may cheat. */
class Table {
  readonly members = new Map<string, Member>();
  readonly commitments = new Map<string, string | undefined>();
  cheat: Change = (_kind, text) => text;

  peersOf(me: string): Peer[] {
    return [...this.members.keys()].filter((pid) => pid !== me).map(peerOf);
  }

  async settled() {
    for (let round = 0; round < 6; round++) for (const one of this.members.values()) await one.ring.settled();
  }
}

class Member {
  readonly told: Told[] = [];
  standing: Standing | null = null;
  readonly ring: Ring;

  private constructor(
    readonly pid: string,
    private readonly table: Table,
    identity: Identity,
  ) {
    const others = () => [...table.members.values()].filter((one) => one !== this);
    const to = (pid: string) => table.members.get(pid);
    const client = {
      commit: async (commitment: string) => {
        const known = [...table.commitments].map(
          ([sender, one]): CommitmentOf => ({ sender, seals: true, commitment: one ?? null }),
        );
        table.commitments.set(pid, table.cheat("commitment", commitment));
        for (const other of others())
          other.ring.commitment({ sender: pid, seals: true, commitment: table.cheat("commitment", commitment) });
        return { of: known.filter(({ sender }) => sender !== pid) };
      },
      reveal: ({ to: whom, card }: Reveal) => to(whom)?.ring.revealed({ sender: pid, card: table.cheat("card", card) }),
      key: ({ to: whom, number, sealed }: KeyFor) =>
        to(whom)?.ring.key({ sender: pid, number, sealed: table.cheat("key", sealed) }),
    };
    this.ring = new Ring(
      identity,
      client,
      (told) => this.told.push(told),
      (standing) => {
        this.standing = standing;
      },
    );
  }

  static async come(pid: string, table: Table): Promise<Member> {
    const member = new Member(pid, table, await Identity.draw());
    for (const other of table.members.values()) {
      other.ring.peer({ peer: peerOf(pid), change: "joined" });
    }
    member.ring.joined(pid, table.peersOf(pid));
    table.members.set(pid, member);
    await table.settled();
    return member;
  }

  async go() {
    this.table.members.delete(this.pid);
    this.table.commitments.delete(this.pid);
    for (const other of this.table.members.values()) other.ring.peer({ peer: peerOf(this.pid), change: "left" });
    await this.table.settled();
  }

  /** Keys the worker has: its own last, and those of others by whom. */
  keys(pid?: string) {
    return this.told.filter((one) => one.tell === "key" && one.pid === pid) as Extract<Told, { tell: "key" }>[];
  }
}

function peerOf(pid: string): Peer {
  const peer = { pid, name: pid, role: "guest", present: true, polite: true, audio: true, video: true, streams: [] };
  return { ...peer, hand: false } as Peer;
}

beforeEach(() => void vi.stubGlobal("RTCPeerConnection", certificates));
afterEach(() => void vi.unstubAllGlobals());

test("everybody gets everybody's key and reads the same words", async () => {
  const table = new Table();
  const [a, b, c] = [await Member.come("a", table), await Member.come("b", table), await Member.come("c", table)];
  for (const [one, other] of [
    [a, b],
    [b, a],
    [a, c],
    [c, b],
  ] as const) {
    expect(one.keys(other.pid).at(-1)?.base).toEqual(other.keys().at(-1)?.base);
  }
  expect(a.standing?.words).toHaveLength(7);
  expect(a.standing?.words).toEqual(b.standing?.words);
  expect(b.standing?.words).toEqual(c.standing?.words);
  for (const one of [a, b, c]) expect(one.standing).toMatchObject({ policy: "sealed", alarm: false });
});

test("who leaves knows nothing of what comes after", async () => {
  vi.useFakeTimers();
  const table = new Table();
  const [a, b, c] = [await Member.come("a", table), await Member.come("b", table), await Member.come("c", table)];
  const before = a.keys().at(-1);
  await c.go();
  expect(a.keys().at(-1)).toEqual(before);
  vi.advanceTimersByTime(1_000);
  const after = a.keys().at(-1);
  expect(after?.kid).toBe(1);
  expect(after?.base).not.toEqual(before?.base);
  expect(b.keys("a").at(-1)?.base).toEqual(after?.base);
  expect(c.keys("a").at(-1)?.base).toEqual(before?.base);
  expect(a.told).toContainEqual({ tell: "forget", pid: "c" });
  vi.useRealTimers();
});

test("a card that is not the one committed to raises the alarm", async () => {
  const table = new Table();
  const a = await Member.come("a", table);
  const stranger = await Identity.draw();
  table.cheat = (kind, text) => (kind === "card" ? btoa(String.fromCharCode(...stranger.card.bytes)) : text);
  const b = await Member.come("b", table);
  for (const one of [a, b]) expect(one.standing).toMatchObject({ alarm: true, words: null });
  expect(a.keys("b")).toEqual([]);
});

test("a key that was changed on its way raises the alarm", async () => {
  const table = new Table();
  const a = await Member.come("a", table);
  table.cheat = (kind, text) => (kind === "key" ? `${text[0] === "A" ? "B" : "A"}${text.slice(1)}` : text);
  await Member.come("b", table);
  expect(a.standing?.alarm).toBe(true);
  expect(a.keys("b")).toEqual([]);
});

test("where one browser seals nothing, or the session is recorded, frames pass open and it is said", async () => {
  const table = new Table();
  const [a] = [await Member.come("a", table), await Member.come("b", table)];
  a.ring.peer({ peer: peerOf("old"), change: "joined" });
  a.ring.commitment({ sender: "old", seals: false });
  await table.settled();
  expect(a.standing).toMatchObject({ policy: "open", words: null });
  a.ring.peer({ peer: peerOf("old"), change: "left" });
  await table.settled();
  expect(a.standing?.policy).toBe("sealed");
  a.ring.record(true);
  await table.settled();
  expect(a.standing?.policy).toBe("open");
  expect(a.told.filter((one) => one.tell === "policy").at(-1)).toEqual({ tell: "policy", policy: "open" });
});

test("who comes back with a new page is asked anew", async () => {
  const table = new Table();
  const [a, b] = [await Member.come("a", table), await Member.come("b", table)];
  const words = a.standing?.words;
  table.members.delete("b");
  const again = await Member.come("b", table);
  expect(a.keys("b").at(-1)?.base).toEqual(again.keys().at(-1)?.base);
  expect(again.keys("a").at(-1)?.base).toEqual(a.keys().at(-1)?.base);
  expect(a.standing?.words).toEqual(again.standing?.words);
  expect(a.standing?.words).not.toEqual(words);
  expect(b.pid).toBe("b");
});
