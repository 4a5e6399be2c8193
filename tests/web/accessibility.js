// What a machine can see of accessibility; run in the page, returns a list of complaints.
() => {
  const wrong = [];
  const say = (element, text) => wrong.push(`${text}: ${element.outerHTML.slice(0, 120)}`);
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  // Names and structure.

  const named = (element) => {
    const ids = element.getAttribute("aria-labelledby");
    if (ids) return ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join("").trim();
    return (element.getAttribute("aria-label") ?? "").trim() || (element.labels?.[0]?.textContent ?? "").trim()
      || element.textContent.trim();
  };
  for (const element of document.querySelectorAll("button, a[href], input, select, summary, [role=button], [role=region], [role=img], [role=group], section, nav, form")) {
    if (shown(element) && !named(element)) say(element, "no name");
  }
  for (const field of document.querySelectorAll("input, select")) {
    if (!field.labels?.length) say(field, "no label");
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((each) => each === id).length > 1) wrong.push(`id ${id} twice`);
  for (const element of document.querySelectorAll("[aria-labelledby], [for]")) {
    const id = element.getAttribute("aria-labelledby") ?? element.getAttribute("for");
    if (!document.getElementById(id)) say(element, "names an id that there is not");
  }
  if (!document.documentElement.lang) wrong.push("the page has no language");
  if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) say(heading, "a level of headings is left out");
    level = next;
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) say(table, "no caption");
    for (const head of table.querySelectorAll("th")) if (!head.scope) say(head, "no scope");
  }
  for (const list of document.querySelectorAll("ul, ol")) {
    for (const child of list.children) if (child.tagName !== "LI") say(child, "no item of its list");
  }
  for (const element of document.querySelectorAll("[tabindex]")) {
    if (element.tabIndex > 0) say(element, "an order of its own");
  }
  for (const element of document.querySelectorAll("[aria-hidden=true]")) {
    if (element.querySelector("a[href], button, input, select, [tabindex='0']")) say(element, "hidden, with something to focus in it");
  }
  for (const element of document.querySelectorAll(".scroll")) {
    const isScrollable = element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight;
    if (isScrollable && element.tabIndex < 0) say(element, "scrolls, but not by keyboard");
  }

  // Contrast: 4.5 for text, 3 for large text.

  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, bottom) => [0, 1, 2].map((index) => top[index] * top[3] + bottom[index] * (1 - top[3]));
  const light = (color) => {
    const [red, green, blue] = color.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, two) => {
    const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    if (element === null) return [255, 255, 255];
    const disc = element.classList.contains("node-icon") ? element.parentElement.querySelector(".node-disc") : null;
    const color = rgba(disc ? getComputedStyle(disc).fill : getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color.slice(0, 3) : over(color, ground(element.parentElement));
  };
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join("").trim();
    if (!text || !shown(element) || element.closest(".visually-hidden, option, script, noscript") || element.disabled) continue;
    const style = getComputedStyle(element);
    const color = rgba(element instanceof SVGElement ? style.fill : style.color);
    let opacity = 1;
    for (let each = element; each; each = each.parentElement) opacity *= Number(getComputedStyle(each).opacity);
    const below = ground(element);
    const ratio = contrast(over([...color.slice(0, 3), color[3] * opacity], below), below);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 600);
    if (ratio < (isLarge ? 3 : 4.5)) say(element, `contrast ${ratio.toFixed(2)} of "${text.slice(0, 30)}"`);
  }

  // What is drawn must be told apart from the card it is drawn on.

  const card = ground(document.querySelector(".card.ring"));
  for (const [selector, property] of [[".node-disc", "stroke"], [".token-dot", "fill"], [".plot-line", "stroke"], [".lane", "stroke"], [".lane-end", "stroke"]]) {
    for (const element of document.querySelectorAll(selector)) {
      const style = getComputedStyle(element);
      const color = rgba(style[property] === "none" ? style.fill : style[property]);
      const ratio = contrast(over([...color.slice(0, 3), color[3] * Number(style.opacity)], card), card);
      if (ratio < 3) say(element, `contrast ${ratio.toFixed(2)} of a drawing`);
    }
  }
  return wrong;
}
