# SPDX-License-Identifier: Apache-2.0
"""Llama whose layers have their own number of heads and MLP width, for checkpoints that Espalier has pruned.

The modules and the arithmetic are transformers' own; only the constructors differ from the stock ones, which give every
layer the global widths. A layer with 0 heads has no attention, a layer of width 0 no MLP: nothing is left of the branch
and its norm but the bias of its last projection, in models that have one. Tried with transformers 4.57.1 and 5.23.0.
"""

import copy

import torch
from torch import nn
from transformers import (
    LlamaForCausalLM,
    LlamaForQuestionAnswering,
    LlamaForSequenceClassification,
    LlamaForTokenClassification,
    LlamaModel,
)
from transformers.models.llama.modeling_llama import (
    LlamaDecoderLayer,
    LlamaPreTrainedModel,
    LlamaRMSNorm,
    LlamaRotaryEmbedding,
)

from .configuration_espalier_llama import EspalierLlamaConfig


class OutputBias(nn.Module):
    """A projection of nothing: its bias, or zero without one."""

    def __init__(self, hidden_size: int, bias: bool):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(hidden_size)) if bias else None

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        nothing = torch.zeros_like(hidden_states)
        return nothing if self.bias is None else nothing + self.bias


class NoAttention(nn.Module):
    """Stands where a layer without attention would have it. It leaves the layer's place in the cache empty."""

    def __init__(self, config: EspalierLlamaConfig):
        super().__init__()
        self.o_proj = OutputBias(config.hidden_size, config.attention_bias)

    def forward(self, hidden_states: torch.Tensor, **_) -> tuple[torch.Tensor, None]:
        return self.o_proj(hidden_states), None


class NoMLP(nn.Module):
    """Stands where a layer without an MLP would have it."""

    def __init__(self, config: EspalierLlamaConfig):
        super().__init__()
        self.down_proj = OutputBias(config.hidden_size, config.mlp_bias)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.down_proj(hidden_states)


def decoder_layer(config: EspalierLlamaConfig, index: int) -> LlamaDecoderLayer:
    """Layer `index`, a stock layer whose branches without a unit are taken out."""
    own = config.layer_config(index)
    has_attention, has_mlp = own.num_attention_heads > 0, own.intermediate_size > 0
    if not (has_attention and has_mlp):
        # The stock constructor divides by the number of heads; what it makes for 1 is replaced below.
        own = copy.copy(own)
        if not has_attention:
            own.num_attention_heads = own.num_key_value_heads = 1
        if not has_mlp:
            own.intermediate_size = 1
    layer = LlamaDecoderLayer(own, index)
    if has_attention:
        # At every call attention asks its configuration which implementation to use. Sharing the model's own lets a
        # later set_attn_implementation(), or vLLM's choice, reach it.
        layer.self_attn.config = config
    else:
        layer.self_attn, layer.input_layernorm = NoAttention(config), nn.Identity()
    if not has_mlp:
        layer.mlp, layer.post_attention_layernorm = NoMLP(config), nn.Identity()
    return layer


class EspalierLlamaModel(LlamaModel):
    """The decoder without an output head."""

    config_class = EspalierLlamaConfig

    def __init__(self, config: EspalierLlamaConfig):
        LlamaPreTrainedModel.__init__(self, config)
        self.padding_idx = config.pad_token_id
        self.vocab_size = config.vocab_size
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, self.padding_idx)
        self.layers = nn.ModuleList(decoder_layer(config, index) for index in range(config.num_hidden_layers))
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


class EspalierLlamaForSequenceClassification(LlamaForSequenceClassification):
    """The decoder with a head that classifies a text by its last token. Loaded from a language model, the head is new."""

    config_class = EspalierLlamaConfig

    def __init__(self, config: EspalierLlamaConfig):
        LlamaPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.model = EspalierLlamaModel(config)
        self.score = nn.Linear(config.hidden_size, config.num_labels, bias=False)
        self.post_init()


class EspalierLlamaForTokenClassification(LlamaForTokenClassification):
    """The decoder with a head that classifies each token. Loaded from a language model, the head is new."""

    config_class = EspalierLlamaConfig

    def __init__(self, config: EspalierLlamaConfig):
        LlamaPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.model = EspalierLlamaModel(config)
        dropout = getattr(config, "classifier_dropout", None)
        self.dropout = nn.Dropout(0.1 if dropout is None else dropout)
        self.score = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class EspalierLlamaForQuestionAnswering(LlamaForQuestionAnswering):
    """The decoder with a head that marks where an answer begins and ends. Loaded from a language model, the head is new.

    The stock class calls the decoder `transformer`, and so finds none of a language model's weights; here it is `model`.
    """

    config_class = EspalierLlamaConfig
    base_model_prefix = "model"

    def __init__(self, config: EspalierLlamaConfig):
        LlamaPreTrainedModel.__init__(self, config)
        self.model = EspalierLlamaModel(config)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.post_init()


__all__ = [
    "EspalierLlamaForCausalLM",
    "EspalierLlamaForQuestionAnswering",
    "EspalierLlamaForSequenceClassification",
    "EspalierLlamaForTokenClassification",
    "EspalierLlamaModel",
]
