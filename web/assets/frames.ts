// A <turbo-frame> that came with its content has no `src`: Turbo would fetch it again as soon as it sees it, `complete`
// or not, and refuses an answer whose frame names its own address.

export interface Frame extends HTMLElement {
  src: string | null;
  disabled: boolean;
  reload(): Promise<void>;
}

/** Fetch the frame again, from `url` the first time. What stands there is morphed where the frame says `refresh="morph"`. */
export function lookAgain(frame: Frame, url: string): void {
  if (!frame.src) {
    // Held back by `disabled`: only `reload` morphs.
    frame.disabled = true;
    frame.src = url;
    frame.setAttribute("complete", "");
    frame.disabled = false;
  }
  void frame.reload();
}
