// Mouse, pen and fingers on the stage, as acts: one pointer drags, two pinch and move, the wheel scrolls or zooms.
import type { Point } from "./geometry";
import { smoothSteps, Wheel } from "./wheel";

export type Drag = "tool" | "pan" | "zoom";

export interface Acts {
  drag(kind: Drag, right: number, down: number): void;
  pinch(factor: number, middle: Point, right: number, down: number): void;
  wheel(steps: number, zooms: boolean, at: Point): void;
  end(): void;
}

/** Listen on `element` until the signal is aborted. */
export function listen(element: HTMLElement, acts: Acts, signal: AbortSignal): void {
  const pointers = new Map<number, Point>();
  let kind: Drag = "tool";
  const wheel = new Wheel();
  const on = <K extends keyof HTMLElementEventMap>(name: K, act: (event: HTMLElementEventMap[K]) => void): void =>
    element.addEventListener(name, act, { signal, passive: false });
  const place = (event: MouseEvent): Point => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  on("pointerdown", (event) => {
    if (event.target instanceof Element && event.target.closest("a")) return;
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    kind = event.button === 1 || event.shiftKey ? "pan" : event.button === 2 ? "zoom" : "tool";
    event.preventDefault();
  });
  on("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (!other) {
      acts.drag(kind, now.x - before.x, now.y - before.y);
      return;
    }
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    const factor = distance(now, other) / Math.max(distance(before, other), 1);
    acts.pinch(factor, middle, (now.x - before.x) / 2, (now.y - before.y) / 2);
  });
  const release = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
    acts.end();
  };
  on("pointerup", release);
  on("pointercancel", release);
  on("contextmenu", (event) => event.preventDefault());
  on("wheel", (event) => {
    event.preventDefault();
    const zooms = event.ctrlKey || event.metaKey;
    const steps = zooms ? smoothSteps(event) : wheel.steps(event);
    if (steps === 0) return;
    acts.wheel(Math.max(Math.min(steps, 5), -5), zooms, place(event));
  });
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
