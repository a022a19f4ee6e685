# SPDX-License-Identifier: Apache-2.0
"""Logits of a model folder from transformers, in float32 with eager attention: what Swift tests compare against.

    pruned_logits.py FOLDER IDS.json [--out LOGITS.safetensors] [--reload]
    pruned_logits.py DENSE IDS.json --plan PLAN.json     the dense model without the units that the plan does not keep

IDS.json is a list of token ids or a list of such lists. Prints one JSON document; `logits` is
[sequence, token, vocabulary], left out with --out, whose file holds `logits.I` [token, vocabulary] for each sequence I.

With --plan the columns of o and down that belong to removed units are set to zero, which takes the units out of the
model exactly: the logits are those that the folder pruned by that plan must have.

--reload also saves the model, loads what was saved, and compares; then generates eight tokens with and without the
cache.

The folder's own modelling code is executed: use it on folders that you made. Exits 1, with one line, when the weights
on disk and the model's do not match name for name and shape for shape, or when a comparison fails.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM


def load(folder):
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            folder,
            trust_remote_code=True,
            dtype=torch.float32,
            attn_implementation="eager",
            ignore_mismatched_sizes=True,  # listed below instead
            output_loading_info=True,
        )
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"pruned_logits: {folder} does not load: {str(error).splitlines()[0]}")
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info.get(kind):
            names = ", ".join(sorted(map(str, info[kind]))[:3])
            sys.exit(f"pruned_logits: {folder}: {kind.replace('_', ' ')}: {names}")
    return model.eval()


@torch.no_grad()
def mask(model, plan):
    """Zeroes what removed units contribute. `plan["layers"][l]` lists the kept units of layer l."""
    for layer, kept in zip(model.model.layers, plan["layers"], strict=True):
        attention = layer.self_attn
        units = attention.k_proj.out_features // attention.head_dim
        for linear, count, keep in (
            (attention.o_proj, units, kept["attention"]),
            (layer.mlp.down_proj, layer.mlp.down_proj.in_features, kept["mlp"]),
        ):
            removed = torch.ones(count, dtype=torch.bool)
            removed[keep] = False
            linear.weight[:, removed.repeat_interleave(linear.in_features // count)] = 0


@torch.no_grad()
def logits(model, sequences):
    return [model(torch.tensor([sequence])).logits[0] for sequence in sequences]


def check_reload(model, sequences, expected):
    """Saves, loads and compares; then generates. Returns the generated ids of the first sequence."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        for index, again in enumerate(logits(load(folder), sequences)):
            if not torch.equal(again, expected[index]):
                sys.exit(f"pruned_logits: sequence {index} has other logits after saving and loading")
    prompt = torch.tensor([sequences[0]])
    options = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    cached, plain = (model.generate(prompt, use_cache=cache, **options)[0].tolist() for cache in (True, False))
    if cached != plain:
        sys.exit("pruned_logits: generation with the key-value cache differs from generation without it")
    return cached[len(sequences[0]) :]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("ids", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="write the logits here instead of printing them")
    parser.add_argument("--plan", type=pathlib.Path, help="plan.json: mask the units that it does not keep")
    parser.add_argument("--reload", action="store_true", help="also save, load again, compare and generate")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    sequences = json.loads(arguments.ids.read_text())
    if sequences and isinstance(sequences[0], int):
        sequences = [sequences]
    model = load(arguments.folder)
    if arguments.plan:
        mask(model, json.loads(arguments.plan.read_text()))
    result = logits(model, sequences)
    document = {"transformers": transformers.__version__, "model": type(model).__name__}
    if arguments.reload:
        document["generated"] = check_reload(model, sequences, result)
    if arguments.out:
        save_file({f"logits.{index}": value.contiguous() for index, value in enumerate(result)}, arguments.out)
    else:
        document["logits"] = [value.tolist() for value in result]
    print(json.dumps(document))


if __name__ == "__main__":
    main()
