/** Everything the page knows of the car parks. Each has its own signal, so a delta redraws one row and not the list. */
import { batch, computed, type Signal, signal } from "@preact/signals";
import { getDistricts } from "./api";
import type { Availability, Card, DistrictFeature } from "./contract";

/** What was heard of a car park and when, on this page's own steady clock (milliseconds). */
export interface Heard {
  availability: Availability | null;
  at_ms: number;
}

export interface CarPark {
  card: Card;
  heard: Signal<Heard>;
}

export type Feed = "loading" | "live" | "polling" | "lost" | "failed";

export const carParks = signal<ReadonlyMap<string, CarPark>>(new Map());
export const feed = signal<Feed>("loading");
export const districts = signal<readonly DistrictFeature[]>([]);
export const attribution = signal("");

/** Grows at most once a second while anything changes: what is derived from all car parks hangs on it. */
export const beat = signal(0);
/** The steady clock in milliseconds, once a second: ages hang on it. */
export const tick = signal(performance.now());

const BEAT_MS = 1000;
let beatDue = false;

function changed(): void {
  if (beatDue) return;
  beatDue = true;
  setTimeout(() => {
    beatDue = false;
    beat.value++;
  }, BEAT_MS);
}

export function keepTime(): void {
  setInterval(() => (tick.value = performance.now()), 1000);
}

/** Takes a full list of cards; car parks that are no longer in it are gone. */
export function takeCards(cards: readonly Card[]): void {
  const known = carParks.peek();
  const at_ms = performance.now();
  const next = new Map<string, CarPark>();
  batch(() => {
    for (const card of cards) {
      const old = known.get(card.id);
      if (!old) {
        next.set(card.id, { card, heard: signal({ availability: card.availability, at_ms }) });
        continue;
      }
      if (card.availability) hear(old, card.availability, at_ms, false);
      next.set(card.id, { card, heard: old.heard });
    }
    carParks.value = next;
    beat.value++;
  });
}

function hear(carPark: CarPark, availability: Availability, at_ms: number, anew: boolean): void {
  const before = carPark.heard.peek().availability;
  if (!anew && before && availability.version < before.version) return;
  carPark.heard.value = { availability, at_ms };
}

/** Takes live availability. `anew` starts over: what the server says now counts, whatever was heard before, and who is
 *  not in it is gone. Returns false when a car park is not known here yet and the cards have to be read again. */
export function takeAvailability(items: readonly Availability[], anew: boolean): boolean {
  const known = carParks.peek();
  const at_ms = performance.now();
  let complete = true;
  batch(() => {
    for (const availability of items) {
      const carPark = known.get(availability.car_park);
      if (carPark) hear(carPark, availability, at_ms, anew);
      else complete = false;
    }
  });
  if (anew) {
    const there = new Set(items.map(({ car_park }) => car_park));
    forget([...known.keys()].filter((id) => !there.has(id)));
  }
  changed();
  return complete;
}

/** Lets go of car parks that were taken out of the city. */
export function forget(ids: readonly string[]): void {
  const known = carParks.peek();
  if (!ids.some((id) => known.has(id))) return;
  const left = new Map(known);
  for (const id of ids) left.delete(id);
  batch(() => {
    carParks.value = left;
    beat.value++;
  });
}

/** Age of what was heard, in seconds, from the server's own reckoning plus the time since; null: never had data. */
export function ageSeconds(heard: Heard, now_ms: number): number | null {
  const age_s = heard.availability?.age_s;
  if (age_s === null || age_s === undefined) return null;
  return age_s + Math.max(0, Math.floor((now_ms - heard.at_ms) / 1000));
}

export const districtNames = computed(() => new Map(districts.value.map((d) => [d.properties.id, d.properties.name])));

export async function loadDistricts(): Promise<void> {
  const found = await getDistricts();
  batch(() => {
    districts.value = found.features;
    attribution.value = found.attribution ?? "";
  });
}
