#!/bin/sh
# `make demo`: runs the flights example in a home of its own, shows what came out, and says what to type next.
set -eu
cd "$(dirname "$0")/.."
export HEADRACE_HOME="${HEADRACE_HOME:-$PWD/.demo}"
headrace=.venv/bin/headrace

echo "A year of flights out of New York: five sources, joined and asked why planes leave late."
echo
"$headrace" run examples/flights nyc_2013
run=$("$headrace" runs list --limit 1 -o json | .venv/bin/python -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
echo
echo "What was found out:"
echo
"$headrace" runs output "$run" findings
cat <<END

Files       examples/flights/output
Home        $HEADRACE_HOME

To go on, put the command in reach and this home in its place:
  export PATH="$PWD/.venv/bin:\$PATH" HEADRACE_HOME="$HEADRACE_HOME"
then
END
try() { printf '  %-64s%s\n' "$1" "$2"; }
try "headrace runs show $run" "every block, attempt, test and output of this run"
try "headrace runs logs $run clean_flights" "what a block printed"
try "headrace runs output $run delays_by_weather" "what a block returned"
try "headrace run examples/flights nyc_2013 --from join_flights" "only what follows, on the outputs of this run"
try "headrace run examples/flights nyc_2013 --var min_flights=5000" "with a variable of your own"
try "headrace pipelines show examples/flights nyc_2013" "the graph"
try "headrace init my_project" "a project of your own"
