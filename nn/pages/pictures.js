// Numbers as pictures: ink, numbers with a sign, and tiles of several.
// biome-ignore-all lint/correctness/noUnusedVariables: the player uses them, in the same script
"use strict";

const INK = { light: [20, 30, 50], dark: [240, 244, 250] };
const PAPER = { light: [255, 255, 255], dark: [16, 20, 28] };
const PLUS = { light: [180, 84, 0], dark: [255, 170, 80] };
const MINUS = { light: [20, 84, 180], dark: [110, 180, 255] };

function theme() {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function mixed(from, to, share) {
  return from.map((value, i) => Math.round(value + (to[i] - value) * Math.min(1, Math.max(0, share))));
}

function css(colour) {
  return `rgb(${colour.join(" ")})`;
}

// How a number with a sign is coloured, `most` being the largest in size.
function signedColour(value, most) {
  const share = most ? Math.sqrt(Math.abs(value) / most) : 0;
  return mixed(PAPER[theme()], (value < 0 ? MINUS : PLUS)[theme()], share);
}

function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

// Paint rows x columns numbers on a canvas, cell by cell. Where `signed`, a dash in a cell says that it is negative, so
// that a sign is never told by colour alone. `under` is ink that is shown as a grey outline below.
function paint(canvas, values, rows, columns, { signed = false, most = 1 } = {}) {
  const cell = Math.max(1, Math.floor(Math.min(canvas.width / columns, canvas.height / rows)));
  const context = canvas.getContext("2d"), paper = PAPER[theme()], ink = INK[theme()];
  context.fillStyle = css(paper);
  context.fillRect(0, 0, canvas.width, canvas.height);
  const left = Math.floor((canvas.width - cell * columns) / 2), top = Math.floor((canvas.height - cell * rows) / 2);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = values[columns * i + j];
      if (!value) continue;
      context.fillStyle = css(signed ? signedColour(value, most) : mixed(paper, ink, value / most));
      context.fillRect(left + cell * j, top + cell * i, cell, cell);
      if (signed && value < -0.04 * most && cell >= 4) {
        context.fillStyle = css(paper);
        context.fillRect(left + cell * j + 1, top + cell * i + Math.floor(cell / 2), cell - 2, 1);
      }
    }
  }
  return { cell, left, top };
}

// The outline of a digit over a picture of the same cells.
function outline(canvas, values, rows, columns, { cell, left, top }) {
  const context = canvas.getContext("2d"), dark = (i, j) => i >= 0 && j >= 0 && i < rows && j < columns && values[columns * i + j] >= 0.5;
  context.fillStyle = css(INK[theme()]);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const x = left + cell * j, y = top + cell * i;
      if (dark(i, j) !== dark(i - 1, j)) context.fillRect(x, y, cell, 1);
      if (dark(i, j) !== dark(i, j - 1)) context.fillRect(x, y, 1, cell);
    }
  }
}

// Numbers of some shape as rows and columns: an image as it is, maps side by side, a list nearly square.
function arranged(values, shape) {
  if (shape.length === 2) return [values, shape[0], shape[1]];
  if (shape.length === 3 && shape[1] * shape[2] > 1) {
    const [maps, rows, columns] = shape, beside = Math.ceil(Math.sqrt(maps)), above = Math.ceil(maps / beside);
    const wide = beside * (columns + 1) - 1, high = above * (rows + 1) - 1, all = new Float64Array(wide * high);
    for (let map = 0; map < maps; map++) {
      const top = Math.floor(map / beside) * (rows + 1), left = (map % beside) * (columns + 1);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) all[wide * (top + i) + left + j] = values[columns * (rows * map + i) + j];
      }
    }
    return [all, high, wide];
  }
  const columns = Math.ceil(Math.sqrt(values.length));
  return [values, Math.ceil(values.length / columns), columns];
}
