// Adds this browser to those that show messages while no page is open (W3C Push API).
import { Controller } from "@hotwired/stimulus";
import { ownHeaders } from "../requests";
import { visit } from "../visits";

export default class PushController extends Controller<HTMLElement> {
  static override targets = ["button", "refused", "failed"];
  static override values = { key: String, url: String, worker: String };
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly refusedTarget: HTMLElement;
  declare readonly failedTarget: HTMLElement;
  declare readonly keyValue: string;
  declare readonly urlValue: string;
  declare readonly workerValue: string;

  override connect(): void {
    this.buttonTarget.hidden = !("serviceWorker" in navigator && "PushManager" in window && "Notification" in window);
  }

  /** Ask the browser, then tell the server where this browser is reached and by which keys. */
  async add(): Promise<void> {
    this.refusedTarget.hidden = this.failedTarget.hidden = true;
    this.buttonTarget.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") {
        this.refusedTarget.hidden = false;
        return;
      }
      const answer = await fetch(this.urlValue, {
        method: "POST",
        headers: ownHeaders(),
        body: new URLSearchParams(await this.#subscription()),
      });
      if (answer.ok) visit(location.href, { action: "replace" });
      else this.failedTarget.hidden = false;
    } catch {
      this.failedTarget.hidden = false;
    } finally {
      this.buttonTarget.disabled = false;
    }
  }

  async #subscription(): Promise<Record<string, string>> {
    await navigator.serviceWorker.register(this.workerValue, { scope: "/" });
    const worker = await navigator.serviceWorker.ready;
    const held = await worker.pushManager.getSubscription();
    // One of another key (the server's secret was changed) would be refused there.
    if (held && !isOf(held, this.keyValue)) await held.unsubscribe();
    const subscription = await worker.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: this.keyValue,
    });
    const { endpoint = "", keys = {} } = subscription.toJSON();
    return { endpoint, p256dh: keys.p256dh ?? "", auth: keys.auth ?? "" };
  }
}

function isOf(subscription: PushSubscription, key: string): boolean {
  const held = subscription.options.applicationServerKey;
  if (!held) return false;
  const text = btoa(String.fromCharCode(...new Uint8Array(held)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") === key;
}
