/** The map's style: districts by parking index, car parks by state. It fetches nothing: no tiles, no sprites, and the
 *  letters are drawn from the reader's own fonts (no `glyphs` address). */
import type { LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { Theme } from "../theme";
import { COLOURS, INDEX_HIGH, INDEX_LOW } from "./colours";

const NUMBER_ZOOM = 11; // from here the marks carry how many are free
const NAME_ZOOM = 13; // and from here their names; a whole number, as tiles are laid out by whole zooms
const FONT = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC"];
const FONT_BOLD = ["Semibold", ...FONT]; // the first name only tells the weight

const EMPTY = { type: "FeatureCollection", features: [] } as const;

type Layer = Exclude<LayerSpecification, { type: "color-relief" }>;

export function layers(theme: Theme): Layer[] {
  const c = COLOURS[theme];
  const index = ["feature-state", "index"];
  const text = { "text-color": c.text, "text-halo-color": c.halo, "text-halo-width": 1.6 };
  return [
    { id: "ground", type: "background", paint: { "background-color": c.ground } },
    {
      id: "districts", type: "fill", source: "districts",
      paint: {
        "fill-color": ["case", ["==", ["typeof", index], "number"],
          ["interpolate", ["linear"], ["number", index, 0], INDEX_LOW, c.low, INDEX_HIGH, c.high], c.none],
        "fill-opacity": ["case", ["boolean", ["feature-state", "faint"], false], 0.45, 1],
      },
    },
    {
      id: "borders", type: "line", source: "districts", layout: { "line-join": "round" },
      paint: {
        "line-color": ["case", ["boolean", ["feature-state", "chosen"], false], c.borderChosen, c.border],
        "line-width": ["case", ["boolean", ["feature-state", "chosen"], false], 2.5, 1.4],
      },
    },
    {
      id: "halos", type: "circle", source: "car-parks",
      paint: {
        "circle-color": c.lit,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 9, 14, 19],
        "circle-opacity": ["case", ["boolean", ["feature-state", "chosen"], false], 0.35,
          ["boolean", ["feature-state", "lit"], false], 0.22, 0],
        "circle-stroke-color": c.lit,
        "circle-stroke-width": ["case", ["boolean", ["feature-state", "chosen"], false], 2, 0],
      },
    },
    {
      id: "numbers", type: "symbol", source: "car-parks", minzoom: NUMBER_ZOOM,
      layout: {
        "text-field": ["step", ["zoom"], ["get", "free"],
          NAME_ZOOM, ["format", ["get", "free"], { "font-scale": 1 }, ["get", "gap"], {}, ["get", "name"], { "font-scale": 0.86, "text-font": ["literal", FONT] }]],
        "text-font": FONT_BOLD,
        "text-size": ["interpolate", ["linear"], ["zoom"], NUMBER_ZOOM, 11, 15, 14],
        "text-variable-anchor": ["top", "bottom", "left", "right"],
        "text-radial-offset": 1.2,
        "text-max-width": 9,
        "text-padding": 1,
        "text-optional": true,
        "symbol-sort-key": ["-", 0, ["get", "rank"]],
      },
      paint: text,
    },
    // above the numbers, and so placed before them: no number ever lies on a mark
    {
      id: "marks", type: "symbol", source: "car-parks",
      layout: {
        "icon-image": ["concat", ["get", "state"], `-${theme}`],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 8, 0.34, 10, 0.46, 12, 0.62, 14.5, 0.9],
        "icon-allow-overlap": true,
        "icon-padding": 1,
        "symbol-sort-key": ["get", "rank"],
      },
    },
    {
      id: "names", type: "symbol", source: "district-names", maxzoom: 13,
      layout: {
        "text-field": ["format", ["get", "name"], {}, "\n", {}, ["get", "index"], { "font-scale": 0.88 }],
        "text-font": FONT_BOLD,
        "text-size": ["interpolate", ["linear"], ["zoom"], 7.5, 11, 11, 15],
        "text-letter-spacing": 0.03,
        "text-allow-overlap": ["step", ["zoom"], false, 9.5, true],
        "text-padding": 4,
      },
      paint: { ...text, "text-color": c.quiet, "text-halo-width": 2 },
    },
  ] as Layer[];
}

export function style(theme: Theme): StyleSpecification {
  return {
    version: 8,
    sources: {
      districts: { type: "geojson", data: EMPTY as never, promoteId: "id" },
      "district-names": { type: "geojson", data: EMPTY as never },
      "car-parks": { type: "geojson", data: EMPTY as never, promoteId: "id", tolerance: 0 },
    },
    layers: layers(theme),
    transition: { duration: 200, delay: 0 },
  };
}
