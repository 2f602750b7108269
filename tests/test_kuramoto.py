"""Oscillators: the law written out, phase locking, and the paper's features."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from nri_core.command_line import main
from nri_core.errors import DataError
from nri_core.systems import Kuramoto, Simulation, Springs, couplings, simulate
from nri_core.systems.kuramoto import paper_features
from nri_core.trajectories import Trajectories


def test_two_oscillators_lock_exactly_if_their_frequencies_differ_by_less_than_twice_the_coupling() -> None:
    """ψ = φ_0 − φ_1 obeys dψ/dt = Δω − 2k sin ψ: rest at sin ψ = Δω / 2k, or drift at the mean rate √(Δω² − 4k²)."""
    coupling, differences = 0.8, torch.tensor([0.0, 0.5, 1.55, 1.7, 2.5, 6.0], dtype=torch.float64)
    omega = torch.stack([3 + differences, torch.full_like(differences, 3)], dim=1)
    state = torch.stack([omega, omega, torch.zeros_like(omega), omega], dim=-1)
    pairs = coupling * (1 - torch.eye(2, dtype=torch.float64)).expand(len(differences), 2, 2)
    system = Kuramoto(coupling=coupling)
    before = system.advance(state, pairs, num_steps=600, time_step=0.1)
    after = system.advance(before, pairs, num_steps=1000, time_step=0.1)
    gap, duration = after[:, 0] - after[:, 1], 100.0
    locked = differences < 2 * coupling
    assert gap[locked, 0].abs().max() < 1e-8
    assert torch.allclose(gap[locked, 2].sin(), differences[locked] / (2 * coupling), atol=1e-8)
    rate = (gap[:, 2] - before[:, 0, 2] + before[:, 1, 2]) / duration
    expected = (differences.square() - 4 * coupling**2).clamp(min=0).sqrt()
    assert ((rate - expected).abs() < 2 * np.pi / duration).all()  # at most one turn is incomplete
    assert (rate[~locked] > 0.5).all()


def test_strongly_coupled_oscillators_all_run_at_their_mean_frequency() -> None:
    generator = torch.Generator().manual_seed(0)
    system = Kuramoto(coupling=10, probability=1)
    pairs = couplings(system, system.draw_edges(8, 10, generator))
    after = system.advance(system.draw_start(8, 10, generator), pairs, num_steps=500)
    assert torch.allclose(after[..., 0], after[..., 3].mean(1, keepdim=True).expand(-1, 10), atol=1e-9)


def test_mutual_coupling_keeps_the_mean_rate() -> None:
    """sin(φ_j − φ_i) is odd, so what one gains another loses: Σ dφ = Σ ω, at every frame."""
    data = simulate(Kuramoto(), Simulation(num_sims=100, num_nodes=7))
    assert np.allclose(data.values[..., 0].sum(-1), data.values[..., 3].sum(-1), atol=1e-12)
    assert np.allclose(np.diff(data.values[..., 2].sum(-1), axis=1), 0.1 * data.values[:, 1:, :, 3].sum(-1), atol=1e-10)


def test_oscillators_have_the_rates_of_the_law_at_each_frame() -> None:
    """Written out pair by pair, without the angle-addition identity."""
    data = simulate(Kuramoto(coupling=0.7, directed=True), Simulation(num_sims=20, seed=4))
    rate, sine, phase, omega = np.moveaxis(data.values, -1, 0)
    pulls = np.sin(phase[:, :, None, :] - phase[:, :, :, None])  # [sim, time, receiver, sender]
    assert np.allclose(rate, omega + 0.7 * (data.edge_types[:, None] * pulls).sum(-1), atol=1e-12)
    assert np.allclose(sine, np.sin(phase)) and phase.max() > 2 * np.pi  # not wrapped
    assert 1 <= omega.min() < 1.3 and 9.7 < omega.max() < 10 and (np.ptp(omega, axis=1) == 0).all()


def test_paper_features_fill_their_range_for_each_oscillator_and_match_the_option() -> None:
    size = Simulation(num_sims=100, num_steps=99)
    data = simulate(Kuramoto(), size)
    seen = paper_features(data)
    assert np.array_equal(seen.values, simulate(Kuramoto(features="paper"), size).values)
    assert seen.feature_names == ("dphi", "sin_phi", "omega") and np.array_equal(seen.edge_types, data.edge_types)
    rate, sine, omega = np.moveaxis(seen.values, -1, 0)
    coupled = data.edge_types.any(-1)
    assert not coupled.all() and (rate.swapaxes(1, 2)[~coupled] == 0).all()
    assert np.allclose(rate.min(1)[coupled], -1) and np.allclose(rate.max(1)[coupled], 1)
    order = np.argsort(data.values[..., 0], axis=1)
    assert (np.diff(np.take_along_axis(rate, order, axis=1), axis=1) >= 0).all()  # scaled, not shuffled
    assert np.array_equal(sine, data.values[..., 1]) and np.allclose(omega, (data.values[..., 3] - 1) * 2 / 9 - 1)


@pytest.mark.parametrize("directed", [False, True])
def test_the_label_leak_silences_exactly_the_oscillators_that_nothing_acts_on(directed: bool) -> None:
    """Under noise their rate would look like any other."""
    law, size = {"features": "paper", "noise": 0.1, "directed": directed}, Simulation(num_sims=100)
    told, untold = (simulate(Kuramoto(**law, label_leak=leak), size) for leak in (True, False))
    isolated = ~told.edge_types.any(-1)
    rate, free = (data.values[..., 0].swapaxes(1, 2) for data in (told, untold))
    assert isolated.any() and (rate[isolated] == 0).all() and np.allclose(free[isolated].max(-1), 1)
    assert np.array_equal(rate[~isolated], free[~isolated])
    assert np.array_equal(told.values[..., 1:], untold.values[..., 1:])


def test_paper_features_scale_by_what_was_observed() -> None:
    data = simulate(Kuramoto(probability=1), Simulation(num_sims=2))
    observed = np.ones(data.values.shape[:3], dtype=bool)
    observed[:, 10:] = False
    values = np.where(observed[..., None], data.values, np.nan)
    part = paper_features(Trajectories(values=values, feature_names=data.feature_names, observed=observed))
    assert np.array_equal(part.values[:, :10], paper_features(data.select(slice(None), frames=slice(0, 10))).values)


def test_paper_features_need_their_features_and_a_leak_needs_labels() -> None:
    with pytest.raises(DataError, match="Expected the features dphi"):
        paper_features(simulate(Springs(), Simulation(num_sims=1)))
    data = simulate(Kuramoto(), Simulation(num_sims=1))
    unlabelled = Trajectories(values=data.values, feature_names=data.feature_names)
    with pytest.raises(DataError, match="Leave label_leak off"):
        paper_features(unlabelled, label_leak=True)
    with pytest.raises(ValidationError, match="label_leak belongs to the paper"):
        Kuramoto(label_leak=True)


def test_the_command_line_takes_choices_and_switches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "data.npz"
    law = ["--features", "paper", "--label-leak", "true", "--directed", "yes", "--noise", "0.1", "--coupling", "0.5"]
    assert main(["simulate", "kuramoto", *law, "--num-sims", "3", "--seed", "2", "--out", str(out)]) == 0
    system = Kuramoto(features="paper", label_leak=True, directed=True, noise=0.1, coupling=0.5)
    assert Trajectories.load(out).digest == simulate(system, Simulation(num_sims=3, seed=2)).digest
    assert main(["simulate", "kuramoto", "--label-leak", "true", "--out", str(out)]) == 2
    assert "choose features paper" in capsys.readouterr().err
    assert main(["simulate", "kuramoto", "--directed", "maybe", "--out", str(out)]) == 2
    assert "--directed" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        main(["simulate", "kuramoto", "--help"])
    assert "true, false; default: false" in " ".join(capsys.readouterr().out.split())
