"use strict";
// The player's cursor on the curves, what they say there, and a click on them that goes to a moment.
(() => {
  const curve = page.data.curve;
  const place = document.querySelector('[data-figure="curve"]');
  if (!curve || !place) return;
  const player = document.getElementById("player");
  const moment = document.getElementById("moment");
  const reading = document.getElementById("reading");
  const shapes = page.data.figures.curve.layout.shapes;
  const cursor = { type: "line", yref: "paper", y0: 0, y1: 1, line: { color: "var(--ink)", width: 2 } };
  shapes.push(cursor);
  let wanted = 0;
  let drawing = false;

  const pad = (number) => String(number).padStart(2, "0");
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${pad(Math.floor(seconds % 60))}`;
  const signed = (value) => (value < 0 ? "" : "+") + value.toFixed(2);
  const at = (seconds) => new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, -1);

  function say(seconds) {
    const last = curve.valence.length - 1;
    const step = Math.max(0, Math.min(last, Math.floor((seconds - curve.start_s) / curve.step_s)));
    const colour = curve.colours[Math.min(curve.colours.length - 1, Math.floor((step * curve.step_s) / curve.colour_step_s))];
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = colour;
    const words = `${clock(seconds)}  valence ${signed(curve.valence[step])}  arousal ${signed(curve.arousal[step])}`;
    reading.replaceChildren(swatch, words);
  }

  async function show(seconds) {
    wanted = seconds;
    cursor.x0 = cursor.x1 = at(seconds);
    moment.value = seconds;
    say(seconds);
    if (drawing || !("drawn" in place.dataset)) return;
    drawing = true;
    const last = `shapes[${shapes.length - 1}]`;
    await Plotly.relayout(place, { [`${last}.x0`]: cursor.x0, [`${last}.x1`]: cursor.x1 });
    drawing = false;
    if (wanted !== seconds) show(wanted);
  }

  function go(seconds) {
    if (player) player.currentTime = seconds;
    show(seconds);
  }

  function follow() {
    show(player.currentTime);
    if (!player.paused) requestAnimationFrame(follow);
  }

  if (player) {
    player.addEventListener("play", follow);
    player.addEventListener("seeked", () => show(player.currentTime));
    player.addEventListener("error", () => { document.getElementById("unplayed").hidden = false; });
  }
  moment.addEventListener("input", () => go(Number(moment.value)));
  show(0);
  page.draw(place).then(() => {
    place.on("plotly_click", ({ points }) => go(Date.parse(points[0].x.replace(" ", "T") + "Z") / 1000));
  });
})();
