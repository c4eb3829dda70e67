"""Lines for developers, with the Console API."""

from spa_auth.browser._js import js


class WebConsole:
    """The port `Console` over console.info and console.error."""

    def info(self, text: str) -> None:
        """Write a line, by console.info."""
        js.console.info(text)

    def error(self, error: BaseException) -> None:
        """Write an error with its traceback, by console.error; tracebacks here show no values."""
        import traceback

        js.console.error("".join(traceback.format_exception(error)))
