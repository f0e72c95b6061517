import { expect, test } from "vitest";
import type { Manifest, Plan } from "./plan";
import { type Decoder, halved, NotShown, Slices } from "./slices";
import type { Slice } from "./values";

const description = {
  ...{ rows: 2, columns: 2, samples: 1, type: "int16", slope: 1, intercept: 0, is_inverted: false },
  ...{ window_center: 0, window_width: 1 },
};
const levels = [
  [1, 1, 2],
  [2, 2, 8],
];
const CONTENT = new Uint8Array(Int16Array.of(1, 2, 3, 4).buffer);

const plan = (halvings: number): Plan => ({ halvings, size: [2, 2, 9], spacing: [1, 1, 1], memory: 0 });
const manifest = {
  path: "/studies/1",
  id: "x",
  slices: Array.from({ length: 9 }, (_unused, at) => [`1.${at}`, 1]),
} as unknown as Manifest;

/** What stands for the decoder here: a codestream is its samples. */
const decoder: Decoder = { decode: async (codestream) => codestream.slice().buffer };

type Answer = (path: string) => Response | Promise<Response>;

function server(answer: Answer): { asked: string[]; fetcher: typeof fetch } {
  const asked: string[] = [];
  const fetcher = async (address: RequestInfo | URL): Promise<Response> => {
    const { pathname, searchParams } = new URL(String(address), "http://x");
    expect(searchParams.get("id")).toBe("x");
    asked.push(pathname);
    return answer(pathname);
  };
  return { asked, fetcher: fetcher as typeof fetch };
}

const codestream: Answer = () =>
  new Response(CONTENT, { headers: { "Pixel-Description": JSON.stringify({ ...description, levels }) } });
const pixels: Answer = () => new Response(CONTENT, { headers: { "Pixel-Description": JSON.stringify(description) } });
const refused: Answer = () => new Response(JSON.stringify({ error: "It is damaged." }), { status: 406 });

async function fetched(slices: Slices, signal = new AbortController().signal): Promise<Map<number, Slice["samples"]>> {
  const found = new Map<number, Slice["samples"]>();
  await slices.fetch((place, { samples }) => found.set(place, samples), signal);
  return found;
}

test("each slice comes once, at its place", async () => {
  const { asked, fetcher } = server(codestream);
  const found = await fetched(new Slices(manifest, plan(0), decoder, fetcher));
  expect([...found.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(found.get(3)).toEqual(Int16Array.of(1, 2, 3, 4));
  expect(asked.length).toBe(9);
});

test("of a halved one only the beginning is decoded", async () => {
  const found = await fetched(new Slices(manifest, plan(1), decoder, server(codestream).fetcher));
  expect(found.get(0)).toEqual(Int16Array.of(1));
});

test("without codestreams or a decoder plain samples come", async () => {
  const answer: Answer = (path) => (path.endsWith("/pixels") ? pixels(path) : refused(path));
  const found = await fetched(new Slices(manifest, plan(1), decoder, server(answer).fetcher));
  expect(found.get(8)).toEqual(Int16Array.of(1));
  const broken: Decoder = { decode: () => Promise.reject(new Error("no WebAssembly")) };
  const both: Answer = (path) => (path.endsWith("/pixels") ? pixels(path) : codestream(path));
  expect((await fetched(new Slices(manifest, plan(0), broken, server(both).fetcher))).size).toBe(9);
});

test("what the server cannot show ends it, in its words", async () => {
  const slices = new Slices(manifest, plan(0), decoder, server(refused).fetcher);
  await expect(fetched(slices)).rejects.toThrow(new NotShown("It is damaged."));
});

test("a broken line is tried again, and given up after a while", async () => {
  let failures = 3;
  const shaky: Answer = (path) => {
    if (failures-- > 0) throw new TypeError("Failed to fetch");
    return codestream(path);
  };
  expect((await fetched(new Slices(manifest, plan(0), decoder, server(shaky).fetcher, [1, 1, 1]))).size).toBe(9);
  const dead = new Slices(manifest, plan(0), decoder, server(() => new Response(null, { status: 503 })).fetcher, [1]);
  await expect(fetched(dead)).rejects.toThrow("503");
});

test("who cancels is obeyed at once", async () => {
  const ended = new AbortController();
  const slow: Answer = () => {
    ended.abort();
    throw new TypeError("Failed to fetch");
  };
  await expect(
    fetched(new Slices(manifest, plan(0), decoder, server(slow).fetcher, [60_000]), ended.signal),
  ).rejects.toThrow();
});

test("each second sample of each second row", () => {
  const samples = Int16Array.from({ length: 15 }, (_unused, at) => at);
  expect(halved(samples, { rows: 3, columns: 5 })).toEqual(Int16Array.of(0, 2, 4, 10, 12, 14));
});
