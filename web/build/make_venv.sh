#!/bin/sh
# Make the virtual environment .venv with the first Python that is new enough. Called by make, from the top folder.
set -eu

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

first_suitable_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$name"; then
            echo "$name"
            return
        fi
    done
}

# Debian ships Python without what makes a virtual environment.
ensure_venv_module() {
    if "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        return
    fi
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package"
        return
    fi
    echo "This Python cannot make virtual environments. Install what is missing (Debian: apt-get install $package)" >&2
    echo "and run make again." >&2
    exit 1
}

python=$(first_suitable_python)
if [ -z "$python" ]; then
    echo "No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3 ..." >&2
    exit 1
fi
ensure_venv_module "$python"
echo "  virtual environment, with $("$python" --version) ..."
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check "hatchling>=1.27"
