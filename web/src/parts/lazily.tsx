import { signal, type Signal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { useEffect } from "preact/hooks";

/** A part whose code is fetched when it is first shown. */
export function lazily<P extends object>(
  fetchPart: () => Promise<ComponentType<P>>,
  waiting: () => string,
): (props: P) => JSX.Element {
  const part: Signal<ComponentType<P> | null> = signal(null);
  const failed = signal(false);
  return function Lazy(props: P) {
    useEffect(() => {
      if (!part.peek()) fetchPart().then((found) => (part.value = found), () => (failed.value = true));
    }, []);
    const Part = part.value;
    if (Part) return <Part {...props} />;
    return <p class="waiting">{failed.value ? "×" : waiting()}</p>;
  };
}
