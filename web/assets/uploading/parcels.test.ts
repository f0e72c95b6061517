import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { image } from "./fake_server";
import { parcelOf, together } from "./parcels";

const none = (_file: File): boolean => false;
const unread: File[] = [];
const pack = (files: File[], isArchive = none) => parcelOf(files, isArchive, (file) => unread.push(file));

function large(name: string, size: number): File {
  const made = image(name);
  Object.defineProperty(made, "size", { value: size });
  return made;
}

test("small files travel together, 200 and 8 MB at most", () => {
  const many = Array.from({ length: 450 }, (_, n) => large(`${n}`, 10));
  expect(together(many, none).map((lot) => lot.length)).toEqual([200, 200, 50]);
  const sizes = [5e6, 2e6, 2e6, 400e6, 1].map((size) => large("a", size));
  const lots = together(sizes, none).map((lot) => lot.map((file) => file.size));
  expect(lots).toEqual([[5e6, 2e6], [400e6], [2e6, 1]]);
});

test("an archive goes alone, as it is", async () => {
  const [archive, named] = [image("a"), image("b.zip")];
  const isArchive = (file: File): boolean => file === archive;
  expect(together([archive, image("c"), named], isArchive).map((lot) => lot.length)).toEqual([1, 1, 1]);
  expect((await pack([archive], isArchive)).content).toBe(archive);
});

test("the same files make the same bytes, others do not", async () => {
  const [first, second, other] = await Promise.all([
    pack([image("a"), image("b")]),
    pack([image("a"), image("b")]),
    pack([image("a"), image("b", "changed")]),
  ]);
  expect(first.print).toMatch(/^[0-9a-f]{64}$/);
  expect(second.print).toBe(first.print);
  expect(other.print).not.toBe(first.print);
});

test("what is packed is what was chosen", async () => {
  const { content } = await pack([image("a", "x"), image("b", "y")]);
  const unpacked = unzipSync(new Uint8Array(await content.arrayBuffer()));
  expect(Object.keys(unpacked)).toEqual(["a", "b"]);
  expect(new TextDecoder().decode(unpacked.b?.slice(128))).toBe("DICMy");
});

test("blank images are not packed so tightly that they look like a bomb", async () => {
  const { content } = await pack([image("blank", "", 2_000_000)]);
  expect(content.size).toBeGreaterThan(2_000_000);
});

test("what can no longer be read is left out, and the rest goes", async () => {
  const scratched = image("scratched");
  scratched.arrayBuffer = () => Promise.reject(new DOMException("", "NotReadableError"));
  const { content } = await pack([scratched, image("b")]);
  expect(Object.keys(unzipSync(new Uint8Array(await content.arrayBuffer())))).toEqual(["b"]);
  expect(unread).toEqual([scratched]);
});
