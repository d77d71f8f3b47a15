/** The map's place on the page. MapLibre lives in `draw`; here are its buttons and what the page says about it. */
import "maplibre-gl/dist/maplibre-gl.css";
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/Icon";
import { districts } from "../store";
import { t } from "../words";
import { draw, type Drawn } from "./draw";

const failed = signal(false);

export function CityMap({ kiosk = false }: { kiosk?: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  useEffect(() => {
    try {
      drawn.current = draw(place.current!, kiosk);
    } catch {
      failed.value = true; // no WebGL: the list offers the same
    }
    return () => drawn.current?.remove();
  }, [kiosk]);
  if (failed.value) return <p class="waiting" role="alert">{t("map.failed")}</p>;
  return (
    <>
      <div ref={place} class="map" data-map="" data-districts={districts.value.length} />
      {!kiosk && (
        <div class="zoom">
          <button type="button" aria-label={t("map.in")} title={t("map.in")} onClick={() => drawn.current?.zoom(1)}><Icon name="plus" /></button>
          <button type="button" aria-label={t("map.out")} title={t("map.out")} onClick={() => drawn.current?.zoom(-1)}><Icon name="minus" /></button>
          <button type="button" aria-label={t("map.whole")} title={t("map.whole")} onClick={() => drawn.current?.whole()}><Icon name="home" /></button>
        </div>
      )}
    </>
  );
}
