"""What a browser sends reaches our own checks unopened, whatever a visitor did before."""

import asyncio
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from app.gradio_internals import hand_on

SENT = SimpleNamespace(path="/nowhere/no picture.png")


def told_nothing(demo, component):
    """The component of a visitor to whom an event has said: leave it as it is."""
    event = SimpleNamespace(
        outputs=[component],
        name="event",
        postprocess=True,
        batch=False,
        is_validator_function=False,
    )
    state = SessionState(demo)
    asyncio.run(demo.postprocess_data(event, gr.skip(), state))
    return state[component._id]


@pytest.mark.parametrize("kind", [gr.Image, gr.File, gr.JSON, gr.Textbox])
def test_a_component_hands_on_what_was_sent_also_after_an_update(kind):
    with gr.Blocks() as demo:
        component = kind()
        hand_on(component, lambda payload: payload.path)
    assert isinstance(component, kind)
    assert component.get_block_name() == kind().get_block_name()
    assert component.preprocess(SENT) == SENT.path
    again = told_nothing(demo, component)
    assert again is not component
    assert again.preprocess(SENT) == SENT.path


def test_the_pages_picture_field_is_never_opened_by_gradio(built):
    fields = [
        one
        for one in built.blocks.values()
        if isinstance(one, gr.Image) and one.elem_id == "picture"
    ]
    assert fields
    for field in fields:
        assert told_nothing(built, field).preprocess(SENT) == SENT.path


def test_nor_are_the_pictures_of_a_calibration(built):
    fields = [one for one in built.blocks.values() if isinstance(one, gr.File)]
    assert fields
    for field in fields:
        assert told_nothing(built, field).preprocess([SENT]) == [SENT.path]
