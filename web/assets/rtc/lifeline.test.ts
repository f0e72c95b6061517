import { afterEach, beforeEach, expect, type Mock, test, vi } from "vitest";
import { Lifeline, type Watched } from "./lifeline";

let now: number;
let link: { isConnected: boolean; packets: number; received(): Promise<number>; recover: Mock<() => void> };
let server: { beat: Mock<() => Promise<boolean>>; reopen: Mock<() => void>; hurry: Mock<() => void> };
let network: EventTarget;
let line: Lifeline;

beforeEach(() => {
  now = 0;
  link = { isConnected: true, packets: 50, received: async () => link.packets, recover: vi.fn() };
  server = { beat: vi.fn(async () => true), reopen: vi.fn(), hurry: vi.fn() };
  network = new EventTarget();
  line = new Lifeline(
    () => [link satisfies Watched],
    server,
    [[network, "change"]],
    () => now,
  );
});
afterEach(() => line.close());

async function after(ms: number): Promise<void> {
  now += ms;
  await line.look();
}

test("silence while the server answers: the line recovers, once where it stands", async () => {
  await after(0);
  await after(1_500);
  expect(server.beat).toHaveBeenCalledTimes(1);
  expect(link.recover).toHaveBeenCalledTimes(1);
  await after(4_000);
  await after(4_000);
  expect(link.recover).toHaveBeenCalledTimes(1);
  link.isConnected = false;
  await after(4_000);
  expect(link.recover).toHaveBeenCalledTimes(2);
  expect(server.reopen).not.toHaveBeenCalled();
});

test("silence and no answer: the way to the server is opened anew", async () => {
  server.beat.mockResolvedValue(false);
  await after(0);
  await after(1_500);
  expect(server.reopen).toHaveBeenCalledTimes(1);
  expect(link.recover).not.toHaveBeenCalled();
});

test("what comes again hurries the way to the server", async () => {
  await after(0);
  await after(1_500);
  link.packets = 51;
  await after(500);
  expect(server.hurry).toHaveBeenCalledTimes(1);
  await after(1_500);
  expect(link.recover).toHaveBeenCalledTimes(2);
});

test("a change of the network is not waited for in silence", async () => {
  link.isConnected = false;
  network.dispatchEvent(new Event("change"));
  await vi.waitFor(() => expect(link.recover).toHaveBeenCalledTimes(1));
  expect(server.hurry).toHaveBeenCalledTimes(1);
  line.close();
  network.dispatchEvent(new Event("change"));
  expect(server.hurry).toHaveBeenCalledTimes(1);
});
