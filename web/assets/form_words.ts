// What a form holds: whether it differs from the page as it was sent, and how it goes over the wire.
import { ownHeaders } from "./requests";

/** Whether somebody typed or chose something since the page was sent, before a script could listen perhaps. */
export function isTouched(form: HTMLFormElement): boolean {
  return [...form.elements].some(isChanged);
}

/** A request with the form's words, files left out, that may outlive the page (`keepalive` takes 64 KB, Fetch §4.6). */
export function requestWith(form: HTMLFormElement, method: string): RequestInit {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
  return { method, headers: ownHeaders(), body, keepalive: body.toString().length < 60_000 };
}

function isChanged(field: Element): boolean {
  if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
  if (field instanceof HTMLSelectElement) {
    // Where the page marks no option, the browser selects the first.
    const marked = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(marked, 0);
  }
  if (!(field instanceof HTMLInputElement) || ["hidden", "file", "password"].includes(field.type)) return false;
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}
