"use strict";
/* What the other scripts share: data, lists of elements, and printing. */
const page = {
  data: JSON.parse(document.getElementById("page-data").textContent),
  all: (selector, within) => Array.from((within || document).querySelectorAll(selector)),
  byId: (id) => document.getElementById(id),
  rowOf: (leaf) => document.querySelector(`tr[data-leaf="${leaf}"]`),
};

window.addEventListener("beforeprint", () => {
  page.all("article.card details, .card + details").forEach((box) => { box.open = true; });
});
