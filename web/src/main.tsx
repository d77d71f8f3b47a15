import { render } from "preact";
import { App } from "./App";
import { follow } from "./feed";
import { keepTime, loadDistricts } from "./store";
import "./styles/page.css";
import "./theme";
import { chooseLanguage } from "./words";

await chooseLanguage();
render(<App />, document.getElementById("page")!);
keepTime();
void follow();
loadDistricts().catch(() => undefined); // the map says that it has no borders; list and marks work without them
