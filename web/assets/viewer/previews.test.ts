import { expect, test } from "vitest";
import { packed } from "./fake_server";
import { Line } from "./line";
import { type Arrival, Previews, records } from "./previews";
import { seriesOf } from "./stack";

const { signal } = new AbortController();
const [series] = seriesOf({
  path: "/studies/1",
  id: "x",
  series: [{ uid: "1.8", title: "", modality: "CT", instances: [1, 2, 3].map((n) => [`1.${n}`, 1, 4, 4, ""]) }],
});
if (!series) throw new Error("no series");

async function* cut(bytes: Uint8Array<ArrayBuffer>, size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

test.each([1, 5, 8, 9, 1000])("records come out whole, the body cut every %i bytes", async (size) => {
  const body = packed([3, "abc"], [1, ""], [70_000, "x".repeat(300)]);
  const found: [number, string][] = [];
  for await (const [number, bytes] of records(cut(body, size))) found.push([number, new TextDecoder().decode(bytes)]);
  expect(found).toEqual([
    [3, "abc"],
    [1, ""],
    [70_000, "x".repeat(300)],
  ]);
});

test("each picture is told as it comes, and kept", async () => {
  const asked: string[] = [];
  const line = new Line("x", async (path) => {
    asked.push(decodeURIComponent(String(path)));
    return new Response(packed([3, "abc"], [1, ""]));
  });
  const previews = new Previews(line, 100);
  const told: Arrival[] = [];
  await previews.fetch(series, [2, 0], (one) => told.push(one), signal);
  expect(asked).toEqual(["/studies/1/series/1.8/previews?slices=3,1&of=3&id=x"]);
  expect(told.map(({ slice, picture }) => [slice.sop, picture?.size, picture?.type])).toEqual([
    ["1.3", 3, "image/webp"],
    ["1.1", undefined, undefined],
  ]);
  const held = series.slices.map((slice) => previews.held(slice));
  expect(held).toEqual([null, undefined, expect.any(Blob)]);
  expect(series.slices.map((slice) => previews.has(slice))).toEqual([true, false, true]);
});

test("an answer that breaks off keeps what came, and is an error", async () => {
  const line = new Line("x", async () => new Response(packed([1, "abc"], [2, "defgh"]).slice(0, -2)));
  const previews = new Previews(line, 100);
  await expect(previews.fetch(series, [0, 1], () => undefined, signal)).rejects.toThrow("cut off");
  expect(series.slices.map((slice) => previews.has(slice))).toEqual([true, false, false]);
});
