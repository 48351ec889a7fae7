/** Small helpers around the document: elements, colours, canvases, the tooltip. */

/** The element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element. Text is always text: a key can hold any markup and stays what it is. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name === "swatch") node.style.setProperty("--swatch", value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** The value of a colour of the theme. */
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * Sizes a canvas to its place on the screen; returns its context, scaled to CSS pixels, and the
 * size in them.
 */
export function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Mixes two #rrggbb colours: share 0 is `from`, 1 is `to`. */
export function mix(from, to, share) {
  const part = (text, at) => Number.parseInt(text.slice(at, at + 2), 16);
  const channel = (at) => Math.round(part(from, at) + (part(to, at) - part(from, at)) * share);
  return `rgb(${channel(1)} ${channel(3)} ${channel(5)})`;
}

/** A small line of the last values, with a soft fill below. */
export function sparkline(canvas, values, stroke, max = 0) {
  const { context, width, height } = fitCanvas(canvas);
  if (values.length < 2) return;
  const top = Math.max(max, ...values) || 1;
  const x = (index) => (index / (values.length - 1)) * width;
  const y = (value) => height - 1.5 - (value / top) * (height - 4);
  context.beginPath();
  values.forEach((value, index) => {
    context.lineTo(x(index), y(value));
  });
  context.strokeStyle = stroke;
  context.lineWidth = 1.4;
  context.lineJoin = "round";
  context.stroke();
  context.lineTo(width, height);
  context.lineTo(0, height);
  context.globalAlpha = 0.12;
  context.fillStyle = stroke;
  context.fill();
  context.globalAlpha = 1;
}

/** Shows `text` beside the pointer; an empty text hides it. */
export function tooltip(text, event) {
  const tip = byId("tip");
  tip.hidden = text === "";
  if (text === "") return;
  tip.textContent = text;
  const x = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const y = Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 8);
  tip.style.left = `${x}px`;
  tip.style.top = `${y}px`;
}

/** Listens to a group of radio buttons; `next` chooses the next one, for the keyboard. */
export function segments(group, chosen) {
  const choices = [...group.querySelectorAll("input")];
  group.addEventListener("change", (event) => chosen(event.target.value));
  return {
    next() {
      const at = choices.findIndex((choice) => choice.checked);
      const choice = choices[(at + 1) % choices.length];
      choice.checked = true;
      chosen(choice.value);
    },
  };
}
