#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run and audit end to end: what they write, their exit codes, and what bad input leaves behind.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}
demo=$ASSAY_SOURCE_DIR/audit/demo
short='In the beginning'

npy ids.npy '<i4' '(3,)' 05 00 00 00 06 00 00 00 07 00 00 00
npy beyond.npy '<i4' '(2,)' 05 00 00 00 ff ff 00 00
npy negative.npy '<i4' '(2,)' 05 00 00 00 ff ff ff ff
npy matrix.npy '<i4' '(1, 2)' 05 00 00 00 06 00 00 00
npy none.npy '<i4' '(0,)'
npy real.npy '<f4' '(1,)' 00 00 80 3f

# run
expect_exit 'run says something by itself' 0 "$assay" run demo --tokens ids.npy
expect_line 'run counts tokens' '^3 tokens'
expect_exit 'run writes logits' 0 "$assay" run demo --tokens ids.npy --logits logits.npy
expect_exit 'run in chunks' 0 "$assay" run demo --tokens ids.npy --chunk 2 --logits chunked.npy
expect_exit 'chunks do not change the bits' 0 cmp logits.npy chunked.npy
expect_exit 'run writes taps' 0 "$assay" run demo --tokens ids.npy --taps taps
expect_exit 'a tap of the contract' 0 test -f taps/layers.0.self_attn.scores.npy
expect_exit 'the last tap is the logits' 0 cmp taps/lm_head.npy logits.npy
expect_exit 'run continues a text' 0 "$assay" run demo --text "$short" --generate 4
expect_line 'and prints it' "^$short"
expect_exit 'binary64 recipe' 0 "$assay" run demo --tokens ids.npy --recipe binary64 --logits same.npy
expect_exit 'is the reference, bit for bit' 0 cmp logits.npy same.npy
# Stochastic modes: a draw is that of the element's place, of its array and of the seed.
cat >random.json <<'EOF'
{"assay_recipe": 1, "rules": [
  {"tap": "*_proj", "in": "e4m3", "weight": "mxfp8_e4m3", "acc": "exact@operand:bfloat16", "out": "bfloat16", "round": "sr"},
  {"tap": "*", "in": "bfloat16", "weight": "bfloat16", "acc": "exact", "out": "bfloat16", "round": "sra:bits=8"}]}
EOF
run_random() { "$assay" run demo --tokens ids.npy --recipe random.json "$@"; }
expect_exit 'stochastic recipe' 0 run_random --logits r.npy
expect_exit 'in chunks, on one thread' 0 run_random --logits s.npy --chunk 1 --threads 1
expect_exit 'the same bits' 0 cmp r.npy s.npy
expect_exit 'without vectors' 0 run_random --logits s.npy --isa baseline
expect_exit 'the same bits' 0 cmp r.npy s.npy
expect_exit 'another seed' 0 run_random --logits s.npy --seed 1
expect_exit 'other bits' 1 cmp r.npy s.npy
sed 's/"sr"/"sr+ef"/' random.json >ef.json
expect_error 'no error feedback' 2 'rules\[0\].round' "$assay" run demo --tokens ids.npy --recipe ef.json
sed 's/bits=8/bits=99/' random.json >bits.json
expect_error 'bits' 2 'rules\[1\].round' "$assay" run demo --tokens ids.npy --recipe bits.json

expect_error 'a token beyond the vocabulary' 2 'beyond.npy: token 1 is 65535' "$assay" run demo --tokens beyond.npy
expect_error 'a negative token' 2 'negative.npy: token 1 is -1' "$assay" run demo --tokens negative.npy
expect_error 'tokens of two dimensions' 2 'matrix.npy' "$assay" run demo --tokens matrix.npy
expect_error 'no tokens' 2 'none.npy' "$assay" run demo --tokens none.npy
expect_error 'tokens that are floats' 2 'real.npy' "$assay" run demo --tokens real.npy
expect_error 'no such model' 2 'nowhere/config.json: No such file' "$assay" run nowhere --tokens ids.npy
expect_error 'neither tokens nor text' 2 'give one of' "$assay" run demo
expect_error 'both' 2 'give one of' "$assay" run demo --tokens ids.npy --text x
expect_error 'unknown recipe' 2 'nope' "$assay" run demo --tokens ids.npy --recipe nope
expect_error 'unknown backend' 2 'emulated' "$assay" run demo --tokens ids.npy --backend nope
expect_error 'text that is not UTF-8' 2 'text' "$assay" run demo --text "$(printf 'a\377')"
expect_error 'unwritable logits' 2 'nowhere/l.npy' "$assay" run demo --tokens ids.npy --logits nowhere/l.npy
expect_error 'unwritable taps' 2 'nowhere/taps' "$assay" run demo --tokens ids.npy --taps nowhere/taps
expect_error 'taps into a file' 2 'ids.npy' "$assay" run demo --tokens ids.npy --taps ids.npy

mkfifo pipe
cat pipe >/dev/null &
expect_exit 'a pipe is written to' 0 "$assay" run demo --tokens ids.npy --logits pipe
expect_exit 'and stays a pipe' 0 test -p pipe
expect_error 'a continuation beyond the last position' 2 'max_position_embeddings' "$assay" run demo --tokens ids.npy --generate 300
expect_error 'two outputs, one of them unwritable' 2 'nowhere/taps' "$assay" run demo --tokens ids.npy --logits both.npy --taps nowhere/taps
expect_exit 'leave nothing behind' 1 test -e both.npy

# a model with one thing wrong
copy() { # leaves the demo model in the directory `model`
    rm -rf model
    mkdir model
    cp "$demo/config.json" "$demo/tokenizer.json" "$demo/model.safetensors" model/
}
copy
expect_exit 'the demo as a directory' 0 "$assay" run model --tokens ids.npy --logits copy.npy
expect_exit 'gives the same bits' 0 cmp logits.npy copy.npy
broken() { # NAME PATTERN: what is in `model` now is refused with that text
    expect_error "$1" 2 "$2" "$assay" run model --tokens ids.npy --logits broken.npy
    expect_exit "$1: nothing is left behind" 1 test -e broken.npy
}
sed -i 's/"vocab_size"/"vocab_sized"/' model/config.json
broken 'a misspelt key' 'config.json.*vocab_size'
copy && sed -i 's/^{/{ "logit_softcap": 30,/' model/config.json
broken 'an unknown key' 'config.json.*logit_softcap'
expect_exit '--allow-key lets it pass' 0 "$assay" run model --tokens ids.npy --allow-key logit_softcap --logits allowed.npy
copy && sed -i 's/"num_hidden_layers": [0-9]*/"num_hidden_layers": 99/' model/config.json
broken 'more layers than weights' 'num_hidden_layers is 99'
copy && sed -i 's/"num_hidden_layers": [0-9]*/"num_hidden_layers": 1/' model/config.json
broken 'fewer layers than weights' 'not part of this architecture'
copy && sed -i 's/"intermediate_size": [0-9]*/"intermediate_size": 7/' model/config.json
broken 'another width' 'model.safetensors.*mlp'
copy && : >model/config.json
broken 'an empty config' 'config.json: is empty'
copy && rm model/model.safetensors
broken 'no weights' 'model.safetensors'
copy && head -c 1000000 "$demo/model.safetensors" >model/model.safetensors
broken 'truncated weights' 'model.safetensors'
copy && : >model/model.safetensors
broken 'empty weights' 'model.safetensors'
copy && printf '\377\377\377\177' | dd of=model/model.safetensors bs=1 conv=notrunc seek=$(($(stat -c %s model/model.safetensors) - 4)) 2>/dev/null
broken 'a weight that is NaN' 'model.safetensors'
copy && rm model/tokenizer.json
expect_exit 'tokens need no tokenizer' 0 "$assay" run model --tokens ids.npy --logits untold.npy
expect_error 'text does' 2 'model: has no tokenizer.json' "$assay" run model --text "$short"
copy && echo '{}' >model/tokenizer.json
broken 'an empty tokenizer' 'tokenizer.json'

# audit
audit() { "$assay" audit demo --text "$short" --greedy 3 "$@"; }
expect_exit 'audit' 0 audit --recipe fp8 --out one
for file in report.html report.json report.md junit.xml tensors.csv digests.txt run.json; do
    expect_exit "audit writes $file" 0 test -s one/$file
done
expect_exit 'audit again, on one thread' 0 audit --recipe fp8 --out two --threads 1
rm -f one/run.json two/run.json
expect_exit 'byte-identical reports' 0 diff -r one two
expect_exit 'binary64' 0 audit --recipe binary64 --out zero
expect_line 'drifts by nothing' 'KL 0 nat (max 0)'
expect_exit 'a recipe is the default one' 0 audit --out default --quiet
tail -n +2 default/tensors.csv >rows.csv
expect_exit 'and drifts by nothing either' 1 grep -v '^[^,]*,[^,]*,[^,]*,[^,]*,0,0,' rows.csv
copy
expect_exit 'a candidate directory' 0 "$assay" audit demo model --tokens ids.npy --greedy 2 --out candidate
expect_error 'another architecture' 2 config "$assay" audit demo nowhere --tokens ids.npy --out other

echo '{"assay_budget": 1, "rules": [{"metric": "kl_mean", "max": 10}, {"tap": "*", "metric": "local_rel_l2", "max": 1}]}' >loose.json
echo '{"assay_budget": 1, "rules": [{"metric": "kl_mean", "max": 0}]}' >tight.json
echo '{"assay_budget": 1, "rules": [{"tap": "decoder.*", "metric": "max_abs", "max": 1}]}' >nothing.json
expect_exit 'within budget' 0 audit --recipe fp8 --budget loose.json --out within
expect_line 'says so' 'within budget'
expect_exit 'over budget' 1 audit --recipe fp8 --budget tight.json --out over
expect_line 'says so, too' 'OVER BUDGET'
expect_exit 'and still writes the report' 0 grep -q '"status": "fail"' over/report.json
expect_exit 'with a failure for CI' 0 grep -q '<failure' over/junit.xml
expect_error 'a budget that checks nothing' 2 'nothing.json: rules\[0\].tap' audit --budget nothing.json --out x
echo '{"assay_budget": 1, "rules": [{"metric": "ppl_delta", "max": 1}]}' >ppl.json
npy one.npy '<i4' '(1,)' 05 00 00 00
expect_exit 'a perplexity of nothing is not within budget' 1 "$assay" audit demo --tokens one.npy --recipe fp8 --budget ppl.json --out ppl
mkdir -p mixed/report.md
expect_error 'a directory in the way of a file' 2 'mixed/report.md' audit --recipe fp8 --out mixed
expect_exit 'no file is put beside it' 1 test -e mixed/report.json
expect_error 'a missing budget' 2 'nope.json' audit --budget nope.json --out x
expect_error 'no --out' 2 'out' audit
expect_error 'an unwritable --out' 2 'nowhere/x' audit --out nowhere/x
expect_error '--out is a file' 2 'ids.npy' audit --out ids.npy
echo '{"assay_recipe": 1, "rules": [{"tap": "layers.*"}]}' >partial.json
expect_error 'a tap without a rule' 2 'partial.json.*embed_tokens' audit --recipe partial.json --out x
expect_exit 'failures leave nothing behind' 1 test -e x

printf 'In the beginning\n\n\nAnd God said\n' >corpus.txt
printf '{"text": "In the beginning"}\n{"text": "And God said"}\n' >corpus.jsonl
expect_exit 'a corpus of text' 0 "$assay" audit demo --corpus corpus.txt --greedy 2 --recipe fp8 --out text
expect_exit 'a corpus of JSON lines' 0 "$assay" audit demo --corpus corpus.jsonl --greedy 2 --recipe fp8 --out lines
expect_exit 'has the same documents' 0 cmp text/digests.txt lines/digests.txt
: >empty.txt
expect_error 'an empty corpus' 2 'empty.txt' "$assay" audit demo --corpus empty.txt --out x
printf '{"txt": 1}\n' >bad.jsonl
expect_error 'a line without text' 2 'bad.jsonl.*text' "$assay" audit demo --corpus bad.jsonl --out x
# stopped in the middle
stopped() {
    "$assay" audit demo --corpus demo --recipe fp8 --out stopped &
    job=$!
    while kill -0 $job 2>/dev/null && ! ls -d stopped.partial.* >/dev/null 2>&1; do sleep 0.1; done
    kill -TERM $job
    wait $job
}
expect_exit 'an audit that is stopped' 143 stopped
expect_exit 'leaves nothing behind' 1 test -e stopped
expect_exit 'no partial output anywhere' 1 sh -c 'ls | grep [.]partial[.]'
check_end
