# SPDX-License-Identifier: Apache-2.0
"""Llama whose layers have their own number of heads and MLP width, for checkpoints that Espalier has pruned.

The modules and the arithmetic are transformers' own; only the constructors differ from the stock ones, which give every
layer the global widths. Tried with transformers 4.57.1 and 5.23.0.
"""

from torch import nn
from transformers import LlamaForCausalLM, LlamaModel
from transformers.models.llama.modeling_llama import (
    LlamaDecoderLayer,
    LlamaPreTrainedModel,
    LlamaRMSNorm,
    LlamaRotaryEmbedding,
)

from .configuration_espalier_llama import EspalierLlamaConfig


class EspalierLlamaModel(LlamaModel):
    """The decoder without an output head."""

    config_class = EspalierLlamaConfig

    def __init__(self, config: EspalierLlamaConfig):
        LlamaPreTrainedModel.__init__(self, config)
        self.padding_idx = config.pad_token_id
        self.vocab_size = config.vocab_size
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, self.padding_idx)
        self.layers = nn.ModuleList(
            LlamaDecoderLayer(config.layer_config(index), index) for index in range(config.num_hidden_layers)
        )
        for layer in self.layers:
            # At every call attention asks its configuration which implementation to use. Sharing the model's own lets
            # a later set_attn_implementation(), or vLLM's choice, reach it.
            layer.self_attn.config = config
        self.norm = LlamaRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.rotary_emb = LlamaRotaryEmbedding(config=config)
        self.gradient_checkpointing = False
        self.post_init()


class EspalierLlamaForCausalLM(LlamaForCausalLM):
    """The decoder with its output head; `generate` and training work as in `LlamaForCausalLM`."""

    config_class = EspalierLlamaConfig

    def __init__(self, config: EspalierLlamaConfig):
        LlamaPreTrainedModel.__init__(self, config)
        self.model = EspalierLlamaModel(config)
        self.vocab_size = config.vocab_size
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()


__all__ = ["EspalierLlamaForCausalLM", "EspalierLlamaModel"]
