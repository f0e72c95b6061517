// Where an image lies on the stage. Points on the stage are CSS pixels from its top left, points of the image its pixels.

export interface Size {
  width: number;
  height: number;
  /** How much higher than wide a pixel is in the patient; 1 where nothing else is said. */
  aspect?: number;
}

export interface Point {
  x: number;
  y: number;
}

/** Quarter turns clockwise. */
export type Turn = 0 | 1 | 2 | 3;

/** `zoom` 1 fits the image to the stage; `x` and `y` are the image's point in the middle of the stage. */
export interface View {
  zoom: number;
  x: number;
  y: number;
  turn: Turn;
}

const NARROWEST = 0.25;
const WIDEST = 32;

/** The whole image in the middle. */
export function fitted(image: Size, turn: Turn = 0): View {
  return { zoom: 1, x: image.width / 2, y: image.height / 2, turn };
}

/** The same part, a quarter turn further clockwise. */
export function turned(view: View): View {
  return { ...view, turn: ((view.turn + 1) % 4) as Turn };
}

/** CSS pixels for the width of one pixel of the image; its height has `aspect` times as many. */
export function scaleOf(view: View, image: Size, stage: Size): number {
  const high = image.height * aspectOf(image);
  const [across, down] = view.turn % 2 ? [high, image.width] : [image.width, high];
  return view.zoom * Math.min(stage.width / across, stage.height / down);
}

/** The image's point under a point of the stage; it may lie outside the image. */
export function toImage(point: Point, view: View, image: Size, stage: Size): Point {
  const scale = scaleOf(view, image, stage);
  const from = rotated({ x: point.x - stage.width / 2, y: point.y - stage.height / 2 }, -view.turn);
  return { x: view.x + from.x / scale, y: view.y + from.y / (scale * aspectOf(image)) };
}

/** Where a point of the image lies on the stage. */
export function toStage(point: Point, view: View, image: Size, stage: Size): Point {
  const scale = scaleOf(view, image, stage);
  const [right, down] = [(point.x - view.x) * scale, (point.y - view.y) * scale * aspectOf(image)];
  const from = rotated({ x: right, y: down }, view.turn);
  return { x: stage.width / 2 + from.x, y: stage.height / 2 + from.y };
}

/** Zoom by a factor so that what lies under `point` stays there. */
export function zoomed(view: View, factor: number, point: Point, image: Size, stage: Size): View {
  const zoom = Math.min(Math.max(view.zoom * factor, NARROWEST), WIDEST);
  const under = toImage(point, view, image, stage);
  const after = toImage(point, { ...view, zoom }, image, stage);
  return kept({ ...view, zoom, x: view.x + under.x - after.x, y: view.y + under.y - after.y }, image);
}

/** Move what is shown by so many CSS pixels. */
export function moved(view: View, right: number, down: number, image: Size, stage: Size): View {
  const scale = scaleOf(view, image, stage);
  const by = rotated({ x: right, y: down }, -view.turn);
  return kept({ ...view, x: view.x - by.x / scale, y: view.y - by.y / (scale * aspectOf(image)) }, image);
}

/** The same part of another image: series often differ in size. */
export function carried(view: View, from: Size, to: Size): View {
  return { ...view, x: (view.x / from.width) * to.width, y: (view.y / from.height) * to.height };
}

function aspectOf({ aspect = 1 }: Size): number {
  return aspect;
}

/** A vector after so many quarter turns clockwise, y pointing down. */
export function rotated({ x, y }: Point, turns: number): Point {
  const turn = ((turns % 4) + 4) % 4;
  if (turn === 1) return { x: -y, y: x };
  if (turn === 2) return { x: -x, y: -y };
  return turn === 3 ? { x: y, y: -x } : { x, y };
}

/** The middle of the stage never leaves the image. */
function kept(view: View, image: Size): View {
  return {
    ...view,
    x: Math.min(Math.max(view.x, 0), image.width),
    y: Math.min(Math.max(view.y, 0), image.height),
  };
}
