# SPDX-License-Identifier: Apache-2.0
"""Cuts the golden values of SmolLM2-135M down to what the tests compare.

    reduce.py smollm2-135m.safetensors smollm2-135m-reduced.safetensors

Kept as they are: input_ids, loss, token_nll, every gradient's norm, and the gradients of layer 15's norms and of its key
and value projections. Of logits.first4 and logits.last4 only the first 4096 vocabulary columns are kept, under the names
logits.first4 and logits.last4. Needs safetensors and numpy.
"""

import sys

import numpy
from safetensors.numpy import load_file, save_file

COLUMNS = 4096
GRADIENTS = (
    "input_layernorm.weight",
    "post_attention_layernorm.weight",
    "self_attn.k_proj.weight",
    "self_attn.v_proj.weight",
)


def main():
    source, target = sys.argv[1:]
    tensors = load_file(source)
    kept = {name: tensors[name] for name in ("input_ids", "loss", "token_nll")}
    kept |= {name: value for name, value in tensors.items() if name.startswith("gradnorm.")}
    kept |= {name: numpy.ascontiguousarray(tensors[name][:, :COLUMNS]) for name in ("logits.first4", "logits.last4")}
    kept |= {f"grad.model.layers.15.{name}": tensors[f"grad.model.layers.15.{name}"] for name in GRADIENTS}
    save_file(kept, target)


if __name__ == "__main__":
    main()
