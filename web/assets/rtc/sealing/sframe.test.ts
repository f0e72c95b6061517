// @vitest-environment node
import { expect, test } from "vitest";
import { FrameKey, headerOf, written } from "./sframe";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const raw = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

// RFC 9605, Appendix C: headers, and the cipher suite 0x0004.
test.each([
  [0, 0, "00"],
  [0, 1, "01"],
  [0, 255, "08ff"],
  [0, 256, "090100"],
  [0, 65_536, "0a010000"],
  [1, 0, "10"],
  [1, 4_294_967_296, "1c0100000000"],
  [255, 1, "81ff"],
  [256, 0, "900100"],
  [65_536, 281_474_976_710_655, "ad010000ffffffffffff"],
])("the header of key %i, frame %i", (kid, ctr, encoded) => {
  expect(hex(written(kid, ctr))).toBe(encoded);
  const sealed = new Uint8Array([...raw(encoded), ...new Uint8Array(16)]);
  expect(headerOf(sealed)).toEqual({ kid, ctr, length: encoded.length / 2 });
});

const published = {
  base: "000102030405060708090a0b0c0d0e0f",
  kid: 0x123,
  ctr: 0x4567,
  clear: "4945544620534672616d65205747",
  plain: "64726166742d696574662d736672616d652d656e63",
  sealed: "9901234567b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb",
};

test("the published frame is sealed and opened", async () => {
  const key = await FrameKey.of(raw(published.base), published.kid);
  const sealed = await key.seal(published.ctr, raw(published.plain), raw(published.clear));
  expect(hex(sealed)).toBe(published.sealed);
  const header = headerOf(sealed);
  expect(header).toEqual({ kid: published.kid, ctr: published.ctr, length: 5 });
  if (!header) return;
  expect(hex(await key.open(header, sealed, raw(published.clear)))).toBe(published.plain);
});

test("nothing that was touched is opened", async () => {
  const key = await FrameKey.of(raw(published.base), published.kid);
  const other = await FrameKey.of(raw(`ff${published.base.slice(2)}`), published.kid);
  const sealed = raw(published.sealed);
  const header = headerOf(sealed);
  if (!header) throw new Error("no header");
  const touched = sealed.slice();
  touched[20] = (touched[20] ?? 0) ^ 1;
  await expect(key.open(header, touched, raw(published.clear))).rejects.toThrow();
  await expect(key.open(header, sealed, raw(`00${published.clear.slice(2)}`))).rejects.toThrow();
  await expect(key.open({ ...header, ctr: 1 }, sealed, raw(published.clear))).rejects.toThrow();
  await expect(other.open(header, sealed, raw(published.clear))).rejects.toThrow();
});

test.each(["", "00", "8f", `ff${"ff".repeat(40)}`])("what is no sealed frame has no header: %s", (bytes) => {
  expect(headerOf(raw(bytes))).toBeNull();
});
