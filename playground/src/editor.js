// The editor: YAML with completion and descriptions from the schema, and problems where they are.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import schemaDocument from "schema";
import { element } from "./dom.js";
import { Schema, pathAt } from "./schema.js";

const schema = new Schema(schemaDocument);

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: [tags.string, tags.content], color: "var(--string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--atom)" },
  { tag: tags.comment, color: "var(--comment)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--muted)" },
]);

function complete(context) {
  const before = context.state.doc.sliceString(0, context.pos);
  const { path, value, word } = pathAt(before);
  if (path === null || word === null || (!context.explicit && word === "" && value === null)) return null;
  const from = context.pos - word.length;
  if (value !== null) {
    const options = schema.values([...path, value]).map((it) => ({ label: it.value, type: "enum", info: it.description }));
    return options.length > 0 ? { from, options, validFor: /^[\w.-]*$/ } : null;
  }
  const options = schema.names(path).map((it) => ({
    label: it.name,
    type: "property",
    detail: it.required ? "required" : it.types.join(" or "),
    info: () => element("div", { class: "about" }, it.description),
    apply: `${it.name}: `,
    boost: it.required ? 1 : 0,
  }));
  return options.length > 0 ? { from, options, validFor: /^[\w$-]*$/ } : null;
}

const describe = hoverTooltip((view, position) => {
  const line = view.state.doc.lineAt(position);
  const word = view.state.wordAt(position);
  if (!word || !/^["']?\s*:/.test(line.text.slice(word.to - line.from))) return null;
  const before = view.state.doc.sliceString(0, word.to);
  const { path } = pathAt(before);
  const about = path && schema.about([...path, view.state.sliceDoc(word.from, word.to)]);
  if (!about?.description) return null;
  return { pos: word.from, end: word.to, above: true, create: () => ({ dom: element("div", { class: "about" }, about.description) }) };
});

/** Makes the editor; `changed` is called after each change of its text. */
export function makeEditor(parent, changed) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: "",
      extensions: [
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        highlightSelectionMatches(),
        yaml(),
        indentUnit.of("  "),
        syntaxHighlighting(colours),
        autocompletion({ override: [complete] }),
        describe,
        lintGutter(),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Configuration in YAML", spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((update) => update.docChanged && changed()),
      ],
    }),
  });
  return {
    view,
    text: () => view.state.doc.toString(),
    set(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 }, scrollIntoView: true });
    },
    /** Shows findings in the text. */
    mark(findings) {
      view.dispatch(setDiagnostics(view.state, findings.map((finding) => diagnostic(view.state, finding))));
    },
    /** Puts the cursor where a finding is. */
    goTo(finding) {
      const { from } = diagnostic(view.state, finding);
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
  };
}

function diagnostic(state, { line, column, text, code }) {
  const at = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
  // Columns count characters, positions halves of the longer ones.
  const before = [...at.text].slice(0, column - 1).join("");
  const from = Math.min(at.from + before.length, at.to);
  const rest = /^("[^"]*"|'[^']*'|[^\s:,{}[\]]+|.)/.exec(at.text.slice(from - at.from));
  return {
    from,
    to: Math.min(from + (rest ? rest[0].length : 0), at.to),
    severity: code ? "warning" : "error",
    source: code ?? undefined,
    message: text,
  };
}
