(() => {
  for (const table of document.querySelectorAll("table.listing")) {
    table.querySelectorAll("thead th[data-sort]").forEach((head) => {
      const place = head.cellIndex, button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending", body = table.tBodies[0];
        const key = (row) => row.cells[place].dataset.key ?? row.cells[place].textContent.trim();
        const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), document.documentElement.lang, {numeric: true}));
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        body.append(...(down ? rows.reverse() : rows));
      });
    });
  }
})();
