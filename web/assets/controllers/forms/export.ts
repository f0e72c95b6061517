// What takes long to be made: <form data-controller="export" data-action="export#take">. The page says that it is being
// prepared and lets one stop it; what arrives is kept as a file. What is refused is sent once more without the script: the
// page then says why, beside its fields.
import { Controller } from "@hotwired/stimulus";
import { requestWith } from "../../form_words";

export default class ExportController extends Controller<HTMLFormElement> {
  static override targets = ["button", "stop", "waiting", "done", "refusal"];
  declare readonly buttonTarget: HTMLElement;
  declare readonly stopTarget: HTMLElement;
  declare readonly waitingTarget: HTMLElement;
  declare readonly doneTarget: HTMLElement;
  declare readonly refusalTarget: HTMLElement;
  #asked?: AbortController;

  override disconnect(): void {
    this.stop();
  }

  async take(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (this.#asked) return;
    this.#asked = new AbortController();
    this.#show("waiting");
    try {
      const request = { ...requestWith(this.element, "POST"), keepalive: false, signal: this.#asked.signal };
      await this.#receive(await fetch(this.element.action, request));
    } catch (error) {
      this.#show(error instanceof DOMException && error.name === "AbortError" ? "nothing" : "refusal");
    } finally {
      this.#asked = undefined;
    }
  }

  /** Wait no longer: the server notices, and stops making it. */
  stop(): void {
    this.#asked?.abort();
  }

  async #receive(answer: Response): Promise<void> {
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    if (answer.ok && name) {
      keep(await answer.blob(), name);
      this.#show("done");
    } else if (answer.status < 500) {
      this.element.submit();
    } else {
      const told: { error?: string } = await answer.json().catch(() => ({}));
      this.#show("refusal", told.error);
    }
  }

  #show(what: "waiting" | "done" | "refusal" | "nothing", words?: string): void {
    const waits = what === "waiting";
    this.waitingTarget.hidden = this.stopTarget.hidden = !waits;
    this.doneTarget.hidden = what !== "done";
    this.refusalTarget.hidden = what !== "refusal";
    if (what === "refusal") this.refusalTarget.textContent = words ?? this.refusalTarget.dataset.words ?? "";
    if (waits) this.buttonTarget.setAttribute("aria-busy", "true");
    else this.buttonTarget.removeAttribute("aria-busy");
  }
}

function keep(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
