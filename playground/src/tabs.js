// Tabs as WAI-ARIA describes them: arrow keys move between them, and only the chosen one is in the order of the Tab key.

/** Connects the tabs of a list with their panels. */
export function makeTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const choose = (chosen, focus) => {
    for (const tab of tabs) {
      const is = tab === chosen;
      tab.setAttribute("aria-selected", String(is));
      tab.tabIndex = is ? 0 : -1;
      panel(tab).hidden = !is;
    }
    if (focus) chosen.focus();
  };
  const KEYS = { ArrowRight: 1, ArrowLeft: -1 };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab, false);
  });
  list.addEventListener("keydown", (event) => {
    const index = tabs.indexOf(event.target);
    if (index < 0) return;
    const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : index + (KEYS[event.key] ?? NaN);
    if (Number.isNaN(next)) return;
    event.preventDefault();
    choose(tabs[(next + tabs.length) % tabs.length], true);
  });
  return {
    chosen: () => tabs.find((tab) => tab.getAttribute("aria-selected") === "true").id.replace("tab-", ""),
    choose: (name) => {
      const tab = tabs.find((it) => it.id === `tab-${name}`);
      if (tab) choose(tab, false);
    },
  };
}
