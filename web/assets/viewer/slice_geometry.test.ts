import { expect, test } from "vitest";
import { Geometries, type SliceGeometry } from "./slice_geometry";

const SLICE: SliceGeometry = {
  ...{ spacing: [1, 1], spacing_is: "patient", orientation: null, position: null, unit: "", regions: [] },
};

function told(count: number): { geometries: Geometries; asked: string[] } {
  const asked: string[] = [];
  const fetcher = async (address: RequestInfo | URL): Promise<Response> => {
    asked.push(String(address));
    return Response.json({ frame_of_reference: "", slices: Array.from({ length: count }, () => SLICE) });
  };
  return { geometries: new Geometries("/studies/1", "x", new Map([["1.8", 2]]), fetcher), asked };
}

test("the slices of a series are asked for once", async () => {
  const { geometries, asked } = told(2);
  expect((await geometries.of("1.8")).slices).toHaveLength(2);
  await geometries.of("1.8");
  expect(asked).toEqual(["/studies/1/series/1.8/geometry?id=x"]);
});

test("a series that has grown since the page was made is not measured by slices of others", async () => {
  const { geometries, asked } = told(3);
  await expect(geometries.of("1.8")).rejects.toThrow();
  await expect(geometries.of("1.8")).rejects.toThrow();
  expect(asked).toHaveLength(1);
});
