// Beside `autosave` on the editor of a note: while the line takes nothing, the words are kept sealed on this device; when the page
// comes back they stand in it again and are saved, or are shown beside what was saved elsewhere meanwhile. `over` wipes them.
import { Controller } from "@hotwired/stimulus";
import { forgetNote, type Kept, KeptWords, type Words } from "./kept_words";

const KEEP_AFTER_MS = 300;
const TAB = "teleconsult-tab";

export default class KeepingController extends Controller<HTMLElement> {
  static override targets = ["found", "pieces", "piece", "restored"];
  static override values = { note: String, secret: String, over: Boolean, unsaved: Boolean };
  declare readonly foundTarget: HTMLElement;
  declare readonly piecesTarget: HTMLElement;
  declare readonly pieceTarget: HTMLTemplateElement;
  declare readonly restoredTarget: HTMLElement;
  declare readonly noteValue: string;
  declare readonly secretValue: string;
  declare readonly overValue: boolean;
  declare readonly unsavedValue: boolean;
  #kept?: KeptWords;
  #tab = "";
  #base = "";
  #found: Kept[] = [];
  #timer?: ReturnType<typeof setTimeout>;
  #release: () => void = () => {};
  #listening = new AbortController();

  override async connect(): Promise<void> {
    if (this.overValue) return await forgetNote(this.noteValue);
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.element.addEventListener("input", this.#changed, { signal });
    this.#base = this.#version;
    try {
      this.#tab = await this.#takeTab();
      this.#kept = await KeptWords.open(this.noteValue, this.secretValue);
      if (signal.aborted) return this.disconnect();
      await this.#lookBack();
    } catch (error) {
      console.warn("nothing is kept on this device", error); // a private window that lets nothing be kept
    }
    this.element.dataset.keeping = this.#kept ? "on" : "off";
  }

  override disconnect(): void {
    this.#listening.abort();
    clearTimeout(this.#timer);
    this.#release();
    this.#kept?.close();
    this.#kept = undefined;
  }

  /** The server has the words; where more were typed meanwhile, those are kept on top of them. */
  async saved({ detail }: CustomEvent<{ isAll: boolean }>): Promise<void> {
    this.#base = this.#version;
    if (!detail.isAll) return this.#later();
    clearTimeout(this.#timer);
    await this.#kept?.forget(this.#tab);
  }

  /** Each kept text below the words that stand in its section. */
  async putBelow(): Promise<void> {
    for (const { words } of this.#found) {
      for (const area of this.#areas) {
        const text = words[area.name]?.trim() ?? "";
        if (!text || area.value.includes(text)) continue;
        area.value = area.value.trim() ? `${area.value.trimEnd()}\n${text}` : text;
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
    await this.#keep();
    await this.discard();
  }

  async discard(): Promise<void> {
    for (const one of this.#found) if (one.tab !== this.#tab) await this.#kept?.forget(one.tab);
    this.#found = [];
    this.foundTarget.hidden = true;
    this.#areas[0]?.focus();
  }

  /** What windows that are closed, or this one before it was loaded again, could not save. */
  async #lookBack(): Promise<void> {
    const alive = await openTabs(this.noteValue);
    for (const kept of (await this.#kept?.all()) ?? []) {
      if (kept.tab !== this.#tab && alive.has(kept.tab)) continue;
      const isNew = this.#areas.some((area) => (kept.words[area.name] ?? "") !== area.value);
      if (!isNew && !this.unsavedValue) await this.#kept?.forget(kept.tab);
      else if (!isNew) this.#base = kept.version;
      else if (kept.version === this.#version && !this.#isTouched) this.#restore(kept);
      else this.#found.push(kept);
    }
    this.#show();
  }

  // Nobody changed the draft since: the words go where they were written, and are saved from there.
  #restore(kept: Kept): void {
    for (const area of this.#areas) {
      const text = kept.words[area.name] ?? "";
      if (text === area.value) continue;
      area.value = text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    this.restoredTarget.hidden = false;
    if (kept.tab !== this.#tab) void this.#keep().then(() => this.#kept?.forget(kept.tab));
  }

  #show(): void {
    this.piecesTarget.replaceChildren();
    for (const { words } of this.#found) {
      for (const area of this.#areas) {
        const text = words[area.name]?.trim();
        if (!text || area.value.includes(text)) continue;
        const piece = this.pieceTarget.content.cloneNode(true) as DocumentFragment;
        part(piece, "heading").textContent = area.labels[0]?.textContent ?? "";
        part(piece, "text").textContent = text;
        this.piecesTarget.append(piece);
      }
    }
    this.foundTarget.hidden = !this.piecesTarget.childElementCount;
  }

  readonly #changed = (): void => this.#later();

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#keep(), KEEP_AFTER_MS);
  }

  async #keep(): Promise<void> {
    const words: Words = Object.fromEntries(this.#areas.map((area) => [area.name, area.value]));
    await this.#kept?.keep({ tab: this.#tab, version: this.#base, words });
  }

  /** The name of this window, which a duplicate of it does not share; held as long as the window lives, also after a crash. */
  async #takeTab(): Promise<string> {
    const known = sessionStorage.getItem(TAB) ?? newTab();
    if (!navigator.locks || (await this.#hold(known))) return known;
    const own = newTab();
    await this.#hold(own);
    return own;
  }

  #hold(tab: string): Promise<boolean> {
    return new Promise((resolve) => {
      void navigator.locks.request(lockOf(this.noteValue, tab), { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock ? new Promise<void>((release) => (this.#release = release)) : undefined;
      });
    });
  }

  get #areas(): HTMLTextAreaElement[] {
    return [...this.element.querySelectorAll("textarea")];
  }

  get #isTouched(): boolean {
    return this.#areas.some((area) => area.value !== area.defaultValue);
  }

  get #version(): string {
    return this.element.querySelector<HTMLInputElement>("input[name=version]")?.value ?? "";
  }
}

async function openTabs(note: string): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const start = lockOf(note, "");
  return new Set(held.flatMap(({ name }) => (name?.startsWith(start) ? [name.slice(start.length)] : [])));
}

function lockOf(note: string, tab: string): string {
  return `draft:${note}:${tab}`;
}

function newTab(): string {
  const tab = crypto.randomUUID();
  sessionStorage.setItem(TAB, tab);
  return tab;
}

function part(piece: DocumentFragment, name: string): HTMLElement {
  return piece.querySelector(`[data-part=${name}]`) as HTMLElement;
}
