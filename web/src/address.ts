/** The link is the state: what is searched, filtered, chosen and looked at stands in the query string. */
import { signal } from "@preact/signals";
import { type Filter, type Sort, SORTS } from "./derive";

export interface View {
  lat: number;
  lon: number;
  zoom: number;
}

export interface Address extends Filter {
  sort: Sort;
  park: string;
  view: View | null;
  map: boolean;
  lang: string;
  theme: string;
  kiosk: boolean;
}

const TEXT_MAX = 64;

function read(search: string): Address {
  const query = new URLSearchParams(search);
  const text = (key: string) => (query.get(key) ?? "").slice(0, TEXT_MAX);
  const [lat, lon, zoom] = (query.get("at") ?? "").split(",").map(Number);
  const whole = [lat, lon, zoom].every((part) => part !== undefined && Number.isFinite(part));
  const inside = whole && Math.abs(lat!) <= 85 && Math.abs(lon!) <= 180 && zoom! >= 0 && zoom! <= 22;
  const minFree = Math.floor(Number(query.get("min_free")));
  return {
    q: text("q"),
    district: text("district"),
    kind: text("kind"),
    minFree: minFree > 0 ? Math.min(minFree, 100_000) : 0,
    known: query.get("known") === "1",
    sort: SORTS.find((sort) => sort === query.get("sort")) ?? "free",
    park: text("park"),
    view: inside ? { lat: lat!, lon: lon!, zoom: zoom! } : null,
    map: query.get("map") === "1",
    lang: text("lang"),
    theme: text("theme"),
    kiosk: query.get("kiosk") === "1",
  };
}

function write(to: Address): string {
  const query = new URLSearchParams();
  const put = (key: string, value: string) => value && query.set(key, value);
  put("q", to.q);
  put("district", to.district);
  put("kind", to.kind);
  put("min_free", to.minFree ? String(to.minFree) : "");
  put("known", to.known ? "1" : "");
  put("sort", to.sort === "free" ? "" : to.sort);
  put("park", to.park);
  put("at", to.view ? `${to.view.lat.toFixed(5)},${to.view.lon.toFixed(5)},${to.view.zoom.toFixed(2)}` : "");
  put("map", to.map ? "1" : "");
  put("lang", to.lang);
  put("theme", to.theme);
  put("kiosk", to.kiosk ? "1" : "");
  const text = query.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : location.pathname;
}

export const address = signal(read(location.search));
/** Grows when the view in the address was not made by the map (back, forward, a button): then the map follows it. */
export const travelled = signal(0);

/** A choice is a step to come back from (`push`); typing and moving the map are not. */
export function go(change: Partial<Address>, how: "push" | "replace" = "replace"): void {
  const next = { ...address.peek(), ...change };
  address.value = next;
  if (how === "push") history.pushState(null, "", write(next));
  else history.replaceState(null, "", write(next));
}

addEventListener("popstate", () => {
  address.value = read(location.search);
  travelled.value++;
});
