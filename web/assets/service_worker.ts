// Shows what is pushed to this browser, and opens its page when it is pressed. It keeps nothing and answers no request: pages
// come from the server alone. At the root of the site, and complete in this one file.
interface Pushed {
  title: string;
  body: string;
  url: string;
  tag: string;
}

interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Client {
  url: string;
  focus(): Promise<unknown>;
}

interface Scope {
  registration: { showNotification(title: string, options: NotificationOptions): Promise<void> };
  clients: { matchAll(options: { type: "window" }): Promise<Client[]>; openWindow(url: string): Promise<unknown> };
  addEventListener(type: "push", listener: (event: Waiting & { data?: { json(): Pushed } }) => void): void;
  addEventListener(
    type: "notificationclick",
    listener: (event: Waiting & { notification: Notification }) => void,
  ): void;
}

const scope = self as unknown as Scope;

scope.addEventListener("push", (event) => {
  const pushed = event.data?.json();
  if (!pushed) return;
  const { title, body, tag, url } = pushed;
  event.waitUntil(scope.registration.showNotification(title, { body, tag, data: url }));
});

scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(String(event.notification.data), self.location.origin);
  if (url.origin === self.location.origin) event.waitUntil(open(url.href));
});

async function open(url: string): Promise<unknown> {
  const windows = await scope.clients.matchAll({ type: "window" });
  const here = windows.find((client) => client.url === url);
  return here ? here.focus() : scope.clients.openWindow(url);
}

// To the type checker it is a module of its own; what is built of it exports and imports nothing.
export {};
