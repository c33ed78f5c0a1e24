(() => {
  const order = new Intl.Collator(document.documentElement.lang, {numeric: true});
  const key = (row, place) => {
    const cell = row.cells[place], given = cell.dataset.key, shown = cell.textContent.trim();
    return given !== undefined ? given : shown === "–" ? "" : shown;
  };
  const compare = (a, b) => (a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : order.compare(a, b));
  for (const table of document.querySelectorAll("table.sortable")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) continue;
    for (const head of table.tHead.rows[0].cells) {
      if (head.classList.contains("as-is")) continue;
      const place = head.cellIndex, button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort"), first = head.classList.contains("num") ? "descending" : "ascending";
        const now = !was ? first : was === "ascending" ? "descending" : "ascending";
        const known = rows.filter((row) => key(row, place) !== ""), blank = rows.filter((row) => key(row, place) === "");
        known.sort((a, b) => compare(key(a, place), key(b, place)) * (now === "ascending" ? 1 : -1));
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", now);
        table.tBodies[0].append(...known, ...blank);
      });
    }
  }
})();
