(() => {
  const words = document.body.dataset, LONG = 15;
  const save = (name, href) => {
    const link = document.createElement("a");
    [link.href, link.download] = [href, name];
    link.click();
  };
  const cell = (one) => {
    const text = one.textContent.trim();

    const plain = /^[=+@\t]/.test(text) || /^-(?![\d.,])/.test(text) ? "'" + text : text;
    return /[",\n]/.test(plain) ? '"' + plain.replaceAll('"', '""') + '"' : plain;
  };
  const add = (exhibit, after, label, action) => {
    let tools = exhibit.querySelector(".tools");
    if (!tools) {
      tools = document.createElement("p");
      tools.className = "tools";
      after.after(tools);
    }
    const button = document.createElement("button");
    [button.type, button.textContent] = ["button", label];
    button.addEventListener("click", action);
    tools.append(button);
    return tools;
  };
  for (const exhibit of document.querySelectorAll("main .exhibit[id]")) {
    const table = exhibit.querySelector("table.data"), picture = exhibit.querySelector("img");
    const chart = exhibit.querySelector("svg.chart");
    if (picture) add(exhibit, picture, "PNG", () => save(exhibit.id + ".png", picture.src));
    if (chart) add(exhibit, chart.parentElement, "PNG", () => pictured(exhibit, chart).then((href) => save(exhibit.id + ".png", href)));
    if (!table || !table.tBodies[0].rows[0]) continue;
    const tools = add(exhibit, table.closest(".table-wrap"), "CSV", () => {
      const lines = [...table.rows].map((row) => [...row.cells].map(cell).join(","));
      save(exhibit.id + ".csv", URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], {type: "text/csv"})));
    });
    const rows = [...table.tBodies[0].rows];
    if (rows.length < LONG || picture || chart) continue;
    const search = document.createElement("input");
    [search.type, search.placeholder] = ["search", words.search];
    search.setAttribute("aria-label", words.search);
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLocaleLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
    });
    tools.prepend(search);
  }
})();
