// PyScript's default hook for workers needs eval. This page has no worker, so it runs under a policy without eval.
import { hooks } from "./pyscript/core.js";

hooks.worker.onBeforeRunAsync.clear();
