// @vitest-environment node
import { expect, test } from "vitest";
import { StillSeal } from "./still_seal";
import type { Told } from "./worker";

const key = (seed: number, pid?: string): Told => {
  const base = new Uint8Array(32).fill(seed);
  return { tell: "key", kid: 0, base, ...(pid !== undefined && { pid }) };
};
const piece = new Uint8Array(1024).map((_, at) => at);

function pair(): [StillSeal, StillSeal] {
  const [mine, theirs] = [new StillSeal(), new StillSeal()];
  mine.hear(key(1));
  theirs.hear(key(1, "me"));
  return [mine, theirs];
}

test("a piece that the server passes on is opened by who has the key, and by nobody else", async () => {
  const [mine, theirs] = pair();
  const sent = await mine.out(piece);
  if (!sent) throw new Error("not sent");
  expect(sent.length).toBeLessThanOrEqual(1_050);
  expect(Buffer.from(sent).includes(Buffer.from(piece.subarray(0, 64)))).toBe(false);
  expect(await theirs.in("me", sent)).toEqual(piece);
  expect(await theirs.in("somebody", sent)).toBeNull();
  theirs.hear({ tell: "forget", pid: "me" });
  expect(await theirs.in("me", sent)).toBeNull();
});

test("nothing goes out before there is a key; where the server may see it, it goes as it is", async () => {
  const seal = new StillSeal();
  expect(await seal.out(piece)).toBeNull();
  seal.hear({ tell: "policy", policy: "open" });
  expect(await seal.out(piece)).toEqual(piece);
  expect(await seal.in("somebody", piece)).toEqual(piece);
});

test("pieces come out in the order they went in", async () => {
  const [mine, theirs] = pair();
  const sent = await Promise.all([1, 2, 3].map((seed) => mine.out(new Uint8Array(40).fill(seed))));
  const opened = await Promise.all(sent.map((one) => theirs.in("me", one ?? new Uint8Array())));
  expect(opened.map((one) => one?.[0])).toEqual([1, 2, 3]);
});
