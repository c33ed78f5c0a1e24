(() => {
  const narrow = matchMedia("(max-width: 40rem)");
  const label = () => {
    if (!narrow.matches) return;
    for (const table of document.querySelectorAll("table.data:not(.cards)")) {
      if (!table.tHead) continue;
      const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells].map((head) => head.textContent.trim());
      for (const body of table.tBodies) {
        for (const row of body.rows) {
          for (const cell of row.cells) {
            if (cell.tagName === "TD" && row.cells.length === heads.length) cell.dataset.label = heads[cell.cellIndex];
          }
        }
      }
      table.classList.add("cards");
    }
  };
  label();
  narrow.addEventListener("change", label);
})();
