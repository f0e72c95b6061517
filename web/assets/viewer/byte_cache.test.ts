import { expect, test } from "vitest";
import { ByteCache } from "./byte_cache";

test("the cache forgets what was not used for longest", () => {
  const cache = new ByteCache<string>(10);
  cache.put("a", "A", 4);
  cache.put("b", "B", 4);
  expect(cache.get("a")).toBe("A");
  cache.put("c", "C", 4);
  expect(cache.get("b")).toBeUndefined();
  expect([cache.get("a"), cache.get("c")]).toEqual(["A", "C"]);
  cache.put("large", "L", 100);
  expect(cache.has("a")).toBe(false);
  expect(cache.get("large")).toBe("L");
});

test("what is put again or taken out counts no longer", () => {
  const cache = new ByteCache<string>(10);
  cache.put("a", "A", 8);
  cache.put("a", "a", 4);
  cache.put("b", "B", 6);
  expect([cache.get("a"), cache.get("b")]).toEqual(["a", "B"]);
  cache.delete("b");
  cache.delete("unknown");
  cache.put("c", "C", 6);
  expect(cache.has("a")).toBe(true);
});
