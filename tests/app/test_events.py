"""How the page's events are sent, so that nothing a visitor does on a slow server is lost."""

import inspect

from app.words.language import LANGUAGES


def reads_the_event(function) -> bool:
    told = [str(one.annotation) for one in inspect.signature(function).parameters.values()]
    return any("EventData" in each or "SelectData" in each for each in told)


def test_nothing_that_a_visitor_does_meanwhile_is_lost(built):
    glue = [one for one in built.fns.values() if one.fn is not None and not one.queue]
    assert len(glue) > 60
    told = {one.trigger_mode for one in glue if reads_the_event(one.fn)}
    assert told == {"multiple"}
    # Only what starts a run is not done twice.
    once = {one.fn.__qualname__ for one in glue if one.trigger_mode == "once"}
    assert once == {"RunFlow.wait"}


def test_an_event_that_the_model_answers_is_never_sent_again_with_the_first_ones_data(built):
    queued = [one for one in built.fns.values() if one.fn is not None and one.queue]
    assert any(reads_the_event(one.fn) for one in queued)
    assert not [
        one for one in queued if reads_the_event(one.fn) and one.trigger_mode == "always_last"
    ]


def test_what_an_opened_tab_shows_is_asked_for_at_once_and_not_tab_by_tab(built):
    events = built.fns.values()
    opens = [one._id for one in events if getattr(one.fn, "__name__", "") == "open_tab"]
    assert len(opens) == len(LANGUAGES)
    for at in opens:
        asked = [one.fn.__name__ for one in events if one.trigger_after == at]
        assert sorted(asked) == ["address", "draw"]
