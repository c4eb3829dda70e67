"""`python -m spa_auth.dev_provider` is `spa-auth dev-provider`."""

import sys

from spa_auth.dev_provider.command import main

if __name__ == "__main__":
    sys.exit(main())
