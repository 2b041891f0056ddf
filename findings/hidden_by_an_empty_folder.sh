#!/usr/bin/env bash
# An empty folder in the current directory hides a package that was installed editably, for `python -m package`. A regular
# installation is found: there the real package, later on the path, wins over a folder without __init__.py. An editable one is
# found by a hook of setuptools that is asked after the whole path, and an empty folder is by then a namespace package. So
# software that starts itself again by `python -m` works when it is installed, and fails for its developers in each directory
# that holds a clone of it, with whatever error the first missing name raises. `python -P -m` finds it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" --quiet --disable-pip-version-check "$@"; }
pip install setuptools==83.0.0 wheel==0.46.3

# Beside the package lies another folder, so that the editable installation needs the hook and no line of a .pth file.
mkdir -p "$folder/project/invoicing" "$folder/project/tests" "$folder/elsewhere/invoicing"
cat > "$folder/project/pyproject.toml" <<'TOML'
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "invoicing"
version = "1.0"

[tool.setuptools]
packages = ["invoicing"]
TOML
echo 'RATE = 19' > "$folder/project/invoicing/__init__.py"
echo 'from invoicing import RATE; print("the package, with a rate of", RATE)' > "$folder/project/invoicing/__main__.py"

# In the folder `elsewhere` there is an empty folder with the name of the package.
asked() { (cd "$folder/elsewhere" && "$folder/venv/bin/python" "$@" -m invoicing 2>&1 | tail -1) || true; }

"$folder/venv/bin/python" -c 'import setuptools, sys; print("python", sys.version.split()[0], "- setuptools", setuptools.__version__)'
pip install --no-build-isolation --no-deps "$folder/project"
regular=$(asked)
pip uninstall -y invoicing
pip install --no-build-isolation --no-deps -e "$folder/project"
editable=$(asked) safe=$(asked -P)
echo "installed, beside an empty folder of its name: $regular"
echo "installed editably: ${editable##*: }"
echo "installed editably, with -P: $safe"
[ "$regular" = "the package, with a rate of 19" ] && [ "$safe" = "$regular" ] && [ "$editable" != "$regular" ]
# Output seen:
#   python 3.11.7 - setuptools 83.0.0
#   installed, beside an empty folder of its name: the package, with a rate of 19
#   installed editably: cannot import name 'RATE' from 'invoicing' (unknown location)
#   installed editably, with -P: the package, with a rate of 19
