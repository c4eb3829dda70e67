"""How a command says that it cannot start."""


class CannotStartError(Exception):
    """The text says in words what is wrong and what to do; the command prints it and ends with code 1."""
