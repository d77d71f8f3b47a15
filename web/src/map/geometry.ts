/** Pure geometry on longitude and latitude: where a district's name goes, and what the first look shows. */
import type { DistrictFeature, Polygons, Position, Ring } from "../contract";
import type { Bounds } from "../view";

const GRID = 24;

export const shells = (shape: Polygons): readonly Ring[] =>
  (shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates).flatMap((rings) => rings.slice(0, 1));

export function boundsOf(points: Iterable<readonly [number, number]>): Bounds | null {
  const box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  for (const [lon, lat] of points) {
    box.west = Math.min(box.west, lon);
    box.east = Math.max(box.east, lon);
    box.south = Math.min(box.south, lat);
    box.north = Math.max(box.north, lat);
  }
  return box.west <= box.east ? box : null;
}

export const districtBounds = (district: DistrictFeature): Bounds | null =>
  boundsOf(shells(district.geometry).flatMap((ring) => [...ring]));

function size(ring: Ring): number {
  let doubled = 0;
  for (let at = 0; at + 1 < ring.length; at++) doubled += ring[at]![0] * ring[at + 1]![1] - ring[at + 1]![0] * ring[at]![1];
  return Math.abs(doubled);
}

/** Distance to the border in degrees, negative outside. */
function depth(x: number, y: number, ring: Ring): number {
  let inside = false;
  let nearest = Infinity;
  for (let at = 0; at + 1 < ring.length; at++) {
    const [ax, ay] = ring[at]!;
    const [bx, by] = ring[at + 1]!;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    const along = Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2 || 1)));
    nearest = Math.min(nearest, Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)));
  }
  return inside ? nearest : -nearest;
}

/** The point of the largest part that is farthest from its border, on a coarse grid: a name fits there best. */
export function namePoint(shape: Polygons): [number, number] {
  const ring = [...shells(shape)].sort((a, b) => size(b) - size(a))[0] ?? [];
  const box = boundsOf(ring);
  if (!box) return [0, 0];
  let best: [number, number] = [(box.west + box.east) / 2, (box.south + box.north) / 2];
  let deepest = -Infinity;
  for (let i = 1; i < GRID; i++) {
    for (let j = 1; j < GRID; j++) {
      const x = box.west + ((box.east - box.west) * i) / GRID;
      const y = box.south + ((box.north - box.south) * j) / GRID;
      const found = depth(x, y, ring);
      if (found > deepest) [deepest, best] = [found, [x, y]];
    }
  }
  return best;
}

/** The box of most car parks: a few far out must not make the city centre a dot. */
export function heart(positions: readonly Position[], share: number): Bounds | null {
  if (positions.length === 0) return null;
  const middle = (values: number[]): [number, number] => {
    const ordered = values.sort((a, b) => a - b);
    const cut = Math.floor(((1 - share) / 2) * (ordered.length - 1));
    return [ordered[cut]!, ordered[ordered.length - 1 - cut]!];
  };
  const [west, east] = middle(positions.map(({ lon }) => lon));
  const [south, north] = middle(positions.map(({ lat }) => lat));
  return { west, east, south, north };
}
