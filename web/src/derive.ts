/** Figures and lists from what is known: pure, no signal, no browser. */
import type { Availability, Card, State } from "./contract";

export interface Known {
  card: Card;
  availability: Availability | null;
}

/** The state to show: a car park without fresh data is unknown, whatever its last number was. */
export function stateOf(availability: Availability | null): State {
  if (!availability) return "unknown";
  if (availability.state === "closed") return "closed";
  if (availability.stale || availability.free === null) return "unknown";
  return availability.state;
}

/** The one number that is shown, as on every sign; null when it is not known. */
export function freeNow(availability: Availability | null): number | null {
  return fresh(availability) ? availability.free : null;
}

/** Spaces known to be free: what is added up, sorted and filtered by. One that nobody has heard of is none. */
export function freeForSure(availability: Availability | null): number | null {
  return fresh(availability) ? Math.max(0, availability.free - availability.never_heard) : null;
}

const OVERFULL_MAX = 2; // a car park adds at most so many times its capacity to the cars of the city, as in /v1/city

type Fresh = Availability & { occupied: number; free: number };

export function fresh(availability: Availability | null): availability is Fresh {
  return stateOf(availability) !== "unknown" && availability?.occupied != null && availability.free !== null && !availability.stale;
}

/** Occupied over what is known of the capacity, 0..1 and beyond when overfull; null when not known. */
export function fullness(availability: Availability | null): number | null {
  if (!fresh(availability) || availability.capacity <= availability.never_heard) return null;
  return availability.occupied / (availability.capacity - availability.never_heard);
}

/** The same for reading as a percentage: with a space left it never reads as 100 %. */
export function fullnessShown(availability: Availability | null): number {
  return Math.floor((fullness(availability) ?? 0) * 100) / 100;
}

export interface Figures {
  free: number | null;
  /** The parking index: occupied over known capacity, over the car parks with fresh data only. */
  index: number | null;
  live: number;
  stale: number;
  never: number;
  total: number;
}

export function figures(all: Iterable<Known>): Figures {
  let free = 0, occupied = 0, capacity = 0, live = 0, stale = 0, never = 0;
  for (const { availability } of all) {
    if (fresh(availability)) {
      live++;
      if (availability.state !== "closed") free += freeForSure(availability) ?? 0;
      occupied += Math.min(availability.occupied, OVERFULL_MAX * availability.capacity);
      capacity += availability.capacity - availability.never_heard;
    } else if (availability?.as_of) stale++;
    else never++;
  }
  const index = capacity > 0 ? occupied / capacity : null;
  return { free: live > 0 ? free : null, index, live, stale, never, total: live + stale + never };
}

export function byDistrict(all: Iterable<Known>): Map<string, Figures> {
  const groups = new Map<string, Known[]>();
  for (const known of all) {
    const district = known.card.district ?? "";
    const group = groups.get(district);
    if (group) group.push(known);
    else groups.set(district, [known]);
  }
  return new Map([...groups].map(([district, group]) => [district, figures(group)]));
}

export function fullest(all: Iterable<Known>, count: number): Known[] {
  return [...all]
    .filter(({ availability }) => fullness(availability) !== null && availability?.state !== "closed")
    .sort((a, b) => fullness(b.availability)! - fullness(a.availability)! || b.card.id.localeCompare(a.card.id))
    .slice(0, count);
}

export const SORTS = ["free", "full", "name"] as const;
export type Sort = (typeof SORTS)[number];

export interface Filter {
  q: string;
  district: string;
  kind: string;
  minFree: number;
  known: boolean;
}

const folded = (text: string) => text.toLocaleLowerCase("en").normalize("NFKC").replace(/[\s'’·-]+/g, "");

export function matches({ card, availability }: Known, filter: Filter): boolean {
  if (filter.district && card.district !== filter.district) return false;
  if (filter.kind && card.kind !== filter.kind) return false;
  if (filter.known && stateOf(availability) === "unknown") return false;
  if (filter.minFree > 0) {
    const state = stateOf(availability);
    if (state === "closed" || state === "unknown") return false;
    if ((freeForSure(availability) ?? 0) < filter.minFree) return false;
  }
  if (!filter.q) return true;
  const sought = folded(filter.q);
  return [card.name.zh, card.name.en, card.id].some((text) => text && folded(text).includes(sought));
}

const last = Number.POSITIVE_INFINITY;

/** Unknown and closed car parks come last, whichever way the list is sorted. */
export function sorted(list: readonly Known[], sort: Sort, collator: Intl.Collator, label: (card: Card) => string): Known[] {
  const rank = ({ availability }: Known): number => {
    const state = stateOf(availability);
    if (state === "unknown" || state === "closed") return last;
    return sort === "free" ? -(freeForSure(availability) ?? 0) : -(fullness(availability) ?? 0);
  };
  const byName = (a: Known, b: Known) =>
    collator.compare(label(a.card), label(b.card)) || (a.card.id < b.card.id ? -1 : 1);
  if (sort === "name") return [...list].sort(byName);
  const ranks = new Map(list.map((known) => [known, rank(known)]));
  return [...list].sort((a, b) => {
    const [x, y] = [ranks.get(a)!, ranks.get(b)!];
    return x === y ? byName(a, b) : x - y;
  });
}
