/** What the parts of the page show in common: the figures, the matching car parks, the ones in the map's view. */
import { computed, effect, signal } from "@preact/signals";
import { address } from "./address";
import { byDistrict, figures, fullest, type Known, matches, sorted } from "./derive";
import { beat, carParks } from "./store";
import { collator, label, lang } from "./words";

export interface Bounds {
  west: number;
  south: number;
  east: number;
  north: number;
}

const NARROW = matchMedia("(max-width: 820px)");
export const narrow = signal(NARROW.matches);
NARROW.addEventListener("change", () => (narrow.value = NARROW.matches));

/** What the map shows; null while there is no map, or when the reader asked for everything. */
export const bounds = signal<Bounds | null>(null);
/** The car park under the pointer or the focus, in the list or on the map. */
export const hovered = signal("");
/** The district the wall shows just now; empty: the whole city. */
export const spotlight = signal("");
/** While the reader is in the list it keeps its order: a row must not slip away from under a finger. */
export const held = signal(false);

export const all = computed<readonly Known[]>(() => {
  void beat.value;
  return [...carParks.value.values()].map(({ card, heard }) => ({ card, availability: heard.peek().availability }));
});
export const cityFigures = computed(() => figures(all.value));
export const districtFigures = computed(() => byDistrict(all.value));
export const topTen = computed(() => fullest(all.value, 10));
export const kinds = computed(() => [...new Set(all.value.flatMap(({ card }) => card.kind ?? []))].sort());

export const matching = computed(() => all.value.filter((known) => matches(known, address.value)));

/** What the list is limited to: the map's view, unless the reader looks for something by name, wherever it is. */
export const limits = computed(() => (address.value.q ? null : bounds.value));

const inView = computed(() => {
  const box = limits.value;
  if (!box) return matching.value;
  return matching.value.filter(({ card: { position: at } }) =>
    at.lon >= box.west && at.lon <= box.east && at.lat >= box.south && at.lat <= box.north);
});

let order = new Map<string, number>();
let orderedFor: readonly unknown[] = [];

export const listed = computed<readonly Known[]>(() => {
  const wanted = [address.value, limits.value, lang.value] as const;
  const same = wanted.every((part, at) => part === orderedFor[at]);
  if (held.value && same) {
    const place = ({ card }: Known) => order.get(card.id) ?? Number.POSITIVE_INFINITY;
    return [...inView.value].sort((a, b) => place(a) - place(b));
  }
  const list = sorted(inView.value, address.value.sort, collator.value, label);
  order = new Map(list.map(({ card }, at) => [card.id, at]));
  orderedFor = wanted;
  return list;
});

export const chosen = computed(() => carParks.value.get(address.value.park));

/** What a screen reader is told: only what the reader did or must know, never every change of a number. */
export const said = signal("");
let saying: ReturnType<typeof setTimeout> | undefined;
export function say(text: string): void {
  clearTimeout(saying);
  saying = setTimeout(() => (said.value = text), 600);
}

effect(() => {
  if (narrow.value && !address.value.map) hovered.value = "";
});
