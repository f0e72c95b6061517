// The chat's lines. Words of others are text, never markup.
import type { ChatLine } from "../protocol.gen";

export class ChatLog {
  readonly #known = new Set<string>();
  readonly #clock: Intl.DateTimeFormat;

  constructor(
    private readonly list: HTMLElement,
    locale: string,
    timeZone?: string, // the browser's own where none is given
  ) {
    this.#clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
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
    const text = document.createElement("span");
    text.className = "prose-lines";
    text.textContent = line.text;
    item.append(head, text);
    this.list.append(item);
    this.list.scrollTop = this.list.scrollHeight;
  }
}
