// A sentence over the image, read aloud when it is new.

export function setHint(element: HTMLElement, words: string): void {
  if (element.textContent !== words) element.textContent = words;
  element.hidden = words === "";
}
