#!/bin/sh
# From a folder of one's own photos to model files: train-own.sh PHOTOS RUN. `make train` calls it.
# Called again after an interruption it goes on.
set -eu
photos=$1 run=$2
train=".venv-workshop/bin/python -m training"

if [ -d "$photos/low" ] && [ -d "$photos/high" ]; then
	data="pairs:$photos/low,$photos/high" recipe=own-pairs start="--from edge-tone-once" size=192x128
else
	data=$photos recipe=edge-scene start="" size=256x256
fi

# First, because it tells at once if there are too few.
for part in validation train; do
	$train split --data "$data" --recipe $recipe --part $part -o "$run/$part" --overwrite
done
# shellcheck disable=SC2086 # two words, or none
$train fit --data "$data" --recipe $recipe $start --out "$run"
$train export "$run" -o "$run/own.keras" --overwrite
.venv-workshop/bin/python -m converters "$run/own.keras" --size $size \
	--calibration "$run/train/low" --evaluation "$run/validation/low" -o "$run" --overwrite

if [ $recipe = own-pairs ]; then
	against=$run/against-default
	$train evaluate training/results/edge-tone/tone.keras --pairs "$run/validation/low" "$run/validation/high" \
		-o "$against/edge-tone" --overwrite
	$train evaluate "$run" --pairs "$run/validation/low" "$run/validation/high" -o "$against/own" --overwrite
	$train compare --brief "$against/edge-tone" "$against/own"
fi
