// Where an image lies on the stage. Points on the stage are CSS pixels from its top left, points of the image its pixels.

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** `zoom` 1 fits the image to the stage; `x` and `y` are the image's point in the middle of the stage. */
export interface View {
  zoom: number;
  x: number;
  y: number;
}

const NARROWEST = 0.25;
const WIDEST = 32;

/** The whole image in the middle. */
export function fitted(image: Size): View {
  return { zoom: 1, x: image.width / 2, y: image.height / 2 };
}

/** CSS pixels for one pixel of the image. */
export function scaleOf(view: View, image: Size, stage: Size): number {
  return view.zoom * Math.min(stage.width / image.width, stage.height / image.height);
}

/** The image's point under a point of the stage; it may lie outside the image. */
export function toImage(point: Point, view: View, image: Size, stage: Size): Point {
  const scale = scaleOf(view, image, stage);
  return { x: view.x + (point.x - stage.width / 2) / scale, y: view.y + (point.y - stage.height / 2) / scale };
}

/** Where a point of the image lies on the stage. */
export function toStage(point: Point, view: View, image: Size, stage: Size): Point {
  const scale = scaleOf(view, image, stage);
  return { x: stage.width / 2 + (point.x - view.x) * scale, y: stage.height / 2 + (point.y - view.y) * scale };
}

/** Zoom by a factor so that what lies under `point` stays there. */
export function zoomed(view: View, factor: number, point: Point, image: Size, stage: Size): View {
  const zoom = Math.min(Math.max(view.zoom * factor, NARROWEST), WIDEST);
  const under = toImage(point, view, image, stage);
  const after = toImage(point, { ...view, zoom }, image, stage);
  return kept({ zoom, x: view.x + under.x - after.x, y: view.y + under.y - after.y }, image);
}

/** Move what is shown by so many CSS pixels. */
export function moved(view: View, right: number, down: number, image: Size, stage: Size): View {
  const scale = scaleOf(view, image, stage);
  return kept({ ...view, x: view.x - right / scale, y: view.y - down / scale }, image);
}

/** The same part of another image: series often differ in size. */
export function carried(view: View, from: Size, to: Size): View {
  return { zoom: view.zoom, x: (view.x / from.width) * to.width, y: (view.y / from.height) * to.height };
}

/** The middle of the stage never leaves the image. */
function kept(view: View, image: Size): View {
  return {
    zoom: view.zoom,
    x: Math.min(Math.max(view.x, 0), image.width),
    y: Math.min(Math.max(view.y, 0), image.height),
  };
}
