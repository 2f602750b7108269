"""From a recording to trajectories: what is found, what each fix does, what windows are cut."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_core.errors import DataError
from nri_core.holdout import split
from nri_core.importers import read
from nri_core.exporters.motion import motion_table
from nri_core.preparation import FIXES, Plan, diagnose, prepare, read_plan, suggest, to_trajectories
from nri_core.preparation.cutting import left_out, suggested_window
from nri_core.preparation.gaps import Gather, Interpolate, KeepComplete, Resample
from nri_core.preparation.motion import Centre, MarkJumps, MarkOutliers, Scale, Smooth, SwapBack, Velocities
from nri_core.preparation.parts import ChooseNodes, CutAtBreaks, DropConstant, DropTrials, SplitTrials, breaks
from nri_core.recording import Recording, Remark, Trial

NAMES = ("a", "b", "c")


def smooth_motion(frames: int = 60, seed: int = 0) -> np.ndarray:
    """Three nodes on circles of their own."""
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 4, frames)[:, None] + random.uniform(0, 6, 3)
    middle = np.array([[0, 0], [5, 0], [0, 5]])
    return middle + np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def recording(values: np.ndarray | None = None, *, trials: int = 12, times: np.ndarray | None = None) -> Recording:
    parts = [smooth_motion(seed=seed) if values is None else values.copy() for seed in range(trials)]
    return Recording(tuple(Trial(np.arange(len(part)) / 10 if times is None else times, part, str(number)) for number, part in enumerate(parts)), ("x", "y"), NAMES)


def codes(found: Recording, *, severity: str | None = None) -> set[str]:
    return {finding.code for finding in diagnose(found) if severity in (None, finding.severity)}


def test_windows_are_suggested_that_leave_no_recording_out_and_those_left_out_are_counted() -> None:
    parts = [Trial(np.arange(length) / 10, smooth_motion(seed=place)[:length], str(place)) for place, length in enumerate((24, 25, 25, 5))]
    found = Recording(tuple(parts), ("x", "y"), NAMES)
    assert suggested_window(found)[0] == 24
    assert left_out(found, 25) == "2 recordings shorter than a window of 25 frames are left out." and left_out(found, 5) == left_out(found, None) == ""
    assert set(to_trajectories(found, window=24).trials.tolist()) == {0, 1, 2} and left_out(found, 24).startswith("1 recording shorter")


def test_a_sound_recording_has_nothing_in_its_way() -> None:
    assert codes(recording()) == {"no velocities", "units"}
    assert codes(prepare(recording(), [Velocities(), Scale(factor=1, unit="m")])) == set()


def with_change(change: Callable[[np.ndarray], None], *, trials: int = 12) -> Recording:
    values = smooth_motion()
    change(values)
    return recording(values, trials=trials)


def lost(values: np.ndarray) -> None:
    values[20:24, 1] = np.nan


def late(values: np.ndarray) -> None:
    values[:40, 2] = np.nan


def still(values: np.ndarray) -> None:
    values[:, 1] = 1.0


def jumping(values: np.ndarray) -> None:
    values[30, 0] += 50.0


def exchanged(values: np.ndarray) -> None:
    values[30:, [0, 1]] = values[30:, [1, 0]]


TROUBLES = {
    "gaps": (lambda: with_change(lost), Interpolate),
    "come and go": (lambda: with_change(late), Gather),
    "constant nodes": (lambda: with_change(still), DropConstant),
    "jumps": (lambda: with_change(jumping), MarkJumps),
    "outliers": (lambda: with_change(jumping), MarkOutliers),
    "identity switches": (lambda: with_change(exchanged), SwapBack),
    "breaks": (lambda: recording(np.concatenate([smooth_motion(seed=1), smooth_motion(seed=5) + 20]), trials=1), CutAtBreaks),
    "missing frames": (lambda: recording(smooth_motion()[:40], times=np.delete(np.arange(41) / 10, 7)), Resample),
    "irregular sampling": (lambda: recording(smooth_motion()[:40], times=np.cumsum(np.random.default_rng(0).uniform(0.05, 0.2, 40))), Resample),
    "few trials": (lambda: recording(np.concatenate([smooth_motion()] * 5), trials=1), SplitTrials),
    "too short": (lambda: recording().with_trials((*recording().trials, recording().trials[0].part(slice(0, 9), name="short"))), DropTrials),
}


@pytest.mark.parametrize("code", TROUBLES)
def test_a_trouble_is_found_and_its_fix_mends_it(code: str) -> None:
    make, kind = TROUBLES[code]
    finding = next(finding for finding in diagnose(make()) if finding.code == code)
    fix = next(fix for fix in finding.fixes if isinstance(fix, kind))
    if kind is Gather:
        fix = Gather(nodes=2, length=20, stride=20)
    assert code not in codes(prepare(make(), [fix])), finding.sentence


def test_what_the_reader_noticed_is_told_until_something_is_done() -> None:
    noticed = recording().with_trials(recording().trials, remarks=(Remark("duplicate rows", "3 rows were there twice."),))
    assert "duplicate rows" in codes(noticed, severity="warning")


def test_a_node_that_comes_late_is_one_node_however_many_recordings_it_misses() -> None:
    told = next(finding.sentence for finding in diagnose(with_change(late)) if finding.code == "come and go")
    assert told.startswith("Nodes come and go: 1 of 3 is not there from start to end of every recording; between 2 and 3 are seen")
    alone = next(finding.sentence for finding in diagnose(with_change(late, trials=1)) if finding.code == "come and go")
    assert "1 of 3 is not there from start to end; between" in alone


def test_only_one_node_is_a_problem() -> None:
    assert "one node" in codes(recording().with_nodes([1]), severity="problem")


def test_interpolation_fills_short_gaps_only() -> None:
    values = smooth_motion()
    truth = values.copy()
    values[20:23, 1] = values[40:50, 1] = values[:2, 0] = np.nan
    (trial,) = Interpolate(longest=3).apply(recording(values, trials=1)).trials
    np.testing.assert_allclose(trial.values[20:23, 1], truth[20:23, 1], atol=0.02)
    assert np.isnan(trial.values[40:50, 1]).all() and np.isnan(trial.values[:2, 0]).all()
    np.testing.assert_array_equal(trial.values[:, 2], truth[:, 2])


def test_resampling_hits_the_lines_between_sightings() -> None:
    times = np.array([0.0, 0.1, 0.25, 0.3, 0.9])
    (trial,) = Resample(rate=20.0, longest=0.2).apply(recording(np.repeat(times, 6).reshape(5, 3, 2), trials=1, times=times)).trials
    seen = trial.times <= 0.3 + 1e-9
    np.testing.assert_allclose(trial.values[seen], np.repeat(trial.times[seen], 6).reshape(-1, 3, 2), atol=1e-12)
    assert np.isnan(trial.values[(trial.times > 0.31) & (trial.times < 0.89)]).all()  # nobody was seen for so long


def test_velocities_are_derivatives_and_never_cross_a_gap() -> None:
    values = smooth_motion(200)
    values[100:103, 1] = np.nan
    found = Velocities().apply(recording(values, trials=1))
    assert found.feature_names == ("x", "y", "vx", "vy")
    rates = found.trials[0].values[..., 2:]
    centre = np.array([[0, 0], [5, 0], [0, 5]])
    speed = 4 / 199 * 10
    x, y = np.moveaxis(values - centre, -1, 0)
    np.testing.assert_allclose(rates[1:99], np.stack([-speed * y, speed * x], -1)[1:99], atol=1e-3)
    assert np.isnan(rates[100:103, 1]).all() and not np.isnan(rates[99, 1]).any()


def test_smoothing_keeps_parabolas_and_lessens_noise() -> None:
    frames = np.arange(40.0)
    parabola = np.repeat(frames**2, 6).reshape(40, 3, 2)
    np.testing.assert_allclose(Smooth(frames=7, degree=2).apply(recording(parabola, trials=1)).trials[0].values, parabola, atol=1e-8)
    noise = np.random.default_rng(0).normal(size=(400, 3, 2))
    assert Smooth(frames=11, degree=1).apply(recording(noise, trials=1)).trials[0].values.std() < 0.5
    with pytest.raises(DataError, match="odd number"):
        Smooth(frames=6).apply(recording())


def test_exchanged_names_are_put_right() -> None:
    np.testing.assert_array_equal(SwapBack().apply(with_change(exchanged, trials=1)).trials[0].values, smooth_motion())


def test_centring() -> None:
    whole = Centre().apply(recording())
    np.testing.assert_allclose(np.mean([trial.values.mean((0, 1)) for trial in whole.trials], axis=0), 0, atol=1e-12)
    each = Centre(of="frame").apply(recording())
    np.testing.assert_allclose(each.trials[3].values.mean(1), 0, atol=1e-12)


def test_gathering_takes_those_who_are_there_and_closest() -> None:
    values = np.full((30, 4, 2), np.nan)
    values[:, 0], values[:, 1], values[:, 2] = 0.0, 1.0, 100.0
    values[10:, 3] = 2.0
    crowd = Recording((Trial(np.arange(30.0), values, "street"),), ("x", "y"), ("p", "q", "far", "late"))
    found = Gather(nodes=2, length=10, stride=10).apply(crowd)
    assert [trial.values[0, :, 0].tolist() for trial in found.trials] == [[0, 1], [0, 1], [0, 1]]
    assert {trial.source for trial in found.trials} == {"street"}
    assert Gather(nodes=3, length=10, stride=10).apply(crowd).trials[-1].values[0, :, 0].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="at most 4 are seen at once"):
        Gather(nodes=5, length=10, stride=10).apply(crowd)


def test_truth_and_bones_follow_the_chosen_nodes() -> None:
    edges = np.arange(9).reshape(3, 3) % 2
    known = Recording((Trial(np.arange(5.0), smooth_motion(5), "1", edges),), ("x", "y"), NAMES, ("none", "edge"), bones=((0, 2), (0, 1)))
    found = ChooseNodes(names=("c", "a")).apply(known)
    assert found.bones == ((1, 0),) and found.trials[0].edge_types.tolist() == [[edges[2, 2], edges[2, 0]], [edges[0, 2], edges[0, 0]]]


def test_windows_of_one_recording_are_held_out_together() -> None:
    data = to_trajectories(recording(), window=20, stride=10)
    assert data.values.shape == (12 * 5, 20, 3, 2) and data.dt == 0.1
    table = motion_table(data)
    window = table[(table.sim == 6) & (table.node == data.node_names[0])]
    assert window.time.iloc[0] == 0 and window["time in recording"].iloc[0] == pytest.approx(1.0) and set(window.recording) == {2}, "the second window of the second recording"
    train, valid = split(data)
    assert not set(train.trials.tolist()) & set(valid.trials.tolist()) and train.num_sims + valid.num_sims == 60


def test_parts_count_as_recordings_and_cut_out_stretches_do_not() -> None:
    one = recording(np.concatenate([smooth_motion()] * 3), trials=1)
    assert len(set(to_trajectories(SplitTrials(parts=4).apply(one), window=20).trials.tolist())) == 4
    values = np.concatenate([smooth_motion()] * 3)
    values[60, 1] = np.nan
    stretches = KeepComplete(shortest=20).apply(recording(values, trials=1))
    assert [trial.num_frames for trial in stretches.trials] == [60, 119]
    assert set(to_trajectories(stretches, window=20).trials.tolist()) == {0}


def test_recordings_in_a_row_are_cut_where_they_meet() -> None:
    row = recording(np.concatenate([smooth_motion(seed=1), smooth_motion(seed=5) + 20, smooth_motion(seed=2)]), trials=1)
    found = CutAtBreaks().apply(row)
    assert [trial.num_frames for trial in found.trials] == [60, 60, 60] and len({trial.source for trial in found.trials}) == 3
    np.testing.assert_array_equal(found.trials[1].values, smooth_motion(seed=5) + 20)
    paused = recording(smooth_motion()[:40], times=np.concatenate([np.arange(20.0), 1000 + np.arange(20.0)]), trials=1)
    assert [trial.num_frames for trial in CutAtBreaks(pause=100).apply(paused).trials] == [20, 20]
    assert suggest(paused).fixes[0].kind == "cut_at_breaks"  # resampled, it would be mostly empty
    with pytest.raises(DataError, match="at least 50 frames"):
        CutAtBreaks(pause=100, shortest=50).apply(paused)


def test_a_startled_school_is_no_break() -> None:
    values = smooth_motion()
    values[30:] += np.array([1.0, 0.5]) * np.clip(np.arange(30), 0, 6)[:, None, None]  # everybody darts off for six frames
    assert "breaks" not in codes(recording(values))


def test_what_is_suggested_is_done_in_an_order_that_holds() -> None:
    values = smooth_motion()
    values[30:, [0, 1]] = values[30:, [1, 0]]
    values[10:13, 2] = np.nan
    plan = suggest(recording(values))
    assert [fix.kind for fix in plan.fixes] == ["swap_back", "interpolate", "velocities"]
    smooth = prepare(recording(), [Velocities()]).trials[0].values
    np.testing.assert_allclose(prepare(recording(values), plan.fixes).trials[0].values, smooth, atol=0.05)


def test_velocities_of_positions_that_changed_since_are_told() -> None:
    late_fix = prepare(with_change(lost), [Velocities(), Interpolate()])
    assert "old velocities" in codes(late_fix, severity="warning")
    assert "old velocities" not in codes(prepare(late_fix, [Velocities()]))


def test_gaps_that_are_kept_are_marked() -> None:
    data = to_trajectories(with_change(lost), window=30)
    assert (~data.observed).sum() == 12 * 4 and np.isfinite(data.values[data.observed]).all()


REFUSALS = {
    "uneven": (lambda: TROUBLES["irregular sampling"][0](), {}, "Resample"),
    "lengths": (lambda: TROUBLES["too short"][0](), {}, "one length"),
    "too long": (recording, {"window": 61}, "at most 60 frames"),
    "all lost": (lambda: recording(np.full((60, 3, 2), np.nan)), {"window": 20}, "there is none"),
    "alone": (lambda: recording().with_nodes([1]), {"window": 20}, "at least 2 nodes"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_cannot_be_cut_is_said(what: str) -> None:
    make, options, words = REFUSALS[what]
    with pytest.raises(DataError, match=words):
        to_trajectories(make(), **options)


def test_a_plan_repeats_everything(tmp_path: Path) -> None:
    plan = Plan(fixes=(Interpolate(longest=4), Velocities()), window=20, stride=5)
    (path := tmp_path / "plan.json").write_text(plan.model_dump_json())
    assert read_plan(path) == plan
    first, second = (one.cut(prepare(with_change(lost), one.fixes)) for one in (plan, read_plan(path)))
    assert first.digest == second.digest
    assert [fix["kind"] for fix in first.metadata["preparation"]] == ["interpolate", "velocities"]
    path.write_text('{"fixes": [{"kind": "magic"}]}')
    with pytest.raises(DataError, match=r"fixes\.0"):
        read_plan(path)


def test_what_was_done_and_left_a_warning_is_not_suggested_again() -> None:
    mended = prepare(with_change(lost), [Interpolate(longest=1), Velocities()])
    assert "gaps" in codes(mended)
    assert not [fix for fix in suggest(mended).fixes if fix.kind in ("interpolate", "velocities")]


@pytest.mark.parametrize("code", TROUBLES)
def test_what_is_suggested_leads_to_trajectories(code: str) -> None:
    troubled = TROUBLES[code][0]()
    plan = suggest(troubled)
    plan.cut(prepare(troubled, plan.fixes))


def test_real_fish(shared_data: Path) -> None:
    fish = np.load(shared_data / "fish_trajectorytools" / "fish8_28fps.npy")
    found = Recording((Trial(np.arange(len(fish)) / 28, fish, "tank"),), ("x", "y"), tuple(map(str, range(8))))
    assert {"gaps", "few trials", "no velocities"} <= codes(found) and "outliers" not in codes(found)
    plan = suggest(found)
    data = plan.cut(prepare(found, plan.fixes))
    assert data.num_nodes == 8 and data.feature_names == ("x", "y", "vx", "vy") and len(set(data.trials.tolist())) == 10


@pytest.mark.slow
def test_real_pedestrians(shared_data: Path) -> None:
    found = read([shared_data / "eth_ucy_pedestrians" / "crowds_zara01.txt"])
    plan = suggest(found)
    assert [fix.kind for fix in plan.fixes][:3] == ["resample", "split_trials", "gather"]
    assert plan.cut(prepare(found, plan.fixes)).observed is None


@pytest.mark.slow
def test_real_plays_put_one_after_another(shared_data: Path) -> None:
    folder = shared_data / "nba_cle_starters"
    found = read([folder / "player_coords_val__with_4_games.npy"], options={"rate": 5.0})
    borders = set((np.load(folder / "example_stop_idxs_val__with_4_games.npy") + 1).tolist())
    (cuts,) = breaks(found)
    assert len(cuts) >= 40 and set(cuts) <= borders  # the other plays go on from where the last one ended
    assert suggest(found).fixes[0].kind == "cut_at_breaks"


def test_real_walk_with_a_toe_that_jumps(shared_data: Path) -> None:
    walk = read([shared_data / "cmu35_official" / name for name in ("35.asf", "35_01.amc")])
    (jump,) = [finding for finding in diagnose(walk) if finding.code == "jumps"]
    assert "ltoes moves at 14.3 m a second at time 0.825 of recording 35_01" in jump.sentence


GAPPY = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2)), max_size=60)
STEPS = st.lists(
    st.sampled_from([Interpolate(), Velocities(), Smooth(), Centre(), Centre(of="frame"), SwapBack(), MarkOutliers(), MarkJumps(speed=30), Scale(factor=2), Resample(rate=7)]),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(gaps=GAPPY, fixes=STEPS)
def test_fixes_never_invent_or_change_what_they_are_given(gaps: list[tuple[int, int]], fixes: list) -> None:
    values = smooth_motion(40)
    for frame, node in gaps:
        values[frame, node] = np.nan
    given_recording = recording(values, trials=2)
    before = [trial.values.copy() for trial in given_recording.trials]
    found = prepare(given_recording, fixes)
    for trial, copy in zip(given_recording.trials, before, strict=True):
        np.testing.assert_array_equal(trial.values, copy)
    assert found.metadata.get("preparation", []) == [fix.model_dump(mode="json") for fix in fixes]
    for trial in found.trials:  # nobody appears where nobody was seen at all
        assert not trial.seen[:, ~given_recording.trials[0].seen.any(0)].any()
    diagnose(found)


def test_every_fix_says_what_it_is() -> None:
    for kind, fix in FIXES.items():
        assert fix.title and fix.__doc__ and fix.model_fields["kind"].default == kind
