import { expect, test } from "vitest";
import { type Kept, Sheet } from "./sheet";

const HERE = { series: "1", sop: "1.1", frame: 1 };
const IMAGE = { width: 100, height: 50 };
const KEPT: Kept = {
  ...HERE,
  id: "kept-0",
  kind: "length",
  graphic: [],
  values: [],
  atDetector: false,
  by: "Dr A",
  at: "",
  report: "2.25.1",
};

function drawn(): { sheet: Sheet; id: string } {
  const sheet = new Sheet();
  return {
    sheet,
    id: sheet.add("length", HERE, [
      { x: 10, y: 10 },
      { x: 20, y: 10 },
    ]).id,
  };
}

test("marks are on their slice alone", () => {
  const { sheet } = drawn();
  sheet.kept = [KEPT];
  expect(sheet.on(HERE)).toHaveLength(2);
  expect(sheet.on({ ...HERE, frame: 2 })).toHaveLength(0);
  sheet.showsKept = false;
  expect(sheet.on(HERE)).toHaveLength(1);
  expect(sheet.all).toHaveLength(2);
});

test("a point moves alone, a mark as it is; neither leaves the image", () => {
  const { sheet } = drawn();
  const [mark] = sheet.own;
  if (!mark) throw new Error("nothing was drawn");
  sheet.move(mark, 1, { x: 5, y: 100 }, IMAGE);
  expect(mark.points).toEqual([
    { x: 10, y: 10 },
    { x: 25, y: 50 },
  ]);
  sheet.move(mark, null, { x: -90, y: -5 }, IMAGE);
  expect(mark.points).toEqual([
    { x: 0, y: 5 },
    { x: 15, y: 45 },
  ]);
});

test("the last deletion is taken back, once", () => {
  const { sheet, id } = drawn();
  sheet.delete("kept-0");
  expect(sheet.canUndo).toBe(false);
  sheet.delete(id);
  expect(sheet.own).toHaveLength(0);
  expect(sheet.undo()?.id).toBe(id);
  expect(sheet.own).toHaveLength(1);
  expect(sheet.undo()).toBeNull();
});

test("what was drawn while others were sent stays", () => {
  const { sheet, id } = drawn();
  expect(sheet.sent()[0]?.points).toEqual([
    [10, 10],
    [20, 10],
  ]);
  sheet.add("angle", HERE, []);
  sheet.forget(new Set([id]));
  expect(sheet.own.map(({ kind }) => kind)).toEqual(["angle"]);
});

test("of one slice alone: what is to be kept, and in which reports stands what is kept", () => {
  const { sheet, id } = drawn();
  sheet.add("angle", { ...HERE, frame: 2 }, []);
  sheet.kept = [KEPT, { ...KEPT, id: "kept-1" }, { ...KEPT, id: "kept-2", frame: 2, report: "2.25.2" }];
  expect(sheet.sent(HERE).map(({ kind }) => kind)).toEqual(["length"]);
  expect([...sheet.idsAt(HERE)]).toEqual([id]);
  expect(sheet.idsAt().size).toBe(2);
  expect(sheet.reportsOn(HERE)).toEqual(["2.25.1"]);
  sheet.showsKept = false;
  expect(sheet.reportsOn(HERE)).toEqual([]);
});

test("what another shows is seen and measured, and is nobody's here to move, keep or tell on", () => {
  const sheet = new Sheet();
  const place = { series: "1", sop: "1.1", frame: 1 };
  const mine = sheet.add("length", place, [
    { x: 0, y: 0 },
    { x: 3, y: 4 },
  ]);
  const theirs = {
    kind: "length",
    points: [
      { x: 0, y: 0 },
      { x: 6, y: 8 },
    ],
    ...place,
  } as const;
  sheet.show([{ ...theirs, points: [...theirs.points] }]);
  const seen = sheet.on(place);
  expect(seen.map((mark) => mark.values[0]?.value)).toEqual([5, 10]);
  expect(seen.map((mark) => sheet.holds(mark))).toEqual([true, false]);
  expect([sheet.all, sheet.find(seen[1]?.id ?? "")]).toEqual([[mine], undefined]);
  expect(sheet.told).toEqual([{ kind: "length", points: mine.points, ...place }]);
  sheet.show([]);
  expect(sheet.on(place)).toEqual([mine]);
});
