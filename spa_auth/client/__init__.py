"""Ring 1: what a single-page application does to log in and to call APIs. Async; talks only to ports."""
