// When to try again to reach the server. Pure: numbers in, milliseconds out.
//
// A line that is back must be found within five seconds, however long it was away; and when a server is back, those it
// served must not all come at once.

const SPACING = [800, 1_200, 1_600, 2_000, 2_500] as const;
/** How long a try may take on a line nothing is known of, ms. */
const UNKNOWN = 8_000;
const SHORTEST = 2_500;
/** Journeys there and back that a try takes at most, with one of them lost. */
const JOURNEYS = 6;

/** ms between the beginnings of the try before and the next one, ± 50 %; `tries`: how many failed. Before the first, up to 1 s. */
export function spacing(tries: number, chance: number = Math.random()): number {
  if (tries === 0) return 1_000 * chance;
  return (SPACING[Math.min(tries, SPACING.length) - 1] as number) * (0.5 + chance);
}

/** ms after which a try is given up: a lost first packet is sent again too late. `roundTrip`: of a message lately, if known. */
export function patience(roundTrip: number | null): number {
  if (roundTrip === null) return UNKNOWN;
  return Math.min(UNKNOWN, Math.max(SHORTEST, JOURNEYS * roundTrip));
}
