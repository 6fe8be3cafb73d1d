// The page: what is drawn goes through the programs that the engine wrote; what comes out is shown.
"use strict";

(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const at = (id) => document.getElementById(id);
  const programs = { look: lookProgram, logit: logitProgram, learn: learnProgram, answer: answerProgram };
  const RADIUS = 9, PEN = 6; // of the pen, and how far a key moves it, in pixels of the field
  const UNDONE = 20; // how many trainings can be undone

  // ---- The network

  const headers = Object.fromEntries(content.parameters.map((p) => [p.name, fromBase64(p.npy)]));
  let parameters = Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, numbersOf(bytes)]));
  const Type = content.parameters.length ? parameters[content.parameters[0].name].constructor : Float64Array;
  const count = (shape) => shape.reduce((product, n) => product * n, 1);
  const zeros = content.layers.map((layer) => new Type(count(layer.shape)));
  const labels = Array.from({ length: content.labels }, (_, i) => i);

  function oneHot(label, into = new Type(content.labels), place = 0) {
    into[place * content.labels + label] = 1;
    return into;
  }

  // Call a program with its parameters by name.
  function call(name, given) {
    const value = (key) => given[key] ?? parameters[key] ?? zeros[Number(key.slice(4)) - 1] ?? new Type(content.labels);
    return programs[name](...content.calls[name].map(value));
  }

  // Everything about one image, for a label: outputs, cost, and by layer activations and errors.
  function look(image, label, of = "look") {
    const m = content.layers.length;
    const [cost, found] = call(of, { x: Type.from(image), y: oneHot(label) });
    return { cost, dx: found[0], errors: found.slice(1, m + 1), activations: found.slice(m + 1, 2 * m + 1),
      outputs: found[2 * m + 1] };
  }

  function best(outputs, from = 0) {
    let found = 0;
    for (const label of labels) if (outputs[from + label] > outputs[from + found]) found = label;
    return found;
  }

  // ---- The digits that the page carries

  function unpack({ count: n, packed }) {
    const bytes = fromBase64(packed), digits = [];
    for (let at = 0; digits.length < n;) {
      const [label, top, left, rows, columns] = bytes.subarray(at, at + 5);
      at += 5;
      const image = new Type(SIDE * SIDE);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) image[SIDE * (top + i) + left + j] = bytes[at++] / content.scale;
      }
      digits.push({ image, label });
    }
    return digits;
  }

  const replayed = unpack(content.replayed), heldOut = unpack(content.held_out);

  function accuracy() {
    const n = content.together.answer, x = new Type(n * SIDE * SIDE), keep = new Type(n * content.labels);
    let correct = 0;
    for (let from = 0; from < heldOut.length; from += n) {
      const some = heldOut.slice(from, from + n);
      some.forEach(({ image }, i) => { x.set(image, i * SIDE * SIDE); });
      const [, [outputs]] = call("answer", { x, keep });
      some.forEach(({ label }, i) => { correct += Number(best(outputs, i * content.labels) === label); });
    }
    return correct / heldOut.length;
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const short = (x) => (Math.abs(x) >= 0.001 || x === 0 ? x.toFixed(3) : x.toExponential(1)).replaceAll("-", "−");

  // ---- What is drawn

  const state = { strokes: [], field: new Float64Array(FIELD * FIELD), image: null, given: null, seen: null, chosen: null };
  const pad = at("pad"), cursor = { x: FIELD / 2, y: FIELD / 2, down: false };

  function showField() {
    const context = pad.getContext("2d"), pixels = context.createImageData(FIELD, FIELD);
    const ink = INK[theme()], paper = PAPER[theme()];
    for (let i = 0; i < state.field.length; i++) {
      for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = paper[c] + (ink[c] - paper[c]) * state.field[i];
      pixels.data[4 * i + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
    if (document.activeElement === pad && cursor.shown) {
      context.strokeStyle = css(PLUS[theme()]);
      context.lineWidth = cursor.down ? 4 : 2;
      context.beginPath();
      context.arc(cursor.x, cursor.y, RADIUS, 0, 7);
      context.stroke();
    }
  }

  let waiting = false;
  function changed() {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        show();
      });
    }
  }

  function begin(point) {
    state.given = null;
    state.strokes.push([point]);
    drawSegment(state.field, point, point, RADIUS);
    changed();
  }

  function goOn(point) {
    const points = state.strokes.at(-1), last = points.at(-1);
    if (last[0] === point[0] && last[1] === point[1]) return;
    points.push(point);
    drawSegment(state.field, last, point, RADIUS);
    changed();
  }

  function redraw(strokes) {
    state.strokes = strokes;
    state.given = null;
    state.field = drawStrokes(strokes, RADIUS);
    changed();
  }

  function pointOf(event) {
    const box = pad.getBoundingClientRect();
    const inside = (x, size) => Math.min(FIELD, Math.max(0, (x * FIELD) / size));
    return [inside(event.clientX - box.left - pad.clientLeft, pad.clientWidth),
      inside(event.clientY - box.top - pad.clientTop, pad.clientHeight)];
  }

  let drawing = null;
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drawing !== null) return;
    drawing = event.pointerId;
    cursor.shown = cursor.down = false;
    pad.setPointerCapture(drawing);
    begin(pointOf(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing) return;
    const all = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of all.length ? all : [event]) goOn(pointOf(one));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    pad.addEventListener(name, (event) => { if (event.pointerId === drawing) drawing = null; });
  }

  const MOVES = { ArrowLeft: [-PEN, 0], ArrowRight: [PEN, 0], ArrowUp: [0, -PEN], ArrowDown: [0, PEN] };
  pad.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      cursor.down = !cursor.down;
      if (cursor.down) begin([cursor.x, cursor.y]);
    } else if (MOVES[event.key]) {
      const [dx, dy] = MOVES[event.key];
      cursor.x = Math.min(FIELD, Math.max(0, cursor.x + dx));
      cursor.y = Math.min(FIELD, Math.max(0, cursor.y + dy));
      if (cursor.down) goOn([cursor.x, cursor.y]);
    } else return;
    event.preventDefault();
    cursor.shown = true;
    showField();
  });
  for (const name of ["focus", "blur"]) pad.addEventListener(name, showField);
  pad.addEventListener("blur", () => { cursor.down = false; });

  at("clear").addEventListener("click", () => redraw([]));
  at("unstroke").addEventListener("click", () => redraw(state.strokes.slice(0, -1)));
  let next = 0;
  at("example").addEventListener("click", () => {
    redraw([]);
    state.given = heldOut[next++ % heldOut.length];
  });

  // ---- What is shown

  const bars = labels.map((label) => {
    const row = document.createElement("li");
    for (const [tag, name] of [["span", "name"], ["span", "track"], ["span", "value"]]) {
      row.append(Object.assign(document.createElement(tag), { className: name }));
    }
    row.children[0].textContent = label;
    row.children[1].append(Object.assign(document.createElement("span"), { className: "bar" }));
    row.children[1].setAttribute("aria-hidden", "true");
    at("bars").append(row);
    return row;
  });

  at("label").append(new Option("what it reads", ""), ...labels.map((label) => new Option(label, label)));
  at("model").textContent = content.title;
  at("eta").value = content.eta;

  function figure(caption) {
    const box = document.createElement("figure"), canvas = document.createElement("canvas");
    canvas.width = canvas.height = 224;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", caption);
    box.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: caption }));
    return [box, canvas];
  }

  const layers = content.layers.map((layer, l) => {
    const box = Object.assign(document.createElement("div"), { className: "layer" });
    const size = layer.shape.join(" × ");
    box.append(Object.assign(document.createElement("h3"), { textContent: `${layer.label}: ${size}` }));
    const [first, activations] = figure("activations"), [second, errors] = figure(`errors ${layer.error}`);
    box.append(first, second);
    const shown = { activations, errors, caption: second.querySelector("figcaption") };
    if (layer.weights) {
      const [third, weights] = figure("incoming weights");
      const field = Object.assign(document.createElement("label"), { className: "neuron" });
      const says = document.createElement("span");
      const slider = Object.assign(document.createElement("input"), { type: "range", min: 1, max: layer.shape[0], value: 1 });
      field.append(says, slider);
      box.append(third, field);
      Object.assign(shown, { weights, slider, says });
      slider.addEventListener("input", () => showWeights(l));
      activations.addEventListener("pointermove", (event) => {
        const [all, rows, columns] = arranged(zeros[l], layer.shape);
        const box = activations.getBoundingClientRect(), side = activations.width;
        const cell = Math.floor(Math.min(side / columns, side / rows));
        const place = (x, n) => Math.floor((x * side - Math.floor((side - cell * n) / 2)) / cell);
        const i = place((event.clientY - box.top) / box.height, rows);
        const j = place((event.clientX - box.left) / box.width, columns);
        if (i < 0 || j < 0 || i >= rows || j >= columns) return;
        const across = layer.shape.length === 3 ? Math.ceil(Math.sqrt(layer.shape[0])) : columns;
        const neuron = layer.shape.length === 3
          ? Math.floor(i / (layer.shape[1] + 1)) * across + Math.floor(j / (layer.shape[2] + 1)) : columns * i + j;
        if (neuron < layer.shape[0] && all.length) {
          slider.value = neuron + 1;
          showWeights(l);
        }
      });
    }
    at("layers").append(box);
    return shown;
  });

  function showWeights(l) {
    const layer = content.layers[l], shown = layers[l], neuron = Number(shown.slider.value) - 1;
    const all = parameters[layer.weights], n = all.length / layer.shape[0], row = all.subarray(neuron * n, (neuron + 1) * n);
    const shape = content.parameters.find((p) => p.name === layer.weights).shape.slice(1);
    const [values, rows, columns] = arranged(row, n === SIDE * SIDE ? [SIDE, SIDE] : shape);
    paint(shown.weights, values, rows, columns, { signed: true, most: largest(row) });
    let text = `Neuron ${neuron + 1}`;
    if (state.seen && layer.shape.length === 1) {
      text += `: activation ${short(state.seen.activations[l][neuron])}, error ${short(state.seen.errors[l][neuron])}`;
    }
    shown.says.textContent = text;
    shown.slider.setAttribute("aria-label", `${layer.label}: whose weights are shown`);
    shown.slider.setAttribute("aria-valuetext", text);
  }

  // What the errors of a layer are, for the gradient that is chosen.
  function gradientOf(error) {
    return at("of").value === "look" ? `errors ${error}` : error.replace("dC", "derivatives dz(label)");
  }

  function showLayers(seen) {
    content.layers.forEach((layer, l) => {
      for (const [name, signed] of [["activations", false], ["errors", true]]) {
        const numbers = seen ? seen[name][l] : zeros[l];
        const [values, rows, columns] = arranged(numbers, layer.shape);
        const below = signed || numbers.some((value) => value < 0);
        paint(layers[l][name], values, rows, columns, { signed: below, most: signed ? largest(numbers) : Math.max(1, largest(numbers)) });
      }
      layers[l].caption.textContent = gradientOf(layer.error);
      if (layers[l].slider) showWeights(l);
    });
  }

  function show() {
    showField();
    const image = state.given ? state.given.image : centred(state.field, FIELD, FIELD).map((v) => (v * 255) / content.scale);
    const empty = !image.some((value) => value > 0);
    state.image = image;
    const most = 255 / content.scale;
    paint(at("seen"), image, SIDE, SIDE, { most });
    state.seen = null;
    if (empty) {
      at("guess").textContent = "Nothing yet: draw a digit.";
      bars.forEach((row) => {
        row.className = "";
        row.children[1].firstChild.style.width = "0";
        row.children[2].textContent = "–";
      });
      paint(at("gradient"), image, SIDE, SIDE);
      at("legend").textContent = "";
      at("learn").textContent = "This is a …";
    } else {
      const guess = best(look(image, 0).outputs);
      const chosen = at("label").value, label = chosen === "" ? guess : Number(chosen);
      const seen = look(image, label, at("of").value), cost = at("of").value === "look";
      state.seen = seen;
      const top = Math.max(...seen.outputs), bottom = Math.min(0, ...seen.outputs), span = Math.max(1, top) - bottom;
      bars.forEach((row, i) => {
        row.className = i === guess ? "best" : "";
        row.children[1].firstChild.style.width = `${(100 * (seen.outputs[i] - bottom)) / span}%`;
        row.children[2].textContent = short(seen.outputs[i]);
      });
      const order = [...labels].sort((a, b) => seen.outputs[b] - seen.outputs[a]);
      at("guess").textContent = `It reads ${guess}, with an output of ${short(top)}. Next is ${order[1]}, with `
        + `${short(seen.outputs[order[1]])}.` + (state.given ? ` The test set says ${state.given.label}.` : "");
      const place = paint(at("gradient"), seen.dx, SIDE, SIDE, { signed: true, most: largest(seen.dx) });
      outline(at("gradient"), image, SIDE, SIDE, place);
      at("legend").textContent = (cost ? `dC/dx for the label ${label}; C is ${short(seen.cost)}. `
        : `dz/dx for the output ${label}; z is ${short(seen.cost)}. `)
        + `Orange: more ink there ${cost ? "raises the cost" : "raises z"}. Blue with a dash: it lowers it.`;
      at("learn").textContent = `This is a ${label}`;
    }
    at("learn").disabled = empty;
    showLayers(state.seen);
  }

  for (const id of ["label", "of"]) at(id).addEventListener("change", changed);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

  // ---- Learning

  const before = []; // what undoing comes back to
  let taught = [];
  let random = 1; // a generator of its own, so that what is learnt can be repeated
  function draw(n) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * n);
  }

  function keep() {
    before.push({ parameters, taught: taught.slice() });
    if (before.length > UNDONE) before.shift();
    parameters = copied();
  }

  function back() {
    ({ parameters, taught } = before.pop());
  }

  const copied = () => Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, p.slice()]));

  // Train by mini-batches of what was taught, the newest twice, and digits of the training set.
  function learn(eta, steps) {
    const n = content.together.learn, x = new Type(n * SIDE * SIDE);
    for (let step = 0; step < steps; step++) {
      const ours = [taught.at(-1), taught.at(-1), taught[draw(taught.length)]].slice(0, n);
      const y = new Type(n * content.labels);
      for (let i = 0; i < n; i++) {
        const { image, label } = ours[i] ?? replayed[draw(replayed.length)];
        x.set(image, i * SIDE * SIDE);
        oneHot(label, y, i);
      }
      const [, gradients] = call("learn", { x, y });
      content.calls.learn.slice(2).forEach((name, i) => {
        const p = parameters[name], g = gradients[i];
        for (let j = 0; j < p.length; j++) p[j] -= eta * g[j];
      });
    }
  }

  at("learn").addEventListener("click", () => {
    const eta = Number(at("eta").value), steps = Math.round(Number(at("steps").value));
    if (!(eta > 0 && eta < Infinity && steps >= 1 && steps <= 1000)) {
      at("learnt").textContent = "The learning rate is a number greater than 0, and the steps are 1 to 1000.";
      return;
    }
    const label = Number(at("learn").textContent.match(/\d+$/)[0]), image = Type.from(state.image);
    const was = [look(image, label).cost, accuracy()];
    keep();
    taught.push({ image, label });
    learn(eta, steps);
    const is = [look(image, label).cost, accuracy()];
    if (!Number.isFinite(is[0]) || !Object.values(parameters).every((p) => p.every(Number.isFinite))) {
      back();
      at("learnt").textContent = `The training diverged, and is undone: try a smaller learning rate than ${eta}.`;
    } else {
      at("learnt").textContent = `The cost of this digit as a ${label} went from ${short(was[0])} to ${short(is[0])}; `
        + `the accuracy on ${heldOut.length} digits kept apart from ${percent(was[1])} to ${percent(is[1])}.`;
    }
    at("undo").disabled = !before.length;
    show();
  });

  at("undo").addEventListener("click", () => {
    back();
    at("undo").disabled = !before.length;
    at("learnt").textContent = `Undone: the accuracy on the digits kept apart is ${percent(accuracy())}.`;
    show();
  });

  // ---- Files

  at("save").addEventListener("click", () => {
    const arrays = {};
    for (const [name, text] of Object.entries(content.description)) arrays[name] = fromBase64(text);
    for (const [name, p] of Object.entries(parameters)) arrays[name] = withNumbers(headers[name], p);
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(writeArchive(arrays)), download: "model.npz" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    at("filed").textContent = "Saved as model.npz, which Python reads.";
  });

  // The parameters in a file, checked against those of the page.
  function opened(bytes) {
    const arrays = readArchive(bytes), found = {};
    for (const [name, text] of Object.entries(content.description)) {
      if (!arrays[name] || String(arrays[name]) !== String(fromBase64(text))) throw new Error(`its ${name} is not that of this page`);
    }
    for (const { name, shape } of content.parameters) {
      if (!arrays[name]) throw new Error(`it lacks ${name}`);
      const [header] = headerOf(arrays[name]), [ours] = headerOf(headers[name]);
      const shapeOf = (text) => (/'shape': \(([^)]*)\)/.exec(text) || [])[1];
      if (shapeOf(header) !== shapeOf(ours)) throw new Error(`${name} has the shape (${shapeOf(header)}), not (${shape.join(", ")})`);
      const numbers = Type.from(numbersOf(arrays[name]));
      if (numbers.length !== count(shape) || !numbers.every(Number.isFinite)) throw new Error(`${name} holds what is no finite number`);
      found[name] = numbers;
    }
    return found;
  }

  at("open").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const found = opened(new Uint8Array(await file.arrayBuffer()));
      keep();
      parameters = found;
      at("undo").disabled = false;
      at("filed").textContent = `Opened ${file.name}: the accuracy on the digits kept apart is ${percent(accuracy())}.`;
      show();
    } catch (error) {
      at("filed").textContent = `${file.name} cannot be opened: ${error.message}.`;
    }
    event.target.value = "";
  });

  // For tests, and for the curious: `digits.state` in the console.
  window.digits = { state, look, accuracy, radius: RADIUS, get parameters() { return parameters; } };
  show();
  at("learnt").textContent = `The accuracy on ${heldOut.length} digits kept apart is ${percent(accuracy())}.`;
})();
