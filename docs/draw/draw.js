/* The page "Draw a shape": a drawing, what the network makes of it, and why.

A drawing is a list of strokes, each a list of points [x, y] in the network's pixels, and perhaps one
of the generator's images beneath them. It is never changed, only replaced, so that taking a step
back means taking the drawing before. */
(() => {
  "use strict";

  const SIDE = 72; // as in ink.js
  const PAPER = 0.1; // intensities of the board and the chalk, amid those of the training images
  const CHALK = 0.9;
  const PATCH = 12; // pixels across what is covered to find out which pixels decide
  const STRIDE = 6;
  const AT_ONCE = 12; // patches in a row before the page gets to breathe
  const CIVIDIS = [[0, 34, 78], [67, 78, 108], [125, 124, 120], [188, 174, 108], [254, 232, 56]];
  const ORANGE = [230, 159, 0];
  const BLUE = [86, 180, 233];
  const NONE = "none of these";
  const EMPTY = { strokes: [], example: null, dx: 0, dy: 0 };
  const HERE = new URL(".", document.currentScript.src);

  const find = (id) => document.getElementById(id);
  const board = find("draw-canvas");
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const percent = (p) => `${(100 * p).toFixed(1)}\u00a0%`;
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const named = (name) => (name === NONE ? name : `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`);

  let ort, session, inking, shapes, classes, examples;
  let drawing = EMPTY;
  let past = [];
  let pen = { width: 4, fill: false };
  let seen = null; // the pixels and probabilities that the page shows
  let version = 0; // counts changes of the drawing
  let answered = -1;
  let asking = false;
  let told = ""; // the label that was last said aloud
  let timers = [];
  let shift = null; // how far the drawing was moved since it last changed otherwise

  // Drawing ------------------------------------------------------------------------------------

  function change(next, { undoable = true, moved = null } = {}) {
    if (undoable) {
      past.push(drawing);
    }
    drawing = next;
    shift = moved;
    update();
  }

  function update() {
    version += 1;
    find("draw-undo").disabled = past.length === 0;
    find("draw-clear").disabled = isEmpty();
    paint();
    requestAnimationFrame(answer);
  }

  function isEmpty() {
    return drawing.strokes.length === 0 && drawing.example === null;
  }

  function paint() {
    const context = board.getContext("2d");
    const scale = board.width / SIDE;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = gray(PAPER);
    context.fillRect(0, 0, board.width, board.height);
    if (drawing.example !== null) {
      const small = document.createElement("canvas");
      small.width = small.height = SIDE;
      color(small, paper(), (value) => [255 * value, 255 * value, 255 * value]);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, board.width, board.height);
    }
    if (pen.fill) context.drawImage(filling(), 0, 0);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.strokeStyle = gray(CHALK);
    context.lineWidth = pen.width;
    context.lineCap = context.lineJoin = "round";
    for (const points of drawing.strokes) {
      trace(context, points);
      context.stroke();
    }
  }

  /** A canvas with what is filled: a line within another one is a hole. */
  function filling() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = board.width;
    const context = canvas.getContext("2d");
    context.scale(board.width / SIDE, board.width / SIDE);
    context.fillStyle = gray(CHALK);
    context.globalCompositeOperation = "xor";
    for (const points of inking.outlines(drawing.strokes)) {
      trace(context, points);
      context.fill();
    }
    return canvas;
  }

  function trace(context, points) {
    context.beginPath();
    context.moveTo(...points[0]);
    // A line of no length shows as a dot, for its caps are round.
    for (const point of points.length > 1 ? points : [points[0]]) context.lineTo(...point);
  }

  const gray = (value) => `rgb(${Array(3).fill(Math.round(255 * value)).join()})`;

  // What the network sees ----------------------------------------------------------------------

  /** What is beneath the strokes. */
  function paper() {
    const values = new Float32Array(SIDE * SIDE);
    if (drawing.example === null) return values.fill(PAPER);
    const { pixels } = examples[drawing.example];
    values.fill(pixels[0]);
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const [fromX, fromY] = [x - drawing.dx, y - drawing.dy];
        if (fromX >= 0 && fromX < SIDE && fromY >= 0 && fromY < SIDE) {
          values[y * SIDE + x] = pixels[fromY * SIDE + fromX];
        }
      }
    }
    return values;
  }

  function pixels() {
    const cover = inking.inked(drawing.strokes, pen);
    const values = paper();
    for (let i = 0; i < values.length; i++) values[i] += cover[i] * (CHALK - values[i]);
    return values;
  }

  // Asking the network -------------------------------------------------------------------------

  async function ask(images, outputs) {
    const shape = [images.length / (SIDE * SIDE), 1, SIDE, SIDE];
    const found = await session.run({ images: new ort.Tensor("float32", images, shape) }, outputs);
    return found;
  }

  function softmax(scores) {
    const most = Math.max(...scores);
    const weights = Array.from(scores, (score) => Math.exp(score - most));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  }

  async function answer() {
    if (asking) return;
    asking = true;
    try {
      while (answered !== version) {
        const now = version;
        const image = pixels();
        if (isEmpty()) {
          seen = { pixels: image, probabilities: null };
          showNothing();
        } else {
          const found = await ask(image);
          seen = { pixels: image, probabilities: softmax(found.scores.data) };
          showAnswer(found);
        }
        answered = now;
        timers.forEach(clearTimeout);
        timers = [setTimeout(sayAloud, 700)];
        if (!isEmpty()) timers.push(setTimeout(() => explain(now, likeliest()).catch(failAsking), 150));
      }
    } catch (error) {
      failAsking(error);
    } finally {
      asking = false;
    }
  }

  const likeliest = () => seen.probabilities.indexOf(Math.max(...seen.probabilities));

  function showNothing() {
    find("draw-verdict").textContent = "Nothing drawn yet";
    find("draw-note").textContent = "";
    find("draw-why-text").textContent = "";
    find("draw-bars").querySelectorAll("li").forEach((row) => {
      row.classList.remove("draw-most");
      row.querySelector(".draw-track span").style.width = "0";
      row.querySelector(".draw-number").textContent = "–";
    });
    color(find("draw-why"), seen.pixels, (value) => Array(3).fill(255 * value));
    document.querySelectorAll(".draw-maps canvas").forEach((canvas) => {
      color(canvas, new Float32Array(canvas.width * canvas.height), cividis);
    });
  }

  function showAnswer(found) {
    const { probabilities } = seen;
    const label = likeliest();
    const name = classes[label];
    find("draw-verdict").textContent =
      capital(`${probabilities[label] < 0.7 ? "perhaps " : ""}${named(name)}, ${percent(probabilities[label])}`);
    find("draw-bars").querySelectorAll("li").forEach((row) => {
      const p = probabilities[classes.indexOf(row.dataset.name)];
      row.classList.toggle("draw-most", row.dataset.name === name);
      row.querySelector(".draw-track span").style.width = `${100 * p}%`;
      row.querySelector(".draw-number").textContent = percent(p);
    });
    find("draw-note").textContent = note(name);
    color(find("draw-why"), seen.pixels, (value) => Array(3).fill(200 * value));
    find("draw-layers").querySelectorAll(".draw-maps").forEach((grid, stage) => {
      const { data, dims } = found[`maps_${stage + 1}`];
      const size = dims[2] * dims[3];
      const most = data.reduce((a, b) => Math.max(a, b), 1e-9);
      grid.childNodes.forEach((canvas, i) => {
        color(canvas, data.subarray(i * size, (i + 1) * size), (value) => cividis(value / most));
      });
    });
  }

  function note(name) {
    if (shift) {
      shift.before ??= name;
      const way = `Moved ${count(shift.dx, "right", "left")} and ${count(shift.dy, "down", "up")}: `;
      return way + (name === shift.before ? `still ${named(name)}.` : `it was ${named(shift.before)} before.`);
    }
    if (drawing.isOpening) return "A star to begin with: your first line takes its place.";
    if (drawing.example !== null && drawing.strokes.length === 0) {
      const { probabilities } = examples[drawing.example];
      const order = probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a]);
      const listed = order.slice(0, 3).map((i) => `${classes[i]} ${percent(probabilities[i])}`);
      return `In Python, predict_proba says of this image: ${listed.join(", ")}, and less for all others.`;
    }
    return name === NONE ? `It knows ${classes.length - 1} shapes, and takes this for something else.` : "";
  }

  const count = (n, onwards, back) =>
    `${Math.abs(n)} ${Math.abs(n) === 1 ? "pixel" : "pixels"} ${n < 0 ? back : onwards}`;

  /** Cover one patch after another and see how much of the evidence for the label goes. */
  async function explain(now, label) {
    const { pixels: image, probabilities } = seen;
    const background = drawing.example === null ? PAPER : examples[drawing.example].pixels[0];
    const covered = [];
    for (let top = STRIDE - PATCH; top < SIDE; top += STRIDE) {
      for (let left = STRIDE - PATCH; left < SIDE; left += STRIDE) {
        const copy = image.slice();
        let changed = false;
        eachPixel(top, left, (i) => {
          changed ||= Math.abs(copy[i] - background) > 0.02;
          copy[i] = background;
        });
        if (changed) covered.push({ top, left, copy });
      }
    }
    // Log-odds, for they still tell more from less where the probability is all but one.
    const odds = (scores) => {
      const most = Math.max(...scores.filter((_, i) => i !== label));
      const others = scores.reduce((sum, s, i) => sum + (i === label ? 0 : Math.exp(s - most)), 0);
      return scores[label] - most - Math.log(others);
    };
    const { scores } = await ask(image, ["scores"]);
    const before = odds(Array.from(scores.data));
    const evidence = new Float32Array(SIDE * SIDE);
    let least = probabilities[label];
    for (let start = 0; start < covered.length; start += AT_ONCE) {
      if (now !== version) return;
      const part = covered.slice(start, start + AT_ONCE);
      const batch = new Float32Array(part.length * image.length);
      part.forEach(({ copy }, i) => batch.set(copy, i * image.length));
      const found = (await ask(batch, ["scores"])).scores.data;
      part.forEach(({ top, left }, i) => {
        const after = Array.from(found.slice(i * classes.length, (i + 1) * classes.length));
        const lost = before - odds(after);
        eachPixel(top, left, (k) => {
          evidence[k] += lost / (PATCH / STRIDE) ** 2;
        });
        least = Math.min(least, softmax(after)[label]);
      });
      await pause(0);
    }
    if (now !== version) return;
    const most = evidence.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
    color(find("draw-why"), image, (value, i) => {
      const share = Math.abs(evidence[i]) / most;
      const over = evidence[i] > 0 ? ORANGE : BLUE;
      return over.map((c) => 200 * value * (1 - 0.75 * share) + c * 0.75 * share);
    });
    find("draw-why-text").textContent =
      least > 0.99
        ? `No single patch makes the network doubt that it is ${named(classes[label])}.`
        : `The patch that matters most takes “${classes[label]}” from ` +
          `${percent(probabilities[label])} to ${percent(least)}.`;
  }

  function eachPixel(top, left, work) {
    for (let y = Math.max(top, 0); y < Math.min(top + PATCH, SIDE); y++) {
      for (let x = Math.max(left, 0); x < Math.min(left + PATCH, SIDE); x++) work(y * SIDE + x);
    }
  }

  function sayAloud() {
    if (isEmpty()) {
      find("draw-live").textContent = told ? "Nothing drawn." : "";
      told = "";
      return;
    }
    const label = likeliest();
    const name = classes[label];
    const probability = `${(100 * seen.probabilities[label]).toFixed(1)} percent`;
    find("draw-live").textContent =
      shift && name === told
        ? `Moved. Still ${name}, ${probability}.`
        : `${capital(name)}, ${probability}.`;
    told = name;
  }

  function color(canvas, values, toColor) {
    const image = new ImageData(canvas.width, canvas.height);
    values.forEach((value, i) => image.data.set([...toColor(value, i), 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function cividis(value) {
    const at = clamp(value, 0, 1) * (CIVIDIS.length - 1);
    const i = Math.min(Math.floor(at), CIVIDIS.length - 2);
    return CIVIDIS[i].map((c, k) => c + (at - i) * (CIVIDIS[i + 1][k] - c));
  }

  // Moving -------------------------------------------------------------------------------------

  /** The least and greatest x and y that are inked. */
  function extent({ strokes, example, dx, dy }) {
    const points = strokes.flatMap((stroke) =>
      stroke.flatMap(([x, y]) => [-1, 1].map((s) => [x + (s * pen.width) / 2, y + (s * pen.width) / 2])),
    );
    if (example !== null) {
      const [left, top, right, bottom] = examples[example].box;
      points.push([left + dx, top + dy], [right + dx, bottom + dy]);
    }
    const axis = (k) => points.map((point) => point[k]);
    return [0, 1].map((k) => [axis(k).reduce((a, b) => Math.min(a, b)), axis(k).reduce((a, b) => Math.max(a, b))]);
  }

  /** Move by whole pixels, no further than to the border. */
  function moveBy(from, dx, dy, { undoable, total }) {
    const [wide, high] = extent(from);
    const within = (step, [low, top]) =>
      Math.trunc(clamp(step, Math.min(0, Math.ceil(-low)), Math.max(0, Math.floor(SIDE - top))));
    [dx, dy] = [within(dx, wide), within(dy, high)];
    const next = {
      strokes: from.strokes.map((stroke) => stroke.map(([x, y]) => [x + dx, y + dy])),
      example: from.example,
      dx: from.dx + dx,
      dy: from.dy + dy,
      isOpening: from.isOpening,
    };
    change(next, {
      undoable,
      moved: { dx: total.dx + dx, dy: total.dy + dy, before: total.before },
    });
  }

  function movedSoFar() {
    const before = seen?.probabilities ? classes[likeliest()] : undefined;
    return shift ?? { dx: 0, dy: 0, before };
  }

  // Mouse, finger, pen -------------------------------------------------------------------------

  let drag = null;

  function place(event) {
    const box = board.getBoundingClientRect();
    const border = board.clientLeft;
    return [
      ((event.clientX - box.left - border) / board.clientWidth) * SIDE,
      ((event.clientY - box.top - border) / board.clientHeight) * SIDE,
    ];
  }

  board.addEventListener("pointerdown", (event) => {
    if (drag || event.button !== 0) return;
    board.setPointerCapture(event.pointerId);
    const at = place(event);
    if (document.querySelector("[name=draw-mode]:checked").value === "draw") {
      drag = { id: event.pointerId };
      const before = drawing.isOpening ? EMPTY : drawing;
      change({ ...before, strokes: [...before.strokes, [at]] });
    } else if (!isEmpty()) {
      drag = { id: event.pointerId, at, from: drawing, total: movedSoFar(), started: false };
    }
  });

  board.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const finer = event.getCoalescedEvents?.() ?? [];
    const points = (finer.length > 0 ? finer : [event]).map(place);
    if (drag.from) {
      const [x, y] = points[points.length - 1];
      const [dx, dy] = [Math.round(x - drag.at[0]), Math.round(y - drag.at[1])];
      moveBy(drag.from, dx, dy, { undoable: !drag.started, total: drag.total });
      drag.started = true;
      return;
    }
    const strokes = drawing.strokes.slice();
    const stroke = strokes.pop().slice();
    for (const point of points) {
      const [x, y] = stroke[stroke.length - 1];
      if (Math.hypot(point[0] - x, point[1] - y) > 0.3) stroke.push(point);
    }
    change({ ...drawing, strokes: [...strokes, stroke] }, { undoable: false });
  });

  for (const type of ["pointerup", "pointercancel"]) {
    board.addEventListener(type, (event) => {
      if (drag?.id === event.pointerId) drag = null;
    });
  }

  // Keys and controls --------------------------------------------------------------------------

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  board.addEventListener("keydown", (event) => {
    if (drag) return;
    const arrow = ARROWS[event.key];
    if (arrow && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const [dx, dy] = arrow.map((step) => step * (event.shiftKey ? 6 : 1));
      if (!isEmpty()) moveBy(drawing, dx, dy, { undoable: shift === null, total: movedSoFar() });
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      undo();
    } else {
      return;
    }
    event.preventDefault();
  });

  function clear() {
    if (!isEmpty()) change(EMPTY);
  }

  function undo() {
    if (past.length > 0) change(past.pop(), { undoable: false });
  }

  function setUpControls() {
    const turns = {};
    const places = [...document.querySelectorAll("[data-place]")];
    places.forEach((button) => {
      const name = button.dataset.place;
      button.addEventListener("click", () => {
        const turn = (turns[name] = (turns[name] ?? -1) + 1);
        change({ ...EMPTY, strokes: shapes.placed(name, turn) });
      });
    });
    document.querySelectorAll("[name=draw-mode]").forEach((radio) => {
      radio.addEventListener("change", () => {
        board.classList.toggle("draw-moving", radio.value === "move");
      });
    });
    const readPen = () => {
      pen = { width: Number(find("draw-width").value), fill: find("draw-fill").checked };
      find("draw-width-text").textContent = `${pen.width} pixels`.replace(/^1 pixels/, "1 pixel");
    };
    for (const id of ["draw-width", "draw-fill"]) {
      find(id).addEventListener("input", () => {
        readPen();
        shift = null;
        update();
      });
    }
    readPen();
    find("draw-undo").addEventListener("click", undo);
    find("draw-clear").addEventListener("click", clear);
    [...places.map((button) => button.dataset.place), NONE].forEach((name) => {
      const row = document.createElement("li");
      row.dataset.name = name;
      row.innerHTML =
        '<span class="draw-name"></span><span class="draw-track" aria-hidden="true"><span></span></span>' +
        '<span class="draw-number">–</span>';
      row.firstChild.textContent = name;
      find("draw-bars").append(row);
    });
    examples.forEach((example, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", example.name);
      button.title = example.name;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = SIDE;
      color(canvas, example.pixels, (value) => Array(3).fill(255 * value));
      button.append(canvas);
      button.addEventListener("click", () => change({ ...EMPTY, example: i }));
      find("draw-examples").append(button);
    });
  }

  function setUpLayers(found) {
    for (let stage = 1; found[`maps_${stage}`]; stage++) {
      const [, n, height, width] = found[`maps_${stage}`].dims;
      const title = document.createElement("h3");
      title.textContent = `Stage ${stage}: ${n} filters, ${height} × ${width} pixels each`;
      const grid = document.createElement("div");
      grid.className = "draw-maps";
      grid.setAttribute("role", "img");
      grid.setAttribute("aria-label", `Feature maps of stage ${stage}`);
      for (let i = 0; i < n; i++) {
        const canvas = document.createElement("canvas");
        canvas.width = width;
        canvas.height = height;
        grid.append(canvas);
      }
      find("draw-layers").append(title, grid);
    }
  }

  // Loading ------------------------------------------------------------------------------------

  function fail(message) {
    find("draw-loading").hidden = true;
    find("draw-app").hidden = true;
    find("draw-problem").textContent = message;
    find("draw-problem").hidden = false;
  }

  function failAsking(error) {
    fail(`The network failed. Reload the page to try again. The browser says: ${error.message || error}`);
  }

  async function load(name) {
    const response = await fetch(new URL(name, HERE));
    if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
    return response;
  }

  function readExample(example) {
    const bytes = Uint8Array.from(atob(example.pixels), (letter) => letter.charCodeAt(0));
    const box = [SIDE, SIDE, 0, 0];
    bytes.forEach((byte, i) => {
      if (byte === bytes[0]) return;
      const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
    });
    return { ...example, box, pixels: Float32Array.from(bytes, (byte) => byte / 255) };
  }

  async function start() {
    if (location.protocol === "file:") {
      fail(
        "Browsers do not let a page that was opened from a file load the network. Serve the folder " +
          "of this site, for instance with “python -m http.server”, and open the address that it prints.",
      );
      return;
    }
    if (typeof WebAssembly !== "object") {
      fail("This browser has no WebAssembly, which the network needs, or it is switched off. Try another browser.");
      return;
    }
    try {
      const [runtime, ink, placing, model, told] = await Promise.all([
        import(new URL("ort.wasm.bundle.min.mjs", HERE)),
        import(new URL("ink.js", HERE)),
        import(new URL("shapes.js", HERE)),
        load("model.onnx").then((response) => response.arrayBuffer()),
        load("examples.json").then((response) => response.json()),
      ]);
      [ort, inking, shapes] = [runtime, ink, placing];
      ort.env.wasm.numThreads = 1; // more would need headers that many servers do not send
      ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", HERE).href };
      session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
      classes = told.classes;
      examples = told.examples.map(readExample);
      let found;
      for (const { pixels: image, probabilities } of examples) {
        found = await ask(image);
        const off = softmax(found.scores.data).map((p, i) => Math.abs(p - probabilities[i]));
        if (!(Math.max(...off) < 1e-3)) throw new Error("it does not answer as it does in Python.");
      }
      setUpControls();
      setUpLayers(found);
    } catch (error) {
      fail(
        "The network could not be loaded. Reload the page to try again, or try another browser. " +
          `The browser says: ${error.message || error}`,
      );
      return;
    }
    find("draw-loading").hidden = true;
    find("draw-app").hidden = false;
    drawing = { ...EMPTY, strokes: shapes.opening(), isOpening: true };
    update();
  }

  const ready = start();

  window.shapeDrawing = {
    /** Once the page can be used, or has said why it cannot. */
    ready,
    /** Once the answer shown is that of the drawing shown. */
    async settled() {
      await ready;
      while (answered !== version || asking) await pause(10);
    },
    pixels: () => Array.from(seen.pixels),
    probabilities: () => seen.probabilities && Array.from(seen.probabilities),
  };
})();
