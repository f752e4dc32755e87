# Sourced by tools/demo and tools/test from the root of the tree: build PRESET [targets].
build() {
  local preset=$1 log status=0
  shift
  log=$(mktemp)
  cmake --preset "$preset" >"$log" 2>&1 || status=$?
  if [ $status -eq 0 ]; then
    echo "building preset $preset (the first time takes some minutes, with ccache seconds)"
    if [ -t 1 ]; then
      cmake --build --preset "$preset" ${1:+--target "$@"} || status=$?
    else
      cmake --build --preset "$preset" ${1:+--target "$@"} >"$log" 2>&1 || status=$?
    fi
  fi
  if [ $status -ne 0 ]; then
    grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)' "$log" | tail -60 >&2
    echo "build of preset $preset failed" >&2
  fi
  rm -f "$log"
  return $status
}
