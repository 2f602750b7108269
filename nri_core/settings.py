"""Every setting of a model and of its training, with its range: forms, command line, config files and tests read them here."""

import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_EDGE_TYPES = 10
MOST_SETS = 4096  # of incoming edges of one node that are summed over: 13 nodes with two types
ADDITIVE_DECODERS = ("relative", "phase", "mlp")
UNREAD = ("full_graph", "empty_graph")  # objectives under which no graph is inferred
WITHOUT_GRAPH = ("lstm", "joint_lstm")  # predict without any graph


class ModelSettings(BaseModel):
    """The parts of a model and their sizes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    num_edge_types: int = Field(2, ge=2, le=MOST_EDGE_TYPES, description="Number of edge types, “no interaction” included")
    skip_first: bool = Field(True, description="The first edge type sends no message: it means “no interaction”")
    undirected: bool = Field(True, description="Both directions of a pair have the same edge type")
    edge_prior: tuple[float, ...] = Field((), max_length=MOST_EDGE_TYPES, description="Prior share of each edge type; empty: all alike")
    encoder: Literal["edgewise", "phase", "mlp", "cnn", "none"] = Field(
        "edgewise", description="Network that reads the graph from the trajectories; mlp and cnn are the paper's"
    )
    encoder_hidden: int = Field(32, ge=4, le=1024, description="Width of the encoder")
    encoder_dropout: float = Field(0.0, ge=0, lt=1, description="Share of hidden units that the mlp and cnn encoders drop while training")
    factor_graph: bool = Field(True, description="Let the mlp and cnn encoders pass messages between edges once (the paper's factor graph)")
    decoder: Literal["relative", "phase", "mlp", "rnn", "simulated", "lstm", "joint_lstm", "none"] = Field(
        "relative", description="Predicts the next frame from a graph; mlp and rnn are the paper's, simulated is the true law, the lstm ones see no graph"
    )
    decoder_hidden: int = Field(32, ge=4, le=1024, description="Width of the decoder")
    likelihood: Literal["student_t", "gaussian", "scaled"] = Field(
        "student_t", description="Distribution of the prediction error; gaussian is the paper's, scaled measures it against the typical change of each feature"
    )
    forecaster: Literal["none", "stepped"] = Field(
        "none", description="A second decoder for forecasts, under the graph that the first one reads: stepped learns a law of force and takes small steps"
    )
    forecast_members: int = Field(8, ge=1, le=100, description="Paths from nearly equal starts that a stepped forecast averages: the mean where motion is chaotic")
    law: Literal["springs", "charged", "kuramoto"] = Field("springs", description="Law of the simulated decoder, with the reference's constants")
    law_steps: int = Field(10, ge=1, le=1000, description="Inner steps of the simulated decoder in each frame")

    @property
    def additive(self) -> bool:
        """Whether messages add up at a node and nothing is remembered: then sums over graphs are tables."""
        return self.decoder in ADDITIVE_DECODERS

    @property
    def remembers(self) -> bool:
        """Whether the decoder carries a memory from frame to frame, and so wants a burn-in."""
        return self.decoder in ("rnn", *WITHOUT_GRAPH)

    @property
    def prior(self) -> tuple[float, ...]:
        """Prior probability of each edge type."""
        return self.edge_prior or (1 / self.num_edge_types,) * self.num_edge_types

    @model_validator(mode="after")
    def _prior_fits(self) -> Self:
        shares = self.edge_prior
        if shares and (len(shares) != self.num_edge_types or min(shares) <= 0 or not math.isclose(sum(shares), 1, abs_tol=1e-6)):
            raise ValueError(f"edge_prior: expected {self.num_edge_types} shares above 0 that add up to 1, or none; found {shares}")
        return self


class TrainConfig(ModelSettings):
    """A recipe: the model, what to minimise, and for how long. The defaults are the `live` preset."""

    objective: Literal["distilled", "marginal", "elbo", "supervised", "true_graph", "full_graph", "empty_graph"] = Field(
        "distilled",
        description="What training minimises: elbo is NRI; marginal sums over graphs without an encoder; distilled also teaches an encoder. "
        "Baselines: supervised (encoder, labels), true_graph (decoder, labels), full_graph (decoder, every pair alike), empty_graph (decoder, nobody acts on anybody)",
    )
    inference: Literal["decoder", "law", "encoder", "none"] = Field(
        "decoder", description="How the graph is read: through the decoder, then once more through the forecaster's law, by the encoder alone, or not at all"
    )
    normalization: Literal["standard", "unit"] = Field("standard", description="Unit variance, or the reference's range from −1 to 1")
    symmetries: bool = Field(True, description="Mirror and swap the axes at random while training (assumes a square box or open space)")
    window: int = Field(49, ge=3, le=10_000, description="Frames that inference reads; training uses the first frames of longer data")
    batch_size: int = Field(16, ge=1, le=4096, description="Simulations in one step of the optimiser")
    epochs: int = Field(90, ge=1, le=1_000_000, description="Number of reports; the learning rate follows the share of them that is done")
    epoch_size: int = Field(256, ge=1, le=10_000_000, description="Simulations drawn between two reports")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Largest step size of Adam")
    schedule: Literal["cosine", "halving"] = Field("cosine", description="Warm up, then down to 0; or halve at 40 % and 80 % of the epochs")
    keep_best: bool = Field(False, description="Keep the model of the epoch with the lowest validation loss rather than the last")
    temperature: float = Field(0.5, gt=0, le=10, description="Temperature of the Gumbel-softmax samples (elbo)")
    hard: bool = Field(False, description="Straight-through samples: one-hot forward, soft gradient (elbo)")
    prediction_steps: int = Field(10, ge=1, le=1000, description="Frames predicted before the true state is given again (elbo)")
    burn_in: int = Field(39, ge=1, le=10_000, description="True frames given to a decoder with memory before it runs alone")
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32", description="Arithmetic of the matrix products while training: tf32 and bf16 are faster on a GPU that has them, and rougher"
    )
    threads: int = Field(1, ge=0, le=256, description="CPU threads; 0: one for each core. Small models gain little from more than one")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same seed gives the same run")
    max_seconds: float | None = Field(None, gt=0, le=10_000_000, description="Time limit of the training; the learning rate follows it")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        objective, encoder, decoder = self.objective, self.encoder, self.decoder
        _require((encoder == "none") == (objective in ("marginal", "true_graph", *UNREAD)), f"the objective {objective} goes with "
                 f"{'no encoder' if encoder != 'none' else 'an encoder'}; found encoder {encoder}")  # fmt: skip
        _require((decoder == "none") == (objective == "supervised"), f"decoder none goes with the objective supervised and no other; found {decoder}")
        _require(self.additive or objective not in ("marginal", "distilled"), f"the objective {objective} sums over graphs, which needs a decoder of "
                 f"{', '.join(ADDITIVE_DECODERS)}; found {decoder}. Choose the elbo objective")  # fmt: skip
        _require(decoder not in WITHOUT_GRAPH or objective in UNREAD, f"the decoder {decoder} sees no graph: choose the objective full_graph")
        _require(decoder != "simulated" or objective in ("elbo",), "the simulated decoder has nothing to learn: choose the objective elbo, for its encoder")
        _require((self.inference == "none") == (objective in UNREAD), "inference none goes with the objectives full_graph and empty_graph and no other")
        _require(self.inference != "encoder" or encoder != "none", "there is no encoder to read the graph: choose inference by the decoder")
        _require(self.inference != "law" or self.forecaster != "none", "inference law reads through a forecaster: choose the forecaster stepped, or inference "
                 "decoder")  # fmt: skip
        _require(self.inference not in ("decoder", "law") or self.additive, f"the graph is read through decoders of {', '.join(ADDITIVE_DECODERS)} only: "
                 "choose inference by the encoder")  # fmt: skip
        _require(self.forecaster == "none" or objective in ("distilled", "marginal"), f"the forecaster {self.forecaster} learns under the graph of the "
                 f"objectives distilled and marginal; found {objective}. Choose forecaster none")  # fmt: skip
        _require(not self.remembers or self.burn_in < self.window, f"expected a burn-in below the window of {self.window} frames; found {self.burn_in}")
        return self


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


PRESETS: dict[str, TrainConfig] = {
    # What learns on a laptop: relative decoder, heavy-tailed likelihood, sum over graphs, encoder distilled from it.
    "live": TrainConfig(),
    # The reference's recipe: 500 passes over 50,000 simulations, reported every 1,280; Adam 5e-4, halved every 200 passes.
    # The silent first type is an option of the reference that its springs need to leave 70 % reliably.
    "paper": TrainConfig(
        undirected=False,
        encoder="mlp",
        encoder_hidden=256,
        decoder="mlp",
        decoder_hidden=256,
        likelihood="gaussian",
        objective="elbo",
        inference="encoder",
        normalization="unit",
        symmetries=False,
        batch_size=128,
        epochs=19_532,
        epoch_size=1280,
        learning_rate=5e-4,
        schedule="halving",
        keep_best=True,
        threads=0,
    ),
}


PLANE = ("x", "y", "vx", "vy")  # what the edgewise encoder and the relative decoder read; z and vz besides, where both are there
PHASES = ("dphi", "sin_phi", "omega")  # what the phase ones read; a phase, where there is none, is rebuilt from its sine


def suited(config: TrainConfig, edge_type_names: tuple[str, ...], feature_names: tuple[str, ...] = ()) -> TrainConfig:
    """The recipe with what the names tell: how many edge types, whether the first means no interaction, and parts that read the features.

    Nothing of which pair has which type. Data without names leave the recipe as it is.
    """
    changes: dict[str, object] = {}
    if edge_type_names:
        changes = {"num_edge_types": min(len(edge_type_names), MOST_EDGE_TYPES), "skip_first": edge_type_names[0] == "none"}
    if "z" in feature_names:
        changes["symmetries"] = False  # in space one direction may be down
    moving = {*PLANE, "vz"} if "z" in feature_names else set(PLANE)
    if feature_names and not moving <= set(feature_names):
        part = "phase" if set(PHASES) <= set(feature_names) else "mlp"
        changes |= {"symmetries": False, "forecaster": "none"}
        if config.encoder == "edgewise":
            changes["encoder"] = part
        if config.decoder == "relative":
            changes["decoder"] = part
    return config.model_copy(update=changes)
