// Consults asked for and the wait for an answer, week by week. The same numbers stand in a table below.
import { Controller } from "@hotwired/stimulus";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const HEIGHT = 220;
const DAY = 86_400;

export default class WeeksController extends Controller<HTMLElement> {
  static override values = { values: Array, asked: String, hours: String };
  declare readonly valuesValue: [number[], number[], (number | null)[]];
  declare readonly askedValue: string;
  declare readonly hoursValue: string;
  #chart: uPlot | null = null;
  #watch: ResizeObserver | null = null;

  override connect(): void {
    this.#chart = new uPlot(this.#options(), this.valuesValue, this.element);
    this.#watch = new ResizeObserver(() => this.#chart?.setSize({ width: this.element.clientWidth, height: HEIGHT }));
    this.#watch.observe(this.element);
  }

  override disconnect(): void {
    this.#watch?.disconnect();
    this.#chart?.destroy();
    this.#chart = null;
  }

  #options(): uPlot.Options {
    const style = getComputedStyle(this.element);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const day = new Intl.DateTimeFormat(document.documentElement.lang, {
      day: "numeric",
      month: "short",
      timeZone: "UTC",
    });
    const whole = new Intl.NumberFormat(document.documentElement.lang);
    const axis = { stroke: color("--text-soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const bars = uPlot.paths.bars?.({ size: [0.6, 40] });
    const told = (_chart: uPlot, values: number[]) => values.map((value) => whole.format(value));
    return {
      width: this.element.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { drag: { x: false, y: false } },
      scales: {
        asked: { range: (_chart, _low, high) => [0, Math.max(high, 1)] },
        hours: { range: (_c, _l, high) => [0, Math.max(high, 1)] },
      },
      axes: [
        {
          ...axis,
          values: (_chart, splits) => splits.map((seconds) => day.format(seconds * 1000)),
          incrs: [7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY],
        },
        { ...axis, scale: "asked", values: told, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
        { ...axis, scale: "hours", side: 1, values: told, grid: { show: false } },
      ],
      series: [
        { value: (_chart, seconds) => (seconds === null ? "" : day.format(seconds * 1000)) },
        {
          label: this.askedValue,
          scale: "asked",
          fill: color("--accent-soft"),
          stroke: color("--accent"),
          width: 1,
          ...(bars && { paths: bars }),
          points: { show: false },
        },
        { label: this.hoursValue, scale: "hours", stroke: color("--warn"), width: 2, points: { size: 6 } },
      ],
    };
  }
}
