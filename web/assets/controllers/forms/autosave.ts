// A form that saves itself: <form data-controller="autosave" data-autosave-url-value="…" data-autosave-delay-value="800">.
// The answer is JSON {version, saved_at}; 409 means that someone else changed it, 401 that nobody is signed in any more, 403
// that somebody signed in anew since the page came. See the save_state macro for its words.
import { Controller } from "@hotwired/stimulus";
import { isTouched, requestWith } from "../../form_words";
import { renewToken } from "../../requests";

const RETRY_MS = 5000;

type State = "saving" | "saved" | "failed" | "offline" | "conflict" | "signed-out";

export default class AutosaveController extends Controller<HTMLFormElement> {
  static override targets = ["state", "door"];
  static override values = {
    url: String,
    delay: { type: Number, default: 800 },
    method: { type: String, default: "PATCH" },
  };
  declare readonly stateTargets: HTMLElement[];
  declare readonly doorTargets: HTMLElement[];
  declare readonly urlValue: string;
  declare readonly delayValue: number;
  declare readonly methodValue: string;
  #timer?: ReturnType<typeof setTimeout>;
  #unsaved = false;
  #saving = false;
  #stopped = false;
  #conflict = false;
  #renewed = false;
  #waiting?: SubmitEvent;
  #listening = new AbortController();

  override connect(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    // On the document: a field may stand elsewhere on the page and belong to the form by its `form` attribute.
    document.addEventListener("input", this.#changed, { signal });
    document.addEventListener("change", this.#changed, { signal });
    // First of all listeners: a submission that has to wait is nobody's yet.
    this.element.addEventListener("submit", this.#submitted, { signal, capture: true });
    this.element.addEventListener("turbo:before-fetch-response", this.#refused, { signal });
    this.element.addEventListener("turbo:fetch-request-error", () => this.#resume(), { signal });
    this.element.addEventListener("turbo:frame-load", this.#wentOn, { signal });
    document.addEventListener("turbo:render", this.#wentOn, { signal });
    addEventListener("online", () => this.save(), { signal });
    addEventListener("beforeunload", this.#leaving, { signal });
    document.addEventListener("visibilitychange", () => this.save(), { signal });
    // This script may come after the first words: what differs from the page as it was sent is not saved yet.
    if (isTouched(this.element)) {
      this.#unsaved = true;
      this.#later(this.delayValue);
    }
  }

  override disconnect(): void {
    this.#listening.abort();
    void this.save();
  }

  /** Send what the form holds now, if that is new. What is typed meanwhile goes after the answer. */
  async save(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#saving || this.#stopped || !this.#unsaved) return;
    this.#saving = true;
    this.#unsaved = false;
    this.#show("saving");
    try {
      await this.#answered(await fetch(this.urlValue, requestWith(this.element, this.methodValue)));
    } catch {
      this.#failed(navigator.onLine ? "failed" : "offline");
    }
    this.#saving = false;
    if (this.#waiting) this.element.requestSubmit(this.#waiting.submitter ?? undefined);
    if (this.#unsaved && !this.#listening.signal.aborted) {
      this.#later(["saved", "saving"].includes(this.element.dataset.state ?? "") ? this.delayValue : RETRY_MS);
    }
  }

  async #answered(response: Response): Promise<void> {
    if (response.status === 409) {
      this.#stop();
      this.#conflict = true;
      this.#show("conflict");
    } else if (response.ok) {
      const saved = (await response.json()) as { version?: number; saved_at?: string };
      const version = this.element.elements.namedItem("version");
      if (version instanceof HTMLInputElement && saved.version !== undefined) version.value = String(saved.version);
      this.#renewed = false;
      this.#show("saved", saved.saved_at);
      this.dispatch("saved", { detail: { ...saved, isAll: !this.#unsaved } });
    } else if (response.status === 401) {
      this.#failed("signed-out");
    } else if (response.status !== 403 || this.#renewed) {
      this.#renewed = false;
      this.#failed("failed");
    } else {
      this.#renewed = await renewToken();
      this.#failed(this.#renewed ? "saving" : "signed-out");
    }
  }

  readonly #changed = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    if (this.#stopped || field.form !== this.element || field.type === "file") return;
    this.#unsaved = true;
    this.#later(this.delayValue);
  };

  // A save on its way comes first, so that the form carries the version it leads to.
  readonly #submitted = (event: SubmitEvent): void => {
    this.#stop();
    this.#waiting = this.#saving ? event : undefined;
    if (!this.#waiting) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  // A page that says "sign in" must not take the place of somebody's words.
  readonly #refused = (event: Event): void => {
    const { statusCode } = (event as CustomEvent<{ fetchResponse: { statusCode: number } }>).detail.fetchResponse;
    if (statusCode !== 401 && statusCode !== 403) return;
    event.preventDefault();
    this.#resume();
  };

  // The form was sent for a part of its own, which has come, or was refused and came back as a morph of itself: it is still there.
  readonly #wentOn = (): void => {
    if (this.element.isConnected && this.#stopped && !this.#conflict) this.#resume();
  };

  // The form was sent and not taken: the words are still ours to save.
  #resume(): void {
    this.#stopped = false;
    this.#unsaved = true;
    void this.save();
  }

  readonly #leaving = (event: Event): void => {
    if (this.#unsaved || this.#saving) event.preventDefault();
  };

  #later(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), delay);
  }

  #failed(state: State): void {
    this.#unsaved = true;
    this.#show(state);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
    this.#unsaved = false;
  }

  #show(state: State, at?: string): void {
    this.element.dataset.state = state;
    const { lang, dataset } = document.documentElement;
    const time = at ? new Date(at).toLocaleTimeString(lang, { timeStyle: "short", timeZone: dataset.zone }) : "";
    const words = state === "signed-out" ? "signedOut" : state;
    for (const target of this.stateTargets) {
      target.dataset.state = state;
      target.textContent = (target.dataset[words] ?? "").replace("{time}", time);
    }
    for (const target of this.doorTargets) target.hidden = state !== "signed-out";
  }
}
