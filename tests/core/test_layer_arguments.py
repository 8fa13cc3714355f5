"""What decoder layers are handed, whatever the release of transformers calls it."""

import pytest
import torch
from torch import nn
from transformers.modeling_outputs import CausalLMOutputWithPast

from vtw_core import ModelError
from vtw_core.families.adapters import decoder_layers
from vtw_core.hooks.layer_arguments import cache_argument, cache_of


class Newer(nn.Module):
    def forward(self, hidden_states, cache=None, **kwargs):
        return cache


class Older(nn.Module):
    def forward(self, hidden_states, past_key_values=None, **kwargs):
        return past_key_values


class Unknown(nn.Module):
    def forward(self, hidden_states, memory=None):
        return memory


@pytest.mark.parametrize("kind", [Newer, Older])
def test_a_layer_is_given_its_cache_under_the_name_that_it_has(kind):
    layer, kv_cache = kind(), object()
    assert layer(torch.ones(1), **cache_argument(layer, kv_cache)) is kv_cache


@pytest.mark.parametrize("name", ["cache", "past_key_values"])
def test_the_cache_is_found_under_either_name(name):
    kv_cache = object()
    assert cache_of({"use_cache": True, name: kv_cache}) is kv_cache
    assert cache_of({"use_cache": True, name: None}) is None


def test_the_cache_of_an_output_is_found_by_what_this_release_calls_it():
    kv_cache = object()
    name = next(
        n for n in CausalLMOutputWithPast.__dataclass_fields__ if "cache" in n or "past" in n
    )
    assert cache_of(CausalLMOutputWithPast(**{name: kv_cache})) is kv_cache
    assert cache_of(CausalLMOutputWithPast(logits=torch.ones(1))) is None


def test_a_layer_that_names_its_cache_otherwise_is_refused_in_words():
    with pytest.raises(ModelError, match="Unknown takes its KV cache under no name that is known"):
        cache_argument(Unknown(), object())


def test_every_layer_of_a_model_is_handed_its_cache(vlm, inputs):
    handed = []
    layer = decoder_layers(vlm.model)[0]
    handle = layer.register_forward_pre_hook(
        lambda module, args, kwargs: handed.append(cache_of(kwargs)), with_kwargs=True
    )
    output = vlm.model(**inputs, use_cache=True)
    handle.remove()
    assert handed == [cache_of(output)]
    assert cache_of(output).get_seq_length(0) == inputs["input_ids"].shape[1]
