/** Hands a map source its data, the newest only: while one is being laid out, those that come are not queued. */
import type { GeoJSON } from "geojson";
import type { GeoJSONSource } from "maplibre-gl";

export function pump(source: GeoJSONSource): (data: GeoJSON) => void {
  let next: GeoJSON | null = null;
  let busy = false;
  const run = async (): Promise<void> => {
    busy = true;
    while (next) {
      const data = next;
      next = null;
      try {
        await source.setData(data);
      } catch {
        break; // the map is gone; so is whoever fills it
      }
    }
    busy = false;
  };
  return (data) => {
    next = data;
    if (!busy) void run();
  };
}
