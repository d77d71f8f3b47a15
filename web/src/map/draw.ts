/** The living map: keeps MapLibre in step with the store and the address, and both in step with the reader's hand. */
import { computed, effect } from "@preact/signals";
import { Map as MapLibre, type GeoJSONSource, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { address, go, travelled } from "../address";
import { carParks, districts } from "../store";
import { theme } from "../theme";
import { all, type Bounds, bounds, districtFigures, hovered, matching, spotlight } from "../view";
import { label, named, number, percent, t } from "../words";
import { carParkFeatures, districtNameFeatures } from "./features";
import { boundsOf, districtBounds, heart, namePoint, shells } from "./geometry";
import { layers, style } from "./layers";
import { addMarks } from "./marks";
import { pump } from "./pump";

setWorkerUrl(new URL(workerUrl, location.href).href);

export interface Drawn {
  remove(): void;
  zoom(by: number): void;
  whole(): void;
}

type Fill = ReturnType<typeof pump>;

const SHENYANG: [number, number] = [123.43, 41.8]; // before anything is known
const REPORT_MS = 500;
const HEART_SHARE = 0.8; // of the car parks, on each axis, that the first look shows
const PADDING_PX = 40;
const WIDE_PX = 820; // from this width a card lies over the right side of the map
const CARD_PX = 330;
const PANEL_PX = 420;

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function draw(place: HTMLElement, kiosk: boolean): Drawn {
  const { view } = address.peek();
  const map = new MapLibre({
    container: place,
    style: style(theme.peek()),
    center: view && !kiosk ? [view.lon, view.lat] : SHENYANG,
    zoom: view && !kiosk ? view.zoom : 9.5,
    minZoom: 6,
    maxZoom: 18,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    interactive: !kiosk,
    fadeDuration: 0, // numbers change every second: fading in, they would never be seen
  });
  map.touchZoomRotate.disableRotation();
  addMarks(map);

  let looked = view !== null && !kiosk; // whether the first look is decided
  let quiet = false; // the first look is the page's, not the reader's: it does not belong in the link
  const look = (box: Bounds | null, animate = true): void => {
    if (!box) return;
    const edge = Math.min(PADDING_PX, place.clientWidth / 8, place.clientHeight / 8);
    const padding = { top: edge, bottom: edge, left: edge, right: edge + (!kiosk && place.clientWidth > WIDE_PX ? CARD_PX : 0) };
    map.fitBounds([[box.west, box.south], [box.east, box.north]], { padding, maxZoom: 14, animate: animate && !calm() });
  };
  const wholeCity = () => boundsOf(districts.peek().flatMap((d) => shells(d.geometry).flatMap((ring) => [...ring])))
    ?? heart(positions(), 1);
  const positions = () => [...carParks.peek().values()].map(({ card }) => card.position);
  const filler = (id: string) => pump(map.getSource<GeoJSONSource>(id)!);

  /** What is on the screen, told in attributes: for whoever tests the page, and for style sheets. */
  const report = (): void => {
    const seen = (layer: string) => new Set(map.queryRenderedFeatures({ layers: [layer] }).map(({ properties }) => properties["id"])).size;
    Object.assign(place.dataset, {
      ready: "true", rendered: seen("marks"), labels: seen("numbers"), renderedDistricts: seen("districts"), zoom: map.getZoom().toFixed(2),
    });
  };

  const stops: (() => void)[] = [];
  const keep = (work: () => void) => stops.push(effect(work));

  map.once("load", () => {
    const canvas = map.getCanvas();
    const [fillCarParks, fillDistricts, fillNames] = ["car-parks", "districts", "district-names"].map(filler) as [Fill, Fill, Fill];
    keep(() => canvas.setAttribute("aria-label", t("map.label")));

    keep(() => {
      const say = { name: ({ card }: { card: Parameters<typeof label>[0] }) => label(card), number, full: t("state.full") };
      fillCarParks(carParkFeatures(matching.value, say));
      if (looked || carParks.value.size === 0) return;
      looked = quiet = true;
      const district = districts.value.find(({ properties }) => properties.id === address.peek().district);
      look(district ? districtBounds(district) : heart(positions(), HEART_SHARE), false);
      quiet = false;
    });

    keep(() => fillDistricts({ type: "FeatureCollection", features: districts.value } as never));
    const namePoints = computed(() => new Map(districts.value.map((d) => [d.properties.id, namePoint(d.geometry)])));
    keep(() => {
      const figures = districtFigures.value;
      const district = address.value.district || spotlight.value;
      for (const { properties: { id } } of districts.value) {
        const index = figures.get(id)?.index ?? null;
        map.setFeatureState({ source: "districts", id }, { index, chosen: id === district, faint: district !== "" && id !== district });
      }
      fillNames(districtNameFeatures(districts.value, namePoints.value, figures, { name: named, percent }));
    });

    let lit: string[] = [];
    keep(() => {
      const { park } = address.value;
      for (const id of lit) map.removeFeatureState({ source: "car-parks", id });
      lit = [...new Set([park, hovered.value])].filter(Boolean);
      for (const id of lit) map.setFeatureState({ source: "car-parks", id }, { lit: id === hovered.value, chosen: id === park });
    });

    let drawnTheme = theme.peek();
    keep(() => {
      const now = theme.value;
      if (now === drawnTheme) return;
      drawnTheme = now;
      for (const { id, ...layer } of layers(now)) {
        for (const [key, value] of Object.entries(layer.paint ?? {})) map.setPaintProperty(id, key as never, value as never);
      }
      map.setLayoutProperty("marks", "icon-image", ["concat", ["get", "state"], `-${now}`]);
    });

    if (kiosk) tour();
    else follow();
    let reporting: ReturnType<typeof setTimeout> | undefined;
    map.on("render", () => {
      reporting ??= setTimeout(() => {
        reporting = undefined;
        report();
      }, REPORT_MS);
    });
    stops.push(() => clearTimeout(reporting));
  });

  /** The reader's hand and the address: each moves with the other. */
  function follow(): void {
    const moved = (): void => {
      const box = map.getBounds();
      bounds.value = { west: box.getWest(), south: box.getSouth(), east: box.getEast(), north: box.getNorth() };
    };
    map.on("moveend", () => {
      moved();
      const { lat, lng } = map.getCenter();
      if (looked && !quiet) go({ view: { lat, lon: lng, zoom: map.getZoom() } });
    });
    if (looked) moved();

    let district = address.peek().district;
    keep(() => {
      const wanted = address.value.district;
      if (wanted === district) return;
      district = wanted;
      const shape = districts.peek().find(({ properties }) => properties.id === wanted);
      look(shape ? districtBounds(shape) : heart(positions(), HEART_SHARE));
    });

    let travels = travelled.peek();
    keep(() => {
      if (travelled.value === travels) return;
      travels = travelled.value;
      const back = address.peek().view;
      if (back) map.jumpTo({ center: [back.lon, back.lat], zoom: back.zoom });
    });

    let park = "";
    keep(() => {
      const wanted = address.value.park;
      const known = carParks.value.get(wanted);
      if (wanted === park || (wanted && !known)) return;
      park = wanted;
      if (known) show(known.card.position);
    });

    map.on("mousemove", "marks", ({ features }) => {
      map.getCanvas().style.cursor = "pointer";
      hovered.value = String(features?.[0]?.properties["id"] ?? "");
    });
    map.on("mouseleave", "marks", () => {
      map.getCanvas().style.cursor = "";
      hovered.value = "";
    });
    map.on("click", ({ point: { x, y } }) => {
      const reach: [[number, number], [number, number]] = [[x - 8, y - 8], [x + 8, y + 8]]; // a finger is not a point
      const hit = map.queryRenderedFeatures(reach, { layers: ["marks", "numbers"] })[0];
      if (hit) go({ park: String(hit.properties["id"]) }, "push");
    });
  }

  /** The wall: from district to district, and back to the whole city. */
  function tour(): void {
    let shown = "";
    keep(() => {
      const district = spotlight.value;
      if (district === shown) return;
      shown = district;
      const there = all.peek().filter(({ card }) => card.district === district).map(({ card }) => card.position);
      look(district ? heart(there, 1) : heart(positions(), HEART_SHARE));
    });
  }

  /** Brings a car park out from under the panel, and from outside the view. */
  function show({ lat, lon }: { lat: number; lon: number }): void {
    const covered = place.clientWidth > WIDE_PX ? PANEL_PX : 0;
    const { x, y } = map.project([lon, lat]);
    const inside = x > 20 && x < place.clientWidth - covered && y > 20 && y < place.clientHeight - 20;
    if (!inside) map.easeTo({ center: [lon, lat], offset: [-covered / 2, 0], animate: !calm() });
  }

  return {
    remove: () => {
      for (const stop of stops) stop();
      bounds.value = null;
      map.remove();
    },
    zoom: (by) => map.zoomTo(map.getZoom() + by, { animate: !calm() }),
    whole: () => look(wholeCity()),
  };
}
