import type { State } from "../contract";
import { SHAPES } from "./shapes";

/** The state as a coloured shape; the word for it always stands beside it. */
export function Mark({ state }: { state: State }) {
  const { body, sign } = SHAPES[state];
  return (
    <svg class={`mark ${state}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={body} />
      {sign && <path class="sign" d={sign} />}
    </svg>
  );
}
