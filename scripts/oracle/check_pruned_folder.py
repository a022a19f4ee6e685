# SPDX-License-Identifier: Apache-2.0
"""Checks that transformers can do with a pruned folder what it can do with any Llama, and prints one line per check.

    check_pruned_folder.py PRUNED [--dense DENSE --plan PLAN.json]

With --dense and --plan the logits and generated tokens are also compared with the dense model's, its removed units
masked.
The folder's own modelling code is executed. Exits 1 at the first check that fails. Runs on transformers 4.57 and later.
"""

import argparse
import copy
import json
import logging
import pathlib
import pickle
import sys
import tempfile

import torch
import transformers
from pruned_logits import mask
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

WIDTHS = ("num_attention_heads", "num_key_value_heads", "intermediate_size")


def check(name, holds):
    if not holds:
        sys.exit(f"failed: {name}")
    print(f"ok: {name}")


def load(folder, auto=AutoModelForCausalLM, dtype=torch.float32, **options):
    return auto.from_pretrained(folder, trust_remote_code=True, dtype=dtype, **options).eval()


def widths(config, raw):
    """Whether every layer's configuration is what config.json says."""
    for index in range(raw["num_hidden_layers"]):
        layer = config.layer_config(index)
        overrides = raw["per_layer_config"].get(str(index), {})
        if any(getattr(layer, key) != overrides.get(key, raw[key]) for key in WIDTHS):
            return False
    return True


def check_configuration(config, raw):
    copies = {
        "to_dict": type(config).from_dict(json.loads(json.dumps(config.to_dict()))),
        "to_json_string": type(config).from_dict(json.loads(config.to_json_string())),
        "deepcopy": copy.deepcopy(config),
        "pickle": pickle.loads(pickle.dumps(config)),
    }
    for name, again in copies.items():
        check(f"configuration survives {name}", widths(again, raw))
    check("metadata is kept", config.to_dict().get("pruned_by") == raw.get("pruned_by"))


def generated(model, ids, **options):
    return model.generate(ids[:1], max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0, **options)


@torch.no_grad()
def check_inference(folder, model, ids):
    expected = model(ids).logits
    tolerance = 1e-5 * expected.abs().max() + 1e-5
    for name in ("eager", "sdpa"):
        model.set_attn_implementation(name)
        check(f"{name} attention", (model(ids).logits - expected).abs().max() < tolerance)
    half = ids.shape[1] // 2
    first = model(ids[:, :half], use_cache=True)
    second = model(ids[:, half:], past_key_values=first.past_key_values)
    check("key-value cache", (second.logits - expected[:, half:]).abs().max() < tolerance)
    plain = generated(model, ids, use_cache=False)
    check("generation with a dynamic cache", torch.equal(generated(model, ids), plain))
    static = generated(model, ids, cache_implementation="static", disable_compile=True)
    check("generation with a static cache", torch.equal(static, plain))
    for dtype in ("auto", torch.bfloat16):
        difference = load(folder, dtype=dtype)(ids).logits.float() - expected
        check(f"dtype {dtype}", difference.abs().max() < 0.1 * expected.abs().max())
    hidden = load(folder, AutoModel)(ids).last_hidden_state
    check("AutoModel", torch.allclose(hidden, model.model(ids).last_hidden_state, atol=tolerance))
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(f"{saved}/one")
        load(f"{saved}/one").save_pretrained(f"{saved}/two", max_shard_size="200KB")
        check("save and load twice", torch.equal(load(f"{saved}/two")(ids).logits, model(ids).logits))
    return expected


def check_training(folder, ids):
    model = load(folder).train()
    results = []
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.zero_grad()
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        results.append((loss.item(), torch.stack([weight.grad.norm() for weight in model.parameters()])))
    check("gradient checkpointing", torch.allclose(results[0][1], results[1][1], rtol=1e-4))
    torch.optim.SGD(model.parameters(), lr=1e-3).step()
    check("a training step lowers the loss", model(input_ids=ids, labels=ids, use_cache=False).loss < results[0][0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--dense", help="the dense folder")
    parser.add_argument("--plan", type=pathlib.Path, help="plan.json")
    arguments = parser.parse_args()
    if (arguments.dense is None) != (arguments.plan is None):
        parser.error("--dense and --plan go together")
    transformers.logging.disable_progress_bar()

    messages = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger("transformers").addHandler(handler)
    raw = json.loads((arguments.folder / "config.json").read_text())
    try:
        model = load(arguments.folder)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"failed: {arguments.folder} does not load: {str(error).splitlines()[0]}")
    check(f"transformers {transformers.__version__} loads {type(model).__name__}, without a warning", not messages)
    transformers.logging.set_verbosity_error()
    tied = model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    check("tied output head", tied == raw["tie_word_embeddings"])
    check("widths of every layer", widths(model.config, raw))
    check_configuration(model.config, raw)
    ids = torch.randint(raw["vocab_size"], (2, 24), generator=torch.Generator().manual_seed(0))
    expected = check_inference(arguments.folder, model, ids)
    check_training(arguments.folder, ids)
    config = AutoConfig.from_pretrained(arguments.folder, trust_remote_code=True)
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(config, trust_remote_code=True)
    shapes = [{key: value.shape for key, value in each.state_dict().items()} for each in (empty, model)]
    check("from_config", shapes[0] == shapes[1])
    if arguments.dense:
        dense = load(arguments.dense)
        mask(dense, json.loads(arguments.plan.read_text()))
        with torch.no_grad():
            difference = (dense(ids).logits - expected).abs().max()
        check(f"logits of the masked dense model ({difference:.1e})", difference < 1e-5 * expected.abs().max() + 1e-5)
        check("generated tokens of the masked dense model", torch.equal(generated(dense, ids), generated(model, ids)))


main()
