/** Keeps the store fed: the cards once, then the live stream; while the stream is down, the cards again and again. */
import { getCards } from "./api";
import type { Told } from "./contract";
import { feed, forget, takeAvailability, takeCards } from "./store";

const POLL_MS = 10_000;
const QUIET_MS = 45_000; // a stream silent for longer may be dead: ask once by hand
const RETRY_MS_MAX = 30_000;
const RELOAD_MS_MIN = 5_000; // unknown car parks in the stream reload the cards, but not more often

let lastWord_ms = 0;
let lastLoad_ms = 0;
let loadDue = false;

async function load(): Promise<void> {
  lastLoad_ms = performance.now();
  takeCards(await getCards());
}

function loadSoon(): void {
  if (loadDue) return;
  loadDue = true;
  setTimeout(() => {
    loadDue = false;
    load().catch(() => undefined); // the next unknown car park or poll asks again
  }, Math.max(0, RELOAD_MS_MIN - (performance.now() - lastLoad_ms)));
}

function listen(onLost: () => void): EventSource {
  const stream = new EventSource("/v1/live");
  const take = (anew: boolean) => (event: MessageEvent<string>) => {
    lastWord_ms = performance.now();
    feed.value = "live";
    const { items, removed } = JSON.parse(event.data) as Told;
    forget(removed ?? []);
    if (!takeAvailability(items, anew)) loadSoon();
  };
  stream.addEventListener("reset", take(true));
  stream.addEventListener("delta", take(false));
  stream.addEventListener("open", () => {
    lastWord_ms = performance.now();
    feed.value = "live";
  });
  stream.addEventListener("error", onLost);
  return stream;
}

/** Never returns a failure: it shows in `feed`, and is tried again with growing pauses. */
export async function follow(): Promise<void> {
  for (let pause_ms = 1000; ; pause_ms = Math.min(pause_ms * 2, RETRY_MS_MAX)) {
    try {
      await load();
      break;
    } catch {
      feed.value = "failed";
      await new Promise((done) => setTimeout(done, pause_ms));
    }
  }
  feed.value = "polling";

  let retry_ms = 1000;
  const open = (): void => {
    const stream = listen(() => {
      if (feed.peek() === "live") feed.value = "polling";
      if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      setTimeout(open, retry_ms);
      retry_ms = Math.min(retry_ms * 2, RETRY_MS_MAX);
    });
    stream.addEventListener("open", () => (retry_ms = 1000));
  };
  open();

  setInterval(() => {
    const quiet = performance.now() - lastWord_ms > QUIET_MS;
    if (feed.peek() === "live" && !quiet) return;
    load().then(
      () => {
        lastWord_ms = performance.now();
        if (feed.peek() === "lost") feed.value = "polling";
      },
      () => {
        if (feed.peek() !== "live" || quiet) feed.value = "lost";
      },
    );
  }, POLL_MS);
}
