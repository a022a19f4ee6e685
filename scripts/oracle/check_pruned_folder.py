# SPDX-License-Identifier: Apache-2.0
"""Checks that transformers can do with pruned folders what it can do with any Llama, and prints one line per check.

    check_pruned_folder.py PRUNED... [--dense DENSE --plan PLAN.json]
    check_pruned_folder.py --list FOLDERS.json

With --dense and --plan the logits and generated tokens are also compared with the dense model's, its removed units
masked. FOLDERS.json is a list of {"folder": PRUNED}, each with "dense" and "plan" if wanted, and with "ids", lists of
token ids, and "logits", a file that gets `logits.I` [token, vocabulary] for each of them.

Folders of the layout `per-layer` are loaded with their own modelling code, which is executed, others with the stock
classes alone. Exits 1 at the first check that fails. Runs on transformers 4.57 and later.
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
from pruned_logits import logits, mask
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

WIDTHS = ("num_attention_heads", "num_key_value_heads", "intermediate_size")

MESSAGES = []


class Folder:
    """A folder, its config.json, and how it is loaded."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.raw = json.loads((self.path / "config.json").read_text())
        self.is_native = "auto_map" not in self.raw

    def check(self, name, holds):
        if not holds:
            sys.exit(f"failed: {self.path}: {name}")
        print(f"ok: {name}")

    def load(self, auto=AutoModelForCausalLM, dtype=torch.float32, path=None, **options):
        """The model; with output_loading_info also what was missing."""
        options |= {"dtype": dtype, "trust_remote_code": not self.is_native}
        try:
            return auto.from_pretrained(path or self.path, **options)
        except Exception as error:  # of whatever kind: newer releases have their own for configurations
            text = " ".join(str(error).split())
            sys.exit(f"failed: {path or self.path} does not load as {auto.__name__}: {text}")

    def widths(self, index):
        """What config.json says of a layer."""
        overrides = self.raw.get("per_layer_config", {}).get(str(index), {})
        return {key: overrides.get(key, self.raw[key]) for key in WIDTHS}

    def agrees(self, config):
        """Whether every layer's configuration is what config.json says."""
        for index in range(self.raw["num_hidden_layers"]):
            layer = config if self.is_native else config.layer_config(index)
            if any(getattr(layer, key) != value for key, value in self.widths(index).items()):
                return False
        return True

    def has_modules(self, model):
        """Whether every layer's matrices have the widths of config.json."""
        for index, layer in enumerate(model.model.layers):
            wanted, head = self.widths(index), self.raw["head_dim"]
            heads, shared, width = (wanted[key] for key in WIDTHS)
            if heads and layer.self_attn.q_proj.out_features != heads * head:
                return False
            if heads and layer.self_attn.k_proj.out_features != shared * head:
                return False
            if width and layer.mlp.down_proj.in_features != width:
                return False
        return len(model.model.layers) == self.raw["num_hidden_layers"]


def check_configuration(folder, config):
    copies = {
        "to_dict": type(config).from_dict(json.loads(json.dumps(config.to_dict()))),
        "to_json_string": type(config).from_dict(json.loads(config.to_json_string())),
        "deepcopy": copy.deepcopy(config),
        "pickle": pickle.loads(pickle.dumps(config)),
    }
    for name, again in copies.items():
        folder.check(f"configuration survives {name}", folder.agrees(again))
    folder.check("metadata is kept", config.to_dict().get("pruned_by") == folder.raw.get("pruned_by"))


def generated(model, ids, **options):
    return model.generate(ids[:1], max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0, **options)


@torch.no_grad()
def check_inference(folder, model, ids):
    expected = model(ids).logits
    tolerance = 1e-5 * expected.abs().max() + 1e-5
    for name in ("eager", "sdpa"):
        model.set_attn_implementation(name)
        folder.check(f"{name} attention", (model(ids).logits - expected).abs().max() < tolerance)
    half = ids.shape[1] // 2
    first = model(ids[:, :half], use_cache=True)
    second = model(ids[:, half:], past_key_values=first.past_key_values)
    folder.check("key-value cache", (second.logits - expected[:, half:]).abs().max() < tolerance)
    plain = generated(model, ids, use_cache=False)
    folder.check("generation with a dynamic cache", torch.equal(generated(model, ids), plain))
    static = generated(model, ids, cache_implementation="static", disable_compile=True)
    folder.check("generation with a static cache", torch.equal(static, plain))
    for dtype in ("auto", torch.bfloat16, torch.float16):
        difference = folder.load(dtype=dtype)(ids).logits.float() - expected
        folder.check(f"dtype {dtype}", difference.abs().max() < 0.1 * expected.abs().max())
    hidden = folder.load(AutoModel)(ids).last_hidden_state
    folder.check("AutoModel", torch.allclose(hidden, model.model(ids).last_hidden_state, atol=tolerance))
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(f"{saved}/one")
        folder.load(path=f"{saved}/one").save_pretrained(f"{saved}/two", max_shard_size="200KB")
        again = folder.load(path=f"{saved}/two")
        folder.check("save and load twice", torch.equal(again(ids).logits, model(ids).logits))
    return expected


def check_training(folder, ids):
    model = folder.load().train()
    results = []
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.zero_grad()
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        results.append((loss.item(), torch.stack([weight.grad.norm() for weight in model.parameters()])))
    folder.check("gradient checkpointing", torch.allclose(results[0][1], results[1][1], rtol=1e-4))
    torch.optim.SGD(model.parameters(), lr=1e-3).step()
    lowered = model(input_ids=ids, labels=ids, use_cache=False).loss < results[0][0]
    folder.check("a training step lowers the loss", lowered)


def check_heads(folder, language_model, ids):
    """The classes of other tasks: the decoder's weights with a head that is new, forward, backward, saved and loaded."""
    labels = {
        "AutoModelForSequenceClassification": {"labels": torch.tensor([1])},
        "AutoModelForTokenClassification": {"labels": ids[:1] % 3},
        "AutoModelForQuestionAnswering": {"start_positions": torch.tensor([1]), "end_positions": torch.tensor([3])},
    }
    for name, wanted in labels.items():
        if folder.is_native and "Question" in name:
            continue  # The stock class calls the decoder `transformer` and finds no weights of a language model.
        auto = getattr(transformers, name)
        options = {} if "Question" in name else {"num_labels": 3}
        torch.manual_seed(0)
        model, info = folder.load(auto, output_loading_info=True, **options)
        is_new = all(key.split(".")[0] in ("score", "qa_outputs") for key in info["missing_keys"])
        folder.check(f"{name}: the head alone is new", is_new and info["missing_keys"] and not info["mismatched_keys"])
        both = zip(model.model.state_dict().values(), language_model.model.state_dict().values(), strict=True)
        folder.check(f"{name}: the decoder is the language model's", all(torch.equal(*pair) for pair in both))
        model.eval()(input_ids=ids[:1], **wanted).loss.backward()
        gradients = [weight.grad for weight in model.parameters()]
        # A classifier of the last token of one text uses every weight; nothing may be left out of the graph.
        folder.check(f"{name}: backward", all(each is not None and each.isfinite().all() for each in gradients))
        if folder.is_native:
            continue  # What stock classes save is their own affair.
        with tempfile.TemporaryDirectory() as saved, torch.no_grad():
            model.save_pretrained(saved)
            again = folder.load(auto, path=saved).eval()
            folder.check(f"{name}: saved and loaded", torch.equal(again(ids[:1])[0], model(ids[:1])[0]))


def check_folder(path, dense=None, plan=None, sequences=None, output=None):
    folder = Folder(path)
    raw = folder.raw
    transformers.logging.set_verbosity_warning()
    MESSAGES.clear()
    model, info = folder.load(output_loading_info=True)
    model.eval()
    version = transformers.__version__
    folder.check(f"transformers {version} loads {type(model).__name__}, without a warning", not MESSAGES)
    folder.check("every weight, and no other", not any(info.get(f"{kind}_keys") for kind in ("missing", "unexpected")))
    transformers.logging.set_verbosity_error()
    stock = type(model).__module__.startswith("transformers.")
    folder.check("stock class" if folder.is_native else "own class", stock == folder.is_native)
    tied = model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    folder.check("tied output head", tied == raw["tie_word_embeddings"])
    folder.check("widths of every layer", folder.agrees(model.config) and folder.has_modules(model))
    check_configuration(folder, model.config)
    ids = torch.randint(raw["vocab_size"], (2, 24), generator=torch.Generator().manual_seed(0))
    expected = check_inference(folder, model, ids)
    check_training(folder, ids)
    check_heads(folder, model, ids)
    config = AutoConfig.from_pretrained(folder.path, trust_remote_code=not folder.is_native)
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(config, trust_remote_code=not folder.is_native)
    shapes = [{key: value.shape for key, value in each.state_dict().items()} for each in (empty, model)]
    folder.check("from_config", shapes[0] == shapes[1])
    if (folder.path / "tokenizer.json").exists():
        tokens = AutoTokenizer.from_pretrained(folder.path)("Espalier prunes.")["input_ids"]
        folder.check("tokenizer", tokens and max(tokens) < raw["vocab_size"])
    if dense:
        masked = folder.load(path=dense).eval()
        mask(masked, json.loads(pathlib.Path(plan).read_text()))
        with torch.no_grad():
            difference = (masked(ids).logits - expected).abs().max()
        near = difference < 1e-5 * expected.abs().max() + 1e-5
        folder.check(f"logits of the masked dense model ({difference:.1e})", near)
        same = torch.equal(generated(masked, ids), generated(model, ids))
        folder.check("generated tokens of the masked dense model", same)
    if output:
        model.set_attn_implementation("eager")
        values = logits(model, sequences)
        save_file({f"logits.{index}": value.contiguous() for index, value in enumerate(values)}, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", metavar="PRUNED")
    parser.add_argument("--list", type=pathlib.Path, help="a JSON file of folders")
    parser.add_argument("--dense", help="the dense folder")
    parser.add_argument("--plan", help="plan.json")
    arguments = parser.parse_args()
    if (arguments.dense is None) != (arguments.plan is None):
        parser.error("--dense and --plan go together")
    listed = json.loads(arguments.list.read_text()) if arguments.list else []
    if not arguments.folders and not listed:
        parser.error("no folder is named")
    transformers.logging.disable_progress_bar()
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: MESSAGES.append(record.getMessage())
    logging.getLogger("transformers").addHandler(handler)

    for path in arguments.folders:
        print(path)
        check_folder(path, arguments.dense, arguments.plan)
    for each in listed:
        print(each["folder"])
        check_folder(each["folder"], each.get("dense"), each.get("plan"), each.get("ids"), each.get("logits"))
    print(f"transformers {transformers.__version__}: all passed, {len(arguments.folders) + len(listed)} in number")


main()
