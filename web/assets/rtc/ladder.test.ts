import { beforeEach, describe, expect, test } from "vitest";
import { PACE, RUNGS, type RungName } from "../protocol.gen";
import { Ladder, sounding } from "./ladder";
import type { Reading } from "./quality";

const RICH: Reading = {
  roundTrip: 50,
  jitter: 5,
  loss: 0,
  lossOut: 0,
  concealed: 0,
  uplink: 3_000_000,
  up: 0,
  down: 0,
  slow: false,
  frames: 20,
  freezes: 0,
  packets: 50,
};
let ladder: Ladder;

/** The rung after so many seconds of this link. */
function rungAfter(seconds: number, changed: Partial<Reading> = {}): RungName {
  for (let second = 0; second < seconds; second += 1) ladder.take({ ...RICH, ...changed });
  return ladder.rung.name;
}

/** The rungs stood on, one after the other, second by second. */
function walk(seconds: number, link: (rung: RungName) => Partial<Reading>): RungName[] {
  const walked: RungName[] = [ladder.rung.name];
  for (let second = 0; second < seconds; second += 1) {
    const now = rungAfter(1, link(ladder.rung.name));
    if (now !== walked.at(-1)) walked.push(now);
  }
  return walked;
}

beforeEach(() => {
  ladder = new Ladder();
  ladder.camera(720);
});

describe("it opens", () => {
  test("small where nothing is known, so that 300 kbit/s carry it with the sound", () => {
    expect(ladder.rung.name).toBe("240p");
    expect(ladder.why).toBe("opening");
    expect((ladder.plan.picture?.bitrate ?? 0) + sounding(ladder.plan.sound)).toBeLessThan(300_000 * 0.75);
  });

  test.each<[RungName, RungName]>([
    ["hd", "480p"],
    ["480p", "480p"],
    ["stills", "stills"],
    ["audio", "audio"],
  ])("after a link check that gave %s on %s: never at the top", (checked, opened) => {
    expect(new Ladder(checked).rung.name).toBe(opened);
  });
});

describe("what each rung is left for, and where to", () => {
  test.each<[RungName, Partial<Reading>, RungName]>([
    ["480p", { uplink: 600_000 }, "480p"],
    ["480p", { uplink: 450_000 }, "360p"],
    ["480p", { uplink: 200_000 }, "240p"],
    ["480p", { uplink: 60_000 }, "stills"],
    ["480p", { uplink: 30_000 }, "audio"],
    ["480p", { lossOut: 0.04 }, "360p"],
    ["480p", { lossOut: 0.07 }, "240p"],
    ["480p", { lossOut: 0.12 }, "stills"],
    ["480p", { lossOut: 0.3 }, "audio"],
    ["480p", { roundTrip: 500 }, "360p"],
    ["480p", { roundTrip: 900 }, "240p"],
    ["480p", { roundTrip: 2_000 }, "stills"],
    ["360p", { uplink: 230_000 }, "360p"],
    ["360p", { uplink: 200_000 }, "240p"],
    ["240p", { uplink: 80_000 }, "240p"],
    ["240p", { uplink: 70_000 }, "stills"],
    ["240p", { lossOut: 0.03, concealed: 0.06 }, "stills"],
    ["240p", { lossOut: 0.03, concealed: 0.15 }, "audio"],
    // What the other side's link does to their sound is theirs to mend: nothing of ours is lost.
    ["240p", { lossOut: 0.005, concealed: 0.15 }, "240p"],
    // Little is sent, so little is reckoned: loss and delay say whether that is too much.
    ["stills", { uplink: 17_000 }, "stills"],
    ["stills", { lossOut: 0.25 }, "audio"],
    ["stills", { lossOut: 0.1, concealed: 0.12 }, "audio"],
    ["audio", { uplink: 8_000, lossOut: 0.5, concealed: 0.4, roundTrip: 4_000 }, "audio"],
  ])("%s with %o: %s", (opened, link, stays) => {
    ladder = new Ladder(opened);
    expect(rungAfter(PACE.window + PACE.bad, link)).toBe(stays);
    expect(rungAfter(PACE.window + PACE.bad, link)).toBe(stays);
  });

  test("one bad look is no reason, two are", () => {
    ladder = new Ladder("480p");
    rungAfter(PACE.window);
    expect(rungAfter(1, { lossOut: 0.2 })).toBe("480p");
    expect(rungAfter(1)).toBe("480p");
    expect(rungAfter(1, { lossOut: 0.06 })).toBe("480p");
    expect(rungAfter(1, { lossOut: 0.06 })).toBe("240p");
    expect(ladder.why).toBe("weak");
  });
});

describe("it climbs", () => {
  test("a rung every thirteen seconds while the link shows that it carries it", () => {
    expect(walk(60, () => ({}))).toEqual(["240p", "360p", "480p", "hd"]);
    expect(ladder.why).toBe("fine");
    ladder = new Ladder();
    rungAfter(PACE.window + PACE.good - 1);
    expect(ladder.rung.name).toBe("240p");
    expect(rungAfter(1)).toBe("360p");
  });

  test("no higher than the camera", () => {
    ladder.camera(480);
    expect(rungAfter(120)).toBe("480p");
    ladder.camera(240);
    expect(ladder.rung.name).toBe("240p");
    expect(ladder.why).toBe("fine");
  });

  test.each<[string, Partial<Reading>]>([
    ["all of the uplink is used", { uplink: 110_000 }],
    ["something is lost", { lossOut: 0.04 }],
    ["the sound suffers", { lossOut: 0.025, concealed: 0.04 }],
    ["the way is long", { roundTrip: 700 }],
    ["the device is slow", { slow: true }],
  ])("not where %s", (_why, link) => {
    expect(rungAfter(60, link)).toBe("240p");
  });

  test("from pictures on their own by a try, for what is not used is not reckoned", () => {
    ladder = new Ladder("stills");
    rungAfter(PACE.window + PACE.good, { uplink: 67_000 });
    expect(ladder.rung.name).toBe("240p");
    expect(rungAfter(PACE.probe - 1, { uplink: 67_000 })).toBe("240p");
    expect(rungAfter(30, { uplink: 98_000 })).toBe("240p");
    expect(ladder.plan.picture?.bitrate).toBe(40_000);
  });
});

describe("it does not swing", () => {
  test("each try that fails doubles the wait", () => {
    // Pictures on their own do well; moving ones are too much.
    const link = (rung: RungName) => (rung === "240p" ? { uplink: 67_000, lossOut: 0.1 } : { uplink: 67_000 });
    const waits: number[] = [];
    let waited = 0;
    ladder = new Ladder("stills");
    for (let second = 0; second < 900; second += 1) {
      waited += 1;
      if (rungAfter(1, link(ladder.rung.name)) !== "240p") continue;
      waits.push(waited);
      waited = 0;
    }
    const steps = waits.slice(1).map((wait, at) => wait - (waits[at] ?? 0));
    expect(waits[0]).toBe(PACE.window + PACE.good);
    expect(steps.every((step) => step >= 0)).toBe(true);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(PACE.longest);
    expect(waits.length).toBeLessThan(9);
  });

  test("a rung that holds for some seconds only is a failed try, too", () => {
    const seconds = { held: 0 };
    const link = (rung: RungName) => {
      // The uplink is reckoned too well each time it is not used.
      seconds.held = rung === "360p" ? seconds.held + 1 : 0;
      return seconds.held > 12 ? { uplink: 150_000 } : { uplink: 310_000 };
    };
    ladder = new Ladder("360p");
    expect(walk(900, link).length).toBeLessThan(16);
  });

  test("while a link is good after a bad time it waits longer than at the beginning", () => {
    ladder = new Ladder("480p");
    rungAfter(PACE.window + PACE.bad, { uplink: 150_000 });
    expect(rungAfter(PACE.window + PACE.good, { uplink: 250_000 })).toBe("240p");
    expect(rungAfter(PACE.dwell, { uplink: 250_000 })).toBe("360p");
  });
});

describe("sound comes first", () => {
  test("pictures take what it leaves of the uplink, down to a least", () => {
    expect(rungAfter(PACE.window + 1, { uplink: 130_000 })).toBe("240p");
    expect(ladder.plan.picture?.bitrate).toBe(Math.round(0.85 * 130_000 - sounding(ladder.plan.sound)));
    rungAfter(1, { uplink: 95_000 });
    expect(ladder.plan.picture?.bitrate).toBe(40_000);
    expect(ladder.plan.sound.bitrate).toBe(24_000);
  });

  test("a hair more or less of it changes nothing", () => {
    rungAfter(PACE.window + 1, { uplink: 130_000 });
    expect(ladder.take({ ...RICH, uplink: 133_000 })).toBe(false);
  });

  test("without moving pictures it is packed thriftily, and never given up", () => {
    expect(new Ladder("stills").plan).toEqual({ picture: null, sound: { bitrate: 24_000, packet: 40, pauses: true } });
    expect(new Ladder("audio").plan).toEqual({ picture: null, sound: { bitrate: 16_000, packet: 60, pauses: true } });
    expect(RUNGS.every(({ sound }) => sound.bitrate >= 16_000)).toBe(true);
  });
});

describe("the person chooses", () => {
  test("pictures on their own, and back to where it was", () => {
    rungAfter(30);
    const before = ladder.rung.name;
    expect(ladder.choose("stills")).toBe(true);
    expect([ladder.rung.name, ladder.why]).toEqual(["stills", "chosen"]);
    expect(rungAfter(120)).toBe("stills");
    ladder.choose("automatic");
    expect(ladder.rung.name).toBe(before);
    expect(ladder.choose("automatic")).toBe(false);
  });

  test("sound alone", () => {
    ladder.choose("audio");
    expect([rungAfter(60), ladder.why]).toEqual(["audio", "chosen"]);
  });

  test("moving pictures on any link, as small as they get", () => {
    ladder.choose("video");
    expect([rungAfter(30, { uplink: 30_000, lossOut: 0.3 }), ladder.why]).toEqual(["240p", "weak"]);
    expect(ladder.plan.picture?.bitrate).toBe(40_000);
  });

  test("pictures on their own give way to sound all the same", () => {
    ladder.choose("stills");
    expect([rungAfter(10, { lossOut: 0.25 }), ladder.why]).toEqual(["audio", "weak"]);
  });
});

test("without an uplink to reckon with, loss and delay say enough", () => {
  expect(rungAfter(PACE.window + PACE.good, { uplink: null })).toBe("360p");
  expect(rungAfter(10, { uplink: null, lossOut: 0.12 })).toBe("stills");
});

describe("a line that narrows", () => {
  /** 300 kbit/s: too much for the rung makes a queue, in which much is lost and the reckoned uplink falls below what gets through. */
  function narrow(rung: RungName): Partial<Reading> {
    const sent = { hd: 1_500_000, "480p": 500_000, "360p": 230_000 }[rung as string] ?? 120_000;
    if (sent <= 290_000) return { uplink: 270_000, up: sent };
    const lossOut = 1 - 280_000 / sent;
    return { uplink: 90_000, up: sent, lossOut, loss: lossOut, concealed: 0.2, roundTrip: 1800 };
  }

  test("is stepped down to what gets through, and no further", () => {
    rungAfter(60, { uplink: 900_000 });
    expect(ladder.rung.name).toBe("480p");
    expect(walk(30, narrow)).toEqual(["480p", "360p"]);
  });

  test("what is lost where there is room is lost on any rung: so straight to the one that bears it", () => {
    rungAfter(60, { uplink: 900_000 });
    expect(walk(5, () => ({ uplink: 900_000, up: 500_000, lossOut: 0.15, loss: 0.15 }))).toEqual(["480p", "stills"]);
  });
});
