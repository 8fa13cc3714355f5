"""What fails in the machine, or is requested too often: rows of docs/hostile-input.md, each with
the test that proves it."""

from dataclasses import dataclass

from app.words import faults as text_faults
from app.words import page as text


@dataclass(frozen=True)
class Fault:
    """What happens to the server, what it does, and the test of it: a file below tests/app, and a
    function."""

    what: str
    happens: str
    file: str
    test: str


_LIMITS = {"most": "N", "seconds": "S"}

FAULTS = (
    Fault("memory runs out inside a layer or the vision tower, in any kind of run: PyTorch's (CPU, "
          "GPU), Python's, NumPy's",
          f"{text_faults.OUT_OF_MEMORY} Nothing is left on the model or in memory; the next run is "
          "the same bit for bit.",
          "test_memory.py", "test_a_job_that_finds_no_memory_says_so_and_leaves_nothing_behind"),
    Fault("the disk is full during an upload",
          f"Status 507: {text_faults.DISK_FULL} What was written of it is deleted.",
          "test_disk.py",
          "test_an_upload_and_a_report_that_find_no_room_are_refused_and_the_page_lives"),
    Fault("the disk is full when a run, a report, a table or a figure is saved, or a drawing is "
          "kept", text_faults.DISK_FULL,
          "test_disk.py", "test_every_failure_to_write_is_one_sentence"),
    Fault("the disk is read-only or broken, a folder is closed to the server",
          text_faults.DISK_CLOSED,
          "test_disk.py", "test_every_failure_to_write_is_one_sentence"),
    Fault("an upload is broken off", "What was written of it is deleted.",
          "test_disk.py", "test_an_upload_that_is_broken_off_leaves_nothing"),
    Fault("the folder for uploads (`GRADIO_TEMP_DIR`) is not there", "It is made, at the start and "
          "whenever it has vanished.",
          "test_disk.py", "test_the_folder_of_uploads_may_vanish_and_comes_again"),
    Fault("it cannot be made or written to", "The page does not start: … cannot be written to (…): "
          "set GRADIO_TEMP_DIR to a folder for uploads.",
          "test_disk.py", "test_without_a_folder_for_uploads_the_page_does_not_start"),
    Fault("the clock jumps by a day, forwards or back, during a run", "Nothing: seconds are taken "
          "from a clock that cannot jump.",
          "test_disk.py", "test_what_happens_does_not_depend_on_the_clock_of_the_wall"),
    Fault("a tab is closed, or a run cancelled, in the middle", "The next visitor's run begins.",
          "test_load.py", "test_who_leaves_in_the_middle_makes_room_for_the_next"),
    Fault("visitor follows visitor, some leave in the middle", "No type of object grows in number.",
          "test_load.py", "test_nothing_grows_when_visitor_follows_visitor"),
    Fault("more visitors at once than may wait", f"{text.QUEUE_IS_FULL} All others get the "
          "result of their own question.",
          "test_load.py", "test_visitors_get_their_own_results_and_the_rest_is_refused"),
    Fault("a visitor starts more runs than `VTW_RUNS_PER_MINUTE`",
          f"Status 429: {text_faults.TOO_OFTEN.format(**_LIMITS)}",
          "test_limits.py", "test_the_page_says_when_to_come_again_in_both_languages"),
    Fault("one network address starts ten times as many, however many sessions it opens",
          f"Status 429: {text_faults.TOO_OFTEN_HERE.format(**_LIMITS)}",
          "test_limits.py", "test_a_forged_address_is_not_believed"),
    Fault("more than `VTW_WAITING` runs of one visitor wait",
          f"Status 429: {text_faults.TOO_MANY_WAIT.format(**_LIMITS)}",
          "test_limits.py",
          "test_only_so_many_of_one_visitor_wait_and_a_full_queue_is_still_said"),
    Fault("a visitor saves or opens more files, a report among them, than `VTW_RUNS_PER_MINUTE`",
          f"Status 429: {text_faults.FILES_TOO_OFTEN.format(**_LIMITS)}",
          "test_limits.py",
          "test_an_address_may_begin_more_than_one_visitor_and_not_any_number"),
    Fault("more than `VTW_WAITING` files of one visitor wait",
          f"Status 429: {text_faults.TOO_MANY_FILES_WAIT.format(**_LIMITS)}",
          "test_limits.py", "test_files_and_reports_of_one_visitor_do_not_fill_the_queue"),
    Fault("one address uploads more often than `VTW_UPLOADS_PER_MINUTE`",
          f"Status 429: {text_faults.UPLOADS_TOO_OFTEN.format(**_LIMITS)}",
          "test_gate.py",
          "test_one_address_uploads_so_often_and_so_much_and_is_told_in_its_language"),
    Fault("one address uploads more than `VTW_UPLOAD_QUOTA_MB`",
          f"Status 429: {text_faults.UPLOADED_TOO_MUCH.format(**_LIMITS)}",
          "test_gate.py", "test_an_upload_that_does_not_tell_its_size_is_counted_while_it_comes"),
    Fault("visitors have opened runs that expand to more than 512 MB, or one address to half of it",
          text_faults.TOO_MUCH_OPENED,
          "test_opened_runs.py",
          "test_runs_that_were_opened_are_held_as_long_as_somebody_has_them"),
    Fault("the server is restarted, newer visitors take the room of a page, a page slept for hours",
          "The page is loaded again and says so; the visitor keeps picture and question, and the "
          "view that the address names.",
          "test_forgotten.py",
          "test_a_page_that_was_answered_before_is_known_until_newer_ones_take_its_room"),
    Fault("twenty visitors open the page at once", "Two pages are made at a time.",
          "test_page_making.py", "test_pages_are_made_two_at_a_time"),
    Fault("one address fills three quarters of the queue",
          f"Status 429: {text_faults.ADDRESS_WAITS}",
          "test_limits.py", "test_one_visitor_and_one_address_leave_room_in_the_queue"),
    Fault("a request says in X-Forwarded-For that it comes from elsewhere",
          "It is trusted only from a proxy that `FORWARDED_ALLOW_IPS` names; of a list, the last "
          "address that such a proxy wrote counts.",
          "test_limits.py", "test_a_forged_address_is_not_believed"),
    Fault("SIGTERM or SIGINT during a run", "Its visitor, waiting and further requests get: "
          f"{text.STOPPING} `/healthz` answers 503, stopping; the process ends "
          "with status 0.",
          "test_process.py", "test_a_stop_lets_everybody_know_and_the_process_go"),
    Fault("the same again", "The process ends at once.",
          "test_process.py", "test_a_second_signal_ends_it_at_once"),
    Fault("there is no network", "Nothing: with the embedded model no other machine is asked for "
          "or spoken to.",
          "test_process.py", "test_a_visit_a_run_and_a_comparison_speak_to_no_other_machine"),
)  # fmt: skip
