/** What the server says. The types of the REST contract are made from openapi.json (`make pages`); the page invents none. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Availability = Schemas["Availability"];
export type Card = Schemas["Card"];
export type CarParkCard = Schemas["CarParkCard"];
export type City = Schemas["CityView"];
export type Name = Schemas["Name"];
export type Past = Schemas["Past"];
export type Position = Schemas["Position"];
export type QualityReason = Schemas["QualityReason"];
export type Space = Schemas["SpaceNow"];
export type SpaceState = Schemas["SpaceState"];
export type State = Schemas["CarParkState"];

export const STATES: readonly State[] = ["open", "almost_full", "full", "closed", "unknown"];

export interface Page<T> {
  items: readonly T[];
  next: string | null;
}

/** An event of the live stream; `removed` names car parks that were taken out of the city. */
export interface Told {
  items: readonly Availability[];
  removed?: readonly string[];
}

/** GeoJSON, which the API's description leaves to RFC 7946. */
export interface DistrictFeature {
  type: "Feature";
  properties: { id: string; name: Name; adcode: string };
  geometry: Polygons;
}

export type Ring = readonly (readonly [number, number])[];
export type Polygons =
  | { type: "Polygon"; coordinates: readonly Ring[] }
  | { type: "MultiPolygon"; coordinates: readonly (readonly Ring[])[] };

export interface Districts {
  type: "FeatureCollection";
  attribution?: string;
  features: readonly DistrictFeature[];
}
