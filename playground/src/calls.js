// Which worker answers what. The second module is loaded when it is used.

/** What a page asks from its first moment on. */
export const FIRST = ["check", "assign"];
/** What it asks when a tab is used. */
export const MORE = ["simulate", "plan", "importFile"];
