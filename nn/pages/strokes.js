// Strokes as ink, and ink as an image like those of MNIST: what nn.images.centred does in Python.
// biome-ignore-all lint/correctness/noUnusedVariables: the player uses them, in the same script
"use strict";

const FIELD = 224; // pixels on a side of the field in which strokes are drawn
const SIDE = 28, BOX = 20, MIDDLE = 14, LEAST = 0.2; // as in nn/images.py

// Draw a stroke from one point to another into a field of ink: 1 within the pen's radius, and falling to 0 over a pixel.
function drawSegment(field, from, to, radius) {
  const [x0, y0] = from, [x1, y1] = to;
  const dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy, far = radius + 1;
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - far)), right = Math.min(FIELD - 1, Math.ceil(Math.max(x0, x1) + far));
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - far)), bottom = Math.min(FIELD - 1, Math.ceil(Math.max(y0, y1) + far));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const px = column + 0.5 - x0, py = row + 0.5 - y0;
      const along = square ? Math.min(1, Math.max(0, (px * dx + py * dy) / square)) : 0;
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const ink = Math.min(1, Math.max(0, radius + 0.5 - distance));
      const place = FIELD * row + column;
      if (ink > field[place]) field[place] = ink;
    }
  }
}

function drawStrokes(strokes, radius) {
  const field = new Float64Array(FIELD * FIELD);
  for (const points of strokes) {
    drawSegment(field, points[0], points[0], radius);
    for (let i = 1; i < points.length; i++) drawSegment(field, points[i - 1], points[i], radius);
  }
  return field;
}

// How much of each of n pixels lies in each of those that are `pixel` of them long.
function shares(n, pixel) {
  const count = Math.ceil(n / pixel - 1e-9), rows = [];
  for (let i = 0; i < count; i++) {
    const row = new Float64Array(n);
    for (let j = 0; j < n; j++) {
      row[j] = Math.max(Math.min((i + 1) * pixel, j + 1) - Math.max(i * pixel, j), 0) / pixel;
    }
    rows.push(row);
  }
  return rows;
}

// Scale ink to a box of 20 x 20, by averaging over areas, and put its centre of mass in the middle of 28 x 28.
function centred(field, rows, columns) {
  const image = new Float64Array(SIDE * SIDE);
  let top = rows, bottom = -1, left = columns, right = -1;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      if (field[columns * i + j] >= LEAST) {
        top = Math.min(top, i);
        bottom = Math.max(bottom, i);
        left = Math.min(left, j);
        right = Math.max(right, j);
      }
    }
  }
  if (bottom < 0) return image;
  const height = bottom - top + 1, width = right - left + 1, pixel = Math.max(height, width) / BOX;
  const over = shares(height, pixel), across = shares(width, pixel);
  const half = over.map((row) => {
    const sums = new Float64Array(width);
    for (let i = 0; i < height; i++) {
      if (row[i]) for (let j = 0; j < width; j++) sums[j] += row[i] * field[columns * (top + i) + left + j];
    }
    return sums;
  });
  const small = half.map((sums) => across.map((row) => row.reduce((sum, share, j) => sum + share * sums[j], 0)));
  const most = Math.max(...small.map((row) => Math.max(...row)));
  let mass = 0, down = 0, aside = 0;
  for (const [i, row] of small.entries()) {
    for (const [j, value] of row.entries()) {
      row[j] = value / most;
      mass += row[j];
      down += i * row[j];
      aside += j * row[j];
    }
  }
  const place = (moment, n) => Math.min(Math.max(Math.floor(MIDDLE - moment / mass + 0.5 - 1e-6), 0), SIDE - n);
  const row0 = place(down, small.length), column0 = place(aside, small[0].length);
  for (const [i, row] of small.entries()) image.set(row, SIDE * (row0 + i) + column0);
  return image;
}
