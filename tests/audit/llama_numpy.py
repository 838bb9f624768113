#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forward pass of a Hugging Face LLaMA directory in NumPy float64: an oracle.

    python3 llama_numpy.py MODEL_DIR IDS.npy LOGITS.npy [TAPS_DIR]

MODEL_DIR has config.json and model.safetensors. IDS.npy is a one-dimensional
integer array, taken as it is (nothing is prepended). LOGITS.npy receives the
logits [tokens, vocab]. TAPS_DIR, if given, receives intermediate results as
NAME.npy, all float64 and [tokens, width] with heads side by side:

    embed               after the embedding
    layerN.attn_norm    input of the q, k and v projections
    layerN.q layerN.k   after the rotary embedding
    layerN.v
    layerN.attn         input of the output projection
    layerN.attn_out     output of the output projection
    layerN.resid_mid    residual stream after attention
    layerN.mlp_norm     input of the gate and up projections
    layerN.gate layerN.up
    layerN.mlp          silu(gate) * up, input of the down projection
    layerN.mlp_out      output of the down projection
    layerN.resid        residual stream after the layer
    final_norm          input of the unembedding

It shares no code with Assay and needs NumPy only. Everything is read, cast to
float64 and computed there; the attention softmax subtracts the row maximum.
"""

import json
import os
import struct
import sys

import numpy as np


def widen_bf16(raw):
    """bfloat16 is the upper half of a float32."""
    return (raw.astype(np.uint32) << 16).view(np.float32)


READERS = {
    "F64": ("<f8", None),
    "F32": ("<f4", None),
    "F16": ("<f2", None),
    "BF16": ("<u2", widen_bf16),
}


def read_safetensors(path):
    """All tensors of a safetensors file, as float64."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(length))
        data = f.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype, convert = READERS[entry["dtype"]]
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], dtype=dtype)
        if convert:
            array = convert(array)
        tensors[name] = array.astype(np.float64).reshape(entry["shape"])
    return tensors


def rms_norm(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def silu(x):
    # exp(-|x|) never overflows.
    e = np.exp(-np.abs(x))
    return x * np.where(x >= 0, 1.0, e) / (1.0 + e)


def rotary(x, theta):
    """Half-split rotary embedding of x [tokens, heads, dim]: pairs (i, i + dim/2)."""
    tokens, _, dim = x.shape
    half = dim // 2
    frequency = theta ** (-2.0 * np.arange(half) / dim)
    angle = np.arange(tokens)[:, None, None] * frequency
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def attention(q, k, v):
    """Causal grouped-query attention over [tokens, heads, dim]."""
    tokens, heads, dim = q.shape
    group = heads // k.shape[1]
    future = np.triu(np.ones((tokens, tokens), dtype=bool), 1)
    out = np.empty((tokens, heads, dim))
    for h in range(heads):
        scores = q[:, h] @ k[:, h // group].T / np.sqrt(dim)
        scores[future] = -np.inf
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        out[:, h] = weights @ v[:, h // group]
    return out


def check(config):
    """Refuse what this file does not compute, rather than compute it wrongly."""
    assert config["model_type"] == "llama", config["model_type"]
    assert config.get("hidden_act", "silu") == "silu"
    assert not config.get("attention_bias") and not config.get("mlp_bias")
    assert config.get("rope_scaling") is None
    heads = config["num_attention_heads"]
    assert heads % config.get("num_key_value_heads", heads) == 0


def forward(config, tensors, ids, tap=lambda name, value: None):
    """Logits [tokens, vocab]; tap is called with every intermediate result."""
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    eps = config["rms_norm_eps"]
    theta = config.get("rope_theta", 10000.0)
    tokens = len(ids)
    # A tied model may store either of the two names.
    embed = tensors.get("model.embed_tokens.weight")
    unembed = tensors.get("lm_head.weight")
    if config.get("tie_word_embeddings"):
        embed = unembed if embed is None else embed
        unembed = embed
    flat = lambda y: y.reshape(tokens, -1)

    x = embed[ids]
    tap("embed", x)
    for n in range(config["num_hidden_layers"]):
        w = lambda name: tensors[f"model.layers.{n}.{name}.weight"]
        project = lambda h, name: h @ w(name).T

        h = rms_norm(x, w("input_layernorm"), eps)
        tap(f"layer{n}.attn_norm", h)
        q = rotary(project(h, "self_attn.q_proj").reshape(tokens, heads, -1), theta)
        k = rotary(project(h, "self_attn.k_proj").reshape(tokens, kv_heads, -1), theta)
        v = project(h, "self_attn.v_proj").reshape(tokens, kv_heads, -1)
        tap(f"layer{n}.q", flat(q))
        tap(f"layer{n}.k", flat(k))
        tap(f"layer{n}.v", flat(v))
        h = flat(attention(q, k, v))
        tap(f"layer{n}.attn", h)
        h = project(h, "self_attn.o_proj")
        tap(f"layer{n}.attn_out", h)
        x = x + h
        tap(f"layer{n}.resid_mid", x)

        h = rms_norm(x, w("post_attention_layernorm"), eps)
        tap(f"layer{n}.mlp_norm", h)
        gate, up = project(h, "mlp.gate_proj"), project(h, "mlp.up_proj")
        tap(f"layer{n}.gate", gate)
        tap(f"layer{n}.up", up)
        h = silu(gate) * up
        tap(f"layer{n}.mlp", h)
        h = project(h, "mlp.down_proj")
        tap(f"layer{n}.mlp_out", h)
        x = x + h
        tap(f"layer{n}.resid", x)
    x = rms_norm(x, tensors["model.norm.weight"], eps)
    tap("final_norm", x)
    return x @ unembed.T


def main(argv):
    if len(argv) not in (4, 5):
        sys.exit(__doc__.split("\n\n")[1].strip())
    with open(os.path.join(argv[1], "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    check(config)
    tensors = read_safetensors(os.path.join(argv[1], "model.safetensors"))
    ids = np.load(argv[2])
    assert ids.ndim == 1 and ids.size and np.issubdtype(ids.dtype, np.integer)
    assert 0 <= ids.min() and ids.max() < config["vocab_size"]

    tap = lambda name, value: None
    if len(argv) == 5:
        os.makedirs(argv[4], exist_ok=True)
        tap = lambda name, value: np.save(os.path.join(argv[4], name + ".npy"), value)
    np.save(argv[3], forward(config, tensors, ids, tap))


if __name__ == "__main__":
    main(sys.argv)
