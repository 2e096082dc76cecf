"use strict";
/* The table of parameters: search, filters, sorting, and links to single rows. */
(() => {
  const table = page.byId("parameters");
  if (!table) { return; }
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const boxes = ["search", "verdict", "module", "optimizer"].map(page.byId);
  const [search, verdict, module_, optimizer] = boxes;
  const pills = page.all("button[data-verdict]");
  let only = null;

  function fits(row, words) {
    const inside = module_ ? module_.value : "";
    const owners = row.dataset.optimizers;
    return words.every((word) => row.dataset.text.includes(word)) &&
      (!verdict.value || row.dataset.verdict === verdict.value) &&
      (!inside || row.dataset.module === inside || row.dataset.module.startsWith(inside + ".")) &&
      (!optimizer.value || (optimizer.value === "none" ? !owners : owners.split(" ").includes(optimizer.value))) &&
      (!only || only.has(row.dataset.leaf));
  }

  function filter() {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row) => {
      row.hidden = !fits(row, words);
      count += row.hidden ? 0 : 1;
    });
    page.byId("shown").textContent = `${count} of ${rows.length} shown`;
    pills.forEach((pill) => pill.setAttribute("aria-pressed", String(pill.dataset.verdict === verdict.value)));
  }

  function showAll() {
    boxes.forEach((box) => { if (box) { box.value = ""; } });
    only = null;
    filter();
  }

  function sortBy(head, column) {
    const up = head.getAttribute("aria-sort") !== "ascending";
    page.all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => {
      const text = row.cells[column].dataset.sort;
      return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
    };
    const compare = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
    rows.sort((a, b) => compare(key(a), key(b)) * (up ? 1 : -1));
    body.append(...rows);
  }

  function follow() {
    const row = rows.find((one) => "#" + one.id === decodeURIComponent(location.hash));
    if (!row) { return; }
    if (row.hidden) { showAll(); }
    row.querySelector("details").open = true;
    row.scrollIntoView({ block: "center" });
  }

  boxes.forEach((box) => box && box.addEventListener("input", filter));
  page.byId("reset").addEventListener("click", showAll);
  pills.forEach((pill) => pill.addEventListener("click", () => {
    verdict.value = verdict.value === pill.dataset.verdict ? "" : pill.dataset.verdict;
    filter();
  }));
  page.all("[data-only]").forEach((button) => button.addEventListener("click", () => {
    showAll();
    only = new Set(button.dataset.only.split(" "));
    filter();
    page.byId("parameters-title").scrollIntoView();
  }));
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = head.querySelector("button");
    if (button) { button.addEventListener("click", () => sortBy(head, column)); }
  });
  window.addEventListener("hashchange", follow);
  filter();
  follow();
})();
