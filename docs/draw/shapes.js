/* The shapes that the page places on the canvas, as lists of strokes. */

import { SIDE } from "./ink.js";

const round = (n, radius = 1, start = -Math.PI / 2) =>
  Array.from({ length: n }, (_, i) => start + (2 * Math.PI * i) / n).map((angle) => [
    radius * Math.cos(angle),
    radius * Math.sin(angle),
  ]);
const box = (width, height) =>
  [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => [x * width, y * height]);
const stretched = (points, height) => points.map(([x, y]) => [x, y * height]);

/** The closed lines of each shape, of radius one. */
const SHAPES = {
  circle: [round(48)],
  ellipse: [stretched(round(48), 0.55)],
  ring: [round(48), round(48, 0.5)],
  triangle: [round(3)],
  square: [box(0.71, 0.71)],
  rectangle: [box(0.85, 0.52)],
  pentagon: [round(5)],
  hexagon: [round(6)],
  star: [round(5).flatMap((tip, i) => [tip, round(5, 0.4, -Math.PI * 0.3)[i]])],
  cross: [
    [0, 1, 2, 3].flatMap((k) =>
      [[0.95, -0.32], [0.95, 0.32], [0.32, 0.32]].map(([x, y]) => [[x, y], [-y, x], [-x, -y], [y, -x]][k]),
    ),
  ],
};

/** A shape in the middle; each press another turn and size. */
export function placed(name, turn) {
  const radius = 20 + 4 * (turn % 3);
  const [cos, sin] = [radius * Math.cos(0.4 * turn), radius * Math.sin(0.4 * turn)];
  return SHAPES[name].map((points) =>
    [...points, points[0]].map(([x, y]) => [SIDE / 2 + cos * x - sin * y, SIDE / 2 + sin * x + cos * y]),
  );
}

/** What the page begins with: a star in one line, as a hand draws it. */
export function opening() {
  const tips = [0, 2, 4, 1, 3, 0].map((i) => (i * 2 * Math.PI) / 5 - 1.5);
  const points = [];
  for (let i = 0; i < 5; i++) {
    for (let t = 0; t < 1; t += 1 / 16) {
      const at = (wave) => (1 - t) * wave(tips[i]) + t * wave(tips[i + 1]);
      const bend = 0.9 * Math.sin(Math.PI * t) * (i % 2 ? 1 : -1);
      points.push([
        35 + 25 * at(Math.cos) + bend + 0.5 * Math.sin(3.1 * (i + t)),
        38 + 26 * at(Math.sin) + bend + 0.6 * Math.sin(2.3 * (i + t) + 1),
      ]);
    }
  }
  return [points.slice(0, -1)];
}
