// A <turbo-frame> that came with its content has no `src`: Turbo would fetch it again as soon as it sees it, `complete`
// or not, and refuses an answer whose frame names its own address.

export interface Frame extends HTMLElement {
  src: string | null;
  disabled: boolean;
  /** Resolves when what it fetches now is here. */
  loaded: Promise<unknown>;
  reload(): Promise<void>;
}

/** How long one look may take before the next no longer waits for it, ms. */
const LONGEST_LOOK = 10_000;

interface Look {
  again: boolean;
}

const looks = new WeakMap<Frame, Look>();
const hanging = new WeakSet<Frame>();

/**
 * Fetch the frame again, from `url` the first time. What stands there is morphed where the frame says `refresh="morph"`.
 * Asked for while one look is under way, the next follows it: Turbo would break it off, and throw where it is read.
 * Turbo itself may put a look of its own in its place, with the whole page; then that one's end counts.
 */
export function lookAgain(frame: Frame, url: string): void {
  if (!("reload" in frame)) {
    void customElements.whenDefined("turbo-frame").then(() => lookAgain(frame, url)); // beside a call Turbo comes late
    return;
  }
  const under = looks.get(frame);
  if (under) {
    under.again = true;
    return;
  }
  if (!frame.src) {
    // Held back by `disabled`: only `reload` morphs.
    frame.disabled = true;
    frame.src = url;
    frame.setAttribute("complete", "");
    frame.disabled = false;
  }
  const look = { again: false };
  looks.set(frame, look);
  const arrived = (event: Event) => {
    if (event.target === frame) over();
  };
  const over = () => {
    if (looks.get(frame) !== look) return;
    looks.delete(frame);
    clearTimeout(patience);
    frame.removeEventListener("turbo:frame-load", arrived);
    if (look.again && frame.isConnected) lookAgain(frame, url);
  };
  const patience = setTimeout(() => {
    hanging.add(frame);
    over();
  }, LONGEST_LOOK);
  // What the page itself has it fetch comes first: broken off, it would throw where nobody reads. What hangs does not.
  void (hanging.delete(frame) ? Promise.resolve() : frame.loaded)
    .then(() => {
      if (looks.get(frame) !== look) return;
      frame.addEventListener("turbo:frame-load", arrived);
      return frame.reload();
    })
    .then(over, over);
}
