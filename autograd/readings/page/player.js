"use strict";
// Steps through a recorded graph. What there is to show stands in the page as data, and `compute` is the program that the
// engine wrote: it gives every value, and what each use adds to a gradient. No derivative is written here.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  const valueSteps = data.steps.filter((step) => step.position === undefined);
  const useSteps = data.steps.filter((step) => step.position !== undefined);
  // The state is a number: 0 is the start, then come the values, then the seed, then the uses.
  const seedAt = valueSteps.length + 1;
  const last = seedAt + useSteps.length;
  const madeAt = new Map(data.nodes.map((node) => [node.id, 0])); // the step at which a value is there
  for (const [i, step] of valueSteps.entries()) madeAt.set(step.node, i + 1);
  const arrivals = new Map(data.nodes.filter((node) => node.gradient).map((node) => [node.id, []]));
  const useAt = new Map(); // "node position" of a use, and its step
  useSteps.forEach((step, i) => {
    step.target = nodes.get(step.node).inputs[step.position];
    arrivals.get(step.target).push(seedAt + 1 + i);
    useAt.set(`${step.node} ${step.position}`, seedAt + 1 + i);
  });

  // Numbers.

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  function decoded(found) {
    if (typeof found !== "string") return found;
    if (found === "nan" || found === "inf" || found === "-inf") return Number(found.replace("inf", "Infinity"));
    return new Float64Array(bytes(found).buffer);
  }
  const isArray = (x) => typeof x === "object" && x !== null;
  const size = (node) => node.shape.reduce((a, b) => a * b, 1);
  const scalar = (node) => node.shape.length === 0;

  /** A number for people: four digits, and a minus sign that is one. */
  function written(x, digits = 4) {
    if (x === null || x === undefined) return "–";
    if (typeof x === "boolean") return x ? "true" : "false";
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
    const short = Number(x.toPrecision(digits));
    const small = short !== 0 && (Math.abs(short) < 1e-4 || Math.abs(short) >= 1e6);
    return (small ? short.toExponential() : String(short)).replace(/-/g, "−").replace("e+", "e");
  }

  /** What there is room for in words, in so many characters: a number, a few of them, or shape and range. */
  function summary(x, node, room = Infinity) {
    if (x === null || !isArray(x)) return written(x);
    if (x.length === 1) return written(x[0]);
    if (!x.length) return "empty";
    const short = room < Infinity, digits = short ? 2 : 3;
    if (x.length <= 3) {
      const all = `[${Array.from(x, (each) => written(each, digits)).join(", ")}]`;
      if (all.length <= room) return all;
    }
    let low = Infinity, high = -Infinity, none = 0;
    for (const each of x) {
      if (each < low) low = each;
      if (each > high) high = each;
      if (Number.isNaN(each)) none += 1;
    }
    const [from, to] = [low, high].map((each) => written(each, digits)), kind = `${node.shape.join("×")} numbers`;
    if (none === x.length || (low === high && !none)) return `${short ? "" : `${kind}, `}all ${none ? "nan" : to}`;
    return (short ? `${from} … ${to}` : `${kind} from ${from} to ${to}`) + (none ? `, ${none} nan` : "");
  }

  // What is computed: from the leaves, all values and all parts; from the parts, the gradients at a step.

  const inputs = data.inputs.map((input) => {
    const found = decoded(input.data);
    const kinds = { Float64Array, Float32Array, Int32Array, Int16Array, Int8Array, Uint32Array, Uint16Array, Uint8Array };
    return { node: input.node, data: input.array ? kinds[input.array].from(found) : found };
  });
  const given = inputs.map((input) => (isArray(input.data) ? input.data.slice() : input.data));
  const values = new Map();
  let parts = [];
  let cost = NaN;
  let runs = 0; // how often it was computed
  let took = 0; // milliseconds, of one run of the program

  function run(from) {
    const [value, found] = compute(...from);
    return { value, found };
  }

  function computeAll() {
    for (const input of inputs) if (input.node !== null) values.set(input.node, input.data);
    runs += 1;
    if (!data.live) return;
    const began = performance.now();
    const { value, found } = run(inputs.map((input) => input.data));
    took = performance.now() - began;
    cost = value;
    data.steps.forEach((step, i) => {
      const x = found[i];
      if (step.position === undefined) values.set(step.node, x);
    });
    parts = found.slice(valueSteps.length);
  }

  for (const node of data.nodes) if (node.data !== undefined) values.set(node.id, decoded(node.data));
  if (!data.live) {
    parts = useSteps.map((step) => decoded(step.data));
    cost = values.get(data.output);
  }

  function added(a, b) {
    return isArray(a) ? a.map((x, i) => x + b[i]) : a + b;
  }

  /** The gradient with respect to a value at a step: the sum of what has arrived; null where nothing has. */
  function gradientAt(id, k) {
    let total = null;
    if (id === data.output && k >= seedAt) {
      const x = values.get(id);
      total = isArray(x) ? new Float64Array(x.length).fill(1) : 1;
    }
    for (const at of arrivals.get(id) || []) {
      if (at > k) break;
      const part = parts[at - seedAt - 1];
      total = total === null ? part : added(total, part);
    }
    return total;
  }
  const valueAt = (id, k) => (madeAt.get(id) <= k ? values.get(id) : null);
  /** What a symbol stands for, v3 or g3, at a step. */
  const meaning = (link, k) => (link[0] === "v" ? valueAt : gradientAt)(Number(link.slice(1)), k);

  // The step, and what is chosen.

  let k = 0;
  let chosen = null; // { id, side: "v" or "g" }: what is looked at, where that is not the step's own
  const elements = new Map(); // the element of an array that is looked at, by node
  let picture = 0;

  function stepOf(at) {
    if (at === 0 || at > last) return null;
    if (at < seedAt) return { ...valueSteps[at - 1], side: "v", target: valueSteps[at - 1].node };
    if (at === seedAt) return { node: data.output, target: data.output, side: "g" };
    return { ...useSteps[at - seedAt - 1], side: "g" };
  }

  function focusOf() {
    if (chosen) return chosen;
    const step = stepOf(k);
    return step ? { id: step.target, side: step.side } : null;
  }

  function go(to, keepsChoice) {
    k = Math.max(0, Math.min(last, to));
    if (!keepsChoice) chosen = null;
    show();
  }

  /** The step at which a value was made or, looked at from its gradient, at which that was complete. */
  function stepFor(choice) {
    const came = choice.side === "g" ? arrivals.get(choice.id) : null;
    if (choice.side === "g" && choice.id === data.output) return seedAt;
    return came?.length ? came[came.length - 1] : madeAt.get(choice.id);
  }

  // Making elements: text is only ever text.

  function html(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }
  function drawn(tag, attributes = {}, text) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  /** MathML as the engine wrote it, in which names are escaped. */
  function math(inside) {
    const holder = document.createElement("span");
    holder.innerHTML = `<math>${inside}</math>`;
    return holder.firstChild;
  }
  const MATH = "http://www.w3.org/1998/Math/MathML";
  function mathSign(text, tag = "mo") {
    const made = document.createElementNS(MATH, tag);
    made.textContent = text;
    return made;
  }
  function mathNumber(x, alone) {
    const row = document.createElementNS(MATH, "mrow");
    const put = (tag, text) => row.append(mathSign(text, tag));
    const text = written(x);
    const [digits, power] = text.split("e");
    const bracketed = !alone && (text.startsWith("−") || power !== undefined);
    if (bracketed) put("mo", "(");
    if (digits.startsWith("−")) put("mo", "−");
    put("mn", digits.replace("−", ""));
    if (power !== undefined) {
      put("mo", "·");
      const ten = document.createElementNS(MATH, "msup");
      for (const part of ["10", power]) ten.append(mathSign(part, "mn"));
      row.append(ten);
    }
    if (bracketed) put("mo", ")");
    return row;
  }

  /** The same with numbers in place of its symbols; null where there is none, or one is an array. */
  function withNumbers(inside, at) {
    const copy = math(`<mrow>${inside}</mrow>`);
    const places = [...copy.querySelectorAll("[data-of]")];
    if (!places.length) return null;
    for (const place of places) {
      const x = meaning(place.dataset.of, at);
      if (x === null || isArray(x)) return null;
      const before = place.previousElementSibling;
      const alone = !before && place.parentNode.localName !== "msup" && place.parentNode.parentNode.localName !== "msup";
      if (place.parentNode.localName === "mrow" && ["mn", "mfrac"].includes(before?.localName)) place.before(mathSign("·")); // 2 u
      place.replaceWith(mathNumber(x, alone));
    }
    return copy;
  }

  // Heat maps: dark blue is the most negative, grey is 0, light yellow the most positive, so that lightness says the sign.

  const dark = [8, 35, 110], grey = [128, 128, 128], light = [255, 226, 120];
  function shade(x, most) {
    if (Number.isNaN(x)) return [255, 0, 255];
    const t = most ? Math.max(-1, Math.min(1, x / most)) : 0;
    const end = t < 0 ? dark : light;
    return grey.map((from, i) => Math.round(from + Math.abs(t) * (end[i] - from)));
  }
  const largest = (x) => x.reduce((most, each) => Math.max(most, Number.isFinite(each) ? Math.abs(each) : 0), 0);
  function across(node) {
    const n = size(node);
    if (node.shape.length > 1) return node.shape[node.shape.length - 1];
    return n === 784 ? 28 : n;
  }
  /** A picture of an array, a pixel for each element; a longer one than 4,096 elements is thinned out for `small`. */
  function heat(node, x, canvas = document.createElement("canvas")) {
    const columns = across(node), rows = Math.max(1, size(node) / columns);
    canvas.width = columns;
    canvas.height = rows;
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    const most = largest(x);
    for (let i = 0; i < x.length; i++) image.data.set([...shade(x[i], most), 255], 4 * i);
    context.putImageData(image, 0, 0);
    return canvas;
  }

  // The graph. Boxes are known by what they stand for, never by where they are in the drawing.

  const graph = byId("graph");
  const groups = data.groups;
  const folds = data.pictures.length > 1;
  const home = new Map();
  for (const [i, group] of groups.entries()) {
    for (const id of group.nodes) {
      if (!home.has(id) || group.nodes.length <= groups[home.get(id)].nodes.length) home.set(id, i);
    }
  }
  while (folds && onlyGroup(picture) !== null) picture = onlyGroup(picture); // one box alone would say nothing
  function onlyGroup(number) {
    const names = Object.keys(data.pictures[number].boxes);
    return names.length === 1 && names[0][0] === "f" ? Number(names[0].slice(1)) : null;
  }
  const first = picture;
  let boxes = new Map(); // of the picture that is shown: its parts, by name
  let edges = [];

  function groupTitle(number) {
    const group = groups[number];
    if (group.title) return group.title;
    const made = group.nodes.filter((id) => nodes.get(id).inputs.length);
    const ends = [made[0], made[made.length - 1]].map((id) => nodes.get(id ?? group.nodes[0]).name);
    return made.length > 1 ? `${ends[0]} to ${ends[1]}` : ends[0];
  }
  const computedIn = (number) => groups[number].nodes.filter((id) => nodes.get(id).inputs.length).length;

  function open(number) {
    picture = number;
    drawGraph();
    show();
  }

  let whole = false; // whether the drawing is made as small as it takes to be seen whole
  byId("whole").addEventListener("click", () => {
    whole = !whole;
    byId("whole").setAttribute("aria-pressed", String(whole));
    drawGraph();
    showGraph();
  });

  /** The uses that run along the edges of a picture, by the names of the boxes at their ends. */
  function usesOf(shown) {
    const boxOf = new Map();
    for (const name of Object.keys(shown.boxes)) {
      const number = Number(name.slice(1));
      for (const id of name[0] === "f" ? groups[number].nodes : [number]) boxOf.set(id, name);
    }
    const found = new Map();
    for (const node of data.nodes) {
      node.inputs.forEach((input, position) => {
        if (input === null) return;
        const ends = `${boxOf.get(input)} ${boxOf.get(node.id)}`;
        if (!found.has(ends)) found.set(ends, []);
        found.get(ends).push({ made: madeAt.get(node.id), came: useAt.get(`${node.id} ${position}`) });
      });
    }
    return found;
  }

  function drawGraph() {
    const shown = data.pictures[picture];
    const pad = 8;
    const width = shown.width + 2 * pad, height = shown.height + 2 * pad;
    // A drawing that is a little too wide is made smaller; one that is much too wide is scrolled.
    const fits = Math.min(1, Math.max(whole ? 0 : 0.75, (graph.clientWidth - 4) / width || 1));
    byId("whole").hidden = !whole && (graph.clientWidth - 4) / width >= 0.75;
    const svg = drawn("svg", { width: width * fits, height: height * fits, viewBox: `${-pad} ${-pad} ${width} ${height}`, role: "presentation" });
    for (const [name, [x, y, w, h]] of Object.entries(shown.frames)) {
      const number = Number(name.slice(1));
      const frame = drawn("g", { class: folds ? "frame closes" : "frame" });
      frame.append(drawn("rect", { x, y, width: w, height: h, rx: 8 }));
      frame.append(drawn("text", { x: x + 8, y: y + 15 }, cut(groupTitle(number), w / 7.5)));
      if (folds) frame.addEventListener("click", () => open(groups[number].parent));
      svg.append(frame);
    }
    const uses = usesOf(shown);
    edges = shown.edges.map(([from, to, d]) => {
      const path = drawn("path", { d, class: "edge" });
      const tip = drawn("path", { class: "tip" });
      svg.append(path, tip);
      const all = uses.get(`${from} ${to}`), folded = `${from}${to}`.includes("f");
      return { path, tip, uses: folded ? all : all.splice(0, 1), points: pointsOf(d) };
    });
    boxes = new Map();
    for (const [name, [x, y, w, h]] of Object.entries(shown.boxes)) {
      const box = name[0] === "v" ? valueBox(Number(name.slice(1)), x, y, w, h) : groupBox(Number(name.slice(1)), x, y, w, h);
      boxes.set(name, box);
      svg.append(box.outer);
    }
    graph.replaceChildren(svg);
    drawCrumbs();
  }

  /** The points of a path, of which three in turn are counted from the same one. */
  function pointsOf(d) {
    const found = d.match(/-?\d+/g).map(Number);
    for (let i = 2, from = 0; i < found.length; i += 2) {
      found[i] += found[from];
      found[i + 1] += found[from + 1];
      if (i % 6 === 0) from = i;
    }
    return found;
  }

  /** The head of an arrow that comes from one point and ends at another. */
  function arrow(fromX, fromY, x, y) {
    const length = Math.hypot(x - fromX, y - fromY) || 1, dx = (x - fromX) / length, dy = (y - fromY) / length;
    return `M${x} ${y}L${x - 9 * dx - 4 * dy} ${y - 9 * dy + 4 * dx}L${x - 9 * dx + 4 * dy} ${y - 9 * dy - 4 * dx}Z`;
  }

  const cut = (text, most) => (text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text);

  function outline(name, kind, x, y, w, h) {
    const outer = drawn("g", { id: name, class: `box ${kind}`, role: "option", "aria-selected": "false" });
    outer.append(drawn("rect", { x: x - w / 2, y: y - h / 2, width: w, height: h, rx: kind === "parameter" ? 2 : 8 }));
    return outer;
  }

  function valueBox(id, x, y, w, h) {
    const node = nodes.get(id);
    const outer = outline(`v${id}`, node.kind, x, y, w, h);
    const left = x - w / 2 + 10, top = y - h / 2 + 18;
    const line = (row, kind) => {
      const text = drawn("text", { x: left, y: top + 17 * row, class: kind });
      outer.append(text);
      return text;
    };
    line(0, "title").textContent = node.title;
    const value = line(1, "value"), gradient = node.gradient ? line(2, "gradient") : null;
    const pictures = size(node) > 1 ? [0, 1].map((i) => {
      const image = drawn("image", {
        x: left + i * (w / 2 - 6), y: y + h / 2 - 36, width: w / 2 - 18, height: 28, preserveAspectRatio: "none",
      });
      outer.append(image);
      return image;
    }) : null;
    outer.addEventListener("click", () => choose({ id, side: k >= seedAt && node.gradient ? "g" : "v" }));
    outer.addEventListener("dblclick", () => go(stepFor(focusOf()), true));
    return { outer, id, node, value, gradient, pictures, drawn: [null, null] };
  }

  function groupBox(number, x, y, w, h) {
    const outer = outline(`f${number}`, "group", x, y, w, h);
    outer.append(drawn("text", { x: x - w / 2 + 10, y: y - 4, class: "title" }, cut(groupTitle(number), 18)));
    const many = computedIn(number);
    const about = drawn("text", { x: x - w / 2 + 10, y: y + 13, class: "soft" });
    outer.append(about);
    outer.setAttribute("aria-label", `group ${groupTitle(number)}, ${many} operations, folded`);
    outer.addEventListener("click", () => open(number));
    return { outer, group: number, about, many, inside: new Set(groups[number].nodes) };
  }

  function drawCrumbs() {
    const path = [];
    for (let at = picture; folds && at !== null; at = groups[at].parent) path.unshift(at);
    byId("crumbs").replaceChildren(...path.flatMap((at, i) => [
      i ? " › " : "",
      html("button", { type: "button", class: "plain", onclick: () => open(at), "aria-current": at === picture ? "true" : null },
        at === 0 ? "whole graph" : cut(groupTitle(at), 40)),
    ]));
  }

  function showGraph() {
    const focus = focusOf(), step = stepOf(k);
    for (const box of boxes.values()) {
      if (box.group !== undefined) {
        const here = step !== null && box.inside.has(step.target);
        const done = groups[box.group].nodes.filter((id) => nodes.get(id).inputs.length && madeAt.get(id) <= k).length;
        box.about.textContent = `${done} of ${box.many} computed`;
        box.outer.classList.toggle("here", here);
        box.outer.classList.toggle("waiting", !done);
        box.outer.setAttribute("aria-selected", String(here));
        continue;
      }
      const value = valueAt(box.id, k), gradient = box.node.gradient ? gradientAt(box.id, k) : null;
      const room = Math.floor((Number(box.outer.firstChild.getAttribute("width")) - 20) / 7.3);
      box.value.textContent = cut(summary(value, box.node, room), room);
      if (box.gradient) box.gradient.textContent = cut(`grad ${summary(gradient, box.node, room - 5)}`, room);
      if (box.pictures) {
        [value, gradient].forEach((x, i) => {
          if (x === box.drawn[i]) return;
          box.drawn[i] = x;
          if (x === null) box.pictures[i].removeAttribute("href");
          else box.pictures[i].setAttribute("href", heat(box.node, x).toDataURL());
        });
      }
      const here = step !== null && step.target === box.id;
      box.outer.classList.toggle("here", here);
      box.outer.classList.toggle("waiting", value === null);
      box.outer.classList.toggle("chosen", focus !== null && focus.id === box.id && chosen !== null);
      box.outer.setAttribute("aria-selected", String(focus !== null && focus.id === box.id));
      const said = `${box.node.title}, value ${summary(value, box.node)}`;
      box.outer.setAttribute("aria-label", box.node.gradient ? `${said}, gradient ${summary(gradient, box.node)}` : said);
    }
    for (const { path, tip, uses, points } of edges) {
      const backward = uses.some((use) => use.came <= k), forward = uses.some((use) => use.made <= k);
      const here = uses.some((use) => use.came === k || (k > 0 && use.made === k));
      path.setAttribute("class", `edge${backward ? " backward" : forward ? " forward" : ""}${here ? " here" : ""}`);
      tip.setAttribute("d", backward ? arrow(points[2], points[3], points[0], points[1])
        : arrow(...points.slice(-4)));
      tip.setAttribute("class", backward ? "tip-backward" : forward ? "tip-forward" : "tip");
    }
    const at = focus && (boxes.get(`v${focus.id}`) || [...boxes.values()].find((box) => box.inside?.has(focus.id)));
    if (at) {
      graph.setAttribute("aria-activedescendant", at.outer.id);
      inSight(graph, at.outer);
    } else graph.removeAttribute("aria-activedescendant");
  }

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** Scroll a panel, and never the page, so far that something in it can be seen. */
  function inSight(panel, thing) {
    const outer = panel.getBoundingClientRect(), inner = thing.getBoundingClientRect();
    const by = (low, high, from, to) => (low < from + 8 ? low - from - 24 : high > to - 8 ? high - to + 24 : 0);
    const left = by(inner.left, inner.right, outer.left, outer.right), top = by(inner.top, inner.bottom, outer.top, outer.bottom);
    if (left || top) panel.scrollBy({ left, top, behavior: still.matches ? "instant" : "smooth" });
  }

  function choose(choice) {
    chosen = choice;
    show();
  }

  // The step in words, in symbols and in numbers.

  function ordinal(n) {
    const tens = n % 100;
    return n + (tens > 10 && tens < 14 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] || "th");
  }
  function equation(...pieces) {
    return html("div", { class: "equation" }, ...pieces.filter((piece) => piece));
  }
  const equals = (sign = "=") => math(`<mo>${sign}</mo>`);
  const result = (x, node) => (isArray(x) && x.length !== 1 ? html("span", {}, summary(x, node)) : mathOf(isArray(x) ? x[0] : x));
  function mathOf(x) {
    const holder = math("");
    holder.append(mathNumber(x, true));
    return holder;
  }

  /** The right side, with symbols where <v3/> and <g3/> stand for them. */
  function rightOf(step) {
    return step.right.replace(/<([vg])(\d+)\/>/g, (_, side, id) => (side === "v" ? nodes.get(Number(id)) : nodes.get(Number(id)).gradient).symbol);
  }
  /** The same in numbers; nothing where that is only the result. */
  function numbersOf(step) {
    return /^<\w+\/>$/.test(step.right) ? null : withNumbers(rightOf(step), k);
  }

  function showStep() {
    const step = stepOf(k), shown = byId("step");
    byId("count").textContent = `step ${k} of ${last}`;
    byId("scrub").value = String(k);
    byId("scrub").setAttribute("aria-valuetext", `step ${k} of ${last}`);
    for (const [id, off] of [["first", k === 0], ["back", k === 0], ["next", k === last], ["last", k === last]]) byId(id).disabled = off;
    let phase, said, lines;
    if (step === null) {
      phase = ["", "Start"];
      said = "The numbers that the graph begins with are given. Nothing is computed yet, and no gradient is known: –.";
      lines = [html("p", {}, said)];
    } else if (k === seedAt) {
      const node = nodes.get(step.node);
      phase = ["backward", "Backward: it begins at the result"];
      said = `${node.gradient.name} = 1: the result grows with itself, one for one.`;
      lines = [
        equation(math(node.gradient.symbol), equals(), mathOf(1)),
        html("p", {}, "The result grows with itself, one for one. From here, gradients flow back along the edges."),
      ];
    } else if (step.side === "v") {
      const node = nodes.get(step.node), x = values.get(step.node);
      phase = ["forward", `Forward: ${node.name} is computed`];
      said = `${node.name} = ${step.text} = ${summary(x, node)}`;
      const figures = numbersOf(step);
      lines = [
        equation(math(node.symbol), equals(), math(rightOf(step))),
        equation(math(node.symbol), equals(), figures, figures && equals(), result(x, node)),
      ];
    } else {
      const node = nodes.get(step.target), user = nodes.get(step.node), part = parts[k - seedAt - 1];
      const came = arrivals.get(step.target), nth = came.indexOf(k) + 1, total = gradientAt(step.target, k);
      phase = ["backward", `Backward: from ${user.name} to ${node.name}`];
      const count = came.length > 1 ? ` (the ${ordinal(nth)} of ${came.length} uses of ${node.name})` : "";
      const axes = step.summed.length ? `, summed over axis ${step.summed.join(", ")}, along which ${node.name} was repeated` : "";
      said = `${node.gradient.name} += ${step.text}${axes}, which is ${summary(part, node)}${count}. It is now ${summary(total, node)}.`;
      const figures = numbersOf(step);
      lines = [
        equation(math(node.gradient.symbol), equals("+="), math(rightOf(step)), axes && html("span", {}, axes.slice(2))),
        equation(math(node.gradient.symbol), equals("+="), figures, figures && equals(), result(part, node)),
        html("p", {}, `${user.title}, so ${node.name} adds this much${count}. `,
          nth < came.length ? "So far " : "Together ", math(node.gradient.symbol), " is ", html("strong", {}, summary(total, node)),
          nth < came.length ? ", and more will arrive." : "."),
      ];
    }
    shown.replaceChildren(html("p", { class: `phase ${phase[0]}` }, phase[1]), ...lines);
    byId("said").textContent = `Step ${k} of ${last}. ${phase[1]}. ${said}`;
  }

  // Three lists of lines: equations, the program, the user's own source. Each line knows the choices that it stands for.

  const WINDOW = 40; // lines that are in the page at a time

  /** A list of `n` lines, of which those near the one that is lit are in the page. `draw(i)` makes a line. Which these
      are depends on the lit one alone, so that the same state looks the same however it was come to. */
  function lineList(panel, n, draw, choices) {
    let from = 0, lit = -1, made = new Map();
    function fill() {
      made = new Map();
      const rows = [];
      const to = Math.min(n, from + WINDOW);
      if (from > 0) rows.push(html("div", { class: "gap", role: "presentation" }, `… ${from} lines above`));
      for (let i = from; i < to; i++) {
        const row = draw(i);
        row.id = `${panel.id}-${i}`;
        if (choices[i].length) {
          row.setAttribute("role", "option");
          row.setAttribute("aria-selected", "false");
          row.addEventListener("click", () => choose(best(choices[i])));
        } else row.setAttribute("role", "presentation");
        made.set(i, row);
        rows.push(row);
      }
      if (to < n) rows.push(html("div", { class: "gap", role: "presentation" }, `… ${n - to} lines below`));
      panel.replaceChildren(...rows);
      panel.setAttribute("role", rows.some((row) => row.role === "option") ? "listbox" : "group"); // of a long signature, none
    }
    function light(i) {
      lit = i;
      const page = WINDOW / 2, start = Math.max(0, Math.min(n - WINDOW, page * Math.floor(i / page) - page / 2));
      if (start !== from) {
        const place = made.get(i)?.getBoundingClientRect().top;
        from = start;
        fill();
        if (place !== undefined) panel.scrollTop += made.get(i).getBoundingClientRect().top - place; // it stays put
      }
      for (const [at, row] of made) {
        row.classList.toggle("here", at === i);
        row.classList.toggle("chosen", at === i && chosen !== null);
        if (row.getAttribute("role") === "option") row.setAttribute("aria-selected", String(at === i));
      }
      const row = made.get(i);
      if (row) {
        panel.setAttribute("aria-activedescendant", row.id);
        inSight(panel, row);
      } else panel.removeAttribute("aria-activedescendant");
    }
    panel.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      let i = lit < 0 && by < 0 ? n : lit;
      do i += by; while (i >= 0 && i < n && !choices[i].length);
      if (i >= 0 && i < n) choose(best(choices[i]));
    });
    fill();
    return light;
  }

  /** Of what a line stands for, what fits the step: a gradient on the way back, a value on the way forth. */
  function best(choices) {
    const side = k >= seedAt ? "g" : "v";
    const focus = focusOf();
    const fitting = choices.filter((choice) => choice.side === side);
    const all = fitting.length ? fitting : choices;
    return all.find((choice) => focus && choice.id === focus.id) || all[all.length - 1];
  }
  const choicesOf = (n) => Array.from({ length: n }, () => []);

  const equationChoices = choicesOf(data.equations.length);
  const programLines = data.programs.NumPy.trimEnd().split("\n");
  const programChoices = choicesOf(programLines.length);
  const sourceLines = [], sourceStarts = [];
  for (const source of data.sources) {
    sourceLines.push(`${source.file}, ${source.name}`);
    sourceStarts.push(sourceLines.length);
    sourceLines.push(...source.text);
  }
  const sourceChoices = choicesOf(sourceLines.length);
  const sourceOf = (node) => (node.source ? sourceStarts[node.source[0]] + node.source[1] : -1);
  for (const node of data.nodes) {
    const found = [[equationChoices, node.equation, "v"], [programChoices, node.line, "v"], [sourceChoices, sourceOf(node), "v"]];
    if (!node.inputs.length) found.length = 0; // a leaf is given, and computed in no line
    if (node.gradient) found.push([equationChoices, node.gradient.equation, "g"], [programChoices, node.gradient.line, "g"]);
    for (const [choices, at, side] of found) if (at !== null && at >= 0) choices[at].push({ id: node.id, side });
  }

  const lightEquation = lineList(byId("equations"), data.equations.length, (i) => {
    const row = html("div", { "aria-label": data.equations[i].text }, math(data.equations[i].math));
    if (i === data.values) row.style.borderTop = "1px solid var(--line)";
    return row;
  }, equationChoices);
  const lightProgram = lineList(byId("program"), programLines.length, (i) => html("div", {}, programLines[i]), programChoices);
  const starts = new Set(sourceStarts.map((start) => start - 1));
  const lightSource = lineList(byId("source"), sourceLines.length, (i) =>
    html("div", { class: starts.has(i) ? "file" : null }, sourceLines[i]), sourceChoices);
  if (!sourceLines.length) {
    byId("source").replaceWith(html("p", { class: "note" },
      data.followed ? "The text of the function is in no file, so its lines cannot be shown: write it into a file or a notebook to see them here."
        : "Give page the function and its arguments, in place of its result, to see here the line in which each value is made."));
  }
  if (data.notes.length) byId("notes").append("for ", ...data.notes.flatMap((note, i) => [i ? "; " : "", math(note)]));

  function showLines() {
    const focus = focusOf(), node = focus && nodes.get(focus.id);
    const side = focus && focus.side === "g" && node.gradient ? node.gradient : node;
    const line = (at) => (side && at !== null && at !== undefined ? at : -1);
    const leaf = node && !node.inputs.length && focus.side === "v";
    lightEquation(leaf ? -1 : line(side?.equation));
    lightProgram(leaf ? -1 : line(side?.line));
    if (sourceLines.length) lightSource(node ? sourceOf(node) : -1);
  }

  // What is known of the value that is looked at.

  function indexOf(node, i) {
    const index = [];
    for (const n of [...node.shape].reverse()) {
      index.unshift(i % n);
      i = Math.floor(i / n);
    }
    return index;
  }

  /** An array as a heat map, in which an element is chosen: by a click, or with the arrows. */
  function heatFigure(node, x, name, id, pick) {
    const figure = html("figure", { class: "heat" });
    const at = elements.get(node.id) ?? 0, index = `[${indexOf(node, at).join(", ")}]`;
    const caption = html("figcaption", {}, `${name} `);
    if (x === null) caption.append("is not known yet: –");
    else {
      const canvas = heat(node, x), { width, height } = canvas;
      const scale = (n) => Math.max(1, Math.min(28, Math.floor(260 / n)));
      const square = Math.max(width, height) <= 4 * Math.min(width, height) && scale(Math.max(width, height));
      canvas.style.width = `${Math.min(400, width * (square || scale(width)))}px`;
      canvas.style.height = `${Math.min(400, height * (square || scale(height)))}px`;
      const mark = html("i", {}), column = at % width;
      Object.assign(mark.style, { left: `${(100 * column) / width}%`, top: `${(100 * (at - column)) / width / height}%`,
        width: `${100 / width}%`, height: `${100 / height}%` });
      const cells = html("div", { class: "cells", id, tabindex: "0", role: "slider", "aria-label": `element of ${name}`,
        "aria-valuemin": "0", "aria-valuemax": x.length - 1, "aria-valuenow": at, "aria-valuetext": `${index}: ${written(x[at], 6)}` },
      canvas, mark);
      cells.addEventListener("click", (event) => {
        const place = canvas.getBoundingClientRect();
        const right = Math.floor(((event.clientX - place.left) / place.width) * width);
        const down = Math.floor(((event.clientY - place.top) / place.height) * height);
        pick(Math.max(0, Math.min(x.length - 1, down * width + right)));
      });
      cells.addEventListener("keydown", (event) => {
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + width, ArrowUp: at - width, Home: 0, End: x.length - 1 }[event.key];
        if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        event.stopPropagation(); // the arrows take no step here
        if (to >= 0 && to < x.length) pick(to);
      });
      figure.append(cells);
      caption.append(`${summary(x, node)}; at ${index}: `, html("strong", {}, written(x[at], 6)));
    }
    figure.append(caption);
    return figure;
  }

  let numbersOpen = false;
  function numbersTable(x, node, name) {
    const toggled = (event) => {
      if (event.target.open === numbersOpen) return; // it was made so
      numbersOpen = event.target.open;
      show();
    };
    const details = html("details", { open: numbersOpen, ontoggle: toggled }, html("summary", {}, `numbers of ${name}`));
    if (!numbersOpen || x === null) return details;
    const columns = across(node), shown = Math.min(x.length, 2000);
    const body = html("tbody");
    for (let i = 0; i < shown; i += columns) {
      body.append(html("tr", {}, ...Array.from(x.slice(i, Math.min(shown, i + columns)), (each) => html("td", {}, written(each, 3)))));
    }
    details.append(html("div", { class: "scroll", tabindex: "0" }, html("table", {}, body)));
    if (shown < x.length) details.append(`the first ${shown} of ${x.length}`);
    return details;
  }

  function showAbout() {
    const focus = focusOf(), about = byId("about");
    if (!focus) {
      about.replaceChildren(html("p", { class: "note" }, "Click a box, an equation or a line to see what belongs to it."));
      return;
    }
    const node = nodes.get(focus.id);
    const value = valueAt(node.id, k), gradient = node.gradient ? gradientAt(node.id, k) : null;
    const uses = (arrivals.get(node.id) || []).length;
    const line = html("p", {}, math(node.symbol),
      node.given && !/^[a-z]+[\d_]*$/i.test(node.given) && node.given !== node.name ? ` (named ${node.given})` : "",
      scalar(node) ? ", a number" : `, an array of ${node.shape.join("×")} ${size(node) === 1 ? "number" : "numbers"}`,
      node.dtype === "float64" ? "" : ` of ${node.dtype}`,
      node.id === data.output ? ", the result. " : node.gradient ? `, used ${uses === 1 ? "once" : `${uses} times`}. ` : ", not differentiated. ");
    const there = stepFor(focus);
    if (there !== k) line.append(html("button", { type: "button", onclick: () => go(there, true) }, `Go to its step, ${there}`));
    const inside = !boxes.has(`v${node.id}`);
    if (inside) line.append(" ", html("button", { type: "button", onclick: () => open(home.get(node.id)) }, "Open its group"));
    const parts = [line];
    if (size(node) > 1) {
      const pick = (i) => { elements.set(node.id, i); show(); };
      parts.push(html("div", { class: "pair" }, heatFigure(node, value, node.name, "heat-v", pick),
        node.gradient ? heatFigure(node, gradient, node.gradient.name, "heat-g", pick) : null));
      parts.push(html("p", { class: "note" }, "Dark blue is negative, grey is 0, light yellow is positive."));
      const [x, name] = focus.side === "g" && gradient !== null ? [gradient, node.gradient.name] : [value, node.name];
      if (!numbersOpen || value !== null) parts.push(numbersTable(x, node, name));
    }
    const held = about.contains(document.activeElement) && document.activeElement.id;
    about.replaceChildren(...parts);
    if (held) byId(held)?.focus();
  }

  // The table: the same as the graph, for who would rather read rows. It is filled when it is opened.

  const table = byId("table");
  let rows = null;
  function showTable() {
    if (!table.open) return;
    const body = table.querySelector("tbody");
    if (!rows) {
      rows = data.nodes.map((node) => {
        const right = node.title.startsWith(`${node.name} = `) ? node.title.slice(node.name.length + 3) : "given";
        const cells = [html("td", {}, "–"), html("td", {}, "–")];
        const row = html("tr", {}, html("th", { scope: "row" }, node.name), html("td", {}, right),
          html("td", {}, scalar(node) ? "number" : node.shape.join(" × ")), ...cells);
        row.addEventListener("click", () => choose({ id: node.id, side: k >= seedAt && node.gradient ? "g" : "v" }));
        return { node, row, cells };
      });
      body.replaceChildren(...rows.map(({ row }) => row));
    }
    const focus = focusOf();
    for (const { node, row, cells } of rows) {
      cells[0].textContent = summary(valueAt(node.id, k), node);
      cells[1].textContent = node.gradient ? summary(gradientAt(node.id, k), node) : "";
      row.classList.toggle("here", focus !== null && focus.id === node.id);
    }
  }
  table.addEventListener("toggle", showTable);

  // Live: the leaves can be moved, and everything is computed again.

  const leaves = inputs.map((input, i) => ({ ...input, i, of: nodes.get(input.node) })).filter((leaf) => leaf.of);

  function setLeaf(leaf, x, at) {
    if (!Number.isFinite(x)) return;
    const input = inputs[leaf.i], to = isWhole(leaf.of) ? Math.round(x) : single(leaf.of) ? Math.fround(x) : x;
    if (isArray(input.data)) {
      input.data = input.data.slice(); // what was drawn of it is not to be taken for what it is now
      input.data[at] = to;
    } else input.data = to;
    computeAll();
    show();
  }

  const single = (node) => node.dtype === "float32";
  const isWhole = (node) => !node.dtype.startsWith("float");

  /** The slope of the result along one element of a leaf, by finite differences: from both sides, and from each. */
  function slopes(leaf, at, share) {
    const x = inputs[leaf.i].data, here = isArray(x) ? x[at] : x;
    const h = share * (single(leaf.of) ? 5e-3 : 6e-6) * Math.max(1, Math.abs(here));
    const moved = (to) => {
      const data = isArray(x) ? x.slice() : single(leaf.of) ? Math.fround(to) : to;
      if (isArray(x)) data[at] = to;
      return [isArray(x) ? data[at] : data, run(inputs.map((input, i) => (i === leaf.i ? data : input.data))).value];
    };
    const [[right, above], [low, below]] = [moved(here + h), moved(here - h)];
    return { h, both: (above - below) / (right - low), right: (above - cost) / (right - here), left: (cost - below) / (here - low) };
  }

  /** What finite differences say of a gradient: "good", "kink" where the two sides differ, "bad", or "none" where the
      result is no number. Where a step is too long for how much the result bends there, shorter ones are tried. */
  function verdict(leaf, at, gradient) {
    const [steps, relative, absolute, most, digits] = single(leaf.of) ? [2, 2e-2, 1e-3, 0.1, 1e-7] : [8, 1e-5, 1e-9, 1e-3, 2e-16];
    let first = null, before = null;
    for (let i = 0; i < steps; i++) {
      const now = slopes(leaf, at, 8 ** -i);
      first ??= now;
      if (!Number.isFinite(now.both)) continue;
      if (!Number.isFinite(first.both)) first = now;
      const scale = Math.max(Math.abs(now.both), Math.abs(gradient), 1e-6 * Math.abs(cost), 1e-12);
      if (i > 1 && (4 * digits * Math.abs(cost)) / now.h > most * scale) break; // from here on it is mostly rounding
      now.gap = Math.abs(now.right - now.left);
      now.bent = now.gap > most * scale;
      if (before?.bent && now.gap > 0.5 * before.gap) return { ...before, kind: "kink" }; // of a curve, the gap shrinks
      const limit = before ? now.both + (now.both - before.both) / 7 : now.both; // of an error that is as long as the step
      const found = before || !now.bent ? [before?.both ?? now.both, now.both, limit] : [];
      const near = found.find((x) => Math.abs(x - gradient) <= relative * scale + absolute * (Math.abs(cost) + 1e-3 * scale));
      if (near !== undefined) return { ...now, both: near, kind: "good" };
      before = now;
    }
    return { ...first, kind: Number.isFinite(first.both) ? "bad" : "none" };
  }

  function bounds(x) {
    if (!Number.isFinite(x)) return [-2, 2];
    const most = 8e307; // so that the whole range of the slider is a number
    const reach = Math.min(most, Math.max(2, 2 * Math.abs(x)));
    const nice = 10 ** Math.floor(Math.log10(reach));
    const by = Math.ceil(reach / nice) * nice;
    return [Math.max(-most, Math.floor(x - by)), Math.min(most, Math.ceil(x + by))];
  }

  function leafField(leaf) {
    const node = leaf.of, many = isArray(leaf.data);
    const at = () => (many ? Math.min(elements.get(node.id) ?? 0, size(node) - 1) : 0);
    const now = () => (many ? inputs[leaf.i].data[at()] : inputs[leaf.i].data);
    const slider = html("input", { type: "range", step: "any", "aria-label": node.name });
    const number = html("input", { type: "number", step: "any", "aria-label": `${node.name} as a number` });
    slider.addEventListener("input", () => setLeaf(leaf, Number(slider.value), at()));
    number.addEventListener("input", () => number.value !== "" && setLeaf(leaf, Number(number.value), at()));
    const which = many ? html("button", { type: "button", class: "plain" }) : null;
    if (many) which.addEventListener("click", () => choose({ id: node.id, side: "v" }));
    const gradient = html("span", {}), badge = html("span", { class: "badge" });
    const outer = html("div", { class: "field" },
      html("div", { class: "row" }, html("span", { class: "label" }, math(node.symbol)), which, slider, number),
      node.gradient ? html("div", { class: "row" }, gradient, badge) : null);
    let index = -1;
    let timer = null;
    function update(moved, wait) {
      const x = now();
      if (index !== at() || x < Number(slider.min) || x > Number(slider.max)) {
        index = at();
        const [low, high] = bounds(many ? given[leaf.i][index] : given[leaf.i]);
        slider.min = Math.min(low, bounds(x)[0]);
        slider.max = Math.max(high, bounds(x)[1]);
      }
      const known = Number.isFinite(x); // a field has no way to show nan
      if (document.activeElement !== slider) slider.value = known ? x : 0;
      if (document.activeElement !== number) number.value = known ? Number(x.toPrecision(6)) : "";
      number.placeholder = known ? "" : written(x);
      slider.setAttribute("aria-valuetext", written(x));
      if (many) {
        which.textContent = `[${indexOf(node, index).join(", ")}]`;
        which.title = "show its heat map, in which an element can be chosen";
      }
      if (!node.gradient || !moved) return;
      clearTimeout(timer);
      if (wait) timer = setTimeout(check, wait);
      else check();
    }
    function check() {
      const whole = gradientAt(node.id, last);
      const g = whole === null ? 0 : many ? whole[index] : whole;
      const found = verdict(leaf, index, g);
      gradient.replaceChildren(math(node.gradient.symbol), many ? which.textContent : "", ` = ${written(g)}`);
      badge.className = `badge ${found.kind}`;
      badge.textContent = {
        good: `✓ finite difference ${written(found.both)}`,
        kink: `kink: slope ${written(found.left)} on the left, ${written(found.right)} on the right`,
        bad: `✗ finite difference ${written(found.both)}`,
        none: `no finite difference: the result is no number ${
          Number.isFinite(found.right) ? "on the left" : Number.isFinite(found.left) ? "on the right" : "here"}`,
      }[found.kind];
      badge.title = "the result computed a little to the left and to the right, and the slope between the two";
    }
    return { outer, update };
  }

  const movable = leaves.filter((leaf) => size(leaf.of) > 0); // an array without elements has nothing to move
  const MOST = 40; // fields; of more leaves, that which is chosen has one besides
  const fields = data.live ? movable.slice(0, MOST).map(leafField) : [];
  const others = new Map(data.live ? movable.slice(MOST).map((leaf) => [leaf.of.id, leaf]) : []);
  let other = null; // the field of the one that is chosen

  /** The fields that are there: of the first leaves, and of what is chosen besides. */
  function fieldsNow() {
    const leaf = others.get(focusOf()?.id);
    if (other && other.leaf !== leaf) other.outer.remove();
    if (!leaf) other = null;
    else if (other?.leaf !== leaf) {
      other = { leaf, ...leafField(leaf) };
      byId("fields").prepend(other.outer);
      other.update(true);
    }
    return other ? [other, ...fields] : fields;
  }
  let history = []; // of the cost, since descent began

  function buildLeaves() {
    if (!data.live) {
      byId("refused").hidden = false;
      byId("refused").textContent = `The numbers stay as they were recorded: there is no JavaScript of this graph. ${data.refused}`;
      return;
    }
    byId("fields").append(...fields.map((field) => field.outer));
    if (others.size) byId("fields").append(html("p", { class: "note" }, `and ${others.size} more: choose one in the graph, and its field stands above.`));
    const rate = html("input", { type: "number", id: "rate", value: "0.1", step: "any", min: "0" });
    const one = html("button", { type: "button", id: "descend" }, "One step of gradient descent");
    const running = html("button", { type: "button", id: "run", "aria-pressed": "false" }, "Run");
    const reset = html("button", { type: "button", id: "reset" }, "Reset");
    const plot = drawn("svg", { class: "plot", role: "img", viewBox: "0 0 300 110", preserveAspectRatio: "none" });
    byId("descent").hidden = false;
    byId("descent").className = "descent";
    byId("descent").append(html("div", { class: "row" },
      html("label", { for: "rate" }, "learning rate η"), rate, one, running, reset), plot,
      html("p", { class: "note", id: "descended" }));
    let timer = null;
    const stop = () => {
      clearInterval(timer);
      timer = null;
      running.textContent = "Run";
      running.setAttribute("aria-pressed", "false");
    };
    one.addEventListener("click", descend);
    running.addEventListener("click", () => {
      if (timer) return stop();
      running.textContent = "Stop";
      running.setAttribute("aria-pressed", "true");
      timer = setInterval(() => (Number.isFinite(cost) ? descend() : stop()), 60);
    });
    reset.addEventListener("click", () => {
      stop();
      inputs.forEach((input, i) => { input.data = isArray(given[i]) ? given[i].slice() : given[i]; });
      history = [];
      computeAll();
      show();
    });
    rate.addEventListener("input", remember);
  }

  /** Move every leaf that is differentiated against its gradient. */
  function descend() {
    const rate = Number(byId("rate").value);
    if (!history.length) history.push(cost);
    const gradients = leaves.map((leaf) => (leaf.of.gradient ? gradientAt(leaf.of.id, last) : null));
    leaves.forEach((leaf, i) => {
      const g = gradients[i], input = inputs[leaf.i];
      if (g === null) return;
      input.data = isArray(input.data) ? input.data.map((x, at) => x - rate * g[at]) : input.data - rate * g;
    });
    computeAll();
    history.push(cost);
    show();
  }

  function showDescent() {
    const plot = document.querySelector(".plot");
    if (!plot) return;
    plot.style.display = history.length > 1 ? "" : "none";
    const name = nodes.get(data.output).name;
    byId("descended").textContent = history.length > 1
      ? `${name} after ${history.length - 1} ${history.length === 2 ? "step" : "steps"}: ${written(cost, 6)}; it was ${written(history[0], 6)}`
      : `${name} = ${written(cost, 6)}`;
    if (history.length < 2) return;
    const finite = history.filter(Number.isFinite), high = Math.max(...finite), low = Math.min(...finite, 0 < high ? 0 : Infinity);
    if (!finite.length) return plot.replaceChildren();
    const points = history.map((y, i) => [
      6 + (288 * i) / (history.length - 1), 100 - (88 * ((Number.isFinite(y) ? y : high) - low)) / (high - low || 1),
    ]);
    const line = drawn("polyline", { points: points.map((point) => point.join(",")).join(" "), "vector-effect": "non-scaling-stroke" });
    plot.setAttribute("aria-label", byId("descended").textContent);
    plot.replaceChildren(line);
  }

  // The state is in the address: the step, what is chosen, the leaves that were moved, the learning rate.

  const LONGEST = 500_000; // characters of an address, which a browser takes
  let remembered = "";
  function stateText() {
    const state = new URLSearchParams();
    state.set("step", k);
    if (chosen) state.set("at", chosen.side + chosen.id);
    if (picture !== first) state.set("open", picture);
    if (data.live && byId("rate") && byId("rate").value !== "0.1") state.set("rate", byId("rate").value);
    for (const [id, at] of elements) if (at) state.set(`e${id}`, at);
    const shown = state.toString();
    for (const leaf of leaves) {
      const x = inputs[leaf.i].data, before = given[leaf.i];
      if (!isArray(x)) {
        if (x !== before) state.set(`x${leaf.of.id}`, x);
        continue;
      }
      const moved = [];
      for (let i = 0; i < x.length; i++) if (x[i] !== before[i]) moved.push(`${i}:${x[i]}`);
      if (moved.length) state.set(`x${leaf.of.id}`, moved.join(" "));
    }
    const all = state.toString();
    return all.length <= LONGEST ? all : shown; // some of the leaves without the others would be no state that ever was
  }
  let waiting = null;
  function remember() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      remembered = stateText();
      try {
        window.history.replaceState(null, "", `#${remembered}`);
      } catch {
        // a browser that refuses so many changes, or any for a file: the page works without
      }
    }, 120);
  }

  function recall() {
    const text = location.hash.slice(1);
    if (text === remembered) return;
    const state = new URLSearchParams(text), number = (name) => Number(state.get(name)) || 0;
    k = Math.max(0, Math.min(last, Math.trunc(number("step"))));
    const at = (state.get("at") || "").match(/^([vg])(\d+)$/);
    chosen = at && nodes.has(Number(at[2])) ? { side: at[1], id: Number(at[2]) } : null;
    picture = state.has("open") && data.pictures[number("open")] ? number("open") : first;
    elements.clear();
    for (const node of data.nodes) {
      const element = Math.trunc(number(`e${node.id}`));
      if (element > 0 && element < size(node)) elements.set(node.id, element);
    }
    for (const leaf of leaves) {
      const input = inputs[leaf.i], found = state.get(`x${leaf.of.id}`);
      input.data = isArray(given[leaf.i]) ? given[leaf.i].slice() : given[leaf.i];
      if (found === null) continue;
      const meant = (text) => Number.isFinite(Number(text)) || /^(NaN|-?Infinity)$/.test(text); // descent may end in these
      if (!isArray(input.data)) input.data = meant(found) ? Number(found) : input.data;
      else for (const each of found.split(" ")) {
        const [i, x] = each.split(":");
        if (i >= 0 && i < input.data.length && meant(x)) input.data[i] = Number(x);
      }
    }
    if (state.get("rate") && byId("rate")) byId("rate").value = state.get("rate");
  }

  // Programs to take away.

  for (const [name, text] of Object.entries(data.programs)) {
    const button = html("button", { type: "button", "data-copies": name }, `Copy ${name}`);
    button.addEventListener("click", async () => {
      let done = true;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = html("textarea", {}); // a page from a file may not write to the clipboard otherwise
        area.value = text;
        document.body.append(area);
        area.select();
        done = document.execCommand("copy");
        area.remove();
        button.focus();
      }
      button.textContent = done ? "Copied" : "Not copied: the browser refused";
      setTimeout(() => { button.textContent = `Copy ${name}`; }, 1500);
    });
    byId("copies").append(button, " ");
  }

  // Everything that is shown follows from the state.

  let fieldsShow = null;
  function show() {
    showStep();
    showGraph();
    showLines();
    showAbout();
    showTable();
    // A badge takes two runs of the program. Where they take long, the page is shown first, and badges follow.
    const slow = fields.length * took > 15;
    for (const [i, field] of fieldsNow().entries()) {
      field.update(runs !== fieldsShow || chosen !== null, slow && 50 + i * (20 + 3 * took));
    }
    fieldsShow = runs;
    showDescent();
    remember();
  }

  byId("name").textContent = data.title;
  byId("scrub").max = String(last);
  byId("scrub").addEventListener("input", (event) => go(Number(event.target.value)));
  byId("first").addEventListener("click", () => go(0));
  byId("back").addEventListener("click", () => go(k - 1));
  byId("next").addEventListener("click", () => go(k + 1));
  byId("last").addEventListener("click", () => go(last));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
    const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });
  graph.addEventListener("keydown", (event) => {
    const focus = focusOf();
    if (event.key === "Enter" && focus) {
      const inside = [...boxes.values()].find((box) => box.inside?.has(focus.id));
      if (inside) open(inside.group);
      else go(stepFor(focus), true);
    } else if (event.key === "Escape" && folds && picture) open(groups[picture].parent);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const all = [...boxes.values()].map((box) => box.id ?? groups[box.group].nodes[0]).sort((a, b) => a - b);
      const found = all.findLastIndex((id) => focus && id <= focus.id);
      const to = all[found + (event.key === "ArrowDown" ? 1 : -1)];
      if (to !== undefined) choose({ id: to, side: k >= seedAt && nodes.get(to).gradient ? "g" : "v" });
    } else return;
    event.preventDefault();
  });
  addEventListener("hashchange", () => {
    recall();
    computeAll();
    drawGraph();
    show();
  });

  buildLeaves();
  recall();
  computeAll();
  drawGraph();
  show();

  // For a program, or the console of the browser: what the page shows, in full.
  window.backprop = {
    go,
    get step() { return k; },
    get last() { return last; },
    value: (name) => plain(name, valueAt),
    gradient: (name) => plain(name, gradientAt),
    set: (name, x, at = 0) => setLeaf(leaves.find((leaf) => leaf.of === named(name)), x, at),
  };
  function named(name) {
    return data.nodes.find((node) => node.name === name || node.given === name);
  }
  function plain(name, of) {
    const x = of(named(name).id, k);
    return isArray(x) ? Array.from(x) : x;
  }
})();
