/** The colours of the map, which the style sheet cannot reach. The states' are those of `styles/page.css`. */
import type { State } from "../contract";
import type { Theme } from "../theme";

export interface Colours {
  ground: string;
  border: string;
  borderChosen: string;
  none: string;
  low: string;
  high: string;
  text: string;
  quiet: string;
  halo: string;
  lit: string;
  sign: string;
  states: Record<State, string>;
}

export const COLOURS: Record<Theme, Colours> = {
  light: {
    ground: "#eef1f5", border: "#ffffff", borderChosen: "#1f5fbf", none: "#e4e8ed", low: "#f4f8fc", high: "#a9c6ea",
    text: "#1b2430", quiet: "#33404f", halo: "rgba(255,255,255,0.9)", lit: "#1f5fbf", sign: "#ffffff",
    states: { open: "#0f7a58", almost_full: "#b76a00", full: "#b3261e", closed: "#4e5968", unknown: "#707c8b" },
  },
  dark: {
    ground: "#0d1319", border: "#456180", borderChosen: "#7db4ff", none: "#161d25", low: "#121c27", high: "#2a5689",
    text: "#e9eef4", quiet: "#b4c0cd", halo: "rgba(10,15,20,0.85)", lit: "#7db4ff", sign: "#10161c",
    states: { open: "#45d39f", almost_full: "#ffb74a", full: "#ff7a6b", closed: "#9fb0c0", unknown: "#a3b1c0" },
  },
};

/** Where the colour ramp of the parking index begins and ends; the legend says the same. */
export const INDEX_LOW = 0.3;
export const INDEX_HIGH = 0.95;
