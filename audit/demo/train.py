#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the built-in demonstration model: a small LLaMA on the King James Bible.

This is a development tool. Assay itself needs neither Python nor PyTorch; the
files this script writes are committed. To make them again on Debian 12:

    apt-get install bible-kjv bible-kjv-text python3-venv
    /usr/bin/python3 -m venv venv
    venv/bin/pip install torch==2.2.2 'numpy<2' tokenizers==0.23.3
    OMP_NUM_THREADS=1 venv/bin/python audit/demo/train.py OUT_DIR

Debian's python3-torch (with a venv made with --system-site-packages) works as
well, at about half the speed. The default options are those of the committed
model; another machine or PyTorch rounds otherwise and so gives other weights.

OUT_DIR receives config.json, tokenizer.json, heldout.txt, model.safetensors,
training.json (what README.md quotes) and state.pt (for --resume). The model is
written at every evaluation, so a usable one exists throughout. --tokenizer-only
stops before training; --report evaluates and samples the model in OUT_DIR.

The text is read with the `bible` program of the package, so no training text is
kept here. The last nine books (Hebrews to Revelation) are held out: neither the
tokenizer nor the model sees them.
"""

import argparse
import json
import math
import os
import re
import struct
import subprocess
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

SEED = 20240229
BEGIN, END = 0, 1
HELD_OUT_BOOKS = ("Heb", "Jas", "1Pet", "2Pet", "1Jn", "2Jn", "3Jn", "Jude", "Rev")
# The passages of heldout.txt: book, chapter, first and last verse.
PASSAGES = (
    ("Heb", 11, 1, 4),
    ("Jas", 1, 2, 7),
    ("1Pet", 3, 8, 12),
    ("1Jn", 4, 7, 12),
    ("Jude", 1, 20, 25),
    ("Rev", 21, 1, 4),
)
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": BEGIN,
    "eos_token_id": END,
    "hidden_act": "silu",
    "hidden_size": 128,
    "intermediate_size": 352,
    "max_position_embeddings": 256,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 8,
    "num_hidden_layers": 4,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
    "vocab_size": 1024,
}


# ---- text ------------------------------------------------------------------


def read_verses():
    """All verses as (book, chapter, verse, text), in order."""
    lines = subprocess.run(
        ["bible", "-f", "Gen1:1-Rev22:21"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    verses = []
    for line in lines:
        book, chapter, verse, text = re.match(r"(\d?[A-Za-z]+)(\d+):(\d+) (.*)", line).groups()
        verses.append((book, int(chapter), int(verse), text.strip()))
    assert len(verses) == 31102
    return verses


def chapters_of(verses):
    """Group verses into chapters: a list of lists of verse texts."""
    chapters, last = [], None
    for book, chapter, _, text in verses:
        if (book, chapter) != last:
            chapters.append([])
            last = (book, chapter)
        chapters[-1].append(text)
    return chapters


def passages_of(verses):
    """The chosen held-out passages, each one line of prose."""
    return [
        " ".join(t for b, c, v, t in verses if b == book and c == chapter and first <= v <= last)
        for book, chapter, first, last in PASSAGES
    ]


# ---- tokenizer -------------------------------------------------------------


def train_tokenizer(chapters, path):
    """Byte-level BPE whose base alphabet is all 256 bytes, so that it encodes any text."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(
        (" ".join(c) for c in chapters),
        trainers.BpeTrainer(
            vocab_size=CONFIG["vocab_size"],
            special_tokens=["<|begin|>", "<|end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tok.post_processor = processors.TemplateProcessing(
        single="<|begin|> $A",
        pair="<|begin|> $A <|begin|>:1 $B:1",
        special_tokens=[("<|begin|>", BEGIN)],
    )
    assert tok.get_vocab_size() == CONFIG["vocab_size"]
    assert tok.token_to_id("<|begin|>") == BEGIN and tok.token_to_id("<|end|>") == END
    tok.save(path + ".tmp")
    os.replace(path + ".tmp", path)


def training_stream(tok, chapters):
    """Tokens of all chapters, <|begin|> ... <|end|> each, and where verses start."""
    ids, starts = [], []
    for verses in chapters:
        ids.append(BEGIN)
        for i, verse in enumerate(verses):
            starts.append(len(ids))
            text = verse if i == 0 else " " + verse
            ids += tok.encode(text, add_special_tokens=False).ids
        ids.append(END)
    return torch.tensor(ids), torch.tensor(starts)


# ---- model -----------------------------------------------------------------


def init_weights(cfg):
    """Normal(0, 0.02), the two matrices that feed the residual stream scaled down."""
    d, ff = cfg["hidden_size"], cfg["intermediate_size"]
    kv = d // cfg["num_attention_heads"] * cfg["num_key_value_heads"]
    layers = cfg["num_hidden_layers"]
    normal = lambda out, inp, s=0.02: torch.randn(out, inp) * s
    small = 0.02 / math.sqrt(2 * layers)
    w = {"model.embed_tokens.weight": normal(cfg["vocab_size"], d)}
    for n in range(layers):
        p = f"model.layers.{n}."
        w[p + "input_layernorm.weight"] = torch.ones(d)
        w[p + "self_attn.q_proj.weight"] = normal(d, d, 0.04)
        w[p + "self_attn.k_proj.weight"] = normal(kv, d, 0.04)
        w[p + "self_attn.v_proj.weight"] = normal(kv, d, 0.04)
        w[p + "self_attn.o_proj.weight"] = normal(d, d, small * 2)
        w[p + "post_attention_layernorm.weight"] = torch.ones(d)
        w[p + "mlp.gate_proj.weight"] = normal(ff, d, 0.04)
        w[p + "mlp.up_proj.weight"] = normal(ff, d, 0.04)
        w[p + "mlp.down_proj.weight"] = normal(d, ff, small * 2)
    w["model.norm.weight"] = torch.ones(d)
    return w


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rope_tables(cfg, length, dtype):
    """cos and sin [length, head_dim], the two halves equal as rotate_half wants them."""
    dim = cfg["hidden_size"] // cfg["num_attention_heads"]
    inv = cfg["rope_theta"] ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * inv[None, :]
    angle = torch.cat([angle, angle], -1)
    return angle.cos().to(dtype), angle.sin().to(dtype)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


def attend(q, k, v):
    """Causal attention over [batch, heads, time, dim]."""
    if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    t = q.shape[2]
    mask = torch.full((t, t), float("-inf"), dtype=q.dtype).triu(1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask
    return scores.softmax(-1) @ v


def attention(x, w, p, cfg, cos, sin):
    batch, time_, d = x.shape
    heads, kv_heads = cfg["num_attention_heads"], cfg["num_key_value_heads"]
    split = lambda y, n: y.view(batch, time_, n, -1).transpose(1, 2)
    q = rotate(split(F.linear(x, w[p + "q_proj.weight"]), heads), cos, sin)
    k = rotate(split(F.linear(x, w[p + "k_proj.weight"]), kv_heads), cos, sin)
    v = split(F.linear(x, w[p + "v_proj.weight"]), kv_heads)
    # Query head h reads key/value head h // (heads / kv_heads).
    k = k.repeat_interleave(heads // kv_heads, 1)
    v = v.repeat_interleave(heads // kv_heads, 1)
    y = attend(q, k, v).transpose(1, 2).reshape(batch, time_, d)
    return F.linear(y, w[p + "o_proj.weight"])


def forward(w, ids, cfg=CONFIG):
    """Logits [batch, time, vocab] of ids [batch, time]."""
    eps = cfg["rms_norm_eps"]
    embed = w["model.embed_tokens.weight"]
    x = F.embedding(ids, embed)
    cos, sin = rope_tables(cfg, ids.shape[1], x.dtype)
    for n in range(cfg["num_hidden_layers"]):
        p = f"model.layers.{n}."
        h = rms_norm(x, w[p + "input_layernorm.weight"], eps)
        x = x + attention(h, w, p + "self_attn.", cfg, cos, sin)
        h = rms_norm(x, w[p + "post_attention_layernorm.weight"], eps)
        gate = F.silu(F.linear(h, w[p + "mlp.gate_proj.weight"]))
        up = F.linear(h, w[p + "mlp.up_proj.weight"])
        x = x + F.linear(gate * up, w[p + "mlp.down_proj.weight"])
    return F.linear(rms_norm(x, w["model.norm.weight"], eps), embed)


# ---- files -----------------------------------------------------------------


def save_weights(w, path):
    """Write float32 safetensors: 8-byte length, JSON header padded to 8, data."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in sorted(w):
        size = w[name].numel() * 4
        header[name] = {
            "dtype": "F32",
            "shape": list(w[name].shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".tmp", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(w):
            f.write(w[name].detach().float().contiguous().numpy().tobytes())
    os.replace(path + ".tmp", path)


def load_weights(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = bytearray(f.read())
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(data, dtype=torch.float32)[
            e["data_offsets"][0] // 4 : e["data_offsets"][1] // 4
        ].view(e["shape"])
        for name, e in header.items()
    }


def write_text(path, text):
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".tmp", path)


# ---- evaluation ------------------------------------------------------------


def perplexity(w, tok, texts):
    """Perplexity per token, bits per byte and token count of texts.

    Each text is cut into windows of 255 tokens; each window is scored after a
    <|begin|> of its own. Every token but <|begin|> is scored, once.
    """
    width = CONFIG["max_position_embeddings"] - 1
    nll, tokens = 0.0, 0
    with torch.no_grad():
        for text in texts:
            ids = tok.encode(text, add_special_tokens=False).ids
            for at in range(0, len(ids), width):
                window = torch.tensor([[BEGIN] + ids[at : at + width]])
                logits = forward(w, window[:, :-1])[0]
                nll += F.cross_entropy(logits, window[0, 1:], reduction="sum").item()
                tokens += window.shape[1] - 1
    size = sum(len(t.encode()) for t in texts)
    return math.exp(nll / tokens), nll / math.log(2) / size, tokens


def sample(w, tok, prompt, count, temperature=0.8, top_k=40, seed=1):
    g = torch.Generator().manual_seed(seed)
    ids = tok.encode(prompt).ids
    with torch.no_grad():
        while len(ids) < count:
            logits = forward(w, torch.tensor([ids]))[0, -1]
            best, index = (logits / temperature).topk(top_k)
            next_id = index[torch.multinomial(best.softmax(-1), 1, generator=g)].item()
            if next_id == END:
                break
            ids.append(next_id)
    return tok.decode(ids)


def report(w, tok, held_out, passages):
    held = perplexity(w, tok, [" ".join(c) for c in held_out])
    demo = perplexity(w, tok, passages)
    return {
        "parameters": sum(t.numel() for t in w.values()),
        "heldout_books": dict(zip(("perplexity", "bits_per_byte", "tokens"), held)),
        "heldout_txt": dict(zip(("perplexity", "bits_per_byte", "tokens"), demo)),
        "samples": [sample(w, tok, p, 120) for p in ("And God said", "Now it came to pass")],
        "torch": torch.__version__,
    }


# ---- training --------------------------------------------------------------


def random_windows(stream, starts, batch):
    """Inputs and targets: <|begin|>, then the 256 tokens from a random verse start.

    Every window begins with <|begin|>, as every text does when the model is used.
    """
    width = CONFIG["max_position_embeddings"]
    starts = starts[starts + width <= len(stream)]
    at = starts[torch.randint(len(starts), (batch,))]
    tokens = stream[at[:, None] + torch.arange(width)]
    return torch.cat([torch.full((batch, 1), BEGIN), tokens[:, :-1]], 1), tokens


def learning_rate(step, args):
    """Linear warm-up, a constant stretch, then a linear decay over the last steps.

    Until the decay begins nothing depends on --steps, so a run may be stopped and
    continued with --resume and another --steps: the result is the same as that of
    one run with the later --steps.
    """
    warm = (step + 1) / args.warmup
    decay = (args.steps - step) / args.decay
    return args.lr * min(1.0, warm, decay)


def save_state(path, step, seconds, w, opt):
    """What --resume needs."""
    state = {"step": step, "seconds": seconds, "w": w, "opt": opt.state_dict()}
    torch.save({**state, "rng": torch.get_rng_state()}, path + ".tmp")
    os.replace(path + ".tmp", path)


def load_state(path, w, opt):
    state = torch.load(path)
    with torch.no_grad():
        for name, t in w.items():
            t.copy_(state["w"][name])
    opt.load_state_dict(state["opt"])
    torch.set_rng_state(state["rng"])
    return state["step"], state["seconds"]


def train(w, tok, chapters, held_out, args):
    stream, starts = training_stream(tok, chapters)
    print(f"{len(stream)} training tokens", flush=True)
    for t in w.values():
        t.requires_grad_(True)
    matrices = [t for t in w.values() if t.dim() == 2]
    gains = [t for t in w.values() if t.dim() == 1]
    opt = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}],
        betas=(0.9, 0.95),
    )
    state = os.path.join(args.out, "state.pt")
    first, before = load_state(state, w, opt) if args.resume else (0, 0.0)
    began, losses = time.time(), []
    for step in range(first, args.steps):
        for group in opt.param_groups:
            group["lr"] = learning_rate(step, args)
        x, y = random_windows(stream, starts, args.batch)
        loss = F.cross_entropy(forward(w, x).flatten(0, 1), y.flatten())
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(w.values()), 1.0)
        opt.step()
        losses.append(loss.item())
        if (step + 1) % args.every == 0 or step + 1 == args.steps:
            seconds = before + time.time() - began
            # An eighth of the held-out chapters is enough to watch progress.
            ppl, bpb, _ = perplexity(w, tok, [" ".join(c) for c in held_out[::8]])
            print(
                f"step {step + 1} loss {sum(losses) / len(losses):.4f} held-out ppl {ppl:.3f} "
                f"bits/byte {bpb:.4f} {seconds:.0f} s",
                flush=True,
            )
            losses.clear()
            save_weights(w, os.path.join(args.out, "model.safetensors"))
            save_state(state, step + 1, seconds, w, opt)
    return before + time.time() - began


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--decay", type=int, default=600, help="steps of the final decay")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--resume", action="store_true", help="continue from OUT_DIR/state.pt")
    parser.add_argument("--tokenizer-only", action="store_true")
    parser.add_argument("--report", action="store_true")
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    path = lambda name: os.path.join(args.out, name)
    os.makedirs(args.out, exist_ok=True)

    verses = read_verses()
    chapters = chapters_of(v for v in verses if v[0] not in HELD_OUT_BOOKS)
    held_out = chapters_of(v for v in verses if v[0] in HELD_OUT_BOOKS)
    passages = passages_of(verses)
    if not args.report:
        train_tokenizer(chapters, path("tokenizer.json"))
        write_text(path("config.json"), json.dumps(CONFIG, indent=2) + "\n")
        write_text(path("heldout.txt"), "\n\n".join(passages) + "\n")
    if args.tokenizer_only:
        return
    tok = Tokenizer.from_file(path("tokenizer.json"))

    seconds = None
    if args.report:
        w = load_weights(path("model.safetensors"))
    else:
        w = init_weights(CONFIG)
        seconds = train(w, tok, chapters, held_out, args)
    result = report(w, tok, held_out, passages)
    result["seed"] = SEED
    if seconds is not None:
        result["seconds"] = round(seconds)
        result["training_tokens"] = args.steps * args.batch * CONFIG["max_position_embeddings"]
        write_text(path("training.json"), json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
