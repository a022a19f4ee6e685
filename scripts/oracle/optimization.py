# SPDX-License-Identifier: Apache-2.0
"""What PyTorch's Adam and AdamW, transformers' cosine schedule and PyTorch's clipping do to small numbers.

    optimization.py OUT.json        writes Tests/Fixtures/optimization/pytorch.json

The gradients are drawn once and stand in the file; everything is float32, as in Swift.
"""

import json
import sys

import torch
from transformers import get_cosine_schedule_with_warmup

COUNT, STEPS = 5, 40


def numbers(tensor):
    return [float(value) for value in tensor.reshape(-1)]


def optimizer(kind, start, gradients, **settings):
    parameter = torch.nn.Parameter(start.clone())
    optimizer = kind([parameter], **settings)
    trace = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        trace.append(numbers(parameter.detach()))
    return {"settings": settings, "parameters": trace}


def schedule(warm_up, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.25)
    scheduler = get_cosine_schedule_with_warmup(optimizer, warm_up, steps)
    rates = []
    for _ in range(steps):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"warm_up": warm_up, "steps": steps, "rates": rates}


def clipped(gradient, limit):
    parameter = torch.nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_([parameter], limit)
    return {"gradient": numbers(gradient), "limit": limit, "norm": float(norm), "clipped": numbers(parameter.grad)}


def main():
    torch.manual_seed(7)
    start = torch.randn(COUNT)
    # Of sizes from 1e-4 to 10, some steps without any.
    gradients = [torch.randn(COUNT) * torch.tensor([1e-4, 1e-2, 0.1, 1, 10]) for _ in range(STEPS)]
    gradients[11] = torch.zeros(COUNT)
    result = {
        "start": numbers(start),
        "gradients": [numbers(gradient) for gradient in gradients],
        "runs": {
            "adam": optimizer(torch.optim.Adam, start, gradients, lr=0.1),
            "adamw": optimizer(torch.optim.AdamW, start, gradients, lr=0.02, weight_decay=0.3),
            "betas": optimizer(
                torch.optim.AdamW, start, gradients, lr=0.01, betas=[0.8, 0.95], eps=1e-3, weight_decay=0.01
            ),
        },
        "schedules": [schedule(w, s) for w, s in ((0, 10), (5, 30), (1, 2), (7, 7), (12, 8))],
        "clips": [clipped(gradients[3], limit) for limit in (0.01, 1.0, 1e3)] + [clipped(torch.zeros(3), 1.0)],
    }
    with open(sys.argv[1], "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


main()
