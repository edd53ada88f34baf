"use strict";
// What every page does: draws its figures in the colours of the theme when they come into view, and finds tracks.
const page = (() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 34rem)");
  const probe = document.body.appendChild(document.createElement("span"));
  probe.hidden = true;

  function colour(name) {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  }

  // A copy with the colours of the theme for values such as "var(--ink)".
  function themed(value) {
    if (typeof value === "string") return value.startsWith("var(--") ? colour(value.slice(6, -1)) : value;
    if (Array.isArray(value)) {
      // Long arrays of numbers stay as they are; [0, "var(--low)"] of a colour scale does not.
      return value.length > 2 && typeof value[0] === "number" ? value : value.map(themed);
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, themed(inner)]));
  }

  function draw(place) {
    const figure = data.figures[place.dataset.figure];
    const layout = themed(figure.layout);
    if (narrow.matches) Object.assign(layout, themed(figure.narrow ?? {}));
    Object.assign(layout, themed({
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: "var(--ink)", size: 12 },
      hoverlabel: { bgcolor: "var(--card)", bordercolor: "var(--line)", font: { color: "var(--ink)" } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "var(--quiet)", activecolor: "var(--accent)" },
    }));
    const options = {
      responsive: true,
      displaylogo: false,
      displayModeBar: true,
      // The library would offer to send the figure to its makers' servers.
      showSendToCloud: false,
      plotlyServerURL: "",
      modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d"],
    };
    place.dataset.drawn = "";
    return Plotly.react(place, themed(figure.data), layout, options);
  }

  const places = [...document.querySelectorAll(".plot")];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !("drawn" in entry.target.dataset)) draw(entry.target);
    }
  }, { rootMargin: "300px" });
  places.forEach((place) => seen.observe(place));

  function redraw() {
    places.filter((place) => "drawn" in place.dataset).forEach(draw);
  }
  addEventListener("beforeprint", () => places.forEach(draw));
  prefersDark.addEventListener("change", redraw);
  narrow.addEventListener("change", redraw);

  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ?? (prefersDark.matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
    redraw();
  });
  prefersDark.addEventListener("change", name);
  button.hidden = false;
  name();

  return { data, draw };
})();
