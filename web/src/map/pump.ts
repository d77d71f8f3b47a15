/** Hands a map source its data, the newest only: while one is being laid out, those that come are not queued. */
import type { GeoJSON } from "geojson";
import type { GeoJSONSource } from "maplibre-gl";

const REST_MS = 1000; // between two layings-out of all labels: a phone has other things to do, and eyes like calm

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
        await new Promise((rested) => setTimeout(rested, REST_MS));
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
