// The chat's lines. Words of others are text, never markup.
import type { ChatLine } from "../protocol.gen";

export class ChatLog {
  readonly #known = new Set<string>();

  constructor(
    private readonly list: HTMLElement,
    private readonly locale: string,
  ) {}

  /** Add a line once, in the order of arrival. */
  add(line: ChatLine, isOwn: boolean): void {
    if (this.#known.has(line.id)) return;
    this.#known.add(line.id);
    const item = document.createElement("li");
    item.className = isOwn ? "chat-line chat-line-own" : "chat-line";
    const head = document.createElement("span");
    head.className = "chat-line-head muted";
    const at = new Date(line.sent_at).toLocaleTimeString(this.locale, { hour: "2-digit", minute: "2-digit" });
    head.textContent = isOwn ? at : `${line.name} · ${at}`;
    const text = document.createElement("span");
    text.className = "prose-lines";
    text.textContent = line.text;
    item.append(head, text);
    this.list.append(item);
    this.list.scrollTop = this.list.scrollHeight;
  }
}
