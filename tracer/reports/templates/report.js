(function () {
  "use strict";
  var table = document.getElementById("parameters");
  var rows = table ? Array.prototype.slice.call(table.tBodies[0].rows) : [];
  var search = document.getElementById("search");
  var verdict = document.getElementById("verdict");
  var moduleBox = document.getElementById("module");
  var shown = document.getElementById("shown");
  var pills = Array.prototype.slice.call(document.querySelectorAll("button.pill[data-verdict]"));

  function filter() {
    var words = search.value.trim().toLowerCase(), count = 0;
    rows.forEach(function (row) {
      var fits = (!words || row.dataset.text.indexOf(words) >= 0) &&
        (!verdict.value || row.dataset.verdict === verdict.value) &&
        (!moduleBox.value || row.dataset.module === moduleBox.value);
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    shown.textContent = count + " of " + rows.length + " shown";
    pills.forEach(function (pill) {
      pill.setAttribute("aria-pressed", String(pill.dataset.verdict === verdict.value));
    });
  }
  if (table) {
    [search, verdict, moduleBox].forEach(function (box) { box.addEventListener("input", filter); });
    pills.forEach(function (pill) {
      pill.addEventListener("click", function () {
        verdict.value = verdict.value === pill.dataset.verdict ? "" : pill.dataset.verdict;
        filter();
      });
    });
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
      var button = head.querySelector("button");
      if (!button) { return; }
      button.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") !== "ascending";
        Array.prototype.forEach.call(table.tHead.rows[0].cells, function (c) { c.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        var key = function (row) { var v = row.cells[column].dataset.sort; return isNaN(parseFloat(v)) ? v : parseFloat(v); };
        rows.slice().sort(function (a, b) {
          var x = key(a), y = key(b);
          return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
        }).forEach(function (row) { table.tBodies[0].appendChild(row); });
      });
    });
    filter();
  }

  var view = document.getElementById("view");
  var svg = view && view.querySelector("svg");
  if (!svg) { return; }
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  var full = svg.viewBox.baseVal;
  var box = { x: full.x, y: full.y, w: full.width, h: full.height };
  var home = { x: box.x, y: box.y, w: box.w, h: box.h };
  function set() { svg.setAttribute("viewBox", [box.x, box.y, box.w, box.h].join(" ")); }
  function zoom(factor, px, py) {
    var r = view.getBoundingClientRect();
    var s = Math.max(box.w / r.width, box.h / r.height);
    var cx = box.x + box.w / 2 + ((px === undefined ? r.width / 2 : px) - r.width / 2) * s;
    var cy = box.y + box.h / 2 + ((py === undefined ? r.height / 2 : py) - r.height / 2) * s;
    var w = Math.min(home.w * 3, Math.max(home.w / 200, box.w * factor));
    var f = w / box.w;
    box.x = cx - (cx - box.x) * f;
    box.y = cy - (cy - box.y) * f;
    box.w = w;
    box.h = box.h * f;
    set();
  }
  view.addEventListener("wheel", function (e) {
    e.preventDefault();
    var r = view.getBoundingClientRect();
    zoom(e.deltaY > 0 ? 1.15 : 1 / 1.15, e.clientX - r.left, e.clientY - r.top);
  }, { passive: false });
  var drag = null, moved = false;
  view.addEventListener("pointerdown", function (e) { drag = { x: e.clientX, y: e.clientY }; moved = false; });
  window.addEventListener("pointermove", function (e) {
    if (!drag) { return; }
    var r = view.getBoundingClientRect(), s = Math.max(box.w / r.width, box.h / r.height);
    moved = moved || Math.abs(e.clientX - drag.x) + Math.abs(e.clientY - drag.y) > 4;
    box.x -= (e.clientX - drag.x) * s;
    box.y -= (e.clientY - drag.y) * s;
    drag = { x: e.clientX, y: e.clientY };
    set();
  });
  window.addEventListener("pointerup", function () { drag = null; });
  view.addEventListener("keydown", function (e) {
    var step = 0.1;
    if (e.key === "+" || e.key === "=") { zoom(1 / 1.2); }
    else if (e.key === "-") { zoom(1.2); }
    else if (e.key === "0") { reset(); }
    else if (e.key === "ArrowLeft") { box.x -= box.w * step; set(); }
    else if (e.key === "ArrowRight") { box.x += box.w * step; set(); }
    else if (e.key === "ArrowUp") { box.y -= box.h * step; set(); }
    else if (e.key === "ArrowDown") { box.y += box.h * step; set(); }
    else { return; }
    e.preventDefault();
  });
  function reset() { box = { x: home.x, y: home.y, w: home.w, h: home.h }; set(); light([]); }
  document.getElementById("zoom-in").addEventListener("click", function () { zoom(1 / 1.3); });
  document.getElementById("zoom-out").addEventListener("click", function () { zoom(1.3); });
  document.getElementById("fit").addEventListener("click", reset);

  var nodes = Array.prototype.slice.call(svg.querySelectorAll("g.node"));
  var edges = Array.prototype.slice.call(svg.querySelectorAll("g.edge"));
  function titleOf(g) { var t = g.querySelector("title"); return t ? t.textContent : ""; }
  var byName = {}, into = {};
  nodes.forEach(function (g) { byName[titleOf(g)] = g; });
  edges.forEach(function (g) {
    var ends = titleOf(g).split("->").map(function (s) { return s.trim().replace(/:.*$/, ""); });
    if (ends.length !== 2) { return; }
    (into[ends[0]] = into[ends[0]] || []).push([ends[1], g]);
  });
  function light(starts) {
    var all = nodes.concat(edges);
    all.forEach(function (g) { g.classList.remove("dimmed", "lit"); });
    if (!starts.length) { return; }
    var seen = {}, keep = [], queue = starts.map(titleOf);
    while (queue.length) {
      var name = queue.pop();
      if (seen[name]) { continue; }
      seen[name] = true;
      if (byName[name]) { keep.push(byName[name]); }
      (into[name] || []).forEach(function (pair) { keep.push(pair[1]); queue.push(pair[0]); });
    }
    all.forEach(function (g) { g.classList.add("dimmed"); });
    keep.forEach(function (g) { g.classList.remove("dimmed"); });
    starts.forEach(function (g) { g.classList.add("lit"); });
  }
  function show(g) {
    var b = g.getBBox(), m = g.getCTM(), inverse = svg.getCTM().inverse();
    var p = svg.createSVGPoint();
    p.x = b.x + b.width / 2;
    p.y = b.y + b.height / 2;
    p = p.matrixTransform(m).matrixTransform(inverse);
    box.w = Math.min(home.w, 900);
    box.h = box.w * home.h / home.w;
    box.x = p.x - box.w / 2;
    box.y = p.y - box.h / 2;
    set();
  }
  function rowOf(leaf) { return document.getElementById(leaf.replace("leaf-", "param-")); }
  function choose(ids) {
    var found = ids.map(function (id) { return document.getElementById(id); }).filter(function (g) { return g && svg.contains(g); });
    light(found);
    rows.forEach(function (row) { row.classList.remove("lit"); });
    ids.forEach(function (id) { var row = rowOf(id); if (row) { row.classList.add("lit"); } });
    if (found.length) { show(found[0]); }
    return found.length;
  }
  nodes.forEach(function (g) {
    g.addEventListener("click", function () {
      if (moved) { return; }
      light([g]);
      var row = /^leaf-/.test(g.id) ? rowOf(g.id) : null;
      rows.forEach(function (r) { r.classList.remove("lit"); });
      if (row) { row.classList.add("lit"); }
    });
  });
  document.querySelectorAll("[data-leaves]").forEach(function (button) {
    button.addEventListener("click", function () {
      choose(button.dataset.leaves.split(" "));
      document.getElementById("graph").scrollIntoView({ block: "start" });
    });
  });
  var find = document.getElementById("find");
  find.addEventListener("input", function () {
    var words = find.value.trim().toLowerCase();
    light(words ? nodes.filter(function (g) { return g.textContent.toLowerCase().indexOf(words) >= 0; }) : []);
  });
  find.addEventListener("keydown", function (e) {
    if (e.key === "Enter") { var first = nodes.filter(function (g) { return g.classList.contains("lit"); })[0]; if (first) { show(first); } }
  });
})();
