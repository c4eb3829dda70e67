// Print how many milliseconds Pyodide takes from nothing to the first line of Python.
//
//   node boot_time.mjs FOLDER_OF_PYODIDE

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2]);
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));

const started = performance.now();
const pyodide = await loadPyodide({ indexURL: folder });
pyodide.runPython("1 + 1");
console.log(Math.round(performance.now() - started));
