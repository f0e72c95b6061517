// A sentence over the image, read aloud when it is new, and a way on from there.

export interface Way {
  href: string;
  words: string;
}

export function setHint(element: HTMLElement, words: string, way?: Way): void {
  const said = way ? `${words} ${way.words}` : words;
  if (element.textContent !== said) element.replaceChildren(...(way ? [`${words} `, linkOf(way)] : [words]));
  element.hidden = words === "";
}

function linkOf({ href, words }: Way): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = href;
  link.textContent = words;
  return link;
}
