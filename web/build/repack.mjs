// Run repack.py inside Pyodide, so that the bytecode fits it.
//
//   node repack.mjs FOLDER_OF_PYODIDE SOURCE TARGET [stdlib]
//
// With "stdlib", tracebacks name the files as if they came from where Pyodide keeps its standard library.
// Prints the tag of the Python that the bytecode fits, such as cp314.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [folder, source, target, kind] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));

const { loadPyodide } = await import(pathToFileURL(join(resolve(folder), "pyodide.mjs")));
const pyodide = await loadPyodide({ indexURL: resolve(folder) });

pyodide.FS.writeFile("/tmp/source.zip", readFileSync(source));
pyodide.runPython(readFileSync(join(here, "repack.py"), "utf8"));
pyodide.globals.set("is_stdlib", kind === "stdlib");
pyodide.runPython(`
import sys
location = next(path for path in sys.path if path.endswith(".zip")) + "/" if is_stdlib else ""
compile_archive(Path("/tmp/source.zip"), Path("/tmp/target.zip"), location=location)
`);
writeFileSync(target, pyodide.FS.readFile("/tmp/target.zip"));
console.log(pyodide.runPython(`f"cp{sys.version_info.major}{sys.version_info.minor}"`));
