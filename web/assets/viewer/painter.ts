// Draws on the visible canvas, sharp on any screen. What is drawn is prepared once on a layer of its own size.
import { type Size, scaleOf, toStage, type View } from "./geometry";
import { type Frame, type Level, paint } from "./windowing";

export class Painter {
  readonly #layer = document.createElement("canvas");
  #source: CanvasImageSource | null = null;
  #picture: ImageBitmap | null = null;
  #pixels: ImageData | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  /** The stage in CSS pixels. */
  get stage(): Size {
    return { width: this.canvas.clientWidth || 1, height: this.canvas.clientHeight || 1 };
  }

  /** Take a frame as what is drawn from now on, under a window. */
  setFrame(frame: Frame, level: Level): void {
    const { columns: width, rows: height } = frame.description;
    const context = this.#layer.getContext("2d");
    if (!context) return;
    if (this.#pixels?.width !== width || this.#pixels.height !== height) {
      this.#layer.width = width;
      this.#layer.height = height;
      this.#pixels = new ImageData(width, height);
    }
    paint(frame, level, new Uint32Array(this.#pixels.data.buffer));
    context.putImageData(this.#pixels, 0, 0);
    this.#take(this.#layer);
  }

  /** Take a picture, which may be smaller than the image it stands for; it is closed when another is taken. */
  setPicture(picture: ImageBitmap): void {
    this.#take(picture);
    this.#picture = picture;
  }

  /** Take what a video shows just now. */
  setFilm(picture: CanvasImageSource, { width, height }: Size): void {
    this.#pixels = null;
    this.#layer.width = width;
    this.#layer.height = height;
    this.#layer.getContext("2d")?.drawImage(picture, 0, 0);
    this.#take(this.#layer);
  }

  clear(): void {
    this.#take(null);
  }

  #take(source: CanvasImageSource | null): void {
    this.#source = source;
    this.#picture?.close();
    this.#picture = null;
  }

  /** Draw what was set last, as an image of size `image`. */
  draw(view: View, image: Size, inverted: boolean): void {
    const { width, height } = this.stage;
    const dense = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * dense) || this.canvas.height !== Math.round(height * dense)) {
      this.canvas.width = Math.round(width * dense);
      this.canvas.height = Math.round(height * dense);
    }
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!this.#source) return;
    const scale = scaleOf(view, image, this.stage);
    const middle = toStage({ x: image.width / 2, y: image.height / 2 }, view, image, this.stage);
    context.translate(middle.x, middle.y);
    context.rotate((view.turn * Math.PI) / 2);
    const [across, down] = [image.width * scale, image.height * scale * (image.aspect ?? 1)];
    const box = [-across / 2, -down / 2, across, down] as const;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#source, ...box);
    if (inverted) {
      context.globalCompositeOperation = "difference";
      context.fillStyle = "white";
      context.fillRect(...box);
      context.globalCompositeOperation = "source-over";
    }
  }
}
