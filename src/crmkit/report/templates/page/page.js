(() => {
  const button = document.getElementById("show-code");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = document.body.classList.toggle("with-code");
      button.setAttribute("aria-pressed", String(shown));
    });
  }
  const contents = document.getElementById("contents");
  if (contents && matchMedia("(max-width: 60rem)").matches) contents.open = false;
  const links = new Map([...document.querySelectorAll("#contents a")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
  if ("IntersectionObserver" in window && links.size) {
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        const link = links.get(entry.target.id);
        if (link) link.setAttribute("aria-current", "true");
      }
    }, {rootMargin: "-10% 0px -75% 0px"});
    for (const id of links.keys()) {
      const section = document.getElementById(id);
      if (section) watch.observe(section);
    }
  }
  const unfold = () => {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!named) return;
    if (named.matches(".annexed")) named.querySelector("details").open = true;
    for (let fold = named.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    named.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();
  addEventListener("beforeprint", () => document.querySelectorAll("details.fold").forEach((fold) => { fold.open = true; }));
})();
