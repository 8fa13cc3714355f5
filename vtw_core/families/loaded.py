"""A model in memory with its processor, and its family's adapter."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from vtw_core.errors import InputError
from vtw_core.families.adapters import Adapter, decoder_layers
from vtw_core.families.layout import TokenLayout
from vtw_core.families.processing import process
from vtw_core.measures.cost import DecoderDims
from vtw_core.pictures.images import load_images

# Below this size one thread is faster than several on a shared CPU (many times so when other
# processes are busy), since the work of one matrix product is less than waking a thread.
SMALL_MODEL_PARAMETERS = 100_000_000


@cache
def _usual_threads() -> int:
    """How many threads torch takes by itself; read before any number is set."""
    import torch

    return int(torch.get_num_threads())


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model, its processor, and what its family's adapter knows.

    Attributes:
        name: the name, folder or hub id it was loaded by.
        model: the transformers model, in eval mode.
        processor: its processor.
        adapter: the facts of its family.
    """

    name: str
    model: Any
    processor: Any
    adapter: Adapter

    @property
    def layers(self) -> int:
        """L, the number of decoder layers."""
        return len(decoder_layers(self.model))

    @property
    def model_type(self) -> str:
        """transformers' name of the family."""
        return str(self.model.config.model_type)

    @property
    def device(self) -> Any:
        """The torch device that inputs belong on.

        Of a model that is spread over devices, that of the embeddings; where these are kept on the
        disk (or on the CPU for a GPU), the device that accelerate brings them to.
        """
        import torch

        where = self.model.device
        if where.type != "meta":
            return where
        return torch.device(self.model.get_input_embeddings()._hf_hook.execution_device)

    @property
    def dims(self) -> DecoderDims:
        """Sizes of the decoder."""
        return DecoderDims.from_config(self.model.config.get_text_config(decoder=True))

    @property
    def context(self) -> int:
        """Greatest number of positions, prompt and answer together."""
        return int(self.model.config.get_text_config(decoder=True).max_position_embeddings)

    @cached_property
    def is_small(self) -> bool:
        """Whether several threads would only slow it down."""
        return sum(p.numel() for p in self.model.parameters()) < SMALL_MODEL_PARAMETERS

    def limit_threads(self) -> None:
        """Give a small model on the CPU one torch thread, any other as many as torch began with.

        torch keeps one number for the whole process, and a thread that has worked keeps the number
        of its own: so no library function calls this. Programs do (the command line, the page), in
        the thread that runs the model, before it does.
        """
        import torch

        usual = _usual_threads()
        torch.set_num_threads(1 if self.is_small and self.device.type == "cpu" else usual)

    def inputs(self, image: Any, prompt: str) -> Any:
        """Processed inputs of one question about one image or several, on the model's device.

        Args:
            image: path or PIL image, see `load_image`; or a sequence of them, which stand in
                front of the question in that order.
            prompt: the user's text; control tokens in it are broken up.

        Returns:
            What the processor returns: input_ids [1, tokens], pixel_values, ...

        Raises:
            InputError: bad image or prompt, a picture that the processor cannot take, or a prompt
                longer than the model's context.
            ModelError: no usable chat template.
        """
        batch = process(self.processor, self.adapter, self.model.config, load_images(image), prompt)
        tokens = batch["input_ids"].shape[1]
        if tokens >= self.context:
            raise InputError(
                "Image and prompt take {tokens} tokens, the model can hold {context}; shorten "
                "the prompt.",
                tokens=tokens,
                context=self.context,
            )
        # PaliGemma's processor adds labels for training, which would cost a loss.
        batch.pop("labels", None)
        batch = batch.to(self.device)
        batch["pixel_values"] = batch["pixel_values"].to(self.model.dtype)
        return batch

    def layout(self, inputs: Any) -> TokenLayout:
        """The layout of processed inputs; see `TokenLayout.from_inputs`."""
        return TokenLayout.from_inputs(self.model, inputs)
