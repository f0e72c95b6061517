// On the page of a call whatever is not needed to be in the call waits until it stands: over a thin line every kilobyte
// fetched before it is felt.

/** Where the call's own script does not come, the rest comes without it, ms. */
const PATIENCE = 20_000;

/** All that the call needs is here, and still it does not stand: the browser asks for the camera, nobody answers. ms. */
const REST_AFTER = 8_000;

const begun = new WeakSet<Element>();

/** The call of this element needs nothing more to be fetched. */
export function callStands(room: Element): void {
  begun.add(room);
  room.dispatchEvent(new Event("call-stands"));
}

/** The script of the call is here. */
export function callComes(room: Element): void {
  setTimeout(() => callStands(room), REST_AFTER);
}

/** Resolves at once where the page has no call. */
export function afterCall(): Promise<void> {
  const room = document.querySelector("[data-controller~=room]");
  if (!room || begun.has(room)) return Promise.resolve();
  return new Promise((resolve) => {
    room.addEventListener("call-stands", () => resolve(), { once: true });
    setTimeout(resolve, PATIENCE);
  });
}

/**
 * What is opened in a frame before Turbo is there would leave the page instead, and end the call: it is held back, and
 * pressed again once `turbo` has come.
 */
export function holdFrames(turbo: Promise<unknown>): void {
  const until = new AbortController();
  const options = { capture: true, signal: until.signal };
  const hold = (event: Event, again: () => void) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    void turbo.then(again);
  };
  const { body } = document;
  body.addEventListener(
    "submit",
    (event) => {
      const form = event.target as HTMLFormElement;
      if (form.matches("[data-turbo-frame], turbo-frame form")) hold(event, () => form.requestSubmit(event.submitter));
    },
    options,
  );
  body.addEventListener(
    "click",
    (event) => {
      const link = (event.target as Element).closest<HTMLElement>("a[data-turbo-frame], turbo-frame a[href]");
      if (link) hold(event, () => link.click());
    },
    options,
  );
  turbo.then(
    () => until.abort(),
    () => until.abort(),
  );
}
