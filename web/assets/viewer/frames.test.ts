import { expect, test, vi } from "vitest";
import { ByteCache, Frames, NotShown } from "./frames";

const slice = { path: "/studies/1/instances/2/frames/1", sop: "1", frame: 1, width: 2, height: 1, hidden: "" };
const description = { rows: 1, columns: 2, samples: 1, type: "int16", slope: 1, intercept: 0 };
const { signal } = new AbortController();

test("the cache forgets what was not used for longest", () => {
  const cache = new ByteCache<string>(10);
  cache.put("a", "A", 4);
  cache.put("b", "B", 4);
  expect(cache.get("a")).toBe("A");
  cache.put("c", "C", 4);
  expect(cache.get("b")).toBeUndefined();
  expect([cache.get("a"), cache.get("c")]).toEqual(["A", "C"]);
  cache.put("large", "L", 100);
  expect(cache.get("a")).toBeUndefined();
  expect(cache.get("large")).toBe("L");
});

test("samples are fetched once, with what they mean", async () => {
  const headers = { "Pixel-Description": JSON.stringify(description) };
  const fetcher = vi.fn(async () => new Response(Int16Array.of(-1, 2).buffer, { headers }));
  const frames = new Frames("study", fetcher);
  expect(frames.held(slice)).toBeUndefined();
  const frame = await frames.samples(slice, signal);
  expect([...frame.samples]).toEqual([-1, 2]);
  expect(await frames.samples(slice, signal)).toBe(frame);
  expect(fetcher).toHaveBeenCalledExactlyOnceWith(`${slice.path}/pixels?id=study`, expect.anything());
});

test("a picture is asked for under the window that is set", async () => {
  const fetcher = vi.fn(async (_path: RequestInfo | URL) => new Response("webp"));
  const frames = new Frames("study", fetcher);
  await frames.picture(slice, { center: 40, width: 80.5 }, signal);
  await frames.picture(slice, null, signal);
  const asked = fetcher.mock.calls.map(([path]) => decodeURIComponent(String(path)));
  expect(asked).toEqual([`${slice.path}/rendered?id=study&window=40.00,80.50`, `${slice.path}/rendered?id=study`]);
});

test("what cannot be shown says why", async () => {
  const fetcher = async () => Response.json({ error: "The file is damaged." }, { status: 406 });
  await expect(new Frames("study", fetcher).samples(slice, signal)).rejects.toThrow(
    new NotShown("The file is damaged."),
  );
});

test("a server in trouble is an error like a lost line", async () => {
  const frames = new Frames("study", async () => new Response("", { status: 503 }));
  await expect(frames.picture(slice, null, signal)).rejects.toThrow("503");
});
