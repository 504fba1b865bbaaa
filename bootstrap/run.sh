#!/bin/sh
# Runs the set-up with any Python from 3.10 on; which one the virtual environment is made from is decided there.
cd "$(dirname "$0")/.." || exit 1
for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
        exec "$candidate" -B -m bootstrap "$@"
    fi
done
found=$(python3 --version 2>/dev/null) || found='no python3'
cat >&2 <<MESSAGE
Set-up stopped. KineCue needs CPython 3.10 to 3.13; found: $found. Install one, for example with
\`sudo apt-get install python3 python3-venv python3-dev\` (Debian 12 and 13, Ubuntu 22.04 and 24.04) or \`pyenv install 3.12\`,
or name it: \`make PYTHON=/path/to/python3.12 ...\`.
MESSAGE
exit 1
