"""The tour: one idea a screen. Each lesson is a module here whose `show(stage, side)` draws what is moved; what is said stands in this file. Loads no torch."""

import importlib
from dataclasses import dataclass

from streamlit.delta_generator import DeltaGenerator


@dataclass(frozen=True)
class Lesson:
    """What is said of one idea: the aim, what one should see, and a question with its answer."""

    name: str
    title: str
    aim: str
    see: str
    question: str
    answer: str
    moved: tuple[str, ...]  # names in the address of what there is to move
    further: tuple[str, str] | None = None  # a page, and what one can do there
    blind: bool = False  # whether `see` holds without the truth

    def show(self, stage: DeltaGenerator, side: DeltaGenerator) -> None:
        """Draw the player into `stage`, and what there is to move into `side`. Raises NRIError."""
        importlib.import_module(f"ui.lessons.{self.name}").show(stage, side)


LESSONS = (
    Lesson(
        "guessing",
        "Guess the hidden graph",
        "Invisible springs join some of these particles. Watch them, join the pairs that you think pull on each other, then press Done.",
        "Two paths that bend towards each other betray a spring. Paths that merely look alike do not: that is how correlation goes wrong.",
        "Why is this so hard by eye?",
        "Each particle feels all of its springs at once, and what one sees is their sum. The eye cannot take a sum apart. A model that must "
        "predict the motion has to: only the right springs add up to it, at every moment.",
        ("hidden_system", "differences"),
        blind=True,
    ),
    Lesson(
        "physics",
        "Looking alike is not acting on each other",
        "Four ways to read the same motion without a neural network. Let each of them see more frames or fewer: who gains by it?",
        "Hardly anybody: what counts is knowing the law. Correlation stays near a coin toss, however long it looks. Regression on the right law needs a few frames; on a wrong law it goes wrong, and nothing warns you.",
        "If knowing the law works so well, why learn anything?",
        "Because the law is seldom known: fish, players and genes come without an equation. NRI learns how a pair acts and who acts on whom at the "
        "same time, from motion alone. Where the law is known, as here, it is the yardstick.",
        ("way_read", "frames_read", "read_system"),
    ),
    Lesson(
        "without_labels",
        "How a graph is found without labels",
        "Nobody told this model who is joined. It can only predict, under any graph that you draw: join pairs, and try to make the motion come true.",
        "The right pairs together leave hardly any of the motion unexplained, and the dashed forecast falls in line with what happens. Of all 1,024 graphs the hidden one predicts best.",
        "And where do encoder and decoder come in?",
        "The decoder is what you just used: it predicts under a graph. The encoder is a second network that looks at the motion and names a graph "
        "at once, so that nobody has to try them all. Both learn together, and the only reward is that the motion is predicted well.",
        ("search_system", "search_truth"),
        ("inside", "See encoder and decoder from inside"),
        blind=True,
    ),
    Lesson(
        "degenerate",
        "A graph that says nothing",
        "One model learned to predict a single frame at a time; the other is the one that Explore shows. Give each another system's graph, and look further ahead.",
        "The first beats the guess that nothing moves, yet calls all pairs alike: one graph for all, as good as a coin toss, and another system's changes nothing. The other needs its own.",
        "How can a model predict well and know nothing about the graph?",
        "From one frame to the next a particle does little more than keep its speed; what springs add is small. To call all pairs alike, and let everybody pull a "
        "little, costs next to nothing: training can settle there, in a “degenerate” graph. Over many frames on its own predictions it grows expensive: see the "
        "curve. That is why NRI trains on ten frames in a row. (The model of Explore weighs all graphs against each other from the start.)",
        ("listener", "given", "ahead", "listening_system"),
    ),
    Lesson(
        "kinds",
        "How many kinds of edge?",
        "These springs are weak or strong, or there is none: three kinds. Let the model use two, three or four, and see what it makes of them.",
        "With two kinds it has one word too few, and counts the weak springs as none. With three it finds them all, with four it leaves one word unused.",
        "Why do its kinds have numbers, and not names?",
        "A model without labels can tell that some pairs act alike, but not that people call that “strong spring”. Its type 1 may be our type 2. So its "
        "types are matched to the true ones as well as they can be, once for all systems, before counting: “up to relabelling”.",
        ("kinds_used", "kinds_system"),
        ("train", "Let held-out motion choose the number of kinds"),
    ),
    Lesson(
        "frames",
        "How long must one look?",
        "Choose how many frames the model sees, and how much noise lies on them. All is measured as you look.",
        "Without noise three frames are enough for the way through the decoder. With noise it takes more of them, the more the noisier they are, and few frames are a guess.",
        "How can three frames be enough?",
        "Five particles: each may be pulled by four others, four unknowns. From one frame to the next its velocity changes by two numbers, one along each "
        "axis; three frames make two changes, hence four equations. With noise, each equation is only roughly true, and it takes many.",
        ("frames_seen", "noise_seen", "way_seen", "seen_system"),
        ("compare", "Measure the same for another model"),
    ),
    Lesson(
        "charges",
        "Edges that hang together",
        "Every pair of charges attracts or repels. Read the pairs one by one, then let every particle have one charge that explains all of its pairs.",
        "One by one, triangles come out that no charges allow. With one charge for each particle such triangles cannot be, and on average more edges come right.",
        "Round a triangle of charges, how many pairs can attract?",
        "None or two, never one or three. Attraction means opposite signs; go round the triangle and you must come back to the sign you began with. "
        "The usual model treats edges as independent given the motion, and does not know that.",
        ("charged_particles", "charged_way", "charged_frames", "charged_system"),
    ),
    Lesson(
        "hidden",
        "What an edge does not say",
        "Six particles on springs, but the model sees only five. Choose who is hidden, and look at what the model makes of the others.",
        "Many pairs that share the hidden particle look joined and are not; elsewhere hardly any do. The model is often just as sure of them as of true edges: certainty does not warn you.",
        "Then what does an edge mean?",
        "That the past of one particle helps to predict the other, given everything that was seen. It becomes a claim about cause only if nothing "
        "that acts was left out. To know, one has to act: cut an edge, push a particle, and look.",
        ("unseen", "whole_truth", "hide_system"),
        ("what_if", "Act: cut an edge, move a particle"),
    ),
)
