"use strict";
/* The annotated graph: depth, search, a box's numbers, and the gradient path of a parameter. */
(() => {
  const frame = page.byId("view");
  if (!frame) { return; }
  const boxes = JSON.parse(page.byId("boxes").textContent);
  const view = page.frame(frame);
  const facts = page.byId("facts"), level = page.byId("level"), find = page.byId("find");
  let nodes = [], edges = [], byName = {}, onward = {}, back = {}, inside = {};

  const titleOf = (group) => { const title = group.querySelector("title"); return title ? title.textContent : ""; };
  const push = (map, key, value) => { (map[key] = map[key] || []).push(value); };

  function read() {
    nodes = page.all("g.node:not(.legend):not(.legend-text)", view.svg);
    edges = page.all("g.edge", view.svg);
    byName = {}; onward = {}; back = {}; inside = {};
    nodes.forEach((group) => { byName[titleOf(group)] = group; });
    edges.forEach((group) => {
      const [tail, head] = titleOf(group).split("->").map((end) => end.trim());
      if (head && !group.classList.contains("holds")) { push(onward, tail, [head, group]); push(back, head, [tail, group]); }
    });
    Object.entries(boxes[level.value]).forEach(([leaf, box]) => push(inside, box, leaf));
    nodes.forEach((group, i) => {
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", i === 0 ? "0" : "-1");
      group.setAttribute("aria-label", textOf(group).join(", "));
    });
  }

  const textOf = (group) => page.all("text", group).map((text) => text.textContent.trim()).filter(Boolean);

  function light(starts) {
    nodes.concat(edges).forEach((group) => group.classList.remove("dimmed", "lit"));
    if (!starts.length) { return; }
    const seen = new Set(starts.map(titleOf)), queue = Array.from(seen), keep = new Set();
    while (queue.length) {
      const name = queue.pop();
      keep.add(byName[name]);
      (onward[name] || []).forEach(([head, edge]) => {
        keep.add(edge);
        if (!seen.has(head)) { seen.add(head); queue.push(head); }
      });
    }
    nodes.concat(edges).forEach((group) => group.classList.toggle("dimmed", !keep.has(group)));
    starts.forEach((group) => group.classList.add("lit"));
  }

  function mark(leaves) {
    page.all("tr.lit").forEach((row) => row.classList.remove("lit"));
    leaves.forEach((leaf) => { const row = page.rowOf(leaf); if (row) { row.classList.add("lit"); } });
  }

  function tell(group) {
    const link = group.querySelector("a");
    const tip = link ? link.getAttributeNS("http://www.w3.org/1999/xlink", "title") || link.getAttribute("title") || "" : "";
    const title = document.createElement("h3");
    title.textContent = textOf(group)[0] || titleOf(group);
    const list = document.createElement("ul");
    textOf(group).slice(1).concat(tip.split("\n")).filter((line, i, every) => line.trim() && every.indexOf(line) === i).forEach((line) => {
      list.append(Object.assign(document.createElement("li"), { textContent: line }));
    });
    const rows = (inside[titleOf(group)] || []).slice(0, 30).map((leaf) => {
      const anchor = document.createElement("a"), item = document.createElement("li");
      anchor.href = "#" + page.data.anchors[leaf];
      anchor.textContent = page.data.anchors[leaf].replace(/^param-/, "");
      item.append(anchor);
      return item;
    });
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
    close.addEventListener("click", () => { facts.hidden = true; });
    facts.replaceChildren(title, list);
    if (rows.length) {
      const heading = Object.assign(document.createElement("h4"), { textContent: "In the table" });
      const names = document.createElement("ul");
      names.append(...rows);
      facts.append(heading, names);
    }
    facts.append(close);
    facts.hidden = false;
  }

  function choose(group) {
    light([group]);
    mark(inside[titleOf(group)] || []);
    tell(group);
    nodes.forEach((other) => other.setAttribute("tabindex", other === group ? "0" : "-1"));
  }

  /* Swap the drawing for the one of another depth; the one on show goes back into a template. */
  function open(name) {
    const current = frame.querySelector("svg"), template = document.querySelector(`template[data-level="${name}"]`);
    if (!template) { return; }
    const kept = document.createElement("template");
    kept.dataset.level = current.dataset.level;
    current.replaceWith(template.content.querySelector("svg"));
    kept.content.append(current);
    template.replaceWith(kept);
    start(name);
  }

  function start(name) {
    level.value = name;
    frame.querySelector("svg").dataset.level = name;
    view.show();
    read();
    facts.hidden = true;
  }

  /* The depth at which most of the leaves have boxes of their own. */
  function bestLevel(leaves) {
    const own = (name) => leaves.filter((leaf) => boxes[name][leaf] === "leaf-" + leaf).length;
    return Object.keys(boxes).reduce((best, name) => (own(name) > own(best) ? name : best), level.value);
  }

  function showLeaves(leaves) {
    const name = bestLevel(leaves);
    if (name !== level.value) { open(name); }
    const found = Array.from(new Set(leaves.map((leaf) => byName[boxes[name][leaf]]).filter(Boolean)));
    light(found);
    mark(leaves);
    if (found.length) {
      const spot = view.centre(found[0]);
      view.at(spot.x, spot.y, Math.max(0.8, Math.min(1, view.scale())));
      tell(found[0]);
    }
    page.byId("found").textContent = found.length ? "" : "not in this picture";
  }

  function step(group, name) {
    const near = { ArrowDown: onward, ArrowUp: back }[name];
    const order = nodes.indexOf(group);
    const next = near ? byName[((near[titleOf(group)] || [])[0] || [])[0]] : nodes[order + (name === "ArrowRight" ? 1 : -1)];
    if (!next) { return; }
    group.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
    const spot = view.centre(next);
    view.at(spot.x, spot.y, view.scale());
  }

  frame.addEventListener("click", (event) => {
    const group = event.target.closest("g.node");
    if (!view.moved && group && nodes.includes(group)) { choose(group); }
  });
  frame.addEventListener("keydown", (event) => {
    const group = event.target.closest("g.node");
    if (!group) { return; }
    if (event.key === "Enter" || event.key === " ") { choose(group); }
    else if (event.key.startsWith("Arrow")) { step(group, event.key); }
    else if (event.key === "Escape") { frame.focus(); }
    else { return; }
    event.preventDefault();
  }, true);
  page.all("[data-leaves]").forEach((button) => button.addEventListener("click", () => {
    showLeaves(button.dataset.leaves.split(" "));
    page.byId("graph").scrollIntoView({ block: "start" });
    frame.focus({ preventScroll: true });
  }));
  level.addEventListener("change", () => open(level.value));
  page.byId("zoom-in").addEventListener("click", () => view.zoom(1 / 1.3));
  page.byId("zoom-out").addEventListener("click", () => view.zoom(1.3));
  page.byId("whole").addEventListener("click", () => view.whole());
  page.byId("unlight").addEventListener("click", () => { find.value = ""; light([]); mark([]); facts.hidden = true; page.byId("found").textContent = ""; });

  const matches = () => {
    const words = find.value.trim().toLowerCase();
    if (!words) { return []; }
    const named = Object.entries(page.data.anchors).filter(([, anchor]) => anchor.slice(6).toLowerCase().includes(words));
    const holding = new Set(named.map(([leaf]) => boxes[level.value][leaf]));
    return nodes.filter((group) => group.textContent.toLowerCase().includes(words) || holding.has(titleOf(group)));
  };
  let at = 0;
  find.addEventListener("input", () => {
    const found = matches();
    at = 0;
    light(found);
    page.byId("found").textContent = find.value.trim() ? `${found.length} box${found.length === 1 ? "" : "es"} found; Enter goes to the next` : "";
  });
  find.addEventListener("keydown", (event) => {
    const found = event.key === "Enter" ? matches() : [];
    if (!found.length) { return; }
    const group = found[at++ % found.length], spot = view.centre(group);
    view.at(spot.x, spot.y, Math.max(0.9, Math.min(1.2, view.scale())));
    tell(group);
  });
  start(level.value);
})();
