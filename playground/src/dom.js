// Makes elements. Texts are always texts, never markup.

/** `element("p", {class: "x"}, "text", child)` */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** A share from 0 to 1 as the command line writes it. */
export function percent(share) {
  return `${Number((share * 100).toFixed(4))} %`;
}

/** `1 problem`, `2 problems`. */
export const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
