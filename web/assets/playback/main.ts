// The players of a recording on one timeline: started, paused and sought together.
import { Controller } from "@hotwired/stimulus";
import { clock } from "../room/standing";
import { Timeline } from "./timeline";

const TICK = 100; // ms

export default class PlaybackController extends Controller<HTMLElement> {
  static override targets = ["bar", "pause", "place", "play", "player", "time"];
  declare readonly barTarget: HTMLElement;
  declare readonly pauseTarget: HTMLElement;
  declare readonly placeTarget: HTMLInputElement;
  declare readonly playTarget: HTMLElement;
  declare readonly playerTargets: HTMLMediaElement[];
  declare readonly timeTarget: HTMLElement;
  #timeline?: Timeline;
  #ticking?: ReturnType<typeof setInterval>;
  #last = 0;

  override connect(): void {
    if (this.playerTargets.length < 2) return;
    this.#timeline = new Timeline(
      this.playerTargets.map((player) => {
        player.controls = false; // one clock for all of them
        return { player, begins: Number(player.dataset.begins), lasts: Number(player.dataset.lasts) };
      }),
    );
    this.placeTarget.max = String(this.#timeline.length);
    this.barTarget.hidden = false;
    this.#last = performance.now();
    this.#ticking = setInterval(() => this.#tick(), TICK);
    this.#show();
  }

  override disconnect(): void {
    clearInterval(this.#ticking);
    this.#timeline?.pause();
  }

  play(): void {
    this.#timeline?.play();
    this.#show();
  }

  pause(): void {
    this.#timeline?.pause();
    this.#show();
  }

  seek(): void {
    this.#timeline?.seek(this.placeTarget.valueAsNumber);
    this.#show();
  }

  #tick(): void {
    const now = performance.now();
    this.#timeline?.pass((now - this.#last) / 1000);
    this.#last = now;
    if (this.#timeline?.isPlaying) this.#show();
    else this.#showButtons();
  }

  #show(): void {
    const { at = 0, length = 0 } = this.#timeline ?? {};
    this.placeTarget.value = String(at);
    this.placeTarget.ariaValueText = clock(at);
    this.timeTarget.textContent = `${clock(at)} / ${clock(length)}`;
    this.#showButtons();
  }

  #showButtons(): void {
    const isPlaying = this.#timeline?.isPlaying ?? false;
    this.playTarget.hidden = isPlaying;
    this.pauseTarget.hidden = !isPlaying;
  }
}
