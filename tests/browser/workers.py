"""Pyodide in a worker, without PyScript: its Python says what it finds over a BroadcastChannel."""

from browser.journey import Journey
from playwright.sync_api import Page

# Modules of a blob find nothing relative, as those of PyScript's workers: so every address is whole.
_WORKER = """
import {{ loadPyodide }} from "{origin}/dist/pyodide/pyodide.mjs";
const pyodide = await loadPyodide();
pyodide.unpackArchive(await (await fetch("{origin}/dist/{wheel}")).arrayBuffer(), "wheel");
try {{
    await pyodide.runPythonAsync(`{source}`);
}} catch (error) {{
    new BroadcastChannel("said").postMessage(String(error));
}}
"""
START = """
import asyncio
import js

channel = js.BroadcastChannel.new("said")

def say(*words):
    channel.postMessage(" ".join(map(str, words)))

"""
LISTEN = """() => {
    window.said = [];
    new BroadcastChannel('said').onmessage = (event) => window.said.push(event.data);
}"""
BEGIN = """(source) => {
    const address = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
    window.worker = new Worker(address, {type: 'module'});
}"""


def worker_source(journey: Journey, source: str) -> str:
    """The JavaScript of a worker that runs this Python."""
    servers = journey.servers
    return _WORKER.format(origin=servers.origin, wheel=servers.lab.wheel, source=START + source)


def begin_worker(journey: Journey, source: str) -> None:
    """Let the page, whatever it is, begin a worker that runs this Python."""
    journey.page.evaluate(LISTEN)
    journey.page.evaluate(BEGIN, worker_source(journey, source))


def said(page: Page, number: int) -> list[str]:
    """The first lines that the worker said, when there are so many."""
    page.wait_for_function("(number) => window.said.length >= number", arg=number)
    lines: list[str] = page.evaluate("window.said")
    return lines
