// The list of marks beside the images: what each says, a way to its slice, a way to be rid of it.
import { isOwn, type Mark } from "./sheet";

export interface MarkList {
  say(mark: Mark): string;
  /** Which series, and for a kept one who and when. */
  note(mark: Mark): string;
  show(mark: Mark): void;
  delete(mark: Mark): void;
  words: Record<"there" | "delete", string>;
}

export function showList(list: HTMLElement, marks: readonly Mark[], acts: MarkList): void {
  list.replaceChildren(...marks.map((mark) => line(mark, acts)));
}

function line(mark: Mark, acts: MarkList): HTMLLIElement {
  const [item, text, note] = [document.createElement("li"), document.createElement("p"), document.createElement("p")];
  item.className = "viewer-mark";
  text.textContent = acts.say(mark);
  note.textContent = acts.note(mark);
  note.className = "muted small";
  const buttons = [button(acts.words.there, () => acts.show(mark))];
  if (isOwn(mark)) buttons.push(button(acts.words.delete, () => acts.delete(mark)));
  const row = document.createElement("div");
  row.className = "button-row";
  row.append(...buttons);
  item.append(text, note, row);
  return item;
}

function button(words: string, act: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button-quiet button-s";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}
