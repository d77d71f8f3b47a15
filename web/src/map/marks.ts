/** The states' shapes as images for the map: drawn here on a canvas, so that nothing has to be fetched. */
import type { Map as MapLibre } from "maplibre-gl";
import { type State, STATES } from "../contract";
import { SHAPES } from "../parts/shapes";
import type { Theme } from "../theme";
import { COLOURS } from "./colours";

const SIZE = 28; // the shapes' box of 24 and a margin for the outline
const RATIO = 3; // drawn larger than shown, to stay sharp on any screen

export const markName = (state: State, theme: Theme) => `${state}-${theme}`;

function draw(state: State, theme: Theme): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE * RATIO;
  const brush = canvas.getContext("2d", { willReadFrequently: true })!;
  const { states, sign } = COLOURS[theme];
  brush.scale(RATIO, RATIO);
  brush.translate((SIZE - 24) / 2, (SIZE - 24) / 2);
  const body = new Path2D(SHAPES[state].body);
  brush.lineWidth = 3;
  brush.lineJoin = "round";
  brush.strokeStyle = sign;
  brush.stroke(body);
  brush.fillStyle = states[state];
  brush.fill(body);
  brush.fillStyle = sign;
  brush.fill(new Path2D(SHAPES[state].sign));
  return brush.getImageData(0, 0, canvas.width, canvas.height);
}

export function addMarks(map: MapLibre): void {
  for (const theme of ["light", "dark"] as const) {
    for (const state of STATES) {
      map.addImage(markName(state, theme), draw(state, theme), { pixelRatio: RATIO });
    }
  }
}
