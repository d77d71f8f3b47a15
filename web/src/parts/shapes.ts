/** One shape a state, in a 24 by 24 box: the list draws it as SVG, the map on a canvas. */
import type { State } from "../contract";

export interface Shape {
  /** filled with the state's colour */
  body: string;
  /** on top of the body, in the colour of the surface */
  sign: string;
}

const DISC = "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z";

export const SHAPES: Record<State, Shape> = {
  open: { body: DISC, sign: "" },
  almost_full: { body: "M12 2.2 22.4 20.4H1.6z", sign: "" },
  full: { body: "M5 3.5h14a1.5 1.5 0 0 1 1.5 1.5v14a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 19V5A1.5 1.5 0 0 1 5 3.5z", sign: "M7 10.3h10v3.4H7z" },
  closed: { body: "M8.2 3h7.6L21 8.2v7.6L15.8 21H8.2L3 15.8V8.2z", sign: "M8.9 7.3 12 10.4l3.1-3.1 1.6 1.6-3.1 3.1 3.1 3.1-1.6 1.6-3.1-3.1-3.1 3.1-1.6-1.6 3.1-3.1-3.1-3.1z" },
  unknown: { body: DISC, sign: "M12 6.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 1 0 0-11.6z" },
};
