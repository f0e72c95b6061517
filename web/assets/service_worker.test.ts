import { beforeAll, beforeEach, expect, test, vi } from "vitest";

const showNotification = vi.fn(async () => {});
const openWindow = vi.fn(async () => {});
const focus = vi.fn(async () => {});
const matchAll = vi.fn(async (): Promise<{ url: string; focus: () => Promise<void> }[]> => []);
const worked: Promise<unknown>[] = [];

// What a browser gives to a service worker; the browser itself is the world outside.
beforeAll(async () => {
  Object.assign(self, { registration: { showNotification }, clients: { matchAll, openWindow } });
  await import("./service_worker");
});

beforeEach(() => vi.clearAllMocks());

async function happen(type: string, more: object): Promise<void> {
  self.dispatchEvent(
    Object.assign(new Event(type), more, { waitUntil: (work: Promise<unknown>) => worked.push(work) }),
  );
  await Promise.all(worked.splice(0));
}

const pressed = (url: string) => ({ notification: { data: url, close: () => {} } });

test("a push is shown as it says, and an empty one not at all", async () => {
  const pushed = { title: "Téléconsult", body: "Consult no. 1042: a time was proposed", url: "/consults/7", tag: "7" };
  await happen("push", { data: { json: () => pushed } });
  expect(showNotification).toHaveBeenCalledExactlyOnceWith("Téléconsult", {
    body: pushed.body,
    tag: "7",
    data: "/consults/7",
  });
  await happen("push", {});
  expect(showNotification).toHaveBeenCalledTimes(1);
});

test("pressed, it opens its page, or the window that shows it", async () => {
  const url = `${location.origin}/consults/7`;
  await happen("notificationclick", pressed(url));
  expect(openWindow).toHaveBeenCalledExactlyOnceWith(url);
  matchAll.mockResolvedValueOnce([{ url, focus }]);
  await happen("notificationclick", pressed(url));
  expect(focus).toHaveBeenCalledOnce();
});

test("it opens nothing of another site", async () => {
  await happen("notificationclick", pressed("https://elsewhere.test/"));
  expect(openWindow).not.toHaveBeenCalled();
});
