# SPDX-License-Identifier: Apache-2.0
"""Perplexity of a text by transformers, in float32, with the folder's own tokenizer.

    perplexity.py FOLDER TEXT [--window 1024] [--stride WINDOW] [--limit WINDOWS] [--tail] [--threads N]

The whole text is tokenised once, without special tokens unless --add-special-tokens. A window starts every `stride`
tokens. What is left at the end and fills no window is dropped, as pruning papers do; --tail adds it as a shorter
window, as the documentation of transformers does (so does a text that is shorter than one window). Each token is
predicted once: in a window that overlaps the one before, only the tokens that are new count, the others are context; a
window's first token, which has no context, never counts.

Prints one JSON document: `perplexity` = exp(mean negative log-likelihood), `tokens`, the number of predictions, and
`windows`.
"""

import argparse
import json
import math
import pathlib
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer


def windows(count, window, stride, tail):
    """(first token, end, first token that counts) of every window over `count` tokens."""
    previous = 0
    for begin in range(0, count, stride):
        end = min(begin + window, count)
        if begin and end - begin < window and not tail:
            return
        if end > max(previous, begin + 1):
            yield begin, end, max(previous, begin + 1)
        previous = end
        if end == count:
            return


@torch.no_grad()
def negative_log_likelihood(model, ids, pieces):
    """Sum over the predictions, in float64, and their number."""
    total, predictions = 0.0, 0
    for begin, end, counted in pieces:
        piece = ids[begin:end]
        logits = model(piece[None]).logits[0, counted - begin - 1 : -1].float()
        entropy = torch.nn.functional.cross_entropy(logits, piece[counted - begin :], reduction="none")
        total += entropy.double().sum().item()
        predictions += end - counted
    return total, predictions


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("--window", type=int, default=1024)
    parser.add_argument("--stride", type=int, help="tokens between the starts of windows (default: the window)")
    parser.add_argument("--limit", type=int, help="number of windows (default: all)")
    parser.add_argument("--tail", action="store_true", help="count the shorter window at the end")
    parser.add_argument("--threads", type=int, help="PyTorch's threads")
    parser.add_argument("--add-special-tokens", action="store_true", help="as the tokenizer's configuration asks")
    arguments = parser.parse_args()
    stride = arguments.stride or arguments.window
    if arguments.window < 2 or not 0 < stride <= arguments.window:
        parser.error("--window must be at least 2, and --stride between 1 and the window")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
    text = arguments.text.read_text(encoding="utf-8")
    ids = torch.tensor(tokenizer(text, add_special_tokens=arguments.add_special_tokens)["input_ids"])
    model = AutoModelForCausalLM.from_pretrained(arguments.folder, trust_remote_code=True, dtype=torch.float32).eval()
    pieces = list(windows(len(ids), arguments.window, stride, arguments.tail))[: arguments.limit]
    if not pieces:
        sys.exit(f"perplexity: {arguments.text} has no token to predict")
    total, predictions = negative_log_likelihood(model, ids, pieces)
    print(json.dumps({"perplexity": math.exp(total / predictions), "tokens": predictions, "windows": len(pieces)}))


main()
