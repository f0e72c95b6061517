// The three planes through a volume, by Cornerstone3D: what is shown, and every act on it. Fetched only with a volume.
import {
  cache,
  Enums,
  eventTarget,
  getConfiguration,
  init,
  RenderingEngine,
  utilities,
  type VolumeViewport,
} from "@cornerstonejs/core";
import {
  AngleTool,
  addTool,
  annotation,
  CrosshairsTool,
  LengthTool,
  PanTool,
  StackScrollTool,
  synchronizers,
  Enums as ToolEnums,
  ToolGroupManager,
  init as toolsInit,
  WindowLevelTool,
  ZoomTool,
} from "@cornerstonejs/tools";
import { cross, dot, lay, letters, opposite, VOLUME } from "./block";
import type { Manifest, Plan, Three } from "./plan";

export const PLANES = ["axial", "coronal", "sagittal"] as const;
export type Plane = (typeof PLANES)[number];
export type Tool = "crosshair" | "window" | "pan" | "scroll" | "length" | "angle";

export interface Window {
  center: number;
  width: number;
}

/** What a plane shows now. */
export interface Seen {
  /** Letters of the patient's sides at each edge. */
  edges: Record<"top" | "right" | "bottom" | "left", string>;
  /** Whether it lies on one of the slices; else it was computed from several. */
  isSlice: boolean;
  /** Whether it was turned away from the plane it is named after. */
  isOblique: boolean;
}

const GROUP = "planes";
const TOOLS = {
  crosshair: CrosshairsTool.toolName,
  window: WindowLevelTool.toolName,
  pan: PanTool.toolName,
  scroll: StackScrollTool.toolName,
  length: LengthTool.toolName,
  angle: AngleTool.toolName,
} as const satisfies Record<Tool, string>;
const COLOURS: Record<Plane, string> = {
  axial: "rgb(255, 120, 120)",
  coronal: "rgb(120, 220, 120)",
  sagittal: "rgb(120, 180, 255)",
};
/** Square to each plane, in the patient's coordinates (PS3.3 C.7.6.2.1.1). */
const NORMALS: Record<Plane, Three> = { axial: [0, 0, 1], coronal: [0, 1, 0], sagittal: [1, 0, 0] };
/** Of the lines on touch: no handles to turn them by, which a finger would take unawares; they cross the whole picture. */
const TOUCHED = { minimal: { enabled: true, lineLengthInPx: 10_000 } };
const MARK = "rgb(255, 216, 74)";
const MARK_CHOSEN = "rgb(127, 212, 255)";
const MARK_STYLE = {
  ...{ lineWidth: "2", color: MARK, colorHighlighted: MARK_CHOSEN, colorSelected: MARK_CHOSEN },
  ...{ textBoxColor: MARK, textBoxColorHighlighted: MARK_CHOSEN, textBoxColorSelected: MARK_CHOSEN },
};
const { ANNOTATION_ADDED, ANNOTATION_REMOVED, CROSSHAIR_TOOL_CENTER_CHANGED } = ToolEnums.Events;
const TOLD = [ANNOTATION_ADDED, ANNOTATION_REMOVED, CROSSHAIR_TOOL_CENTER_CHANGED];
const { Primary, Secondary, Auxiliary, Wheel } = ToolEnums.MouseBindings;
/** Of a plane that lies on a slice: the sine of its slant, and how far off in slices. */
const ON_A_SLICE = 0.01;

export class Stage {
  readonly #engine = new RenderingEngine(GROUP);
  readonly #end = new AbortController();

  private constructor(
    private readonly elements: Record<Plane, HTMLDivElement>,
    private readonly manifest: Manifest,
    private readonly plan: Plan,
    private readonly changed: () => void,
  ) {}

  /** Throws where this machine cannot draw it. `changed` is called when what is seen may have changed. */
  static async open(
    elements: Record<Plane, HTMLDivElement>,
    manifest: Manifest,
    plan: Plan,
    content: Int16Array | Float32Array,
    changed: () => void,
  ): Promise<Stage> {
    const settings = getConfiguration();
    // All planes are drawn out of one copy in graphics memory.
    init({ ...settings, rendering: { ...settings.rendering, webGlContextCount: 1 } });
    toolsInit();
    lay(manifest, plan, content);
    const stage = new Stage(elements, manifest, plan, changed);
    await stage.#show();
    return stage;
  }

  async #show(): Promise<void> {
    this.#engine.setViewports(
      PLANES.map((plane) => ({
        viewportId: plane,
        type: Enums.ViewportType.ORTHOGRAPHIC,
        element: this.elements[plane],
        defaultOptions: { orientation: Enums.OrientationAxis[plane.toUpperCase() as "AXIAL"] },
      })),
    );
    await Promise.all(PLANES.map((plane) => this.#viewport(plane).setVolumes([{ volumeId: VOLUME }])));
    this.#takeTools();
    for (const plane of PLANES) {
      const signal = this.#end.signal;
      this.elements[plane].addEventListener(Enums.Events.CAMERA_MODIFIED, this.changed, { signal });
      this.elements[plane].addEventListener(Enums.Events.VOI_MODIFIED, this.changed, { signal });
    }
    for (const event of TOLD) eventTarget.addEventListener(event, this.changed);
    this.#engine.render();
  }

  #takeTools(): void {
    for (const tool of [CrosshairsTool, WindowLevelTool, PanTool, StackScrollTool, LengthTool, AngleTool, ZoomTool]) {
      addTool(tool);
    }
    const group = this.#group ?? ToolGroupManager.createToolGroup(GROUP);
    const window = synchronizers.createVOISynchronizer(GROUP, { syncInvertState: true, syncColormap: false });
    for (const plane of PLANES) {
      group?.addViewport(plane, GROUP);
      window.add({ renderingEngineId: GROUP, viewportId: plane });
    }
    group?.addTool(CrosshairsTool.toolName, {
      getReferenceLineColor: (plane: Plane) => COLOURS[plane],
      ...(matchMedia("(pointer: coarse)").matches ? TOUCHED : {}),
    });
    const { style } = annotation.config;
    const { global, ...styles } = style.getDefaultToolStyles() ?? {};
    style.setDefaultToolStyles({ ...styles, global: { ...global, ...MARK_STYLE } });
    for (const name of Object.values(TOOLS)) if (name !== CrosshairsTool.toolName) group?.addTool(name);
    group?.addTool(ZoomTool.toolName, { pinchToZoom: true, pan: true });
    group?.setToolActive(ZoomTool.toolName, { bindings: [{ mouseButton: Secondary }, { numTouchPoints: 2 }] });
    this.use("crosshair");
  }

  get #group() {
    return ToolGroupManager.getToolGroup(GROUP);
  }

  #viewport(plane: Plane): VolumeViewport {
    return this.#engine.getViewport(plane) as VolumeViewport;
  }

  /** What dragging does. The wheel scrolls, the middle button moves, the right one zooms, whatever it is. */
  use(tool: Tool): void {
    const group = this.#group;
    for (const [name, toolName] of Object.entries(TOOLS)) {
      const isMark = name === "length" || name === "angle";
      if (isMark) group?.setToolPassive(toolName, { removeAllBindings: true });
      else if (name === "crosshair") group?.setToolEnabled(toolName);
      else group?.setToolPassive(toolName, { removeAllBindings: true });
    }
    group?.setToolActive(PanTool.toolName, { bindings: [{ mouseButton: Auxiliary }] });
    group?.setToolActive(StackScrollTool.toolName, { bindings: [{ mouseButton: Wheel }] });
    group?.setToolActive(TOOLS[tool], { bindings: [{ mouseButton: Primary }] });
  }

  /** The values at which black and white stand. */
  get window(): Window {
    const { lower, upper } = this.#viewport("axial").getProperties()?.voiRange ?? { lower: 0, upper: 1 };
    const { windowCenter: center, windowWidth: width } = utilities.windowLevel.toWindowLevel(lower, upper);
    return { center, width };
  }

  setWindow({ center, width }: Window): void {
    const range = utilities.windowLevel.toLowHighRange(width, center);
    for (const plane of PLANES) this.#viewport(plane).setProperties({ voiRange: range });
    this.#engine.render();
  }

  get isInverted(): boolean {
    return this.#viewport("axial").getProperties()?.invert === true;
  }

  invert(): void {
    const invert = !this.isInverted;
    for (const plane of PLANES) this.#viewport(plane).setProperties({ invert });
    this.#engine.render();
  }

  /** So many slices further towards the eye, or planes as far apart as its samples. */
  step(plane: Plane, by: number): void {
    this.#viewport(plane).scroll(by);
  }

  zoom(plane: Plane, factor: number): void {
    const viewport = this.#viewport(plane);
    viewport.setZoom(viewport.getZoom() * factor);
    viewport.render();
  }

  /** By so many CSS pixels. */
  move(plane: Plane, right: number, down: number): void {
    const viewport = this.#viewport(plane);
    const [x, y] = viewport.getPan();
    viewport.setPan([x + right, y + down]);
    viewport.render();
  }

  /** The planes as they were at first; what was measured stays. */
  reset(): void {
    for (const plane of PLANES) {
      this.#viewport(plane).setOrientation(Enums.OrientationAxis[plane.toUpperCase() as "AXIAL"]);
    }
    this.#crosshairs?.resetCrosshairs();
    this.#engine.render();
  }

  /** The room on the page has changed. */
  resize(): void {
    this.#engine.resize(true, true);
  }

  get marks(): number {
    return annotation.state.getAllAnnotations().filter(isMark).length;
  }

  /** Takes away what was measured last. */
  removeMark(): void {
    const last = annotation.state.getAllAnnotations().findLast(isMark);
    if (last?.annotationUID) annotation.state.removeAnnotation(last.annotationUID);
    this.#engine.render();
  }

  get #crosshairs(): CrosshairsTool | undefined {
    return this.#group?.getToolInstance(CrosshairsTool.toolName) as CrosshairsTool | undefined;
  }

  /** Where the planes meet, in mm, and the value there; none outside. */
  get point(): { at: Three; value: number | undefined } {
    const at = [...(this.#crosshairs?.toolCenter ?? [0, 0, 0])] as Three;
    const volume = cache.getVolume(VOLUME);
    const index = volume?.imageData?.worldToIndex(at) as Three | undefined;
    const place = index?.map(Math.round) as Three | undefined;
    const isInside = place?.every((one, axis) => one >= 0 && one < (this.plan.size[axis] ?? 0));
    return { at, value: place && isInside ? (volume?.voxelManager?.getAtIJK(...place) as number) : undefined };
  }

  seen(plane: Plane): Seen {
    const { viewUp: up, viewPlaneNormal: normal, focalPoint } = this.#viewport(plane).getCamera();
    if (!up || !normal || !focalPoint) throw new Error("no camera");
    const right = cross(up, normal);
    const along = this.manifest.direction.slice(6) as Three;
    const from = focalPoint.map((one, axis) => one - (this.manifest.origin[axis] ?? 0)) as Three;
    const place = dot(from, along) / this.plan.spacing[2];
    const isParallel = Math.hypot(...cross(normal, along)) < ON_A_SLICE;
    return {
      edges: { top: letters(up), right: letters(right), bottom: letters(opposite(up)), left: letters(opposite(right)) },
      isOblique: Math.hypot(...cross(normal, NORMALS[plane])) >= ON_A_SLICE,
      isSlice: isParallel && Math.abs(place - Math.round(place)) < ON_A_SLICE,
    };
  }

  stop(): void {
    this.#end.abort();
    for (const event of TOLD) eventTarget.removeEventListener(event, this.changed);
    this.#engine.destroy();
    cache.purgeCache();
  }
}

/** Of a block in graphics memory, in samples; 0 where nothing can be drawn. */
export function longestSide(): number {
  const context = document.createElement("canvas").getContext("webgl2");
  return context ? (context.getParameter(context.MAX_3D_TEXTURE_SIZE) as number) : 0;
}

function isMark({ metadata }: { metadata?: { toolName?: string } }): boolean {
  return metadata?.toolName === TOOLS.length || metadata?.toolName === TOOLS.angle;
}
