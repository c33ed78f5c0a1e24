const pictured = (() => {
  const PAINT = ["fill", "stroke", "font-family"], SCALE = 2, PAD = 16;
  const drawn = (chart) => {
    const copy = chart.cloneNode(true), {width, height} = chart.viewBox.baseVal;
    copy.classList.add("on-paper");
    chart.after(copy);
    for (const one of [copy, ...copy.querySelectorAll("*")])
      for (const name of PAINT) one.setAttribute(name, getComputedStyle(one).getPropertyValue(name));
    copy.remove();
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    [["width", width], ["height", height]].forEach(([name, value]) => copy.setAttribute(name, value));
    const picture = new Image(width, height);
    picture.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
    return picture.decode().then(() => picture);
  };
  const lines = (brush, text, room) => text.split(/(?<=[\s\u3000-\u9fff])/).reduce((all, word) => {
    if (all.length && brush.measureText(all.at(-1) + word).width <= room) all.push(all.pop() + word);
    else all.push(word);
    return all;
  }, []);
  return (exhibit, chart) => drawn(chart).then((picture) => {
    const canvas = document.createElement("canvas"), brush = canvas.getContext("2d"), size = 22;
    const font = `600 ${size}px ${getComputedStyle(exhibit).fontFamily}`;
    brush.font = font;
    const title = lines(brush, exhibit.querySelector(".title").textContent, picture.width - 2 * PAD);
    const top = PAD + title.length * size * 1.3;
    [canvas.width, canvas.height] = [picture.width * SCALE, (top + picture.height) * SCALE];
    brush.scale(SCALE, SCALE);
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, canvas.width, canvas.height);
    [brush.fillStyle, brush.font] = ["#1f2933", font];
    title.forEach((line, place) => brush.fillText(line, PAD, PAD + (place + .8) * size * 1.3));
    brush.drawImage(picture, 0, top, picture.width, picture.height);
    return new Promise((done) => canvas.toBlob((blob) => done(URL.createObjectURL(blob)), "image/png"));
  });
})();
