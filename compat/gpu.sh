#!/usr/bin/env bash
# One command for a machine with a GPU: the recitation, the tests marked gpu, the bench.
#
#     bash compat/gpu.sh
#
# Nothing is downloaded. `python3` (or $PYTHON) must have torch, jax and numpy; packages that it lacks (optree,
# say) are installed from the wheels in the folder $JAXLIKE_WHEELS, beside it and not into it. The table
# goes to compat/bench/results/ (or $RESULTS). $BENCH holds arguments for the bench, `--only jit` for instance.
set -uo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
results="${RESULTS:-compat/bench/results}"
mkdir -p "$results"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 MPLBACKEND=Agg
export XLA_PYTHON_CLIENT_PREALLOCATE=false # torch wants memory too
if [ -n "${JAXLIKE_WHEELS:-}" ]; then
    site="$(mktemp -d)"
    "$python" -m pip install -q --no-index --no-deps --no-compile --target "$site" "$JAXLIKE_WHEELS"/*.whl || exit 1
    export PYTHONPATH="$PYTHONPATH:$site"
fi
"$python" -c 'import torch, sys; sys.exit(0 if torch.cuda.is_available() else "torch sees no CUDA device")' || exit 1

failed=0
echo "== the recitation"
"$python" -m jaxlike examples/recitation.py || failed=1
echo "== tests marked gpu"
"$python" -m pytest -q -m gpu -n "${WORKERS:-6}" -p no:cacheprovider -p no:benchmark tests compat || failed=1
echo "== bench"
name="$("$python" -c 'import torch; print("cuda-" + torch.cuda.get_device_name().lower().replace(" ", "-"))')"
# shellcheck disable=SC2086
"$python" -m compat.bench ${BENCH:-} --markdown "$results/$name.md" --json "$results/$name.json" || failed=1
exit $failed
