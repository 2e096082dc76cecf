"use strict";
/* Charts: the library is unpacked when one of them comes into sight, then follows light and dark. */
(() => {
  const data = page.byId("charts"), packed = page.byId("chart-library");
  if (!data || !packed) { return; }
  const list = JSON.parse(data.textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const LINES = ["#3b87d4", "#d9822b", "#2a9d6e", "#a667c9", "#c9536b", "#7d8a2e", "#8a94a3"];
  let loading = null, drawn = false;

  async function load() {
    const bytes = Uint8Array.from(atob(packed.textContent.trim()), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    packed.remove();
  }

  function paint(trace) {
    const known = { error: colour("error") };
    LINES.forEach((line, i) => { known[`line-${i}`] = line; known[`band-${i}`] = line + "30"; });
    const walk = (value) => {
      if (Array.isArray(value) || value === null || typeof value !== "object") { return known[value] || value; }
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, Array.isArray(inner) ? inner : walk(inner)]));
    };
    return walk(trace);
  }

  function axis(extra) {
    return { gridcolor: colour("line"), linecolor: colour("line"), zeroline: false, automargin: true, fixedrange: false, ...extra };
  }

  /* On a log axis: whole decades; where there are few of them, written out numbers between. */
  function scale(chart) {
    const shown = chart.traces.flatMap((trace) => trace.y).filter((value) => value > 0);
    const low = Math.min(...shown), high = Math.max(...shown), decades = Math.log10(high / low);
    if (decades > 1.6) { return { exponentformat: "power", dtick: decades > 14 ? 3 : 1 }; }
    const steps = decades > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8], tickvals = [];
    for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power += 1) {
      steps.forEach((step) => tickvals.push(Number((step * 10 ** power).toPrecision(2))));
    }
    return { tickmode: "array", tickvals, ticktext: tickvals.map(String) };
  }

  function layout(chart, width) {
    const every = Math.ceil(chart.ticks.length / (chart.kind === "map" ? 34 : Math.max(4, width / 34)));
    const picks = chart.ticks.map((_, i) => i).filter((i) => i % every === 0);
    const ticks = { tickmode: "array", ticktext: picks.map((i) => chart.ticks[i]) };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 60, r: 16, t: 12, b: 40 },
      font: { color: colour("ink"), size: 12, family: "system-ui, sans-serif" }, showlegend: Boolean(chart.legend),
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      hoverlabel: { bgcolor: colour("card"), font: { color: colour("ink") }, bordercolor: colour("line") },
    };
    if (chart.kind === "map") {
      return { ...base, xaxis: axis({ title: { text: "step" }, type: "category", nticks: 20 }),
        yaxis: axis({ autorange: "reversed", type: "category", tickvals: picks.map((i) => chart.traces[0].y[i]), ...ticks }) };
    }
    return { ...base, hovermode: "closest", xaxis: axis({ tickvals: picks, tickangle: -40, ...ticks }),
      yaxis: axis({ type: "log", ...scale(chart) }) };
  }

  async function draw() {
    loading = loading || load();
    await loading;
    for (const chart of list) {
      const place = page.byId(`chart-${chart.key}`);
      if (!drawn) { place.replaceChildren(); }
      if (chart.kind === "map") { place.style.height = `${Math.min(900, Math.max(260, 90 + 16 * chart.ticks.length))}px`; }
      const options = { responsive: true, displaylogo: false, displayModeBar: false };
      await window.Plotly.react(place, chart.traces.map(paint), layout(chart, place.clientWidth), options);
    }
    drawn = true;
    document.documentElement.dataset.charts = "drawn";
  }

  const sight = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { sight.disconnect(); draw(); }
  }, { rootMargin: "400px" });
  page.all(".plot").forEach((place) => sight.observe(place));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (drawn) { draw(); } });
})();
