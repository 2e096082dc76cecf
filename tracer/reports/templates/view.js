"use strict";
/* A drawing in a frame: fit, zoom and pan, by mouse, touch and keyboard. Several may stand on one page. */
page.frame = (frame) => {
  const view = { frame, svg: null, box: null, home: null, moved: false };

  view.show = () => {
    view.svg = frame.querySelector("svg");
    const full = view.svg.viewBox.baseVal;
    view.home = { x: full.x, y: full.y, w: full.width, h: full.height };
    // an image has no parts to a screen reader, and its own size and title are in the way here
    ["width", "height", "style", "role"].forEach((name) => view.svg.removeAttribute(name));
    page.all(":scope > title, :scope > desc", view.svg).forEach((text) => text.remove());
    const most = Math.max(320, window.innerHeight * 0.78);
    const wanted = frame.clientWidth * view.home.h / view.home.w;
    const natural = view.home.h * 1.35, least = Math.min(460, view.home.h * 0.95);
    frame.style.height = `${Math.round(Math.min(most, Math.max(260, least, Math.min(wanted, natural))))}px`;
    view.whole();
    if (view.scale() < 0.6) { view.readable(); }
  };
  view.scale = () => Math.min(frame.clientWidth / view.box.w, frame.clientHeight / view.box.h);
  view.set = () => view.svg.setAttribute("viewBox", `${view.box.x} ${view.box.y} ${view.box.w} ${view.box.h}`);
  view.whole = () => { view.box = { ...view.home }; view.set(); };
  view.at = (x, y, scale) => {
    const w = frame.clientWidth / scale, h = frame.clientHeight / scale;
    view.box = { x: x - w / 2, y: y - h / 2, w, h };
    view.set();
  };
  /* Letters that can be read: start at what differs, else at the first box in trouble, else at the loss. */
  view.readable = () => {
    const kinds = [".differs", ".leaf-error", ".cut", ".culprit", ".leaf-warning", ".loss"];
    const found = kinds.map((kind) => page.all(`.node${kind}`, view.svg)).find((nodes) => nodes.length) || [];
    const spots = found.map(view.centre), home = view.home, scale = 0.85;
    const between = (values) => (Math.min(...values) + Math.max(...values)) / 2;
    const inside = (at, size, start, length) =>
      length <= size ? start + length / 2 : Math.min(Math.max(at, start + size / 2), start + length - size / 2);
    const w = frame.clientWidth / scale, h = frame.clientHeight / scale;
    const x = spots.length ? between(spots.map((spot) => spot.x)) : home.x + home.w / 2;
    const y = spots.length ? between(spots.map((spot) => spot.y)) : home.y;
    view.at(inside(x, w, home.x, home.w), inside(y, h, home.y, home.h), scale);
  };
  view.centre = (node) => {
    const box = node.getBBox(), point = view.svg.createSVGPoint();
    point.x = box.x + box.width / 2;
    point.y = box.y + box.height / 2;
    return point.matrixTransform(node.getCTM()).matrixTransform(view.svg.getCTM().inverse());
  };
  view.zoom = (factor, px, py) => {
    const scale = view.scale();
    const dx = px === undefined ? 0 : (px - frame.clientWidth / 2) / scale;
    const dy = py === undefined ? 0 : (py - frame.clientHeight / 2) / scale;
    const w = Math.min(view.home.w * 3, Math.max(view.home.w / 200, view.box.w * factor)), f = w / view.box.w;
    const cx = view.box.x + view.box.w / 2 + dx * (1 - f), cy = view.box.y + view.box.h / 2 + dy * (1 - f);
    view.box = { x: cx - w / 2, y: cy - view.box.h * f / 2, w, h: view.box.h * f };
    view.set();
  };
  view.pan = (dx, dy) => { view.box.x += dx; view.box.y += dy; view.set(); };

  const keys = {
    "+": () => view.zoom(1 / 1.25), "=": () => view.zoom(1 / 1.25), "-": () => view.zoom(1.25), "0": () => view.whole(),
    ArrowLeft: () => view.pan(-view.box.w / 10, 0), ArrowRight: () => view.pan(view.box.w / 10, 0),
    ArrowUp: () => view.pan(0, -view.box.h / 10), ArrowDown: () => view.pan(0, view.box.h / 10),
  };
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !keys[event.key]) { return; }
    keys[event.key]();
    event.preventDefault();
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) { return; } // plain wheel scrolls the page
    event.preventDefault();
    const edge = frame.getBoundingClientRect();
    view.zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, event.clientX - edge.left, event.clientY - edge.top);
  }, { passive: false });

  let drag = null;
  frame.addEventListener("pointerdown", (event) => { drag = event; view.moved = false; });
  window.addEventListener("pointermove", (event) => {
    if (!drag) { return; }
    const dx = event.clientX - drag.clientX, dy = event.clientY - drag.clientY, scale = view.scale();
    if (!view.moved && Math.abs(dx) + Math.abs(dy) < 4) { return; }
    view.moved = true;
    view.pan(-dx / scale, -dy / scale);
    drag = event;
  });
  ["pointerup", "pointercancel"].forEach((name) => window.addEventListener(name, () => { drag = null; }));
  window.addEventListener("beforeprint", () => view.whole());
  return view;
};

page.all(".view.still").forEach((frame) => page.frame(frame).show());
