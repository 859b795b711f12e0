#!/bin/sh
# A checkpoint of the authors of Zero-DCE, scored on LOL, compared with our networks and converted:
# score-checkpoint.sh CHECKPOINT LOL OUT. `make checkpoint` calls it.
set -eu
checkpoint=$1 data=$2 out=$3
train=".venv-workshop/bin/python -m training"

$train evaluate "$checkpoint" --data "$data" -o "$out" --overwrite
$train compare --brief --metrics psnr,ssim,lab "$out" \
	training/results/edge training/results/edge-scene training/results/edge-tone
# Those of the report's test part are scored, others calibrate int8.
for part in validation test; do
	$train split --data "$data" --recipe authors --part $part -o "$out/$part" --overwrite
done
$train export "$checkpoint" -o "$out/authors.keras" --overwrite
.venv-workshop/bin/python -m converters "$out/authors.keras" --size 256x256 --calibration "$out/validation/low" \
	--evaluation "$out/test/low" --truth "$out/test/high" -o "$out" --overwrite
