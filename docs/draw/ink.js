/* Where the ink of a drawing goes: not read off a canvas, for browsers draw differently there, and
some answer with noise. All lengths are in the network's pixels. */

export const SIDE = 72;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** How much of each pixel some strokes cover, drawn with a pen of a width and perhaps filled. */
export function inked(strokes, { width, fill }) {
  const cover = new Float32Array(SIDE * SIDE);
  if (fill) {
    for (const points of outlines(strokes)) {
      inside(points).forEach((more, i) => (cover[i] += more - 2 * more * cover[i]));
    }
  }
  for (const points of strokes) {
    points.forEach((point, i) => coverLine(cover, width, points[Math.max(i - 1, 0)], point));
  }
  return cover;
}

/** The lines to fill: closed strokes as they are, open ones end to end, nearest first. */
export function outlines(strokes) {
  const gap = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const isClosed = (points) => {
    let length = 0;
    for (let i = 1; i < points.length; i++) length += gap(points[i - 1], points[i]);
    return gap(points[0], points[points.length - 1]) <= length / 4;
  };
  const closed = strokes.filter(isClosed);
  const open = strokes.filter((points) => !isClosed(points));
  if (open.length === 0) return closed;
  let chain = open.shift();
  while (open.length > 0) {
    const end = chain[chain.length - 1];
    const far = (points) => Math.min(gap(end, points[0]), gap(end, points[points.length - 1]));
    open.sort((a, b) => far(a) - far(b));
    const next = open.shift();
    const turned = gap(end, next[0]) > gap(end, next[next.length - 1]);
    chain = chain.concat(turned ? next.slice().reverse() : next);
  }
  return [...closed, chain];
}

/** Cover pixels by how far their centers are from a line, as make_shapes does. */
function coverLine(cover, width, [ax, ay], [bx, by]) {
  const reach = width / 2 + 0.5;
  const [ux, uy] = [bx - ax, by - ay];
  const squared = ux * ux + uy * uy || 1;
  const first = (a, b) => clamp(Math.floor(Math.min(a, b) - reach), 0, SIDE);
  const last = (a, b) => clamp(Math.ceil(Math.max(a, b) + reach), 0, SIDE);
  for (let y = first(ay, by); y < last(ay, by); y++) {
    for (let x = first(ax, bx); x < last(ax, bx); x++) {
      const [px, py] = [x + 0.5 - ax, y + 0.5 - ay];
      const along = clamp((px * ux + py * uy) / squared, 0, 1);
      const value = clamp(reach - Math.hypot(px - along * ux, py - along * uy), 0, 1);
      cover[y * SIDE + x] = Math.max(cover[y * SIDE + x], value);
    }
  }
}

/** How much of each pixel lies inside of a line, wherever it winds round it. */
function inside(points) {
  const ROWS = 4; // within each pixel
  const cover = new Float32Array(SIDE * SIDE);
  for (let row = 0; row < SIDE * ROWS; row++) {
    const y = (row + 0.5) / ROWS;
    const crossings = [];
    points.forEach(([bx, by], i) => {
      const [ax, ay] = points[(i || points.length) - 1];
      if (ay <= y !== by <= y) {
        crossings.push([ax + ((y - ay) / (by - ay)) * (bx - ax), ay < by ? 1 : -1]);
      }
    });
    crossings.sort((a, b) => a[0] - b[0]);
    let winding = 0;
    crossings.forEach(([x, turn], i) => {
      if (winding !== 0) {
        const [from, to] = [clamp(crossings[i - 1][0], 0, SIDE), clamp(x, 0, SIDE)];
        for (let column = Math.floor(from); column < to; column++) {
          const part = Math.min(to, column + 1) - Math.max(from, column);
          cover[Math.floor(y) * SIDE + column] += part / ROWS;
        }
      }
      winding += turn;
    });
  }
  return cover.map((value) => Math.min(value, 1));
}
