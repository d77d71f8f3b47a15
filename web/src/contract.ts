/** What the server says, as its REST contract has it. The page never invents any of it. */

export type State = "open" | "almost_full" | "full" | "closed" | "unknown";
export const STATES: readonly State[] = ["open", "almost_full", "full", "closed", "unknown"];

export type Source = "spaces" | "counts" | "passages";

/** `occupied`, `free`, `as_of`, `age_s` and `source` are null as long as the car park never reported. */
export interface Availability {
  car_park: string;
  state: State;
  capacity: number;
  out_of_service?: number;
  occupied: number | null;
  promised: number;
  free: number | null;
  as_of: string | null;
  age_s: number | null;
  stale: boolean;
  source: Source | null;
  trend: number | null;
  version: number;
}

export interface Name {
  zh?: string | null;
  en?: string | null;
}

export interface Position {
  lat: number;
  lon: number;
}

export interface Card {
  id: string;
  name: Name;
  operator: string;
  district: string | null;
  kind: string | null;
  position: Position;
  address?: string | null;
  opening_hours: string | null;
  height_cm: number | null;
  features: readonly string[];
  tariff_summary: string | Name | null;
  reservable: number | boolean | null;
  quality: number | null;
  closed_reason?: string | null;
  /** Whether the car park's own gateway is connected; null: it never said. */
  online?: boolean | null;
  availability: Availability | null;
}

export interface Page<T> {
  items: readonly T[];
  next: string | null;
}

export type SpaceState = "free" | "occupied" | "unknown" | "out_of_service";

export interface Space {
  space: string;
  zone: string | null;
  state: SpaceState;
  at: string | null;
  stale: boolean;
}

/** A step of the past; -1 where the source was offline. */
export interface Past {
  at: string;
  occupied: number | null;
  capacity: number | null;
  free: number | null;
}

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
