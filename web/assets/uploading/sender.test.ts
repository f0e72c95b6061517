import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeServer, image, photograph } from "./fake_server";
import { Sender, type Standing } from "./sender";
import type { Receipt } from "./sending";

const DOOR = "/consults/1/uploads";
const REASONS = { notDicom: "no image", elsewhere: "not here", heic: "no JPEG", unreadable: "no longer there" };
let server: FakeServer;
let standings: Standing[];
let receipts: Receipt[];

function sender(): Sender {
  return new Sender(DOOR, REASONS, {
    onStanding: (standing) => standings.push(standing),
    onReceipt: (receipt) => receipts.push(receipt),
  });
}

async function send(...files: File[]): Promise<number> {
  const going = sender();
  void going.add(files);
  return going.run();
}

beforeEach(() => {
  localStorage.clear();
  [server, standings, receipts] = [new FakeServer(), [], []];
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("what is no image is named and stays here; the index of a disc is not even named", async () => {
  const sent = await send(image("b"), new File(["MZ"], "viewer.exe"), image("DICOMDIR"), image("a"));
  expect(sent).toBe(2);
  expect(receipts).toEqual([
    { refused: [{ name: "viewer.exe", code: "not-dicom", reason: "no image" }] },
    { refused: [] },
  ]);
  expect(server.requests.map((line) => line.split(" ")[0])).toEqual(["POST", "PATCH", "POST"]);
  expect(standings.at(-1)).toMatchObject({ sent: 2, of: 2, ratio: 1, isWaiting: false });
});

test("nothing but other files: nothing is sent", async () => {
  expect(await send(new File(["x"], "readme.txt"))).toBe(0);
  expect(server.requests).toEqual([]);
});

test("photographs go alone, with what they show; without that they stay here", async () => {
  const going = sender();
  void going.add([photograph("a.jpg"), photograph("b.jpg"), image("c")], "skin");
  expect(await going.run()).toBe(3);
  const told = [...server.uploads.values()].map(({ metadata }) => metadata.split(",").at(-1) ?? "");
  expect(told.filter((pair) => pair === `subject ${btoa("skin")}`)).toHaveLength(2);
  expect(told).toHaveLength(3);
  receipts = [];
  expect(await send(photograph("logo.jpg"))).toBe(0);
  expect(receipts).toEqual([{ refused: [{ name: "logo.jpg", code: "not-dicom", reason: "not here" }] }]);
});

test("a photograph that only telephones read is named", async () => {
  const going = sender();
  void going.add([new File(["....ftypheic"], "a.heic"), new File(["x"], "b.txt")], "skin");
  expect(await going.run()).toBe(0);
  expect(receipts).toEqual([
    {
      refused: [
        { name: "a.heic", code: "heic", reason: "no JPEG" },
        { name: "b.txt", code: "not-dicom", reason: "no image" },
      ],
    },
  ]);
});

test("a link that breaks is waited for, and what arrived is not sent again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  server.keeps = 100;
  const going = send(image("a"));
  await vi.waitFor(() => expect(standings.at(-1)?.isWaiting).toBe(true));
  await vi.advanceTimersByTimeAsync(5000);
  expect(standings.at(-1)?.isWaiting).toBe(true);
  server.isCut = false;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await going).toBe(1);
  const [upload] = server.uploads.values();
  expect(upload?.bytes.map((piece) => piece.size)[0]).toBe(100);
  expect(upload?.bytes.reduce((sum, piece) => sum + piece.size, 0)).toBe(upload?.length);
  expect(standings.some((standing) => standing.isWaiting)).toBe(true);
  expect(standings.at(-1)?.isWaiting).toBe(false);
});

test("the same files chosen after a reload go on, and what is whole is not sent again", async () => {
  await send(image("a"));
  const before = server.requests.length;
  await send(image("a"));
  expect(server.requests.slice(before).map((line) => line.split(" ")[0])).toEqual(["HEAD", "POST"]);
  expect(server.uploads.size).toBe(1);
});

test("what the server no longer keeps begins anew", async () => {
  await send(image("a"));
  server.uploads.clear();
  expect(await send(image("a"))).toBe(1);
  expect(server.uploads.size).toBe(1);
});

test("a refusal is passed on in the server's words", async () => {
  server.receipt = 409;
  await expect(send(image("a"))).rejects.toMatchObject({ name: "Undelivered", message: "Not now." });
});

test("called off: what has half arrived is thrown away", async () => {
  server.keeps = 100;
  const going = sender();
  void going.add([image("a")]);
  const over = going.run();
  await vi.waitFor(() => expect(standings.at(-1)?.isWaiting).toBe(true));
  server.isCut = false;
  going.cancel();
  await expect(over).rejects.toMatchObject({ name: "AbortError" });
  await vi.waitFor(() => expect(server.uploads.size).toBe(0));
  expect(localStorage).toHaveLength(0);
});

test("left: what has half arrived may go on", async () => {
  server.keeps = 100;
  const going = sender();
  void going.add([image("a")]);
  const over = going.run();
  await vi.waitFor(() => expect(standings.at(-1)?.isWaiting).toBe(true));
  going.leave();
  await expect(over).rejects.toMatchObject({ name: "AbortError" });
  server.isCut = false;
  expect(await send(image("a"))).toBe(1);
  expect(server.uploads.size).toBe(1);
});
