"""`python -m spa_auth.cli` is `spa-auth`."""

from spa_auth.cli import main

main()
