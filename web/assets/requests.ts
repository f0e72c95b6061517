// What every request of ours to our own server carries.

/** The token of the page that is shown, for a request that is not a form. */
function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

/**
 * Take the token of a session begun anew, in another window perhaps, into the page that is shown. False while nobody is
 * signed in.
 */
export async function renewToken(): Promise<boolean> {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname === "/sign-in") return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  document.querySelector('meta[name="csrf-token"]')?.setAttribute("content", token);
  for (const field of document.querySelectorAll<HTMLInputElement>('input[name="csrf_token"]')) field.value = token;
  return true;
}

/** Headers of a request that changes something and wants JSON back. */
export function ownHeaders(): Record<string, string> {
  return { Accept: "application/json", "X-CSRF-Token": csrfToken() };
}
