// The video that is made of moving images beforehand (see web/views/progressive.py): over a thin line it plays at once,
// where each of its frames would take as long.

export interface Showing {
  /** Seconds from its beginning. */
  from: number;
  /** 1: as fast as it was recorded. */
  speed: number;
  /** A picture is on, that of so many seconds from the beginning. */
  shown(picture: CanvasImageSource, size: { width: number; height: number }, seconds: number): void;
  failed(): void;
}

export interface Film {
  /** Play it, round and round. */
  play(showing: Showing): void;
  setSpeed(speed: number): void;
  /** End it, and what still comes of it. */
  stop(): void;
}

const KIND = 'video/webm; codecs="vp9"';

/** A video as this browser plays it; null where it cannot, or does not tell which picture is on. */
export function filmAt(address: string): Film | null {
  const video = document.createElement("video");
  if (!video.canPlayType(KIND) || !("requestVideoFrameCallback" in video)) return null;
  return new ShownFilm(video, address);
}

class ShownFilm implements Film {
  readonly #end = new AbortController();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly address: string,
  ) {}

  play({ from, speed, shown, failed }: Showing): void {
    const { video } = this;
    const { signal } = this.#end;
    const look: VideoFrameRequestCallback = (_now, { mediaTime }) => {
      if (signal.aborted) return;
      shown(video, { width: video.videoWidth, height: video.videoHeight }, mediaTime);
      video.requestVideoFrameCallback(look);
    };
    const fail = (): void => {
      if (!signal.aborted) failed();
    };
    Object.assign(video, { muted: true, loop: true, playsInline: true, src: this.address });
    video.addEventListener("error", fail, { signal });
    video.addEventListener("loadedmetadata", () => this.setSpeed(speed), { signal });
    video.currentTime = from;
    video.requestVideoFrameCallback(look);
    video.play().catch(fail);
  }

  setSpeed(speed: number): void {
    this.video.playbackRate = speed;
  }

  stop(): void {
    this.#end.abort();
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
