// The chat's lines. Words of others are text, never markup; a file is a link to it, a picture shows a small one.
import type { ChatFile, ChatLine } from "../protocol.gen";

const KB = 1024;

export class ChatLog {
  readonly #known = new Set<string>();
  readonly #clock: Intl.DateTimeFormat;
  #consult?: string | null;

  constructor(
    private readonly list: HTMLElement,
    private readonly locale: string,
    timeZone?: string, // the browser's own where none is given
  ) {
    this.#clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  }

  /** Of the consult that is talked about now; what was written of another one is not for its eyes. */
  turnTo(consult: string | null): void {
    if (this.#consult !== undefined && this.#consult !== consult) {
      this.#known.clear();
      this.list.replaceChildren();
    }
    this.#consult = consult;
  }

  /** Add a line once, in the order of arrival. */
  add(line: ChatLine, isOwn: boolean): void {
    if (this.#known.has(line.id)) return;
    this.#known.add(line.id);
    const item = document.createElement("li");
    item.className = isOwn ? "chat-line chat-line-own" : "chat-line";
    const head = document.createElement("span");
    head.className = "chat-line-head muted";
    const at = this.#clock.format(new Date(line.sent_at));
    head.textContent = isOwn ? at : `${line.name} · ${at}`;
    item.append(head, line.file ? this.#file(line, line.file) : words(line.text));
    this.list.append(item);
    this.list.scrollTop = this.list.scrollHeight;
  }

  #file({ id, text }: ChatLine, { kind, size }: ChatFile): HTMLElement {
    const link = document.createElement("a");
    link.className = "chat-file";
    link.href = `${this.list.dataset.files}/${id}`;
    link.dataset.testid = "chat-file-link";
    if (kind === "image/jpeg") {
      link.target = "_blank";
      const small = document.createElement("img");
      small.alt = "";
      small.loading = "lazy";
      small.src = `${link.href}/preview`;
      link.append(small);
    } else {
      link.download = text;
    }
    link.append(words(`${text} (${this.#sized(size)})`));
    return link;
  }

  #sized(bytes: number): string {
    const [value, unit] = bytes < KB * KB ? [bytes / KB, "kilobyte"] : [bytes / KB / KB, "megabyte"];
    const style = { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 };
    return new Intl.NumberFormat(this.locale, style as Intl.NumberFormatOptions).format(value);
  }
}

function words(text: string): HTMLElement {
  const span = document.createElement("span");
  span.className = "prose-lines";
  span.textContent = text;
  return span;
}
