"""What TensorBoard is told of trials."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tagsearch.records import State, TrialResult, write_spec
from tagsearch.search.tensorboard import TensorBoard
from tests.fake_trial import specs, tiny_study


def test_a_trial_that_is_given_up_before_it_has_begun_is_shown_with_its_end(tmp_path: Path) -> None:
    (spec,) = specs(tiny_study(), 1, epochs=1)
    folder = tmp_path / "confirm" / spec.name
    write_spec(folder, spec)
    TensorBoard(tmp_path).trial_ended(spec, TrialResult(state=State.FAILED, stop_reason="error"))
    events = EventAccumulator(str(folder)).Reload()
    plugins = events.PluginTagToContent("hparams")
    assert {"_hparams_/session_start_info", "_hparams_/session_end_info"} <= set(plugins)
