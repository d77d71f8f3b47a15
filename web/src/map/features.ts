/** What is known, as GeoJSON for the map: pure. */
import type { FeatureCollection, Point } from "geojson";
import type { DistrictFeature, Name } from "../contract";
import { type Figures, freeNow, type Known, stateOf } from "../derive";

export interface Wording {
  name: (known: Known) => string;
  number: (value: number) => string;
  full: string;
}

/** One point a car park. `rank` is its capacity: of two on one spot the larger one is on top and keeps its label. */
export function carParkFeatures(list: readonly Known[], say: Wording): FeatureCollection<Point> {
  return {
    type: "FeatureCollection",
    features: list.map((known) => {
      const { card, availability } = known;
      const state = stateOf(availability);
      const free = freeNow(availability);
      const shown = state === "full" ? say.full : state === "closed" || free === null ? "" : say.number(free);
      return {
        type: "Feature",
        geometry: { type: "Point", coordinates: [card.position.lon, card.position.lat] },
        properties: { id: card.id, state, free: shown, gap: shown && "\n", name: say.name(known), rank: availability?.capacity ?? 0 },
      };
    }),
  };
}

export function districtNameFeatures(
  districts: readonly DistrictFeature[],
  points: ReadonlyMap<string, [number, number]>,
  figures: ReadonlyMap<string, Figures>,
  say: { name: (name: Name) => string; percent: (share: number) => string },
): FeatureCollection<Point> {
  return {
    type: "FeatureCollection",
    features: districts.map(({ properties: { id, name } }) => {
      const index = figures.get(id)?.index ?? null;
      return {
        type: "Feature",
        geometry: { type: "Point", coordinates: points.get(id) ?? [0, 0] },
        properties: { id, name: say.name(name), index: index === null ? "—" : say.percent(index) },
      };
    }),
  };
}
