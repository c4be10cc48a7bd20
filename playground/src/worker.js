// Runs the module that checks and decides in a thread of its own.
import init, * as module from "weir";
import { FIRST } from "./calls.js";
import { serve } from "./serve.js";

serve(init, module, "weir.wasm", FIRST);
