/** Starts everything at once: the data, the reader's language and the page's code; draws when the last two are here. */
import { render } from "preact";
import { meetCity } from "./city";
import { follow } from "./feed";
import { keepTime, loadDistricts } from "./store";
import "./styles/page.css";
import "./theme";
import { chooseLanguage } from "./words";

const page = import("./App");
void follow();
void meetCity();
loadDistricts().catch(() => undefined); // the map says that it has no borders; list and marks work without them
keepTime();

const [{ App }] = await Promise.all([page, chooseLanguage()]);
render(<App />, document.getElementById("page")!);
