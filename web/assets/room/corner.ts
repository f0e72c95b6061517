// One's own picture lies in a corner over the large one, and out of the way of what matters: it is dragged, or moved by keys.

export type Corner = "top-left" | "top-right" | "bottom-left" | "bottom-right";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const A_DRAG = 8; // px; less is a press

/** The corner of `stage` that the middle of something at x, y is nearest to. */
export function nearest(x: number, y: number, { left, top, width, height }: Box): Corner {
  return `${y < top + height / 2 ? "top" : "bottom"}-${x < left + width / 2 ? "left" : "right"}`;
}

/** The corner an arrow key leads to. */
export function stepped(from: Corner, key: string): Corner {
  const [row, column] = from.split("-") as ["top" | "bottom", "left" | "right"];
  const way = {
    ArrowUp: ["top", column],
    ArrowDown: ["bottom", column],
    ArrowLeft: [row, "left"],
    ArrowRight: [row, "right"],
  };
  const [y, x] = way[key as keyof typeof way] ?? [row, column];
  return `${y}-${x}` as Corner;
}

/** Let a tile be moved from corner to corner of its stage; returns what ends that. */
export function movable(tile: HTMLElement, stage: HTMLElement): () => void {
  let begun: { x: number; y: number } | null = null;
  let isDrag = false;
  const ends = new AbortController();
  const on = <E extends Event>(name: string, take: (event: E) => void, capture = false) =>
    tile.addEventListener(name, take as EventListener, { signal: ends.signal, capture });
  const settle = (corner: Corner) => {
    tile.dataset.corner = corner;
    tile.style.translate = "";
  };
  on<PointerEvent>("pointerdown", (event) => {
    isDrag = false;
    begun = tile.hasAttribute("data-large") || event.button !== 0 ? null : { x: event.clientX, y: event.clientY };
  });
  on<PointerEvent>("pointermove", ({ clientX, clientY, pointerId }) => {
    if (!begun) return;
    const [x, y] = [clientX - begun.x, clientY - begun.y];
    if (!isDrag && Math.hypot(x, y) < A_DRAG) return;
    if (!isDrag) tile.setPointerCapture(pointerId);
    isDrag = true;
    tile.style.translate = `${x}px ${y}px`;
  });
  const drop = () => {
    if (begun && isDrag) {
      const { left, top, width, height } = tile.getBoundingClientRect();
      settle(nearest(left + width / 2, top + height / 2, stage.getBoundingClientRect()));
    }
    begun = null;
  };
  on("pointerup", drop);
  on("pointercancel", drop);
  // What ends a drag is no press of what lies beneath.
  on(
    "click",
    (event) => {
      if (!isDrag) return;
      isDrag = false;
      event.stopPropagation();
    },
    true,
  );
  on<KeyboardEvent>("keydown", (event) => {
    if (!event.key.startsWith("Arrow") || tile.hasAttribute("data-large")) return;
    event.preventDefault();
    settle(stepped((tile.dataset.corner ?? "bottom-right") as Corner, event.key));
  });
  return () => ends.abort();
}
