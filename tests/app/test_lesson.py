"""The lesson's questions, judged by the runs that are shown."""

import dataclasses
import re

import gradio as gr
import numpy as np
import pytest
from built_tabs import TAB_IDS, address, guided, looked_up
from inside_runs import SIZES, run_with_inside
from small_records import small_run

from app.components.files import read
from app.components.lesson import show_step
from app.lesson import attention, choosing_k, image_and_cost
from app.lesson.progress import Progress
from app.lesson.syllabus import STEPS
from app.links.view_address import View
from app.service.service import Service, bundled_examples
from app.state import Visitor
from app.words import lesson as text
from app.words.english.share import SHARE
from vtw_core.analysis.migration import joint_curves
from vtw_core.results.run import DEFAULT_ETA

EXAMPLES = {example.name: example for example in bundled_examples()}
NUMBERED = list(enumerate(STEPS, start=1))


def run_of(step):
    return EXAMPLES[step.example or "describe"].run


def numbers_in(sentence):
    """Every number of a sentence as it is printed, without its unit."""
    return re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?:e-?\d+)?", sentence)


def by_name(name):
    return next(step for step in STEPS if step.name == name)


def answers_of(question, run):
    return range(len(question.choices) or run.layers + 1)


@pytest.mark.parametrize(("number", "step"), NUMBERED, ids=[step.name for step in STEPS])
def test_every_step_accepts_what_is_right_and_says_so_when_it_is_not(number, step):
    run = run_of(step)
    questions = step.ask(run)
    assert questions
    for question in questions:
        verdicts = [question.judge(given) for given in answers_of(question, run)]
        right = [verdict for verdict in verdicts if verdict.right]
        assert 0 < len(right) < len(verdicts), "a question needs right and wrong answers"
        assert all("{" not in verdict.because for verdict in verdicts)
        assert len(set(question.choices)) == len(question.choices)
    assert step.tab in TAB_IDS
    assert step.name in text.STEPS


@pytest.mark.parametrize(("number", "step"), NUMBERED, ids=[step.name for step in STEPS])
@pytest.mark.parametrize("size", SIZES)
def test_the_questions_can_be_asked_of_any_run_or_say_why_not(number, step, size):
    shown = show_step(Progress(step=number), Visitor(run_with_inside(**SIZES[size])))
    assert bool(shown["questions"]) is (shown["problem"] is None)
    bare = show_step(Progress(step=number), Visitor(small_run()))
    assert bool(bare["questions"]) is (step.tab not in ("sinks", "migration"))
    assert show_step(Progress(step=number), Visitor())["questions"] == []


@pytest.mark.parametrize(("number", "step"), NUMBERED, ids=[step.name for step in STEPS])
def test_a_step_drives_the_page_to_a_place_that_its_run_has(number, step):
    run = run_of(step)
    view = step.view(run, number)
    assert view == address(Service()).clamped(view, run)
    assert [view.get(name) for name in ("example", "tab", "lesson")] == [
        step.example, step.tab, number,
    ]  # fmt: skip
    assert step.view(small_run(), number)["lesson"] == number


def test_the_number_of_tokens_is_the_runs():
    run = small_run(grid=(1, 2), visual_tokens=2, text_tokens=3)
    (question,) = image_and_cost.visual_tokens(run)
    assert question.choices == ("1", "2", "3", "1,200")
    assert question.right == {1}
    assert numbers_in(question.judge(0).because) == ["1", "2", "2", "5", "40", "3"]


def test_what_is_saved_is_read_off_the_runs_flops():
    run = run_with_inside(layers=4)  # FLOPs 1 to 4, so K = 2 leaves 2.5 of 4
    (question,) = image_and_cost.cost_of_a_layer(run)
    assert question.choices == ("19%", "38%", "75%")
    assert question.judge(1).right
    assert numbers_in(question.judge(1).because) == ["4.0", "2", "4", "38", "75"]


@pytest.mark.parametrize(("decode", "right"), [(0.5, 0), (0.7, 1), (0.9, 2), (1.2, 2)])
def test_how_much_decoding_gains_is_judged_by_the_measured_times(decode, right):
    run = small_run()
    k = run.choose_k(scope="answer_max")
    assert k == 3, "this run is only kept by K = L, so its times are given at another K"
    kl = run.kl_positions.copy()
    kl[2] = 0
    prefill, steps = np.ones(4), np.ones(4)
    prefill[2], steps[2] = 0.5, decode
    seconds = dataclasses.replace(run.seconds, prefill=prefill, decode=steps)
    run = dataclasses.replace(run, kl_positions=kl, seconds=seconds)
    (question,) = image_and_cost.what_is_not_saved(run)
    assert question.right == {right}
    assert re.search(f"each further token {decode:.0%}[:;,]", question.judge(right).because)


@pytest.mark.parametrize("name", ["small_large", "describe"])
def test_the_sink_that_is_asked_for_is_the_one_that_takes_most(name):
    run = EXAMPLES[name].run
    record = run.inside.attention
    row = int((record.query_positions == run.prompt_tokens - 1).argmax())
    given = record.rows[:, row, : record.query_positions[0]].astype(float)
    layer, position = np.unravel_index(given.argmax(), given.shape)
    (question,) = attention.find_the_sink(run)
    assert attention.sink_layer(run) == layer
    assert f"layer {layer}," in question.ask
    right = next(iter(question.right))
    assert question.choices[right].endswith(f"position {position})")
    assert f"{given.max():.0%}" in question.judge(right).because


def test_a_run_that_spreads_its_attention_evenly_has_no_sink():
    run = run_with_inside()
    record = run.inside.attention
    even = np.where(record.rows > 0, 1 / run.prompt_tokens, 0)
    flat = dataclasses.replace(record, rows=even)
    run = dataclasses.replace(run, inside=dataclasses.replace(run.inside, attention=flat))
    (question,) = attention.find_the_sink(run)
    assert question.choices[next(iter(question.right))] == text.NONE_OF_THEM
    assert "no attention sink" in question.judge(0).because


@pytest.mark.parametrize("name", ["describe", "four_stars", "red_circle"])
def test_attention_and_use_are_held_against_each_other_by_the_causal_curve(name):
    run = EXAMPLES[name].run
    curves = joint_curves(run, run.inside.counterfactuals[0])
    (question,) = attention.attention_and_use(run)
    low, high = (int(layer) for layer in re.findall(r"layer (\d+)", question.ask))
    used, unused = curves.causal_kl[:-1] > DEFAULT_ETA, curves.causal_kl[:-1] <= DEFAULT_ETA
    assert used[low]
    assert unused[high]
    assert curves.visual_share[low] == curves.visual_share[used].min()
    assert curves.visual_share[high] == curves.visual_share[unused].max()
    verdict = question.judge(0)
    assert verdict.right
    wrong_way = curves.visual_share[low] < curves.visual_share[high]
    assert ("wrong way" in verdict.because) is bool(wrong_way)
    assert f"{curves.causal_kl[low]:.2g} nats" in verdict.because


def test_where_the_image_is_needed_nowhere_neither_layer_moves_the_answer():
    run = run_with_inside()
    still = [
        dataclasses.replace(test, swapped_kl=np.zeros_like(test.swapped_kl))
        for test in run.inside.counterfactuals
    ]
    run = dataclasses.replace(
        run, inside=dataclasses.replace(run.inside, counterfactuals=tuple(still))
    )
    (question,) = attention.attention_and_use(run)
    assert question.right == {2}
    assert "at most η" in question.judge(2).because


def test_a_guessed_k_is_judged_by_the_answer_that_is_seen():
    kl = np.array([9, 8, 0.5, 0.001, 0.5, 0.00041, 0.0, 0.0])[:, None]  # K* = 3, over η again at 4
    said = ((6,), (6,), (5,), (5,), (7,), (5,), (5,), (5,))  # the same from 2 on, but for 4
    run = run_with_inside(layers=7, answer=1)
    run = dataclasses.replace(run, kl_positions=kl, kl_positions_reverse=kl, answer_ids=said)
    (question,) = choosing_k.guess_k(run)
    assert question.of_k
    assert question.right == {2, 3, 5}, "up to two layers behind K*, where the answer is the same"
    assert "the answer changes" in question.judge(4).because
    assert "KL 0.5 nats" in question.judge(2).because
    assert "only 4.1e-4 nats" in question.judge(5).because
    assert "another" in question.judge(7).because
    assert all("K* = 3 of 7" in question.judge(k).because for k in range(8))


def test_a_blind_spot_is_only_claimed_where_the_numbers_show_one():
    run = small_run()  # the first token allows K = 1, the second has 1 nat there
    (question,) = choosing_k.blind_spot(run)
    assert question.right == {0}
    assert "token 2 of 2, has a KL of 1 nats" in question.judge(0).because
    one = dataclasses.replace(
        run, kl_positions=run.kl_positions[:, [0, 0]], kl_positions_reverse=run.kl_positions
    )
    assert "tells as much" in choosing_k.blind_spot(one)[0].judge(0).because


def test_breaking_it_is_judged_by_the_answer_at_k_star():
    broken = small_run(answer_ids=((5,), (6, 9), (6, 8), (6, 7)), answers=("no", "a hat", "x", "y"))
    assert "“a hat” instead of “y”" in choosing_k.try_to_break_it(broken)[0].judge(1).because
    assert choosing_k.try_to_break_it(broken)[0].right == {1}
    held = choosing_k.try_to_break_it(small_run())[0]
    assert held.right == {0}
    assert "still “a ball”" in held.judge(0).because


def test_the_five_questions_of_the_summary_can_be_told_apart_without_the_page():
    questions = by_name("summary").ask(small_run())
    assert len(questions) == 5
    progress, visitor = Progress(step=len(STEPS)), Visitor(small_run())
    for index, question in enumerate(questions):
        assert show_step(progress, visitor)["score"] is None
        wrong = next(given for given in range(3) if given not in question.right)
        progress = progress.answered(
            visitor.run, index, wrong if index == 2 else min(question.right), index != 2
        )
    progress = progress.answered(visitor.run, 2, min(questions[2].right), True)
    shown = show_step(progress, visitor)
    assert shown["score"] == {"right": 4, "count": 5}, "the first try counts"
    assert all(question["verdict"]["right"] for question in shown["questions"])


@pytest.fixture(scope="module")
def guide(service):
    return guided(service)


def answered_with(guide, sent, visitor, progress):
    held = {guide.visitor: visitor, guide.progress: progress}
    return guide.answer(held, gr.EventData(None, sent))[guide.progress]


def shown(guide, visitor, progress):
    return guide.show_lesson({guide.visitor: visitor, guide.progress: progress})


def closed_with(guide, sent, progress):
    told = guide.close({guide.progress: progress}, gr.EventData(None, sent))
    return told[guide.progress], told[guide.parts.lesson]


@pytest.mark.parametrize("sent", [None, {}, {"step": "x"}, {"step": -5}, {"query": "lesson=1"}])
def test_whatever_is_sent_the_lesson_begins_at_a_step(guide, sent):
    view, progress = looked_up(guide, sent, Visitor(), Progress())
    assert progress.step == 1
    assert view["lesson"] == 1
    assert looked_up(guide, {"step": 99}, Visitor(), Progress())[1].step == len(STEPS)


def test_a_link_to_a_step_may_say_more_than_the_step(guide):
    before, sent = Progress(), {"query": "lesson=2&k=0&tab=compare"}
    view, progress = looked_up(guide, sent, Visitor(), before)
    assert (view["k"], view["tab"], progress.step) == (0, "compare", 2)
    view, progress = looked_up(guide, {"query": "k=1"}, Visitor(), before)
    assert (view, progress.step) == (View(k=1), 0)


@pytest.mark.parametrize(
    "sent", [None, {}, {"question": 0}, {"question": 7, "given": 0}, {"question": 0, "given": 99},
             {"question": True, "given": True}, {"question": "0", "given": "1"}]
)  # fmt: skip
def test_an_answer_that_cannot_be_one_changes_nothing(guide, service, sent):
    visitor = Visitor(run=service.examples[0].run)
    progress = Progress(step=1)
    assert answered_with(guide, sent, visitor, progress) == progress
    assert answered_with(guide, {"question": 0, "given": 1}, visitor, Progress()) == Progress()


def test_another_run_asks_anew_and_what_was_answered_of_the_first_comes_back(guide):
    first, other = Visitor(small_run(), "recorded"), Visitor(small_run(prompt="else ?"), "recorded")
    answered = Progress(step=1).answered(first.run, 0, 1, True)
    assert shown(guide, other, answered)["questions"][0]["verdict"] is None
    elsewhere = dataclasses.replace(answered, step=2)
    assert shown(guide, first, elsewhere)["questions"][0]["verdict"] is None
    _, back = looked_up(guide, {"step": 1}, first, elsewhere)
    assert shown(guide, first, back)["questions"][0]["verdict"] is not None


def test_a_lesson_closed_half_way_is_gone_on_with_and_a_finished_one_begins_anew(guide):
    visitor = Visitor(small_run(), "recorded")
    answered = Progress(step=1).answered(visitor.run, 0, 1, True)
    closed, told = closed_with(guide, {"finished": False}, answered)
    assert told is None
    assert shown(guide, visitor, closed) is None
    _, left = looked_up(guide, {"query": "k=1"}, visitor, answered)
    for away in (closed, left):
        _, back = looked_up(guide, {"step": 1}, visitor, away)
        assert shown(guide, visitor, back)["questions"][0]["given"] == 1
    assert closed_with(guide, {"finished": True}, answered)[0] == Progress()


def test_a_prediction_waits_for_the_visitors_own_run():
    number = STEPS.index(by_name("break")) + 1
    recorded, own = Visitor(small_run(), "recorded"), Visitor(small_run(prompt="else ?"), "live")
    predicted = Progress(step=number).answered(recorded.run, 0, 0, True)
    waits = show_step(predicted, recorded)
    assert waits["questions"][0]["verdict"] is None
    assert waits["problem"] == text.OWN_RUN_FIRST
    assert waits["about"] is None, "the picture of the last step is not what is asked about"
    shown = show_step(predicted, own)
    assert shown["questions"][0]["verdict"]["because"]
    assert shown["about"]["prompt"] == "else ?"
    third = Visitor(small_run(prompt="and now ?"), "live")
    results = [show_step(predicted, each)["result"] for each in (recorded, own, third)]
    assert results[0] is None, "nothing has been run yet"
    assert results[1]["focus"] == results[2]["focus"] == "#workbench .answers"
    assert results[1]["run"] != results[2]["run"], "each run brings its own answers into view"
    assert show_step(Progress(step=1), own)["result"] is None


def test_the_answers_of_the_summary_outlive_any_run():
    progress = Progress(step=len(STEPS)).answered(small_run(), 0, 1, True)
    shown = show_step(progress, Visitor(small_run(prompt="else ?"), "live"))
    assert shown["questions"][0]["given"] == 1


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_step_says_which_picture_and_question_it_is_about(example):
    shown = show_step(Progress(step=1), Visitor(example.run, "recorded", str(example.image)))
    assert shown["about"]["prompt"] == example.prompt
    assert shown["about"]["picture"].startswith("data:image/webp;base64,")
    assert len(shown["about"]["picture"]) < 8_000


@pytest.mark.parametrize(("file", "sentences"), [("lesson.js", text.LESSON), ("share.js", SHARE)])
def test_a_script_asks_for_the_sentences_that_there_are(file, sentences):
    assert set(re.findall(r"\bwords\.(\w+)", read(file))) == set(sentences)
