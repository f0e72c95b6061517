// What every request of ours to our own server carries.

/** The token of the page that is shown, for a request that is not a form. */
export function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

/** Headers of a request that changes something and wants JSON back. */
export function ownHeaders(): Record<string, string> {
  return { Accept: "application/json", "X-CSRF-Token": csrfToken() };
}
