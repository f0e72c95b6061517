// Templates, phrases and lines of the file go into the note where the cursor is, by a press or by a shortcut that is typed. What
// stands there stays: a template goes below the words of each section, and what is said already is not said twice.
import { Controller } from "@hotwired/stimulus";

const SHORTCUT = /(?:^|\s)\.([^\s.]{1,20})(\s)$/;

export default class InsertingController extends Controller<HTMLFormElement> {
  static override targets = ["told"];
  static override values = { inserted: String };
  declare readonly toldTarget: HTMLElement;
  declare readonly insertedValue: string;
  #last?: HTMLTextAreaElement;
  #isPutting = false;
  #listening = new AbortController();

  override connect(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    // On the document, before anything else: the buttons stand beside the form, and would send it.
    document.addEventListener("click", this.#pressed, { signal, capture: true });
    this.element.addEventListener("focusin", this.#focused, { signal });
    this.element.addEventListener("input", this.#typed, { signal });
  }

  override disconnect(): void {
    this.#listening.abort();
  }

  readonly #focused = ({ target }: Event): void => {
    if (target instanceof HTMLTextAreaElement && !this.#isPutting) this.#last = target;
  };

  readonly #pressed = (event: MouseEvent): void => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-insert]");
    if (button?.form !== this.element) return;
    event.preventDefault();
    event.stopPropagation();
    this.#isPutting = true;
    this.#put(button);
    this.#isPutting = false;
  };

  readonly #typed = (event: Event): void => {
    const area = event.target;
    if (!(area instanceof HTMLTextAreaElement) || area.selectionStart !== area.selectionEnd) return;
    const typed = SHORTCUT.exec(area.value.slice(0, area.selectionStart));
    if (!typed) return;
    const [, name = "", space = ""] = typed;
    const phrases = [...document.querySelectorAll<HTMLElement>("[data-shortcut]")];
    const phrase = phrases.find(({ dataset }) => dataset.shortcut === name.toLowerCase());
    if (!phrase) return;
    const end = area.selectionStart;
    replace(area, end - name.length - 2, end, `${phrase.dataset.insert ?? ""}${space}`);
  };

  #put({ name, dataset }: HTMLButtonElement): void {
    const { insert = "", into = "", below, line } = dataset;
    if (name === "template") {
      this.#putTemplate(JSON.parse(insert) as Record<string, string>);
      return;
    }
    const area = (below === undefined && this.#last?.isConnected ? this.#last : undefined) ?? this.#area(into);
    if (!area) return;
    if (below !== undefined) putBelow(area, insert);
    else if (line !== undefined) putLine(area, insert);
    else putWords(area, insert);
    this.#tell([area]);
  }

  #putTemplate(sections: Record<string, string>): void {
    const filled = Object.entries(sections).flatMap(([name, text]) => {
      const area = this.#area(name);
      return area && putBelow(area, text) ? [area] : [];
    });
    this.#tell(filled);
  }

  #area(name: string): HTMLTextAreaElement | undefined {
    const found = this.element.elements.namedItem(name);
    return found instanceof HTMLTextAreaElement ? found : undefined;
  }

  #tell(areas: HTMLTextAreaElement[]): void {
    const sections = areas.map((area) => area.labels[0]?.firstChild?.textContent?.trim() ?? "").join(", ");
    this.toldTarget.textContent = sections ? this.insertedValue.replace("{section}", sections) : "";
  }
}

/** On a line of its own, where the cursor is. */
function putLine(area: HTMLTextAreaElement, line: string): void {
  const at = area.selectionEnd;
  const before = area.value.slice(0, at);
  const after = area.value.slice(at);
  const start = !before || before.endsWith("\n") ? "" : "\n";
  replace(area, at, at, `${start}${line}${after.startsWith("\n") ? "" : "\n"}`);
}

/** Among the words, where the cursor is. */
function putWords(area: HTMLTextAreaElement, words: string): void {
  const at = area.selectionEnd;
  const isApart = at === 0 || /\s/.test(area.value.charAt(at - 1));
  replace(area, at, at, `${isApart ? "" : " "}${words}`);
}

/** Below all that stands there, unless it is there already. */
export function putBelow(area: HTMLTextAreaElement, text: string): boolean {
  const more = text.trim();
  if (!more || area.value.includes(more)) return false;
  const end = area.value.length;
  replace(area, end, end, area.value.trim() ? `${area.value.endsWith("\n") ? "" : "\n"}${more}` : more);
  return true;
}

// By the browser's own command where it has one: what it put in, its "undo" takes out again.
function replace(area: HTMLTextAreaElement, start: number, end: number, text: string): void {
  const had = document.activeElement;
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, end);
  if (!document.execCommand?.("insertText", false, text)) {
    area.setRangeText(text, start, end, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (had instanceof HTMLElement && had !== area) had.focus({ preventScroll: true });
}
