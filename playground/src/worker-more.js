// Runs the module that simulates, plans and imports in a thread of its own: a long simulation does not block the editor.
import init, * as module from "weir-more";
import { MORE } from "./calls.js";
import { serve } from "./serve.js";

serve(init, module, "weir-more.wasm", MORE);
