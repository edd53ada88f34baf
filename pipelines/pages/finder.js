"use strict";
// The table of tracks: found by any part of their name or id, so many at a time.
(() => {
  const body = document.getElementById("found");
  if (!body) return;
  const rows = 25;
  const [find, back, on, count] = ["find", "back", "on", "count"].map((id) => document.getElementById(id));
  const signed = (value) => (value < 0 ? "" : "+") + value.toFixed(2);
  let first = 0;
  let found = page.data.tracks;

  function row([name, valence, arousal, colour, id]) {
    const line = document.createElement("tr");
    const head = line.appendChild(document.createElement("th"));
    head.scope = "row";
    head.textContent = name;
    for (const words of [signed(valence), signed(arousal), colour, id]) {
      line.appendChild(document.createElement("td")).textContent = words;
    }
    for (const cell of line.children) cell.classList.toggle("long", cell.textContent.length > 20);
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = colour;
    line.children[3].prepend(swatch);
    return line;
  }

  function show() {
    body.replaceChildren(...found.slice(first, first + rows).map(row));
    back.disabled = first === 0;
    on.disabled = first + rows >= found.length;
    const last = Math.min(first + rows, found.length);
    count.textContent = found.length ? `${first + 1} to ${last} of ${found.length.toLocaleString("en")}` : "none";
  }

  find.addEventListener("input", () => {
    const words = find.value.toLowerCase();
    found = page.data.tracks.filter(([name, , , , id]) => `${name}\n${id}`.toLowerCase().includes(words));
    first = 0;
    show();
  });
  back.addEventListener("click", () => { first -= rows; show(); });
  on.addEventListener("click", () => { first += rows; show(); });
  document.getElementById("finder").closest("details").addEventListener("toggle", show, { once: true });
})();
