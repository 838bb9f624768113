#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job on the built-in model: demo.sh [OUT], with ASSAY the command. Audits three recipes
# on the held-out text and prints what each costs and where its report is.
set -euo pipefail
out=${1:-build/demo}
mkdir -p "$out"
recipes=(bfloat16 fp8 fp4)
declare -A meaning=(
    [bfloat16]="bfloat16 weights and activations, binary32 sums"
    [fp8]="e4m3 weights and activations of every projection"
    [fp4]="mxfp4 weights of every projection, bfloat16 activations"
)
table=
for recipe in "${recipes[@]}"; do
    echo "auditing $recipe: ${meaning[$recipe]}"
    verdict=$("${ASSAY:?}" audit demo --recipe "$recipe" --corpus demo --out "$out/$recipe")
    figures=$(sed -nE 's/.*KL ([^ ]+) nat \(max ([^)]+)\), perplexity ([^ ]+) -> ([^,]+), top-1 flips ([0-9]+) \(([0-9]+) material\).*/\1 \2 \3 \4 \5 \6/p' <<<"$verdict")
    # shellcheck disable=SC2086 # six words
    table+=$(printf '%-9s %11s %10s %13s %13s %6s %8s' "$recipe" $figures)$'\n'
done
echo
printf '%-9s %11s %10s %13s %13s %6s %8s\n' recipe 'mean KL/nat' 'max KL/nat' 'reference ppl' 'candidate ppl' flips material
printf '%s\n' "$table"
for recipe in "${recipes[@]}"; do
    echo "report: $out/$recipe/report.html"
done
