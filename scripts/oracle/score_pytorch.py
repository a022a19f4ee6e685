# SPDX-License-Identifier: Apache-2.0
"""NIRVANA's unit scores in plain PyTorch: one backward pass through the whole model, in one process.

    score_pytorch.py FOLDER INPUT [--objective max-logit] [--accumulation signed] [--scores OUT.safetensors] ...

INPUT is a .safetensors file with `input_ids` [sequence, token], or a text, which the folder's tokenizer turns into
--sequences × --length tokens. Prints one JSON document: f, tokens per second of scoring, peak resident memory.

This is the procedure of the paper's code (S = |∂f/∂w · w|, summed over each unit's slices), and the baseline that
Benchmarks prints beside Espalier. The whole batch's logits are too large to hold (32 × 128 × 128,256 floats are 2.1 GB,
and their gradient as much again), so --microbatch sequences (default 1) are run at a time, and PyTorch adds up the
gradients. f is a mean over sequences, so the result is the same. Gradients have the model's type: with --dtype bfloat16
the sum is rounded at each step.

Scores are written as Espalier writes them: `layers.N.attention` [key-value head] and `layers.N.mlp` [neuron], float32.
"""

import argparse
import json
import pathlib
import resource
import sys
import time

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def read_ids(arguments):
    """int64 [sequence, token], cut to --sequences × --length."""
    if arguments.input.suffix == ".safetensors":
        ids = load_file(arguments.input)["input_ids"].long()
        return ids[: arguments.sequences, : arguments.length]
    count, length = arguments.sequences or 32, arguments.length or 128
    text = arguments.input.read_text(encoding="utf-8")
    ids = AutoTokenizer.from_pretrained(arguments.folder)(text, add_special_tokens=False)["input_ids"]
    if len(ids) < count * length:
        sys.exit(f"score_pytorch: {arguments.input} has {len(ids)} tokens, fewer than {count} x {length}")
    return torch.tensor(ids[: count * length]).view(count, length)


def objective(name, logits, ids, sequences):
    """This microbatch's share of f, the mean over all `sequences`."""
    if name == "max-logit":
        return logits.max(dim=1).values.float().mean(dim=1).sum() / sequences
    targets = ids[:, 1:].flatten()
    entropy = torch.nn.functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), targets, reduction="sum")
    return entropy / (sequences * (ids.shape[1] - 1))


def row_saliency(linear):
    """|∂f/∂w · w| summed over each row, the bias included: [out]."""
    rows = (linear.weight.grad.float() * linear.weight.float()).abs().sum(1)
    return rows if linear.bias is None else rows + (linear.bias.grad.float() * linear.bias.float()).abs()


def column_saliency(linear):
    """|∂f/∂w · w| summed over each column, without the bias, which belongs to no unit: [in]."""
    return (linear.weight.grad.float() * linear.weight.float()).abs().sum(0)


@torch.no_grad()
def unit_scores(model):
    """Scores of the gradients at hand: a key-value head has the rows and columns of its query heads too."""
    scores = {}
    for index, layer in enumerate(model.model.layers):
        attention, mlp = layer.self_attn, layer.mlp
        units = attention.k_proj.out_features // attention.head_dim
        rows = (row_saliency(part) for part in (attention.q_proj, attention.k_proj, attention.v_proj))
        heads = sum(row.view(units, -1).sum(1) for row in rows)
        scores[f"layers.{index}.attention"] = heads + column_saliency(attention.o_proj).view(units, -1).sum(1)
        scores[f"layers.{index}.mlp"] = (
            row_saliency(mlp.gate_proj) + row_saliency(mlp.up_proj) + column_saliency(mlp.down_proj)
        )
    return scores


def score(model, ids, arguments):
    """(f, scores) of all sequences."""
    model.zero_grad(set_to_none=True)
    step = 1 if arguments.accumulation == "absolute" else arguments.microbatch
    value, scores = 0.0, {}
    for batch in ids.split(step):
        share = objective(arguments.objective, model(batch, use_cache=False).logits, batch, len(ids))
        share.backward()
        value += share.item()
        if arguments.accumulation == "absolute":
            for name, more in unit_scores(model).items():
                scores[name] = scores[name] + more if name in scores else more
            model.zero_grad(set_to_none=True)
    return value, scores or unit_scores(model)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("input", type=pathlib.Path)
    parser.add_argument("--objective", choices=("max-logit", "loss"), default="max-logit")
    parser.add_argument("--accumulation", choices=("signed", "absolute"), default="signed")
    parser.add_argument("--sequences", type=int)
    parser.add_argument("--length", type=int)
    parser.add_argument("--threads", type=int, help="PyTorch's threads")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--microbatch", type=int, default=1, help="sequences in one forward pass")
    parser.add_argument("--no-warm-up", action="store_true", help="time the first sequence's one-off costs too")
    parser.add_argument("--scores", type=pathlib.Path, help="write the unit scores to this file")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    ids = read_ids(arguments)
    model = AutoModelForCausalLM.from_pretrained(
        arguments.folder, trust_remote_code=True, dtype=getattr(torch, arguments.dtype)
    ).eval()
    if not 0 <= ids.min() <= ids.max() < model.config.vocab_size:
        sys.exit(f"score_pytorch: {arguments.input} has tokens outside the vocabulary of {model.config.vocab_size}")
    if not arguments.no_warm_up:
        score(model, ids[:1], arguments)
    start = time.perf_counter()
    value, scores = score(model, ids, arguments)
    seconds = time.perf_counter() - start
    if arguments.scores:
        metadata = {"criterion": "ntk", "objective": arguments.objective, "accumulation": arguments.accumulation}
        save_file({name: unit.contiguous() for name, unit in scores.items()}, arguments.scores, metadata)
    # Linux counts the resident set in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    document = {
        "f": value,
        "sequences": ids.shape[0],
        "length": ids.shape[1],
        "threads": torch.get_num_threads(),
        "dtype": arguments.dtype,
        "microbatch": arguments.microbatch,
        "seconds": seconds,
        "tokens_per_second": ids.numel() / seconds,
        "peak_resident_bytes": peak,
        "torch": torch.__version__,
    }
    print(json.dumps(document))


main()
