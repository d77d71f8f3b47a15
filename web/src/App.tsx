import { address, go } from "./address";
import { Head } from "./parts/Head";
import { Icon } from "./parts/Icon";
import { lazily } from "./parts/lazily";
import { Legend } from "./parts/Legend";
import { List } from "./parts/List";
import { Seek } from "./parts/Seek";
import { TopTen } from "./parts/TopTen";
import { attribution } from "./store";
import { narrow, said } from "./view";
import { t } from "./words";

const CityMap = lazily(() => import("./map/CityMap").then((part) => part.CityMap), () => t("map.loading"));
const Panel = lazily(() => import("./parts/Panel").then((part) => part.Panel), () => "");
const Kiosk = lazily(() => import("./parts/Kiosk").then((part) => part.Kiosk), () => t("map.loading"));

export function App() {
  return address.value.kiosk ? <Kiosk /> : <OneMap />;
}

function OneMap() {
  const { map, park } = address.value;
  const showMap = !narrow.value || map;
  const covered = narrow.value && park !== "";
  return (
    <>
      <a class="skip" href="#list" onClick={() => go({ map: false })}>{t("skip")}</a>
      <div class="page" data-show={map ? "map" : "list"} data-park={park !== ""} inert={covered}>
        <div class="pane">
          <Head />
          <main>
            <Seek />
            {narrow.value && <TopTen />}
            <List />
          </main>
          <footer>
            <a href="/docs">API</a>
            {attribution.value && <span>{t("attribution", { source: attribution.value })}</span>}
          </footer>
        </div>
        {showMap && (
          <div class="stage">
            <CityMap />
            <Legend />
            {!narrow.value && !park && <TopTen />}
          </div>
        )}
        {narrow.value && (
          <button type="button" class="toggle" onClick={() => go({ map: !map }, "push")}>
            <Icon name={map ? "list" : "map"} />{t(map ? "show.list" : "show.map")}
          </button>
        )}
      </div>
      {park && <Panel key={park} id={park} />}
      <p class="unseen" aria-live="polite">{said.value}</p>
    </>
  );
}
