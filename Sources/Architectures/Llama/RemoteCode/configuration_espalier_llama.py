# SPDX-License-Identifier: Apache-2.0
"""Configuration of a Llama checkpoint that Espalier has pruned: its layers differ in heads and in MLP width.

`per_layer_config` maps a layer's index, written as a string, to what differs from the global values:
`{"0": {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96}}`. A layer that is not named, and
a key that is not given, have the global value, which is the dense model's. `head_dim` is explicit, the same everywhere.
A layer with 0 heads has no attention, and one with `intermediate_size` 0 has no MLP; layer 0 always has attention.

transformers 5.14 and later resolve `per_layer_config` themselves; earlier releases keep the dictionary as it was read.
"""

import copy

from transformers import LlamaConfig


class EspalierLlamaConfig(LlamaConfig):
    """A `LlamaConfig` that can tell the configuration of each layer. `model_type` stays "llama"."""

    def __init__(self, **kwargs):
        rope = kwargs.get("rope_parameters")
        if rope and not hasattr(LlamaConfig, "standardize_rope_params"):
            # transformers 4 reads only the older keys, and would silently take rope_theta = 10000 without them.
            rope = dict(kwargs.pop("rope_parameters"))
            kwargs["rope_theta"] = rope.pop("rope_theta", kwargs.get("rope_theta", 10000.0))
            kwargs["rope_scaling"] = None if rope.get("rope_type", "default") == "default" else rope
        # Set last: transformers 5 checks the global values in its constructor, and warns when they are per layer.
        per_layer_config = kwargs.pop("per_layer_config", None)
        super().__init__(**kwargs)
        if per_layer_config is not None:
            self.per_layer_config = per_layer_config

    def layer_config(self, index: int) -> LlamaConfig:
        """The configuration that layer `index` is built from: the global one with this layer's values in place."""
        per_layer = getattr(self, "per_layer_config", None)
        if per_layer is not None and not isinstance(per_layer, dict):
            return per_layer[index]
        layer = copy.copy(self)
        for key, overrides in (per_layer or {}).items():
            if int(key) == index:
                for name, value in overrides.items():
                    setattr(layer, name, value)
        return layer
